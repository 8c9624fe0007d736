//! The check before the shot (接種前チェック): what the ledger and the registers know of a coupon and a lot.
//!
//! Asking is written down in the access log of the coupon's city before it is answered, whoever asks.

use std::collections::BTreeSet;

use domain::access::VenuePermit;
use domain::calendar::{Day, Instant};
use domain::checks::{Check, Question, check};
use domain::coupons::CouponNumber;
use domain::doses::{Circumstances, DoseId, Facts, Held, Route, route, turn_of};
use domain::lots::{self, Known};
use domain::places::{MunicipalityCode, Places};
use domain::stock::Goods;
use domain::vaccines::Vaccines;
use uuid::Uuid;

use crate::audit::{self, View};
use crate::cold_chain;
use crate::db::{Db, Tx, sql, transact};
use crate::error::Result;
use crate::recorder::known;
use crate::residents::is_protected;

/// The word of the access log for a check.
pub const VIEW: &str = "check";
/// Its purpose.
pub const PURPOSE: &str = "before-shot";

/// What a venue asks about: a dose that nobody has given yet.
#[derive(Clone)]
pub struct Asking {
    /// The row of the access log, in order of time.
    pub id: Uuid,
    /// When.
    pub at: Instant,
    /// The dose as it would be recorded.
    pub facts: Facts,
    /// The last day on the seal, where one was read.
    pub printed: Option<Day>,
}

/// The answer, and where the coupon leads.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The answer.
    pub check: Check,
    /// The turn it would be counted as.
    pub turn: u8,
    /// Where the coupon leads.
    pub route: Route,
}

/// Answers whether a dose may be given, and what recording it would be answered; the look is in the
/// access log, and the person among those who wait at the venue, before it is known.
///
/// # Errors
/// The database's.
pub async fn ask(db: &Db, permit: &VenuePermit, asking: &Asking) -> Result<Asked> {
    transact!(db, |tx| {
        let asked = answered(&mut tx, permit, asking).await?;
        if let Route::Coupon { city, number } = asked.route {
            look(&mut tx, permit, asking, (city, number)).await?;
            receive(
                &mut tx,
                permit,
                asking,
                (city, number),
                asked.check.colour.as_str(),
            )
            .await?;
        }
        asked
    })
}

/// What is answered, within a transaction; whoever shows it has written the look down.
pub(crate) async fn answered(tx: &mut Tx, permit: &VenuePermit, asking: &Asking) -> Result<Asked> {
    let today = asking.at.day_in_japan();
    let facts = &asking.facts;
    let route = route(&facts.line, permit.city(), Places::bundled());
    let (history, void_at) = known(tx, route).await?;
    let registered = crate::lots::found(tx, &facts.product, &facts.lot).await?;
    let registered = registered.map(|entered| entered.lot);
    let protected = match route {
        Route::Coupon { city, number } => is_protected(tx, city, number).await?,
        Route::Astray { .. } => false,
    };
    let turn = turn_of(&facts.line, &history);
    let dated = BTreeSet::from([(facts.venue, facts.given_on)]);
    let closed = crate::opening_days::closed(tx, &dated).await?;
    let around = Circumstances {
        today,
        route,
        venue_city: permit.city(),
        void_since: void_at.map(Instant::day_in_japan),
        lot: registered.as_ref().map_or_else(Known::default, |one| {
            let since = one.recall.as_ref().map(|recall| recall.since);
            let lot = (facts.product.as_str(), facts.lot.as_str());
            Known::of(lot, facts.given_on, one.expires, since)
        }),
        venue_closed: !closed.is_empty(),
    };
    let lot = lots::state(
        &facts.product,
        &facts.lot,
        registered.as_ref(),
        asking.printed,
        facts.given_on,
    );
    let goods = Goods {
        product: facts.product.clone(),
        lot: facts.lot.clone(),
    };
    let venue = permit.venue();
    let quarantine = cold_chain::quarantine_within(tx, venue, &goods, asking.at).await?;
    let lot = lot.at_venue(quarantine.filter(|one| one.since <= facts.given_on));
    let check = check(
        Question {
            history: &history,
            protected,
            dose: &not_given(facts, turn),
            around,
            lot,
        },
        Vaccines::bundled(),
    );
    Ok(Asked { check, turn, route })
}

/// The dose as a record that is none: every record of the coupon is another one and came before.
fn not_given(facts: &Facts, turn: u8) -> Held {
    Held {
        id: DoseId(Uuid::nil()),
        seq: i64::MAX,
        facts: Facts {
            turn,
            ..facts.clone()
        },
        voided: false,
        confirmed: false,
        blocked: false,
    }
}

async fn look(
    tx: &mut Tx,
    permit: &VenuePermit,
    asking: &Asking,
    (city, number): (MunicipalityCode, CouponNumber),
) -> Result<()> {
    let view = View {
        id: asking.id,
        at: asking.at,
        number: Some(number),
        view: VIEW.to_owned(),
        purpose: PURPOSE.to_owned(),
    };
    audit::look(tx, permit.actor(), city, &view).await
}

/// Puts the person among those checked at the venue today; whoever was so on earlier days is forgotten.
async fn receive(
    tx: &mut Tx,
    permit: &VenuePermit,
    asking: &Asking,
    (city, number): (MunicipalityCode, CouponNumber),
    colour: &str,
) -> Result<()> {
    let venue = || permit.venue().0.as_bytes().to_vec();
    let today = asking.at.day_in_japan().to_string();
    tx.query(sql!("DELETE FROM reception WHERE venue = $1 AND day < $2"))
        .bind(venue())
        .bind(today.clone())
        .run()
        .await?;
    tx.query(sql!(
        "INSERT INTO reception (venue, day, municipality, number, colour, at_micros)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (venue, day, municipality, number) DO UPDATE SET
             colour = excluded.colour, at_micros = excluded.at_micros"
    ))
    .bind(venue())
    .bind(today)
    .bind(city.as_str().to_owned())
    .bind(number.as_str().to_owned())
    .bind(colour.to_owned())
    .bind(asking.at.micros())
    .expect(1)
    .await
}
