//! Leases: which server has which piece of long work in hand, so that none is done twice and none is left
//! lying when a server falls silent.

use domain::calendar::Instant;
use uuid::Uuid;

use crate::db::{Db, Row, Tx, transact};
use crate::error::Result;

/// How long a server may be silent until another takes its work over.
pub(crate) const LEASE_MICROS: i64 = 30_000_000;

/// How one kind of work is taken in hand. A piece of it is known by municipality and id.
pub(crate) struct Taking {
    /// Finds the next piece that has work and that nobody has at `$1`.
    pub next: &'static str,
    /// Gives the piece `$1`, `$2` to the worker `$3` until `$4`.
    pub lease: &'static str,
    /// Reads the piece `$1`, `$2`.
    pub one: &'static str,
    /// For how long.
    pub micros: i64,
}

impl Taking {
    /// Takes the next piece in hand for this worker, if there is one.
    ///
    /// # Errors
    /// The database's.
    pub async fn take<T: Row>(&self, db: &Db, worker: Uuid, now: Instant) -> Result<Option<T>> {
        transact!(db, |tx| {
            let next: Option<(String, Vec<u8>)> =
                tx.query(self.next).bind(now.micros()).optional().await?;
            match next {
                None => None,
                Some(piece) => Some(self.lease(&mut tx, piece, worker, now).await?),
            }
        })
    }

    /// Takes this piece in hand for this worker.
    ///
    /// # Errors
    /// The database's.
    pub async fn lease<T: Row>(
        &self,
        tx: &mut Tx,
        (city, id): (String, Vec<u8>),
        worker: Uuid,
        now: Instant,
    ) -> Result<T> {
        tx.query(self.lease)
            .bind(city.clone())
            .bind(id.clone())
            .bind(worker.as_bytes().to_vec())
            .bind(now.micros().saturating_add(self.micros))
            .expect(1)
            .await?;
        tx.query(self.one).bind(city).bind(id).one().await
    }
}
