//! Numbers of the field are digits of a fixed length; here they are read, once, for all of them.

use zeroize::Zeroize;

/// `N` ASCII digits, leading zeros and all.
///
/// Invariant: every byte is one of `b'0'..=b'9'`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Digits<const N: usize>([u8; N]);

/// Why a text is not `N` digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DigitsRefusal {
    /// The character at this place (counted from 1, as people do) is no digit.
    NotDigits { position: usize },
    /// Digits they are, but so many.
    Length { got: usize },
}

impl<const N: usize> Digits<N> {
    /// Reads what a person typed or a program sent: full-width digits are digits, blanks and
    /// hyphens are how people group them.
    pub(crate) fn read(text: &str) -> Result<Self, DigitsRefusal> {
        let mut digits = [b'0'; N];
        let mut got = 0;
        for (index, character) in text.chars().enumerate() {
            if is_grouping(character) {
                continue;
            }
            let digit = digit_of(character).ok_or(DigitsRefusal::NotDigits {
                position: index + 1,
            })?;
            if let Some(place) = digits.get_mut(got) {
                *place = b'0' + digit;
            }
            got += 1;
        }
        if got == N {
            Ok(Self(digits))
        } else {
            Err(DigitsRefusal::Length { got })
        }
    }

    /// Puts bytes that are known to be digits into the type; anything else gives `None`.
    pub(crate) fn from_ascii(bytes: &[u8]) -> Option<Self> {
        let digits: [u8; N] = bytes.try_into().ok()?;
        digits
            .iter()
            .all(u8::is_ascii_digit)
            .then_some(Self(digits))
    }

    #[expect(clippy::expect_used, reason = "ASCII digits are UTF-8")]
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("ASCII digits are UTF-8")
    }

    /// Leaves nothing, in a way the compiler may not leave out; for the moment of dropping only,
    /// since what is left is no digits.
    pub(crate) fn wipe(&mut self) {
        self.0.zeroize();
    }

    /// The digits as numbers 0 to 9, from the left.
    pub(crate) fn values(&self) -> [u8; N] {
        self.0.map(|byte| byte - b'0')
    }
}

fn digit_of(character: char) -> Option<u8> {
    let half_width = match character {
        '０'..='９' => char::from_u32(u32::from(character) - u32::from('０') + u32::from('0'))?,
        other => other,
    };
    u8::try_from(half_width.to_digit(10)?).ok()
}

/// Blanks, and every hyphen, dash or long-vowel mark a Japanese keyboard puts between digits.
fn is_grouping(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30fc}' | '\u{ff0d}' | '\u{ff70}'
        )
}
