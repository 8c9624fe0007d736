//! Venues (接種会場) as others name them.

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
