//! Changes that two people make together (二人承認): what was proposed, by whom, and what became of it.
//!
//! A proposal holds its acts, each with what its record said when it was proposed; or, of many
//! records at once, which ones. Approving it is a transaction of its own; the acts then go the way
//! of every act, through the recorder, and `work.rs` goes on with them after a restart. The entries
//! they make name the proposal as their device, so that from each entry both people are found.

mod work;

pub use work::{InHand, STRETCH_ACTS, finish_now, stretch, take_in_hand};

use domain::access::{CityPermit, OrganisationId, UserId};
use domain::approvals::{self, Decision, Matter, Refusal, State, Wanted, decide as rule};
use domain::calendar::{Day, Instant};
use domain::coupons::CouponLine;
use domain::doses::{ChangeRefusal, DoseId, Standing, Version};
use domain::places::MunicipalityCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::uuid;
use crate::audit::{self, Change as AuditChange};
use crate::db::{Db, Tx, sql, transact};
use crate::doses::{DoseRow, Record, record};
use crate::error::{Error, Result};
use crate::recorder::{
    Authority, Correction, Decision as Act, Entering, Receipt, RecordError, Recorder, Rehearsal,
    json, rehearse,
};

/// Records in one proposal at most: what a second person can look through.
pub const ACTS_MAX: usize = 200;
/// Proposals on a list at most.
const LISTED_MAX: i64 = 100;
/// What an entry's device is called when it was made by a proposal: this and the proposal's id.
const DEVICE: &str = "proposal:";

/// The device that the entries of a proposal name.
pub(crate) fn device_of(proposal: Uuid) -> String {
    format!("{DEVICE}{proposal}")
}

/// The proposal behind an entry, if one is.
#[must_use]
pub fn behind(device: &str) -> Option<Uuid> {
    Uuid::parse_str(device.strip_prefix(DEVICE)?).ok()
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "proposal",
        column,
    }
}

/// When something is decided, and the id of the audit's row about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct How {
    /// Of the audit's row.
    pub audit: Uuid,
    /// When.
    pub at: Instant,
}

/// For which matters the city wants a second person.
///
/// # Errors
/// The database's.
pub async fn wanted(db: &Db, permit: &CityPermit) -> Result<Wanted> {
    wanted_within(&mut db.begin_reading().await?, permit).await
}

/// The same within a transaction.
pub(crate) async fn wanted_within(tx: &mut Tx, permit: &CityPermit) -> Result<Wanted> {
    let row: Option<(String,)> = tx
        .query(sql!(
            "SELECT matters FROM approval_wanted WHERE municipality = $1"
        ))
        .bind(permit.city().as_str().to_owned())
        .optional()
        .await?;
    let Some((matters,)) = row else {
        return Ok(Wanted::default());
    };
    let matters: Vec<Matter> = serde_json::from_str(&matters).map_err(|_| bad("matters"))?;
    Ok(Wanted::for_matters(matters))
}

/// Sets for which matters the city wants a second person.
///
/// # Errors
/// The database's.
pub async fn set_wanted(db: &Db, permit: &CityPermit, wanted: &Wanted, how: How) -> Result<()> {
    let matters: Vec<Matter> = wanted.matters().collect();
    let city = permit.city();
    transact!(db, |tx| {
        tx.query(sql!(
            "INSERT INTO approval_wanted (municipality, matters, changed_by, changed_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (municipality) DO UPDATE SET
                 matters = excluded.matters, changed_by = excluded.changed_by, changed_at = excluded.changed_at"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(json(&matters))
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .bind(how.at.micros())
        .expect(1)
        .await?;
        let change = AuditChange {
            id: how.audit,
            at: how.at,
            municipality: Some(permit.city()),
            action: "set-approvals",
            subject: city.as_str(),
            detail: &json(&matters),
        };
        audit::write(&mut tx, permit.actor(), &change).await?;
    })
}

/// What shall happen to a record.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It shall say this.
    Correct {
        /// The day it was given.
        given_on: Day,
        /// Which dose it was.
        turn: u8,
        /// The product's key.
        product: String,
        /// The lot.
        lot: String,
        /// Who gave it.
        doctor: String,
    },
    /// It shall be taken back.
    Void,
    /// It shall be taken back, and entered under these digits.
    Replace {
        /// The digits that were on the paper.
        line: CouponLine,
    },
}

/// One act of a proposal that is to be made.
#[derive(Clone, PartialEq, Eq)]
pub struct NewAct {
    /// The act's own id.
    pub id: Uuid,
    /// Which record.
    pub dose: DoseId,
    /// What it said to who proposes.
    pub seen: Version,
    /// What shall happen.
    pub change: Change,
    /// The id of the record that is entered in its place, if one is.
    pub new_dose: Option<DoseId>,
}

/// Many records at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// What a venue registered on a day, but what a clerk must decide.
    Session {
        /// The venue.
        venue: OrganisationId,
        /// The day of registration.
        day: Day,
    },
    /// All that were given until a day and that nothing was found about.
    Clean {
        /// The last day.
        until: Day,
    },
}

/// A proposal that is to be made.
#[derive(Clone, PartialEq, Eq)]
pub struct NewProposal {
    /// Its id, made by the caller.
    pub id: Uuid,
    /// What it is about.
    pub matter: Matter,
    /// Why.
    pub reason: String,
    /// Its acts.
    pub acts: Vec<NewAct>,
    /// The repair that it undoes.
    pub undoes: Option<Uuid>,
}

/// Why a proposal is not made or decided.
#[derive(Debug, thiserror::Error)]
pub enum ProposalError {
    /// A rule of approvals says no.
    #[error("the proposal is refused: {0:?}")]
    Refused(Refusal),
    /// There is no such proposal, or no such record.
    #[error("no such proposal")]
    NotFound,
    /// A record says something else than what the person had before them, or is taken back.
    #[error("a record changed meanwhile")]
    ChangedMeanwhile,
    /// What shall be entered would not count: the person has that dose already.
    #[error("the person has that dose already")]
    WouldClash,
    /// There is nothing to do in it, or too much for one person to look through.
    #[error("a proposal has 1 to {ACTS_MAX} acts, not {0}")]
    Size(usize),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] Error),
}

impl From<Refusal> for ProposalError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

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

/// Makes a proposal about records that it names. Where the city wants no second person for it, it
/// is approved by who proposes it.
///
/// # Errors
/// As [`ProposalError`]; [`Error::Exists`] if the id is taken.
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

/// These records of the city, those that are there.
pub(crate) async fn records(
    tx: &mut Tx,
    city: MunicipalityCode,
    doses: &[DoseId],
) -> Result<Vec<Record>> {
    #[derive(Serialize)]
    struct Key {
        d: String,
    }
    let keys: Vec<Key> = doses
        .iter()
        .map(|dose| Key {
            d: dose.0.simple().to_string(),
        })
        .collect();
    let rows: Vec<DoseRow> = tx
        .query(sql!(
            "SELECT d.* FROM json_each($2) AS k CROSS JOIN dose AS d
             WHERE d.municipality = $1 AND d.dose_id = unhex(k.value->>'d')"
        ))
        .bind(city.as_str().to_owned())
        .bind(json(&keys))
        .all()
        .await?;
    rows.into_iter().map(Record::try_from).collect()
}

/// A proposal, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// In which city.
    pub city: MunicipalityCode,
    /// Its id.
    pub id: Uuid,
    /// What it is about.
    pub matter: Matter,
    /// Why.
    pub reason: String,
    /// What became of it.
    pub state: State,
    /// Of many records at once: which.
    pub scope: Option<Scope>,
    /// Acts in it.
    pub acts: i64,
    /// Acts done.
    pub done: i64,
    /// Acts passed over because the record says something else by now.
    pub passed: i64,
    /// The repair that it undoes.
    pub undoes: Option<Uuid>,
    /// Who proposed it.
    pub by: UserId,
    /// That person's name; empty if the account is gone.
    pub by_name: String,
    /// When.
    pub made_at: Instant,
    /// Who decided.
    pub decided_by: Option<UserId>,
    /// That person's name.
    pub decided_by_name: Option<String>,
    /// When.
    pub decided_at: Option<Instant>,
    /// What was said to a refusal.
    pub answer: Option<String>,
    /// When all its acts were done.
    pub ended_at: Option<Instant>,
    pub(crate) upto_seq: i64,
    pub(crate) reached: i64,
}

impl Proposal {
    /// Whether its acts are being done.
    #[must_use]
    pub fn is_at_work(&self) -> bool {
        self.state == State::Approved && self.ended_at.is_none()
    }

    /// How far the work is, in hundredths.
    #[must_use]
    pub fn percent(&self) -> i64 {
        if self.ended_at.is_some() {
            return 100;
        }
        ((self.done + self.passed) * 100 / self.acts.max(1)).min(100)
    }
}

#[derive(sqlx::FromRow)]
struct ProposalRow {
    municipality: String,
    id: Vec<u8>,
    matter: String,
    reason: String,
    state: String,
    scope: Option<String>,
    upto_seq: i64,
    reached: i64,
    acts: i64,
    done: i64,
    passed: i64,
    undoes: Option<Vec<u8>>,
    by_user: Vec<u8>,
    made_at: i64,
    decided_by: Option<Vec<u8>>,
    decided_at: Option<i64>,
    answer: Option<String>,
    ended_at: Option<i64>,
    by_name: Option<String>,
    decided_by_name: Option<String>,
}

impl TryFrom<ProposalRow> for Proposal {
    type Error = Error;

    fn try_from(row: ProposalRow) -> Result<Self> {
        let scope = row.scope.as_deref().map(serde_json::from_str).transpose();
        let some = |bytes: Option<Vec<u8>>, column| {
            bytes
                .map(|bytes| uuid(&bytes, "proposal", column))
                .transpose()
        };
        Ok(Self {
            city: MunicipalityCode::parse(&row.municipality).map_err(|_| bad("municipality"))?,
            id: uuid(&row.id, "proposal", "id")?,
            matter: Matter::parse(&row.matter).ok_or_else(|| bad("matter"))?,
            reason: row.reason,
            state: State::parse(&row.state).ok_or_else(|| bad("state"))?,
            scope: scope.map_err(|_| bad("scope"))?,
            acts: row.acts,
            done: row.done,
            passed: row.passed,
            undoes: some(row.undoes, "undoes")?,
            by: UserId(uuid(&row.by_user, "proposal", "by_user")?),
            by_name: row.by_name.unwrap_or_default(),
            made_at: Instant::from_micros(row.made_at),
            decided_by: some(row.decided_by, "decided_by")?.map(UserId),
            decided_by_name: row.decided_by_name,
            decided_at: row.decided_at.map(Instant::from_micros),
            answer: row.answer,
            ended_at: row.ended_at.map(Instant::from_micros),
            upto_seq: row.upto_seq,
            reached: row.reached,
        })
    }
}

const ONE: &str = sql!(
    "SELECT p.municipality, p.id, p.matter, p.reason, p.state, p.scope, p.upto_seq, p.reached, p.acts, p.done,
            p.passed, p.undoes, p.by_user, p.made_at, p.decided_by, p.decided_at, p.answer, p.ended_at,
            a.name AS by_name, b.name AS decided_by_name
     FROM proposal AS p
     LEFT JOIN account AS a ON a.id = p.by_user
     LEFT JOIN account AS b ON b.id = p.decided_by
     WHERE p.municipality = $1 AND p.id = $2"
);

/// One proposal of the city.
///
/// # Errors
/// The database's.
pub async fn proposal(db: &Db, permit: &CityPermit, id: Uuid) -> Result<Option<Proposal>> {
    db.query(ONE)
        .bind(permit.city().as_str().to_owned())
        .bind(id.as_bytes().to_vec())
        .optional::<ProposalRow>()
        .await?
        .map(Proposal::try_from)
        .transpose()
}

/// The city's proposals that wait for a second person, the oldest first.
///
/// # Errors
/// The database's.
pub async fn open(db: &Db, permit: &CityPermit) -> Result<Vec<Proposal>> {
    let rows: Vec<ProposalRow> = db
        .query(sql!(
            "SELECT p.municipality, p.id, p.matter, p.reason, p.state, p.scope, p.upto_seq, p.reached, p.acts, p.done,
                    p.passed, p.undoes, p.by_user, p.made_at, p.decided_by, p.decided_at, p.answer, p.ended_at,
                    a.name AS by_name, b.name AS decided_by_name
             FROM proposal AS p
             LEFT JOIN account AS a ON a.id = p.by_user
             LEFT JOIN account AS b ON b.id = p.decided_by
             WHERE p.municipality = $1 AND p.state = 'proposed' ORDER BY p.id LIMIT $2"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(LISTED_MAX)
        .all()
        .await?;
    rows.into_iter().map(Proposal::try_from).collect()
}

/// The city's latest proposals, whatever became of them.
///
/// # Errors
/// The database's.
pub async fn latest(db: &Db, permit: &CityPermit) -> Result<Vec<Proposal>> {
    let rows: Vec<ProposalRow> = db
        .query(sql!(
            "SELECT p.municipality, p.id, p.matter, p.reason, p.state, p.scope, p.upto_seq, p.reached, p.acts, p.done,
                    p.passed, p.undoes, p.by_user, p.made_at, p.decided_by, p.decided_at, p.answer, p.ended_at,
                    a.name AS by_name, b.name AS decided_by_name
             FROM proposal AS p
             LEFT JOIN account AS a ON a.id = p.by_user
             LEFT JOIN account AS b ON b.id = p.decided_by
             WHERE p.municipality = $1 ORDER BY p.id DESC LIMIT $2"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(LISTED_MAX)
        .all()
        .await?;
    rows.into_iter().map(Proposal::try_from).collect()
}

/// The proposals that a record is part of, as the one to be changed or as the one entered instead;
/// the latest first.
///
/// # Errors
/// The database's.
pub async fn about(db: &Db, permit: &CityPermit, dose: DoseId) -> Result<Vec<Proposal>> {
    let rows: Vec<ProposalRow> = db
        .query(sql!(
            "SELECT p.municipality, p.id, p.matter, p.reason, p.state, p.scope, p.upto_seq, p.reached, p.acts, p.done,
                    p.passed, p.undoes, p.by_user, p.made_at, p.decided_by, p.decided_at, p.answer, p.ended_at,
                    a.name AS by_name, b.name AS decided_by_name
             FROM proposal AS p
             LEFT JOIN account AS a ON a.id = p.by_user
             LEFT JOIN account AS b ON b.id = p.decided_by
             WHERE p.municipality = $1 AND p.id IN (
                 SELECT x.proposal FROM proposal_act AS x WHERE x.municipality = $1 AND x.dose_id = $2
                 UNION
                 SELECT y.proposal FROM proposal_act AS y WHERE y.municipality = $1 AND y.new_dose = $2)
             ORDER BY p.id DESC LIMIT $3"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(dose.0.as_bytes().to_vec())
        .bind(LISTED_MAX)
        .all()
        .await?;
    rows.into_iter().map(Proposal::try_from).collect()
}

/// An act of a proposal, with its record as it stands now.
#[derive(Clone, PartialEq, Eq)]
pub struct ProposedAct {
    /// Its place, from 1.
    pub place: i64,
    /// The act's own id.
    pub id: Uuid,
    /// What the record said to who proposed it.
    pub seen: Version,
    /// What shall happen, or happened.
    pub change: Change,
    /// The id of the record that is entered in its place.
    pub new_dose: Option<DoseId>,
    /// What came of it: `waiting`, `done`, or why it was passed over.
    pub outcome: String,
    /// The record as it stands now.
    pub record: Record,
}

#[derive(sqlx::FromRow)]
struct ActRow {
    place: i64,
    act_id: Vec<u8>,
    version: String,
    change: String,
    new_dose: Option<Vec<u8>>,
    outcome: String,
    #[sqlx(flatten)]
    dose: DoseRow,
}

impl TryFrom<ActRow> for ProposedAct {
    type Error = Error;

    fn try_from(row: ActRow) -> Result<Self> {
        let wrong = |column| Error::Inconsistent {
            table: "proposal_act",
            column,
        };
        let new_dose = row
            .new_dose
            .map(|bytes| uuid(&bytes, "proposal_act", "new_dose").map(DoseId));
        Ok(Self {
            place: row.place,
            id: uuid(&row.act_id, "proposal_act", "act_id")?,
            seen: Version::parse(&row.version).ok_or_else(|| wrong("version"))?,
            change: serde_json::from_str(&row.change).map_err(|_| wrong("change"))?,
            new_dose: new_dose.transpose()?,
            outcome: row.outcome,
            record: Record::try_from(row.dose)?,
        })
    }
}

const ACTS: &str = sql!(
    "SELECT x.place, x.act_id, x.version, x.change, x.new_dose, x.outcome, d.*
     FROM proposal_act AS x
     JOIN dose AS d ON d.municipality = x.municipality AND d.dose_id = x.dose_id
     WHERE x.municipality = $1 AND x.proposal = $2 AND x.place > $3 ORDER BY x.place LIMIT $4"
);

/// The acts of a proposal, in their order.
///
/// # Errors
/// The database's.
pub async fn acts(db: &Db, permit: &CityPermit, id: Uuid) -> Result<Vec<ProposedAct>> {
    let rows: Vec<ActRow> = db
        .query(ACTS)
        .bind(permit.city().as_str().to_owned())
        .bind(id.as_bytes().to_vec())
        .bind(0_i64)
        .bind(i64::try_from(ACTS_MAX).unwrap_or(i64::MAX))
        .all()
        .await?;
    rows.into_iter().map(ProposedAct::try_from).collect()
}

impl ProposedAct {
    /// What the record that is entered in place of a wrong one says.
    pub(crate) fn entering(&self, reason: &str, device: String) -> Option<Entering> {
        let Change::Replace { line } = self.change else {
            return None;
        };
        Some(Entering {
            id: self.new_dose?,
            facts: domain::doses::Facts {
                line,
                ..self.record.facts()
            },
            venue_city: self.record.venue_city,
            reason: approvals::replacing(reason, self.record.id),
            device,
        })
    }
}

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

/// Decides about a proposal; what it says is done afterwards, by [`finish_now`] or the job.
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
