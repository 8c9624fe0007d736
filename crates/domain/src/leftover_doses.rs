//! Leftover doses (余剰ワクチン): how many are left in the open vials of a day, until when, and to how many people they
//! may still be promised.
//!
//! What was given is never typed: it is what the ledgers hold. A venue says how many vials it opened, and how many people
//! it still expects; once the day is closed, the closing says both.

use crate::calendar::{Day, Instant};
use crate::closings::{Line, Purpose, Reason, VIALS_MAX, doses_per_vial};
use crate::stock::{Clock, use_by};

/// People still expected at most: those of the largest venue.
pub const EXPECTED_MAX: i64 = 10_000;

/// What a venue says of the open vials of a lot on a day (余剰の申出).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The product's key.
    pub product: String,
    /// The lot.
    pub lot: String,
    /// For which doses the vials were opened: some products give more booster doses.
    pub purpose: Purpose,
    /// Vials opened on this day so far.
    pub vials_opened: i64,
    /// When the last of them was opened or diluted.
    pub opened_at: Instant,
    /// People with a booking (or who wait) who will still get a dose of them.
    pub expected: i64,
    /// Until when somebody is there to give it, if that is before the vial ends.
    pub stays_until: Option<Instant>,
}

/// Why that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToldRefusal {
    /// How many doses a vial gives is not known.
    #[error(
        "この製品の1バイアルあたりの回数が登録されていません。市町村に連絡してください。/ How many doses a vial of this product gives is not known. Tell your city."
    )]
    NoRate,
    /// Not a number of vials or people.
    #[error(
        "開封したバイアル数は1以上、来る予定の人数は0以上の整数で入力してください。/ Enter the vials opened as 1 or more and the people expected as 0 or more."
    )]
    Number,
    /// Opened later than now, or on another day.
    #[error(
        "開封した時刻は今日の、今までの時刻にしてください。/ The vial must have been opened today, and not later than now."
    )]
    Opened,
}

impl ToldRefusal {
    /// Every code, for the texts' test.
    pub const CODES: [&'static str; 3] = ["leftover_no_rate", "leftover_number", "leftover_opened"];

    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRate => "leftover_no_rate",
            Self::Number => "leftover_number",
            Self::Opened => "leftover_opened",
        }
    }
}

impl Told {
    /// Whether a venue can say so now.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self, now: Instant) -> Result<(), ToldRefusal> {
        let today = now.day_in_japan();
        if doses_per_vial(&self.product, self.purpose, today).is_none() {
            Err(ToldRefusal::NoRate)
        } else if !(1..=VIALS_MAX).contains(&self.vials_opened)
            || !(0..=EXPECTED_MAX).contains(&self.expected)
        {
            Err(ToldRefusal::Number)
        } else if self.opened_at > now || self.opened_at.day_in_japan() != today {
            Err(ToldRefusal::Opened)
        } else {
            Ok(())
        }
    }

    /// Until when the doses may be given: the clock of the open vial, the lot's last day, the end of the day, and the
    /// hour at which the venue closes, whichever comes first.
    #[must_use]
    pub fn until(&self, last_day: Option<Day>) -> Instant {
        let on = self.opened_at.day_in_japan();
        let midnight = last_day
            .map_or(on, |last| last.min(on))
            .plus_days(1)
            .begins();
        let clock = use_by(&self.product, Clock::Opened, self.opened_at);
        [clock, self.stays_until]
            .into_iter()
            .flatten()
            .fold(midnight, Instant::min)
    }

    /// Doses left of what was opened: what the vials give on that day, less what the ledgers hold of them by now
    /// (`recorded`), less those still expected. If the day is closed, its line tells the vials, and what was spoiled, not
    /// drawn or waits on paper is gone, too. Never negative.
    #[must_use]
    pub fn left(&self, recorded: i64, closing: Option<&Line>) -> i64 {
        let on = self.opened_at.day_in_japan();
        let Some(rate) = doses_per_vial(&self.product, self.purpose, on) else {
            return 0;
        };
        let (vials, gone) = match closing {
            Some(line) => (line.vials_opened, gone(line)),
            None => (self.vials_opened, 0),
        };
        // Nobody is promised a dose that a broken syringe or a forgotten record may have taken: of what waits on paper,
        // all counts as gone although some of it may be recorded by now.
        (vials.saturating_mul(rate) - recorded - gone - self.expected).max(0)
    }
}

/// Doses of a closed line that are in nobody's arm by the records and not in the vials either; those drawn beyond the
/// rate count the other way.
fn gone(line: &Line) -> i64 {
    let doses = line.differences.iter().map(|one| match one.reason {
        Reason::LeftOver => 0,
        more if more.explains_more() => -one.doses,
        _ => one.doses,
    });
    doses.sum()
}

/// How many more people may be called: doses left, less those that are promised to people who are being called or are on
/// their way.
#[must_use]
pub fn free(left: i64, promised: i64) -> i64 {
    (left - promised).max(0)
}

/// Vials that must have been opened for so many doses.
#[must_use]
pub fn opened_for(product: &str, purpose: Purpose, on: Day, doses: i64) -> Option<i64> {
    let rate = doses_per_vial(product, purpose, on)?.max(1);
    Some((doses.max(0) + rate - 1) / rate)
}

/// Doses of a closed line that nobody got, although the closing found them in the vials: what was left over, less those
/// recorded since.
#[must_use]
pub fn thrown_away(line: &Line, recorded: i64) -> i64 {
    let left = line
        .differences
        .iter()
        .filter(|one| one.reason == Reason::LeftOver);
    let left: i64 = left.map(|one| one.doses).sum();
    let since = (recorded - line.doses_recorded).max(0);
    (left - since).max(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::closings::Difference;

    const PRODUCT: &str = "comirnaty_12_mono";

    fn at(time: &str) -> Instant {
        Instant::parse(&format!("2021-06-01T{time}:00+09:00")).unwrap()
    }

    fn told(vials_opened: i64, expected: i64) -> Told {
        Told {
            product: PRODUCT.to_owned(),
            lot: "EY2173".to_owned(),
            purpose: Purpose::Primary,
            vials_opened,
            opened_at: at("14:00"),
            expected,
            stays_until: None,
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
    fn what_is_left_is_what_the_vials_gave_less_records_and_people_expected() {
        assert_eq!(told(2, 3).left(7, None), 2);
        assert_eq!(told(2, 9).left(7, None), 0);
        assert_eq!(free(2, 1), 1);
        assert_eq!(free(2, 3), 0);
        assert_eq!(
            opened_for(PRODUCT, Purpose::Primary, at("10:00").day_in_japan(), 7),
            Some(2)
        );
    }

    #[test]
    fn a_closed_day_tells_the_vials_and_what_was_spoiled() {
        let line = line(3, 14, &[(Reason::LeftOver, 3), (Reason::Spoiled, 1)]);
        assert_eq!(told(2, 0).left(14, Some(&line)), 3);
        assert_eq!(told(2, 0).left(15, Some(&line)), 2);
        assert_eq!(thrown_away(&line, 14), 3);
        assert_eq!(thrown_away(&line, 16), 1);
        assert_eq!(thrown_away(&line, 20), 0);
    }

    #[test]
    fn a_vial_ends_by_its_clock_the_lots_last_day_or_when_everybody_goes_home() {
        assert_eq!(told(1, 0).until(None), at("20:00"));
        let home = Told {
            stays_until: Some(at("17:30")),
            ..told(1, 0)
        };
        assert_eq!(home.until(None), at("17:30"));
        let yesterday = at("00:00").day_in_japan().plus_days(-1);
        assert_eq!(told(1, 0).until(Some(yesterday)), at("00:00"));
        let evening = Told {
            opened_at: at("21:00"),
            ..told(1, 0)
        };
        let midnight = at("21:00").day_in_japan().plus_days(1).begins();
        assert_eq!(evening.until(None), midnight);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let now = at("15:00");
        assert_eq!(told(1, 0).check(now), Ok(()));
        assert_eq!(told(0, 0).check(now), Err(ToldRefusal::Number));
        assert_eq!(told(1, -1).check(now), Err(ToldRefusal::Number));
        assert_eq!(told(1, 0).check(at("13:59")), Err(ToldRefusal::Opened));
        let unknown = Told {
            product: "nothing".to_owned(),
            ..told(1, 0)
        };
        assert_eq!(unknown.check(now), Err(ToldRefusal::NoRate));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// However many are called one after another, no more doses are promised than are left; and each dose that is
        /// recorded leaves one less.
        #[test]
        fn no_more_is_promised_than_is_left(
            vials in 1_i64..20, recorded in 0_i64..130, expected in 0_i64..30, spoiled in 0_i64..5, calls in 0_i64..40,
        ) {
            let told = told(vials, expected);
            let line = line(vials, recorded, &[(Reason::Spoiled, spoiled)]);
            for closing in [None, Some(&line)] {
                let left = told.left(recorded, closing);
                let mut promised = 0;
                for _ in 0..calls {
                    if free(left, promised) > 0 {
                        promised += 1;
                    }
                }
                prop_assert!(promised <= left);
                prop_assert_eq!(told.left(recorded + 1, closing), (left - 1).max(0));
                prop_assert!(left + recorded <= (vials * 6).max(recorded));
            }
        }
    }
}
