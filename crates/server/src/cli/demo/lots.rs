//! The lots of the demonstration in the nation's register, so that its checks before the shot can be green.

use std::collections::BTreeMap;

use anyhow::anyhow;
use domain::access::{self, Action, Place};
use domain::calendar::Day;
use domain::lots::RegisteredLot;
use domain::vaccines::{Lot, ProductKey};
use store::Db;
use store::recorder::Outside;

use super::doses::{Planned, TODAYS_PRODUCT, lot};
use super::fresh;
use super::organisations::Made;

/// The lot to try the day's settings with.
pub(super) const TODAYS_LOT: &str = "FL4205";
/// Months that a lot is good after it was first given, by its print.
pub(super) const GOOD_MONTHS: i32 = 9;

/// Enters every lot of the planned doses, and one to be given today.
pub(super) async fn enter(
    db: &Db,
    outside: &Outside,
    made: &Made,
    planned: &[Planned],
    today: Day,
) -> anyhow::Result<()> {
    let permit = access::permit(&made.nation, Action::KeepLots, Place::Nation)
        .map_err(|_| anyhow!("the nation may not keep its lots"))?;
    let mut first_given: BTreeMap<(String, String), Day> = BTreeMap::new();
    first_given.insert((TODAYS_PRODUCT.to_owned(), TODAYS_LOT.to_owned()), today);
    for dose in planned {
        let first = first_given
            .entry((dose.product.to_owned(), lot(dose)))
            .or_insert(dose.on);
        *first = dose.on.min(*first);
    }
    for ((product, number), first) in first_given {
        let registered = RegisteredLot {
            product: ProductKey::parse(&product).ok_or_else(|| anyhow!("{product} is no key"))?,
            lot: Lot::parse(&number)?,
            expires: first.plus_months(GOOD_MONTHS),
            recall: None,
        };
        let act = (fresh(outside), (outside.now)());
        store::lots::keep(db, &permit, &registered, Some(0), act).await?;
    }
    Ok(())
}
