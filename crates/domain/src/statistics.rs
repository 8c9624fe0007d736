//! What the nation counts (統計): doses by day × prefecture × sex × age band × turn.
//!
//! The cells are those of the real open data (`prefecture.ndjson`), which published them without
//! suppression; nothing here is finer than that, so nothing here needs suppressing.

use serde::{Deserialize, Serialize};

use crate::calendar::{Day, age_on};
use crate::people::{BirthDate, Sex};
use crate::places::Prefecture;

/// The age bands of the national statistics, judged on the day of the dose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AgeBand {
    /// 64 years or younger.
    #[serde(rename = "-64")]
    Under65,
    /// 65 years or older (高齢者).
    #[serde(rename = "65-")]
    From65,
    /// The person is not registered yet, or the birth date leaves the band open.
    #[serde(rename = "UNK")]
    Unknown,
}

impl AgeBand {
    /// Every band, in the order of the open data.
    pub const ALL: [Self; 3] = [Self::Under65, Self::From65, Self::Unknown];

    /// The band of a person on a day; a birth date whose day is unknown counts only if every
    /// possible day gives the same band.
    #[must_use]
    pub fn of(birth: &BirthDate, on: Day) -> Self {
        let band = |born: Day| {
            if age_on(born, on) >= 65 {
                Self::From65
            } else {
                Self::Under65
            }
        };
        let (oldest, youngest) = (band(birth.earliest()), band(birth.latest()));
        if oldest == youngest {
            oldest
        } else {
            Self::Unknown
        }
    }

    /// The spelling of the open data: `-64`, `65-`, `UNK`.
    #[must_use]
    pub fn open_data(self) -> &'static str {
        match self {
            Self::Under65 => "-64",
            Self::From65 => "65-",
            Self::Unknown => "UNK",
        }
    }

    /// Reads the open data's spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|band| band.open_data() == text)
    }
}

/// A line of the national statistics: how many doses a cell holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Count {
    /// The day the doses were given.
    pub day: Day,
    /// The prefecture of the coupon's municipality, wherever the venue was (domain paper §2.9).
    pub prefecture: Prefecture,
    /// Sex as registered; unknown while the person waits in the pending list.
    pub sex: Sex,
    /// Age band on the day.
    pub age: AgeBand,
    /// Which dose of the person's it was, counted through (通算).
    pub turn: u8,
    /// Doses, never negative once all effects are in.
    pub count: i64,
}

/// What one ledger entry changes in the statistics of its city: so many more (or fewer) doses in a cell.
///
/// Invariant: the effects of all entries of a chain add up to the city's counted doses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Effect {
    /// Age band on the day.
    pub age: AgeBand,
    /// The day the dose was given.
    pub day: Day,
    /// +1 or −1, or a sum of them.
    pub n: i64,
    /// Sex as registered.
    pub sex: Sex,
    /// Which dose it was.
    pub turn: u8,
}

impl Effect {
    /// The cell without the number.
    #[must_use]
    pub fn cell(&self) -> (Day, Sex, AgeBand, u8) {
        (self.day, self.sex, self.age, self.turn)
    }

    /// What turns the counts `before` into the counts `after`: sorted, without zeros.
    #[must_use]
    pub fn between(before: &[Self], after: &[Self]) -> Vec<Self> {
        let mut cells = std::collections::BTreeMap::new();
        let signed = before
            .iter()
            .map(|one| (one, -1))
            .chain(after.iter().map(|one| (one, 1)));
        for (effect, sign) in signed {
            *cells.entry(effect.cell()).or_insert(0_i64) += sign * effect.n;
        }
        cells
            .into_iter()
            .filter(|(_, n)| *n != 0)
            .map(|((day, sex, age, turn), n)| Self {
                age,
                day,
                n,
                sex,
                turn,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn one(on: &str, turn: u8) -> Effect {
        Effect {
            age: AgeBand::From65,
            day: day(on),
            n: 1,
            sex: Sex::Female,
            turn,
        }
    }

    #[test]
    fn sixty_five_begins_the_day_before_the_birthday() {
        let birth = BirthDate::parse_compact("19560503").unwrap();
        assert_eq!(AgeBand::of(&birth, day("2021-05-01")), AgeBand::Under65);
        assert_eq!(AgeBand::of(&birth, day("2021-05-02")), AgeBand::From65);
    }

    #[test]
    fn an_unknown_birthday_counts_only_where_it_cannot_matter() {
        let birth = BirthDate::parse_compact("19560000").unwrap();
        assert_eq!(AgeBand::of(&birth, day("2021-07-01")), AgeBand::Unknown);
        assert_eq!(AgeBand::of(&birth, day("2022-07-01")), AgeBand::From65);
    }

    #[test]
    fn a_dose_moved_to_another_day_leaves_one_cell_and_enters_another() {
        let effects = Effect::between(&[one("2021-05-01", 1)], &[one("2021-05-02", 1)]);
        assert_eq!(effects.iter().map(|e| e.n).collect::<Vec<_>>(), [-1, 1]);
        assert_eq!(
            Effect::between(&[one("2021-05-01", 1)], &[one("2021-05-01", 1)]),
            []
        );
    }
}
