//! The vials of the demonstration: what its wholesaler delivered, so that its venues have what they gave.

use std::collections::BTreeMap;

use anyhow::{Context, anyhow};
use domain::access::{self, Action, Place, Territory};
use domain::calendar::Day;
use domain::closings::Purpose;
use domain::deliveries::{Delivery, PaperNumber, Temperature};
use domain::stock::{Doses, Shelf, day_use};
use domain::vaccines::{Lot, ProductKey};
use store::Db;
use store::deliveries::{Receipt, open_at_venue, receive, register};
use store::recorder::Outside;
use store::stock::Act;

use super::doses::{Planned, TODAYS_PRODUCT, lot};
use super::fresh;
use super::lots::{TODAYS_LOT, last_days};
use super::organisations::Made;

/// Vials delivered beyond those that the doses of a lot need.
const SPARE_VIALS: i64 = 2;
/// Vials of today's lot at every venue.
const TODAYS_VIALS: i64 = 20;

/// What one venue needs of one lot, and from when on.
struct Need {
    first: Day,
    by_day: BTreeMap<Day, Doses>,
}

type Needs = BTreeMap<(usize, String, String), Need>;

fn needs(planned: &[Planned]) -> Needs {
    let mut needs = Needs::new();
    for dose in planned {
        let key = (dose.venue, dose.product.to_owned(), lot(dose));
        let need = needs.entry(key).or_insert_with(|| Need {
            first: dose.on,
            by_day: BTreeMap::new(),
        });
        need.first = need.first.min(dose.on);
        let doses = need.by_day.entry(dose.on).or_default();
        match Purpose::of_turn(dose.coupon.turn_digit) {
            Purpose::Primary => doses.primary += 1,
            Purpose::Booster => doses.booster += 1,
        }
    }
    needs
}

/// Delivers and receives what the planned doses need, and leaves a box of today's lot at the door of
/// every venue.
pub(super) async fn deliver(
    db: &Db,
    outside: &Outside,
    made: &Made,
    planned: &[Planned],
    today: Day,
) -> anyhow::Result<()> {
    let yesterday = today.plus_days(-1);
    let printed = last_days(planned, today);
    let expires_of = |product: &str, lot: &str| {
        let print = printed.get(&(product.to_owned(), lot.to_owned()));
        print.copied().context("a lot that nobody registered")
    };
    for (number, ((venue, product, lot), need)) in (1..).zip(needs(planned)) {
        let opened = need
            .by_day
            .iter()
            .map(|(on, doses)| day_use(&product, *on, *doses, None, true).opened);
        let vials = opened.sum::<i64>() + SPARE_VIALS;
        let told = Told {
            slip: format!("D-{number:05}"),
            venue,
            expires: expires_of(&product, &lot)?,
            product,
            lot,
            vials,
            on: need.first.plus_days(-1).min(yesterday),
        };
        told.register(db, outside, made).await?;
        told.receive(db, outside, made).await?;
    }
    for venue in 0..made.venues.len() {
        for (slip, is_received) in [("T", true), ("U", false)] {
            let told = Told {
                slip: format!("{slip}-{venue:05}"),
                venue,
                product: TODAYS_PRODUCT.to_owned(),
                lot: TODAYS_LOT.to_owned(),
                expires: expires_of(TODAYS_PRODUCT, TODAYS_LOT)?,
                vials: TODAYS_VIALS,
                on: yesterday,
            };
            told.register(db, outside, made).await?;
            if is_received {
                told.receive(db, outside, made).await?;
            }
        }
    }
    Ok(())
}

/// A delivery of one lot.
struct Told {
    slip: String,
    venue: usize,
    product: String,
    lot: String,
    expires: Day,
    vials: i64,
    on: Day,
}

impl Told {
    async fn register(&self, db: &Db, outside: &Outside, made: &Made) -> anyhow::Result<()> {
        let Territory::Company(id) = made.wholesaler.territory else {
            return Err(anyhow!("the wholesaler is no company"));
        };
        let place = Place::Company(id);
        let permit = access::permit(&made.wholesaler, Action::RegisterDelivery, place)
            .map_err(|_| anyhow!("the wholesaler may not deliver"))?;
        let venue = made.venues.get(self.venue).context("no such venue")?;
        let delivery = Delivery {
            slip: PaperNumber::parse(&self.slip)?,
            facility: venue.facility,
            order: None,
            product: ProductKey::parse(&self.product).context("no product")?,
            lot: Lot::parse(&self.lot)?,
            expires: self.expires,
            vials: self.vials,
            delivered_on: self.on,
            temperature: Temperature::Kept,
            note: String::new(),
        };
        register(db, &permit, &delivery, (outside.now)()).await?;
        Ok(())
    }

    async fn receive(&self, db: &Db, outside: &Outside, made: &Made) -> anyhow::Result<()> {
        let venue = made.venues.get(self.venue).context("no such venue")?;
        let permit = access::venue(&venue.operator, Action::KeepStock)
            .map_err(|_| anyhow!("{} may not keep its stock", venue.name))?;
        let open = open_at_venue(db, &permit).await?;
        let waiting = open.iter().filter(|one| one.slip == self.slip);
        for one in waiting.filter(|one| one.received.is_none()) {
            let receipt = Receipt {
                delivery: one.id,
                vials: one.shipped,
                shelf: Shelf::Frozen,
                began: None,
                note: String::new(),
            };
            let act = Act {
                id: fresh(outside),
                at: (outside.now)(),
            };
            receive(db, &permit, &receipt, act).await?;
        }
        Ok(())
    }
}
