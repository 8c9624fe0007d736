//! The codes of venues in the course of time.

use domain::access::{OrganisationId, Permit};
use domain::calendar::{Day, Instant};
use domain::venues::FacilityCode;
use domain::venues::codes::{self as rules, CodeHistory, CodeKind, CodeSince};
use serde_json::json;
use uuid::Uuid;

use super::{Kept, may_see, may_tell, within, write_change};
use crate::accounts::uuid;
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};

/// Rows of one history at most: what was told about the codes of one venue, mistakes among it.
const TOLD_MAX: i64 = 200;

/// A code as it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeTold {
    /// The code, its kind and its day.
    pub since: CodeSince,
    /// Why it changed; empty the first time.
    pub reason: String,
    /// Which telling it was, from 1.
    pub revision: i64,
    /// When.
    pub at: Instant,
}

#[derive(sqlx_macros::FromRow)]
struct Row {
    revision: i64,
    valid_from: String,
    code: String,
    kind: String,
    reason: String,
    at_micros: i64,
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "venue_code",
        column,
    }
}

impl TryFrom<Row> for CodeTold {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            since: CodeSince {
                from: Day::parse(&row.valid_from).ok_or_else(|| bad("valid_from"))?,
                code: FacilityCode::parse(&row.code).map_err(|_| bad("code"))?,
                kind: CodeKind::parse(&row.kind).ok_or_else(|| bad("kind"))?,
            },
            reason: row.reason,
            revision: row.revision,
            at: Instant::from_micros(row.at_micros),
        })
    }
}

async fn told(tx: &mut Tx, venue: OrganisationId) -> Result<Vec<CodeTold>> {
    let rows: Vec<Row> = tx
        .query(sql!(
            "SELECT revision, valid_from, code, kind, reason, at_micros FROM venue_code
             WHERE venue = $1 ORDER BY revision LIMIT $2"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(TOLD_MAX)
        .all()
        .await?;
    rows.into_iter().map(CodeTold::try_from).collect()
}

/// The histories of all venues that ever had this code, this one's left out.
async fn histories(
    tx: &mut Tx,
    code: FacilityCode,
    but: Option<OrganisationId>,
) -> Result<Vec<(OrganisationId, CodeHistory)>> {
    let venues: Vec<(Vec<u8>,)> = tx
        .query(sql!(
            "SELECT DISTINCT venue FROM venue_code WHERE code = $1 ORDER BY venue LIMIT $2"
        ))
        .bind(code.as_str().to_owned())
        .bind(TOLD_MAX)
        .all()
        .await?;
    let mut found = Vec::with_capacity(venues.len());
    for (venue,) in venues {
        let venue = OrganisationId(uuid(&venue, "venue_code", "venue")?);
        if Some(venue) != but {
            let told = told(tx, venue).await?;
            found.push((
                venue,
                CodeHistory::told(told.into_iter().map(|one| one.since)),
            ));
        }
    }
    Ok(found)
}

/// The active venue that a code means on a day.
pub(crate) async fn holder(
    tx: &mut Tx,
    code: FacilityCode,
    day: Day,
) -> Result<Option<OrganisationId>> {
    let histories = histories(tx, code, None).await?;
    let Some(venue) = rules::holder(&histories, code, day) else {
        return Ok(None);
    };
    let active: Option<(i64,)> = tx
        .query(sql!("SELECT active FROM organisation WHERE id = $1"))
        .bind(venue.0.as_bytes().to_vec())
        .optional()
        .await?;
    Ok(active.filter(|(active,)| *active == 1).map(|_| venue))
}

/// The venue that a code means on a day, if the permit reaches it.
///
/// # Errors
/// The database's.
pub async fn of_code(
    db: &Db,
    permit: &Permit,
    code: FacilityCode,
    day: Day,
) -> Result<Option<OrganisationId>> {
    may_see(permit)?;
    let mut tx = db.begin_reading().await?;
    let Some(venue) = holder(&mut tx, code, day).await? else {
        return Ok(None);
    };
    Ok(within(&mut tx, permit, venue).await?.map(|_| venue))
}

/// What was told about a venue's codes, the first telling first.
///
/// # Errors
/// The database's.
pub async fn codes(db: &Db, permit: &Permit, venue: OrganisationId) -> Result<Vec<CodeTold>> {
    may_see(permit)?;
    let mut tx = db.begin_reading().await?;
    match within(&mut tx, permit, venue).await? {
        Some(_) => told(&mut tx, venue).await,
        None => Ok(Vec::new()),
    }
}

/// Tells a venue's code from a day on; `seen` is the last revision that whoever tells had before them, 0 for none.
///
/// # Errors
/// The database's.
pub async fn tell_code(
    db: &Db,
    permit: &Permit,
    venue: OrganisationId,
    (since, reason): (CodeSince, &str),
    seen: i64,
    (audit, at): (Uuid, Instant),
) -> Result<Kept> {
    may_tell(permit)?;
    // What a venue is called is not its own to say.
    if permit.actor().organisation == venue {
        return Ok(Kept::NotYours);
    }
    transact!(db, |tx| {
        let Some(standing) = within(&mut tx, permit, venue).await? else {
            return Ok(Kept::NotFound);
        };
        let kept = put(&mut tx, venue, (since, reason), Some(seen), (permit, at)).await?;
        if let Kept::As(revision) = kept {
            let detail = json!({
                "from": since.from, "code": since.code, "kind": since.kind, "revision": revision,
                "before": standing.code, "reason": reason,
            });
            let about = ("tell-code", venue, Some(standing.city));
            write_change(&mut tx, permit, about, &detail, (audit, at)).await?;
        }
        kept
    })
}

/// Writes a code down, if no other venue has it at the same time.
pub(super) async fn put(
    tx: &mut Tx,
    venue: OrganisationId,
    (since, reason): (CodeSince, &str),
    seen: Option<i64>,
    (permit, at): (&Permit, Instant),
) -> Result<Kept> {
    let told = told(tx, venue).await?;
    let last = told.last().map_or(0, |one| one.revision);
    let was = CodeHistory::told(told.iter().map(|one| one.since));
    if was.all().contains(&since) {
        return Ok(Kept::AsItIs);
    }
    if seen.is_some_and(|seen| seen != last) {
        return Ok(Kept::ChangedMeanwhile(last));
    }
    let becomes = CodeHistory::told(told.iter().map(|one| one.since).chain([since]));
    for (_, other) in histories(tx, since.code, Some(venue)).await? {
        if becomes.shared_with(&other).is_some() {
            return Ok(Kept::CodeTaken);
        }
    }
    let by = permit.actor();
    tx.query(sql!(
        "INSERT INTO venue_code (venue, revision, valid_from, code, kind, reason, at_micros, by_user, organisation)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    ))
    .bind(venue.0.as_bytes().to_vec())
    .bind(last + 1)
    .bind(since.from.to_string())
    .bind(since.code.as_str().to_owned())
    .bind(since.kind.as_str().to_owned())
    .bind(reason.to_owned())
    .bind(at.micros())
    .bind(by.user.0.as_bytes().to_vec())
    .bind(by.organisation.0.as_bytes().to_vec())
    .expect(1)
    .await?;
    let today = becomes.on(at.day_in_japan());
    tx.query(sql!(
        "UPDATE organisation SET facility_code = $2 WHERE id = $1"
    ))
    .bind(venue.0.as_bytes().to_vec())
    .bind(today.map(|one| one.code.as_str().to_owned()))
    .expect(1)
    .await?;
    Ok(Kept::As(last + 1))
}

/// The code that a venue is founded with, from that day on.
///
/// # Errors
/// [`Error::Exists`] if another venue has it.
pub(crate) async fn found(
    tx: &mut Tx,
    venue: OrganisationId,
    code: FacilityCode,
    (permit, at): (&Permit, Instant),
) -> Result<()> {
    let since = CodeSince {
        from: at.day_in_japan(),
        code,
        kind: CodeKind::guessed(code),
    };
    match put(tx, venue, (since, ""), None, (permit, at)).await? {
        Kept::CodeTaken => Err(Error::Exists),
        _ => Ok(()),
    }
}
