//! People put into the register at once, and their records judged again.

use domain::access::CityPermit;
use domain::calendar::Instant;
use domain::coupons::CouponNumber;
use serde::Serialize;
use uuid::Uuid;

use super::placing::{Placed, place};
use super::{Addresses, Resident};
use crate::audit::{self, Change};
use crate::db::{Db, transact};
use crate::error::{Error, Result};
use crate::recorder::{RecordError, Recorder};

/// Residents written in one transaction, so that reports beside an import never wait long.
pub(super) const CHUNK: usize = 1000;

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Loaded {
    /// People who were not in the register.
    pub new: u64,
    /// People whose data is another now.
    pub changed: u64,
    /// People as they were.
    pub unchanged: u64,
    /// Rows not taken because their coupon number belongs to somebody else: their positions.
    pub taken: Vec<usize>,
    /// Records that found their person, or were judged again.
    pub matched: u64,
}

/// Puts people into the register; waiting records find their persons by themselves.
///
/// Loading the same rows again changes nothing. `id` makes the ids of the entries.
///
/// # Errors
/// The database's; what was loaded before it failed stays, and loading again goes on.
pub async fn load(
    db: &Db,
    recorder: &Recorder,
    permit: &CityPermit,
    (residents, addresses): (&[Resident], Addresses),
    at: Instant,
    id: &(dyn Fn() -> Uuid + Send + Sync),
) -> Result<Loaded> {
    let mut loaded = Loaded::default();
    for (chunk, residents) in residents.chunks(CHUNK).enumerate() {
        let first = chunk * CHUNK;
        let people = (residents, addresses);
        let changes = save(db, permit, people, at, first, id()).await?;
        loaded.new += changes.new;
        loaded.changed += changes.changed;
        loaded.unchanged += changes.unchanged;
        loaded.taken.extend(changes.taken);
        loaded.matched += judge_again(recorder, permit, &changes.waiting, id).await?;
    }
    Ok(loaded)
}

/// Judges the records of coupons again whose persons came, changed or went; says how many changed.
pub(crate) async fn judge_again(
    recorder: &Recorder,
    permit: &CityPermit,
    numbers: &[CouponNumber],
    id: &(dyn Fn() -> Uuid + Send + Sync),
) -> Result<u64> {
    let mut matched = 0;
    for number in numbers {
        match recorder.rematch(permit, id(), *number).await {
            Ok(_) => matched += 1,
            // Nothing of the coupon's records changed.
            Err(RecordError::NotFound) => {}
            Err(RecordError::Store(error)) => return Err(error),
            Err(error) => return Err(Error::Unavailable(error.to_string())),
        }
    }
    Ok(matched)
}

async fn save(
    db: &Db,
    permit: &CityPermit,
    people: (&[Resident], Addresses),
    at: Instant,
    first: usize,
    audit_id: Uuid,
) -> Result<Placed> {
    let city = permit.city();
    // Under the chain's lock: a dose that is recorded meanwhile sees these people, or is seen here.
    transact!(db, begin_locking, |tx| {
        let mut placed = place(&mut tx, city, people, at).await?;
        placed.taken.iter_mut().for_each(|one| *one += first);
        let detail = format!(
            "{{\"new\":{},\"changed\":{},\"unchanged\":{},\"taken\":{}}}",
            placed.new,
            placed.changed,
            placed.unchanged,
            placed.taken.len()
        );
        let change = Change {
            id: audit_id,
            at,
            municipality: Some(city),
            action: "load-residents",
            subject: "residents",
            detail: &detail,
        };
        audit::write(&mut tx, permit.actor(), &change).await?;
        placed
    })
}
