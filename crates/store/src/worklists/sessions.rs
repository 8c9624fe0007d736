//! Days of venues with something open (未完了の会場・日).

use std::collections::BTreeMap;

use domain::access::{CityPermit, OrganisationId};
use domain::calendar::{Day, Instant};
use serde::Serialize;

use super::owners::{Item, Owner, owners};
use crate::accounts::uuid;
use crate::db::{Db, sql};
use crate::error::{Error, Result};
use crate::recorder::json;

/// Sessions on the list at most: the oldest; when they are done, the next come up.
pub(super) const SESSIONS_MAX: i64 = 50;

/// Of each kind of open records, so many of the oldest are asked for their sessions: more would be
/// looked up for sessions that are not shown.
const OPEN_LOOKED_AT: i64 = 2000;

/// A day of a venue on which something is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSession {
    /// The venue.
    pub venue: OrganisationId,
    /// Its name.
    pub venue_name: String,
    /// The day of registration.
    pub day: Day,
    /// Doses of this city registered that day.
    pub recorded: i64,
    /// Of them, confirmed ones.
    pub confirmed: i64,
    /// Of them, those with something to look at.
    pub open: i64,
    /// Since when: when the day was set, or its first open record came.
    pub since: Instant,
    /// Who has taken it.
    pub owner: Option<Owner>,
}

type SessionRow = (Vec<u8>, Option<String>, String, i64);

/// The days before today on which a venue set up and registered nothing (forms that were never
/// entered), or registered records that are still open; the oldest first, some at a time.
///
/// # Errors
/// The database's.
pub async fn sessions(db: &Db, permit: &CityPermit, today: Day) -> Result<Vec<OpenSession>> {
    let mut found = unfinished(db, permit, today).await?;
    let totals = totals(db, permit, &found).await?;
    for one in &mut found {
        let total = totals.get(&(one.venue, one.day));
        (one.recorded, one.confirmed, one.open) = total.copied().unwrap_or_default();
    }
    Ok(found)
}

/// The same without their numbers.
pub(super) async fn unfinished(
    db: &Db,
    permit: &CityPermit,
    today: Day,
) -> Result<Vec<OpenSession>> {
    let city = permit.city().as_str().to_owned();
    let empty: Vec<SessionRow> = db
        .query(sql!(
            "SELECT s.venue, o.name, s.day, MIN(s.set_at)
             FROM organisation AS o
             JOIN day_setting AS s ON s.venue = o.id
             WHERE o.kind = 'venue' AND o.municipality = $1 AND s.day < $2
               AND (SELECT r.id FROM receipt AS r
                    WHERE r.organisation = s.venue AND r.day = s.day LIMIT 1) IS NULL
             GROUP BY s.venue, o.name, s.day
             ORDER BY s.day, s.venue LIMIT $3"
        ))
        .bind(city.clone())
        .bind(today.to_string())
        .bind(SESSIONS_MAX)
        .all()
        .await?;
    let open: Vec<SessionRow> = db
        .query(sql!(
            "SELECT r.organisation, o.name, r.day, MIN(d.recorded_at)
             FROM (SELECT * FROM (
                       SELECT x.venue, x.dose_id, x.recorded_at FROM dose AS x
                       WHERE x.municipality = $1 AND x.severity >= 1 ORDER BY x.seq LIMIT $4) AS v
                   UNION ALL
                   SELECT * FROM (
                       SELECT y.venue, y.dose_id, y.recorded_at FROM dose AS y
                       WHERE y.municipality = $1 AND y.pending = 1 ORDER BY y.seq LIMIT $4) AS w) AS d
             JOIN receipt AS r ON r.organisation = d.venue AND r.id = d.dose_id
             LEFT JOIN organisation AS o ON o.id = d.venue
             WHERE r.day < $2
             GROUP BY r.organisation, o.name, r.day
             ORDER BY r.day, r.organisation LIMIT $3"
        ))
        .bind(city)
        .bind(today.to_string())
        .bind(SESSIONS_MAX)
        .bind(OPEN_LOOKED_AT)
        .all()
        .await?;
    let mut found = Vec::with_capacity(empty.len() + open.len());
    for (venue, name, day, since) in empty.into_iter().chain(open) {
        let wrong = Error::Inconsistent {
            table: "receipt",
            column: "day",
        };
        found.push(OpenSession {
            venue: OrganisationId(uuid(&venue, "receipt", "organisation")?),
            venue_name: name.unwrap_or_default(),
            day: Day::parse(&day).ok_or(wrong)?,
            recorded: 0,
            confirmed: 0,
            open: 0,
            since: Instant::from_micros(since),
            owner: None,
        });
    }
    found.sort_by_key(|one| (one.day, one.venue));
    found.truncate(usize::try_from(SESSIONS_MAX).unwrap_or(usize::MAX));
    let items: Vec<Item> = found.iter().map(OpenSession::item).collect();
    let mut owners = owners(db, permit, &items).await?;
    for one in &mut found {
        one.owner = owners.remove(&one.item());
    }
    Ok(found)
}

impl OpenSession {
    /// The session as something to take.
    #[must_use]
    pub fn item(&self) -> Item {
        Item::Session {
            venue: self.venue,
            day: self.day,
        }
    }
}

/// How many doses of this city were registered in each session, how many of them are confirmed, and
/// how many somebody must look at.
async fn totals(
    db: &Db,
    permit: &CityPermit,
    sessions: &[OpenSession],
) -> Result<BTreeMap<(OrganisationId, Day), (i64, i64, i64)>> {
    #[derive(Serialize)]
    struct Key {
        v: String,
        d: String,
    }
    let keys: Vec<Key> = sessions
        .iter()
        .map(|one| Key {
            v: one.venue.0.simple().to_string(),
            d: one.day.to_string(),
        })
        .collect();
    let rows: Vec<(Vec<u8>, String, i64, i64, i64)> = db
        .query(sql!(
            "SELECT r.organisation, r.day, COUNT(*), CAST(SUM(d.confirmed) AS BIGINT),
                    CAST(SUM(CASE WHEN d.severity >= 1 OR d.pending = 1 THEN 1 ELSE 0 END) AS BIGINT)
             FROM json_each($2) AS k
             CROSS JOIN receipt AS r
             CROSS JOIN dose AS d
             WHERE r.organisation = unhex(k.value->>'v') AND r.day = k.value->>'d'
               AND d.municipality = $1 AND d.dose_id = r.id AND d.standing <> 'void'
             GROUP BY r.organisation, r.day"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(json(&keys))
        .all()
        .await?;
    rows.into_iter()
        .map(|(venue, day, recorded, confirmed, open)| {
            let wrong = Error::Inconsistent {
                table: "receipt",
                column: "day",
            };
            let venue = OrganisationId(uuid(&venue, "receipt", "organisation")?);
            let day = Day::parse(&day).ok_or(wrong)?;
            Ok(((venue, day), (recorded, confirmed, open)))
        })
        .collect()
}
