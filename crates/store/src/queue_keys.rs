//! The key to which tablets seal a queue that leaves them as a file (送信待ちのファイル).
//!
//! One for all servers of a database, so that each opens what was sealed for another; it lasts as long as the
//! database. It belongs to no place: what is in a file goes through the permit of whoever hands it in.

use domain::calendar::Instant;
use zeroize::Zeroizing;

use crate::db::{Db, sql, transact};
use crate::error::Result;

/// Bytes of a private key: a number below the order of P-256, the most significant first (SEC 1, 2.3.7).
pub const PRIVATE_KEY_BYTES: usize = 32;

/// The private key that is kept; `fresh` becomes it if there is none yet.
///
/// # Errors
/// The database's.
pub async fn kept_or(
    db: &Db,
    fresh: &Zeroizing<[u8; PRIVATE_KEY_BYTES]>,
    now: Instant,
) -> Result<Zeroizing<Vec<u8>>> {
    if let Some(kept) = kept(db).await? {
        return Ok(kept);
    }
    transact!(db, |tx| {
        // Another server may have made one since: then that one holds.
        tx.query(sql!(
            "INSERT INTO queue_key (slot, private_key, made_at) VALUES (1, $1, $2) ON CONFLICT (slot) DO NOTHING"
        ))
        .bind(fresh.to_vec())
        .bind(now.micros())
        .run()
        .await?;
    })?;
    Ok(kept(db).await?.unwrap_or_default())
}

/// The private key; none before any tablet asked.
///
/// # Errors
/// The database's.
pub async fn kept(db: &Db) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let row: Option<(Vec<u8>,)> = db
        .query(sql!("SELECT private_key FROM queue_key WHERE slot = 1"))
        .optional()
        .await?;
    Ok(row.map(|(key,)| Zeroizing::new(key)))
}
