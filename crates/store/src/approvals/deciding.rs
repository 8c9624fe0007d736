//! What a second person decides, and what a repair would come to.

use domain::access::CityPermit;
use domain::approvals::{self, Decision, Matter, State, decide as rule};
use domain::calendar::Instant;
use domain::doses::{DoseId, Standing, Version};
use uuid::Uuid;

use super::reading::{ONE, Proposal, ProposalRow, ProposedAct, acts, proposal};
use super::{How, ProposalError, records};
use crate::audit::{self, Change as AuditChange};
use crate::db::{Db, Tx, sql, transact};
use crate::error::Result;
use crate::recorder::{Rehearsal, rehearse};

/// What the repair in a proposal would come to now; nothing of another proposal.
///
/// # Errors
/// The database's.
pub async fn effects(
    db: &Db,
    permit: &CityPermit,
    acts: &[ProposedAct],
    now: Instant,
) -> Result<Rehearsal> {
    let pairs = acts
        .iter()
        .filter_map(|act| Some((act.record.id, act.entering("", String::new())?)))
        .collect();
    rehearse(db, permit, now, pairs).await
}

/// Decides about a proposal; what it says is done afterwards, by [`finish_now`](super::finish_now) or the job.
///
/// # Errors
/// Why this person does not decide so, as [`ProposalError`].
pub async fn decide(
    db: &Db,
    permit: &CityPermit,
    id: Uuid,
    decision: Decision,
    answer: &str,
    how: How,
) -> std::result::Result<State, ProposalError> {
    let held = proposal(db, permit, id).await?;
    let held = held.ok_or(ProposalError::NotFound)?;
    let acts = acts(db, permit, id).await?;
    let fits =
        decision != Decision::Approve || fits_still(db, permit, &held, &acts, how.at).await?;
    let doses: Vec<DoseId> = acts.iter().map(|act| act.record.id).collect();
    let decided = transact!(db, |tx| {
        let row: ProposalRow = tx
            .query(ONE)
            .bind(permit.city().as_str().to_owned())
            .bind(id.as_bytes().to_vec())
            .one()
            .await?;
        let now = records(&mut tx, permit.city(), &doses).await?;
        let now: Vec<(DoseId, Version)> = now
            .iter()
            .filter(|record| fits && record.standing != Standing::Void)
            .map(|record| (record.id, record.version()))
            .collect();
        let held = Proposal::try_from(row)?;
        let asked = approvals::Proposal {
            city: held.city,
            matter: held.matter,
            by: held.by,
            state: held.state,
            seen: acts.iter().map(|act| (act.record.id, act.seen)).collect(),
        };
        match rule(&asked, permit.actor(), decision, &now) {
            Err(refusal) => Err(refusal),
            Ok(state) => {
                write_decision(&mut tx, permit, &held, decision, state, answer, how).await?;
                Ok(state)
            }
        }
    })?;
    Ok(decided?)
}

/// Whether what a repair would enter would count, as it would have when it was proposed.
async fn fits_still(
    db: &Db,
    permit: &CityPermit,
    held: &Proposal,
    acts: &[ProposedAct],
    now: Instant,
) -> Result<bool> {
    if held.matter != Matter::Repair {
        return Ok(true);
    }
    let rehearsal = effects(db, permit, acts, now).await?;
    Ok(counts(&rehearsal, acts.len()))
}

/// Whether all that would be entered would count.
pub(crate) fn counts(rehearsal: &Rehearsal, acts: usize) -> bool {
    rehearsal.standings.len() == acts
        && rehearsal
            .standings
            .iter()
            .all(|one| matches!(one, Standing::Counted | Standing::Interview))
}

async fn write_decision(
    tx: &mut Tx,
    permit: &CityPermit,
    held: &Proposal,
    decision: Decision,
    state: State,
    answer: &str,
    how: How,
) -> Result<()> {
    tx.query(sql!(
        "UPDATE proposal SET state = $3, decided_by = $4, decided_at = $5, answer = $6
         WHERE municipality = $1 AND id = $2 AND state = 'proposed'"
    ))
    .bind(permit.city().as_str().to_owned())
    .bind(held.id.as_bytes().to_vec())
    .bind(state.as_str().to_owned())
    .bind(permit.actor().user.0.as_bytes().to_vec())
    .bind(how.at.micros())
    .bind(Some(answer.to_owned()).filter(|answer| !answer.is_empty()))
    .expect(1)
    .await?;
    let detail = format!(
        r#"{{"matter":"{}","decision":"{}","state":"{}","proposed_by":"{}","decided_by":"{}"}}"#,
        held.matter.as_str(),
        decision.as_str(),
        state.as_str(),
        held.by,
        permit.actor().user
    );
    let subject = held.id.to_string();
    let change = AuditChange {
        id: how.audit,
        at: how.at,
        municipality: Some(permit.city()),
        action: "decide-change",
        subject: &subject,
        detail: &detail,
    };
    audit::write(tx, permit.actor(), &change).await
}
