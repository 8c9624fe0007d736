//! The standby list (キャンセル待ち名簿): people who agreed to be called when doses are left over, and in which order.
//!
//! The order is a pure function of what is written down, so whoever doubts it works it out again. Of people who come
//! equally, a draw decides that nobody chooses: the hash of the day's key and the number on the list ([`draw`]).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::calendar::{Day, Instant};
use crate::findings::FindingCode;
use crate::ledger::Sha;

/// Characters of a telephone number, with what people write between the digits, at most.
pub const PHONE_LENGTH_MAX: usize = 20;
/// Digits of a telephone number at least: ten in a city, eleven of a mobile.
const PHONE_DIGITS_MIN: usize = 10;
/// Days for which a consent holds at most: half a year, then the person is asked again whether they still wish to come.
pub const CONSENT_DAYS_MAX: i64 = 183;
/// Minutes that somebody needs to come at most: a vial lives no longer than its day.
pub const NEEDS_MINUTES_MAX: i64 = 12 * 60;
/// Minutes of a day.
pub const DAY_MINUTES: i64 = 24 * 60;
/// The oldest age that a city may begin its priority with.
pub const FIRST_FROM_AGE_MAX: i64 = 110;
/// Ten characters and some: products that one person accepts at most.
pub const PRODUCTS_MAX: usize = 20;

const MICROS_PER_MINUTE: i64 = 60_000_000;

/// How somebody agreed to be called (同意の方法).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentWay {
    /// On a signed paper.
    Paper,
    /// At the counter, in their own words.
    Counter,
    /// On the telephone.
    Phone,
}

impl ConsentWay {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Paper, Self::Counter, Self::Phone];

    /// The word in tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Counter => "counter",
            Self::Phone => "phone",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// What somebody told when they went on the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The keys of the products they accept; none for any that the rules allow.
    pub products: Vec<String>,
    /// The minute of the day before which they cannot be there, 0 to 1439.
    pub from_minute: i64,
    /// How many minutes they need to come.
    pub needs_minutes: i64,
    /// The day they agreed.
    pub consent_on: Day,
    /// How.
    pub consent_way: ConsentWay,
    /// The last day on which they may be called.
    pub consent_until: Day,
}

/// Why nobody can be put on a list so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WishRefusal {
    /// Not a telephone number.
    #[error(
        "電話番号を10桁以上の数字で入力してください。/ Enter the telephone number with at least ten digits."
    )]
    Phone,
    /// No such minute of a day, or too long a way.
    #[error(
        "来られる時刻と所要時間を確認してください(所要時間は12時間以内)。/ Check the time from which they can come and the minutes they need (12 hours at most)."
    )]
    Time,
    /// Consent of tomorrow, or for longer than [`CONSENT_DAYS_MAX`], or already over.
    #[error(
        "同意の日は今日まで、期限は今日から183日以内にしてください。/ The consent must be given by today and hold for 183 days at most."
    )]
    Consent,
    /// More products than there are to choose.
    #[error("製品を選び直してください。/ Choose the products again.")]
    Products,
}

impl WishRefusal {
    /// Every code, for the texts' test.
    pub const CODES: [&'static str; 4] = [
        "standby_phone",
        "standby_time",
        "standby_consent",
        "standby_products",
    ];

    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Phone => "standby_phone",
            Self::Time => "standby_time",
            Self::Consent => "standby_consent",
            Self::Products => "standby_products",
        }
    }
}

impl Wish {
    /// Whether it can be entered today.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn check(&self, today: Day) -> Result<(), WishRefusal> {
        let times = (0..DAY_MINUTES).contains(&self.from_minute)
            && (0..=NEEDS_MINUTES_MAX).contains(&self.needs_minutes);
        let holds = self.consent_on <= today
            && self.consent_until >= today
            && today.days_until(self.consent_until) <= CONSENT_DAYS_MAX;
        if !times {
            Err(WishRefusal::Time)
        } else if !holds {
            Err(WishRefusal::Consent)
        } else if self.products.len() > PRODUCTS_MAX {
            Err(WishRefusal::Products)
        } else {
            Ok(())
        }
    }

    /// The first moment at which the person can be there, if they are called now.
    #[must_use]
    pub fn arrives(&self, now: Instant) -> Instant {
        let opens = now.day_in_japan().begins().micros() + self.from_minute * MICROS_PER_MINUTE;
        let comes = now.micros() + self.needs_minutes * MICROS_PER_MINUTE;
        Instant::from_micros(opens.max(comes))
    }
}

/// A telephone number as it is kept: what people write between the digits stays.
///
/// # Errors
/// [`WishRefusal::Phone`], for anything that could not be dialled.
pub fn phone(text: &str) -> Result<String, WishRefusal> {
    let text = text.trim();
    let is_part = |one: char| one.is_ascii_digit() || matches!(one, '-' | ' ' | '(' | ')' | '+');
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if text.len() > PHONE_LENGTH_MAX || digits < PHONE_DIGITS_MIN || !text.chars().all(is_part) {
        return Err(WishRefusal::Phone);
    }
    Ok(text.to_owned())
}

/// Whom a city wants called first, from a day on (優先順位).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// People of this age and older come before all others; none if nobody does.
    pub first_from_age: Option<i64>,
    /// Whether venues may call the people on the city's own list.
    pub shares_list: bool,
}

impl Rule {
    /// Where a city said nothing: nobody first, and its list is its own.
    pub const NONE: Self = Self {
        first_from_age: None,
        shares_list: false,
    };

    /// 0 for those who come first by the rule, 1 for all others. Whose age is not known comes with all others.
    fn group(self, age: Option<i64>) -> u8 {
        let is_first = match (self.first_from_age, age) {
            (Some(from), Some(age)) => age >= from,
            _ => false,
        };
        u8::from(!is_first)
    }
}

/// What somebody answered, or what else became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// They are being called; or their answer was taken back.
    Asked,
    /// They come.
    Accepted,
    /// They do not want to, today.
    Declined,
    /// Nobody answered.
    NoAnswer,
    /// They said that they come, and did not.
    NotCome,
}

impl Word {
    /// Every word.
    pub const ALL: [Self; 5] = [
        Self::Asked,
        Self::Accepted,
        Self::Declined,
        Self::NoAnswer,
        Self::NotCome,
    ];

    /// The word in tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::NoAnswer => "no_answer",
            Self::NotCome => "not_come",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// Whether a dose is promised to them as long as it stands so.
    #[must_use]
    pub fn holds_a_dose(self) -> bool {
        matches!(self, Self::Asked | Self::Accepted)
    }

    /// Whether it may follow: an answer follows a call, *not come* an acceptance, and whatever was said last may be
    /// taken back.
    #[must_use]
    pub fn may_be(self, next: Self) -> bool {
        match (self, next) {
            (Self::Asked, Self::Accepted | Self::Declined | Self::NoAnswer)
            | (Self::Accepted, Self::NotCome)
            | (Self::NotCome, Self::Accepted) => true,
            (from, Self::Asked) => from != Self::Asked,
            _ => false,
        }
    }
}

/// Why somebody is not called for this dose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "reason", content = "finding", rename_all = "snake_case")]
pub enum Pass {
    /// Their consent has ended.
    ConsentOver,
    /// They were given a dose since they went on the list.
    AlreadyGiven,
    /// They are being called or come already, here or elsewhere.
    CalledAlready,
    /// They declined today, or said that they come and did not.
    NotToday,
    /// They do not accept this product.
    OtherProduct,
    /// They cannot be there before the vial ends.
    TooLate,
    /// By the rules the dose may not be given to them today: too early, not due, wrong product for the age.
    NotDue(FindingCode),
}

impl Pass {
    /// The word in tables, texts and the API; of [`Pass::NotDue`] the finding is told beside it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConsentOver => "consent_over",
            Self::AlreadyGiven => "already_given",
            Self::CalledAlready => "called_already",
            Self::NotToday => "not_today",
            Self::OtherProduct => "other_product",
            Self::TooLate => "too_late",
            Self::NotDue(_) => "not_due",
        }
    }

    /// Reads it.
    #[must_use]
    pub fn parse(text: &str, finding: &str) -> Option<Self> {
        let plain = [
            Self::ConsentOver,
            Self::AlreadyGiven,
            Self::CalledAlready,
            Self::NotToday,
            Self::OtherProduct,
            Self::TooLate,
        ];
        match text {
            "not_due" => FindingCode::parse(finding).map(Self::NotDue),
            _ => plain.into_iter().find(|one| one.as_str() == text),
        }
    }

    /// The finding behind it, if there is one.
    #[must_use]
    pub fn finding(self) -> Option<FindingCode> {
        match self {
            Self::NotDue(code) => Some(code),
            _ => None,
        }
    }
}

/// Somebody on a list, as far as their turn depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The entry on the list.
    pub id: Uuid,
    /// Of whose list: 0 the venue's own, 1 its city's.
    pub list: u8,
    /// Their number on it, from 1.
    pub number: i64,
    /// What they told.
    pub wish: Wish,
    /// Their age in full years today, if the register knows them.
    pub age: Option<i64>,
    /// The last day before today on which they were called, by whomever.
    pub last_called: Option<Day>,
    /// How they were called today last, by whomever.
    pub today: Option<Word>,
    /// Whether they were given a dose since they went on the list.
    pub is_given: bool,
    /// Whether they came on the list after the day's key was drawn: then they come behind those who were there, so that
    /// nobody is entered where the draw is known to be kind.
    pub is_after_draw: bool,
    /// Their draw for the day.
    pub draw: Sha,
}

/// The draw of a day: the SHA-256 of `sesshu-standby`, the day, the day's key in hexadecimal, the list (0 the venue's
/// own, 1 its city's) and the number on the list, with a line feed between each. The key is drawn at random once for a day,
/// by the first that is told to be left over, and shown with the order; so everybody can work the draw out again, and
/// nobody could before.
#[must_use]
pub fn draw(day: Day, key: &[u8; 16], list: u8, number: i64) -> Sha {
    let key = hex::encode(key);
    Sha::of(format!("sesshu-standby\n{day}\n{key}\n{list}\n{number}").as_bytes())
}

/// The doses that somebody is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The product's key.
    pub product: &'a str,
    /// Now.
    pub now: Instant,
    /// Until when it may be given.
    pub until: Instant,
    /// The city's rule of the day.
    pub rule: Rule,
}

impl Wanted<'_> {
    /// Why this one is passed over, as far as the list itself knows.
    #[must_use]
    pub fn passes(&self, one: &Candidate) -> Option<Pass> {
        let wish = &one.wish;
        let accepts =
            wish.products.is_empty() || wish.products.iter().any(|key| key == self.product);
        if wish.consent_until < self.now.day_in_japan() {
            Some(Pass::ConsentOver)
        } else if one.is_given {
            Some(Pass::AlreadyGiven)
        } else if one.today.is_some_and(Word::holds_a_dose) {
            Some(Pass::CalledAlready)
        } else if matches!(one.today, Some(Word::Declined | Word::NotCome)) {
            Some(Pass::NotToday)
        } else if !accepts {
            Some(Pass::OtherProduct)
        } else if wish.arrives(self.now) >= self.until {
            Some(Pass::TooLate)
        } else {
            None
        }
    }

    /// The people in the order in which they are called: those who did not answer today behind all others; then whom the
    /// city wants first; then whoever was never called, and of the others whoever was called longest ago; then the draw.
    #[must_use]
    pub fn in_order(&self, mut people: Vec<Candidate>) -> Vec<Candidate> {
        people.sort_by_key(|one| {
            (
                one.today == Some(Word::NoAnswer),
                self.rule.group(one.age),
                one.last_called,
                one.is_after_draw,
                *one.draw.as_bytes(),
                (one.list, one.number, one.id),
            )
        });
        people
    }
}

/// What is known by the rules of vaccination about those whose turn it was: nothing against them, or why not.
pub type Verdicts = BTreeMap<Uuid, Option<Pass>>;

/// Whom to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// First the rules must be asked about this one, whose turn it would be.
    AskRules(Uuid),
    /// This one; with all who stand before them and why they are not called.
    Call {
        /// The entry on the list.
        id: Uuid,
        /// Those passed over, in their order.
        passed: Vec<(Uuid, Pass)>,
    },
    /// Nobody can be called; with everybody's reason.
    Nobody(Vec<(Uuid, Pass)>),
}

/// Whose turn it is, of people [`Wanted::in_order`]. Whoever calls asks again with one verdict more until somebody is
/// found: people behind are not looked up.
#[must_use]
pub fn turn(wanted: &Wanted<'_>, in_order: &[Candidate], verdicts: &Verdicts) -> Turn {
    let mut passed = Vec::new();
    for one in in_order {
        let by_list = wanted.passes(one);
        let pass = match (by_list, verdicts.get(&one.id)) {
            (Some(pass), _) => Some(pass),
            (None, Some(verdict)) => *verdict,
            (None, None) => return Turn::AskRules(one.id),
        };
        match pass {
            Some(pass) => passed.push((one.id, pass)),
            None => return Turn::Call { id: one.id, passed },
        }
    }
    Turn::Nobody(passed)
}

#[cfg(test)]
mod tests;
