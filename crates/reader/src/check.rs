//! What the 18 digits themselves protect: the check digit of the municipality, and the ranges of three more.
//!
//! 18 digits = kind 1, turn 1, municipality 6, ticket number 10. Only the municipality's six carry a check digit; a
//! wrong digit in the ticket number is never caught by arithmetic. Whether the municipality and the coupon exist is
//! for the server to judge.

use crate::chain::DIGITS;

/// Why 18 digits cannot be a coupon's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Not exactly 18 ASCII digits.
    NotEighteenDigits,
    /// The municipality's last digit is not the check digit of its first five.
    CheckDigit,
    /// The municipality's first two digits are no prefecture's: those are 01 to 47.
    Prefecture,
    /// The kind of coupon is not one that is printed (1 to 3).
    Kind,
    /// The turn is not one that is printed (1 to 7).
    Turn,
}

/// How strictly the turn digit is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turns {
    /// Any digit: the source has its own protection (QR: Reed–Solomon).
    Any,
    /// 1 to 7: the source has none, so every implausible digit is a warning.
    Printed,
}

/// The digits as numbers, if they may be a coupon's.
pub fn judge(digits: &str, turns: Turns) -> Result<(), Doubt> {
    let numbers: Vec<u8> = digits
        .bytes()
        .filter(u8::is_ascii_digit)
        .map(|digit| digit - b'0')
        .collect();
    let &[kind, turn, m1, m2, m3, m4, m5, m6, ..] = numbers.as_slice() else {
        return Err(Doubt::NotEighteenDigits);
    };
    if digits.len() != DIGITS || numbers.len() != DIGITS {
        return Err(Doubt::NotEighteenDigits);
    }
    if m6 != municipality_check_digit([m1, m2, m3, m4, m5]) {
        return Err(Doubt::CheckDigit);
    }
    if !(1..=47).contains(&(m1 * 10 + m2)) {
        return Err(Doubt::Prefecture);
    }
    if !(1..=3).contains(&kind) {
        return Err(Doubt::Kind);
    }
    if turns == Turns::Printed && !(1..=7).contains(&turn) {
        return Err(Doubt::Turn);
    }
    Ok(())
}

/// The check digit (検査数字) of a local government code (全国地方公共団体コード): weights 6 to 2, modulus 11, and of
/// what is left to 11 the last digit (JIS X 0402).
pub fn municipality_check_digit(code: [u8; 5]) -> u8 {
    let sum: u16 = code
        .iter()
        .zip([6u16, 5, 4, 3, 2])
        .map(|(&digit, weight)| u16::from(digit) * weight)
        .sum();
    // At most 11 before the last step, so it fits.
    u8::try_from((11 - sum % 11) % 10).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_municipalities_have_their_check_digits() {
        for (code, expected) in [
            ([0, 1, 1, 0, 0], 2), // Sapporo
            ([1, 3, 1, 0, 1], 6), // Chiyoda
            ([1, 3, 1, 0, 3], 2), // Minato
            ([2, 7, 1, 0, 0], 4), // Osaka
            ([4, 7, 2, 0, 1], 8), // Naha
        ] {
            assert_eq!(municipality_check_digit(code), expected, "{code:?}");
        }
    }

    #[test]
    fn a_coupon_of_minato_is_plausible() {
        assert_eq!(judge("211310320000012345", Turns::Printed), Ok(()));
    }

    #[test]
    fn each_doubt_has_its_name() {
        let check =
            |digits, doubt| assert_eq!(judge(digits, Turns::Printed), Err(doubt), "{digits}");
        check("", Doubt::NotEighteenDigits);
        check("21131032000001234", Doubt::NotEighteenDigits);
        check("21131032000001234a", Doubt::NotEighteenDigits);
        check("2113103200000123456", Doubt::NotEighteenDigits);
        check("211310340000012345", Doubt::CheckDigit);
        check("210000010000012345", Doubt::Prefecture);
        check("911310320000012345", Doubt::Kind);
        check("291310320000012345", Doubt::Turn);
    }

    #[test]
    fn a_turn_that_is_not_printed_yet_may_come_by_qr() {
        assert_eq!(judge("291310320000012345", Turns::Any), Ok(()));
    }

    #[test]
    fn one_wrong_digit_of_the_municipality_is_nearly_always_caught() {
        let right = "211310320000012345";
        let mut slipped_through = 0;
        for position in 2..8 {
            for digit in '0'..='9' {
                let mut wrong: Vec<char> = right.chars().collect();
                wrong[position] = digit;
                let wrong: String = wrong.into_iter().collect();
                slipped_through +=
                    usize::from(wrong != right && judge(&wrong, Turns::Printed).is_ok());
            }
        }
        // The check digits 0 and 1 each stand for two remainders.
        assert!(slipped_through <= 2, "{slipped_through}");
    }
}
