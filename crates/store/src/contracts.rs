//! The collective contract (集合契約): mandates (委任状) that venues make, associations confirm, and what follows from them:
//! who may order, ask for supply and claim.

use std::collections::BTreeSet;

use domain::access::{Action, OrganisationId, OrganisationKind, Permit, Place};
use domain::calendar::{Day, Instant};
use domain::contracts::{
    Act, MandateRefusal, NoContract, Standing, State, Step, holds_from, may_follow, must_be_party,
};
use domain::places::MunicipalityCode;
use serde_json::json;
use uuid::Uuid;

use crate::accounts::uuid;
use crate::audit::{self, Change};
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::stock::wrong_permit;

/// Mandates on a list at most.
pub const LISTED_MAX: i64 = 500;
/// Mandates of one venue at most.
const STEPS_MAX: i64 = 200;
/// Parties in one file at most: more venues than Japan has.
const PARTIES_MAX: i64 = 200_000;

/// A mandate that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMandate {
    /// Its id, made by the caller.
    pub id: Uuid,
    /// To which association.
    pub association: OrganisationId,
    /// What for.
    pub act: Act,
    /// From which day on, if it is confirmed by then.
    pub asked_from: Day,
    /// Who signs for the venue: post and name.
    pub signatory: String,
}

/// What became of a mandate that was to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It waits for the association.
    Now,
    /// It cannot be made.
    Refused(MandateRefusal),
    /// There is no such association.
    NoAssociation,
}

/// What an association says of a mandate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision<'a> {
    /// The paper is in hand and in order.
    Confirm,
    /// It is given back, for this reason.
    Refuse(&'a str),
}

/// What became of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// It holds from this day on.
    Confirmed(Day),
    /// It was given back.
    Refused,
    /// It was decided or withdrawn before, or is not to this association.
    TooLate,
    /// Since it was made something was confirmed that it cannot follow.
    CannotFollow(MandateRefusal),
}

/// A mandate as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mandate {
    /// Its id.
    pub id: Uuid,
    /// The venue.
    pub venue: OrganisationId,
    /// The venue's name.
    pub venue_name: String,
    /// The venue's code.
    pub code: String,
    /// The venue's city.
    pub municipality: String,
    /// The association.
    pub association: OrganisationId,
    /// The association's name.
    pub association_name: String,
    /// What for.
    pub act: Act,
    /// From which day on it was asked for.
    pub asked_from: Day,
    /// Who signs for the venue.
    pub signatory: String,
    /// What became of it.
    pub state: State,
    /// When it was made.
    pub made_at: Instant,
    /// From which day on it holds.
    pub valid_from: Option<Day>,
    /// When the association or the venue said its last word.
    pub decided_at: Option<Instant>,
    /// Why it was given back.
    pub answer: String,
}

#[derive(sqlx_macros::FromRow)]
struct Row {
    id: Vec<u8>,
    venue: Vec<u8>,
    venue_name: String,
    code: String,
    municipality: String,
    association: Vec<u8>,
    association_name: String,
    act: String,
    asked_from: String,
    signatory: String,
    state: String,
    made_at: i64,
    valid_from: Option<String>,
    decided_at: Option<i64>,
    answer: String,
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "mandate",
        column,
    }
}

fn day(text: &str, column: &'static str) -> Result<Day> {
    Day::parse(text).ok_or_else(|| bad(column))
}

impl TryFrom<Row> for Mandate {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let organisation = |id: &[u8]| uuid(id, "mandate", "venue").map(OrganisationId);
        let valid_from = row.valid_from.as_deref();
        Ok(Self {
            id: uuid(&row.id, "mandate", "id")?,
            venue: organisation(&row.venue)?,
            venue_name: row.venue_name,
            code: row.code,
            municipality: row.municipality,
            association: organisation(&row.association)?,
            association_name: row.association_name,
            act: Act::parse(&row.act).ok_or_else(|| bad("act"))?,
            asked_from: day(&row.asked_from, "asked_from")?,
            signatory: row.signatory,
            state: State::parse(&row.state).ok_or_else(|| bad("state"))?,
            made_at: Instant::from_micros(row.made_at),
            valid_from: valid_from.map(|text| day(text, "valid_from")).transpose()?,
            decided_at: row.decided_at.map(Instant::from_micros),
            answer: row.answer,
        })
    }
}

/// What was confirmed of a venue, in order of its days.
async fn steps(tx: &mut Tx, venue: OrganisationId) -> Result<Vec<Step>> {
    let rows: Vec<(String, String, Vec<u8>)> = tx
        .query(sql!(
            "SELECT act, valid_from, association FROM mandate
             WHERE venue = $1 AND state = 'confirmed' AND valid_from IS NOT NULL
             ORDER BY valid_from, id LIMIT $2"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(STEPS_MAX)
        .all()
        .await?;
    rows.into_iter()
        .map(|(act, from, association)| {
            Ok(Step {
                act: Act::parse(&act).ok_or_else(|| bad("act"))?,
                from: day(&from, "valid_from")?,
                association: OrganisationId(uuid(&association, "mandate", "association")?),
            })
        })
        .collect()
}

/// Whether a venue may order, ask for supply and claim on a day; the error within says why not.
pub(crate) async fn may_take_part(
    tx: &mut Tx,
    venue: OrganisationId,
    on: Day,
) -> Result<std::result::Result<(), NoContract>> {
    Ok(must_be_party(Standing::on(&steps(tx, venue).await?, on)))
}

/// How a venue stands to the contract on a day: its own place, or that of its city, prefecture or nation.
///
/// # Errors
/// The database's.
pub async fn standing(db: &Db, venue: OrganisationId, on: Day) -> Result<Standing> {
    let mut tx = db.begin_reading().await?;
    Ok(Standing::on(&steps(&mut tx, venue).await?, on))
}

/// Which venues of a prefecture or a city are parties on a day.
pub(crate) async fn parties_within(
    tx: &mut Tx,
    (prefecture, city): (Option<i64>, Option<MunicipalityCode>),
    on: Day,
) -> Result<BTreeSet<OrganisationId>> {
    let rows: Vec<(Vec<u8>,)> = tx
        .query(sql!(
            "SELECT m.venue FROM mandate AS m JOIN organisation AS v ON v.id = m.venue
             WHERE m.state = 'confirmed' AND m.act <> 'leave' AND m.valid_from <= $1
               AND NOT EXISTS (SELECT 1 FROM mandate AS n
                    WHERE n.venue = m.venue AND n.state = 'confirmed'
                      AND n.valid_from > m.valid_from AND n.valid_from <= $1)
               AND (CAST($2 AS BIGINT) IS NULL OR v.prefecture = $2)
               AND (CAST($3 AS TEXT) IS NULL OR v.municipality = $3)
             ORDER BY m.venue LIMIT $4"
        ))
        .bind(on.to_string())
        .bind(prefecture)
        .bind(city.map(|city| city.as_str().to_owned()))
        .bind(PARTIES_MAX)
        .all()
        .await?;
    rows.iter()
        .map(|(venue,)| uuid(venue, "mandate", "venue").map(OrganisationId))
        .collect()
}

fn own_venue(permit: &Permit) -> Result<(OrganisationId, MunicipalityCode)> {
    match (permit.action(), *permit.place()) {
        (Action::MakeMandate, Place::Venue { id, city }) => Ok((id, city)),
        _ => Err(wrong_permit()),
    }
}

fn own_association(permit: &Permit) -> Result<OrganisationId> {
    match (permit.action(), *permit.place()) {
        (Action::ConfirmMandates, Place::Company(id)) => Ok(id),
        _ => Err(wrong_permit()),
    }
}

async fn write_change(
    tx: &mut Tx,
    permit: &Permit,
    (action, mandate, city): (&str, Uuid, Option<MunicipalityCode>),
    detail: &serde_json::Value,
    (id, at): (Uuid, Instant),
) -> Result<()> {
    let change = Change {
        id,
        at,
        municipality: city,
        action,
        subject: &mandate.to_string(),
        detail: &detail.to_string(),
    };
    audit::write(tx, permit.actor(), &change).await
}

/// Makes a mandate of the permit's venue. The same id again changes nothing.
///
/// # Errors
/// The database's.
pub async fn make(
    db: &Db,
    permit: &Permit,
    new: &NewMandate,
    (audit, at): (Uuid, Instant),
) -> Result<Made> {
    let (venue, city) = own_venue(permit)?;
    transact!(db, |tx| {
        let waiting: Option<(Vec<u8>,)> = tx
            .query(sql!(
                "SELECT id FROM mandate WHERE venue = $1 AND state = 'made'"
            ))
            .bind(venue.0.as_bytes().to_vec())
            .optional()
            .await?;
        if let Some((id,)) = waiting {
            return Ok(if uuid(&id, "mandate", "id")? == new.id {
                Made::Now
            } else {
                Made::Refused(MandateRefusal::Waiting)
            });
        }
        let association: Option<(String,)> = tx
            .query(sql!(
                "SELECT name FROM organisation WHERE id = $1 AND kind = 'association' AND active = 1"
            ))
            .bind(new.association.0.as_bytes().to_vec())
            .optional()
            .await?;
        if association.is_none() {
            return Ok(Made::NoAssociation);
        }
        let steps = steps(&mut tx, venue).await?;
        if let Err(refusal) = may_follow(&steps, new.act, new.asked_from) {
            return Ok(Made::Refused(refusal));
        }
        tx.query(sql!(
            "INSERT INTO mandate (id, venue, association, act, asked_from, signatory, state, made_at, made_by, answer)
             VALUES ($1, $2, $3, $4, $5, $6, 'made', $7, $8, '')"
        ))
        .bind(new.id.as_bytes().to_vec())
        .bind(venue.0.as_bytes().to_vec())
        .bind(new.association.0.as_bytes().to_vec())
        .bind(new.act.as_str().to_owned())
        .bind(new.asked_from.to_string())
        .bind(new.signatory.clone())
        .bind(at.micros())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .expect(1)
        .await?;
        let detail = json!({
            "act": new.act, "association": new.association, "from": new.asked_from,
        });
        let about = ("make-mandate", new.id, Some(city));
        write_change(&mut tx, permit, about, &detail, (audit, at)).await?;
        Made::Now
    })
}

/// Takes a mandate back that the association has not decided about; false if it has.
///
/// # Errors
/// The database's.
pub async fn withdraw(
    db: &Db,
    permit: &Permit,
    id: Uuid,
    (audit, at): (Uuid, Instant),
) -> Result<bool> {
    let (venue, city) = own_venue(permit)?;
    transact!(db, |tx| {
        let taken = tx
            .query(sql!(
                "UPDATE mandate SET state = 'withdrawn', decided_at = $3, decided_by = $4
                 WHERE id = $1 AND venue = $2 AND state = 'made'"
            ))
            .bind(id.as_bytes().to_vec())
            .bind(venue.0.as_bytes().to_vec())
            .bind(at.micros())
            .bind(permit.actor().user.0.as_bytes().to_vec())
            .run()
            .await?;
        if taken == 1 {
            let about = ("withdraw-mandate", id, Some(city));
            write_change(&mut tx, permit, about, &json!({}), (audit, at)).await?;
        }
        taken == 1
    })
}

/// Confirms a mandate to the permit's association, or gives it back.
///
/// # Errors
/// The database's.
pub async fn decide(
    db: &Db,
    permit: &Permit,
    id: Uuid,
    decision: Decision<'_>,
    (audit, at): (Uuid, Instant),
) -> Result<Decided> {
    let association = own_association(permit)?;
    transact!(db, |tx| {
        let found: Option<(Vec<u8>, String, String)> = tx
            .query(sql!(
                "SELECT venue, act, asked_from FROM mandate
                 WHERE id = $1 AND association = $2 AND state = 'made'"
            ))
            .bind(id.as_bytes().to_vec())
            .bind(association.0.as_bytes().to_vec())
            .optional()
            .await?;
        let Some((venue, act, asked_from)) = found else {
            return Ok(Decided::TooLate);
        };
        let venue = OrganisationId(uuid(&venue, "mandate", "venue")?);
        let act = Act::parse(&act).ok_or_else(|| bad("act"))?;
        let from = holds_from(day(&asked_from, "asked_from")?, at.day_in_japan());
        let (state, answer, valid_from) = match decision {
            Decision::Confirm => {
                if let Err(refusal) = may_follow(&steps(&mut tx, venue).await?, act, from) {
                    return Ok(Decided::CannotFollow(refusal));
                }
                (State::Confirmed, "", Some(from))
            }
            Decision::Refuse(reason) => (State::Refused, reason, None),
        };
        tx.query(sql!(
            "UPDATE mandate SET state = $2, answer = $3, valid_from = $4, decided_at = $5, decided_by = $6
             WHERE id = $1 AND state = 'made'"
        ))
        .bind(id.as_bytes().to_vec())
        .bind(state.as_str().to_owned())
        .bind(answer.to_owned())
        .bind(valid_from.map(|from| from.to_string()))
        .bind(at.micros())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .expect(1)
        .await?;
        let detail = json!({ "venue": venue, "act": act, "from": valid_from, "state": state });
        let about = ("decide-mandate", id, None);
        write_change(&mut tx, permit, about, &detail, (audit, at)).await?;
        valid_from.map_or(Decided::Refused, Decided::Confirmed)
    })
}

/// The mandates of the permit's venue, or those to its association: those that wait first, then the latest.
///
/// # Errors
/// The database's.
pub async fn mandates(db: &Db, permit: &Permit) -> Result<Vec<Mandate>> {
    let (venue, association) = match permit.action() {
        Action::MakeMandate => (Some(own_venue(permit)?.0), None),
        _ => (None, Some(own_association(permit)?)),
    };
    let bytes = |id: Option<OrganisationId>| id.map(|id| id.0.as_bytes().to_vec());
    let rows: Vec<Row> = db
        .query(sql!(
            "SELECT m.id, m.venue, v.name AS venue_name, COALESCE(v.facility_code, '') AS code,
                    COALESCE(v.municipality, '') AS municipality,
                    m.association, a.name AS association_name, m.act, m.asked_from, m.signatory, m.state, m.made_at,
                    m.valid_from, m.decided_at, m.answer
             FROM mandate AS m JOIN organisation AS v ON v.id = m.venue JOIN organisation AS a ON a.id = m.association
             WHERE (m.venue = $1 OR $1 IS NULL) AND (m.association = $2 OR $2 IS NULL)
             ORDER BY CASE WHEN m.state = 'made' THEN 0 ELSE 1 END, m.id DESC LIMIT $3"
        ))
        .bind(bytes(venue))
        .bind(bytes(association))
        .bind(LISTED_MAX)
        .all()
        .await?;
    rows.into_iter().map(Mandate::try_from).collect()
}

/// The associations that mandates can be given to, by name.
///
/// # Errors
/// The database's.
pub async fn associations(db: &Db) -> Result<Vec<(OrganisationId, String)>> {
    let rows: Vec<(Vec<u8>, String)> = db
        .query(sql!(
            "SELECT id, name FROM organisation WHERE kind = 'association' AND active = 1
             ORDER BY name, id LIMIT $1"
        ))
        .bind(crate::accounts::LISTED_MAX)
        .all()
        .await?;
    rows.into_iter()
        .map(|(id, name)| Ok((OrganisationId(uuid(&id, "organisation", "id")?), name)))
        .collect()
}

/// A party to the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Its code on the day asked for.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its city.
    pub municipality: String,
    /// Its association's name.
    pub association: String,
    /// Since when without a break.
    pub since: Day,
}

/// Who is a party on a day, by code: all of the nation, of a prefecture or city, or of an association.
///
/// # Errors
/// The database's.
pub async fn parties(db: &Db, permit: &Permit, on: Day) -> Result<Vec<Party>> {
    let (prefecture, city, association) =
        match (permit.action(), permit.actor().kind, *permit.place()) {
            (Action::SeeVenues, OrganisationKind::Nation, Place::Nation) => (None, None, None),
            (Action::SeeVenues, _, Place::Prefecture(own)) => {
                (Some(i64::from(own.number())), None, None)
            }
            (Action::SeeVenues, _, Place::City(own)) => (None, Some(own.as_str().to_owned()), None),
            _ => (
                None,
                None,
                Some(own_association(permit)?.0.as_bytes().to_vec()),
            ),
        };
    let rows: Vec<(String, String, String, String, String)> = db
        .query(sql!(
            "SELECT COALESCE((SELECT c.code FROM venue_code AS c
                     WHERE c.venue = v.id AND c.valid_from <= $1
                     ORDER BY c.valid_from DESC, c.revision DESC LIMIT 1), '') AS code,
                    v.name, COALESCE(v.municipality, ''), a.name,
                    (SELECT MIN(j.valid_from) FROM mandate AS j
                     WHERE j.venue = m.venue AND j.state = 'confirmed' AND j.act = 'join' AND j.valid_from <= $1
                       AND NOT EXISTS (SELECT 1 FROM mandate AS l
                            WHERE l.venue = j.venue AND l.state = 'confirmed' AND l.act = 'leave'
                              AND l.valid_from > j.valid_from AND l.valid_from <= $1))
             FROM mandate AS m
             JOIN organisation AS v ON v.id = m.venue JOIN organisation AS a ON a.id = m.association
             WHERE m.state = 'confirmed' AND m.act <> 'leave' AND m.valid_from <= $1
               AND NOT EXISTS (SELECT 1 FROM mandate AS n
                    WHERE n.venue = m.venue AND n.state = 'confirmed'
                      AND n.valid_from > m.valid_from AND n.valid_from <= $1)
               AND (CAST($2 AS BIGINT) IS NULL OR v.prefecture = $2)
               AND (CAST($3 AS TEXT) IS NULL OR v.municipality = $3)
               AND (m.association = $4 OR $4 IS NULL)
             ORDER BY code, v.id LIMIT $5"
        ))
        .bind(on.to_string())
        .bind(prefecture)
        .bind(city)
        .bind(association)
        .bind(PARTIES_MAX)
        .all()
        .await?;
    rows.into_iter()
        .map(|(code, name, municipality, association, since)| {
            Ok(Party {
                code,
                name,
                municipality,
                association,
                since: day(&since, "valid_from")?,
            })
        })
        .collect()
}
