//! The person a paper is about, as far as a paper may tell.

use std::fmt;

use domain::people::{BirthDate, Sex};

use crate::envelopes::Address;

/// Whoever a paper is made out to.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// 氏名.
    pub name: String,
    /// フリガナ; empty if it is not known.
    pub kana: String,
    /// 生年月日.
    pub birth: BirthDate,
    /// 性別.
    pub sex: Sex,
    /// 住所, or why it is not told.
    pub residence: Residence,
}

/// Where a person lives, as far as a paper may tell.
///
/// A paper lies about: in a printing shop, an envelope, a venue's tray. So the address of a protected
/// person (支援措置) does not come here at all; no layout can print what it was never given.
#[derive(Clone, PartialEq, Eq)]
pub enum Residence {
    /// It may be printed.
    At(Address),
    /// It is never printed; the paper is handed over or sent by a way of its own.
    Protected,
    /// Not known, or left for the person to fill in.
    Blank,
}

impl Residence {
    /// What may be printed of an address as the register has it.
    #[must_use]
    pub fn of(address: Option<Address>, is_protected: bool) -> Self {
        match address {
            _ if is_protected => Self::Protected,
            Some(address) => Self::At(address),
            None => Self::Blank,
        }
    }

    /// The address in one line, or nothing.
    pub(crate) fn in_one_line(&self) -> String {
        match self {
            Self::At(address) => address.lines.join(" "),
            Self::Protected | Self::Blank => String::new(),
        }
    }
}

impl fmt::Debug for Person {
    /// Nothing of the person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person(..)")
    }
}

impl fmt::Debug for Residence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::At(_) => "At(..)",
            Self::Protected => "Protected",
            Self::Blank => "Blank",
        })
    }
}

/// 男, 女 with the box of the registered one filled, as the ministry's forms have it.
pub(crate) fn sex_boxes(sex: Option<Sex>) -> &'static str {
    match sex {
        Some(Sex::Male) => "■男　□女",
        Some(Sex::Female) => "□男　■女",
        Some(Sex::Unknown) | None => "□男　□女",
    }
}

/// 男 or 女, or nothing.
pub(crate) fn sex_word(sex: Sex) -> &'static str {
    match sex {
        Sex::Male => "男",
        Sex::Female => "女",
        Sex::Unknown => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_protected_person_is_not_even_kept() {
        let address = Address {
            postal_code: None,
            lines: vec!["千代田区千代田1-1".to_owned()],
        };
        assert_eq!(Residence::of(Some(address), true), Residence::Protected);
        assert_eq!(Residence::of(None, true).in_one_line(), "");
    }
}
