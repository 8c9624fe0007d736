//! The work on files, in stretches: looked through, applied, undone, by whoever has the lease.

use std::collections::BTreeSet;

use domain::calendar::Instant;
use uuid::Uuid;

use super::counts::{Done, Found};
use super::desks::Right;
use super::intake::drop_pieces;
use super::remarks::{Refusal, Remark};
use super::{
    COLUMNS, Desk, Import, ImportRow, Kind, State, amendments, forget, records, remarks as said,
    residents, step, venues,
};
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::leases::{LEASE_MICROS, Taking};
use crate::recorder::{Recorder, json};
use crate::seals::Seals;

/// Ends the work in hand: the import goes to its next stage, if this server still has it in hand.
async fn finish(tx: &mut Tx, hand: &InHand, to: State) -> Result<()> {
    let still: Option<(i64,)> = tx
        .query(sql!(
            "SELECT bytes FROM import WHERE desk = $1 AND id = $2 AND worker = $3"
        ))
        .bind(hand.import.desk.key())
        .bind(hand.import.id.as_bytes().to_vec())
        .bind(hand.worker.as_bytes().to_vec())
        .optional()
        .await?;
    let (desk, id) = (hand.import.desk, hand.import.id);
    if still.is_some() && step(tx, desk, id, hand.import.state, to).await? {
        Ok(())
    } else {
        Err(Error::Busy)
    }
}

/// An import that a server has taken in hand.
#[derive(Clone, Debug)]
pub struct InHand {
    /// The import as it stood.
    pub import: Import,
    /// Who has it in hand.
    pub worker: Uuid,
    /// Of venues: what earlier lines named, while it is looked through.
    pub(super) named: venues::Named,
}

const TAKING: Taking = Taking {
    next: sql!(
        "SELECT desk, id FROM import
         WHERE state IN ('checking', 'applying', 'undoing') AND leased_until < $1
         ORDER BY leased_until, id LIMIT 1"
    ),
    lease: sql!("UPDATE import SET worker = $3, leased_until = $4 WHERE desk = $1 AND id = $2"),
    one: COLUMNS,
    micros: LEASE_MICROS,
};

/// Takes the next import in hand that has work and that nobody has; `worker` is this server's id.
///
/// # Errors
/// The database's.
pub async fn take_in_hand(db: &Db, worker: Uuid, now: Instant) -> Result<Option<InHand>> {
    let row: Option<ImportRow> = TAKING.take(db, worker, now).await?;
    row.map(|row| {
        let import = Import::try_from(row)?;
        Ok(InHand {
            import,
            worker,
            named: venues::Named::default(),
        })
    })
    .transpose()
}

/// How far the work is after a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The last line of the stretch.
    pub line: u64,
    /// Bytes of the file up to its end.
    pub bytes: u64,
}

/// Says how far the work is and renews the lease.
///
/// # Errors
/// [`Error::Busy`] if somebody else has the import in hand by now, or it is at another stage.
pub(super) async fn advance(
    tx: &mut Tx,
    hand: &InHand,
    place: Place,
    found: Found,
    done: Done,
    now: Instant,
) -> Result<()> {
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let moved = tx
        .query(sql!(
            "UPDATE import SET lines = $5, read_bytes = $6, found = $7, done = $8, leased_until = $9
             WHERE desk = $1 AND id = $2 AND state = $3 AND worker = $4"
        ))
        .bind(hand.import.desk.key())
        .bind(hand.import.id.as_bytes().to_vec())
        .bind(hand.import.state.as_str().to_owned())
        .bind(hand.worker.as_bytes().to_vec())
        .bind(whole(place.line))
        .bind(whole(place.bytes))
        .bind(json(&found))
        .bind(json(&done))
        .bind(now.micros().saturating_add(LEASE_MICROS))
        .run()
        .await?;
    if moved == 1 { Ok(()) } else { Err(Error::Busy) }
}

/// Looking through starts from the first line, also after a restart: what it found so far is forgotten.
///
/// # Errors
/// The database's.
pub async fn start_checking(db: &Db, hand: &mut InHand) -> Result<()> {
    hand.import.found = Found::default();
    hand.named = venues::Named::default();
    transact!(db, |tx| {
        tx.query(sql!(
            "DELETE FROM import_remark WHERE desk = $1 AND import = $2"
        ))
        .bind(hand.import.desk.key())
        .bind(hand.import.id.as_bytes().to_vec())
        .run()
        .await?;
        forget(&mut tx, hand.import.desk, hand.import.id).await?;
    })
}

/// The good lines of a stretch, of the kind that the import is of.
#[derive(Clone, Debug)]
pub enum Rows {
    /// People of the register.
    Residents(Vec<residents::Line>),
    /// Doses and interviews typed from paper.
    Records(Vec<records::Line>),
    /// Venues of the area.
    Venues(Vec<venues::Line>),
}

impl Rows {
    pub(super) fn lines(&self) -> u64 {
        match self {
            Self::Residents(lines) => lines.len() as u64,
            Self::Records(lines) => lines.len() as u64,
            Self::Venues(lines) => lines.len() as u64,
        }
    }
}

/// Looks a stretch through: holds its good lines against what the city has, and keeps what was
/// found and what is to be said. `rejected` counts the lines that are no good.
///
/// # Errors
/// [`Error::Busy`] if somebody else has the import in hand by now, or the database's.
pub async fn check(
    db: &Db,
    hand: &mut InHand,
    rows: &Rows,
    mut remarks: Vec<Remark>,
    rejected: u64,
    place: Place,
    now: Instant,
) -> Result<()> {
    let desk = hand.import.desk;
    let kept: BTreeSet<u64> = remarks
        .iter()
        .filter(|one| one.kept)
        .map(|one| one.line)
        .collect();
    let (mut acts, mut seen) = (Vec::new(), None);
    let mut found = match rows {
        Rows::Residents(lines) => residents::look(db, desk.city()?, lines, &mut remarks).await?,
        Rows::Records(lines) => {
            let (found, meant) = records::look(db, desk.city()?, lines, &mut remarks).await?;
            acts = meant;
            found
        }
        Rows::Venues(lines) => {
            let (found, as_seen) = venues::look(db, hand, lines, &mut remarks).await?;
            seen = Some(as_seen);
            found
        }
    };
    found.lines += rejected + rows.lines();
    found.rejected += rejected;
    // What is wrong with a line besides is no matter of a line that is taken.
    let left_out: BTreeSet<u64> = remarks
        .iter()
        .filter(|one| !one.kept)
        .map(|one| one.line)
        .collect();
    for one in &mut remarks {
        one.kept = one.kept && !left_out.contains(&one.line);
    }
    found.suspicious += kept.difference(&left_out).count() as u64;
    hand.import.found.add(found);
    let found = hand.import.found;
    let key = stretch_key(hand, place);
    transact!(db, |tx| {
        said::put(&mut tx, desk, key, remarks.clone()).await?;
        if let Desk::People(city) = desk {
            amendments::keep(&mut tx, city, hand.import.id, &acts).await?;
        }
        if let Some(seen) = &seen {
            venues::keep_seen(&mut tx, desk, key, seen).await?;
        }
        advance(&mut tx, hand, place, found, Done::default(), now).await?
    })
}

/// Applies a stretch, and says how far the work is. A stretch that was applied before it could be
/// said so is not applied twice. `id` makes the ids of entries that judge records again.
///
/// # Errors
/// [`Error::Busy`] if somebody else has the import in hand by now, or the database's.
#[expect(
    clippy::too_many_arguments,
    reason = "the outside world, the right, the work and the place are four different things"
)]
pub async fn apply(
    db: &Db,
    recorder: &Recorder,
    seals: Option<&Seals>,
    permit: impl Into<Right>,
    hand: &mut InHand,
    rows: &Rows,
    place: Place,
    now: Instant,
    id: &(dyn Fn() -> Uuid + Send + Sync),
) -> Result<()> {
    let right = permit.into();
    right.for_desk(hand.import.desk)?;
    let Applied { done, is_told } = match rows {
        Rows::Residents(people) => {
            let here = (place, now);
            residents::apply(
                db,
                (recorder, seals),
                right.of_people()?,
                hand,
                people,
                here,
                id,
            )
            .await?
        }
        Rows::Records(doses) => Applied {
            done: records::apply(db, recorder, right.of_people()?, hand, doses, place).await?,
            is_told: false,
        },
        Rows::Venues(lines) => {
            venues::apply(db, right.of_venues()?, hand, lines, (place, now), id).await?
        }
    };
    hand.import.done.add(done);
    if is_told {
        return Ok(());
    }
    let (found, done) = (hand.import.found, hand.import.done);
    transact!(db, |tx| advance(&mut tx, hand, place, found, done, now)
        .await?)
}

/// What applying a stretch came to.
pub(super) struct Applied {
    pub(super) done: Done,
    /// Whether it was said with it how far the work is.
    pub(super) is_told: bool,
}

/// By what a stretch is found again: the import, and the stretch's last line.
pub(super) fn stretch_key(hand: &InHand, place: Place) -> (Uuid, i64) {
    (
        hand.import.id,
        i64::try_from(place.line).unwrap_or(i64::MAX),
    )
}

/// The whole file was looked through: somebody may approve it.
///
/// # Errors
/// [`Error::Busy`] if somebody else has the import in hand by now, or the database's.
pub async fn checked(db: &Db, hand: &InHand) -> Result<()> {
    transact!(db, |tx| {
        finish(&mut tx, hand, State::Ready).await?;
        if let Desk::Venues(area) = hand.import.desk {
            venues::count_absent(&mut tx, hand, area).await?;
        }
    })
}

/// As a whole the file is no good; it is thrown away, and why stays.
///
/// # Errors
/// [`Error::Busy`] if somebody else has the import in hand by now, or the database's.
pub async fn refuse(db: &Db, hand: &InHand, refusal: &Refusal) -> Result<()> {
    let (desk, id) = (hand.import.desk, hand.import.id);
    transact!(db, |tx| {
        finish(&mut tx, hand, State::Refused).await?;
        tx.query(sql!(
            "UPDATE import SET refusal = $3 WHERE desk = $1 AND id = $2"
        ))
        .bind(desk.key())
        .bind(id.as_bytes().to_vec())
        .bind(json(refusal))
        .expect(1)
        .await?;
        drop_pieces(&mut tx, desk, id).await?;
    })
}

/// The whole file is applied; its pieces are no longer needed.
///
/// # Errors
/// [`Error::Busy`] if somebody else has the import in hand by now, or the database's.
pub async fn applied(db: &Db, hand: &InHand) -> Result<()> {
    transact!(db, |tx| {
        finish(&mut tx, hand, State::Done).await?;
        drop_pieces(&mut tx, hand.import.desk, hand.import.id).await?;
    })
}

/// Undoes the last stretch that is still applied; false when there was none, and all is undone.
///
/// # Errors
/// [`Error::Busy`] if somebody else has the import in hand by now, or the database's.
pub async fn undo_stretch(
    db: &Db,
    recorder: &Recorder,
    permit: impl Into<Right>,
    hand: &mut InHand,
    now: Instant,
    id: &(dyn Fn() -> Uuid + Send + Sync),
) -> Result<bool> {
    let right = permit.into();
    let (desk, import) = (hand.import.desk, hand.import.id);
    right.for_desk(desk)?;
    let last: Option<(i64,)> = db
        .query(sql!(
            "SELECT upto_line FROM import_stretch WHERE desk = $1 AND import = $2
             ORDER BY upto_line DESC LIMIT 1"
        ))
        .bind(desk.key())
        .bind(import.as_bytes().to_vec())
        .optional()
        .await?;
    let Some((upto_line,)) = last else {
        transact!(db, |tx| finish(&mut tx, hand, State::Undone).await?)?;
        return Ok(false);
    };
    let done = match hand.import.kind {
        Kind::Residents => {
            let permit = right.of_people()?;
            residents::undo(db, recorder, permit, hand, upto_line, now, id).await?
        }
        Kind::Records => records::undo(db, recorder, right.of_people()?, hand, upto_line).await?,
        Kind::Venues => venues::undo(db, right.of_venues()?, hand, upto_line, (now, id)).await?,
    };
    hand.import.done.add(done);
    let place = Place {
        line: (hand.import.found.lines + 1).saturating_sub(upto_line.unsigned_abs()),
        bytes: 0,
    };
    let (found, done) = (hand.import.found, hand.import.done);
    transact!(db, |tx| {
        tx.query(sql!(
            "DELETE FROM import_stretch WHERE desk = $1 AND import = $2 AND upto_line = $3"
        ))
        .bind(desk.key())
        .bind(import.as_bytes().to_vec())
        .bind(upto_line)
        .run()
        .await?;
        advance(&mut tx, hand, place, found, done, now).await?;
    })?;
    Ok(true)
}
