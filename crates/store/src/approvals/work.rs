//! Doing what was approved: in stretches, each of which says how far the work is. Whoever has a
//! proposal in hand holds a lease; when it runs out, another server goes on. Every act has an id of
//! its own, so that one that was done before it could be said so is not done twice.

use domain::access::CityPermit;
use domain::approvals::{Matter, replaced};
use domain::calendar::Instant;
use domain::doses::{ChangeRefusal, DoseId};
use domain::ledger::Sha;
use domain::places::MunicipalityCode;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::reading::{ACTS, ActRow, ONE, ProposalRow};
use super::{Change, Proposal, ProposedAct, Scope, device_of};
use crate::db::{Db, sql, transact};
use crate::doses::{DoseRow, Record};
use crate::error::{Error, Result};
use crate::leases::{LEASE_MICROS, Taking};
use crate::recorder::{Authority, Correction, Decision, Receipt, RecordError, Recorder};

/// Acts in one stretch: they share a few commits, and the ledger's other senders wait for none of them.
pub const STRETCH_ACTS: i64 = 200;

/// A proposal that a server does.
#[derive(Clone, Debug)]
pub struct InHand {
    /// The proposal as it stands.
    pub proposal: Proposal,
    /// Who has it in hand.
    pub worker: Uuid,
}

const TAKING: Taking = Taking {
    next: sql!(
        "SELECT municipality, id FROM proposal
         WHERE state = 'approved' AND ended_at IS NULL AND leased_until < $1
         ORDER BY leased_until, id LIMIT 1"
    ),
    lease: sql!(
        "UPDATE proposal SET worker = $3, leased_until = $4 WHERE municipality = $1 AND id = $2"
    ),
    one: ONE,
    micros: LEASE_MICROS,
};

/// Takes the next approved proposal in hand that is not done and that nobody has.
///
/// # Errors
/// The database's.
pub async fn take_in_hand(db: &Db, worker: Uuid, now: Instant) -> Result<Option<InHand>> {
    let row: Option<ProposalRow> = TAKING.take(db, worker, now).await?;
    row.map(|row| {
        let proposal = Proposal::try_from(row)?;
        Ok(InHand { proposal, worker })
    })
    .transpose()
}

/// Does the first stretch of a proposal right after it was approved, so that whoever approved a
/// single change sees it done; a long one is gone on with by the job. Gives whether it is all done.
///
/// # Errors
/// The database's; the job goes on with what was not done.
pub async fn finish_now(
    db: &Db,
    recorder: &Recorder,
    permit: &CityPermit,
    id: Uuid,
    worker: Uuid,
    now: Instant,
) -> Result<bool> {
    let (city, key) = (permit.city().as_str().to_owned(), id.as_bytes().to_vec());
    let hand = transact!(db, |tx| {
        let free: Option<(i64,)> = tx
            .query(sql!(
                "SELECT acts FROM proposal
                 WHERE municipality = $1 AND id = $2 AND state = 'approved' AND ended_at IS NULL
                   AND leased_until < $3"
            ))
            .bind(city.clone())
            .bind(key.clone())
            .bind(now.micros())
            .optional()
            .await?;
        match free {
            None => None,
            Some(_) => {
                let piece = (city.clone(), key.clone());
                let row: ProposalRow = TAKING.lease(&mut tx, piece, worker, now).await?;
                let proposal = Proposal::try_from(row)?;
                Some(InHand { proposal, worker })
            }
        }
    })?;
    let Some(mut hand) = hand else {
        return Ok(false);
    };
    if stretch(db, recorder, permit, &mut hand, now).await? {
        let ended = !stretch(db, recorder, permit, &mut hand, now).await?;
        if !ended {
            let_go(db, &hand).await?;
        }
        return Ok(ended);
    }
    Ok(true)
}

/// Gives the lease back, so that the job need not wait for its end.
async fn let_go(db: &Db, hand: &InHand) -> Result<()> {
    transact!(db, |tx| {
        tx.query(sql!(
            "UPDATE proposal SET worker = NULL, leased_until = 0
             WHERE municipality = $1 AND id = $2 AND worker = $3"
        ))
        .bind(hand.proposal.city.as_str().to_owned())
        .bind(hand.proposal.id.as_bytes().to_vec())
        .bind(hand.worker.as_bytes().to_vec())
        .run()
        .await?;
    })
}

/// What a stretch came to.
#[derive(Default)]
struct Stretch {
    reached: i64,
    done: i64,
    passed: i64,
    outcomes: Vec<(i64, &'static str)>,
    ended: bool,
}

/// Does the next stretch of a proposal; false when all is done.
///
/// # Errors
/// [`Error::Busy`] if somebody else has it in hand by now, or the database's.
pub async fn stretch(
    db: &Db,
    recorder: &Recorder,
    permit: &CityPermit,
    hand: &mut InHand,
    now: Instant,
) -> Result<bool> {
    let came_to = match hand.proposal.scope {
        Some(scope) => many(db, recorder, permit, hand, scope).await?,
        None => named(db, recorder, permit, hand).await?,
    };
    let proposal = &mut hand.proposal;
    proposal.reached = came_to.reached;
    proposal.done += came_to.done;
    proposal.passed += came_to.passed;
    let ended = came_to.ended.then_some(now.micros());
    let (city, id) = (proposal.city, proposal.id);
    let (reached, done, passed) = (proposal.reached, proposal.done, proposal.passed);
    let worker = hand.worker;
    transact!(db, |tx| {
        let kept = tx
            .query(sql!(
                "UPDATE proposal SET reached = $4, done = $5, passed = $6, ended_at = $7, leased_until = $8
                 WHERE municipality = $1 AND id = $2 AND worker = $3"
            ))
            .bind(city.as_str().to_owned())
            .bind(id.as_bytes().to_vec())
            .bind(worker.as_bytes().to_vec())
            .bind(reached)
            .bind(done)
            .bind(passed)
            .bind(ended)
            .bind(now.micros().saturating_add(LEASE_MICROS))
            .run()
            .await?;
        if kept != 1 {
            return Err(Error::Busy);
        }
        for (place, outcome) in &came_to.outcomes {
            tx.query(sql!(
                "UPDATE proposal_act SET outcome = $4 WHERE municipality = $1 AND proposal = $2 AND place = $3"
            ))
            .bind(city.as_str().to_owned())
            .bind(id.as_bytes().to_vec())
            .bind(*place)
            .bind((*outcome).to_owned())
            .expect(1)
            .await?;
        }
    })?;
    Ok(!came_to.ended)
}

/// The acts that a proposal names, one after the other: each sees what the one before it did.
async fn named(
    db: &Db,
    recorder: &Recorder,
    permit: &CityPermit,
    hand: &InHand,
) -> Result<Stretch> {
    let rows: Vec<ActRow> = db
        .query(ACTS)
        .bind(permit.city().as_str().to_owned())
        .bind(hand.proposal.id.as_bytes().to_vec())
        .bind(hand.proposal.reached)
        .bind(STRETCH_ACTS)
        .all()
        .await?;
    let mut came_to = Stretch {
        reached: hand.proposal.reached,
        ended: rows.is_empty(),
        ..Stretch::default()
    };
    for row in rows {
        let act = ProposedAct::try_from(row)?;
        let outcome = outcome(one(recorder, permit, &hand.proposal, &act).await)?;
        match outcome {
            "done" => came_to.done += 1,
            _ => came_to.passed += 1,
        }
        came_to.reached = act.place;
        came_to.outcomes.push((act.place, outcome));
    }
    Ok(came_to)
}

async fn one(
    recorder: &Recorder,
    permit: &CityPermit,
    proposal: &Proposal,
    act: &ProposedAct,
) -> std::result::Result<Receipt, RecordError> {
    let by = Authority::City(permit.clone());
    let device = device_of(proposal.id);
    let dose = act.record.id;
    let void = |reason: String| Decision {
        id: act.id,
        dose,
        city: proposal.city,
        reason,
        device: device.clone(),
        seen: Some(act.seen),
    };
    match act.change.clone() {
        Change::Correct {
            given_on,
            turn,
            product,
            lot,
            doctor,
        } => {
            let correction = Correction {
                id: act.id,
                dose,
                city: proposal.city,
                given_on,
                turn,
                product,
                lot,
                doctor,
                reason: proposal.reason.clone(),
                device,
                seen: Some(act.seen),
            };
            recorder.correct(&by, correction).await
        }
        Change::Void => recorder.void(&by, void(proposal.reason.clone())).await,
        Change::Replace { .. } => {
            let entering = act.entering(&proposal.reason, device.clone());
            let entering = entering.ok_or(RecordError::NotFound)?;
            let reason = replaced(&proposal.reason, entering.id);
            // First out, then in: a wrong record that was changed meanwhile is replaced by nothing.
            recorder.void(&by, void(reason)).await?;
            recorder.replace(permit, entering).await
        }
    }
}

/// The word for what came of an act; what is no refusal stops the stretch.
fn outcome(done: std::result::Result<Receipt, RecordError>) -> Result<&'static str> {
    match done {
        Ok(_) => Ok("done"),
        Err(RecordError::Refused(ChangeRefusal::Voided)) => Ok("voided"),
        Err(RecordError::Refused(ChangeRefusal::AsItIs)) => Ok("as_it_is"),
        Err(RecordError::Refused(_) | RecordError::Conflict { .. }) => Ok("changed_meanwhile"),
        Err(RecordError::NotFound) => Ok("not_found"),
        Err(RecordError::Store(error)) => Err(error),
        Err(RecordError::Stopped) => Err(Error::Unavailable("the server is stopping".to_owned())),
    }
}

/// Of many records the next ones, all at once: they share commits.
async fn many(
    db: &Db,
    recorder: &Recorder,
    permit: &CityPermit,
    hand: &InHand,
    scope: Scope,
) -> Result<Stretch> {
    let proposal = &hand.proposal;
    let records = next_of(db, proposal, scope).await?;
    let mut came_to = Stretch {
        reached: records.last().map_or(proposal.reached, |last| last.seq),
        ended: records.is_empty(),
        ..Stretch::default()
    };
    let mut acts = JoinSet::new();
    for record in records {
        let decision = Decision {
            id: act_id(proposal.id, record.id),
            dose: record.id,
            city: proposal.city,
            reason: proposal.reason.clone(),
            device: device_of(proposal.id),
            seen: Some(record.version()),
        };
        let (recorder, permit) = (recorder.clone(), permit.clone());
        let opens = proposal.matter == Matter::Reopening;
        acts.spawn(async move {
            if opens {
                recorder.reopen(&permit, decision).await
            } else {
                recorder.confirm(&permit, decision).await
            }
        });
    }
    while let Some(done) = acts.join_next().await {
        let done = done.map_err(|error| Error::Unavailable(error.to_string()))?;
        match outcome(done)? {
            "done" => came_to.done += 1,
            // It was so before anybody proposed it: not one of those that were counted.
            "as_it_is" => {}
            _ => came_to.passed += 1,
        }
    }
    Ok(came_to)
}

/// The id of an act among many: always the same for a proposal and a record.
fn act_id(proposal: Uuid, dose: DoseId) -> Uuid {
    let both = [*proposal.as_bytes(), *dose.0.as_bytes()].concat();
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(Sha::of(&both).as_bytes()) {
        *to = *from;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// The next records of a proposal: those that stood so when it was proposed, and those that it has
/// changed already, if it was interrupted.
async fn next_of(db: &Db, proposal: &Proposal, scope: Scope) -> Result<Vec<Record>> {
    let becomes = i64::from(proposal.matter != Matter::Reopening);
    let statement = match scope {
        Scope::Session { venue, day } => db
            .query(sql!(
                "SELECT d.* FROM receipt AS r
                 CROSS JOIN dose AS d
                 WHERE r.organisation = $5 AND r.day = $6
                   AND d.municipality = $1 AND d.dose_id = r.id
                   AND d.seq > $2 AND d.seq <= $3 AND (d.last_seq <= $3 OR d.confirmed = $4)
                   AND d.standing IN ('counted', 'interview') AND d.severity <= 1 AND d.pending = 0
                 ORDER BY d.seq LIMIT $7"
            ))
            .bind(proposal.city.as_str().to_owned())
            .bind(proposal.reached)
            .bind(proposal.upto_seq)
            .bind(becomes)
            .bind(venue.0.as_bytes().to_vec())
            .bind(day.to_string()),
        Scope::Clean { until } => db
            .query(sql!(
                "SELECT d.* FROM ledger AS l
                 CROSS JOIN dose AS d
                 WHERE l.municipality = $1 AND l.seq > $2 AND l.seq <= $3 AND l.act = 'recorded'
                   AND d.municipality = l.municipality AND d.dose_id = l.dose_id
                   AND (d.last_seq <= $3 OR d.confirmed = $4) AND d.given_on <= $5
                   AND d.standing IN ('counted', 'interview') AND d.severity = 0 AND d.pending = 0
                 ORDER BY l.seq LIMIT $6"
            ))
            .bind(proposal.city.as_str().to_owned())
            .bind(proposal.reached)
            .bind(proposal.upto_seq)
            .bind(becomes)
            .bind(until.to_string()),
    };
    let rows: Vec<DoseRow> = statement.bind(STRETCH_ACTS).all().await?;
    rows.into_iter().map(Record::try_from).collect()
}

/// How many records there are to confirm, or to open again.
pub(super) async fn count(
    db: &Db,
    city: MunicipalityCode,
    matter: Matter,
    scope: Scope,
) -> Result<i64> {
    let is_now = i64::from(matter == Matter::Reopening);
    let statement = match scope {
        Scope::Session { venue, day } => db
            .query(sql!(
                "SELECT COUNT(*) FROM receipt AS r
                 CROSS JOIN dose AS d
                 WHERE r.organisation = $3 AND r.day = $4
                   AND d.municipality = $1 AND d.dose_id = r.id AND d.confirmed = $2
                   AND d.standing IN ('counted', 'interview') AND d.severity <= 1 AND d.pending = 0"
            ))
            .bind(city.as_str().to_owned())
            .bind(is_now)
            .bind(venue.0.as_bytes().to_vec())
            .bind(day.to_string()),
        Scope::Clean { until } => db
            .query(sql!(
                "SELECT COUNT(*) FROM dose AS d
                 WHERE d.municipality = $1 AND d.confirmed = $2 AND d.given_on <= $3
                   AND d.standing IN ('counted', 'interview') AND d.severity = 0 AND d.pending = 0"
            ))
            .bind(city.as_str().to_owned())
            .bind(is_now)
            .bind(until.to_string()),
    };
    let (count,): (i64,) = statement.one().await?;
    Ok(count)
}
