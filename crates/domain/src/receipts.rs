//! The receipt number (受領番号): a short word that proves what was entered into a ledger, and when.
//!
//! It names the city's ledger, the entry's number in it, and the beginning of the entry's hash. The
//! hash covers the entry and, through the chain, everything before it; the personal part goes into it
//! with a salt of its own. So a receipt can be neither made up nor fitted to another entry, and it
//! tells nothing of the person. Who holds one can have it compared with the ledger at any time.
//!
//! The number is written in Crockford's base 32, which has no I, L, O and U, and ends in a check
//! character, so that a slip of the pen is told from a forgery.

use thiserror::Error;

use crate::ledger::Sha;
use crate::places::MunicipalityCode;

/// A receipt number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReceiptNumber {
    city: MunicipalityCode,
    seq: i64,
    tag: u64,
}

/// Why a text is no receipt number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReceiptRefusal {
    /// More or fewer characters than a receipt number has.
    #[error(
        "受領番号は英数字19文字です(入力は{got}文字)。用紙の番号をもう一度確認してください。/ A receipt number has 19 letters and digits; this has {got}. Compare it with the paper."
    )]
    Length {
        /// How many there are.
        got: usize,
    },
    /// A character that no receipt number has.
    #[error(
        "受領番号に使われない文字があります({at}文字目)。用紙の番号をもう一度確認してください。/ No receipt number has the character at place {at}. Compare it with the paper."
    )]
    Character {
        /// Which one, from 1, blanks and hyphens not counted.
        at: usize,
    },
    /// The last character does not fit the others: somebody misread or mistyped one.
    #[error(
        "受領番号の検査文字が合いません。用紙の番号をもう一度確認してください。/ The check character is wrong: one of the others was misread. Compare it with the paper."
    )]
    CheckCharacter,
    /// It names a municipality that cannot be, as no receipt of ours does.
    #[error(
        "受領番号の市町村が存在しません。用紙の番号をもう一度確認してください。/ The number names no municipality. Compare it with the paper."
    )]
    Municipality,
}

impl ReceiptRefusal {
    /// Every code, for the texts' test.
    pub const CODES: [&'static str; 4] = [
        "receipt_length",
        "receipt_character",
        "receipt_check_character",
        "receipt_municipality",
    ];

    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Length { .. } => "receipt_length",
            Self::Character { .. } => "receipt_character",
            Self::CheckCharacter => "receipt_check_character",
            Self::Municipality => "receipt_municipality",
        }
    }
}

/// Crockford's alphabet.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Bits of a character.
const CHARACTER_BITS: u32 = 5;
/// Characters without the check character: 17 + 33 + 40 bits.
const CHARACTERS: usize = 18;
/// Bits of the entry's number: eight billion entries in one city.
const SEQ_BITS: u32 = 33;
/// Bits of the hash: who guesses at a million a second for a year has one chance in thirty thousand,
/// and every guess is a question to our server.
const TAG_BITS: u32 = 40;
/// Characters of each group, as it is printed.
const GROUPS: [usize; 4] = [4, 5, 5, 5];

impl ReceiptNumber {
    /// The receipt of an entry.
    #[must_use]
    pub fn of(city: MunicipalityCode, seq: i64, hash: &Sha) -> Self {
        let beginning = hash.as_bytes().iter().take(TAG_BITS as usize / 8);
        let tag = beginning.fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        Self { city, seq, tag }
    }

    /// The city whose ledger it names.
    #[must_use]
    pub fn city(&self) -> MunicipalityCode {
        self.city
    }

    /// The number of the entry there.
    #[must_use]
    pub fn seq(&self) -> i64 {
        self.seq
    }

    /// Whether it is the receipt of the entry with this hash.
    #[must_use]
    pub fn proves(&self, hash: &Sha) -> bool {
        Self::of(self.city, self.seq, hash).tag == self.tag
    }

    /// Reads what somebody typed or scanned: case, blanks and hyphens do not matter, and O, I, L are
    /// what they were mistaken for.
    ///
    /// # Errors
    /// What keeps it from being one.
    pub fn parse(text: &str) -> Result<Self, ReceiptRefusal> {
        let mut values = Vec::new();
        let grouping = |one: &char| one.is_whitespace() || matches!(one, '-' | '‐' | '－' | 'ー');
        let half_width = unicode_normalization::UnicodeNormalization::nfkc(text);
        for (at, one) in half_width.filter(|one| !grouping(one)).enumerate() {
            if at > CHARACTERS {
                return Err(ReceiptRefusal::Length {
                    got: text.chars().count(),
                });
            }
            values.push(value(one).ok_or(ReceiptRefusal::Character { at: at + 1 })?);
        }
        let got = values.len();
        let check = values.pop().filter(|_| got == CHARACTERS + 1);
        let check = check.ok_or(ReceiptRefusal::Length { got })?;
        if check != check_value(&values) {
            return Err(ReceiptRefusal::CheckCharacter);
        }
        let packed = values.iter().fold(0_u128, |sum, value| {
            (sum << CHARACTER_BITS) | u128::from(*value)
        });
        let part = |shift: u32, bits: u32| (packed >> shift) & ((1_u128 << bits) - 1);
        let city = part(
            SEQ_BITS + TAG_BITS,
            CHARACTER_BITS * 18 - SEQ_BITS - TAG_BITS,
        );
        let city = u32::try_from(city)
            .ok()
            .and_then(MunicipalityCode::from_first_five)
            .ok_or(ReceiptRefusal::Municipality)?;
        // Both have fewer bits than their types.
        let seq = i64::try_from(part(TAG_BITS, SEQ_BITS)).unwrap_or_default();
        let tag = u64::try_from(part(0, TAG_BITS)).unwrap_or_default();
        Ok(Self { city, seq, tag })
    }
}

impl std::fmt::Display for ReceiptNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seq = u128::from(self.seq.unsigned_abs()) & ((1 << SEQ_BITS) - 1);
        let packed = (u128::from(self.city.first_five()) << (SEQ_BITS + TAG_BITS))
            | (seq << TAG_BITS)
            | u128::from(self.tag);
        let mut values: Vec<u8> = (0..CHARACTERS)
            .rev()
            .map(|place| {
                let shift = CHARACTER_BITS * u32::try_from(place).unwrap_or_default();
                u8::try_from((packed >> shift) & 31).unwrap_or_default()
            })
            .collect();
        values.push(check_value(&values));
        let mut letters = values
            .iter()
            .filter_map(|value| ALPHABET.get(usize::from(*value)))
            .map(|letter| char::from(*letter));
        for (at, length) in GROUPS.into_iter().enumerate() {
            if at > 0 {
                f.write_str("-")?;
            }
            for letter in letters.by_ref().take(length) {
                std::fmt::Write::write_char(f, letter)?;
            }
        }
        Ok(())
    }
}

impl serde::Serialize for ReceiptNumber {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn value(letter: char) -> Option<u8> {
    let plain = match letter.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let at = ALPHABET.iter().position(|one| char::from(*one) == plain)?;
    u8::try_from(at).ok()
}

/// Luhn's check over an alphabet of 32: it finds every single wrong character and nearly every pair
/// that changed places, and stays within the alphabet, which Crockford's own does not.
fn check_value(values: &[u8]) -> u8 {
    let sum: u32 = values
        .iter()
        .rev()
        .zip([2_u32, 1].into_iter().cycle())
        .map(|(value, factor)| {
            let product = u32::from(*value) * factor;
            product / 32 + product % 32
        })
        .sum();
    u8::try_from((32 - sum % 32) % 32).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn receipt(seq: i64, hash: &str) -> ReceiptNumber {
        let city = MunicipalityCode::parse("131016").unwrap();
        ReceiptNumber::of(city, seq, &Sha::of(hash.as_bytes()))
    }

    #[test]
    fn a_receipt_is_nineteen_characters_in_four_groups() {
        let number = receipt(1, "entry").to_string();
        assert_eq!(number.len(), 22);
        assert_eq!(number.split('-').map(str::len).collect::<Vec<_>>(), GROUPS);
    }

    #[test]
    fn it_proves_its_own_entry_and_no_other() {
        let number = receipt(7, "entry");
        assert!(number.proves(&Sha::of(b"entry")));
        assert!(!number.proves(&Sha::of(b"another")));
        assert_eq!((number.city().as_str(), number.seq()), ("131016", 7));
    }

    #[test]
    fn it_is_read_however_people_write_it() {
        let number = receipt(123_456, "entry");
        let written = number.to_string();
        for text in [
            written.to_lowercase(),
            written.replace('-', ""),
            written.replace('-', " "),
            written.replace('0', "O").replace('1', "l"),
            format!("　{written} "),
        ] {
            assert_eq!(ReceiptNumber::parse(&text), Ok(number), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_refused_with_its_reason() {
        let code = |text: &str| ReceiptNumber::parse(text).map_err(|refusal| refusal.code());
        assert_eq!(code(""), Err("receipt_length"));
        assert_eq!(code("ABC"), Err("receipt_length"));
        assert_eq!(code(&"0".repeat(20)), Err("receipt_length"));
        assert_eq!(code("接種"), Err("receipt_character"));
        assert_eq!(code(&"U".repeat(19)), Err("receipt_character"));
        assert_eq!(code(&"0".repeat(19)), Err("receipt_municipality"));
        let refusals = [
            ReceiptRefusal::Length { got: 0 },
            ReceiptRefusal::Character { at: 1 },
            ReceiptRefusal::CheckCharacter,
            ReceiptRefusal::Municipality,
        ];
        assert_eq!(refusals.map(|one| one.code()), ReceiptRefusal::CODES);
    }

    proptest! {
        #[test]
        fn a_receipt_written_down_is_read_back(seq in 1_i64..(1 << 33), hash in ".*") {
            let number = receipt(seq, &hash);
            prop_assert_eq!(ReceiptNumber::parse(&number.to_string()), Ok(number));
        }

        #[test]
        fn one_wrong_character_is_always_found(seq in 1_i64..(1 << 33), at in 0_usize..19, by in 1_usize..32) {
            let mut letters: Vec<u8> = receipt(seq, "entry").to_string().replace('-', "").into_bytes();
            let value = ALPHABET.iter().position(|one| *one == letters[at]).unwrap();
            letters[at] = ALPHABET[(value + by) % 32];
            let text = String::from_utf8(letters).unwrap();
            prop_assert_eq!(ReceiptNumber::parse(&text), Err(ReceiptRefusal::CheckCharacter));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = ReceiptNumber::parse(&text);
        }
    }
}
