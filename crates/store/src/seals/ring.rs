//! The master keys: named, newest first, written one a line. They are never in the database.

use std::fmt::{self, Write as _};

use domain::calendar::Day;
use thiserror::Error;
use zeroize::Zeroizing;

use super::cipher::{KEY_BYTES, Key, Random};

/// Keys in one ring at most: a key a year for a working life. More is a file of another kind.
const KEYS_MAX: usize = 64;
/// Bytes of a fingerprint in a name: enough to tell a key from every other and to see a slip of the pen.
const FINGERPRINT_BYTES: usize = 4;
/// What the file says of itself.
const HEAD: &str = "\
# Sesshu: 個人番号の鍵 / the keys of the Individual Numbers. docs/keys.ja.md, docs/keys.md
# 1行に1つ、上が新しい鍵です。データベースの控えとは別の場所に、必ず控えを置いてください。
# One key a line, the newest on top. Keep a copy, and keep it away from the database's.
";

/// The name of a master key: the day it was made and a fingerprint, `20261126-a1b2c3d4`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn stored(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A master key (KEK): it wraps the cities' data keys and is used for nothing else.
pub struct MasterKey {
    id: KeyId,
    secret: Key,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

impl MasterKey {
    /// Makes a new one.
    #[must_use]
    pub fn make(today: Day, random: &(dyn Fn() -> [u8; 16] + Send + Sync)) -> Self {
        let secret = Key::random(random);
        let day = today.to_string().replace('-', "");
        let id = KeyId(format!("{day}-{}", fingerprint(&secret)));
        Self { id, secret }
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// Wraps another key.
    pub(super) fn wrap(&self, random: Random<'_>, around: &[u8], key: &Key) -> Vec<u8> {
        self.wrapping().seal(random, around, key.bytes())
    }

    /// The key that was wrapped.
    pub(super) fn unwrap(&self, around: &[u8], wrapped: &[u8]) -> Option<Key> {
        Key::of(&self.wrapping().open(around, wrapped)?)
    }

    fn wrapping(&self) -> Key {
        self.secret.derived(b"sesshu/master/wrap/1")
    }
}

/// The name is told in files and answers, so the fingerprint comes by a way that does not lead back.
fn fingerprint(secret: &Key) -> String {
    let mut bytes = [0; FINGERPRINT_BYTES];
    secret.expand(b"sesshu/master/name/1", &mut bytes);
    hex::encode(bytes)
}

/// Why a text is no ring of keys. Never says what stands there.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RingRefusal {
    /// There is no key in it.
    #[error(
        "鍵がありません。sesshu keys new で作ってください。/ There is no key in it; make one by `sesshu keys new`."
    )]
    Empty,
    /// More keys than a ring holds.
    #[error(
        "鍵が多すぎます（64個まで）。使わない鍵を除いてください。/ There are more than 64 keys; take out those that are not used."
    )]
    TooMany,
    /// A line is not a name and a key.
    #[error(
        "{line}行目が鍵の形（名前、空白、64桁の16進数）ではありません。控えから写し直してください。/ Line {line} is not a key (name, blank, 64 hexadecimal digits); copy it again."
    )]
    NotAKey {
        /// Which line, from 1.
        line: usize,
    },
    /// The key is not the one that its name was given to.
    #[error(
        "{line}行目の鍵が名前と合いません。写し間違いです。控えから写し直してください。/ The key on line {line} does not fit its name: it was copied wrongly; copy it again."
    )]
    Misspelt {
        /// Which line, from 1.
        line: usize,
    },
    /// The same key stands there twice.
    #[error(
        "{line}行目の鍵は、前にもあります。1行を除いてください。/ The key on line {line} stands there already; take one of the two out."
    )]
    Twice {
        /// Which line, from 1.
        line: usize,
    },
}

/// The master keys that an office has.
///
/// Invariant: there is at least one, and no two have the same name. The first seals, all open.
#[derive(Debug)]
pub struct KeyRing {
    newest: MasterKey,
    older: Vec<MasterKey>,
}

impl KeyRing {
    /// A ring of one.
    #[must_use]
    pub fn new(key: MasterKey) -> Self {
        Self {
            newest: key,
            older: Vec::new(),
        }
    }

    /// Reads a file of keys: a line for each, name and 64 hexadecimal digits, the newest first.
    /// Lines that begin with `#` are for people. A semicolon ends a line too, for an environment
    /// variable has only one.
    ///
    /// # Errors
    /// What is wrong, by line.
    pub fn parse(text: &str) -> Result<Self, RingRefusal> {
        let mut keys: Vec<MasterKey> = Vec::new();
        for (index, line) in text.split(['\n', ';']).enumerate() {
            let line_no = index + 1;
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = key_of(line, line_no)?;
            if keys.iter().any(|known| known.id == key.id) {
                return Err(RingRefusal::Twice { line: line_no });
            }
            keys.push(key);
            if keys.len() > KEYS_MAX {
                return Err(RingRefusal::TooMany);
            }
        }
        let mut keys = keys.into_iter();
        let newest = keys.next().ok_or(RingRefusal::Empty)?;
        Ok(Self {
            newest,
            older: keys.collect(),
        })
    }

    /// The ring as a file.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        // All of it at once: a text that grew would leave its shorter self in memory.
        const LINE_BYTES_MAX: usize = 128;
        let bytes = HEAD.len() + LINE_BYTES_MAX * (1 + self.older.len());
        let mut text = Zeroizing::new(String::with_capacity(bytes));
        text.push_str(HEAD);
        for key in self.keys() {
            text.push_str(key.id.as_str());
            text.push(' ');
            for byte in key.secret.bytes() {
                // Writing into a String does not fail.
                let _ = write!(text, "{byte:02x}");
            }
            text.push('\n');
        }
        text
    }

    /// Puts a key in front: from now on it seals.
    #[must_use]
    pub fn with(self, key: MasterKey) -> Self {
        let mut older = vec![self.newest];
        older.extend(self.older);
        Self { newest: key, older }
    }

    /// The keys' names, the newest first.
    pub fn ids(&self) -> impl Iterator<Item = &KeyId> {
        self.keys().map(MasterKey::id)
    }

    /// The key that seals.
    #[must_use]
    pub fn newest(&self) -> &MasterKey {
        &self.newest
    }

    /// The key of that name.
    #[must_use]
    pub fn key(&self, id: &KeyId) -> Option<&MasterKey> {
        self.keys().find(|key| key.id == *id)
    }

    fn keys(&self) -> impl Iterator<Item = &MasterKey> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}

fn key_of(text: &str, line: usize) -> Result<MasterKey, RingRefusal> {
    let not_a_key = RingRefusal::NotAKey { line };
    let (id, digits) = text
        .split_once(char::is_whitespace)
        .ok_or(not_a_key.clone())?;
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    hex::decode_to_slice(digits.trim(), &mut *bytes).map_err(|_| not_a_key.clone())?;
    let secret = Key::of(&*bytes).ok_or(not_a_key.clone())?;
    let (day, print) = id.split_once('-').ok_or(not_a_key.clone())?;
    if day.len() != 8 || !day.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(not_a_key);
    }
    if print != fingerprint(&secret) {
        return Err(RingRefusal::Misspelt { line });
    }
    Ok(MasterKey {
        id: KeyId(id.to_owned()),
        secret,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> MasterKey {
        let today = Day::parse("2026-11-26").unwrap();
        MasterKey::make(today, &move || [seed; 16])
    }

    #[test]
    fn a_ring_that_is_written_is_read_back() {
        let ring = KeyRing::new(key(1)).with(key(2));
        let read = KeyRing::parse(&ring.text()).unwrap();
        let ids = |ring: &KeyRing| ring.ids().cloned().collect::<Vec<_>>();
        assert_eq!(ids(&read), ids(&ring));
        assert_eq!(read.newest().id(), key(2).id());
        assert_eq!(read.newest().secret.bytes(), key(2).secret.bytes());
        assert_eq!(read.key(key(1).id()).unwrap().secret.bytes(), &[1; 32]);
        assert!(read.key(key(3).id()).is_none());
        let flat = ring.text().replace('\n', ";");
        let flat = flat.split(';').filter(|line| !line.starts_with('#'));
        let flat = KeyRing::parse(&flat.collect::<Vec<_>>().join(";")).unwrap();
        assert_eq!(ids(&flat), ids(&ring));
    }

    #[test]
    fn what_is_no_ring_is_refused_by_line() {
        let one = format!("{} {}", key(1).id(), "01".repeat(32));
        assert!(KeyRing::parse(&one).is_ok());
        let refused = |text: &str| KeyRing::parse(text).unwrap_err();
        assert_eq!(refused("# nothing\n\n"), RingRefusal::Empty);
        let short = one.trim_end_matches('1');
        assert_eq!(refused(short), RingRefusal::NotAKey { line: 1 });
        let nameless = format!("# a key\nkey {}", "01".repeat(32));
        assert_eq!(refused(&nameless), RingRefusal::NotAKey { line: 2 });
        let slip = one.replace("0101", "0110");
        assert_eq!(refused(&slip), RingRefusal::Misspelt { line: 1 });
        let twice = format!("{one}\n{one}");
        assert_eq!(refused(&twice), RingRefusal::Twice { line: 2 });
        let many: Vec<String> = (0..=64)
            .map(|seed| format!("{} {}", key(seed).id(), hex::encode([seed; 32])))
            .collect();
        assert_eq!(refused(&many.join("\n")), RingRefusal::TooMany);
    }

    #[test]
    fn debug_and_refusals_hide_the_key() {
        let ring = KeyRing::new(key(0xab));
        let shown = format!("{ring:?} {:?}", ring.newest());
        assert!(!shown.contains("abab"), "{shown}");
        let text = ring.text().replace("abab", "abba");
        let told = KeyRing::parse(&text).unwrap_err().to_string();
        assert!(!told.contains("abba"), "{told}");
    }
}
