//! The vaccination ledger (予防接種台帳): entries that are only ever added, each hashed with the one before.
//!
//! # The chain, for an outsider who recomputes it
//! Canonical JSON here is RFC 8785 (JCS) restricted to objects, arrays, strings and integers:
//! keys in alphabetical order, no white space, UTF-8.
//!
//! - `commitment = SHA-256(salt ‖ canonical JSON of "personal")`, `salt` being 16 random bytes.
//! - `hash = SHA-256(canonical JSON of "body")`; the body holds the commitment and, as `prev`, the
//!   hash of the entry before it in the same city (64 zeros for the first).
//!
//! The chain hashes the commitment and not the personal part, so that the personal part and its
//! salt can be erased after the retention period and the chain still verifies.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::access::{OrganisationId, UserId};
use crate::calendar::Instant;
use crate::doses::{DoseId, Facts, InputWay, Standing};
use crate::findings::Finding;
use crate::places::MunicipalityCode;
use crate::statistics::Effect;

/// Version of the encoding; a new one gets a new number and both stay verifiable.
pub const ENCODING: u8 = 1;

/// A SHA-256 value, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha([u8; 32]);

impl Sha {
    /// What stands before the first entry of a chain.
    pub const ZERO: Self = Self([0; 32]);

    /// The hash of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// From 32 bytes out of a table.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Display for Sha {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::fmt::Debug for Sha {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sha({self})")
    }
}

impl Serialize for Sha {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = hex::decode(&text).map_err(serde::de::Error::custom)?;
        Self::from_bytes(&bytes).ok_or_else(|| serde::de::Error::custom("not 32 bytes"))
    }
}

/// What an entry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// A dose (or an interview) is recorded.
    Recorded,
    /// A record says something else from now on.
    Corrected,
    /// A record is taken back (取消).
    Voided,
    /// The city confirms a record (確定).
    Confirmed,
    /// The city opens a confirmed record again.
    Reopened,
    /// The person behind the coupon arrived or changed, and the record was judged again.
    Matched,
    /// An id that was used came again with other content; this entry keeps that content.
    Contested,
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 7] = [
        Self::Recorded,
        Self::Corrected,
        Self::Voided,
        Self::Confirmed,
        Self::Reopened,
        Self::Matched,
        Self::Contested,
    ];

    /// The word in files, tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Corrected => "corrected",
            Self::Voided => "voided",
            Self::Confirmed => "confirmed",
            Self::Reopened => "reopened",
            Self::Matched => "matched",
            Self::Contested => "contested",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == text)
    }
}

/// Who did it, when, from where and how: the audit part of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// When the server took it.
    pub at: Instant,
    /// The account.
    pub by: UserId,
    /// The device's own name, ≤ [`crate::doses::DEVICE_LENGTH_MAX`].
    pub device: String,
    /// By which way it came in.
    pub input: InputWay,
    /// The account's organisation.
    pub organisation: OrganisationId,
}

/// The part of an entry that is about a person: erasable, hashed only through the commitment.
///
/// Fields stand in alphabetical order: the derived JSON is the canonical one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Personal {
    /// What the entry changes in the statistics.
    pub effects: Vec<Effect>,
    /// What the record says after the entry.
    pub facts: Facts,
    /// What was found when the entry was made.
    pub findings: Vec<Finding>,
    /// Why, in the words of the person who corrected, voided or reopened.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Of a contested entry: the hash of what was said, by which a resend is recognised.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub said: Option<Sha>,
    /// How the record stood right after the entry.
    pub standing: Standing,
}

impl std::fmt::Debug for Personal {
    /// Nothing that identifies a person reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Personal(..)")
    }
}

impl Personal {
    /// The canonical JSON that the commitment covers.
    #[must_use]
    pub fn canonical(&self) -> String {
        canonical(self)
    }
}

/// The part of an entry that stays for ever and is hashed.
///
/// Fields stand in alphabetical order: the derived JSON is the canonical one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// What it does.
    pub act: Act,
    /// When, in microseconds since 1970 (UTC).
    pub at_micros: i64,
    /// Who.
    pub by: UserId,
    /// The commitment to the personal part.
    pub commitment: Sha,
    /// From which device.
    pub device: String,
    /// Which record.
    pub dose: DoseId,
    /// The id of the act itself, made by the sender; a record's own id is its first act's.
    pub id: Uuid,
    /// By which way.
    pub input: InputWay,
    /// Whose ledger.
    pub municipality: MunicipalityCode,
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// The hash of the entry before.
    pub prev: Sha,
    /// 1, 2, 3 … in each city, without gaps.
    pub seq: i64,
    /// [`ENCODING`].
    pub v: u8,
}

impl Body {
    /// The entry's hash.
    #[must_use]
    pub fn hash(&self) -> Sha {
        Sha::of(canonical(self).as_bytes())
    }
}

/// An entry as it is kept and exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What is hashed.
    pub body: Body,
    /// SHA-256 of the body.
    pub hash: Sha,
    /// The personal part, until it is erased.
    pub personal: Option<Personal>,
    /// The salt of the commitment (hexadecimal), erased together with the personal part.
    pub salt: Option<String>,
}

/// Where a chain stands: the last number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last entry's number; 0 before the first.
    pub seq: i64,
    /// The last entry's hash.
    pub hash: Sha,
}

impl Head {
    /// Before the first entry.
    pub const START: Self = Self {
        seq: 0,
        hash: Sha::ZERO,
    };
}

/// What a new entry is about, before it has a place in a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What it does.
    pub act: Act,
    /// The act's own id.
    pub id: Uuid,
    /// The record it is about.
    pub dose: DoseId,
    /// Who, when, whence, how.
    pub stamp: Stamp,
    /// The personal part.
    pub personal: Personal,
}

/// Adds an entry to a chain: the next number, bound to the hash of the last.
///
/// `salt` is 16 bytes of randomness from outside.
#[must_use]
pub fn append(head: &Head, municipality: MunicipalityCode, draft: Draft, salt: [u8; 16]) -> Entry {
    let Draft {
        act,
        id,
        dose,
        stamp,
        personal,
    } = draft;
    let body = Body {
        act,
        at_micros: stamp.at.micros(),
        by: stamp.by,
        commitment: commitment(&salt, &personal.canonical()),
        device: stamp.device,
        dose,
        id,
        input: stamp.input,
        municipality,
        organisation: stamp.organisation,
        prev: head.hash,
        seq: head.seq + 1,
        v: ENCODING,
    };
    let hash = body.hash();
    Entry {
        body,
        hash,
        personal: Some(personal),
        salt: Some(hex::encode(salt)),
    }
}

/// What is wrong with a chain at an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Break {
    /// A number is missing or twice.
    #[error("the sequence number is not the one after the last")]
    Sequence,
    /// `prev` is not the hash of the entry before.
    #[error("the entry does not name the hash of the one before it")]
    Previous,
    /// The body's hash is not the one kept with it.
    #[error("the body was changed after it was hashed")]
    Hash,
    /// The personal part does not match the commitment.
    #[error("the personal part was changed after it was committed to")]
    Commitment,
}

/// Checks that `entry` follows `head`, and gives the new head.
///
/// # Errors
/// The first thing that does not hold.
pub fn follow(head: &Head, entry: &Entry) -> Result<Head, Break> {
    if entry.body.seq != head.seq + 1 {
        return Err(Break::Sequence);
    }
    if entry.body.prev != head.hash {
        return Err(Break::Previous);
    }
    if entry.body.hash() != entry.hash {
        return Err(Break::Hash);
    }
    if let Some(personal) = &entry.personal {
        let salt = entry
            .salt
            .as_deref()
            .and_then(|text| hex::decode(text).ok());
        let kept = salt.map(|salt| commitment(&salt, &personal.canonical()));
        if kept != Some(entry.body.commitment) {
            return Err(Break::Commitment);
        }
    }
    Ok(Head {
        seq: entry.body.seq,
        hash: entry.hash,
    })
}

/// The hash by which two acts with the same id are told apart: what the sender said, not how it came.
#[must_use]
pub fn content(act: Act, dose: DoseId, facts: Option<&Facts>, reason: Option<&str>) -> Sha {
    #[derive(Serialize)]
    struct Content<'a> {
        act: Act,
        dose: DoseId,
        facts: Option<&'a Facts>,
        reason: Option<&'a str>,
    }
    Sha::of(
        canonical(&Content {
            act,
            dose,
            facts,
            reason,
        })
        .as_bytes(),
    )
}

fn commitment(salt: &[u8], personal: &str) -> Sha {
    let mut hasher = Sha256::new();
    hasher.update(salt);
    hasher.update(personal.as_bytes());
    Sha(hasher.finalize().into())
}

#[expect(
    clippy::expect_used,
    reason = "plain structures of strings, integers and lists always have a JSON form"
)]
fn canonical<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("a plain structure has a JSON form")
}
