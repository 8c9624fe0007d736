//! The collective contract (集合契約): who vaccinates at the nation's price is a party to it by a power of attorney (委任状)
//! to its district medical association, which confirms it (domain paper §3.5).
//!
//! A mandate is made online, handed over on paper and confirmed by whoever has the paper in hand: nobody joins in another's
//! name. What was confirmed holds from a day on and is never taken back, only followed.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::access::OrganisationId;
use crate::calendar::Day;

/// Characters of the post and the name of who signs at most.
pub const SIGNATORY_LENGTH_MAX: usize = 60;

/// What a mandate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// To become a party (加入).
    Join,
    /// To stay one under another association or signatory (変更).
    Change,
    /// To be one no longer (脱退).
    Leave,
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 3] = [Self::Join, Self::Change, Self::Leave];

    /// The word in tables, forms and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Change => "change",
            Self::Leave => "leave",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == word)
    }
}

/// What became of a mandate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is made; the association has not said anything yet.
    Made,
    /// The association confirmed it.
    Confirmed,
    /// The association gave it back.
    Refused,
    /// The venue took it back before.
    Withdrawn,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Made, Self::Confirmed, Self::Refused, Self::Withdrawn];

    /// The word in tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Confirmed => "confirmed",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A mandate that was confirmed, or might be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What for.
    pub act: Act,
    /// From which day on.
    pub from: Day,
    /// Which association.
    pub association: OrganisationId,
}

/// How a venue stands to the contract on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is a party, by this association.
    Party {
        /// Since when without a break.
        since: Day,
        /// By whom.
        association: OrganisationId,
    },
    /// It never was one.
    Never,
    /// It will be one from a later day on.
    NotYet {
        /// From when on.
        from: Day,
    },
    /// It left.
    Left {
        /// Since when.
        since: Day,
    },
}

impl Standing {
    /// How it stands on a day after these confirmed steps, in order of their days.
    #[must_use]
    pub fn on(steps: &[Step], day: Day) -> Self {
        let mut standing = Self::Never;
        for step in steps {
            if step.from > day {
                return match (standing, step.act) {
                    (Self::Never, Act::Join) => Self::NotYet { from: step.from },
                    _ => standing,
                };
            }
            standing = match (step.act, standing) {
                (Act::Leave, _) => Self::Left { since: step.from },
                (_, Self::Party { since, .. }) => Self::Party {
                    since,
                    association: step.association,
                },
                _ => Self::Party {
                    since: step.from,
                    association: step.association,
                },
            };
        }
        standing
    }

    /// Whether it is a party: it may order, ask for supply and claim.
    #[must_use]
    pub fn is_party(self) -> bool {
        matches!(self, Self::Party { .. })
    }
}

/// A venue may not order, ask for supply or claim, since it is no party to the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NoContract {
    /// It never joined.
    #[error(
        "集合契約に加入していません。委任状を作成し、郡市医師会の確認を受けてください。/ The venue is no party to the collective contract. Make a mandate and have the medical association confirm it."
    )]
    Never,
    /// It will be one later.
    #[error(
        "集合契約の加入日({from})より前です。/ The venue is a party to the collective contract only from {from}."
    )]
    NotYet {
        /// From when on.
        from: Day,
    },
    /// It left.
    #[error(
        "集合契約から{since}に脱退しています。再び加入するには委任状を作成してください。/ The venue left the collective contract on {since}. Make a mandate to join again."
    )]
    Left {
        /// Since when.
        since: Day,
    },
}

impl NoContract {
    /// The stable word for programs, whatever the reason.
    pub const CODE: &'static str = "no_contract";

    /// The word for the reason.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::NotYet { .. } => "not-yet",
            Self::Left { .. } => "left",
        }
    }

    /// The day it is about.
    #[must_use]
    pub fn day(&self) -> Option<Day> {
        match *self {
            Self::Never => None,
            Self::NotYet { from: day } | Self::Left { since: day } => Some(day),
        }
    }
}

/// Whether a venue that stands so may order, ask for supply and claim.
///
/// # Errors
/// [`NoContract`], with why not.
pub fn must_be_party(standing: Standing) -> Result<(), NoContract> {
    match standing {
        Standing::Party { .. } => Ok(()),
        Standing::Never => Err(NoContract::Never),
        Standing::NotYet { from } => Err(NoContract::NotYet { from }),
        Standing::Left { since } => Err(NoContract::Left { since }),
    }
}

/// Why a mandate cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MandateRefusal {
    /// It is a party already on that day.
    #[error("その日にはすでに加入しています。/ The venue is a party already on that day.")]
    AlreadyParty,
    /// It is none on that day, so there is nothing to change or leave.
    #[error("その日には加入していません。/ The venue is no party on that day.")]
    NotParty,
    /// The day is not after that of the last confirmed mandate.
    #[error(
        "前の委任状の適用日({last})より後の日にしてください。/ Choose a day after that of the mandate before, {last}."
    )]
    TooEarly {
        /// The day of the last one.
        last: Day,
    },
    /// Another one waits for the association.
    #[error(
        "確認待ちの委任状があります。確認されるか、取り下げてから作成してください。/ Another mandate is waiting. Have it confirmed or withdraw it first."
    )]
    Waiting,
}

impl MandateRefusal {
    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::AlreadyParty => "mandate_already_party",
            Self::NotParty => "mandate_not_party",
            Self::TooEarly { .. } => "mandate_too_early",
            Self::Waiting => "mandate_waiting",
        }
    }
}

/// Whether a mandate may follow the confirmed steps. What holds is never rewritten: each begins after the one before.
///
/// # Errors
/// [`MandateRefusal`].
pub fn may_follow(steps: &[Step], act: Act, from: Day) -> Result<(), MandateRefusal> {
    if let Some(last) = steps.last().filter(|last| from <= last.from) {
        return Err(MandateRefusal::TooEarly { last: last.from });
    }
    match (act, Standing::on(steps, from).is_party()) {
        (Act::Join, true) => Err(MandateRefusal::AlreadyParty),
        (Act::Change | Act::Leave, false) => Err(MandateRefusal::NotParty),
        _ => Ok(()),
    }
}

/// From when on a mandate holds that is confirmed on a day: never before it was.
#[must_use]
pub fn holds_from(asked_from: Day, confirmed_on: Day) -> Day {
    asked_from.max(confirmed_on)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn day(days: i64) -> Day {
        Day::parse("2021-02-17").unwrap().plus_days(days)
    }

    fn association(number: u128) -> OrganisationId {
        OrganisationId(Uuid::from_u128(number))
    }

    fn step(act: Act, days: i64, by: u128) -> Step {
        Step {
            act,
            from: day(days),
            association: association(by),
        }
    }

    #[test]
    fn a_venue_is_a_party_from_its_joining_until_its_leaving() {
        let steps = [
            step(Act::Join, 10, 1),
            step(Act::Change, 20, 2),
            step(Act::Leave, 30, 2),
            step(Act::Join, 40, 1),
        ];
        let party = |since, by| Standing::Party {
            since: day(since),
            association: association(by),
        };
        assert_eq!(Standing::on(&[], day(0)), Standing::Never);
        assert_eq!(
            Standing::on(&steps, day(9)),
            Standing::NotYet { from: day(10) }
        );
        assert_eq!(Standing::on(&steps, day(10)), party(10, 1));
        assert_eq!(Standing::on(&steps, day(20)), party(10, 2));
        assert_eq!(
            Standing::on(&steps, day(30)),
            Standing::Left { since: day(30) }
        );
        assert_eq!(Standing::on(&steps, day(40)), party(40, 1));
    }

    #[test]
    fn who_is_no_party_is_told_why() {
        let since = day(30);
        assert_eq!(must_be_party(Standing::Never), Err(NoContract::Never));
        assert_eq!(
            must_be_party(Standing::Left { since }),
            Err(NoContract::Left { since })
        );
        assert_eq!(NoContract::Left { since }.day(), Some(since));
    }

    #[test]
    fn a_mandate_follows_the_one_before_and_fits_it() {
        let joined = [step(Act::Join, 10, 1)];
        let follow = |act, days| may_follow(&joined, act, day(days));
        assert_eq!(follow(Act::Leave, 11), Ok(()));
        assert_eq!(follow(Act::Join, 11), Err(MandateRefusal::AlreadyParty));
        assert_eq!(
            follow(Act::Leave, 10),
            Err(MandateRefusal::TooEarly { last: day(10) })
        );
        assert_eq!(
            may_follow(&[], Act::Change, day(1)),
            Err(MandateRefusal::NotParty)
        );
    }

    #[test]
    fn nobody_is_a_party_before_the_association_said_so() {
        assert_eq!(holds_from(day(1), day(5)), day(5));
        assert_eq!(holds_from(day(9), day(5)), day(9));
    }

    fn any_act() -> impl Strategy<Value = Act> {
        prop_oneof![Just(Act::Join), Just(Act::Change), Just(Act::Leave)]
    }

    proptest! {
        /// Steps that were let in one by one never change what held before each of them.
        #[test]
        fn what_is_confirmed_never_rewrites_the_days_before(
            asked in proptest::collection::vec((any_act(), 0..60_i64, 0..3_u128), 0..30),
        ) {
            let mut steps: Vec<Step> = Vec::new();
            for (act, days, by) in asked {
                if may_follow(&steps, act, day(days)).is_err() {
                    continue;
                }
                let before: Vec<bool> = (0..days)
                    .map(|earlier| Standing::on(&steps, day(earlier)).is_party())
                    .collect();
                steps.push(step(act, days, by));
                for (earlier, was) in before.into_iter().enumerate() {
                    let on = day(i64::try_from(earlier).unwrap());
                    prop_assert_eq!(Standing::on(&steps, on).is_party(), was);
                }
                prop_assert_eq!(Standing::on(&steps, day(days)).is_party(), act != Act::Leave);
            }
        }
    }
}
