//! Counting what is due in the cities' registers for the allocation (接種見込み), one stretch after the other.
//!
//! Nobody's right is asked for: a giver began the count under its own, and only sums leave the registers.

use store::Db;
use store::demand;
use store::recorder::Outside;
use uuid::Uuid;

use crate::clock::fresh_id;
use crate::jobs::imports::Interrupted;

/// What counts: one for each server.
#[derive(Clone)]
pub struct Demand {
    db: Db,
    outside: Outside,
    /// This server's name among those that share the database.
    worker: Uuid,
}

impl Demand {
    /// Work for this server.
    #[must_use]
    pub fn new(db: Db, outside: Outside) -> Self {
        let worker = fresh_id(&outside);
        Self {
            db,
            outside,
            worker,
        }
    }

    /// Takes the next city's count in hand and brings it to its end; false if there was none.
    ///
    /// # Errors
    /// As [`Interrupted`]; what was counted stays counted.
    pub async fn turn(&self) -> Result<bool, Interrupted> {
        let now = (self.outside.now)();
        let Some(mut hand) = demand::take_in_hand(&self.db, self.worker, now).await? else {
            return Ok(false);
        };
        while demand::stretch(&self.db, &mut hand, (self.outside.now)()).await? {}
        Ok(true)
    }
}
