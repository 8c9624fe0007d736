//! Open sessions: who is logged in, until when.
//!
//! The table keeps the SHA-256 of each token, so that a copy of it opens nothing.

use domain::access::UserId;
use domain::calendar::Instant;

use crate::db::{Db, sql, transact};
use crate::error::Result;

/// Sessions swept in one transaction at most: a sweep never holds up a report for long.
pub const SWEEP_MAX: i64 = 1_000;

/// The SHA-256 of a session's token.
pub type TokenHash = [u8; 32];

/// A session as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose it is; none before login.
    pub account: Option<UserId>,
    /// What the server keeps in it, as JSON.
    pub record: String,
    /// From when on it is no more.
    pub expires_at: Instant,
}

/// Opens a session.
///
/// # Errors
/// [`crate::Error::Exists`] if the token is taken.
pub async fn open(db: &Db, token: &TokenHash, session: &Session) -> Result<()> {
    transact!(db, |tx| {
        tx.query(sql!(
            "INSERT INTO session (token_hash, account, record, expires_at) VALUES ($1, $2, $3, $4)"
        ))
        .bind(token.to_vec())
        .bind(session.account.map(|account| account.0.as_bytes().to_vec()))
        .bind(session.record.clone())
        .bind(session.expires_at.micros())
        .expect(1)
        .await?
    })
}

/// Keeps what changed in an open session; a session closed meanwhile stays closed, and `false` says so.
///
/// Under the row's lock: requests of one session that come together wait for each other, and none
/// is told to come again.
///
/// # Errors
/// The database's own.
pub async fn keep(db: &Db, token: &TokenHash, session: &Session) -> Result<bool> {
    transact!(db, begin_locking, |tx| {
        tx.query(sql!(
            "UPDATE session SET account = $2, record = $3, expires_at = $4 WHERE token_hash = $1"
        ))
        .bind(token.to_vec())
        .bind(session.account.map(|account| account.0.as_bytes().to_vec()))
        .bind(session.record.clone())
        .bind(session.expires_at.micros())
        .run()
        .await?
            == 1
    })
}

/// The session of a token, if it is open at that time.
///
/// # Errors
/// The database's own.
pub async fn load(db: &Db, token: &TokenHash, now: Instant) -> Result<Option<Session>> {
    type Found = (Option<Vec<u8>>, String, i64);
    let found: Option<Found> = db
        .query(sql!(
            "SELECT account, record, expires_at FROM session WHERE token_hash = $1 AND expires_at > $2"
        ))
        .bind(token.to_vec())
        .bind(now.micros())
        .optional()
        .await?;
    found
        .map(|(account, record, expires_at)| {
            let account = account
                .map(|id| crate::accounts::uuid(&id, "session", "account").map(UserId))
                .transpose()?;
            Ok(Session {
                account,
                record,
                expires_at: Instant::from_micros(expires_at),
            })
        })
        .transpose()
}

/// Closes a session; one that is closed already is closed.
///
/// # Errors
/// The database's own.
pub async fn close(db: &Db, token: &TokenHash) -> Result<()> {
    transact!(db, |tx| {
        tx.query(sql!("DELETE FROM session WHERE token_hash = $1"))
            .bind(token.to_vec())
            .run()
            .await?;
    })
}

/// Closes what has run out, and says how many; call it again while it says [`SWEEP_MAX`].
///
/// # Errors
/// The database's own.
pub async fn sweep(db: &Db, now: Instant) -> Result<u64> {
    transact!(db, |tx| {
        tx.query(sql!(
            "DELETE FROM session WHERE token_hash IN
             (SELECT token_hash FROM session WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)"
        ))
        .bind(now.micros())
        .bind(SWEEP_MAX)
        .run()
        .await?
    })
}
