//! How many vials the doses of a day came out of.
//!
//! Nothing is typed twice: the records say how many doses a venue gave of a lot, the closing of the day
//! (閉場) how many vials were opened for them. While the day runs there are only the records, and a vial
//! that is not drawn empty stays open.

use crate::calendar::Day;
use crate::closings::{Line, Purpose, Reason, doses_per_vial};
use crate::coupons::CouponKind;
use crate::doses::{Facts, Standing};
use crate::vaccines::Vaccines;

/// Whether a record is of a dose that came out of a vial of the venue: not an interview, not one that
/// was told twice, not one that was taken back. A record that a clerk still has to decide about is of a
/// dose that somebody says was given.
#[must_use]
pub fn came_out_of_a_vial(facts: &Facts, standing: Standing) -> bool {
    facts.kind() != CouponKind::InterviewOnly
        && matches!(
            standing,
            Standing::Counted | Standing::Clash | Standing::Quarantined
        )
}

/// Doses of one lot that a venue gave on a day, by purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doses {
    /// First and second doses.
    pub primary: i64,
    /// Later ones.
    pub booster: i64,
}

impl Doses {
    /// Those of one purpose.
    #[must_use]
    pub fn of(self, purpose: Purpose) -> i64 {
        match purpose {
            Purpose::Primary => self.primary,
            Purpose::Booster => self.booster,
        }
    }
}

/// What became of the vials of one lot on a day at a venue.
///
/// Invariant: no figure is negative, and `used + opened_none <= opened`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayUse {
    /// Opened.
    pub opened: i64,
    /// Opened, and gave at least one dose.
    pub used: i64,
    /// Opened, and gave none.
    pub opened_none: i64,
    /// Thrown away unopened.
    pub discarded: i64,
}

impl DayUse {
    /// Opened vials of which it is not settled what became of them.
    #[must_use]
    pub fn open(&self) -> i64 {
        self.opened - self.used - self.opened_none
    }

    fn and(self, other: Self) -> Self {
        Self {
            opened: self.opened + other.opened,
            used: self.used + other.used,
            opened_none: self.opened_none + other.opened_none,
            discarded: self.discarded + other.discarded,
        }
    }
}

/// What became of the vials of one lot on a day: `doses` by the records, `closing` the lines of the
/// day's last closing that are of this lot, if it was closed. `is_over` once the day is past: then the
/// last vial is not open any more.
#[must_use]
pub fn day_use(
    product: &str,
    on: Day,
    doses: Doses,
    closing: Option<&[Line]>,
    is_over: bool,
) -> DayUse {
    Purpose::ALL
        .into_iter()
        .map(|purpose| {
            let rate = rate(product, purpose, on);
            let doses = doses.of(purpose).max(0);
            match closing {
                Some(lines) => {
                    let line = lines.iter().find(|line| line.purpose == purpose);
                    closed(rate, doses, line)
                }
                None => running(rate, doses, is_over),
            }
        })
        .fold(DayUse::default(), DayUse::and)
}

/// Doses in a vial, at least 1. A product that no table knows gives one each: then the vials are
/// overstated, and a count (棚卸し) says so.
fn rate(product: &str, purpose: Purpose, on: Day) -> i64 {
    let nominal = || {
        let product = Vaccines::bundled().find(product)?;
        Some(product.doses_per_vial)
    };
    doses_per_vial(product, purpose, on)
        .or_else(nominal)
        .map_or(1, |rate| rate.max(1))
}

fn running(rate: i64, doses: i64, is_over: bool) -> DayUse {
    let opened = vials_for(doses, rate);
    let used = if is_over { opened } else { doses / rate };
    DayUse {
        opened,
        used,
        ..DayUse::default()
    }
}

/// The vials of a closed day are those that were counted. Doses that came to light after it, beyond
/// those known to wait on paper and those that were left in the vials (余り), came out of more.
fn closed(rate: i64, doses: i64, line: Option<&Line>) -> DayUse {
    let Some(line) = line else {
        return running(rate, doses, true);
    };
    let under = |reason| -> i64 {
        let of_reason = line.differences.iter().filter(|one| one.reason == reason);
        of_reason.map(|one| one.doses).sum()
    };
    let foreseen = line.doses_recorded + under(Reason::NotRecorded) + under(Reason::LeftOver);
    let opened = line.vials_opened + vials_for((doses - foreseen).max(0), rate);
    let given_of_them = doses.max(doses.min(line.doses_recorded) + under(Reason::NotRecorded))
        - under(Reason::OtherVial);
    let used = opened.min(given_of_them.max(0));
    DayUse {
        opened,
        used,
        opened_none: opened - used,
        discarded: line.vials_discarded,
    }
}

/// The fewest vials that give so many doses.
fn vials_for(doses: i64, rate: i64) -> i64 {
    (doses + rate - 1) / rate
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::closings::Difference;

    const PRODUCT: &str = "comirnaty_12_mono";

    fn june() -> Day {
        Day::parse("2021-06-01").unwrap()
    }

    fn first_doses(primary: i64) -> Doses {
        Doses {
            primary,
            booster: 0,
        }
    }

    fn line(vials_opened: i64, doses_recorded: i64, differences: &[(Reason, i64)]) -> Line {
        Line {
            product: PRODUCT.to_owned(),
            lot: "EY2173".to_owned(),
            purpose: Purpose::Primary,
            vials_opened,
            vials_discarded: 0,
            doses_recorded,
            differences: differences
                .iter()
                .map(|&(reason, doses)| Difference { reason, doses })
                .collect(),
            words: String::new(),
        }
    }

    #[test]
    fn the_last_vial_stays_open_until_the_day_is_over() {
        let noon = day_use(PRODUCT, june(), first_doses(13), None, false);
        assert_eq!((noon.opened, noon.used, noon.open()), (3, 2, 1));
        let evening = day_use(PRODUCT, june(), first_doses(13), None, true);
        assert_eq!((evening.opened, evening.used, evening.open()), (3, 3, 0));
    }

    #[test]
    fn a_dose_left_over_at_closing_and_given_after_it_opens_no_other_vial() {
        let lines = [line(3, 14, &[(Reason::LeftOver, 4)])];
        let given = |doses| day_use(PRODUCT, june(), first_doses(doses), Some(&lines), true);
        assert_eq!((given(18).opened, given(18).used), (3, 3));
        assert_eq!(given(19).opened, 4);
    }

    #[test]
    fn the_same_doses_came_out_of_more_vials_in_spring() {
        let april = Day::parse("2021-04-12").unwrap();
        assert_eq!(day_use(PRODUCT, april, first_doses(30), None, true).used, 6);
        assert_eq!(
            day_use(PRODUCT, june(), first_doses(30), None, true).used,
            5
        );
    }

    #[test]
    fn boosters_and_first_doses_come_out_of_vials_of_their_own() {
        let on = Day::parse("2022-01-10").unwrap();
        let doses = Doses {
            primary: 10,
            booster: 15,
        };
        assert_eq!(day_use("spikevax_mono", on, doses, None, true).used, 2);
    }

    #[test]
    fn a_closed_day_has_the_vials_that_were_counted() {
        let lines = [line(4, 13, &[(Reason::LeftOver, 11)])];
        let closed = day_use(PRODUCT, june(), first_doses(13), Some(&lines), false);
        assert_eq!((closed.opened, closed.used, closed.opened_none), (4, 4, 0));
    }

    #[test]
    fn a_vial_that_gave_no_dose_is_not_used() {
        let lines = [line(2, 1, &[(Reason::Spoiled, 11)])];
        let closed = day_use(PRODUCT, june(), first_doses(1), Some(&lines), false);
        assert_eq!((closed.opened, closed.used, closed.opened_none), (2, 1, 1));
        let unopened = [Line {
            vials_discarded: 3,
            ..line(0, 0, &[])
        }];
        let nobody_came = day_use(PRODUCT, june(), first_doses(0), Some(&unopened), false);
        assert_eq!((nobody_came.opened, nobody_came.discarded), (0, 3));
    }

    #[test]
    fn doses_known_to_wait_on_paper_open_no_vial_when_they_come() {
        let lines = [line(2, 6, &[(Reason::NotRecorded, 6)])];
        let before = day_use(PRODUCT, june(), first_doses(6), Some(&lines), true);
        assert_eq!((before.opened, before.used), (2, 2));
        let after = day_use(PRODUCT, june(), first_doses(12), Some(&lines), true);
        assert_eq!(after, before);
        let one_more = day_use(PRODUCT, june(), first_doses(13), Some(&lines), true);
        assert_eq!((one_more.opened, one_more.used), (3, 3));
    }

    #[test]
    fn a_product_nobody_knows_is_counted_dose_by_dose() {
        assert_eq!(
            day_use("new_one", june(), first_doses(7), None, true).used,
            7
        );
    }

    proptest! {
        #[test]
        fn vials_are_never_negative_and_never_fewer_than_their_doses_need(
            primary in 0_i64..500, booster in 0_i64..500, opened in 0_i64..60, recorded in 0_i64..400,
            waiting in 0_i64..20, elsewhere in 0_i64..20, is_closed in any::<bool>(), is_over in any::<bool>(),
        ) {
            let lines = [line(
                opened, recorded, &[(Reason::NotRecorded, waiting), (Reason::OtherVial, elsewhere)],
            )];
            let doses = Doses { primary, booster };
            let one = day_use(PRODUCT, june(), doses, is_closed.then_some(&lines), is_over);
            prop_assert!(one.opened >= 0 && one.used >= 0 && one.opened_none >= 0 && one.discarded >= 0);
            prop_assert!(one.open() >= 0);
            if is_closed || is_over {
                prop_assert_eq!(one.open(), 0);
            }
            if !is_closed {
                prop_assert!(one.opened * 6 >= primary + booster);
            }
            let more = Doses { primary: primary + 1, booster };
            let two = day_use(PRODUCT, june(), more, is_closed.then_some(&lines), is_over);
            prop_assert!(two.opened >= one.opened && two.used >= one.used);
        }
    }
}
