//! Proposals as they are made: by their records, or of many records at once.

use domain::access::CityPermit;
use domain::approvals::{self, Matter, State};
use domain::doses::{DoseId, Standing};
use domain::places::MunicipalityCode;
use uuid::Uuid;

use super::settings::wanted;
use super::{ACTS_MAX, How, NewAct, NewProposal, ProposalError, Scope, records, work};
use crate::audit::{self, Change as AuditChange};
use crate::db::{Db, Tx, sql, transact};
use crate::error::Result;
use crate::recorder::json;

/// Makes a proposal about records that it names. Where the city wants no second person for it, it
/// is approved by who proposes it.
///
/// # Errors
/// As [`ProposalError`]; [`Error::Exists`](crate::error::Error::Exists) if the id is taken.
pub async fn propose(
    db: &Db,
    permit: &CityPermit,
    new: &NewProposal,
    how: How,
) -> std::result::Result<State, ProposalError> {
    approvals::may_propose(permit.actor(), permit.city(), new.matter)?;
    if !(1..=ACTS_MAX).contains(&new.acts.len()) {
        return Err(ProposalError::Size(new.acts.len()));
    }
    let state = first_state(db, permit, new.matter).await?;
    let doses: Vec<DoseId> = new.acts.iter().map(|act| act.dose).collect();
    let proposed = transact!(db, |tx| {
        let now = records(&mut tx, permit.city(), &doses).await?;
        let as_seen = |act: &NewAct| {
            now.iter().any(|record| {
                record.id == act.dose
                    && record.standing != Standing::Void
                    && record.version() == act.seen
            })
        };
        let all_as_seen = new.acts.iter().all(as_seen);
        if all_as_seen {
            let acts = i64::try_from(new.acts.len()).unwrap_or(i64::MAX);
            let head = Head {
                id: new.id,
                matter: new.matter,
                reason: &new.reason,
                scope: None,
                upto_seq: 0,
                acts,
                undoes: new.undoes,
            };
            begin(&mut tx, permit, state, &head, how).await?;
            for (place, act) in (1..).zip(&new.acts) {
                put_act(&mut tx, permit.city(), new.id, place, act).await?;
            }
        }
        all_as_seen
    })?;
    if proposed {
        Ok(state)
    } else {
        Err(ProposalError::ChangedMeanwhile)
    }
}

/// Proposes to confirm many records at once, or to open them again; gives how many there are.
///
/// # Errors
/// As [`ProposalError`]: [`ProposalError::Size`] if there is none.
pub async fn propose_many(
    db: &Db,
    permit: &CityPermit,
    (id, matter, reason): (Uuid, Matter, &str),
    scope: Scope,
    how: How,
) -> std::result::Result<(State, i64), ProposalError> {
    approvals::may_propose(permit.actor(), permit.city(), matter)?;
    let state = first_state(db, permit, matter).await?;
    let acts = work::count(db, permit.city(), matter, scope).await?;
    if acts == 0 {
        return Err(ProposalError::Size(0));
    }
    transact!(db, |tx| {
        let (upto_seq,): (i64,) = tx
            .query(sql!(
                "SELECT COALESCE(MAX(seq), 0) FROM chain WHERE municipality = $1"
            ))
            .bind(permit.city().as_str().to_owned())
            .one()
            .await?;
        let head = Head {
            id,
            matter,
            reason,
            scope: Some(scope),
            upto_seq,
            acts,
            undoes: None,
        };
        begin(&mut tx, permit, state, &head, how).await?;
    })?;
    Ok((state, acts))
}

async fn first_state(db: &Db, permit: &CityPermit, matter: Matter) -> Result<State> {
    Ok(if wanted(db, permit).await?.needs(matter) {
        State::Proposed
    } else {
        State::Approved
    })
}

struct Head<'a> {
    id: Uuid,
    matter: Matter,
    reason: &'a str,
    scope: Option<Scope>,
    upto_seq: i64,
    acts: i64,
    undoes: Option<Uuid>,
}

async fn begin(
    tx: &mut Tx,
    permit: &CityPermit,
    state: State,
    head: &Head<'_>,
    how: How,
) -> Result<()> {
    let user = permit.actor().user.0.as_bytes().to_vec();
    let alone = state == State::Approved;
    tx.query(sql!(
        "INSERT INTO proposal (municipality, id, matter, reason, state, scope, upto_seq, reached, acts, done, passed,
                               undoes, by_user, organisation, made_at, decided_by, decided_at, leased_until)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, 0, 0, $9, $10, $11, $12, $13, $14, 0)"
    ))
    .bind(permit.city().as_str().to_owned())
    .bind(head.id.as_bytes().to_vec())
    .bind(head.matter.as_str().to_owned())
    .bind(head.reason.to_owned())
    .bind(state.as_str().to_owned())
    .bind(head.scope.as_ref().map(json))
    .bind(head.upto_seq)
    .bind(head.acts)
    .bind(head.undoes.map(|id| id.as_bytes().to_vec()))
    .bind(user.clone())
    .bind(permit.actor().organisation.0.as_bytes().to_vec())
    .bind(how.at.micros())
    .bind(alone.then_some(user))
    .bind(alone.then_some(how.at.micros()))
    .expect(1)
    .await?;
    let subject = head.id.to_string();
    let detail = format!(
        r#"{{"matter":"{}","state":"{}","acts":{}}}"#,
        head.matter.as_str(),
        state.as_str(),
        head.acts
    );
    let change = AuditChange {
        id: how.audit,
        at: how.at,
        municipality: Some(permit.city()),
        action: "propose-change",
        subject: &subject,
        detail: &detail,
    };
    audit::write(tx, permit.actor(), &change).await
}

async fn put_act(
    tx: &mut Tx,
    city: MunicipalityCode,
    proposal: Uuid,
    place: i64,
    act: &NewAct,
) -> Result<()> {
    tx.query(sql!(
        "INSERT INTO proposal_act (municipality, proposal, place, act_id, dose_id, version, change, new_dose, outcome)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting')"
    ))
    .bind(city.as_str().to_owned())
    .bind(proposal.as_bytes().to_vec())
    .bind(place)
    .bind(act.id.as_bytes().to_vec())
    .bind(act.dose.0.as_bytes().to_vec())
    .bind(act.seen.to_string())
    .bind(json(&act.change))
    .bind(act.new_dose.map(|dose| dose.0.as_bytes().to_vec()))
    .expect(1)
    .await
}
