//! Proposals and their acts as they stand.

use domain::access::{CityPermit, UserId};
use domain::approvals::{self, Matter, State};
use domain::calendar::Instant;
use domain::doses::{DoseId, Version};
use domain::places::MunicipalityCode;
use uuid::Uuid;

use super::{ACTS_MAX, Change, Scope, bad};
use crate::accounts::uuid;
use crate::db::{Db, sql};
use crate::doses::{DoseRow, Record};
use crate::error::{Error, Result};
use crate::recorder::Entering;

/// Proposals on a list at most.
const LISTED_MAX: i64 = 100;

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

#[derive(sqlx_macros::FromRow)]
pub(super) struct ProposalRow {
    pub(super) municipality: String,
    pub(super) id: Vec<u8>,
    pub(super) matter: String,
    pub(super) reason: String,
    pub(super) state: String,
    pub(super) scope: Option<String>,
    pub(super) upto_seq: i64,
    pub(super) reached: i64,
    pub(super) acts: i64,
    pub(super) done: i64,
    pub(super) passed: i64,
    pub(super) undoes: Option<Vec<u8>>,
    pub(super) by_user: Vec<u8>,
    pub(super) made_at: i64,
    pub(super) decided_by: Option<Vec<u8>>,
    pub(super) decided_at: Option<i64>,
    pub(super) answer: Option<String>,
    pub(super) ended_at: Option<i64>,
    pub(super) by_name: Option<String>,
    pub(super) decided_by_name: Option<String>,
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

pub(super) const ONE: &str = sql!(
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

#[derive(sqlx_macros::FromRow)]
pub(super) struct ActRow {
    pub(super) place: i64,
    pub(super) act_id: Vec<u8>,
    pub(super) version: String,
    pub(super) change: String,
    pub(super) new_dose: Option<Vec<u8>>,
    pub(super) outcome: String,
    #[sqlx(flatten)]
    pub(super) dose: DoseRow,
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

pub(super) const ACTS: &str = sql!(
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
