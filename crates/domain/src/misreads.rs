//! Misread coupons: whose dose may it have been, when the digits lead to nobody or to the wrong
//! person?
//!
//! The ten digits of a coupon number have no check digit, so a misread number is somebody else's
//! or nobody's (`shiinan`). What is left is the work of a detective: the numbers that look alike,
//! and for each person who has one, what speaks for and against having sat in that chair on that
//! day. The answer is a list for a clerk, with reasons. Nothing is ever moved by itself.

mod ages;
mod scores;
mod slips;

pub use ages::{Ages, demands};
pub use scores::{Reason, Score, fit, rank, worth_showing};
pub use slips::{CONFUSIONS, Likeness, Slip, line_neighbours, neighbours};

use crate::access::OrganisationId;
use crate::calendar::Day;
use crate::coupons::CouponNumber;
use crate::people::{BirthDate, ResidentStanding};

/// What is known of the dose whose digits are in doubt, and of the session it came from.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// The turn of the dose.
    pub turn: u8,
    /// The day it was given.
    pub given_on: Day,
    /// The key of its product.
    pub product: String,
    /// The ages the product is for on that day, if a rule says so.
    pub ages: Option<Ages>,
    /// The shortest gap to the dose before, if a rule says so.
    pub gap_days_min: Option<i64>,
    /// Where it was given.
    pub venue: OrganisationId,
    /// Whether the venue lies in the city whose register is searched.
    pub venue_is_in_city: bool,
    /// The other numbers of that city that the device read around that time and that were found.
    pub read_around: Vec<CouponNumber>,
}

/// A person one slip away, as far as fitting needs to know.
#[derive(Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The number.
    pub number: CouponNumber,
    /// What would have gone wrong.
    pub slip: Slip,
    /// Since when the number is void (a reissue, or made void by itself), if it is.
    pub void_since: Option<Day>,
    /// Birth date.
    pub birth: BirthDate,
    /// Whether the person lives in the city.
    pub standing: ResidentStanding,
    /// The doses of the person that count.
    pub doses: Vec<CandidateDose>,
    /// The person's bookings, of any day.
    pub bookings: Vec<Booking>,
}

/// A dose that a candidate has.
#[derive(Clone, PartialEq, Eq)]
pub struct CandidateDose {
    /// Which.
    pub turn: u8,
    /// When.
    pub given_on: Day,
    /// The key of the product.
    pub product: String,
    /// Where.
    pub venue: OrganisationId,
}

/// A booking that a candidate made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Booking {
    /// For which day.
    pub on: Day,
    /// Where.
    pub venue: OrganisationId,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("turn", &self.turn)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Candidate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Candidate")
            .field("slip", &self.slip)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for CandidateDose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CandidateDose(..)")
    }
}

impl std::fmt::Debug for Booking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Booking(..)")
    }
}

#[cfg(test)]
mod tests;
