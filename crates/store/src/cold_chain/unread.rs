//! The coolers of an area that nobody has read for longer than was to be expected, for the city, the prefecture and the
//! nation that ask what is the matter.

use domain::access::{OrganisationId, Permit};
use domain::calendar::Instant;
use domain::cold_chain::{CoolerKind, minute, moment, unread_since};
use domain::venues::record::{Standing, Told};

use super::kind_in;
use crate::db::{Db, sql};
use crate::error::Result;
use crate::stock::organisation;
use crate::venues::{area, told_in};

/// Coolers told at most, those not read for the longest time: more calls nobody makes in a day.
pub const UNREAD_MAX: i64 = 200;

/// A cooler of the area that nobody has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The venue.
    pub venue: OrganisationId,
    /// Its name.
    pub name: String,
    /// Its city.
    pub municipality: String,
    /// Its code; empty if it has none.
    pub facility: String,
    /// Its address; may be empty.
    pub address: String,
    /// Its telephone for authorities; may be empty.
    pub phone: String,
    /// What the venue calls the cooler.
    pub cooler: String,
    /// What kind it is.
    pub kind: CoolerKind,
    /// The longest time between two readings that is expected, in minutes.
    pub every_minutes: i64,
    /// Since when it has not been read: the last reading, or when it was put in use.
    pub since: Instant,
    /// Whether there is a reading at all.
    pub was_read: bool,
}

#[derive(sqlx_macros::FromRow)]
struct Row {
    id: Vec<u8>,
    name: String,
    municipality: String,
    facility: String,
    standing: Option<String>,
    cooler: String,
    kind: String,
    every_minutes: i64,
    used_micros: i64,
    last_minute: Option<i64>,
}

/// The coolers in use of the permit's area that should have been read and were not, those not read for the longest time
/// first, [`UNREAD_MAX`] at most.
///
/// # Errors
/// The database's.
pub async fn unread_in_area(db: &Db, permit: &Permit, now: Instant) -> Result<Vec<Unread>> {
    let (prefecture, city) = area(permit)?;
    let rows: Vec<Row> = db
        .query(sql!(
            "SELECT u.id, u.name, u.municipality, u.facility,
                    (SELECT s.told FROM venue_section AS s
                     WHERE s.venue = u.id AND s.section = 'standing' AND s.valid_from <= $4
                     ORDER BY s.valid_from DESC, s.revision DESC LIMIT 1) AS standing,
                    u.cooler, u.kind, u.every_minutes, u.used_micros, u.last_minute
             FROM (SELECT o.id, o.name, COALESCE(o.municipality, '') AS municipality,
                          COALESCE(o.facility_code, '') AS facility, c.name AS cooler, c.id AS cooler_id, c.kind,
                          c.every_minutes,
                          CAST((SELECT MIN(n.at_micros) FROM cooler AS n
                                WHERE n.venue = c.venue AND n.id = c.id
                                  AND n.revision > COALESCE((SELECT MAX(m.revision) FROM cooler AS m
                                        WHERE m.venue = c.venue AND m.id = c.id AND m.in_use = 0), 0)) AS BIGINT)
                              AS used_micros,
                          (SELECT r.minute FROM cooler_reading AS r
                           WHERE r.cooler = c.id AND r.tenths IS NOT NULL
                             AND r.revision = (SELECT MAX(l.revision) FROM cooler_reading AS l
                                               WHERE l.cooler = r.cooler AND l.minute = r.minute)
                           ORDER BY r.minute DESC LIMIT 1) AS last_minute
                   FROM organisation AS o JOIN cooler AS c ON c.venue = o.id
                   WHERE o.kind = 'venue' AND o.active = 1 AND c.in_use = 1
                     AND (CAST($1 AS BIGINT) IS NULL OR o.prefecture = $1)
                     AND (CAST($2 AS TEXT) IS NULL OR o.municipality = $2)
                     AND c.revision = (SELECT MAX(x.revision) FROM cooler AS x
                                       WHERE x.venue = c.venue AND x.id = c.id)) AS u
             WHERE u.used_micros / 60000000 < $3 - u.every_minutes
               AND (u.last_minute IS NULL OR u.last_minute < $3 - u.every_minutes)
             ORDER BY COALESCE(u.last_minute, u.used_micros / 60000000), u.id, u.cooler_id LIMIT $5"
        ))
        .bind(prefecture)
        .bind(city)
        .bind(minute(now))
        .bind(now.day_in_japan().to_string())
        .bind(UNREAD_MAX)
        .all()
        .await?;
    let mut found = Vec::new();
    for row in rows {
        let used = Instant::from_micros(row.used_micros);
        let last = row.last_minute.map(moment);
        let Some(since) = unread_since(row.every_minutes, used, last, now) else {
            continue;
        };
        let (address, phone) = match row.standing.as_deref().map(told_in).transpose()? {
            Some(Told::Standing(Standing { address, phone, .. })) => (address, phone),
            _ => (String::new(), String::new()),
        };
        found.push(Unread {
            venue: organisation(&row.id, "cooler", "venue")?,
            name: row.name,
            municipality: row.municipality,
            facility: row.facility,
            address,
            phone,
            cooler: row.cooler,
            kind: kind_in(&row.kind, "cooler")?,
            every_minutes: row.every_minutes,
            since,
            was_read: last.is_some(),
        });
    }
    found.sort_by_key(|one| one.since);
    Ok(found)
}
