//! Coupons that cities issue by cohort (接種券の一括発行): counted, issued, cut into files.
//!
//! Every stretch is a transaction that says how far the work is; after a restart any server goes on
//! from there, and what was issued is not issued twice.

use domain::access::{self, Action, CityPermit};
use store::Db;
use store::coupons::{self, InHand};
use store::recorder::Outside;
use uuid::Uuid;

use crate::clock::fresh_id;
use crate::jobs::imports::{Interrupted, operator};

/// What works on batches of coupons: one for each server.
#[derive(Clone)]
pub struct Coupons {
    db: Db,
    outside: Outside,
    /// This server's name among those that share the database.
    worker: Uuid,
}

impl Coupons {
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

    /// Takes the next batch that has work in hand and works on it to the end of its stage; false if
    /// there was none.
    ///
    /// # Errors
    /// As [`Interrupted`]; what was done stays done.
    pub async fn turn(&self) -> Result<bool, Interrupted> {
        let now = (self.outside.now)();
        let Some(mut hand) = coupons::take_in_hand(&self.db, self.worker, now).await? else {
            return Ok(false);
        };
        let stage = hand.batch.state.as_str();
        tracing::info!(stage, "coupons.begun");
        self.permit(&hand).await?;
        while coupons::stretch(&self.db, &mut hand, (self.outside.now)()).await? {}
        tracing::info!(
            stage,
            people = hand.batch.done.people,
            "coupons.stage_ended"
        );
        Ok(true)
    }

    /// The right under which the work is done: that of the person who began the batch or, once it is
    /// approved, of the one who approved it.
    async fn permit(&self, hand: &InHand) -> Result<CityPermit, Interrupted> {
        let batch = &hand.batch;
        let user = batch.approved_by.unwrap_or(batch.by);
        let actor = if user.0.is_nil() {
            operator(batch.city)
        } else {
            let account = store::accounts::by_id(&self.db, user).await?;
            let account = account.filter(|one| one.active && one.organisation.active);
            account.ok_or(Interrupted::Forbidden)?.actor()
        };
        access::city(&actor, Action::IssueCoupons, batch.city).map_err(|_| Interrupted::Forbidden)
    }
}
