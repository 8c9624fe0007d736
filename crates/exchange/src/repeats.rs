//! Numbers that stood in an earlier line of a file.
//!
//! A city's file has millions of lines, and each of its numbers has to be remembered to the end: so
//! what is remembered of one is packed into some 23 bytes, and nothing is held twice while it grows.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

/// Digits of the longest text that is remembered as a number.
const DIGITS_MAX: usize = 15;
/// The bits that so many digits take; above them stands how many they are, for 012 is not 12.
const DIGITS_BITS: u32 = 50;

/// Texts with the line in which each stood first; asked by text only, so their order never shows.
/// Debug shows none of them.
#[derive(Default)]
pub(crate) struct Repeats {
    digits: Numbers,
    /// What is not digits alone: few cities have such numbers, and none has them long.
    others: HashMap<Box<str>, u32>,
}

impl Repeats {
    /// The line in which this text stood before, or none if it did not: then it does now.
    pub(crate) fn first_line(&mut self, text: &str, line: u64) -> Option<u64> {
        // Four thousand million lines are more than any city has people.
        let here = u32::try_from(line).unwrap_or(u32::MAX);
        let first = match packed(text) {
            Some(number) => self.digits.first_line(number, here),
            None => match self.others.get(text) {
                Some(first) => Some(*first),
                None => {
                    self.others.insert(text.into(), here);
                    None
                }
            },
        };
        first.map(u64::from)
    }
}

impl fmt::Debug for Repeats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Repeats(..)")
    }
}

/// A text of digits alone, and how many they are, as one number.
fn packed(text: &str) -> Option<u64> {
    if text.len() > DIGITS_MAX || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = text.bytes().map(|byte| u64::from(byte - b'0'));
    let value = digits.fold(0, |value, digit| value * 10 + digit);
    Some((text.len() as u64) << DIGITS_BITS | value)
}

/// Numbers in the order they came, each with its line, and a table of where in that order each is.
/// The large part grows in place, and only the small one is made anew.
#[derive(Default)]
struct Numbers {
    /// The number's upper and lower half, and the line.
    seen: Vec<[u32; 3]>,
    places: HashTable<u32>,
    hash: RandomState,
}

impl Numbers {
    fn first_line(&mut self, number: u64, line: u32) -> Option<u32> {
        let Self { seen, places, hash } = self;
        let its_hash = hash.hash_one(number);
        let known = places.find(its_hash, |place| at(seen, *place).0 == number);
        if let Some(place) = known {
            return Some(at(seen, *place).1);
        }
        // As with lines: there are never so many.
        let place = u32::try_from(seen.len()).ok()?;
        places.insert_unique(its_hash, place, |place| hash.hash_one(at(seen, *place).0));
        seen.push(parts(number, line));
        None
    }
}

fn parts(number: u64, line: u32) -> [u32; 3] {
    [(number >> u32::BITS) as u32, number as u32, line]
}

/// The number and the line at a place; every place in the table is one of the list's.
fn at(seen: &[[u32; 3]], place: u32) -> (u64, u32) {
    let [upper, lower, line] = seen.get(place as usize).copied().unwrap_or_default();
    (u64::from(upper) << u32::BITS | u64::from(lower), line)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn leading_zeros_make_another_number() {
        let mut repeats = Repeats::default();
        assert_eq!(repeats.first_line("12", 2), None);
        assert_eq!(repeats.first_line("012", 3), None);
        assert_eq!(repeats.first_line("0", 4), None);
        assert_eq!(repeats.first_line("", 5), None);
        assert_eq!(repeats.first_line("012", 6), Some(3));
        assert_eq!(repeats.first_line("12", 7), Some(2));
    }

    #[test]
    fn what_cannot_be_packed_is_seen_twice_too() {
        let mut repeats = Repeats::default();
        for (line, text) in (2..).zip(["宛名番号一二", "A12", "1234567890123456", "1\0"]) {
            assert_eq!(packed(text), None);
            assert_eq!(repeats.first_line(text, line), None);
            assert_eq!(repeats.first_line(text, 9), Some(line));
        }
        assert!(packed(&"9".repeat(DIGITS_MAX)).is_some());
    }

    #[test]
    fn many_thousands_are_all_remembered() {
        let mut repeats = Repeats::default();
        for line in 0..50_000 {
            assert_eq!(repeats.first_line(&format!("{line:015}"), line), None);
        }
        for line in 0..50_000 {
            let before = repeats.first_line(&format!("{line:015}"), 60_000);
            assert_eq!(before, Some(line));
        }
    }

    proptest! {
        #[test]
        fn it_says_what_a_plain_map_says(texts in prop::collection::vec("[0-9A-C]{0,3}|[0-9]{14,16}", 0..200)) {
            let mut repeats = Repeats::default();
            let mut plain: HashMap<String, u64> = HashMap::new();
            for (line, text) in (1..).zip(texts) {
                prop_assert_eq!(repeats.first_line(&text, line), plain.get(&text).copied());
                plain.entry(text).or_insert(line);
            }
        }
    }
}
