//! What a line of paper means that corrects or takes back (取消区分 1, 2; domain paper §2.4): which record,
//! and what shall become of it.
//!
//! The last write never wins. A line changes a record only where it can mean but one, and never one that
//! the city has confirmed (確定); whatever is open is left to somebody who sees both.

use serde::{Deserialize, Serialize};

use crate::calendar::Day;
use crate::coupons::{CouponKind, CouponLine};
use crate::doses::{DoseId, Facts, Held};

/// What a line asks for (取消区分).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// 0 登録: a record to be made.
    Record,
    /// 1 訂正: the record of this coupon and turn to be corrected so.
    Correct,
    /// 2 削除: the record that says this to be taken back. It stays in the ledger, voided.
    Void,
}

impl Order {
    /// Every order.
    pub const ALL: [Self; 3] = [Self::Record, Self::Correct, Self::Void];
    /// The digits of all, in their order.
    pub const CODES: &'static [&'static str] = &["0", "1", "2"];

    /// The digit in the file.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Record => "0",
            Self::Correct => "1",
            Self::Void => "2",
        }
    }

    /// Reads that digit.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.code() == code)
    }
}

/// What a line says of a dose. An empty text says nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Said<'a> {
    /// The coupon's 18 digits.
    pub digits: &'a CouponLine,
    /// The day it was given.
    pub given_on: Day,
    /// The product's key.
    pub product: &'a str,
    /// The lot.
    pub lot: &'a str,
    /// Who gave it.
    pub doctor: &'a str,
}

impl Said<'_> {
    /// Whether the record is of the turn that the line names: of that number where the coupon has one, of
    /// a coupon that leaves it open otherwise.
    fn is_of_turn(&self, facts: &Facts) -> bool {
        let same_turn = match self.digits.turn_digit() {
            0 => facts.line.turn_digit() == 0,
            turn if facts.kind() == CouponKind::InterviewOnly => facts.line.turn_digit() == turn,
            turn => facts.turn == turn,
        };
        facts.kind() == self.digits.kind() && same_turn
    }

    /// Whether the record says whatever the line says.
    fn is_told_by(&self, facts: &Facts) -> bool {
        let same = |said: &str, is: &str| said.is_empty() || said == is;
        facts.given_on == self.given_on
            && same(self.product, &facts.product)
            && same(self.lot, &facts.lot)
    }

    /// What the record says once it is corrected. Digits, venue and turn stay.
    fn corrected(&self, facts: &Facts) -> Facts {
        let or = |said: &str, is: &str| if said.is_empty() { is } else { said }.to_owned();
        Facts {
            doctor: or(self.doctor, &facts.doctor),
            given_on: self.given_on,
            lot: or(self.lot, &facts.lot),
            product: or(self.product, &facts.product),
            ..facts.clone()
        }
    }
}

/// What shall become of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amendment {
    /// Which record.
    pub dose: DoseId,
    /// What it says now.
    pub was: Facts,
    /// What it shall say; none if it shall be taken back.
    pub becomes: Option<Facts>,
}

/// Why a line changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmendRefusal {
    /// The person has no record of that turn.
    NoRecord,
    /// There are several: which is meant, the line cannot say.
    Several,
    /// A record of that turn is there, but it says something else than what is to be taken back.
    SaysOtherwise,
    /// The city has confirmed the record.
    Confirmed,
}

impl AmendRefusal {
    /// The stable word.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NoRecord => "no_record",
            Self::Several => "several_records",
            Self::SaysOtherwise => "record_says_otherwise",
            Self::Confirmed => "record_confirmed",
        }
    }
}

/// What a line that corrects or takes back means among the records of its person, taken back ones
/// included; none if it is so already, or if the line only records.
///
/// # Errors
/// Why it is left to somebody who sees the records.
pub fn amend(
    order: Order,
    said: &Said<'_>,
    records: &[Held],
) -> Result<Option<Amendment>, AmendRefusal> {
    let of_turn = || records.iter().filter(|held| said.is_of_turn(&held.facts));
    let standing: Vec<&Held> = of_turn().filter(|held| !held.voided).collect();
    let told = |held: &&Held| said.is_told_by(&held.facts);
    let meant: Vec<&Held> = match order {
        Order::Record => return Ok(None),
        Order::Correct => standing,
        Order::Void => {
            let told_by: Vec<&Held> = standing.iter().copied().filter(|held| told(held)).collect();
            if told_by.is_empty() && of_turn().filter(|held| held.voided).any(|held| told(&held)) {
                return Ok(None);
            }
            if told_by.is_empty() && !standing.is_empty() {
                return Err(AmendRefusal::SaysOtherwise);
            }
            told_by
        }
    };
    let held = match meant.as_slice() {
        [] => return Err(AmendRefusal::NoRecord),
        [one] => *one,
        _ => return Err(AmendRefusal::Several),
    };
    let becomes = match order {
        Order::Correct => Some(said.corrected(&held.facts)),
        Order::Record | Order::Void => None,
    };
    if becomes.as_ref() == Some(&held.facts) {
        return Ok(None);
    }
    if held.confirmed {
        return Err(AmendRefusal::Confirmed);
    }
    Ok(Some(Amendment {
        dose: held.id,
        was: held.facts.clone(),
        becomes,
    }))
}
