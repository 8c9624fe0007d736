//! How what follows from the ledgers is kept up with them: a projection reads each city's entries after
//! the place where it stopped, and writes what they mean together with the new places, in one
//! transaction that insists on the old ones. So each entry is taken exactly once, whoever runs it and
//! however often it is interrupted.

use domain::places::MunicipalityCode;

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

    /// The stretches as rows: city, from, up to.
    pub(crate) fn table(&self) -> Table {
        let stretches = || self.stretches.iter();
        Table::default()
            .text(stretches().map(|one| one.city.as_str()))
            .whole(stretches().map(|one| one.from))
            .whole(stretches().map(|one| one.upto))
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
    let rows: Vec<(String, i64, i64)> = tx
        .query(sql!(
            "SELECT c.municipality, COALESCE(p.seq, 0), c.seq
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
    let Some((last, _, _)) = rows.last() else {
        return Ok(None);
    };
    let last = last.clone();
    let cut_off = rows.iter().any(|(_, from, head)| head - from > ENTRIES_MAX);
    let stretches = rows
        .into_iter()
        .map(|(city, from, head)| {
            let city = MunicipalityCode::parse(&city).map_err(|_| Error::Inconsistent {
                table: "chain",
                column: "municipality",
            })?;
            let upto = head.min(from + ENTRIES_MAX);
            Ok(Stretch { city, from, upto })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Some(Behind {
        stretches,
        last,
        cut_off,
    }))
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
