//! The ledger's entries (予防接種台帳): the story of a record, and the chain for whoever checks it.

use domain::access::{CityPermit, OrganisationId, UserId};
use domain::calendar::Instant;
use domain::doses::{DoseId, InputWay};
use domain::ledger::{Act, Body, ENCODING, Entry, Head, Personal, Sha};
use domain::places::MunicipalityCode;
use uuid::Uuid;

use crate::db::{Db, Tx, sql};
use crate::error::{Error, Result};

/// Entries read at once when a whole chain is walked.
pub const WALK_PAGE: i64 = 1000;

#[derive(sqlx_macros::FromRow)]
pub(crate) struct EntryRow {
    municipality: String,
    seq: i64,
    id: Vec<u8>,
    dose_id: Vec<u8>,
    act: String,
    at_micros: i64,
    by_user: Vec<u8>,
    organisation: Vec<u8>,
    device: String,
    input: String,
    personal: Option<String>,
    salt: Option<Vec<u8>>,
    commitment: Vec<u8>,
    hash: Vec<u8>,
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "ledger",
        column,
    }
}

impl EntryRow {
    /// The entry, with the hash of the one before it, which is not kept twice.
    pub fn entry(self, prev: Sha) -> Result<Entry> {
        let uuid = |column, bytes: &[u8]| Uuid::from_slice(bytes).map_err(|_| bad(column));
        let sha = |column, bytes: &[u8]| Sha::from_bytes(bytes).ok_or_else(|| bad(column));
        let personal = match self.personal {
            Some(text) => Some(serde_json::from_str(&text).map_err(|_| bad("personal"))?),
            None => None,
        };
        Ok(Entry {
            body: Body {
                act: Act::parse(&self.act).ok_or_else(|| bad("act"))?,
                at_micros: self.at_micros,
                by: UserId(uuid("by_user", &self.by_user)?),
                commitment: sha("commitment", &self.commitment)?,
                device: self.device,
                dose: DoseId(uuid("dose_id", &self.dose_id)?),
                id: uuid("id", &self.id)?,
                input: InputWay::parse(&self.input).ok_or_else(|| bad("input"))?,
                municipality: MunicipalityCode::parse(&self.municipality)
                    .map_err(|_| bad("municipality"))?,
                organisation: OrganisationId(uuid("organisation", &self.organisation)?),
                prev,
                seq: self.seq,
                v: ENCODING,
            },
            hash: sha("hash", &self.hash)?,
            personal,
            salt: self.salt.map(hex::encode),
        })
    }
}

/// An act in the life of a record, told to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The entry's number.
    pub seq: i64,
    /// What was done.
    pub act: Act,
    /// When.
    pub at: Instant,
    /// Who: the account's name.
    pub by: String,
    /// Of which organisation.
    pub organisation: String,
    /// From which device.
    pub device: String,
    /// By which way.
    pub input: InputWay,
    /// The entry's hash.
    pub hash: Sha,
    /// What the record said afterwards, unless erased.
    pub personal: Option<Personal>,
}

#[derive(sqlx_macros::FromRow)]
struct ToldRow {
    seq: i64,
    act: String,
    at_micros: i64,
    by_name: Option<String>,
    organisation_name: Option<String>,
    device: String,
    input: String,
    hash: Vec<u8>,
    personal: Option<String>,
}

/// Every entry about a record of this city, oldest first.
///
/// # Errors
/// The database's.
pub async fn story(db: &Db, permit: &CityPermit, dose: DoseId) -> Result<Vec<Told>> {
    let rows: Vec<ToldRow> = db
        .query(sql!(
            "SELECT l.seq, l.act, l.at_micros, a.name AS by_name, o.name AS organisation_name, l.device,
                    l.input, l.hash, l.personal
             FROM ledger AS l
             LEFT JOIN account AS a ON a.id = l.by_user
             LEFT JOIN organisation AS o ON o.id = l.organisation
             WHERE l.municipality = $1 AND l.seq IN (
                 SELECT d.seq FROM dose AS d WHERE d.municipality = $1 AND d.dose_id = $2
                 UNION ALL
                 SELECT x.seq FROM ledger AS x
                 WHERE x.municipality = $1 AND x.dose_id = $2 AND x.act <> 'recorded')
             ORDER BY l.seq"
        ))
        .bind(permit.city().to_string())
        .bind(dose.0.as_bytes().to_vec())
        .all()
        .await?;
    rows.into_iter()
        .map(|row| {
            let personal = match row.personal {
                Some(text) => Some(serde_json::from_str(&text).map_err(|_| bad("personal"))?),
                None => None,
            };
            Ok(Told {
                seq: row.seq,
                act: Act::parse(&row.act).ok_or_else(|| bad("act"))?,
                at: Instant::from_micros(row.at_micros),
                by: row.by_name.unwrap_or_default(),
                organisation: row.organisation_name.unwrap_or_default(),
                device: row.device,
                input: InputWay::parse(&row.input).ok_or_else(|| bad("input"))?,
                hash: Sha::from_bytes(&row.hash).ok_or_else(|| bad("hash"))?,
                personal,
            })
        })
        .collect()
}

/// A walk along the chain of one city, in pages, from the first entry on.
pub struct Walk {
    city: MunicipalityCode,
    head: Head,
}

impl Walk {
    /// Before the first entry.
    #[must_use]
    pub fn of(permit: &CityPermit) -> Self {
        Self::start(permit.city())
    }

    /// After an entry that is known already; at the end if there is no such entry.
    ///
    /// # Errors
    /// The database's.
    pub async fn after(tx: &mut Tx, permit: &CityPermit, seq: i64) -> Result<Self> {
        let city = permit.city();
        let row: Option<(Vec<u8>,)> = tx
            .query(sql!(
                "SELECT hash FROM ledger WHERE municipality = $1 AND seq = $2"
            ))
            .bind(city.to_string())
            .bind(seq)
            .optional()
            .await?;
        match row {
            None if seq == 0 => Ok(Self::start(city)),
            None => Ok(Self {
                city,
                head: Head {
                    seq: i64::MAX,
                    hash: Sha::ZERO,
                },
            }),
            Some((hash,)) => {
                let hash = Sha::from_bytes(&hash).ok_or_else(|| bad("hash"))?;
                Ok(Self {
                    city,
                    head: Head { seq, hash },
                })
            }
        }
    }

    pub(crate) fn start(city: MunicipalityCode) -> Self {
        Self {
            city,
            head: Head::START,
        }
    }

    /// The next entries, as they are kept; empty at the end.
    ///
    /// # Errors
    /// The database's.
    pub async fn next(&mut self, tx: &mut Tx) -> Result<Vec<Entry>> {
        let rows: Vec<EntryRow> = tx
            .query(sql!(
                "SELECT * FROM ledger WHERE municipality = $1 AND seq > $2 ORDER BY seq LIMIT $3"
            ))
            .bind(self.city.to_string())
            .bind(self.head.seq)
            .bind(WALK_PAGE)
            .all()
            .await?;
        let mut entries = Vec::with_capacity(rows.len());
        for row in rows {
            let entry = row.entry(self.head.hash)?;
            self.head = Head {
                seq: entry.body.seq,
                hash: entry.hash,
            };
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// The cities that have a chain, and where each stands.
///
/// # Errors
/// The database's.
pub(crate) async fn heads(tx: &mut Tx) -> Result<Vec<(MunicipalityCode, Head)>> {
    let rows: Vec<(String, i64, Vec<u8>)> = tx
        .query(sql!(
            "SELECT municipality, seq, hash FROM chain ORDER BY municipality"
        ))
        .all()
        .await?;
    rows.into_iter()
        .map(|(city, seq, hash)| {
            let wrong = |column| Error::Inconsistent {
                table: "chain",
                column,
            };
            let city = MunicipalityCode::parse(&city).map_err(|_| wrong("municipality"))?;
            let hash = Sha::from_bytes(&hash).ok_or_else(|| wrong("hash"))?;
            Ok((city, Head { seq, hash }))
        })
        .collect()
}
