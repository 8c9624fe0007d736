//! The two encodings that municipal systems speak: UTF-8 and Windows-31J.

use std::borrow::Cow;

use encoding_rs::SHIFT_JIS;

/// How the characters of a file are written down (文字コード).
///
/// Chosen by the person who hands the file over, never guessed: a guess that is wrong once turns
/// a name into another name. Where the choice cannot be right, the reader says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// Windows-31J (CP932), which Japanese software calls Shift_JIS.
    Windows31j,
}

impl Encoding {
    /// Both, in the order a form offers them.
    pub const ALL: [Self; 2] = [Self::Utf8, Self::Windows31j];

    /// The stable name for forms and interfaces: `utf-8`, `windows-31j`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Windows31j => "windows-31j",
        }
    }

    /// Reads the stable name; `shift_jis` means Windows-31J, as it does everywhere in Japan.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Some(Self::Utf8),
            "windows-31j" | "shift_jis" | "cp932" => Some(Self::Windows31j),
            _ => None,
        }
    }

    /// The text of `bytes`, or the place (from 1) of the first character that is lost: bytes that
    /// mean nothing, or the replacement character that an earlier conversion left in place of one.
    pub(crate) fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, usize> {
        if bytes.is_ascii() {
            return Ok(Cow::Borrowed(
                std::str::from_utf8(bytes).unwrap_or_default(),
            ));
        }
        let text = match self {
            Self::Utf8 => match std::str::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text),
                Err(error) => {
                    let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
                    return Err(1 + String::from_utf8_lossy(valid).chars().count());
                }
            },
            Self::Windows31j => {
                match SHIFT_JIS.decode_without_bom_handling_and_without_replacement(bytes) {
                    Some(text) => text,
                    None => return Err(place_of_lost_in_windows_31j(bytes)),
                }
            }
        };
        match text.find(char::REPLACEMENT_CHARACTER) {
            Some(at) => Err(1 + text.get(..at).unwrap_or_default().chars().count()),
            None => Ok(text),
        }
    }

    /// The text of `bytes` for a person to look at; what cannot be read stands as U+FFFD.
    #[must_use]
    pub fn shown(self, bytes: &[u8]) -> String {
        match self {
            Self::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            Self::Windows31j => SHIFT_JIS.decode_without_bom_handling(bytes).0.into_owned(),
        }
    }

    /// The bytes of `text`, or the first character that this encoding cannot hold.
    pub(crate) fn encode(self, text: &str) -> Result<Cow<'_, [u8]>, char> {
        match self {
            Self::Utf8 => Ok(Cow::Borrowed(text.as_bytes())),
            Self::Windows31j => encode_windows_31j(text),
        }
    }
}

/// Stands for a character that Windows-31J lacks (ゲタ), as printers have always done.
pub const STAND_IN: char = '〓';

impl Encoding {
    /// The bytes of `text` with [`STAND_IN`] for every character that this encoding lacks, and the
    /// places (from 1) of those characters.
    pub(crate) fn encode_with_stand_ins(self, text: &str) -> (Cow<'_, [u8]>, Vec<(usize, char)>) {
        if let Ok(bytes) = self.encode(text) {
            return (bytes, Vec::new());
        }
        let mut bytes = Vec::with_capacity(text.len());
        let mut lost = Vec::new();
        for (position, character) in (1..).zip(text.chars()) {
            let mut utf8 = [0; 4];
            if let Ok(cell) = self.encode(character.encode_utf8(&mut utf8)) {
                bytes.extend_from_slice(&cell);
            } else {
                // Every encoding here has the stand-in.
                bytes.extend(self.encode("〓").as_deref().unwrap_or_default());
                lost.push((position, character));
            }
        }
        (Cow::Owned(bytes), lost)
    }
}

/// The place (from 1) of the first character that cannot be read.
fn place_of_lost_in_windows_31j(bytes: &[u8]) -> usize {
    // Every cell is at most three bytes of UTF-8, so the room always suffices.
    let mut text = String::with_capacity(3 * bytes.len());
    let mut decoder = SHIFT_JIS.new_decoder_without_bom_handling();
    // The decoder stops behind the first character it cannot read.
    let _ = decoder.decode_to_string_without_replacement(bytes, &mut text, true);
    1 + text.chars().count()
}

/// Character by character, since the library's own encoder writes `&#134071;` for what it lacks.
fn encode_windows_31j(text: &str) -> Result<Cow<'_, [u8]>, char> {
    if text.is_ascii() {
        return Ok(Cow::Borrowed(text.as_bytes()));
    }
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        if let Some(cell) = gaiji_cell(character) {
            bytes.extend(cell);
            continue;
        }
        let mut utf8 = [0; 4];
        let (cell, _, lost) = SHIFT_JIS.encode(cp932_twin(character).encode_utf8(&mut utf8));
        if lost {
            return Err(character);
        }
        bytes.extend_from_slice(&cell);
    }
    Ok(Cow::Owned(bytes))
}

/// The character that CP932 has for one that other systems write with another code point.
fn cp932_twin(character: char) -> char {
    match character {
        '\u{301C}' => '\u{FF5E}', // wave dash
        '\u{2212}' => '\u{FF0D}', // minus sign
        '\u{2016}' => '\u{2225}', // double vertical line
        '\u{2014}' => '\u{2015}', // em dash
        '\u{00A2}' => '\u{FFE0}', // cent
        '\u{00A3}' => '\u{FFE1}', // pound
        '\u{00AC}' => '\u{FFE2}', // not sign
        '\u{00A5}' => '\u{FFE5}', // yen, which would become a backslash
        '\u{203E}' => '\u{FFE3}', // overline, which would become a tilde
        other => other,
    }
}

/// The first character of the text that only the system it came from can draw (外字), and its
/// place from 1.
pub(crate) fn gaiji(text: &str) -> Option<(usize, char)> {
    (1..).zip(text.chars()).find(|(_, character)| {
        matches!(character, '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{FFFFD}' | '\u{100000}'..='\u{10FFFD}')
    })
}

/// Cells in a row of the user-defined area of Windows-31J.
const GAIJI_ROW_CELLS: u32 = 188;
/// The trail byte 0x7F is no trail byte; cells from here on are one further.
const GAIJI_TRAIL_GAP: u32 = 0x3F;

/// The two bytes of a user-defined character in Windows-31J (0xF040–0xF9FC), by which the people
/// who drew it know it.
pub(crate) fn gaiji_cell(character: char) -> Option<[u8; 2]> {
    let cell = u32::from(character)
        .checked_sub(0xE000)
        .filter(|cell| *cell < 10 * GAIJI_ROW_CELLS)?;
    let (row, place) = (cell / GAIJI_ROW_CELLS, cell % GAIJI_ROW_CELLS);
    let trail = 0x40 + place + u32::from(place >= GAIJI_TRAIL_GAP);
    Some([u8::try_from(0xF0 + row).ok()?, u8::try_from(trail).ok()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_user_defined_character_comes_back_as_the_same_two_bytes() {
        for lead in 0xF0..=0xF9_u8 {
            for trail in (0x40..=0x7E_u8).chain(0x80..=0xFC) {
                let bytes = [lead, trail];
                let text = Encoding::Windows31j.decode(&bytes).unwrap();
                assert_eq!(gaiji(&text), text.chars().next().map(|first| (1, first)));
                assert_eq!(Encoding::Windows31j.encode(&text).unwrap().as_ref(), bytes);
            }
        }
    }

    #[test]
    fn a_character_windows_31j_lacks_is_named_and_not_written_as_a_number() {
        assert_eq!(Encoding::Windows31j.encode("𠮷田"), Err('𠮷'));
        assert_eq!(Encoding::Windows31j.encode("森鷗外"), Err('鷗'));
        assert!(Encoding::Utf8.encode("𠮷田").is_ok());
    }

    #[test]
    fn a_stand_in_takes_the_place_of_what_is_lacking() {
        let (bytes, lost) = Encoding::Windows31j.encode_with_stand_ins("𠮷田鷗");
        assert_eq!(Encoding::Windows31j.decode(&bytes).unwrap(), "〓田〓");
        assert_eq!(lost, [(1, '𠮷'), (3, '鷗')]);
        let (bytes, lost) = Encoding::Utf8.encode_with_stand_ins("𠮷田");
        assert_eq!((bytes.as_ref(), lost), ("𠮷田".as_bytes(), vec![]));
        assert_eq!(STAND_IN.to_string(), "〓");
    }

    #[test]
    fn what_other_systems_spell_otherwise_finds_its_twin() {
        assert_eq!(
            Encoding::Windows31j.encode("〜−¥").unwrap().as_ref(),
            [0x81, 0x60, 0x81, 0x7C, 0x81, 0x8F]
        );
    }

    #[test]
    fn compatibility_ideographs_of_names_are_kept_apart() {
        for name in ["\u{FA19}", "\u{FA10}", "\u{F9DC}", "\u{9AD9}", "\u{FA11}"] {
            let bytes = Encoding::Windows31j.encode(name).unwrap();
            assert_eq!(Encoding::Windows31j.decode(&bytes).unwrap(), name);
        }
    }

    #[test]
    fn bytes_that_mean_nothing_and_characters_already_lost_are_no_text() {
        assert_eq!(Encoding::Utf8.decode(b"\x82\xa0"), Err(1));
        assert_eq!(Encoding::Utf8.decode("山\u{FFFD}".as_bytes()), Err(2));
        assert_eq!(
            Encoding::Utf8.decode("山川\u{3042}".as_bytes().get(..8).unwrap()),
            Err(3)
        );
        assert_eq!(Encoding::Windows31j.decode(b"\x82"), Err(1));
        assert_eq!(Encoding::Windows31j.decode(b"\x82\xa0\x82"), Err(2));
        assert_eq!(Encoding::Windows31j.decode(b"a\x82\xa0\x85\x9fb"), Err(3));
        assert_eq!(Encoding::Windows31j.decode(b"\x82\xa0").unwrap(), "あ");
    }

    #[test]
    fn the_names_are_read_back() {
        for encoding in Encoding::ALL {
            assert_eq!(Encoding::parse(encoding.as_str()), Some(encoding));
        }
        assert_eq!(Encoding::parse("Shift_JIS"), Some(Encoding::Windows31j));
        assert_eq!(Encoding::parse("euc-jp"), None);
    }
}
