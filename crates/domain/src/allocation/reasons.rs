//! Why a number is what it is: inputs, formula, rounding, limits, as a person can check them with a
//! pocket calculator. Words are the server's; here is what they say.

use serde::Serialize;

use super::tree::{Figure, Limit};

/// Why a node has its units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum Why {
    /// The top has the supply.
    Top,
    /// The sum of what those below it got.
    Sum,
    /// Nothing was divided as far down as this.
    NotReached,
    /// It is no party to the collective contract (集合契約), so it is given nothing.
    NoContract,
    /// Its units are the sum of what the parts of the formula gave it.
    Formula {
        /// Part by part, in their order.
        parts: Vec<PartWhy>,
    },
    /// Somebody set the number.
    Set {
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// What the formula would have given.
        instead_of: u64,
    },
}

/// What one part (枠) gave, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartWhy {
    /// Which part of the step, from 0.
    pub part: usize,
    /// Units the part had to give.
    pub quota: u64,
    /// Units it gave here.
    pub units: u64,
    /// The figures that the rule used.
    pub inputs: Vec<Input>,
    /// How the units came from them.
    pub how: How,
    /// Units that the brake took back; they are not in `units`.
    #[serde(skip_serializing_if = "is_zero")]
    pub braked: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_zero(units: &u64) -> bool {
    *units == 0
}

/// A figure, as the rule used it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Input {
    /// Which.
    pub figure: Figure,
    /// How much.
    pub value: u64,
}

/// How the units of a part came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "way", rename_all = "snake_case")]
pub enum How {
    /// A share by weight.
    Shared {
        /// The weight the rule made of the inputs.
        weight: u64,
        /// The share is weight × `units` ÷ `weights`: what was shared among those whom no limit held,
        units_shared: u64,
        /// and the sum of their weights.
        weights: u64,
        /// The share in whole packs, before rounding up.
        whole: u64,
        /// What became of the fraction.
        rounding: Rounding,
    },
    /// A grant in the order of rank.
    Ranked {
        /// The rate it was ranked by, as a fraction: used ÷ supplied, or stock ÷ (people × doses each).
        rate: (u64, u64),
        /// Its place, from 1.
        place: u32,
        /// What it wanted.
        want: u64,
        /// What was left when its turn came.
        left: u64,
        /// How many places there were.
        places: u32,
    },
}

/// What became of a share that was not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "word", rename_all = "snake_case")]
pub enum Rounding {
    /// There was nothing to round.
    Whole,
    /// Nothing, since nothing is asked for, needed, or lived in there.
    NoWeight,
    /// Nothing: there is less room than the smallest shipment.
    NoRoom {
        /// What makes it so.
        #[serde(skip_serializing_if = "Option::is_none")]
        limit: Option<Limit>,
    },
    /// Stopped by a limit.
    Full {
        /// Which.
        #[serde(skip_serializing_if = "Option::is_none")]
        limit: Option<Limit>,
    },
    /// Nothing: the share is below the smallest shipment, and others were nearer to theirs.
    BelowMinimum {
        /// The smallest shipment.
        minimum: u64,
        /// Its place among those below.
        place: u32,
        /// How many of them were sent one.
        chosen: u32,
    },
    /// Lifted to the smallest shipment.
    Minimum {
        /// The smallest shipment.
        minimum: u64,
    },
    /// Rounded down: its fraction stood at this place, and `up` were rounded up.
    Down {
        /// Its place among the fractions.
        place: u32,
        /// How many were rounded up.
        up: u32,
    },
    /// Rounded up.
    Up {
        /// Its place among the fractions.
        place: u32,
        /// How many were rounded up.
        up: u32,
    },
    /// Got what was too little for the packs of the others.
    Beyond,
}

/// Why units stayed with a giver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// The parts of the formula have less than the giver, or gave less than they have.
    Quotas,
    /// Everybody who could get something is full.
    Full,
    /// It is less than the next pack or shipment.
    Packs,
    /// Nobody has a claim by this formula.
    NoClaims,
    /// Nobody stands below who may be given anything.
    Nobody,
}

impl Kept {
    /// The word in files, texts and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quotas => "quotas",
            Self::Full => "full",
            Self::Packs => "packs",
            Self::NoClaims => "no_claims",
            Self::Nobody => "nobody",
        }
    }
}
