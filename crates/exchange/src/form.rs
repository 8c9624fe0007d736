//! One line while it is read: takes items out and collects what is wrong with them.

use std::borrow::Cow;

use domain::calendar::Day;
use domain::coupons::CouponNumber;
use domain::people::{BirthDate, MyNumber};
use domain::places::MunicipalityCode;

use crate::complaints::{Complaint, Fault};
use crate::encoding::{Encoding, gaiji};
use crate::lines::Items;
use crate::structure::{Columns, Item, Layout};

/// One line with its items, whole as a line.
pub(crate) struct Form<'s> {
    line: u64,
    items: Items<'s>,
    columns: &'s Columns,
    layout: Layout,
    encoding: Encoding,
    complaints: Vec<Complaint>,
}

impl<'s> Form<'s> {
    pub(crate) fn new(
        line: u64,
        items: Items<'s>,
        columns: &'s Columns,
        layout: Layout,
        encoding: Encoding,
    ) -> Self {
        Self {
            line,
            items,
            columns,
            layout,
            encoding,
            complaints: Vec::new(),
        }
    }

    /// Everything wrong with the line.
    pub(crate) fn complaints(self) -> Vec<Complaint> {
        self.complaints
    }

    /// Whether the file has the item's column.
    pub(crate) fn has(&self, item: Item) -> bool {
        self.columns.place(item).is_some()
    }

    pub(crate) fn complain(&mut self, item: Item, fault: Fault) {
        self.complaints.push(Complaint {
            line: self.line,
            column: self.layout.name(item),
            fault,
        });
    }

    pub(crate) fn keep<T>(&mut self, item: Item, answer: Result<T, Fault>) -> Option<T> {
        answer.map_err(|fault| self.complain(item, fault)).ok()
    }

    /// The item's text without the spaces around it, empty if the file lacks the column; `None`
    /// if it cannot be read.
    fn text(&mut self, item: Item) -> Option<Cow<'s, str>> {
        let place = self.columns.place(item);
        let field = place
            .and_then(|place| self.items.get(place))
            .unwrap_or_default();
        let text = match self.encoding.decode(field) {
            Ok(Cow::Borrowed(text)) => Cow::Borrowed(trim(text)),
            Ok(Cow::Owned(text)) => Cow::Owned(trim(&text).to_owned()),
            Err(position) => {
                self.complain(item, Fault::Undecodable { position });
                return None;
            }
        };
        if !text.bytes().any(is_worth_a_look) {
            return Some(text);
        }
        if text.chars().any(char::is_control) {
            self.complain(item, Fault::ControlCharacter);
            return None;
        }
        if let Some((position, character)) = gaiji(&text) {
            self.complain(
                item,
                Fault::Gaiji {
                    character,
                    position,
                },
            );
        }
        Some(text)
    }

    pub(crate) fn required<T>(
        &mut self,
        item: Item,
        read: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Option<T> {
        let text = self.text(item)?;
        self.keep(
            item,
            if text.is_empty() {
                Err(Fault::Empty)
            } else {
                read(&text)
            },
        )
    }

    /// `Some(None)` if the item is empty, which is no fault.
    pub(crate) fn optional<T>(
        &mut self,
        item: Item,
        read: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Option<Option<T>> {
        let text = self.text(item)?;
        self.keep(
            item,
            if text.is_empty() {
                Ok(None)
            } else {
                read(&text).map(Some)
            },
        )
    }

    /// A name whose characters should all be of a kind; one that is not is told and kept.
    pub(crate) fn name_of(
        &mut self,
        item: Item,
        characters_max: usize,
        is_of_kind: fn(char) -> bool,
        fault: Fault,
    ) -> Option<Option<String>> {
        let name = self.optional(item, |text| short(text, characters_max))?;
        let is_strange = |name: &str| !name.chars().all(is_of_kind);
        if name.as_deref().is_some_and(is_strange) {
            self.complain(item, fault);
        }
        Some(name)
    }
}

/// Whether this byte of UTF-8 may be of a control character or of one for private use: few names
/// have such a byte, and looking at bytes is quicker than at characters.
fn is_worth_a_look(byte: u8) -> bool {
    byte < b' ' || byte == 0x7F || byte == 0xC2 || byte >= 0xEE
}

/// Without the spaces by which some systems align their items.
pub(crate) fn trim(text: &str) -> &str {
    // The last byte of U+3000 is 0x80, the first 0xE3; most items begin and end otherwise.
    let may_be_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | 0x80 | 0xE3));
    if may_be_space(text.as_bytes().first()) || may_be_space(text.as_bytes().last()) {
        text.trim_matches([' ', '\u{3000}'])
    } else {
        text
    }
}

/// The code of the city that hands the file in.
pub(crate) fn city(text: &str, expected: MunicipalityCode) -> Result<MunicipalityCode, Fault> {
    digits(text, 6)?;
    let city = MunicipalityCode::parse(text).map_err(|_| Fault::CheckDigit)?;
    if city == expected {
        Ok(city)
    } else {
        Err(Fault::OtherCity { expected })
    }
}

/// A coupon number (券番号).
pub(crate) fn coupon_number(text: &str) -> Result<CouponNumber, Fault> {
    digits(text, 10)?;
    CouponNumber::parse(text).map_err(|_| Fault::NotDigits)
}

/// An Individual Number (個人番号).
pub(crate) fn my_number(text: &str) -> Result<MyNumber, Fault> {
    digits(text, 12)?;
    MyNumber::parse(text).map_err(|_| Fault::CheckDigit)
}

/// A day of the calendar.
pub(crate) fn day(text: &str) -> Result<Day, Fault> {
    digits(text, 8)?;
    Day::parse_compact(text).ok_or(Fault::NotADay)
}

/// A birth date (生年月日), of which month or day may be unknown.
pub(crate) fn birth_date(text: &str) -> Result<BirthDate, Fault> {
    digits(text, 8)?;
    BirthDate::parse_compact(text).ok_or(Fault::NotADay)
}

/// Exactly so many half-width digits.
pub(crate) fn digits(text: &str, expected: usize) -> Result<(), Fault> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        Err(Fault::NotDigits)
    } else if text.len() != expected {
        Err(Fault::DigitCount {
            expected,
            got: text.len(),
        })
    } else {
        Ok(())
    }
}

/// A text of at most so many characters. Variation selectors, which choose the form of the
/// character before them, are not counted.
pub(crate) fn short(text: &str, max: usize) -> Result<String, Fault> {
    if text.len() <= max {
        return Ok(text.to_owned()); // no more characters than bytes
    }
    let selector =
        |character: &char| matches!(character, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}');
    let got = text
        .chars()
        .filter(|character| !selector(character))
        .count();
    if got > max {
        Err(Fault::TooLong { max, got })
    } else {
        Ok(text.to_owned())
    }
}

/// Kana of either width and kind, and what stands between the names of people from elsewhere.
pub(crate) fn is_kana(character: char) -> bool {
    matches!(
        character,
        'ぁ'..='ゟ' | '゠'..='ヿ' | 'ㇰ'..='ㇿ' | '･'..='ﾟ' | ' ' | '\u{3000}' | '-' | '－' | '‐' | '.' | '．' | '\'' | '’'
    )
}

/// Latin letters of either width, with the marks of long vowels, and what stands between names.
pub(crate) fn is_romaji(character: char) -> bool {
    character.is_ascii_alphabetic()
        || matches!(
            character,
            'Ａ'..='Ｚ' | 'ａ'..='ｚ' | '\u{C0}'..='\u{17F}' | ' ' | '\u{3000}' | '-' | '－' | '‐' | ',' | '.' | '\'' | '’'
        )
}
