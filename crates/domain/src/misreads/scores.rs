//! How well a person fits a dose under a number one slip away, with every reason.

use std::cmp::Ordering;

use super::slips::{Likeness, Slip};
use super::{Booking, Candidate, CandidateDose, Session};
use crate::calendar::age_on;
use crate::coupons::CouponNumber;

/// Numbers at most so far apart were printed, and mostly posted, together: a household or a street.
const NEAR_NUMBERS: i64 = 5;

/// A booking at most so many days away from the dose was perhaps moved.
const BOOKING_DAYS_NEAR: i64 = 7;

/// Something that speaks for or against a candidate. The words are stable: others script against
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The digits are often taken for one another.
    OftenConfused,
    /// The digits are sometimes taken for one another.
    SeldomConfused,
    /// Two digits side by side would have been swapped.
    Swapped,
    /// The person has no dose of that turn.
    LacksTheDose,
    /// The person has a dose of that turn already.
    HasTheDose,
    /// The person has the dose before, long enough ago, or it is the first.
    FollowsTheLast,
    /// The dose before is missing.
    LacksTheDoseBefore,
    /// The dose before was too short a time ago, or later.
    TooSoonAfterTheLast,
    /// A later dose of the person was given earlier.
    LaterDoseIsEarlier,
    /// The person was at this venue before.
    SameVenueBefore,
    /// The person had the same product before.
    SameProductBefore,
    /// The product is for the person's age.
    AgeFits,
    /// The product is not for the person's age.
    AgeDoesNotFit,
    /// The person had booked this venue for the day.
    BookedHere,
    /// The person had booked this venue for a day close to it.
    BookedHereAboutThen,
    /// The person had booked another venue for the day.
    BookedElsewhere,
    /// The venue lies in the person's city.
    VenueInCity,
    /// The device read a number close to the person's around that time.
    NumberNearSession,
    /// The device read the person's number rightly around that time: that was another dose.
    ReadInSession,
    /// The person had died, moved out or been removed before the day.
    PersonGone,
    /// The person was not born yet.
    NotBorn,
    /// The number was void before the day: its paper was lost, replaced or called back.
    NumberVoid,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 22] = [
        Self::OftenConfused,
        Self::SeldomConfused,
        Self::Swapped,
        Self::LacksTheDose,
        Self::HasTheDose,
        Self::FollowsTheLast,
        Self::LacksTheDoseBefore,
        Self::TooSoonAfterTheLast,
        Self::LaterDoseIsEarlier,
        Self::SameVenueBefore,
        Self::SameProductBefore,
        Self::AgeFits,
        Self::AgeDoesNotFit,
        Self::BookedHere,
        Self::BookedHereAboutThen,
        Self::BookedElsewhere,
        Self::VenueInCity,
        Self::NumberNearSession,
        Self::ReadInSession,
        Self::PersonGone,
        Self::NotBorn,
        Self::NumberVoid,
    ];

    /// What it weighs. Our own measure: what excludes a person outweighs all that speaks for one;
    /// a booking outweighs any other single reason, since the venue wrote it down beforehand. \[O\]
    #[must_use]
    pub fn points(self) -> i32 {
        match self {
            Self::BookedHere => 50,
            Self::LacksTheDose => 30,
            Self::FollowsTheLast | Self::OftenConfused => 20,
            Self::BookedHereAboutThen | Self::SameVenueBefore | Self::NumberNearSession => 15,
            Self::AgeFits | Self::VenueInCity | Self::SameProductBefore | Self::SeldomConfused => {
                10
            }
            Self::Swapped => 5,
            Self::BookedElsewhere | Self::LacksTheDoseBefore | Self::NumberVoid => -20,
            Self::TooSoonAfterTheLast | Self::LaterDoseIsEarlier => -30,
            Self::AgeDoesNotFit => -60,
            Self::HasTheDose | Self::ReadInSession | Self::PersonGone | Self::NotBorn => -300,
        }
    }

    /// The stable word for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::OftenConfused => "often_confused",
            Self::SeldomConfused => "seldom_confused",
            Self::Swapped => "swapped",
            Self::LacksTheDose => "lacks_the_dose",
            Self::HasTheDose => "has_the_dose",
            Self::FollowsTheLast => "follows_the_last",
            Self::LacksTheDoseBefore => "lacks_the_dose_before",
            Self::TooSoonAfterTheLast => "too_soon_after_the_last",
            Self::LaterDoseIsEarlier => "later_dose_is_earlier",
            Self::SameVenueBefore => "same_venue_before",
            Self::SameProductBefore => "same_product_before",
            Self::AgeFits => "age_fits",
            Self::AgeDoesNotFit => "age_does_not_fit",
            Self::BookedHere => "booked_here",
            Self::BookedHereAboutThen => "booked_here_about_then",
            Self::BookedElsewhere => "booked_elsewhere",
            Self::VenueInCity => "venue_in_city",
            Self::NumberNearSession => "number_near_session",
            Self::ReadInSession => "read_in_session",
            Self::PersonGone => "person_gone",
            Self::NotBorn => "not_born",
            Self::NumberVoid => "number_void",
        }
    }

    /// For the clerk, in Japanese.
    #[must_use]
    pub fn text_ja(self) -> &'static str {
        match self {
            Self::OftenConfused => "読み間違えやすい数字です。",
            Self::SeldomConfused => "読み間違えることのある数字です。",
            Self::Swapped => "隣り合う数字を逆に入力した場合の番号です。",
            Self::LacksTheDose => "この回の記録がありません。",
            Self::HasTheDose => "この回の記録がすでにあります。",
            Self::FollowsTheLast => "前回の接種からの間隔が合います(または1回目です)。",
            Self::LacksTheDoseBefore => "前の回の記録がありません。",
            Self::TooSoonAfterTheLast => "前回の接種からの間隔が足りません。",
            Self::LaterDoseIsEarlier => "後の回の接種日のほうが前になります。",
            Self::SameVenueBefore => "以前に同じ会場で接種しています。",
            Self::SameProductBefore => "以前に同じワクチンを接種しています。",
            Self::AgeFits => "ワクチンの対象年齢に合います。",
            Self::AgeDoesNotFit => "ワクチンの対象年齢に合いません。",
            Self::BookedHere => "この会場にその日の予約がありました。",
            Self::BookedHereAboutThen => "この会場に近い日の予約がありました。",
            Self::BookedElsewhere => "その日は別の会場に予約がありました。",
            Self::VenueInCity => "会場が市町村内にあります。",
            Self::NumberNearSession => "同じ端末が前後に近い番号を読み取っています。",
            Self::ReadInSession => "同じ端末が前後にこの番号を正しく読み取っています。",
            Self::PersonGone => "その日より前に転出・死亡などの異動があります。",
            Self::NotBorn => "その日はまだ生まれていません。",
            Self::NumberVoid => "その日より前に無効になった番号です。",
        }
    }

    /// For the clerk, in English.
    #[must_use]
    pub fn text_en(self) -> &'static str {
        match self {
            Self::OftenConfused => "The digits are often taken for one another.",
            Self::SeldomConfused => "The digits are sometimes taken for one another.",
            Self::Swapped => "It is the number if two digits were typed the wrong way round.",
            Self::LacksTheDose => "There is no record of this turn.",
            Self::HasTheDose => "There is a record of this turn already.",
            Self::FollowsTheLast => "The gap to the last dose fits (or it is the first).",
            Self::LacksTheDoseBefore => "There is no record of the turn before.",
            Self::TooSoonAfterTheLast => "The gap to the last dose is too short.",
            Self::LaterDoseIsEarlier => "A later turn was given earlier.",
            Self::SameVenueBefore => "The person was at this venue before.",
            Self::SameProductBefore => "The person had the same product before.",
            Self::AgeFits => "The product is for this age.",
            Self::AgeDoesNotFit => "The product is not for this age.",
            Self::BookedHere => "There was a booking here for the day.",
            Self::BookedHereAboutThen => "There was a booking here for a day close to it.",
            Self::BookedElsewhere => "There was a booking elsewhere for the day.",
            Self::VenueInCity => "The venue lies in the city.",
            Self::NumberNearSession => "The same device read a number close by around that time.",
            Self::ReadInSession => "The same device read this number rightly around that time.",
            Self::PersonGone => "The person had died or left before the day.",
            Self::NotBorn => "The person was not born yet.",
            Self::NumberVoid => "The number was void before the day.",
        }
    }
}

/// How well a candidate fits, and why.
///
/// Invariant: `points` is the sum of the reasons' points, and each reason stands once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    /// The more, the better.
    pub points: i32,
    /// In the order of [`Reason::ALL`].
    pub reasons: Vec<Reason>,
}

impl Score {
    /// Whether nothing excludes the person: else the candidate is not worth a clerk's time.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        let excludes = |reason: &Reason| {
            matches!(
                reason,
                Reason::HasTheDose | Reason::ReadInSession | Reason::PersonGone | Reason::NotBorn
            )
        };
        !self.reasons.iter().any(excludes)
    }
}

/// How well a candidate fits the dose.
#[must_use]
pub fn fit(candidate: &Candidate, session: &Session) -> Score {
    let mut reasons = vec![match candidate.slip {
        Slip::Confused {
            likeness: Likeness::Often,
            ..
        } => Reason::OftenConfused,
        Slip::Confused {
            likeness: Likeness::Seldom,
            ..
        } => Reason::SeldomConfused,
        Slip::Swapped { .. } => Reason::Swapped,
    }];
    reasons.extend(from_doses(candidate, session));
    reasons.extend(from_age(candidate, session));
    reasons.extend(from_bookings(candidate, session));
    reasons.extend(from_session(candidate, session));
    let gone = candidate.standing.gone_since();
    if gone.is_some_and(|since| since < session.given_on) {
        reasons.push(Reason::PersonGone);
    }
    if candidate
        .void_since
        .is_some_and(|since| since < session.given_on)
    {
        reasons.push(Reason::NumberVoid);
    }
    reasons.sort_unstable();
    let points = reasons.iter().map(|reason| reason.points()).sum();
    Score { points, reasons }
}

fn from_doses(candidate: &Candidate, session: &Session) -> Vec<Reason> {
    let doses = &candidate.doses;
    let turn = session.turn;
    let mut reasons = vec![if doses.iter().any(|dose| dose.turn == turn) {
        Reason::HasTheDose
    } else {
        Reason::LacksTheDose
    }];
    let before = |dose: &&CandidateDose| dose.turn < turn;
    // Of several, the latest is the one that counts for the gap.
    let last = doses.iter().filter(before).map(|dose| dose.given_on).max();
    let gap = session.gap_days_min.unwrap_or(1);
    match last {
        Some(last) if last.plus_days(gap) > session.given_on => {
            reasons.push(Reason::TooSoonAfterTheLast);
        }
        _ if turn <= 1 => reasons.push(Reason::FollowsTheLast),
        Some(_)
            if doses
                .iter()
                .any(|dose| dose.turn.checked_add(1) == Some(turn)) =>
        {
            reasons.push(Reason::FollowsTheLast);
        }
        _ => reasons.push(Reason::LacksTheDoseBefore),
    }
    if doses
        .iter()
        .any(|dose| dose.turn > turn && dose.given_on <= session.given_on)
    {
        reasons.push(Reason::LaterDoseIsEarlier);
    }
    if doses.iter().any(|dose| dose.venue == session.venue) {
        reasons.push(Reason::SameVenueBefore);
    }
    if doses.iter().any(|dose| dose.product == session.product) {
        reasons.push(Reason::SameProductBefore);
    }
    reasons
}

/// Where the day of birth is unknown, an age the person may have had fits.
fn from_age(candidate: &Candidate, session: &Session) -> Option<Reason> {
    let youngest = age_on(candidate.birth.latest(), session.given_on);
    let oldest = age_on(candidate.birth.earliest(), session.given_on);
    if oldest < 0 {
        return Some(Reason::NotBorn);
    }
    let ages = session.ages?;
    let fits = oldest >= ages.from && ages.to.is_none_or(|to| youngest <= to);
    Some(if fits {
        Reason::AgeFits
    } else {
        Reason::AgeDoesNotFit
    })
}

fn from_bookings(candidate: &Candidate, session: &Session) -> Option<Reason> {
    let that_day = |booking: &&Booking| booking.on == session.given_on;
    let here = |booking: &&Booking| booking.venue == session.venue;
    let near =
        |booking: &&Booking| booking.on.days_until(session.given_on).abs() <= BOOKING_DAYS_NEAR;
    let bookings = || candidate.bookings.iter();
    if bookings().filter(that_day).any(|booking| here(&booking)) {
        Some(Reason::BookedHere)
    } else if bookings().any(|booking| that_day(&booking)) {
        Some(Reason::BookedElsewhere)
    } else if bookings().filter(here).any(|booking| near(&booking)) {
        Some(Reason::BookedHereAboutThen)
    } else {
        None
    }
}

fn from_session(candidate: &Candidate, session: &Session) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if session.venue_is_in_city {
        reasons.push(Reason::VenueInCity);
    }
    let own = value(&candidate.number);
    let near = |number: &CouponNumber| (value(number) - own).abs() <= NEAR_NUMBERS;
    if session.read_around.contains(&candidate.number) {
        reasons.push(Reason::ReadInSession);
    } else if session.read_around.iter().any(near) {
        reasons.push(Reason::NumberNearSession);
    }
    reasons
}

/// Ten digits are less than 2^34.
fn value(number: &CouponNumber) -> i64 {
    number
        .as_str()
        .bytes()
        .fold(0, |value, byte| value * 10 + i64::from(byte - b'0'))
}

/// The candidates with their scores, the best first; of equals, the smaller number first. The
/// order in which they are handed in makes no difference.
#[must_use]
pub fn rank(candidates: &[Candidate], session: &Session) -> Vec<(CouponNumber, Score)> {
    let mut scores: Vec<_> = candidates
        .iter()
        .map(|candidate| (candidate.number, fit(candidate, session)))
        .collect();
    scores.sort_by(better);
    scores
}

/// Of the ranked, those worth a clerk's time: nobody who is excluded, and a number that was void before
/// the day only if nothing else is left, for hardly anybody keeps the paper of one.
#[must_use]
pub fn worth_showing(ranked: Vec<(CouponNumber, Score)>) -> Vec<(CouponNumber, Score)> {
    let possible = ranked.into_iter().filter(|(_, score)| score.is_possible());
    let (void, in_force): (Vec<_>, Vec<_>) =
        possible.partition(|(_, score)| score.reasons.contains(&Reason::NumberVoid));
    if in_force.is_empty() { void } else { in_force }
}

/// A total order: only the same number with the same reasons is equal.
fn better(one: &(CouponNumber, Score), other: &(CouponNumber, Score)) -> Ordering {
    let points = other.1.points.cmp(&one.1.points);
    points
        .then_with(|| one.0.cmp(&other.0))
        .then_with(|| one.1.reasons.cmp(&other.1.reasons))
}
