//! What is told of a venue (会場マスタ), section by section, each from a day on: a clinic may know its hours from next month
//! on before anybody knows its next telephone number.
//!
//! The sections are the venue's preparation in the real system (domain paper §3.2); which items each has is partly ours
//! \[O\] (§3.7).

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::hours::Hours;
use crate::access::{OrganisationId, OrganisationKind};
use crate::calendar::Day;
use crate::cold_chain::CoolerKind;
use crate::opening_days::Weekdays;

/// Characters of a name at most.
pub const NAME_LENGTH_MAX: usize = 100;
/// Characters of an address at most.
pub const ADDRESS_LENGTH_MAX: usize = 120;
/// Characters of a telephone number, with what people write between the digits, at most.
pub const PHONE_LENGTH_MAX: usize = 30;
/// Characters of the address of a page at most.
pub const URL_LENGTH_MAX: usize = 200;
/// Characters of a remark at most.
pub const REMARKS_LENGTH_MAX: usize = 200;
/// Characters of the reference to a bank account at most.
pub const REFERENCE_LENGTH_MAX: usize = 40;
/// Units that one kind of freezer holds at most: no hospital has room for so many boxes.
pub const ROOM_UNITS_MAX: u32 = 9_999;
/// Days between an order and its delivery at most.
pub const LEAD_DAYS_MAX: u8 = 30;
/// Digits in a row that no reference has: the shortest account number in Japan has seven.
const ACCOUNT_DIGITS: usize = 7;

/// What kind of venue it is (施設類型; domain paper §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VenueType {
    /// 基本型: has a deep freezer, receives boxes, may pass them on.
    Basic,
    /// 連携型: receives from a basic one.
    Linked,
    /// サテライト型: for residents, receives small lots from a basic one.
    Satellite,
    /// 集団接種会場.
    Mass,
    /// 職域会場.
    Workplace,
}

impl VenueType {
    /// Every type.
    pub const ALL: [Self; 5] = [
        Self::Basic,
        Self::Linked,
        Self::Satellite,
        Self::Mass,
        Self::Workplace,
    ];

    /// The word in tables, forms and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Linked => "linked",
            Self::Satellite => "satellite",
            Self::Mass => "mass",
            Self::Workplace => "workplace",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// A part of what is told of a venue that is told, dated and changed by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// Name, type, address, telephone.
    Standing,
    /// Who supplies it.
    Source,
    /// Freezers and what they hold.
    Storage,
    /// The hours of its week.
    Hours,
    /// How people book.
    Contact,
    /// How it is delivered to (配送特性).
    Delivery,
    /// Where its payment goes: a reference, never an account number.
    Account,
    /// Whether it is closed for good (閉鎖).
    Closing,
}

impl Section {
    /// Every section, in the order of the page.
    pub const ALL: [Self; 8] = [
        Self::Standing,
        Self::Source,
        Self::Storage,
        Self::Hours,
        Self::Contact,
        Self::Delivery,
        Self::Account,
        Self::Closing,
    ];

    /// The word in tables, addresses and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standing => "standing",
            Self::Source => "source",
            Self::Storage => "storage",
            Self::Hours => "hours",
            Self::Contact => "contact",
            Self::Delivery => "delivery",
            Self::Account => "account",
            Self::Closing => "closing",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// Whether an organisation of this kind tells it, of the venues it may change at all: what a venue is and who supplies
    /// it is the city's and prefecture's to say, where its money goes is its own.
    #[must_use]
    pub fn is_told_by(self, kind: OrganisationKind) -> bool {
        use OrganisationKind as K;
        match self {
            Self::Standing | Self::Source | Self::Closing => {
                matches!(kind, K::City | K::Prefecture)
            }
            Self::Storage | Self::Hours | Self::Contact | Self::Delivery => {
                matches!(kind, K::Venue | K::City | K::Prefecture)
            }
            Self::Account => kind == K::Venue,
        }
    }
}

/// Name, type, address, telephone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The name.
    pub name: String,
    /// How the name is read (カナ); may be empty.
    #[serde(default)]
    pub kana: String,
    /// The type.
    pub venue_type: VenueType,
    /// The address; may be empty.
    #[serde(default)]
    pub address: String,
    /// The telephone for authorities; may be empty.
    #[serde(default)]
    pub phone: String,
}

/// Who supplies the venue; nobody if it receives boxes itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The venue that does.
    pub supplier: Option<OrganisationId>,
}

/// Shipping units that the freezers hold, by their temperature.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storage {
    /// In deep freezers (−75 °C).
    pub deep_frozen_units: u32,
    /// In freezers (−20 °C).
    pub frozen_units: u32,
    /// In refrigerators (2–8 °C).
    pub refrigerated_units: u32,
}

impl Storage {
    /// Units in coolers of one kind.
    #[must_use]
    pub fn units(&self, kind: CoolerKind) -> i64 {
        i64::from(match kind {
            CoolerKind::DeepFreezer => self.deep_frozen_units,
            CoolerKind::Freezer => self.frozen_units,
            CoolerKind::Refrigerator => self.refrigerated_units,
        })
    }
}

/// How people book.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The telephone for booking; may be empty.
    #[serde(default)]
    pub phone: String,
    /// The page for booking; may be empty.
    #[serde(default)]
    pub url: String,
    /// What else they should know.
    #[serde(default)]
    pub remarks: String,
}

/// In which part of the day a delivery is taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Band {
    /// At any time.
    #[default]
    Any,
    /// Before noon.
    Morning,
    /// After noon.
    Afternoon,
}

impl Band {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Any, Self::Morning, Self::Afternoon];

    /// The word in tables, forms and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Morning => "morning",
            Self::Afternoon => "afternoon",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// How the venue is delivered to (配送特性).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryTerms {
    /// The days of the week on which it takes deliveries in.
    pub weekdays: Weekdays,
    /// In which part of those days.
    #[serde(default)]
    pub band: Band,
    /// Days of notice before a delivery.
    pub lead_days: u8,
    /// Where it is unloaded, and who takes it in.
    #[serde(default)]
    pub place: String,
    /// Limits of vehicles and the like.
    #[serde(default)]
    pub remarks: String,
}

impl DeliveryTerms {
    /// The first day on which what is ordered on a day can be delivered; none if no day of the week is.
    #[must_use]
    pub fn earliest(&self, ordered_on: Day) -> Option<Day> {
        let from = ordered_on.plus_days(i64::from(self.lead_days));
        let week: Vec<bool> = self.weekdays.each().collect();
        (0..7)
            .map(|days| from.plus_days(days))
            .find(|day| week.get(usize::from(day.weekday())) == Some(&true))
    }
}

/// Where the payment goes: under which word the federation (国保連) has the account. The account number itself is nowhere
/// here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountReference {
    /// That word.
    pub reference: String,
}

/// Whether the venue is closed for good (閉鎖): nobody logs in there, and its code means nobody, until it opens again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// Whether it is.
    pub closed: bool,
}

impl Closing {
    /// The word in forms.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        if self.closed { "closed" } else { "open" }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [true, false]
            .into_iter()
            .map(|closed| Self { closed })
            .find(|one| one.as_str() == word)
    }
}

/// What is told of a section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "section", content = "told", rename_all = "kebab-case")]
pub enum Told {
    /// Name, type, address, telephone.
    Standing(Standing),
    /// Who supplies it.
    Source(Source),
    /// Freezers.
    Storage(Storage),
    /// The hours of its week.
    Hours(Hours),
    /// How people book.
    Contact(Contact),
    /// How it is delivered to.
    Delivery(DeliveryTerms),
    /// Where its payment goes.
    Account(AccountReference),
    /// Whether it is closed.
    Closing(Closing),
}

/// Why something told is not kept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RecordRefusal {
    /// An item that must be there is empty.
    #[error("{item}を入力してください。/ Enter `{item}`.")]
    Empty {
        /// The item.
        item: &'static str,
    },
    /// An item has too many characters.
    #[error(
        "{item}が{got}文字です。{max}文字以内にしてください。/ `{item}` has {got} characters; {max} at most."
    )]
    TooLong {
        /// The item.
        item: &'static str,
        /// Characters allowed.
        max: usize,
        /// Characters there are.
        got: usize,
    },
    /// An item has a character that cannot be printed.
    #[error(
        "{item}に制御文字があります。取り除いてください。/ `{item}` has a control character. Remove it."
    )]
    Unprintable {
        /// The item.
        item: &'static str,
    },
    /// A number is too large.
    #[error("{item}は{max}までです。/ `{item}` may be {max} at most.")]
    TooMuch {
        /// The item.
        item: &'static str,
        /// The largest there may be.
        max: u32,
    },
    /// Something else than the address of a page.
    #[error(
        "URLはhttps://またはhttp://で始めてください。/ The URL must begin with https:// or http://."
    )]
    NotAUrl,
    /// No day of the week is said.
    #[error(
        "納品できる曜日を1つ以上選んでください。/ Choose at least one day of the week for deliveries."
    )]
    NoWeekday,
    /// A reference looks like the number of a bank account.
    #[error(
        "口座番号のような数字が入っています。口座番号は登録せず、国保連での登録名だけを入力してください。/ This looks like an account number. Enter only the word under which the federation has the account."
    )]
    AccountNumber,
}

impl RecordRefusal {
    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty { .. } => "empty",
            Self::TooLong { .. } => "too_long",
            Self::Unprintable { .. } => "unprintable",
            Self::TooMuch { .. } => "too_much",
            Self::NotAUrl => "not_a_url",
            Self::NoWeekday => "no_weekday",
            Self::AccountNumber => "account_number",
        }
    }

    /// The item it is about.
    #[must_use]
    pub fn item(&self) -> &'static str {
        match self {
            Self::Empty { item }
            | Self::TooLong { item, .. }
            | Self::Unprintable { item }
            | Self::TooMuch { item, .. } => item,
            Self::NotAUrl => "url",
            Self::NoWeekday => "weekdays",
            Self::AccountNumber => "reference",
        }
    }
}

/// An item that differs between what was told and what is told now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which item: the key of its name in the texts.
    pub item: &'static str,
    /// What it said; empty if nothing was told.
    pub before: String,
    /// What it says.
    pub after: String,
}

impl Told {
    /// Which section it is.
    #[must_use]
    pub fn section(&self) -> Section {
        match self {
            Self::Standing(_) => Section::Standing,
            Self::Source(_) => Section::Source,
            Self::Storage(_) => Section::Storage,
            Self::Hours(_) => Section::Hours,
            Self::Contact(_) => Section::Contact,
            Self::Delivery(_) => Section::Delivery,
            Self::Account(_) => Section::Account,
            Self::Closing(_) => Section::Closing,
        }
    }

    /// The items and what they say, in words of tables and digits.
    #[must_use]
    pub fn items(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Standing(told) => vec![
                ("venue_name", told.name.clone()),
                ("venue_kana", told.kana.clone()),
                ("venue_type", told.venue_type.as_str().to_owned()),
                ("venue_address", told.address.clone()),
                ("venue_phone", told.phone.clone()),
            ],
            Self::Source(told) => vec![(
                "source",
                told.supplier.map_or_else(String::new, |id| id.to_string()),
            )],
            Self::Storage(told) => vec![
                ("deep_frozen_units", told.deep_frozen_units.to_string()),
                ("frozen_units", told.frozen_units.to_string()),
                ("refrigerated_units", told.refrigerated_units.to_string()),
            ],
            Self::Hours(told) => WEEK
                .into_iter()
                .zip(&told.week)
                .map(|(day, hours)| (day, hours.to_string()))
                .collect(),
            Self::Contact(told) => vec![
                ("booking_phone", told.phone.clone()),
                ("url", told.url.clone()),
                ("remarks", told.remarks.clone()),
            ],
            Self::Delivery(told) => vec![
                ("weekdays", told.weekdays.to_string()),
                ("band", told.band.as_str().to_owned()),
                ("lead_days", told.lead_days.to_string()),
                ("unloading", told.place.clone()),
                ("remarks", told.remarks.clone()),
            ],
            Self::Account(told) => vec![("reference", told.reference.clone())],
            Self::Closing(told) => vec![("venue_closing", told.as_str().to_owned())],
        }
    }

    /// Everything that is wrong with it.
    #[must_use]
    pub fn refusals(&self) -> Vec<RecordRefusal> {
        let mut found = Vec::new();
        for (item, text) in self.items() {
            let max = match item {
                "venue_name" | "venue_kana" => NAME_LENGTH_MAX,
                "venue_address" => ADDRESS_LENGTH_MAX,
                "venue_phone" | "booking_phone" => PHONE_LENGTH_MAX,
                "url" => URL_LENGTH_MAX,
                "reference" => REFERENCE_LENGTH_MAX,
                _ => REMARKS_LENGTH_MAX,
            };
            let got = text.chars().count();
            if got > max {
                found.push(RecordRefusal::TooLong { item, max, got });
            }
            if text.chars().any(char::is_control) {
                found.push(RecordRefusal::Unprintable { item });
            }
        }
        match self {
            Self::Standing(told) if told.name.trim().is_empty() => {
                found.push(RecordRefusal::Empty { item: "venue_name" });
            }
            Self::Storage(told) => {
                let rooms = [
                    ("deep_frozen_units", told.deep_frozen_units),
                    ("frozen_units", told.frozen_units),
                    ("refrigerated_units", told.refrigerated_units),
                ];
                let too_much = rooms
                    .into_iter()
                    .filter(|(_, units)| *units > ROOM_UNITS_MAX);
                found.extend(too_much.map(|(item, _)| RecordRefusal::TooMuch {
                    item,
                    max: ROOM_UNITS_MAX,
                }));
            }
            Self::Contact(told) if !(told.url.is_empty() || is_url(&told.url)) => {
                found.push(RecordRefusal::NotAUrl);
            }
            Self::Delivery(told) => {
                if told.lead_days > LEAD_DAYS_MAX {
                    found.push(RecordRefusal::TooMuch {
                        item: "lead_days",
                        max: u32::from(LEAD_DAYS_MAX),
                    });
                }
                if !told.weekdays.each().any(|works| works) {
                    found.push(RecordRefusal::NoWeekday);
                }
            }
            Self::Account(told) => {
                if told.reference.trim().is_empty() {
                    found.push(RecordRefusal::Empty { item: "reference" });
                }
                if looks_like_an_account_number(&told.reference) {
                    found.push(RecordRefusal::AccountNumber);
                }
            }
            _ => {}
        }
        found
    }
}

/// The days of the week as items, Monday first.
pub const WEEK: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

fn is_url(text: &str) -> bool {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.contains(char::is_whitespace))
}

/// Whether there are as many digits in a row as an account has, whatever people write between them.
fn looks_like_an_account_number(text: &str) -> bool {
    let mut row = 0;
    for one in text.chars() {
        if one.is_numeric() {
            row += 1;
        } else if !(one.is_whitespace() || ['-', 'ー', '－', '・', '.', '/'].contains(&one)) {
            row = 0;
        }
        if row >= ACCOUNT_DIGITS {
            return true;
        }
    }
    false
}

/// What differs between what was told and what is told now of the same section.
#[must_use]
pub fn changes(before: Option<&Told>, after: &Told) -> Vec<Change> {
    let said = before.map(Told::items).unwrap_or_default();
    let before = |item| {
        let found = said.iter().find(|(name, _)| *name == item);
        found.map_or_else(String::new, |(_, text)| text.clone())
    };
    after
        .items()
        .into_iter()
        .map(|(item, after)| Change {
            item,
            before: before(item),
            after,
        })
        .filter(|change| change.before != change.after)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::venues::hours::DayHours;

    fn clinic() -> Standing {
        Standing {
            name: "神田見本クリニック".into(),
            kana: "カンダミホンクリニック".into(),
            venue_type: VenueType::Satellite,
            address: "千代田区神田1-1".into(),
            phone: "03-0000-0000".into(),
        }
    }

    fn codes(told: &Told) -> Vec<&'static str> {
        told.refusals().iter().map(RecordRefusal::code).collect()
    }

    #[test]
    fn no_account_number_gets_in_however_it_is_written() {
        let account = |reference: &str| {
            Told::Account(AccountReference {
                reference: reference.into(),
            })
        };
        assert_eq!(codes(&account("東京国保連 登録A-1234")), Vec::<&str>::new());
        for number in [
            "1234567",
            "普通 123-4567",
            "００１２３４５６",
            "0001 001 1234567",
            "12.34.567",
        ] {
            assert_eq!(codes(&account(number)), ["account_number"], "{number}");
        }
        assert_eq!(codes(&account(" ")), ["empty"]);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let told = Told::Standing(Standing {
            name: String::new(),
            phone: "0".repeat(31),
            address: "千代田区\n神田".into(),
            ..clinic()
        });
        assert_eq!(codes(&told), ["unprintable", "too_long", "empty"]);
        let told = Told::Delivery(DeliveryTerms {
            lead_days: 31,
            ..DeliveryTerms::default()
        });
        assert_eq!(codes(&told), ["too_much", "no_weekday"]);
        let contact = |url: &str| {
            Told::Contact(Contact {
                url: url.into(),
                ..Contact::default()
            })
        };
        assert_eq!(codes(&contact("javascript:alert(1)")), ["not_a_url"]);
        assert_eq!(
            codes(&contact("https://example.jp/yoyaku")),
            Vec::<&str>::new()
        );
    }

    #[test]
    fn the_story_tells_each_item_that_changed_and_no_other() {
        let moved = Standing {
            address: "千代田区九段2-2".into(),
            ..clinic()
        };
        let found = changes(Some(&Told::Standing(clinic())), &Told::Standing(moved));
        assert_eq!(
            found,
            [Change {
                item: "venue_address",
                before: "千代田区神田1-1".into(),
                after: "千代田区九段2-2".into(),
            }]
        );
    }

    #[test]
    fn what_is_ordered_on_a_friday_comes_on_the_first_day_that_takes_it_in() {
        let terms = DeliveryTerms {
            weekdays: Weekdays::parse("1010000").unwrap(),
            lead_days: 2,
            ..DeliveryTerms::default()
        };
        let friday = Day::parse("2021-06-11").unwrap();
        assert_eq!(terms.earliest(friday), Day::parse("2021-06-14"));
        assert_eq!(DeliveryTerms::default().earliest(friday), None);
    }

    #[test]
    fn what_is_kept_is_read_back() {
        let mut hours = Hours::default();
        hours.week[0] = DayHours::parse("09:00-12:00").unwrap();
        for told in [
            Told::Standing(clinic()),
            Told::Hours(hours),
            Told::Source(Source::default()),
        ] {
            let kept = serde_json::to_string(&told).unwrap();
            assert_eq!(serde_json::from_str::<Told>(&kept).unwrap(), told, "{kept}");
        }
    }

    proptest! {
        #[test]
        fn a_delivery_waits_its_lead_and_not_a_week_longer(
            week in any::<[bool; 7]>(), lead_days in 0..=LEAD_DAYS_MAX, from in 0..3_000_i64,
        ) {
            let ordered = Day::parse("2021-01-01").unwrap().plus_days(from);
            let terms = DeliveryTerms { weekdays: Weekdays::of(week), lead_days, ..DeliveryTerms::default() };
            match terms.earliest(ordered) {
                None => prop_assert!(week.iter().all(|works| !works)),
                Some(day) => {
                    let least = ordered.plus_days(i64::from(lead_days));
                    prop_assert!(least <= day && day < least.plus_days(7));
                    prop_assert!(week[usize::from(day.weekday())]);
                }
            }
        }

        #[test]
        fn nothing_changes_if_the_same_is_told(units in any::<[u32; 3]>()) {
            let [deep_frozen_units, frozen_units, refrigerated_units] = units;
            let told = Told::Storage(Storage { deep_frozen_units, frozen_units, refrigerated_units });
            prop_assert_eq!(changes(Some(&told), &told), vec![]);
        }
    }
}
