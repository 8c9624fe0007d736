//! What two people decided, done: the proposals that are too long for the page on which they were approved.

use domain::access::{self, CityPermit};
use store::approvals::{self, InHand};
use store::recorder::{Outside, Recorder};
use store::{Db, Error};
use uuid::Uuid;

use crate::clock::fresh_id;

/// What works on approved proposals: one for each server.
#[derive(Clone)]
pub struct Approvals {
    db: Db,
    recorder: Recorder,
    outside: Outside,
    /// This server's name among those that share the database.
    worker: Uuid,
}

/// Why a proposal was let go before its end; the next turn goes on with it.
#[derive(Debug, thiserror::Error)]
pub enum Interrupted {
    /// The database failed, or another server has the proposal by now.
    #[error(transparent)]
    Store(#[from] Error),
    /// Who approved it may not do so any more.
    #[error("whoever approved it may not do so any more")]
    Forbidden,
}

impl Approvals {
    /// Work for this server.
    #[must_use]
    pub fn new(db: Db, recorder: Recorder, outside: Outside) -> Self {
        let worker = fresh_id(&outside);
        Self {
            db,
            recorder,
            outside,
            worker,
        }
    }

    /// Takes the next approved proposal in hand and does it to its end; false if there was none.
    ///
    /// # Errors
    /// As [`Interrupted`]; what was done stays done.
    pub async fn turn(&self) -> Result<bool, Interrupted> {
        let now = (self.outside.now)();
        let hand = approvals::take_in_hand(&self.db, self.worker, now).await?;
        let Some(mut hand) = hand else {
            return Ok(false);
        };
        let permit = self.permit(&hand).await?;
        loop {
            let now = (self.outside.now)();
            let more =
                approvals::stretch(&self.db, &self.recorder, &permit, &mut hand, now).await?;
            if !more {
                break;
            }
        }
        let done = hand.proposal.done;
        tracing::info!(done, passed = hand.proposal.passed, "proposal.done");
        Ok(true)
    }

    /// The right under which it is done: that of the person who approved it.
    async fn permit(&self, hand: &InHand) -> Result<CityPermit, Interrupted> {
        let proposal = &hand.proposal;
        let user = proposal.decided_by.unwrap_or(proposal.by);
        let account = store::accounts::by_id(&self.db, user).await?;
        let account = account.filter(|one| one.active && one.organisation.active);
        let actor = account.ok_or(Interrupted::Forbidden)?.actor();
        access::city(&actor, proposal.matter.action(), proposal.city)
            .map_err(|_| Interrupted::Forbidden)
    }
}
