//! Venues (接種会場): how others name them, and what is told of them (会場マスタ).

pub mod codes;
pub mod files;
pub mod hours;
pub mod own_codes;
pub mod record;
pub mod suppliers;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::digits::{Digits, DigitsRefusal};

/// The 10-digit code of a venue: 保険医療機関番号, 介護保険事業所番号 or a 類似コード made to look like
/// them (`SEED-B`).
///
/// Any ten digits are one. How a 類似コード is built was never published, so a code whose check
/// digit fails is worth a question, not a refusal: ask [`FacilityCode::check_digit_holds`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FacilityCode(Digits<10>);

/// Why a text is no facility code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FacilityRefusal {
    /// The character at this place (from 1) is no digit.
    #[error(
        "会場コードの{position}文字目が数字ではありません。数字10桁で入力してください。/ Character {position} of the facility code is not a digit. Enter 10 digits."
    )]
    NotDigits {
        /// Which character, from 1.
        position: usize,
    },
    /// Not ten digits.
    #[error(
        "会場コードが{got}桁です。数字10桁で入力してください。/ The facility code has {got} digits. Enter 10 digits."
    )]
    Length {
        /// How many there are.
        got: usize,
    },
}

impl FacilityRefusal {
    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotDigits { .. } => "facility_not_digits",
            Self::Length { .. } => "facility_length",
        }
    }
}

impl FacilityCode {
    /// Reads ten digits; full-width digits, blanks and hyphens are understood.
    ///
    /// # Errors
    /// Only when they are not ten digits.
    pub fn parse(text: &str) -> Result<Self, FacilityRefusal> {
        Digits::read(text)
            .map(Self)
            .map_err(|refusal| match refusal {
                DigitsRefusal::NotDigits { position } => FacilityRefusal::NotDigits { position },
                DigitsRefusal::Length { got } => FacilityRefusal::Length { got },
            })
    }

    /// The ten digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether the last digit fits the others (Luhn over all ten).
    #[must_use]
    pub fn check_digit_holds(&self) -> bool {
        let sum: u32 = self
            .0
            .values()
            .iter()
            .rev()
            .zip([1_u8, 2].iter().cycle())
            .map(luhn)
            .sum();
        sum.is_multiple_of(10)
    }
}

/// A digit's share in Luhn's sum: its weighted value, both digits of it added.
fn luhn((digit, weight): (&u8, &u8)) -> u32 {
    let weighted = u32::from(*digit) * u32::from(*weight);
    weighted / 10 + weighted % 10
}

impl std::fmt::Display for FacilityCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for FacilityCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FacilityCode({self})")
    }
}

impl Serialize for FacilityCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for FacilityCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_right_check_digit_holds() {
        for code in ["0110113719", "1391000013"] {
            assert!(
                FacilityCode::parse(code).unwrap().check_digit_holds(),
                "{code}"
            );
        }
    }

    #[test]
    fn a_wrong_check_digit_is_read_and_told() {
        let code = FacilityCode::parse("0110113718").unwrap();
        assert_eq!(code.as_str(), "0110113718");
        assert!(!code.check_digit_holds());
    }

    #[test]
    fn only_what_is_not_ten_digits_is_refused() {
        assert_eq!(
            FacilityCode::parse("011011371"),
            Err(FacilityRefusal::Length { got: 9 })
        );
        assert_eq!(
            FacilityCode::parse("01101137A9"),
            Err(FacilityRefusal::NotDigits { position: 9 })
        );
    }

    proptest! {
        #[test]
        fn one_last_digit_of_ten_holds(first in "[0-9]{9}") {
            let holding = (0..10)
                .filter(|last| {
                    FacilityCode::parse(&format!("{first}{last}")).unwrap().check_digit_holds()
                })
                .count();
            prop_assert_eq!(holding, 1);
        }

        #[test]
        fn one_wrong_digit_never_holds(first in "[0-9]{9}", place in 0..10_usize, shift in 1..10_u8) {
            let right = (0..10)
                .map(|last| FacilityCode::parse(&format!("{first}{last}")).unwrap())
                .find(FacilityCode::check_digit_holds)
                .unwrap();
            let mut bytes = right.as_str().as_bytes().to_vec();
            bytes[place] = b'0' + (bytes[place] - b'0' + shift) % 10;
            let wrong = FacilityCode::parse(std::str::from_utf8(&bytes).unwrap()).unwrap();
            prop_assert!(!wrong.check_digit_holds());
        }
    }
}
