//! Doses that were given and are not entered yet, estimated from those that are (domain paper §2.8).
//!
//! The real allocation used counts known to be a tenth to a half too low, and towns protested that who
//! types slowly was punished. So the pace of entry is part of the inputs: the nation's, or a node's own.

use serde::{Deserialize, Serialize};

use super::plan::PERMILLE;

/// The lowest share that is made up for: at most as much again is believed as was entered, so that a
/// pace that is told wrongly cannot move a boundless amount.
const SHARE_PERMILLE_MIN: u64 = 500;
/// Days that make the latest week.
const WEEK_DAYS: u64 = 7;

/// Of the doses of a day, how many were visible so many days later: thousandths by day from 0 on; the
/// last holds for every later day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryLag(pub Vec<u64>);

/// Doses given on one day, as entered by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entered {
    /// How many days ago they were given.
    pub days_ago: u64,
    /// How many are entered.
    pub doses: u64,
}

/// Doses that are thought to be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Late {
    /// Of all days told.
    pub all: u64,
    /// Of the latest seven days.
    pub week: u64,
}

impl EntryLag {
    /// The nation's pace to 2021-07-15: the middles of the ranges of §2.8, and between the days measured
    /// the share of the day before.
    #[must_use]
    pub fn nation() -> Self {
        let measured = [
            (1, 525),
            (2, 625),
            (3, 675),
            (5, 720),
            (7, 745),
            (10, 815),
            (14, 860),
            (21, 925),
            (28, 960),
        ];
        let mut days = vec![SHARE_PERMILLE_MIN];
        for (day, share) in measured {
            let before = days.last().copied().unwrap_or(SHARE_PERMILLE_MIN);
            days.resize(day, before);
            days.push(share);
        }
        Self(days)
    }

    /// The share visible after so many days, in thousandths.
    fn share(&self, days: u64) -> u64 {
        let of_day = usize::try_from(days).ok().and_then(|day| self.0.get(day));
        let share = of_day.or(self.0.last()).copied().unwrap_or(PERMILLE);
        share.clamp(SHARE_PERMILLE_MIN, PERMILLE)
    }

    /// What is missing of the doses entered: doses ÷ share − doses, rounded down for each day.
    #[must_use]
    pub fn late(&self, entered: &[Entered]) -> Late {
        let mut late = Late::default();
        for day in entered {
            let share = self.share(day.days_ago);
            let missing = day.doses * (PERMILLE - share) / share;
            late.all += missing;
            if day.days_ago < WEEK_DAYS {
                late.week += missing;
            }
        }
        late
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_nation_enters_half_in_a_day_and_nearly_all_in_four_weeks() {
        let lag = EntryLag::nation();
        let shares: Vec<u64> = [0, 1, 2, 3, 4, 5, 6, 7, 14, 28, 400]
            .map(|day| lag.share(day))
            .to_vec();
        assert_eq!(
            shares,
            [500, 525, 625, 675, 675, 720, 720, 745, 860, 960, 960]
        );
    }

    #[test]
    fn a_town_that_entered_half_is_thought_to_have_given_as_much_again() {
        let entered = [
            Entered {
                days_ago: 0,
                doses: 100,
            },
            Entered {
                days_ago: 8,
                doses: 745,
            },
        ];
        let late = EntryLag::nation().late(&entered);
        assert_eq!(
            late,
            Late {
                all: 100 + 255,
                week: 100
            }
        );
        assert_eq!(EntryLag(vec![1_000]).late(&entered), Late::default());
    }

    proptest! {
        #[test]
        fn no_more_is_believed_than_as_much_again(
            shares in prop::collection::vec(1_u64..=1_000, 0..10),
            days in prop::collection::vec((0_u64..40, 0_u64..1_000_000), 0..20),
        ) {
            let entered: Vec<Entered> = days
                .iter()
                .map(|(days_ago, doses)| Entered { days_ago: *days_ago, doses: *doses })
                .collect();
            let late = EntryLag(shares).late(&entered);
            prop_assert!(late.week <= late.all);
            prop_assert!(late.all <= days.iter().map(|(_, doses)| doses).sum());
        }
    }
}
