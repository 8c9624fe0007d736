//! Vaccines (ワクチン): the products that were in use, and their lots.

use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize, de};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use crate::calendar::Day;

/// Every product in use at some time, from `data/products.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vaccines {
    products: Vec<Product>,
}

/// A vaccine product as people tell it apart (経済的呼称).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// The key in files, tables and the API.
    pub key: ProductKey,
    /// The maker's name as the record format writes it (`CSVDOC`).
    pub maker: String,
    /// The product's name in Japanese.
    pub name_ja: String,
    /// The product's name in English.
    pub name_en: String,
    /// The first day it was given in Japan.
    pub used_from: Day,
    /// The last day it was given, if it is over.
    pub used_to: Option<Day>,
    /// Doses drawn from one vial, nominally.
    pub doses_per_vial: i64,
}

/// The key of a product: lower-case letters, digits and underscores, such as `comirnaty_12_mono`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ProductKey(String);

/// A lot number (ロット番号): what is printed on the vial, upper-case and half-width.
///
/// Free text on purpose: a lot nobody knows is still a lot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Lot(String);

/// Why a text is no lot number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LotRefusal {
    /// Nothing was told.
    #[error(
        "ロット番号を入力してください。バイアルまたはシールに印字されています。/ Enter the lot number; it is printed on the vial and on the seal."
    )]
    Empty,
    /// Longer than [`LOT_LENGTH_MAX`].
    #[error(
        "ロット番号が{got}文字です。20文字以内で入力してください。/ The lot number has {got} characters. Enter at most 20."
    )]
    Length {
        /// How many characters there are.
        got: usize,
    },
    /// A character that cannot be printed.
    #[error(
        "ロット番号に印字できない文字があります。入力し直してください。/ The lot number holds a character that cannot be printed. Enter it again."
    )]
    Unprintable,
}

impl LotRefusal {
    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "lot_empty",
            Self::Length { .. } => "lot_length",
            Self::Unprintable => "lot_unprintable",
        }
    }
}

/// Longest lot number, in characters: the field of the record format has 20 (`CSVDOC`).
pub const LOT_LENGTH_MAX: usize = 20;
/// Longest key of a product: room for what is to come; the longest bundled one has 17.
const KEY_LENGTH_MAX: usize = 40;

impl Vaccines {
    /// The products that are part of the program.
    #[must_use]
    pub fn bundled() -> &'static Self {
        static VACCINES: LazyLock<Vaccines> = LazyLock::new(|| Vaccines {
            products: crate::tables::bundled(include_str!("../../../data/products.csv")),
        });
        &VACCINES
    }

    /// The product with this key, in use or not.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<&Product> {
        self.products
            .iter()
            .find(|product| product.key.as_str() == key)
    }

    /// The products in use on a day, in the order of the file.
    #[must_use]
    pub fn on(&self, day: Day) -> Vec<&Product> {
        self.products
            .iter()
            .filter(|product| product.in_use(day))
            .collect()
    }

    /// The one product of a maker that was in use on a day; none if there were several, as from the
    /// day on which there was one for children.
    #[must_use]
    pub fn of_maker(&self, maker: &str, day: Day) -> Option<&Product> {
        let mut of_maker = self
            .products
            .iter()
            .filter(|product| product.maker == maker && product.in_use(day));
        let only = of_maker.next()?;
        of_maker.next().is_none().then_some(only)
    }

    /// Every product, in the order of the file.
    #[must_use]
    pub fn all(&self) -> &[Product] {
        &self.products
    }
}

impl Product {
    /// Whether the product was in use on a day.
    #[must_use]
    pub fn in_use(&self, day: Day) -> bool {
        self.used_from <= day && self.used_to.is_none_or(|last| day <= last)
    }
}

impl ProductKey {
    /// Reads a key; a product that nobody knows has one, too.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let is_key = (1..=KEY_LENGTH_MAX).contains(&text.len()) && text.bytes().all(is_plain);
        is_key.then(|| Self(text.to_owned()))
    }

    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ProductKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ProductKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a product key"))
    }
}

impl Lot {
    /// Reads a lot number as people type it: trimmed, full-width letters made half-width, upper-case.
    ///
    /// # Errors
    /// When it is empty, longer than [`LOT_LENGTH_MAX`] or not printable.
    pub fn parse(text: &str) -> Result<Self, LotRefusal> {
        let upper = text.nfkc().collect::<String>().to_uppercase();
        // Upper-casing takes some letters apart again.
        let lot = upper.nfkc().collect::<String>().trim().to_owned();
        let got = lot.chars().count();
        if lot.is_empty() {
            Err(LotRefusal::Empty)
        } else if got > LOT_LENGTH_MAX {
            Err(LotRefusal::Length { got })
        } else if lot.chars().any(char::is_control) {
            Err(LotRefusal::Unprintable)
        } else {
            Ok(Self(lot))
        }
    }

    /// The lot number.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Lot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Lot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys_on(day: &str) -> Vec<&'static str> {
        let day = Day::parse(day).unwrap();
        Vaccines::bundled()
            .on(day)
            .iter()
            .map(|product| product.key.as_str())
            .collect()
    }

    #[test]
    fn a_maker_tells_the_product_only_while_there_was_one() {
        let key = |maker, day| {
            let product = Vaccines::bundled().of_maker(maker, Day::parse(day).unwrap());
            product.map(|product| product.key.as_str())
        };
        assert_eq!(key("ファイザー", "2021-06-12"), Some("comirnaty_12_mono"));
        assert_eq!(key("ファイザー", "2022-03-01"), None);
        assert_eq!(key("ファイザー", "2020-06-12"), None);
        assert_eq!(key("フアイザー", "2021-06-12"), None);
    }

    #[test]
    fn every_product_has_its_own_key_and_plain_figures() {
        let all = Vaccines::bundled().all();
        assert_eq!(all.len(), 16);
        for product in all {
            assert_eq!(
                Vaccines::bundled().find(product.key.as_str()),
                Some(product)
            );
            assert!(
                product.used_to.is_none_or(|last| product.used_from <= last),
                "{product:?}"
            );
            assert!((1..=20).contains(&product.doses_per_vial), "{product:?}");
            // The field of the record format has 20 characters (`CSVDOC`).
            assert!(product.maker.chars().count() <= 20, "{product:?}");
        }
    }

    #[test]
    fn a_product_is_offered_from_its_first_to_its_last_day() {
        assert_eq!(keys_on("2021-02-16"), Vec::<&str>::new());
        assert_eq!(keys_on("2021-02-17"), ["comirnaty_12_mono"]);
        assert_eq!(
            keys_on("2021-05-24"),
            ["comirnaty_12_mono", "spikevax_mono"]
        );
        assert!(keys_on("2023-02-11").contains(&"spikevax_mono"));
        assert!(!keys_on("2023-02-12").contains(&"spikevax_mono"));
        assert!(keys_on("2023-12-25").contains(&"nuvaxovid"));
        assert!(!keys_on("2023-12-26").contains(&"nuvaxovid"));
    }

    #[test]
    fn a_lot_is_upper_case_and_half_width_however_it_is_typed() {
        for text in ["ey0573", " EY0573\n", "ＥＹ０５７３", "　ｅｙ０５７３ "] {
            assert_eq!(Lot::parse(text).unwrap().as_str(), "EY0573", "{text:?}");
        }
    }

    #[test]
    fn a_lot_that_cannot_be_kept_is_refused() {
        assert_eq!(Lot::parse(" 　"), Err(LotRefusal::Empty));
        assert_eq!(
            Lot::parse(&"1".repeat(21)),
            Err(LotRefusal::Length { got: 21 })
        );
        assert_eq!(Lot::parse("EY\u{7}0573"), Err(LotRefusal::Unprintable));
    }

    #[test]
    fn a_key_is_plain() {
        assert!(ProductKey::parse("comirnaty_12_mono").is_some());
        for text in ["", "Comirnaty", "コミナティ", "a b", &"a".repeat(41)] {
            assert_eq!(ProductKey::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_lot_read_twice_is_itself(text in ".{0,24}") {
            if let Ok(lot) = Lot::parse(&text) {
                prop_assert_eq!(Lot::parse(lot.as_str()).unwrap(), lot);
            }
        }
    }
}
