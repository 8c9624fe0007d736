//! Until when a vial may be used, and which is used first.
//!
//! A frozen vial has the last day of its lot. A thawed one has a clock beside it that began when it left
//! the freezer, an opened one another. The clocks of the products are data (`data/vial_clocks.csv`).

use std::sync::LazyLock;

use serde::Deserialize;

use super::{Goods, Shelf};
use crate::calendar::{Day, Instant};

/// Which clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// From the freezer on.
    Thawed,
    /// From dilution or the first needle on.
    Opened,
}

#[derive(Deserialize)]
struct Row {
    product: String,
    clock: Clock,
    valid_from: Day,
    valid_to: Option<Day>,
    hours: i64,
}

const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// When a clock that began then runs out; none if the product has none: then its last day alone counts.
#[must_use]
pub fn use_by(product: &str, clock: Clock, began: Instant) -> Option<Instant> {
    static ROWS: LazyLock<Vec<Row>> =
        LazyLock::new(|| crate::tables::bundled(include_str!("../../../../data/vial_clocks.csv")));
    let on = began.day_in_japan();
    ROWS.iter()
        .filter(|row| row.product == product && row.clock == clock)
        .find(|row| row.valid_from <= on && row.valid_to.is_none_or(|last| on <= last))
        .map(|row| {
            Instant::from_micros(
                began
                    .micros()
                    .saturating_add(row.hours.saturating_mul(MICROS_PER_HOUR)),
            )
        })
}

/// Vials on a shelf that end together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Of which vaccine.
    pub goods: Goods,
    /// On which shelf.
    pub shelf: Shelf,
    /// How many.
    pub vials: i64,
    /// When the clock of thawed ones runs out, if they have one that is known.
    pub use_by: Option<Instant>,
    /// The last day of the lot, extensions included, if it is known.
    pub last_day: Option<Day>,
}

impl Batch {
    /// The day on which these vials end: that of the clock, or of the lot if it is earlier.
    #[must_use]
    pub fn ends(&self) -> Option<Day> {
        match (self.use_by.map(Instant::day_in_japan), self.last_day) {
            (Some(clock), Some(lot)) => Some(clock.min(lot)),
            (clock, lot) => clock.or(lot),
        }
    }
}

/// The vials in the order in which they are to be used: what ends first, first; of those that end on one
/// day the thawed ones, whose clock cannot be stopped; what nobody knows the end of last.
#[must_use]
pub fn first_to_use(mut batches: Vec<Batch>) -> Vec<Batch> {
    batches.sort_by(|a, b| {
        let key = |batch: &Batch| {
            (
                batch.ends().unwrap_or(Day::LAST),
                batch.shelf != Shelf::Thawed,
                batch.use_by.map_or(i64::MAX, Instant::micros),
                batch.goods.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    batches
}

/// Which of the vials that were put into the refrigerator are still there, if the oldest were used
/// first: `put` is when and how many, newest first, `left` how many there are. What is left without a
/// beginning is the last part, with none.
#[must_use]
pub fn batches_left(put: &[(Instant, i64)], left: i64) -> Vec<(Option<Instant>, i64)> {
    let mut rest = left;
    let mut batches = Vec::new();
    for &(began, vials) in put {
        let here = vials.min(rest);
        if here <= 0 {
            break;
        }
        batches.push((Some(began), here));
        rest -= here;
    }
    if rest > 0 {
        batches.push((None, rest));
    }
    batches
}

/// What a venue must know of a batch (アラーム).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alarm {
    /// The lot must not be given any more.
    Recalled,
    /// They stood in a cooler that was too warm or too cold, and nobody has decided yet (隔離).
    Quarantined,
    /// The lot's last day is past.
    Expired,
    /// The clock has run out.
    ClockRanOut,
    /// The clock runs out within `CLOCK_SOON_HOURS`.
    ClockSoon,
    /// The lot's last day is within `LAST_DAY_SOON_DAYS`.
    LastDaySoon,
    /// More was given out than came in.
    Negative,
    /// A product with a clock stands thawed, and nobody said since when.
    ClockUnknown,
}

/// How long before a clock runs out it is told: a weekend lies between.
pub const CLOCK_SOON_HOURS: i64 = 72;
/// How long before a lot's last day it is told: time enough to pass it on (融通).
pub const LAST_DAY_SOON_DAYS: i64 = 14;

impl Alarm {
    /// Every alarm, the worst first.
    pub const ALL: [Self; 8] = [
        Self::Recalled,
        Self::Quarantined,
        Self::Expired,
        Self::ClockRanOut,
        Self::ClockSoon,
        Self::LastDaySoon,
        Self::Negative,
        Self::ClockUnknown,
    ];

    /// The word in texts and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recalled => "recalled",
            Self::Quarantined => "quarantined",
            Self::Expired => "expired",
            Self::ClockRanOut => "clock_ran_out",
            Self::ClockSoon => "clock_soon",
            Self::LastDaySoon => "last_day_soon",
            Self::Negative => "negative",
            Self::ClockUnknown => "clock_unknown",
        }
    }

    /// Whether the vials must not be given now.
    #[must_use]
    pub fn stops(self) -> bool {
        matches!(
            self,
            Self::Recalled | Self::Quarantined | Self::Expired | Self::ClockRanOut
        )
    }
}

/// What else is known of the vials of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The lot is recalled.
    pub is_recalled: bool,
    /// Some of them wait for a decision after their cooler was too warm or too cold.
    pub is_quarantined: bool,
}

/// What is to be told of a batch now, the worst first.
#[must_use]
pub fn alarms(batch: &Batch, held: Held, now: Instant) -> Vec<Alarm> {
    let today = now.day_in_japan();
    if batch.vials < 0 {
        return vec![Alarm::Negative];
    }
    let mut alarms = Vec::new();
    if held.is_recalled {
        alarms.push(Alarm::Recalled);
    }
    if held.is_quarantined {
        alarms.push(Alarm::Quarantined);
    }
    if batch.last_day.is_some_and(|last| last < today) {
        alarms.push(Alarm::Expired);
    }
    match batch.use_by {
        Some(end) if end <= now => alarms.push(Alarm::ClockRanOut),
        Some(end) if end.micros() - now.micros() <= CLOCK_SOON_HOURS * MICROS_PER_HOUR => {
            alarms.push(Alarm::ClockSoon);
        }
        None if batch.shelf == Shelf::Thawed
            && use_by(&batch.goods.product, Clock::Thawed, now).is_some() =>
        {
            alarms.push(Alarm::ClockUnknown);
        }
        _ => {}
    }
    let soon = |last: Day| (0..=LAST_DAY_SOON_DAYS).contains(&today.days_until(last));
    if batch.last_day.is_some_and(soon) {
        alarms.push(Alarm::LastDaySoon);
    }
    alarms.sort_unstable();
    alarms
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::vaccines::Vaccines;

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn batch(lot: &str, shelf: Shelf, use_by: Option<&str>, last_day: Option<&str>) -> Batch {
        Batch {
            goods: Goods {
                product: "comirnaty_12_mono".to_owned(),
                lot: lot.to_owned(),
            },
            shelf,
            vials: 5,
            use_by: use_by.map(at),
            last_day: last_day.map(day),
        }
    }

    #[test]
    fn a_thawed_vial_lasted_five_days_then_a_month() {
        let end = |began| use_by("comirnaty_12_mono", Clock::Thawed, at(began));
        let five_days = end("2021-04-12T09:00:00+09:00");
        assert_eq!(five_days, Some(at("2021-04-17T09:00:00+09:00")));
        let a_month = end("2021-07-01T09:00:00+09:00");
        assert_eq!(a_month, Some(at("2021-08-01T09:00:00+09:00")));
        assert_eq!(end("2021-01-01T09:00:00+09:00"), None);
    }

    #[test]
    fn what_is_never_frozen_has_no_clock_before_it_is_opened() {
        let began = at("2022-06-01T09:00:00+09:00");
        assert_eq!(use_by("nuvaxovid", Clock::Thawed, began), None);
        assert!(use_by("nuvaxovid", Clock::Opened, began).is_some());
    }

    #[test]
    fn every_product_has_a_clock_for_opened_vials_while_it_is_used() {
        for product in Vaccines::bundled().all() {
            let noon = at(&format!("{}T12:00:00+09:00", product.used_from));
            let end = use_by(product.key.as_str(), Clock::Opened, noon);
            assert!(end.is_some_and(|end| end > noon), "{product:?}");
        }
    }

    #[test]
    fn what_ends_first_is_used_first() {
        let frozen_late = batch("A", Shelf::Frozen, None, Some("2021-12-31"));
        let frozen_early = batch("B", Shelf::Frozen, None, Some("2021-08-31"));
        let thawed = batch(
            "A",
            Shelf::Thawed,
            Some("2021-07-01T09:00:00+09:00"),
            Some("2021-12-31"),
        );
        let unknown = batch("C", Shelf::Frozen, None, None);
        let sorted = first_to_use(vec![
            unknown.clone(),
            frozen_late.clone(),
            frozen_early.clone(),
            thawed.clone(),
        ]);
        assert_eq!(sorted, [thawed, frozen_early, frozen_late, unknown]);
    }

    #[test]
    fn the_oldest_are_gone_first() {
        let (monday, friday) = (
            at("2021-06-07T09:00:00+09:00"),
            at("2021-06-11T09:00:00+09:00"),
        );
        let put = [(friday, 10), (monday, 10)];
        assert_eq!(
            batches_left(&put, 14),
            [(Some(friday), 10), (Some(monday), 4)]
        );
        assert_eq!(batches_left(&put, 3), [(Some(friday), 3)]);
        assert_eq!(batches_left(&put, 0), []);
        assert_eq!(batches_left(&put[..1], 12), [(Some(friday), 10), (None, 2)]);
    }

    #[test]
    fn a_clock_is_told_three_days_ahead_and_stops_when_it_runs_out() {
        let end = "2021-07-10T09:00:00+09:00";
        let one = batch("A", Shelf::Thawed, Some(end), Some("2021-12-31"));
        let told = |now| alarms(&one, Held::default(), at(now));
        assert_eq!(told("2021-07-07T08:59:00+09:00"), []);
        assert_eq!(told("2021-07-07T09:00:00+09:00"), [Alarm::ClockSoon]);
        assert_eq!(told(end), [Alarm::ClockRanOut]);
        assert!(Alarm::ClockRanOut.stops());
    }

    #[test]
    fn a_recalled_or_expired_lot_stops_and_a_thawed_vial_without_a_beginning_is_asked_for() {
        let one = batch("A", Shelf::Thawed, None, Some("2021-07-01"));
        let held = Held {
            is_recalled: true,
            is_quarantined: true,
        };
        let told = alarms(&one, held, at("2021-07-02T09:00:00+09:00"));
        assert_eq!(
            told,
            [
                Alarm::Recalled,
                Alarm::Quarantined,
                Alarm::Expired,
                Alarm::ClockUnknown
            ]
        );
        let soon = batch("A", Shelf::Frozen, None, Some("2021-07-15"));
        let told = alarms(&soon, Held::default(), at("2021-07-01T09:00:00+09:00"));
        assert_eq!(told, [Alarm::LastDaySoon]);
    }

    proptest! {
        #[test]
        fn what_is_left_is_all_left(put in proptest::collection::vec(1_i64..20, 0..8), left in 0_i64..200) {
            let began = at("2021-06-07T09:00:00+09:00");
            let put: Vec<_> = put.into_iter().map(|vials| (began, vials)).collect();
            let batches = batches_left(&put, left);
            prop_assert_eq!(batches.iter().map(|(_, vials)| vials).sum::<i64>(), left);
            prop_assert!(batches.iter().all(|(_, vials)| *vials > 0));
        }
    }
}
