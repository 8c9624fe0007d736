//! New codes (類似コード): a city applies for them (新規付番申請), its prefecture issues them.

use domain::access::{Action, OrganisationId, Permit, Place};
use domain::calendar::{Day, Instant};
use domain::venues::FacilityCode;
use domain::venues::codes::{Category, CodeKind, CodeSince, SERIAL_MAX, look_alike};
use serde_json::json;
use uuid::Uuid;

use super::{Kept, codes, within, write_change};
use crate::accounts::uuid;
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::stock::wrong_permit;

/// Applications on a list at most.
const LISTED_MAX: i64 = 200;

/// What became of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It waits for the prefecture.
    Now,
    /// Another one for the venue waits already.
    Waiting,
    /// There is no such venue in the city.
    NotFound,
}

/// What became of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// The venue has this code.
    Issued(FacilityCode),
    /// It was refused.
    Refused,
    /// There is no such application, or it was decided before.
    TooLate,
    /// All serial numbers of the category are used up.
    UsedUp,
}

/// An application as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its id.
    pub id: Uuid,
    /// The venue.
    pub venue: OrganisationId,
    /// Its name.
    pub name: String,
    /// What kind of code.
    pub category: Category,
    /// From which day on.
    pub from: Day,
    /// Why.
    pub reason: String,
    /// When it was made.
    pub applied_at: Instant,
    /// `waiting`, `issued` or `refused`.
    pub state: String,
    /// Why it was refused.
    pub answer: String,
    /// The code that was issued.
    pub code: Option<FacilityCode>,
}

#[derive(sqlx_macros::FromRow)]
struct Row {
    id: Vec<u8>,
    venue: Vec<u8>,
    name: String,
    category: String,
    valid_from: String,
    reason: String,
    applied_at: i64,
    state: String,
    answer: String,
    code: Option<String>,
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "code_application",
        column,
    }
}

impl TryFrom<Row> for Application {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let code = row.code.as_deref().map(FacilityCode::parse).transpose();
        Ok(Self {
            id: uuid(&row.id, "code_application", "id")?,
            venue: OrganisationId(uuid(&row.venue, "code_application", "venue")?),
            name: row.name,
            category: Category::parse(&row.category).ok_or_else(|| bad("category"))?,
            from: Day::parse(&row.valid_from).ok_or_else(|| bad("valid_from"))?,
            reason: row.reason,
            applied_at: Instant::from_micros(row.applied_at),
            state: row.state,
            answer: row.answer,
            code: code.map_err(|_| bad("code"))?,
        })
    }
}

/// Applies for a new code for a venue of the city. The id is made by the caller.
///
/// # Errors
/// The database's.
pub async fn apply(
    db: &Db,
    permit: &Permit,
    venue: OrganisationId,
    (category, from, reason): (Category, Day, &str),
    (id, at): (Uuid, Instant),
) -> Result<Applied> {
    let (Action::KeepVenues, Place::City(_)) = (permit.action(), permit.place()) else {
        return Err(wrong_permit());
    };
    transact!(db, |tx| {
        let Some(standing) = within(&mut tx, permit, venue).await? else {
            return Ok(Applied::NotFound);
        };
        let waiting: Option<(i64,)> = tx
            .query(sql!(
                "SELECT applied_at FROM code_application WHERE venue = $1 AND state = 'waiting'"
            ))
            .bind(venue.0.as_bytes().to_vec())
            .optional()
            .await?;
        if waiting.is_some() {
            return Ok(Applied::Waiting);
        }
        tx.query(sql!(
            "INSERT INTO code_application
                 (id, prefecture, municipality, venue, category, valid_from, reason, applied_at, applied_by, state, answer)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'waiting', '')"
        ))
        .bind(id.as_bytes().to_vec())
        .bind(i64::from(standing.prefecture.number()))
        .bind(standing.city.as_str().to_owned())
        .bind(venue.0.as_bytes().to_vec())
        .bind(category.as_str().to_owned())
        .bind(from.to_string())
        .bind(reason.to_owned())
        .bind(at.micros())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .expect(1)
        .await?;
        let detail = json!({ "category": category, "from": from, "reason": reason });
        let about = ("apply-for-code", venue, Some(standing.city));
        write_change(&mut tx, permit, about, &detail, (id, at)).await?;
        Applied::Now
    })
}

/// The applications of the city, or those to the prefecture, the ones that wait first.
///
/// # Errors
/// The database's.
pub async fn applications(db: &Db, permit: &Permit) -> Result<Vec<Application>> {
    let (prefecture, city) = match (permit.action(), *permit.place()) {
        (Action::IssueCodes, Place::Prefecture(own)) => (Some(i64::from(own.number())), None),
        (Action::KeepVenues, Place::City(own)) => (None, Some(own.as_str().to_owned())),
        _ => return Err(wrong_permit()),
    };
    let rows: Vec<Row> = db
        .query(sql!(
            "SELECT a.id, a.venue, o.name, a.category, a.valid_from, a.reason, a.applied_at, a.state, a.answer, a.code
             FROM code_application AS a JOIN organisation AS o ON o.id = a.venue
             WHERE (CAST($1 AS BIGINT) IS NULL OR a.prefecture = $1)
               AND (CAST($2 AS TEXT) IS NULL OR a.municipality = $2)
             ORDER BY CASE WHEN a.state = 'waiting' THEN 0 ELSE 1 END, a.id DESC LIMIT $3"
        ))
        .bind(prefecture)
        .bind(city)
        .bind(LISTED_MAX)
        .all()
        .await?;
    rows.into_iter().map(Application::try_from).collect()
}

/// Issues the next code of the category, or says why not.
///
/// # Errors
/// The database's.
pub async fn decide(
    db: &Db,
    permit: &Permit,
    id: Uuid,
    refused: Option<&str>,
    (audit, at): (Uuid, Instant),
) -> Result<Decided> {
    let (Action::IssueCodes, Place::Prefecture(prefecture)) = (permit.action(), *permit.place())
    else {
        return Err(wrong_permit());
    };
    transact!(db, |tx| {
        let found: Option<(Vec<u8>, String, String)> = tx
            .query(sql!(
                "SELECT venue, category, valid_from FROM code_application
                 WHERE id = $1 AND prefecture = $2 AND state = 'waiting'"
            ))
            .bind(id.as_bytes().to_vec())
            .bind(i64::from(prefecture.number()))
            .optional()
            .await?;
        let Some((venue, category, from)) = found else {
            return Ok(Decided::TooLate);
        };
        let venue = OrganisationId(uuid(&venue, "code_application", "venue")?);
        let category = Category::parse(&category).ok_or_else(|| bad("category"))?;
        let from = Day::parse(&from).ok_or_else(|| bad("valid_from"))?;
        let issued = match refused {
            Some(_) => None,
            None => match issue(&mut tx, permit, venue, (category, from), at).await? {
                Some(issued) => Some(issued),
                None => return Ok(Decided::UsedUp),
            },
        };
        tx.query(sql!(
            "UPDATE code_application
             SET state = $2, decided_at = $3, decided_by = $4, answer = $5, serial = $6, code = $7
             WHERE id = $1 AND state = 'waiting'"
        ))
        .bind(id.as_bytes().to_vec())
        .bind(
            if issued.is_some() {
                "issued"
            } else {
                "refused"
            }
            .to_owned(),
        )
        .bind(at.micros())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .bind(refused.unwrap_or_default().to_owned())
        .bind(issued.map(|(serial, _)| i64::from(serial)))
        .bind(issued.map(|(_, code)| code.as_str().to_owned()))
        .expect(1)
        .await?;
        let code = issued.map(|(_, code)| code);
        let detail = json!({ "application": id, "code": code, "answer": refused });
        let action = if code.is_some() {
            "issue-code"
        } else {
            "refuse-code"
        };
        write_change(&mut tx, permit, (action, venue, None), &detail, (audit, at)).await?;
        code.map_or(Decided::Refused, Decided::Issued)
    })
}

/// The next serial number whose code nobody has, and the code, given to the venue.
async fn issue(
    tx: &mut Tx,
    permit: &Permit,
    venue: OrganisationId,
    (category, from): (Category, Day),
    at: Instant,
) -> Result<Option<(u32, FacilityCode)>> {
    let Place::Prefecture(prefecture) = *permit.place() else {
        return Err(wrong_permit());
    };
    let (last,): (i64,) = tx
        .query(sql!(
            "SELECT COALESCE(MAX(serial), 0) FROM code_application WHERE prefecture = $1 AND category = $2"
        ))
        .bind(i64::from(prefecture.number()))
        .bind(category.as_str().to_owned())
        .one()
        .await?;
    let next = u32::try_from(last + 1).map_err(|_| bad("serial"))?;
    for serial in next..=SERIAL_MAX {
        let Some(code) = look_alike(prefecture, category, serial) else {
            break;
        };
        let since = CodeSince {
            from,
            code,
            kind: CodeKind::LookAlike,
        };
        // One that came from outside may have been given this code already.
        let kept = codes::put(tx, venue, (since, ""), None, (permit, at)).await?;
        if kept != Kept::CodeTaken {
            return Ok(Some((serial, code)));
        }
    }
    Ok(None)
}
