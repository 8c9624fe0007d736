//! How a name is searched: what its spellings have in common, in writing and in sound.
//!
//! Keys are for searching only and never stored as the name: even NFC turns 神 (U+FA19) into
//! another character. They are coarse on purpose. A clerk who searches sees a few names too many
//! and picks; a name that is not found is a person who is told "we do not know you".

use std::sync::LazyLock;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, compose, decompose_canonical};

/// Every name of a person, as received; empty where there is none.
#[derive(Clone, Copy, Default)]
pub struct Names<'n> {
    /// 氏名.
    pub name: &'n str,
    /// Its kana.
    pub kana: &'n str,
    /// 旧氏(旧姓): the former family name, without the given name.
    pub former_name: &'n str,
    /// Its kana.
    pub former_kana: &'n str,
    /// 通称: the name a person from elsewhere goes by.
    pub alias: &'n str,
    /// Its kana.
    pub alias_kana: &'n str,
    /// The name in Latin letters (ローマ字).
    pub romaji: &'n str,
}

impl Names<'_> {
    /// The keys of all written names, each once, in order: name, former family name with the
    /// given name and alone, alias.
    #[must_use]
    pub fn search_keys(&self) -> Vec<String> {
        let former = with_given_name(self.former_name, self.name);
        distinct(
            [self.name, &former, self.former_name, self.alias],
            search_key,
        )
    }

    /// The keys of all readings, each once, in order. A name in Latin letters is found with the
    /// family name first or last; a name written without kanji is a reading of itself.
    #[must_use]
    pub fn sound_keys(&self) -> Vec<String> {
        let former = with_given_name(self.former_kana, self.kana);
        let turned = turned(self.romaji);
        let read = |name| if is_reading(name) { name } else { "" };
        distinct(
            [
                self.kana,
                read(self.name),
                &former,
                self.former_kana,
                self.alias_kana,
                read(self.alias),
                self.romaji,
                &turned,
            ],
            sound_key,
        )
    }
}

impl std::fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Names(..)")
    }
}

/// A family name with what follows the family name in `whole`; empty if either is unknown.
fn with_given_name(family: &str, whole: &str) -> String {
    match whole.trim().split_once(char::is_whitespace) {
        Some((_, given)) if !family.is_empty() => format!("{family}{given}"),
        _ => String::new(),
    }
}

/// Whether a name is written in kana or Latin letters alone, so that it tells how it sounds.
#[must_use]
pub fn is_reading(name: &str) -> bool {
    let is_sound = |one: char| {
        matches!(one, '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}')
            || one.is_ascii_alphabetic()
            || !one.is_alphanumeric()
            || matches!(one, '\u{c0}'..='\u{24f}')
    };
    name.nfkc().all(is_sound) && name.chars().any(char::is_alphabetic)
}

/// The first word behind the others.
fn turned(name: &str) -> String {
    match name.trim().split_once([' ', ',', '\u{3000}']) {
        Some((first, others)) => format!("{others} {first}"),
        None => String::new(),
    }
}

fn distinct<const N: usize>(names: [&str; N], key: fn(&str) -> String) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for key in names.into_iter().map(key) {
        if !key.is_empty() && !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// What two spellings of a name have in common.
///
/// Compatibility forms, hiragana and katakana, variation selectors, the many hyphens, the
/// variants of kanji (異体字, `data/kanji_variants.csv`) and small kana in place names (龍ヶ崎 and
/// 龍ケ崎) become one; blanks go, for some write one between the names and some do not.
#[must_use]
pub fn search_key(name: &str) -> String {
    name.chars()
        .filter(|character| !is_variation_selector(*character))
        .nfkc()
        .filter(|character| !character.is_whitespace())
        .map(katakana)
        .map(one_hyphen)
        .map(plain_form)
        .flat_map(char::to_lowercase)
        // A mark that a blank stood before now belongs to the letter before the blank.
        .nfkc()
        .collect()
}

/// What two readings of a name have in common, in kana of any kind or in Latin letters.
///
/// The key is spelled much like Kunrei romaji. Width, voiced marks, hiragana, small kana (キヨ and
/// キョ), old kana (ヰ, ヱ, ヲ, ヂ, ヅ), the small ッ, long vowels however written (オオ, オウ, オー, ô, oh)
/// and the ways of writing romaji (shi and si, n and m before b) become one; blanks and hyphens
/// go. Characters that are no sounds stay as in [`search_key`].
#[must_use]
pub fn sound_key(reading: &str) -> String {
    let plain = reading
        .chars()
        .filter(|character| !is_variation_selector(*character))
        .nfkc()
        .flat_map(char::to_lowercase)
        .nfkc()
        .map(katakana)
        .flat_map(without_marks)
        .filter(|one| one.is_alphanumeric() && canonical_combining_class(*one) == 0);
    let mut sound = Sound::default();
    // The kana before, which an iteration mark repeats.
    let mut before = None;
    let mut after_c = false;
    for character in plain {
        if after_c && character != 'c' {
            sound.push_c(character == 'h');
        }
        let is_ch = after_c && character == 'h';
        after_c = character == 'c';
        if is_ch || after_c {
            continue;
        }
        let kana = repeated(character, before).unwrap_or(character);
        before = Some(kana);
        match syllable(kana) {
            Some(letters) => sound.push_syllable(kana, letters),
            None => sound.push_other(kana),
        }
    }
    if after_c {
        sound.push_c(false);
    }
    sound.finish()
}

/// A character and its marks apart, unless it is a kana, which is another sound with them.
fn without_marks(character: char) -> Vec<char> {
    if syllable(character).is_some() || character == 'ヾ' {
        return vec![character];
    }
    let mut parts = Vec::new();
    decompose_canonical(character, |part| parts.push(part));
    parts
}

/// The kana an iteration mark stands for.
fn repeated(mark: char, before: Option<char>) -> Option<char> {
    const VOICED: char = '\u{3099}';
    let mut plain = None;
    // Without its voiced mark, if it has one.
    decompose_canonical(before?, |part| plain = plain.or(Some(part)));
    match mark {
        'ヽ' => plain,
        'ヾ' => compose(plain?, VOICED).or(plain),
        _ => None,
    }
}

/// A sound while it is put together.
///
/// Invariant: pushed letter by letter into an empty sound, the letters give themselves. All
/// rules look back only, so that they hold for whatever comes together.
#[derive(Default)]
struct Sound(Vec<char>);

impl Sound {
    fn last(&self) -> Option<char> {
        self.0.last().copied()
    }

    fn before_last(&self) -> Option<char> {
        self.0.iter().rev().nth(1).copied()
    }

    /// The letters of a kana. After ヴ a small vowel takes the place of the *u*: ヴァ is *ba*.
    fn push_syllable(&mut self, kana: char, letters: &str) {
        let is_small_vowel = matches!(kana, 'ァ' | 'ィ' | 'ェ' | 'ォ');
        if is_small_vowel && self.0.ends_with(&['b', 'u', VU]) {
            self.0.truncate(self.0.len() - 2);
        }
        self.forget_vu();
        for letter in letters.chars() {
            self.push(letter);
        }
        if kana == 'ヴ' && self.0.ends_with(&['b', 'u']) {
            self.0.push(VU);
        }
    }

    /// A letter of the alphabet, or something that is no sound.
    fn push_other(&mut self, character: char) {
        self.forget_vu();
        match character {
            'f' => {
                self.push('h');
                self.push('u');
            }
            'j' => {
                self.push('z');
                self.push('y');
            }
            'v' => self.push('b'),
            'l' => self.push('r'),
            'q' => self.push('k'),
            other => self.push(plain_form(other)),
        }
    }

    /// A *c*, which is *ty* if an *h* follows it, else *k*.
    fn push_c(&mut self, before_h: bool) {
        self.forget_vu();
        if before_h {
            self.push('t');
            self.push('y');
        } else {
            self.push('k');
        }
    }

    fn push(&mut self, letter: char) {
        if is_vowel(letter) {
            return self.push_vowel(letter);
        }
        match (self.last(), letter) {
            // Shi is si, tsu is tu.
            (Some('s'), 'h') => self.push('y'),
            (Some('t'), 's') => self.push('u'),
            // An h before a consonant only makes the vowel long: Ohno, Ohya.
            (Some('h'), 'y') if self.before_last() != Some('o') => self.0.push('y'),
            (Some('h'), letter) if letter != 'h' => {
                self.0.pop();
                self.push(letter);
            }
            // Namba is Nanba, Homma is Honma.
            (Some('m'), 'b' | 'p' | 'm') => {
                self.0.pop();
                self.push('n');
                self.push(letter);
            }
            (Some('d'), 'z') => {
                self.0.pop();
                self.push('z');
            }
            (Some('n'), 'n') if self.before_last() == Some('n') => {}
            // The small ッ: Hattori is Hatori.
            (Some(last), letter)
                if last == letter && letter.is_ascii_alphabetic() && letter != 'n' => {}
            _ => self.0.push(letter),
        }
    }

    fn push_vowel(&mut self, vowel: char) {
        let after_consonant = self.before_last().is_some_and(is_consonant);
        match (self.last(), vowel) {
            // A long vowel is a short one.
            (Some(last), vowel) if last == vowel => {}
            (Some('o'), 'u') => {}
            // Kyo is kiyo, sha is siya, che is tie.
            (Some('y'), vowel) if after_consonant => {
                self.0.pop();
                self.push('i');
                if matches!(vowel, 'a' | 'u' | 'o') {
                    self.push('y');
                }
                self.push(vowel);
            }
            // Yebisu is Ebisu, wo is o.
            (Some('y'), 'e' | 'i') | (Some('w'), 'e' | 'i' | 'o' | 'u') => {
                self.0.pop();
                self.push(vowel);
            }
            // Di is zi, du is zu.
            (Some('d'), 'i' | 'u') => {
                self.0.pop();
                self.push('z');
                self.push(vowel);
            }
            _ => self.0.push(vowel),
        }
    }

    fn forget_vu(&mut self) {
        if self.last() == Some(VU) {
            self.0.pop();
        }
    }

    fn finish(mut self) -> String {
        self.forget_vu();
        if self.last() == Some('h') {
            self.0.pop(); // Satoh
        }
        self.0.into_iter().collect()
    }
}

/// Marks a *bu* that came from ヴ until the next kana is known. No text holds it.
const VU: char = '\0';

fn is_vowel(letter: char) -> bool {
    matches!(letter, 'a' | 'i' | 'u' | 'e' | 'o')
}

fn is_consonant(letter: char) -> bool {
    letter.is_ascii_alphabetic() && !is_vowel(letter) && letter != 'y'
}

/// The letters of a katakana; a small one has those of the large one, ッ and ー have none.
fn syllable(kana: char) -> Option<&'static str> {
    Some(match kana {
        'ア' | 'ァ' => "a",
        'イ' | 'ィ' | 'ヰ' => "i",
        'ウ' | 'ゥ' => "u",
        'エ' | 'ェ' | 'ヱ' => "e",
        'オ' | 'ォ' | 'ヲ' => "o",
        'カ' | 'ヵ' => "ka",
        'キ' => "ki",
        'ク' | 'ㇰ' => "ku",
        'ケ' | 'ヶ' => "ke",
        'コ' => "ko",
        'ガ' => "ga",
        'ギ' => "gi",
        'グ' => "gu",
        'ゲ' => "ge",
        'ゴ' => "go",
        'サ' => "sa",
        'シ' | 'ㇱ' => "si",
        'ス' | 'ㇲ' => "su",
        'セ' => "se",
        'ソ' => "so",
        'ザ' => "za",
        'ジ' | 'ヂ' => "zi",
        'ズ' | 'ヅ' => "zu",
        'ゼ' => "ze",
        'ゾ' => "zo",
        'タ' => "ta",
        'チ' => "ti",
        'ツ' => "tu",
        'テ' => "te",
        'ト' | 'ㇳ' => "to",
        'ダ' => "da",
        'デ' => "de",
        'ド' => "do",
        'ナ' => "na",
        'ニ' => "ni",
        'ヌ' | 'ㇴ' => "nu",
        'ネ' => "ne",
        'ノ' => "no",
        'ハ' | 'ㇵ' => "ha",
        'ヒ' | 'ㇶ' => "hi",
        'フ' | 'ㇷ' => "hu",
        'ヘ' | 'ㇸ' => "he",
        'ホ' | 'ㇹ' => "ho",
        'バ' => "ba",
        'ビ' => "bi",
        'ブ' | 'ヴ' => "bu",
        'ベ' => "be",
        'ボ' => "bo",
        'パ' => "pa",
        'ピ' => "pi",
        'プ' => "pu",
        'ペ' => "pe",
        'ポ' => "po",
        'マ' => "ma",
        'ミ' => "mi",
        'ム' | 'ㇺ' => "mu",
        'メ' => "me",
        'モ' => "mo",
        'ヤ' | 'ャ' => "ya",
        'ユ' | 'ュ' => "yu",
        'ヨ' | 'ョ' => "yo",
        'ラ' | 'ㇻ' => "ra",
        'リ' | 'ㇼ' => "ri",
        'ル' | 'ㇽ' => "ru",
        'レ' | 'ㇾ' => "re",
        'ロ' | 'ㇿ' => "ro",
        'ワ' | 'ヮ' => "wa",
        'ヷ' => "ba",
        'ヸ' => "bi",
        'ヹ' => "be",
        'ヺ' => "bo",
        'ン' => "n",
        'ッ' | 'ー' => "",
        _ => return None,
    })
}

fn is_variation_selector(character: char) -> bool {
    matches!(character, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// The katakana of a hiragana: the two rows stand 0x60 apart.
fn katakana(character: char) -> char {
    const ROWS_APART: u32 = 0x60;
    match character {
        'ぁ'..='ゖ' | 'ゝ' | 'ゞ' => {
            char::from_u32(u32::from(character) + ROWS_APART).unwrap_or(character)
        }
        other => other,
    }
}

fn one_hyphen(character: char) -> char {
    match character {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | 'ー' => '-',
        other => other,
    }
}

/// A row of `data/kanji_variants.csv`.
#[derive(Deserialize)]
struct Variant {
    plain: char,
    variant: char,
    #[expect(dead_code, reason = "says to readers of the table how sure the row is")]
    source: String,
}

/// The common form of a character that families or towns write differently (異体字), beyond what
/// NFKC knows.
fn plain_form(character: char) -> char {
    /// Sorted by the variant.
    static VARIANTS: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
        let rows: Vec<Variant> =
            crate::tables::bundled(include_str!("../../../../data/kanji_variants.csv"));
        let mut variants: Vec<_> = rows.iter().map(|row| (row.variant, row.plain)).collect();
        variants.sort_unstable();
        variants
    });
    match character {
        'ヶ' => 'ケ',
        'ヵ' => 'カ',
        // Before the first kanji there is nothing to look up.
        '\0'..='\u{33ff}' => character,
        _ => VARIANTS
            .binary_search_by_key(&character, |(variant, _)| *variant)
            .ok()
            .and_then(|found| VARIANTS.get(found))
            .map_or(character, |(_, plain)| *plain),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_a_name_are_found_by_one_another() {
        for (one, other) in [
            ("髙橋", "高橋"),
            ("山﨑　太郎", "山崎太郎"),
            ("渡邉", "渡邊"),
            ("渡辺", "渡邉"),
            ("齋藤", "斉藤"),
            ("葛\u{e0100}城", "葛城"),
            ("神\u{fe00}田", "神田"),
            ("\u{fa19}田", "神田"),
            ("さとう はなこ", "サトウハナコ"),
            ("ｻﾄｳ ﾊﾅｺ", "サトウ　ハナコ"),
            ("ｶﾞｯｺｳ", "がっこう"),
            ("ジョン‐スミス", "ジョンースミス"),
            ("Ｓｍｉｔｈ", "SMITH"),
            ("龍ケ崎", "竜ヶ崎"),
            ("𠮷田", "吉田"),
            ("廣澤 國男", "広沢国男"),
            ("濱﨑", "浜崎"),
            ("槇原", "槙原"),
            ("萬代", "万代"),
            ("穐山", "秋山"),
        ] {
            assert_eq!(search_key(one), search_key(other), "{one} and {other}");
        }
        assert_ne!(search_key("佐藤"), search_key("加藤"));
        assert_ne!(search_key("大阪"), search_key("大坂"));
    }

    #[test]
    fn readings_of_a_name_are_found_by_one_another() {
        for (one, other) in [
            ("サトウ ハナコ", "ｻﾄｳ ﾊﾅｺ"),
            ("さとう　はなこ", "サトウハナコ"),
            ("ｶﾞｸﾄﾞｳ", "がくどう"),
            ("キョウコ", "キヨウコ"),
            ("ジュンイチ", "ｼﾞﾕﾝｲﾁ"),
            ("ヰノウヱ ヲサム", "イノウエ オサム"),
            ("チヅル", "チズル"),
            ("いすゞ", "イスズ"),
            ("イソヽヾ", "イソソゾ"),
            ("オオノ", "オーノ"),
            ("オオノ", "オウノ"),
            ("ヴィクトル", "ビクトル"),
            ("ハットリ", "ハトリ"),
            ("サトウ", "Sato"),
            ("サトウ", "Satō"),
            ("サトウ", "SATOU"),
            ("サトウ", "Satoh"),
            ("オオノ", "Ohno"),
            ("オオヤ", "Ohya"),
            ("トウヤマ", "Tohyama"),
            ("ユウキ", "Yūki"),
            ("シンイチ", "Shin'ichi"),
            ("シンイチ", "sin-iti"),
            ("ナンバ", "Namba"),
            ("ホンマ", "Homma"),
            ("コンノ", "Konno"),
            ("フジワラ", "Huziwara"),
            ("フジワラ", "FUJIWARA"),
            ("ツツミ", "Tsutsumi"),
            ("チヂワ", "Chijiwa"),
            ("キョウ", "Kyo"),
            ("シャチョウ", "syatyou"),
            ("シャチョウ", "Shachō"),
            ("ジョウ", "Jyo"),
            ("マッチ", "Matchi"),
            ("マッチ", "Macchi"),
            ("ニイガタ", "Niigata"),
            ("エビス", "Yebisu"),
            ("ヒュウガ", "Hyuga"),
            ("カオル", "Kaworu"),
            ("ファン", "Fan"),
        ] {
            assert_eq!(sound_key(one), sound_key(other), "{one} and {other}");
        }
        for (one, other) in [
            ("サトウ", "カトウ"),
            ("ヒロシ", "ヒロキ"),
            ("コンノ", "コノ"),
            ("ハラ", "バラ"),
            ("アンナ", "アナ"),
        ] {
            assert_ne!(sound_key(one), sound_key(other), "{one} and {other}");
        }
    }

    #[test]
    fn a_person_is_found_by_every_name() {
        let names = Names {
            name: "東京 花子",
            kana: "トウキョウ ハナコ",
            former_name: "鈴木",
            former_kana: "スズキ",
            alias: "山本 花",
            alias_kana: "ヤマモト ハナ",
            romaji: "TOKYO HANAKO",
        };
        let written: Vec<_> = ["東京花子", "鈴木花子", "鈴木", "山本花"]
            .map(search_key)
            .into();
        assert_eq!(names.search_keys(), written);
        let sounds = names.sound_keys();
        for reading in [
            "とうきょうはなこ",
            "スズキ ハナコ",
            "すずき",
            "Hana Yamamoto",
            "Hanako Tokyo",
        ] {
            let found = sounds.contains(&sound_key(reading));
            assert_eq!(found, reading != "Hana Yamamoto", "{reading}");
        }
        let foreign = Names {
            name: "SMITH JOHN",
            kana: "スミス ジョン",
            ..Names::default()
        };
        for reading in ["すみす じょん", "Smith John"] {
            assert!(foreign.sound_keys().contains(&sound_key(reading)));
        }
        assert_eq!(Names::default().search_keys(), Vec::<String>::new());
        assert_eq!(format!("{names:?}"), "Names(..)");
    }

    #[test]
    fn every_variant_leads_to_a_plain_character_in_one_step() {
        let rows: Vec<Variant> =
            crate::tables::bundled(include_str!("../../../../data/kanji_variants.csv"));
        let variants: BTreeSet<char> = rows.iter().map(|row| row.variant).collect();
        assert_eq!(variants.len(), rows.len(), "each variant once");
        for row in rows {
            assert!(
                !variants.contains(&row.plain),
                "{} is plain and a variant",
                row.plain
            );
            assert_eq!(
                search_key(&row.variant.to_string()),
                search_key(&row.plain.to_string())
            );
            // What NFKC changes never gets as far as the table.
            let text = row.variant.to_string();
            assert_eq!(text.nfkc().collect::<String>(), text);
        }
    }

    proptest! {
        #[test]
        fn a_search_key_is_its_own_search_key(name in "\\PC{0,20}") {
            let key = search_key(&name);
            prop_assert_eq!(search_key(&key), key);
        }

        #[test]
        fn a_japanese_search_key_is_its_own(name in "[ぁ-ゖァ-ヺー一-龠ｦ-ﾟ\\u{F900}-\\u{FA6D}Ａ-ｚ　]{0,12}") {
            let key = search_key(&name);
            prop_assert_eq!(search_key(&key), key);
        }

        #[test]
        fn a_sound_key_is_its_own_sound_key(name in "\\PC{0,20}") {
            let key = sound_key(&name);
            prop_assert_eq!(sound_key(&key), key);
        }

        #[test]
        fn a_japanese_sound_key_is_its_own(name in "[ぁ-ゖァ-ヺーゝゞ一-龠ｦ-ﾟ '-]{0,12}") {
            let key = sound_key(&name);
            prop_assert_eq!(sound_key(&key), key);
        }

        #[test]
        fn a_sound_key_of_any_letters_is_its_own(name in "[a-zōū']{0,12}|[shctyzjfdwmnboui]{0,12}") {
            let key = sound_key(&name);
            prop_assert_eq!(sound_key(&key), key);
        }

        #[test]
        fn width_kind_and_blanks_of_kana_make_no_difference(kana in "[ア-モヤ-ヨラ-ロワヰヱヲン]{1,8}", at in 0..8_usize) {
            let hiragana: String = kana.chars().map(|one| char::from_u32(u32::from(one) - 0x60).unwrap()).collect();
            let place = kana.char_indices().nth(at).map_or(kana.len(), |(place, _)| place);
            let (family, given) = kana.split_at(place);
            prop_assert_eq!(sound_key(&hiragana), sound_key(&kana));
            prop_assert_eq!(sound_key(&format!("{family}\u{3000}{given}")), sound_key(&kana));
        }
    }
}
