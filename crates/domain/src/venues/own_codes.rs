//! The codes under which wholesalers and makers know venues (自社コード): in the real system a company in between
//! converted them (domain paper §3.5); here each keeps its own.

use super::FacilityCode;
use crate::calendar::Day;

/// Characters of an own code at most.
pub const OWN_CODE_LENGTH_MAX: usize = 20;

/// A venue by its code, and the own code from a day on; an empty one is none from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnCode {
    /// The venue's code on that day.
    pub code: FacilityCode,
    /// The venue's name, for people; it is not needed to tell.
    pub name: String,
    /// From which day on.
    pub from: Day,
    /// The own code.
    pub own: String,
}
