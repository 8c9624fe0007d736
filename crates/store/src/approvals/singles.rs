//! A change of one record: done at once, or proposed where the city wants a second person.

use domain::access::CityPermit;
use domain::approvals::Matter;
use domain::doses::{ChangeRefusal, DoseId, Standing, Version};
use uuid::Uuid;

use super::proposing::propose;
use super::reading::proposal;
use super::settings::wanted;
use super::{Change, How, NewAct, NewProposal, ProposalError};
use crate::db::Db;
use crate::doses::record;
use crate::recorder::{Authority, Correction, Decision as Act, Receipt, RecordError, Recorder};

/// A change of a single record: done, or proposed where the city wants a second person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the ledger.
    Done(Box<Receipt>),
    /// The proposal with this id waits for a second person.
    Proposed(Uuid),
}

/// Corrects a record of the city's ledger, or proposes it where the city wants a second person.
///
/// # Errors
/// As [`Recorder::correct`]; that somebody was quicker is told at once.
pub async fn correct(
    db: &Db,
    recorder: &Recorder,
    permit: &CityPermit,
    correction: Correction,
    how: How,
) -> std::result::Result<Outcome, RecordError> {
    if !wanted(db, permit).await?.needs(Matter::Correction) {
        let by = Authority::City(permit.clone());
        let receipt = recorder.correct(&by, correction).await?;
        return Ok(Outcome::Done(Box::new(receipt)));
    }
    let change = Change::Correct {
        given_on: correction.given_on,
        turn: correction.turn,
        product: correction.product,
        lot: correction.lot,
        doctor: correction.doctor,
    };
    let single = Single {
        id: correction.id,
        dose: correction.dose,
        seen: correction.seen,
        reason: correction.reason,
    };
    propose_single(db, permit, Matter::Correction, single, change, how).await
}

/// Takes a record of the city's ledger back, or proposes it where the city wants a second person.
///
/// # Errors
/// As [`Recorder::void`]; that somebody was quicker is told at once.
pub async fn void(
    db: &Db,
    recorder: &Recorder,
    permit: &CityPermit,
    decision: Act,
    how: How,
) -> std::result::Result<Outcome, RecordError> {
    if !wanted(db, permit).await?.needs(Matter::Void) {
        let by = Authority::City(permit.clone());
        let receipt = recorder.void(&by, decision).await?;
        return Ok(Outcome::Done(Box::new(receipt)));
    }
    let single = Single {
        id: decision.id,
        dose: decision.dose,
        seen: decision.seen,
        reason: decision.reason,
    };
    propose_single(db, permit, Matter::Void, single, Change::Void, how).await
}

struct Single {
    id: Uuid,
    dose: DoseId,
    seen: Option<Version>,
    reason: String,
}

async fn propose_single(
    db: &Db,
    permit: &CityPermit,
    matter: Matter,
    single: Single,
    change: Change,
    how: How,
) -> std::result::Result<Outcome, RecordError> {
    let record = record(db, permit, single.dose).await?;
    let record = record.ok_or(RecordError::NotFound)?;
    // A form that is sent twice is the same proposal.
    if proposal(db, permit, single.id).await?.is_some() {
        return Ok(Outcome::Proposed(single.id));
    }
    if record.standing == Standing::Void {
        return Err(RecordError::Refused(ChangeRefusal::Voided));
    }
    let new = NewProposal {
        id: single.id,
        matter,
        reason: single.reason,
        acts: vec![NewAct {
            id: single.id,
            dose: single.dose,
            seen: single.seen.unwrap_or_else(|| record.version()),
            change,
            new_dose: None,
        }],
        undoes: None,
    };
    match propose(db, permit, &new, how).await {
        Ok(_) => Ok(Outcome::Proposed(new.id)),
        Err(ProposalError::ChangedMeanwhile) => {
            Err(RecordError::Refused(ChangeRefusal::ChangedMeanwhile))
        }
        Err(ProposalError::Store(error)) => Err(error.into()),
        Err(_) => Err(RecordError::NotFound),
    }
}
