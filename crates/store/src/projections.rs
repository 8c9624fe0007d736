//! How what follows from the ledgers is kept up with them: a projection reads each city's entries after
//! the place where it stopped, and writes what they mean together with the new places, in one
//! transaction that insists on the old ones. So each entry is taken exactly once, whoever runs it and
//! however often it is interrupted.

mod recent;

pub use recent::Recent;
pub(crate) use recent::Told;

use std::sync::Arc;

use domain::calendar::Instant;
use domain::doses::DoseId;
use domain::ledger::{Act, Personal, Sha};
use domain::places::MunicipalityCode;
use uuid::Uuid;

use crate::db::{TRIES_MAX, Table, Tx, sql};
use crate::error::{Error, Result};

/// Cities whose ledgers are read in one step.
const CITIES_MAX: i64 = 256;
/// Entries of one city read in one step, so that a step stays short for the writers beside it.
const ENTRIES_MAX: i64 = 2000;

/// A stretch of a city's ledger that is taken in one step.
pub(crate) struct Stretch {
    pub(crate) city: MunicipalityCode,
    /// Where the projection stands.
    pub(crate) from: i64,
    /// Where it will stand.
    pub(crate) upto: i64,
    /// The hash of the chain there, where the stretch ends with the ledger.
    head: Option<Sha>,
}

/// The stretches of one step.
pub(crate) struct Behind {
    pub(crate) stretches: Vec<Stretch>,
    /// The last of the cities, in the order of the codes.
    last: String,
    /// Whether a city has more than is taken in one step.
    cut_off: bool,
}

impl Behind {
    /// How many entries there are.
    pub(crate) fn entries(&self) -> i64 {
        let lengths = self.stretches.iter().map(|one| one.upto - one.from);
        lengths.sum()
    }

    /// The last of the cities, in the order of the codes.
    pub(crate) fn last(&self) -> &str {
        &self.last
    }

    /// Whether a city has more than is taken in one step.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.cut_off
    }

    /// What was done, once it is.
    pub(crate) fn step(self) -> Step {
        Step {
            entries: self.entries().unsigned_abs(),
            last: self.last,
            cut_off: self.cut_off,
        }
    }
}

/// What was taken in one step.
pub(crate) struct Step {
    entries: u64,
    last: String,
    cut_off: bool,
}

/// Takes what there is, city by city, and says how many entries that was; `step` takes what the cities
/// after one have, or says that there is nothing.
///
/// One round over the cities, whatever is recorded meanwhile: a round that went on while there is
/// something to take would not end in the rush hour, and every lone report would wait for one of its
/// steps.
pub(crate) async fn rounds<T>(step: impl Fn(String) -> T) -> Result<u64>
where
    T: Future<Output = Result<Option<Step>>>,
{
    let mut taken = 0;
    let mut tries = 0;
    let mut after = String::new();
    let mut another_round = false;
    loop {
        match step(after.clone()).await {
            Ok(Some(step)) => {
                taken += step.entries;
                another_round |= step.cut_off;
                after = step.last;
                tries = 0;
            }
            Ok(None) if another_round => {
                after = String::new();
                another_round = false;
            }
            Ok(None) => return Ok(taken),
            // Another server took these entries at the same time; its positions hold.
            Err(Error::Busy) if tries < TRIES_MAX => tries += 1,
            Err(error) => return Err(error),
        }
    }
}

/// What the next cities after this one have that the projection has not taken; none if there is nothing.
pub(crate) async fn behind(
    tx: &mut Tx,
    projection: &'static str,
    after: String,
) -> Result<Option<Behind>> {
    let rows: Vec<(String, i64, i64, Vec<u8>)> = tx
        .query(sql!(
            "SELECT c.municipality, COALESCE(p.seq, 0), c.seq, c.hash
             FROM chain AS c
             LEFT JOIN progress AS p ON p.projection = $1 AND p.municipality = c.municipality
             WHERE c.seq > COALESCE(p.seq, 0) AND c.municipality > $3
             ORDER BY c.municipality LIMIT $2"
        ))
        .bind(projection)
        .bind(CITIES_MAX)
        .bind(after)
        .all()
        .await?;
    let Some((last, ..)) = rows.last() else {
        return Ok(None);
    };
    let last = last.clone();
    let cut_off = rows
        .iter()
        .any(|(_, from, head, _)| head - from > ENTRIES_MAX);
    let stretches = rows
        .into_iter()
        .map(|(city, from, seq, hash)| {
            let bad = |column| Error::Inconsistent {
                table: "chain",
                column,
            };
            let city = MunicipalityCode::parse(&city).map_err(|_| bad("municipality"))?;
            let hash = Sha::from_bytes(&hash).ok_or_else(|| bad("hash"))?;
            let upto = seq.min(from + ENTRIES_MAX);
            Ok(Stretch {
                city,
                from,
                upto,
                head: (upto == seq).then_some(hash),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Some(Behind {
        stretches,
        last,
        cut_off,
    }))
}

#[derive(sqlx_macros::FromRow)]
struct Row {
    municipality: String,
    seq: i64,
    dose_id: Vec<u8>,
    act: String,
    at_micros: i64,
    personal: Option<String>,
}

impl TryFrom<Row> for Told {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let bad = |column| Error::Inconsistent {
            table: "ledger",
            column,
        };
        let personal: Option<Personal> = row
            .personal
            .map(|text| serde_json::from_str(&text).map_err(|_| bad("personal")))
            .transpose()?;
        Ok(Self {
            city: MunicipalityCode::parse(&row.municipality).map_err(|_| bad("municipality"))?,
            seq: row.seq,
            dose: DoseId(Uuid::from_slice(&row.dose_id).map_err(|_| bad("dose_id"))?),
            act: Act::parse(&row.act).ok_or_else(|| bad("act"))?,
            at: Instant::from_micros(row.at_micros),
            personal: personal.map(Arc::new),
        })
    }
}

/// The entries of the stretches, city by city in their order: those that this server has just committed
/// from its memory, the others from the ledgers.
pub(crate) async fn entries(tx: &mut Tx, behind: &Behind, recent: &Recent) -> Result<Vec<Told>> {
    let mut told = Vec::new();
    let mut unread = Vec::new();
    for stretch in &behind.stretches {
        match recent.of(stretch) {
            Some(entries) => told.extend(entries),
            None => unread.push(stretch),
        }
    }
    if !unread.is_empty() {
        let stretches = Table::default()
            .text(unread.iter().map(|one| one.city.as_str()))
            .whole(unread.iter().map(|one| one.from))
            .whole(unread.iter().map(|one| one.upto));
        let rows: Vec<Row> = tx
            .many(
                sql!(
                    "WITH k (municipality, start, upto) AS ({rows: text, bigint, bigint})
                     SELECT l.municipality, l.seq, l.dose_id, l.act, l.at_micros, l.personal
                     FROM k CROSS JOIN ledger AS l
                     WHERE l.municipality = k.municipality AND l.seq > k.start AND l.seq <= k.upto"
                ),
                stretches,
            )
            .all()
            .await?;
        for row in rows {
            told.push(Told::try_from(row)?);
        }
    }
    if i64::try_from(told.len()).ok() != Some(behind.entries()) {
        return Err(Error::Inconsistent {
            table: "ledger",
            column: "seq",
        });
    }
    told.sort_by_key(|entry| (entry.city, entry.seq));
    Ok(told)
}

/// Moves the positions from where they were read; if one is elsewhere by now, nothing is done.
pub(crate) async fn advance(
    tx: &mut Tx,
    projection: &'static str,
    stretches: &[Stretch],
) -> Result<()> {
    let named = || {
        Table::default()
            .text(stretches.iter().map(|_| projection))
            .text(stretches.iter().map(|one| one.city.as_str()))
    };
    let zeros = named().whole(stretches.iter().map(|_| 0));
    tx.many(
        sql!(
            "INSERT INTO progress (projection, municipality, seq) {rows: text, text, bigint}
             ON CONFLICT (projection, municipality) DO NOTHING"
        ),
        zeros,
    )
    .run()
    .await?;
    let moves = named()
        .whole(stretches.iter().map(|one| one.from))
        .whole(stretches.iter().map(|one| one.upto));
    let moved = tx
        .many(
            sql!(
                "WITH k (projection, municipality, start, upto) AS ({rows: text, text, bigint, bigint})
                 UPDATE progress SET seq = k.upto FROM k
                 WHERE progress.projection = k.projection AND progress.municipality = k.municipality
                   AND progress.seq = k.start"
            ),
            moves,
        )
        .run()
        .await?;
    if moved == stretches.len() as u64 {
        Ok(())
    } else {
        Err(Error::Busy)
    }
}
