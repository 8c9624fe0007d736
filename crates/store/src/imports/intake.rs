//! A file on its way in, piece by piece.

use domain::calendar::Instant;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::counts::{Done, Found};
use super::desks::{Desk, Right};
use super::{Kind, State, step};
use crate::db::{Db, Tx, sql, transact};
use crate::error::Result;
use crate::recorder::json;
use crate::seals::{SealFault, Seals};
use crate::stock::wrong_permit;

/// Bytes of a file in one row: few rows for a large file, little memory for each.
pub const PIECE_BYTES: usize = 1024 * 1024;

/// A file that is to be handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewImport {
    /// Its id, made by the caller.
    pub id: Uuid,
    /// What it is of.
    pub kind: Kind,
    /// The file's name.
    pub file_name: String,
    /// The encoding's word.
    pub encoding: String,
}

/// Begins to take a file in.
///
/// # Errors
/// [`Error::Exists`](crate::error::Error::Exists) if the id is taken, or the database's.
pub async fn begin(db: &Db, permit: impl Into<Right>, new: &NewImport, at: Instant) -> Result<()> {
    let permit = permit.into();
    let desk = permit.desk()?;
    if !desk.takes(new.kind) {
        return Err(wrong_permit());
    }
    let empty = json(&Found::default());
    let nothing = json(&Done::default());
    transact!(db, |tx| {
        tx.query(sql!(
            "INSERT INTO import (desk, id, file_name, encoding, bytes, state, lines, read_bytes, found, done,
                                 by_user, organisation, created_at, leased_until, kind)
             VALUES ($1, $2, $3, $4, 0, 'uploading', 0, 0, $5, $6, $7, $8, $9, 0, $10)"
        ))
        .bind(desk.key())
        .bind(new.id.as_bytes().to_vec())
        .bind(new.file_name.clone())
        .bind(new.encoding.clone())
        .bind(empty.clone())
        .bind(nothing.clone())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .bind(permit.actor().organisation.0.as_bytes().to_vec())
        .bind(at.micros())
        .bind(new.kind.as_str().to_owned())
        .expect(1)
        .await?
    })
}

/// Takes the next piece of a file in; pieces count from 0. With keys it is kept under seal, since
/// it may carry Individual Numbers; without, as it came, until the file is applied or thrown away.
///
/// # Errors
/// The database's and those of the keys.
pub async fn take_piece(
    db: &Db,
    seals: Option<&Seals>,
    permit: impl Into<Right>,
    (id, piece): (Uuid, i64),
    bytes: &[u8],
    at: Instant,
) -> Result<()> {
    let desk = permit.into().desk()?;
    let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    transact!(db, |tx| {
        tx.query(sql!(
            "UPDATE import SET bytes = bytes + $3 WHERE desk = $1 AND id = $2 AND state = 'uploading'"
        ))
        .bind(desk.key())
        .bind(id.as_bytes().to_vec())
        .bind(size)
        .expect(1)
        .await?;
        let kept = match seals {
            Some(seals) => {
                let place = (desk, id, piece);
                seals.seal_piece(&mut tx, place, bytes, at).await?
            }
            None => bytes.to_vec(),
        };
        tx.query(sql!(
            "INSERT INTO import_piece (desk, import, piece, bytes, sealed)
             VALUES ($1, $2, $3, $4, $5)"
        ))
        .bind(desk.key())
        .bind(id.as_bytes().to_vec())
        .bind(piece)
        .bind(kept)
        .bind(i64::from(seals.is_some()))
        .expect(1)
        .await?
    })
}

/// One piece of a file; none after the last.
///
/// # Errors
/// The database's, and those of the keys it was sealed with.
pub async fn piece(
    db: &Db,
    seals: Option<&Seals>,
    permit: impl Into<Right>,
    (id, piece): (Uuid, i64),
) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let desk = permit.into().desk()?;
    let mut tx = db.begin_reading().await?;
    let found: Option<(Vec<u8>, i64)> = tx
        .query(sql!(
            "SELECT bytes, sealed FROM import_piece
             WHERE desk = $1 AND import = $2 AND piece = $3"
        ))
        .bind(desk.key())
        .bind(id.as_bytes().to_vec())
        .bind(piece)
        .optional()
        .await?;
    let Some((bytes, sealed)) = found else {
        return Ok(None);
    };
    if sealed == 0 {
        return Ok(Some(Zeroizing::new(bytes)));
    }
    let seals = seals.ok_or(SealFault::NoKeys)?;
    let place = (desk, id, piece);
    Ok(Some(seals.open_piece(&mut tx, place, &bytes).await?))
}

pub(super) async fn drop_pieces(tx: &mut Tx, desk: Desk, id: Uuid) -> Result<()> {
    tx.query(sql!(
        "DELETE FROM import_piece WHERE desk = $1 AND import = $2"
    ))
    .bind(desk.key())
    .bind(id.as_bytes().to_vec())
    .run()
    .await?;
    Ok(())
}

/// The file is complete: it may be looked through. False if it is at another stage.
///
/// # Errors
/// The database's.
pub async fn complete(db: &Db, permit: impl Into<Right>, id: Uuid) -> Result<bool> {
    let desk = permit.into().desk()?;
    transact!(db, |tx| {
        step(&mut tx, desk, id, State::Uploading, State::Checking).await?
    })
}
