//! Misread coupons: whose dose may it have been, when the digits lead to nobody or to the wrong
//! person?
//!
//! The ten digits of a coupon number have no check digit, so a misread number is somebody else's
//! or nobody's (`shiinan`). What is left is the work of a detective: the numbers that look alike,
//! and for each person who has one, what speaks for and against having sat in that chair on that
//! day. The answer is a list for a clerk, with reasons. Nothing is ever moved by itself.

use std::cmp::Ordering;

use crate::access::OrganisationId;
use crate::calendar::{Day, age_on};
use crate::coupons::{CouponLine, CouponNumber};
use crate::doses::InputWay;
use crate::findings::FindingCode;
use crate::people::{BirthDate, ResidentStanding, Sex};
use crate::schedules::{Flags, Given, Person, Schedules};

/// How easily two digits are taken for one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Likeness {
    /// As the readers of the field did (`shiinan`).
    Often,
    /// As printed or written digits suggest. \[U\]
    Seldom,
}

/// Digits that are taken for one another, the smaller first. Only 1 and 4 were reported from the
/// field (`shiinan`); the others are what OCR-B in bad print, or a hand, makes alike. \[U\]
pub const CONFUSIONS: [(u8, u8, Likeness); 11] = [
    (0, 6, Likeness::Seldom),
    (0, 8, Likeness::Seldom),
    (1, 4, Likeness::Often),
    (1, 7, Likeness::Seldom),
    (2, 7, Likeness::Seldom),
    (3, 5, Likeness::Seldom),
    (3, 8, Likeness::Seldom),
    (4, 9, Likeness::Seldom),
    (5, 6, Likeness::Seldom),
    (6, 8, Likeness::Seldom),
    (8, 9, Likeness::Seldom),
];

/// What went wrong on the way from the paper to the digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slip {
    /// One digit was taken for another.
    Confused {
        /// Which of the digits, from 1.
        position: usize,
        /// How alike they are.
        likeness: Likeness,
    },
    /// Two digits side by side were typed the wrong way round.
    Swapped {
        /// The first of the two, from 1.
        position: usize,
    },
}

impl Slip {
    /// The stable word for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Confused { .. } => "digit_confused",
            Self::Swapped { .. } => "digits_swapped",
        }
    }
}

/// The numbers one slip away, each once, in the order of the place of the slip: what may have
/// stood on the paper. A digit may have been confused however it came in; two can only have been
/// swapped by a hand. A QR code or a hand scanner gives the digits as they were printed, so
/// there is none. On a blank paper form the digits were written by hand, and typed from it.
pub fn neighbours(
    number: &CouponNumber,
    way: InputWay,
) -> impl Iterator<Item = (CouponNumber, Slip)> {
    let text = number.as_str().to_owned();
    slips(&text, way)
        .into_iter()
        .filter_map(|(digits, slip)| Some((CouponNumber::parse(&digits).ok()?, slip)))
}

/// The lines one slip away that may be coupons: the check digit of the municipality code is
/// right. Where it is not right in the line itself, these are the lines that mend it.
pub fn line_neighbours(
    line: &CouponLine,
    way: InputWay,
) -> impl Iterator<Item = (CouponLine, Slip)> {
    let text = line.as_str().to_owned();
    slips(&text, way).into_iter().filter_map(|(digits, slip)| {
        let line = CouponLine::parse(&digits).ok()?;
        line.coupon().ok().map(|_| (line, slip))
    })
}

fn slips(digits: &str, way: InputWay) -> Vec<(String, Slip)> {
    let (confused, swapped) = match way {
        InputWay::Qr | InputWay::Scanner => (false, false),
        InputWay::Ocr | InputWay::System => (true, false),
        InputWay::Keyed | InputWay::Csv | InputWay::Api | InputWay::Paper => (true, true),
    };
    let bytes = digits.as_bytes();
    let mut found = Vec::new();
    for (index, byte) in bytes.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        for (one, other, likeness) in CONFUSIONS.into_iter().filter(|_| confused) {
            let meant = match digit {
                digit if digit == one => other,
                digit if digit == other => one,
                _ => continue,
            };
            let position = index + 1;
            let slip = Slip::Confused { position, likeness };
            found.push((with_digit(bytes, index, b'0' + meant), slip));
        }
        let next = bytes.get(index + 1).filter(|next| swapped && *next != byte);
        if let Some(next) = next {
            let turned = with_digit(bytes, index, *next);
            let turned = with_digit(turned.as_bytes(), index + 1, *byte);
            let position = index + 1;
            found.push((turned, Slip::Swapped { position }));
        }
    }
    found
}

fn with_digit(digits: &[u8], index: usize, digit: u8) -> String {
    let changed =
        |(place, old): (usize, &u8)| char::from(if place == index { digit } else { *old });
    digits.iter().enumerate().map(changed).collect()
}

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

/// Ages a product is for, in full years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ages {
    /// The youngest.
    pub from: i64,
    /// The oldest, if there is a limit.
    pub to: Option<i64>,
}

/// What the schedules ask of a dose: the ages its product is for, and the gap to the dose before.
///
/// Three people are made up and asked about: one just born, one older than anybody, and one who had
/// the dose before on the day before. What is found wrong with them says the day from which, or up
/// to which, it would be right.
#[must_use]
pub fn demands(product: &str, turn: u8, given_on: Day) -> (Option<Ages>, Option<i64>) {
    let rules = Schedules::covid19();
    let Some(product) = rules.product(product) else {
        return (None, None);
    };
    let dose = |on: Day, turn: u8| Given {
        on,
        turn: Some(turn).filter(|turn| *turn > 0),
        product: Some(product),
        external: false,
        lot: "",
        expires: None,
    };
    let found = |birth: Day, before: &[Given<'_>], code: FindingCode| {
        let person = Person {
            birth: BirthDate::new(birth.year(), Some(birth.month()), Some(birth.day())),
            sex: Sex::Unknown,
            flags: Flags::Unknown,
        };
        let all = rules.findings_after(&person, before, &dose(given_on, turn));
        let day = all.into_iter().find(|one| one.code == code)?.day;
        Some((birth, day?))
    };
    let born_long_ago = given_on.plus_months(-12 * OLDEST_YEARS);
    let from = found(given_on, &[], FindingCode::TooYoung);
    let to = found(born_long_ago, &[], FindingCode::TooOld);
    let ages = (from.is_some() || to.is_some()).then(|| Ages {
        from: from.map_or(0, |(birth, first)| age_on(birth, first)),
        to: to.map(|(birth, last)| age_on(birth, last)),
    });
    let yesterday = given_on.plus_days(-1);
    let before = [dose(yesterday, turn.saturating_sub(1))];
    let grown_up = given_on.plus_months(-12 * ages.map_or(PROBED_YEARS, between));
    let gap = (turn > 1)
        .then(|| found(grown_up, &before, FindingCode::TooSoon))
        .flatten()
        .map(|(_, earliest)| yesterday.days_until(earliest));
    (ages, gap)
}

/// Older than anybody; an age to ask by where the product is for every age, or from one on.
const OLDEST_YEARS: i32 = 130;
const PROBED_YEARS: i32 = 40;

/// An age that the product is for.
fn between(ages: Ages) -> i32 {
    let middle = match ages.to {
        Some(to) => (ages.from + to) / 2,
        None => ages.from.max(i64::from(PROBED_YEARS)),
    };
    i32::try_from(middle).unwrap_or(PROBED_YEARS)
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn number(text: &str) -> CouponNumber {
        CouponNumber::parse(text).unwrap()
    }

    #[test]
    fn the_schedules_say_ages_and_gap() {
        let on = Day::parse("2021-07-10").unwrap();
        let (ages, gap) = demands("comirnaty_12_mono", 2, on);
        assert_eq!(ages, Some(Ages { from: 12, to: None }));
        assert_eq!(gap, Some(19), "D+19: eighteen days between");
        assert_eq!(demands("comirnaty_12_mono", 1, on).1, None);
        assert_eq!(demands("nobody_knows_it", 2, on), (None, None));
    }

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn venue(id: u128) -> OrganisationId {
        OrganisationId(Uuid::from_u128(id))
    }

    fn session() -> Session {
        Session {
            turn: 2,
            given_on: day("2021-07-10"),
            product: "comirnaty_12_mono".into(),
            ages: Some(Ages { from: 12, to: None }),
            gap_days_min: Some(19),
            venue: venue(1),
            venue_is_in_city: true,
            read_around: vec![],
        }
    }

    fn candidate() -> Candidate {
        Candidate {
            number: number("0000000014"),
            slip: Slip::Confused {
                position: 10,
                likeness: Likeness::Often,
            },
            void_since: None,
            birth: BirthDate::parse("1946-05-03").unwrap(),
            standing: ResidentStanding::Resident,
            doses: vec![dose(1, "2021-06-19")],
            bookings: vec![],
        }
    }

    fn dose(turn: u8, on: &str) -> CandidateDose {
        CandidateDose {
            turn,
            given_on: day(on),
            product: "comirnaty_12_mono".into(),
            venue: venue(1),
        }
    }

    fn check(candidate: &Candidate, session: &Session, expected: &str) {
        let score = fit(candidate, session);
        let reasons: Vec<_> = score.reasons.iter().map(|reason| reason.code()).collect();
        assert_eq!(format!("{}: {}", score.points, reasons.join(" ")), expected);
    }

    /// What changing the candidate or the session adds to the reasons, and what it takes away.
    fn check_change(change: impl FnOnce(&mut Candidate, &mut Session), expected: &str) {
        let before: BTreeSet<_> = fit(&candidate(), &session()).reasons.into_iter().collect();
        let (mut candidate, mut session) = (candidate(), session());
        change(&mut candidate, &mut session);
        let after: BTreeSet<_> = fit(&candidate, &session).reasons.into_iter().collect();
        let signed = |sign: char, reason: &Reason| format!("{sign}{}", reason.code());
        let added = after.difference(&before).map(|reason| signed('+', reason));
        let taken = before.difference(&after).map(|reason| signed('-', reason));
        assert_eq!(added.chain(taken).collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn the_numbers_one_slip_away_are_those_of_the_table_and_of_hands() {
        let all = |text: &str, way| -> Vec<_> {
            neighbours(&number(text), way)
                .map(|(number, slip)| format!("{} {}", number.as_str(), slip.code()))
                .collect()
        };
        let confused = all("2222222214", InputWay::Ocr);
        assert_eq!(confused.len(), 8 + 2 + 2);
        assert!(confused.contains(&"2222222244 digit_confused".to_owned()));
        assert!(confused.contains(&"2222222211 digit_confused".to_owned()));
        let keyed = all("2222222214", InputWay::Keyed);
        assert!(keyed.contains(&"2222222124 digits_swapped".to_owned()));
        assert!(keyed.contains(&"2222222241 digits_swapped".to_owned()));
        assert_eq!(keyed.len(), confused.len() + 2);
        assert!(all("2222222214", InputWay::Qr).is_empty());
    }

    #[test]
    fn a_line_with_a_wrong_check_digit_is_mended_by_its_neighbours() {
        // 131016 read as 131018.
        let line = CouponLine::parse("211310180000012345").unwrap();
        let mended: Vec<_> = line_neighbours(&line, InputWay::Ocr).collect();
        let right = CouponLine::parse("211310160000012345").unwrap();
        let slip = Slip::Confused {
            position: 8,
            likeness: Likeness::Seldom,
        };
        assert!(mended.contains(&(right, slip)));
        assert!(mended.iter().all(|(line, _)| line.coupon().is_ok()));
    }

    #[test]
    fn who_lacks_the_dose_and_had_the_first_in_time_fits() {
        check(
            &candidate(),
            &session(),
            "115: often_confused lacks_the_dose follows_the_last same_venue_before same_product_before age_fits venue_in_city",
        );
    }

    #[test]
    fn every_reason_is_given_when_it_holds() {
        check_change(
            |c, s| c.void_since = Some(s.given_on.plus_days(-1)),
            "+number_void",
        );
        // On the day it became void the paper may still have been read.
        check_change(|c, s| c.void_since = Some(s.given_on), "");
        check_change(
            |c, _| c.slip = Slip::Swapped { position: 1 },
            "+swapped -often_confused",
        );
        check_change(
            |c, _| {
                c.slip = Slip::Confused {
                    position: 1,
                    likeness: Likeness::Seldom,
                }
            },
            "+seldom_confused -often_confused",
        );
        check_change(
            |c, _| c.doses.push(dose(2, "2021-07-11")),
            "+has_the_dose -lacks_the_dose",
        );
        check_change(
            |c, _| c.doses.clear(),
            "+lacks_the_dose_before -follows_the_last -same_venue_before -same_product_before",
        );
        check_change(|c, _| c.doses[0] = dose(1, "2021-06-21"), "");
        check_change(
            |c, _| c.doses[0] = dose(1, "2021-06-22"),
            "+too_soon_after_the_last -follows_the_last",
        );
        check_change(
            |c, _| c.doses.push(dose(3, "2021-07-09")),
            "+later_dose_is_earlier",
        );
        check_change(|c, _| c.doses[0].venue = venue(2), "-same_venue_before");
        check_change(
            |c, _| c.doses[0].product = "vaxzevria".into(),
            "-same_product_before",
        );
        check_change(
            |_, s| {
                s.ages = Some(Ages {
                    from: 5,
                    to: Some(11),
                })
            },
            "+age_does_not_fit -age_fits",
        );
        check_change(|_, s| s.ages = None, "-age_fits");
        check_change(
            |c, _| c.birth = BirthDate::parse("2021-07-11").unwrap(),
            "+not_born -age_fits",
        );
        check_change(|_, s| s.venue_is_in_city = false, "-venue_in_city");
        check_change(
            |_, s| s.read_around = vec![number("0000000019")],
            "+number_near_session",
        );
        check_change(|_, s| s.read_around = vec![number("0000000020")], "");
        check_change(
            |_, s| s.read_around = vec![number("0000000014"), number("0000000015")],
            "+read_in_session",
        );
        check_change(
            |c, _| c.standing = ResidentStanding::Dead(day("2021-07-09")),
            "+person_gone",
        );
        check_change(
            |c, _| c.standing = ResidentStanding::MovedOut(day("2021-07-10")),
            "",
        );
    }

    #[test]
    fn a_booking_here_and_then_says_most() {
        let booked = |on: &str, at| {
            let booking = Booking {
                on: day(on),
                venue: venue(at),
            };
            move |c: &mut Candidate, _: &mut Session| c.bookings.push(booking)
        };
        check_change(booked("2021-07-10", 1), "+booked_here");
        check_change(booked("2021-07-10", 2), "+booked_elsewhere");
        check_change(booked("2021-07-17", 1), "+booked_here_about_then");
        check_change(booked("2021-07-18", 1), "");
        check_change(booked("2021-07-09", 2), "");
    }

    #[test]
    fn an_unknown_day_of_birth_fits_if_any_day_would() {
        let ages = Some(Ages {
            from: 12,
            to: Some(15),
        });
        let born = |text: &str| {
            let birth = BirthDate::parse(text).unwrap();
            move |c: &mut Candidate, s: &mut Session| (c.birth, s.ages) = (birth, ages)
        };
        check_change(born("2009-00-00"), "");
        check_change(born("2009-08-00"), "+age_does_not_fit -age_fits");
        check_change(born("2005-00-00"), "");
        check_change(born("2021-00-00"), "+age_does_not_fit -age_fits");
    }

    #[test]
    fn a_void_number_is_shown_only_if_nothing_else_is_left() {
        let void = Candidate {
            number: number("0000000041"),
            void_since: Some(day("2021-07-09")),
            ..candidate()
        };
        let shown = |candidates: &[Candidate]| {
            let worth = worth_showing(rank(candidates, &session()));
            worth.into_iter().map(|(one, _)| one).collect::<Vec<_>>()
        };
        let in_force = candidate();
        assert_eq!(shown(&[void.clone(), in_force.clone()]), [in_force.number]);
        assert_eq!(shown(std::slice::from_ref(&void)), [void.number]);
        // Whoever has the dose already is nobody else.
        let has_it = Candidate {
            doses: vec![dose(2, "2021-07-01")],
            ..in_force
        };
        assert_eq!(shown(&[void, has_it]), [number("0000000041")]);
    }

    #[test]
    fn what_excludes_outweighs_all_that_speaks_for() {
        let speaks: i32 = Reason::ALL
            .iter()
            .map(|reason| reason.points().max(0))
            .sum();
        for reason in Reason::ALL {
            let score = Score {
                points: reason.points(),
                reasons: vec![reason],
            };
            let excludes = reason.points() + speaks < 0;
            assert_eq!(score.is_possible(), !excludes, "{reason:?}");
            assert!(reason.text_ja().ends_with('。') && reason.text_en().ends_with('.'));
        }
    }

    #[test]
    fn nothing_of_a_person_shows_in_debug() {
        let session = Session {
            read_around: vec![number("0000000014")],
            ..session()
        };
        let shown = format!("{:?} {session:?}", candidate());
        for secret in ["0000000014", "1946", "comirnaty"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    fn any_way() -> impl Strategy<Value = InputWay> {
        prop::sample::select(InputWay::ALL.to_vec())
    }

    fn any_candidate() -> impl Strategy<Value = Candidate> {
        let dose = (1..4_u8, 0..200_i64, 0..2_u128).prop_map(|(turn, days, at)| CandidateDose {
            turn,
            given_on: day("2021-03-01").plus_days(days),
            product: if at == 0 {
                "comirnaty_12_mono"
            } else {
                "vaxzevria"
            }
            .into(),
            venue: venue(at),
        });
        let booking = (125..140_i64, 0..2_u128).prop_map(|(days, at)| Booking {
            on: day("2021-03-01").plus_days(days),
            venue: venue(at),
        });
        let doses = prop::collection::vec(dose, 0..4);
        let bookings = prop::collection::vec(booking, 0..3);
        (0..20_u64, any::<bool>(), 1930..2022_i16, doses, bookings).prop_map(
            |(serial, gone, year, doses, bookings)| Candidate {
                number: number(&format!("{serial:010}")),
                slip: if serial % 2 == 0 {
                    Slip::Swapped { position: 3 }
                } else {
                    Slip::Confused {
                        position: 2,
                        likeness: Likeness::Often,
                    }
                },
                birth: BirthDate::new(year, None, None).unwrap(),
                void_since: (serial % 5 == 0).then(|| day("2021-07-09")),
                standing: if gone {
                    ResidentStanding::Dead(day("2021-07-01"))
                } else {
                    ResidentStanding::Resident
                },
                doses,
                bookings,
            },
        )
    }

    proptest! {
        #[test]
        fn whoever_is_a_neighbour_has_one(digits in "[0-9]{10}", way in any_way()) {
            let own = number(&digits);
            let all: Vec<_> = neighbours(&own, way).collect();
            let distinct: BTreeSet<_> = all.iter().map(|(number, _)| *number).collect();
            prop_assert_eq!(distinct.len(), all.len());
            prop_assert!(!distinct.contains(&own));
            for (neighbour, _) in all {
                let differing = neighbour.as_str().bytes().zip(digits.bytes()).filter(|(one, other)| one != other).count();
                prop_assert!((1..=2).contains(&differing));
                prop_assert!(neighbours(&neighbour, way).any(|(back, _)| back == own));
            }
        }

        #[test]
        fn a_neighbour_of_a_line_is_a_coupon(digits in "[0-9]{18}", way in any_way()) {
            let line = CouponLine::parse(&digits).unwrap();
            for (neighbour, _) in line_neighbours(&line, way) {
                prop_assert!(neighbour.coupon().is_ok() && neighbour != line);
            }
        }

        #[test]
        fn points_are_the_sum_of_reasons_that_stand_once(candidate in any_candidate()) {
            let score = fit(&candidate, &session());
            prop_assert_eq!(score.points, score.reasons.iter().map(|reason| reason.points()).sum::<i32>());
            prop_assert!(score.reasons.is_sorted_by(|one, other| one < other));
            prop_assert_eq!(&score, &fit(&candidate, &session()));
        }

        #[test]
        fn the_order_of_the_candidates_makes_no_difference(candidates in prop::collection::vec(any_candidate(), 0..8)) {
            let ranked = rank(&candidates, &session());
            let turned: Vec<_> = candidates.iter().rev().cloned().collect();
            prop_assert_eq!(&rank(&turned, &session()), &ranked);
            prop_assert!(ranked.is_sorted_by(|one, other| one.1.points >= other.1.points));
        }

        #[test]
        fn a_booking_here_never_lowers_a_candidate(candidate in any_candidate()) {
            let mut booked = candidate.clone();
            booked.bookings.push(Booking { on: session().given_on, venue: session().venue });
            prop_assert!(fit(&booked, &session()).points >= fit(&candidate, &session()).points);
        }
    }
}
