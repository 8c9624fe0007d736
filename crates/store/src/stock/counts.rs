//! Doses as monitors and the cumulative reports (累計報告) count them: by the day they were given, and by the day on
//! which they came to the ledgers or were taken back. Both follow from the ledgers with the used vials, in one
//! transaction (`uses.rs`).

use std::collections::BTreeMap;

use domain::access::OrganisationId;
use domain::calendar::{Day, Instant};
use domain::cumulative_reports::counts_on;
use domain::stock::Doses;

use super::sums::{Homes, Words, homes, told};
use super::uses::{Drawn, Key};
use crate::db::{Table, Tx, sql};
use crate::error::Result;

/// The nation, among places.
pub(crate) const NATION: &str = "JP";
/// Letters of a code that say the prefecture.
const PREFECTURE_LETTERS: usize = 2;

/// What entries say anew of doses, one by one: a dose that was recorded on one day and taken back on another
/// counts on both, however many entries are read in one step.
#[derive(Default)]
pub(super) struct Counted {
    /// By venue, product, turn and the day of the reports.
    doses: BTreeMap<(OrganisationId, String, u8, Day), i64>,
    /// When venues last told of a dose.
    words: Words,
}

impl Counted {
    /// Adds what an entry changed.
    pub(super) fn add(&mut self, before: Option<&Drawn>, after: Option<&Drawn>, at: Instant) {
        for (drawn, n) in [(before, -1), (after, 1)] {
            let Some(Drawn { key, turn, .. }) = drawn else {
                continue;
            };
            let (venue, _, goods) = key;
            let counts = (*venue, goods.product.clone(), *turn, counts_on(at));
            *self.doses.entry(counts).or_default() += n;
            let last = self.words.entry((*venue, goods.product.clone()));
            let last = last.or_insert(at);
            *last = at.max(*last);
        }
    }

    /// Writes them, with the doses by the day they were given.
    pub(super) async fn save(self, tx: &mut Tx, given: &BTreeMap<Key, Doses>) -> Result<()> {
        let venues = self.doses.keys().map(|(venue, ..)| *venue);
        let venues = venues.chain(given.keys().map(|(venue, ..)| *venue));
        let homes = homes(tx, venues).await?;
        add_given(tx, given, &homes).await?;
        let mut sums: BTreeMap<(String, String, u8, Day), i64> = BTreeMap::new();
        for ((venue, product, turn, day), doses) in &self.doses {
            for place in places(*venue, &homes) {
                let sum = sums.entry((place, product.clone(), *turn, *day));
                *sum.or_default() += doses;
            }
        }
        sums.retain(|_, doses| *doses != 0);
        let table = Table::default()
            .text(sums.keys().map(|(place, ..)| place))
            .text(sums.keys().map(|(_, product, ..)| product))
            .whole(sums.keys().map(|(_, _, turn, _)| i64::from(*turn)))
            .whole(sums.keys().map(|(.., day)| day.since_epoch()))
            .whole(sums.values().copied());
        tx.many(
            sql!(
                "INSERT INTO dose_counted (place, product, turn, counted_on, doses)
                 {rows: text, text, bigint, bigint, bigint}
                 ON CONFLICT (place, product, turn, counted_on)
                 DO UPDATE SET doses = dose_counted.doses + excluded.doses"
            ),
            table,
        )
        .expect_each()
        .await?;
        told(tx, &self.words).await
    }
}

/// The places that a venue's doses count in: itself, its city and prefecture, the nation.
fn places(venue: OrganisationId, homes: &Homes) -> Vec<String> {
    let mut places = vec![venue.to_string(), NATION.to_owned()];
    places.extend(areas(homes.get(&venue).map_or("", String::as_str)));
    places
}

/// A city's code, and its prefecture's. Of a venue that stands nowhere both are empty, and it is one place.
fn areas(city: &str) -> Vec<String> {
    match city.get(..PREFECTURE_LETTERS) {
        Some(prefecture) => vec![city.to_owned(), prefecture.to_owned()],
        None => vec![String::new()],
    }
}

async fn add_given(tx: &mut Tx, given: &BTreeMap<Key, Doses>, homes: &Homes) -> Result<()> {
    let mut sums: BTreeMap<(String, String, Day), i64> = BTreeMap::new();
    for ((venue, day, goods), doses) in given {
        for place in areas(homes.get(venue).map_or("", String::as_str)) {
            let sum = sums.entry((goods.product.clone(), place, *day));
            *sum.or_default() += doses.primary + doses.booster;
        }
    }
    sums.retain(|_, doses| *doses != 0);
    let table = Table::default()
        .text(sums.keys().map(|(product, ..)| product))
        .text(sums.keys().map(|(_, place, _)| place))
        .text(sums.keys().map(|(.., day)| day.to_string()))
        .whole(sums.values().copied());
    tx.many(
        sql!(
            "INSERT INTO dose_given (product, place, day, doses) {rows: text, text, text, bigint}
             ON CONFLICT (product, place, day) DO UPDATE SET doses = dose_given.doses + excluded.doses"
        ),
        table,
    )
    .expect_each()
    .await
}

/// Forgets all of them, before the ledgers are taken again.
pub(super) async fn forget(tx: &mut Tx) -> Result<()> {
    for emptied in [
        sql!("DELETE FROM dose_given"),
        sql!("DELETE FROM dose_counted"),
    ] {
        tx.query(emptied).run().await?;
    }
    Ok(())
}
