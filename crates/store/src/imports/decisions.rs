//! What somebody decides about a file: approved, taken back, kept, thrown away.

use domain::access::UserId;
use domain::approvals::{FileOfRecords, Wanted};
use domain::calendar::Instant;
use uuid::Uuid;

use super::desks::Right;
use super::intake::drop_pieces;
use super::{COLUMNS, Import, ImportRow, Kind, State, forget, step, venues};
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

async fn decided(tx: &mut Tx, permit: &Right, id: Uuid, how: Decided, action: &str) -> Result<()> {
    let desk = permit.desk()?;
    let subject = id.to_string();
    let change = Change {
        id: how.audit,
        at: how.at,
        municipality: desk.audited(),
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

/// Whom a second person's approval is asked of, and whether one is wanted.
struct Second {
    import: Import,
    /// What a file of records does; none of any other file.
    records: Option<FileOfRecords>,
    /// For what the city wants a second person.
    wanted: Wanted,
    /// Whether the area wants one for its files of venues.
    for_venues: bool,
}

impl Second {
    /// Whether this person may not approve what `by` handed in or asked for.
    fn is_barred(&self, user: UserId, by: UserId, undoing: bool) -> bool {
        match self.records {
            Some(file) => {
                let file = FileOfRecords {
                    by,
                    // Whatever the file did, doses are taken back.
                    voids: undoing || file.voids,
                    ..file
                };
                file.may_approve(&self.wanted, user).is_err()
            }
            None => self.for_venues && user == by,
        }
    }
}

/// An import as far as a second person's approval needs to know it; none if there is none, or it is of people, which
/// needs no second one.
async fn second(tx: &mut Tx, permit: &Right, id: Uuid) -> Result<Option<Second>> {
    let row: Option<ImportRow> = tx
        .query(COLUMNS)
        .bind(permit.desk()?.key())
        .bind(id.as_bytes().to_vec())
        .optional()
        .await?;
    let import = row.map(Import::try_from).transpose()?;
    let Some(import) = import.filter(|one| one.kind != Kind::Residents) else {
        return Ok(None);
    };
    let (mut records, mut wanted, mut for_venues) = (None, Wanted::default(), false);
    if import.kind == Kind::Records {
        records = Some(FileOfRecords {
            by: import.by,
            corrects: import.found.corrected > 0,
            voids: import.found.voided > 0,
        });
        wanted = wanted_within(tx, permit.of_people()?).await?;
    } else {
        for_venues = venues::wants_second(tx, import.desk).await?;
    }
    Ok(Some(Second {
        import,
        records,
        wanted,
        for_venues,
    }))
}

/// Whether the city wants somebody else than this person to approve the import, or that it is taken back.
///
/// # Errors
/// The database's.
pub async fn waits_for_another(db: &Db, permit: impl Into<Right>, import: &Import) -> Result<bool> {
    let permit = permit.into();
    let mut tx = db.begin_reading().await?;
    let Some(second) = second(&mut tx, &permit, import.id).await? else {
        return Ok(false);
    };
    let user = permit.actor().user;
    Ok(match second.import.undo_asked_by {
        Some(asked_by) => asked_by == user,
        None => second.is_barred(user, second.import.by, false),
    })
}

/// Approves an import that was looked through: it will be applied. Where the city wants a second person for
/// what a file of records does, that is not who handed it in.
///
/// # Errors
/// The database's.
pub async fn approve(db: &Db, permit: impl Into<Right>, id: Uuid, how: Decided) -> Result<Became> {
    let permit = permit.into();
    transact!(db, |tx| approve_within(&mut tx, &permit, id, how).await?)
}

async fn approve_within(tx: &mut Tx, permit: &Right, id: Uuid, how: Decided) -> Result<Became> {
    let (desk, user) = (permit.desk()?, permit.actor().user);
    if let Some(second) = second(tx, permit, id).await?
        && second.is_barred(user, second.import.by, false)
    {
        return Ok(Became::OwnProposal);
    }
    if !step(tx, desk, id, State::Ready, State::Applying).await? {
        return Ok(Became::TooLate);
    }
    tx.query(sql!(
        "UPDATE import SET approved_by = $3, approved_at = $4 WHERE desk = $1 AND id = $2"
    ))
    .bind(desk.key())
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
pub async fn undo(db: &Db, permit: impl Into<Right>, id: Uuid, how: Decided) -> Result<Became> {
    let permit = permit.into();
    transact!(db, |tx| undo_within(&mut tx, &permit, id, how).await?)
}

async fn undo_within(tx: &mut Tx, permit: &Right, id: Uuid, how: Decided) -> Result<Became> {
    let user = permit.actor().user;
    if let Some(second) = second(tx, permit, id).await? {
        let asked_by = second.import.undo_asked_by;
        if second.is_barred(user, asked_by.unwrap_or(user), true) {
            if asked_by.is_some() {
                return Ok(Became::OwnProposal);
            }
            return Ok(match ask(tx, permit, id, how).await? {
                true => Became::Asked,
                false => Became::TooLate,
            });
        }
    }
    if !step(tx, permit.desk()?, id, State::Done, State::Undoing).await? {
        return Ok(Became::TooLate);
    }
    decided(tx, permit, id, how, "undo-import").await?;
    Ok(Became::Moved)
}

/// Asks for an applied import to be taken back; false if it is at another stage.
async fn ask(tx: &mut Tx, permit: &Right, id: Uuid, how: Decided) -> Result<bool> {
    let asked = tx
        .query(sql!(
            "UPDATE import SET undo_asked_by = $3, undo_asked_at = $4
             WHERE desk = $1 AND id = $2 AND state = 'done' AND undo_asked_by IS NULL"
        ))
        .bind(permit.desk()?.key())
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
pub async fn keep(db: &Db, permit: impl Into<Right>, id: Uuid, how: Decided) -> Result<bool> {
    let permit = permit.into();
    transact!(db, |tx| {
        let kept = tx
            .query(sql!(
                "UPDATE import SET undo_asked_by = NULL, undo_asked_at = NULL
                 WHERE desk = $1 AND id = $2 AND state = 'done' AND undo_asked_by IS NOT NULL"
            ))
            .bind(permit.desk()?.key())
            .bind(id.as_bytes().to_vec())
            .run()
            .await?;
        if kept == 1 {
            decided(&mut tx, &permit, id, how, "keep-import").await?;
        }
        kept == 1
    })
}

/// Throws a file away that was not applied. False if it is at another stage.
///
/// # Errors
/// The database's.
pub async fn discard(db: &Db, permit: impl Into<Right>, id: Uuid, how: Decided) -> Result<bool> {
    let permit = permit.into();
    let desk = permit.desk()?;
    transact!(db, |tx| {
        let mut moved = false;
        for from in [State::Ready, State::Uploading, State::Checking] {
            moved = moved || step(&mut tx, desk, id, from, State::Discarded).await?;
        }
        if moved {
            drop_pieces(&mut tx, desk, id).await?;
            forget(&mut tx, desk, id).await?;
            decided(&mut tx, &permit, id, how, "discard-import").await?;
        }
        moved
    })
}
