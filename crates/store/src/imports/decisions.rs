//! What somebody decides about a file: approved, taken back, kept, thrown away.

use domain::access::CityPermit;
use domain::approvals::FileOfRecords;
use domain::calendar::Instant;
use uuid::Uuid;

use super::intake::drop_pieces;
use super::{COLUMNS, Import, ImportRow, Kind, State, amendments, step};
use crate::approvals::wanted_within;
use crate::audit::{self, Change};
use crate::db::{Db, Tx, sql, transact};
use crate::error::Result;

/// What somebody decides about an import, with the audit's id and the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Of the audit's row.
    pub audit: Uuid,
    /// When.
    pub at: Instant,
}

async fn decided(
    tx: &mut Tx,
    permit: &CityPermit,
    id: Uuid,
    how: Decided,
    action: &str,
) -> Result<()> {
    let subject = id.to_string();
    let change = Change {
        id: how.audit,
        at: how.at,
        municipality: Some(permit.city()),
        action,
        subject: &subject,
        detail: "{}",
    };
    audit::write(tx, permit.actor(), &change).await
}

/// What became of a decision about an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// It goes on to its next stage.
    Moved,
    /// Somebody else has to approve that it is taken back.
    Asked,
    /// It is at another stage.
    TooLate,
    /// The city wants a second person for it, and this is the first.
    OwnProposal,
}

/// An import as far as a second person's approval needs to know it; none if it needs none by its kind.
async fn file(
    tx: &mut Tx,
    permit: &CityPermit,
    id: Uuid,
) -> Result<Option<(Import, FileOfRecords)>> {
    let row: Option<ImportRow> = tx
        .query(COLUMNS)
        .bind(permit.city().as_str().to_owned())
        .bind(id.as_bytes().to_vec())
        .optional()
        .await?;
    let import = row.map(Import::try_from).transpose()?;
    let import = import.filter(|one| one.kind == Kind::Records);
    Ok(import.map(|import| {
        let file = FileOfRecords {
            by: import.by,
            corrects: import.found.corrected > 0,
            voids: import.found.voided > 0,
        };
        (import, file)
    }))
}

/// Whether the city wants somebody else than this person to approve the import, or that it is taken back.
///
/// # Errors
/// The database's.
pub async fn waits_for_another(db: &Db, permit: &CityPermit, import: &Import) -> Result<bool> {
    let mut tx = db.begin_reading().await?;
    let Some((import, file)) = file(&mut tx, permit, import.id).await? else {
        return Ok(false);
    };
    let wanted = wanted_within(&mut tx, permit).await?;
    let user = permit.actor().user;
    Ok(match import.undo_asked_by {
        Some(asked_by) => asked_by == user,
        None => file.may_approve(&wanted, user).is_err(),
    })
}

/// Approves an import that was looked through: it will be applied. Where the city wants a second person for
/// what a file of records does, that is not who handed it in.
///
/// # Errors
/// The database's.
pub async fn approve(db: &Db, permit: &CityPermit, id: Uuid, how: Decided) -> Result<Became> {
    transact!(db, |tx| approve_within(&mut tx, permit, id, how).await?)
}

async fn approve_within(
    tx: &mut Tx,
    permit: &CityPermit,
    id: Uuid,
    how: Decided,
) -> Result<Became> {
    let (city, user) = (permit.city(), permit.actor().user);
    if let Some((_, file)) = file(tx, permit, id).await? {
        let wanted = wanted_within(tx, permit).await?;
        if file.may_approve(&wanted, user).is_err() {
            return Ok(Became::OwnProposal);
        }
    }
    if !step(tx, city, id, State::Ready, State::Applying).await? {
        return Ok(Became::TooLate);
    }
    tx.query(sql!(
        "UPDATE import SET approved_by = $3, approved_at = $4 WHERE municipality = $1 AND id = $2"
    ))
    .bind(city.as_str().to_owned())
    .bind(id.as_bytes().to_vec())
    .bind(user.0.as_bytes().to_vec())
    .bind(how.at.micros())
    .expect(1)
    .await?;
    decided(tx, permit, id, how, "approve-import").await?;
    Ok(Became::Moved)
}

/// Takes an applied import back: people stand as before again, and doses are taken back, but those that
/// somebody changed since. Where the city wants a second person for what that does to records, the first
/// one asks for it and another one approves.
///
/// # Errors
/// The database's.
pub async fn undo(db: &Db, permit: &CityPermit, id: Uuid, how: Decided) -> Result<Became> {
    transact!(db, |tx| undo_within(&mut tx, permit, id, how).await?)
}

async fn undo_within(tx: &mut Tx, permit: &CityPermit, id: Uuid, how: Decided) -> Result<Became> {
    let user = permit.actor().user;
    if let Some((import, file)) = file(tx, permit, id).await? {
        // Whatever the file did, doses are taken back.
        let undoing = FileOfRecords {
            by: import.undo_asked_by.unwrap_or(user),
            voids: true,
            ..file
        };
        let wanted = wanted_within(tx, permit).await?;
        if undoing.may_approve(&wanted, user).is_err() {
            if import.undo_asked_by.is_some() {
                return Ok(Became::OwnProposal);
            }
            return Ok(match ask(tx, permit, id, how).await? {
                true => Became::Asked,
                false => Became::TooLate,
            });
        }
    }
    if !step(tx, permit.city(), id, State::Done, State::Undoing).await? {
        return Ok(Became::TooLate);
    }
    decided(tx, permit, id, how, "undo-import").await?;
    Ok(Became::Moved)
}

/// Asks for an applied import to be taken back; false if it is at another stage.
async fn ask(tx: &mut Tx, permit: &CityPermit, id: Uuid, how: Decided) -> Result<bool> {
    let asked = tx
        .query(sql!(
            "UPDATE import SET undo_asked_by = $3, undo_asked_at = $4
             WHERE municipality = $1 AND id = $2 AND state = 'done' AND undo_asked_by IS NULL"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(id.as_bytes().to_vec())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .bind(how.at.micros())
        .run()
        .await?;
    if asked == 1 {
        decided(tx, permit, id, how, "ask-to-undo-import").await?;
    }
    Ok(asked == 1)
}

/// Keeps an applied import that somebody asked to be taken back: who asked takes that back, or another one
/// says no. False if nobody asked.
///
/// # Errors
/// The database's.
pub async fn keep(db: &Db, permit: &CityPermit, id: Uuid, how: Decided) -> Result<bool> {
    transact!(db, |tx| {
        let kept = tx
            .query(sql!(
                "UPDATE import SET undo_asked_by = NULL, undo_asked_at = NULL
                 WHERE municipality = $1 AND id = $2 AND state = 'done' AND undo_asked_by IS NOT NULL"
            ))
            .bind(permit.city().as_str().to_owned())
            .bind(id.as_bytes().to_vec())
            .run()
            .await?;
        if kept == 1 {
            decided(&mut tx, permit, id, how, "keep-import").await?;
        }
        kept == 1
    })
}

/// Throws a file away that was not applied. False if it is at another stage.
///
/// # Errors
/// The database's.
pub async fn discard(db: &Db, permit: &CityPermit, id: Uuid, how: Decided) -> Result<bool> {
    let city = permit.city();
    transact!(db, |tx| {
        let mut moved = false;
        for from in [State::Ready, State::Uploading, State::Checking] {
            moved = moved || step(&mut tx, city, id, from, State::Discarded).await?;
        }
        if moved {
            drop_pieces(&mut tx, city, id).await?;
            amendments::forget(&mut tx, city, id).await?;
            decided(&mut tx, permit, id, how, "discard-import").await?;
        }
        moved
    })
}
