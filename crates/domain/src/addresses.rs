//! Where a letter reaches somebody (住所): postal code, address, house and room (方書), and the order in
//! which a mailing is sorted by them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Digits of a postal code.
const POSTAL_CODE_DIGITS: usize = 7;
/// Characters of an address that its place in a mailing is decided by: more are hardly ever there, and
/// a key of an index has its limits.
const KEY_CHARACTERS_MAX: usize = 160;
/// Digits that a number within an address is filled up to, so that 2番 comes before 10番.
const KEY_NUMBER_DIGITS: usize = 5;

/// A postal code (郵便番号): seven digits.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PostalCode(String);

/// Not a postal code: it has seven digits, with or without the hyphen after the third.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("郵便番号は7桁の半角数字で入力してください。/ A postal code has seven half-width digits.")]
pub struct PostalCodeRefusal;

impl PostalCode {
    /// Reads seven digits, with or without the hyphen after the third.
    ///
    /// # Errors
    /// [`PostalCodeRefusal`] for anything else.
    pub fn parse(text: &str) -> Result<Self, PostalCodeRefusal> {
        let digits = match text.split_once('-') {
            Some((area, rest)) if area.len() == 3 => format!("{area}{rest}"),
            _ => text.to_owned(),
        };
        let is_one =
            digits.len() == POSTAL_CODE_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_one {
            Ok(Self(digits))
        } else {
            Err(PostalCodeRefusal)
        }
    }

    /// The seven digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it stands on a letter: `102-8688`.
    #[must_use]
    pub fn hyphenated(&self) -> String {
        let area: String = self.0.chars().take(3).collect();
        let rest: String = self.0.chars().skip(3).collect();
        format!("{area}-{rest}")
    }
}

impl fmt::Debug for PostalCode {
    /// Nothing that tells where somebody lives reaches a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostalCode(..)")
    }
}

impl TryFrom<String> for PostalCode {
    type Error = PostalCodeRefusal;

    fn try_from(text: String) -> Result<Self, PostalCodeRefusal> {
        Self::parse(&text)
    }
}

impl From<PostalCode> for String {
    fn from(code: PostalCode) -> Self {
        code.0
    }
}

/// An address as a city's register has it. What is not known is empty; of nobody is all of it empty.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// 郵便番号.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<PostalCode>,
    /// 住所: prefecture, city, town and number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// 方書: house and room.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

impl Address {
    /// The parts as an address; none if all are empty.
    #[must_use]
    pub fn of(postal_code: Option<PostalCode>, place: String, extra: String) -> Option<Self> {
        let is_there = postal_code.is_some() || !place.is_empty() || !extra.is_empty();
        is_there.then_some(Self {
            postal_code,
            place,
            extra,
        })
    }

    /// Whether a letter reaches somebody by it: without a postal code it may, without a place it does not.
    #[must_use]
    pub fn is_mailable(&self) -> bool {
        !self.place.is_empty()
    }

    /// The address in one line, without the postal code.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        match (self.place.as_str(), self.extra.as_str()) {
            (place, "") => place.to_owned(),
            ("", extra) => extra.to_owned(),
            (place, extra) => format!("{place} {extra}"),
        }
    }

    /// The text by which a mailing is sorted: by postal code, then by address, its numbers in their
    /// order whatever digits they are written in. Those without a postal code come last.
    ///
    /// It holds no space, so that whatever is set behind one sorts within the address.
    #[must_use]
    pub fn mailing_key(&self) -> String {
        let code = self.postal_code.as_ref();
        let mut key = code.map_or_else(|| "~".to_owned(), |code| code.as_str().to_owned());
        let mut number = String::new();
        let written = self.place.chars().chain(self.extra.chars());
        for character in written.take(KEY_CHARACTERS_MAX) {
            match digit(character) {
                Some(digit) => number.push(digit),
                None => {
                    push_number(&mut key, &mut number);
                    match character {
                        ' ' | '　' => {}
                        '－' | '‐' | '−' | '―' | '–' | '—' => key.push('-'),
                        other => key.push(other),
                    }
                }
            }
        }
        push_number(&mut key, &mut number);
        key
    }
}

/// A digit of an address: half-width, full-width, or 一 to 九, which stand singly in 一丁目.
fn digit(character: char) -> Option<char> {
    const KANJI: [char; 10] = ['〇', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
    let value = match character {
        '0'..='9' => return Some(character),
        '０'..='９' => u32::from(character) - u32::from('０'),
        _ => u32::try_from(KANJI.iter().position(|one| *one == character)?).ok()?,
    };
    char::from_digit(value, 10)
}

fn push_number(key: &mut String, number: &mut String) {
    if !number.is_empty() {
        let zeros = KEY_NUMBER_DIGITS.saturating_sub(number.len());
        key.extend(std::iter::repeat_n('0', zeros));
        key.push_str(number);
        number.clear();
    }
}

impl fmt::Debug for Address {
    /// Nothing that tells where somebody lives reaches a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(code: &str, place: &str, extra: &str) -> Address {
        let code = PostalCode::parse(code).ok();
        Address::of(code, place.to_owned(), extra.to_owned()).unwrap()
    }

    #[test]
    fn a_postal_code_is_seven_digits_with_or_without_its_hyphen() {
        for text in ["1028688", "102-8688"] {
            let code = PostalCode::parse(text).unwrap();
            assert_eq!(
                (code.as_str(), code.hyphenated().as_str()),
                ("1028688", "102-8688")
            );
        }
        for text in [
            "",
            "102868",
            "10-28688",
            "１０２８６８８",
            "102-868",
            "1028-688",
        ] {
            assert_eq!(PostalCode::parse(text), Err(PostalCodeRefusal), "{text}");
        }
    }

    #[test]
    fn a_mailing_goes_street_by_street_and_number_by_number() {
        let sorted = [
            address("1000001", "千代田区千代田1-1", ""),
            address("1020074", "千代田区九段南一丁目2番1号", ""),
            address(
                "1020074",
                "千代田区九段南１丁目２番１号",
                "千代田マンション9号室",
            ),
            address(
                "1020074",
                "千代田区九段南1丁目2番1号",
                "千代田マンション10号室",
            ),
            address("1020074", "千代田区九段南1丁目10番1号", ""),
            address("1020074", "千代田区九段南二丁目1番1号", ""),
            address("", "千代田区千代田1-1", ""),
        ];
        let keys: Vec<String> = sorted.iter().map(Address::mailing_key).collect();
        assert!(keys.is_sorted(), "{keys:#?}");
    }

    #[test]
    fn an_address_without_a_place_reaches_nobody() {
        assert!(!address("1020074", "", "101号室").is_mailable());
        assert!(address("", "千代田区千代田1-1", "").is_mailable());
        assert_eq!(Address::of(None, String::new(), String::new()), None);
    }

    #[test]
    fn an_address_in_a_log_tells_nothing() {
        let shown = format!("{:?}", address("1020074", "千代田区", "101"));
        assert_eq!(shown, "Address(..)");
    }

    proptest! {
        #[test]
        fn what_is_kept_is_read_back(place in "\\PC{0,20}", extra in "\\PC{1,20}", code in "[0-9]{7}") {
            let one = address(&code, &place, &extra);
            let kept = serde_json::to_string(&one).unwrap();
            prop_assert_eq!(serde_json::from_str::<Address>(&kept).unwrap(), one);
        }

        #[test]
        fn a_key_has_no_space_and_an_end(place in "\\PC{0,400}", extra in "\\PC{0,400}") {
            if let Some(one) = Address::of(None, place, extra) {
                let key = one.mailing_key();
                prop_assert!(!key.contains(' '));
                prop_assert!(key.chars().count() <= 1 + KEY_CHARACTERS_MAX * KEY_NUMBER_DIGITS);
            }
        }
    }
}
