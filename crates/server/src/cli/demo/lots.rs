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
const GOOD_MONTHS: i32 = 9;

/// The last day of every lot of the planned doses, and of the one to be given today, by product and number: whoever
/// registers or delivers a lot reads the same print.
pub(super) fn last_days(planned: &[Planned], today: Day) -> BTreeMap<(String, String), Day> {
    let todays = ((TODAYS_PRODUCT.to_owned(), TODAYS_LOT.to_owned()), today);
    let mut first_given = BTreeMap::from([todays]);
    for dose in planned {
        let first = first_given
            .entry((dose.product.to_owned(), lot(dose)))
            .or_insert(dose.on);
        *first = dose.on.min(*first);
    }
    let last = |first: Day| first.plus_months(GOOD_MONTHS);
    first_given
        .into_iter()
        .map(|(which, first)| (which, last(first)))
        .collect()
}

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
    for ((product, number), expires) in last_days(planned, today) {
        let registered = RegisteredLot {
            product: ProductKey::parse(&product).ok_or_else(|| anyhow!("{product} is no key"))?,
            lot: Lot::parse(&number)?,
            expires,
            recall: None,
        };
        let act = (fresh(outside), (outside.now)());
        store::lots::keep(db, &permit, &registered, Some(0), act).await?;
    }
    Ok(())
}
