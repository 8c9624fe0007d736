//! Packs as they are begun: by somebody, or by the night.

use domain::access::{CityPermit, OrganisationKind, UserId};
use domain::calendar::{Day, Instant};
use uuid::Uuid;

use super::{Asker, LISTED_MAX, OF_CITY};
use crate::accounts::uuid;
use crate::audit::{self, Change};
use crate::db::{Db, Tx, sql, transact};
use crate::error::Result;
use crate::imports::Decided;

/// Packs begun by the night in one transaction.
const BEGUN_AT_ONCE_MAX: i64 = 500;

/// A pack to begin.
struct New {
    city: String,
    id: Uuid,
    place: Uuid,
    day: Day,
    nightly: bool,
    by: UserId,
    at: Instant,
}

/// Begins a pack; false if there is one of that place at work, or of that night, already.
async fn insert(tx: &mut Tx, new: &New) -> Result<bool> {
    let inserted = tx
        .query(sql!(
            "INSERT INTO pack (municipality, id, venue, day, nightly, state, position, looked, whole, expected, forms,
                               made_blank, failure, by_user, created_at, leased_until)
             SELECT $1, $2, $3, $4, $5, 'gathering', '', 0,
                    CASE WHEN CAST($6 AS BIGINT) = 1
                         THEN (SELECT COUNT(*) FROM resident WHERE municipality = $1)
                         ELSE (SELECT COUNT(*) FROM receipt WHERE organisation = $3 AND act = 'recorded') END,
                    0, 0, 0, '', $7, $8, 0
             WHERE NOT EXISTS (
                 SELECT 1 FROM pack WHERE municipality = $1 AND venue = $3 AND state IN ('gathering', 'printing'))
             ON CONFLICT DO NOTHING"
        ))
        .bind(new.city.clone())
        .bind(new.id.as_bytes().to_vec())
        .bind(new.place.as_bytes().to_vec())
        .bind(new.day.to_string())
        .bind(i64::from(new.nightly))
        .bind(i64::from(new.place == OF_CITY))
        .bind(new.by.0.as_bytes().to_vec())
        .bind(new.at.micros())
        .run()
        .await?;
    Ok(inserted == 1)
}

async fn audited(tx: &mut Tx, asker: &Asker<'_>, subject: Uuid, how: Decided) -> Result<()> {
    let subject = subject.to_string();
    let change = Change {
        id: how.audit,
        at: how.at,
        municipality: Some(asker.city()),
        action: "make-pack",
        subject: &subject,
        detail: "{}",
    };
    audit::write(tx, asker.actor(), &change).await
}

/// Begins the asker's own pack of a day; false if one is being made already, which will do as well.
///
/// # Errors
/// [`Error::Exists`](crate::error::Error::Exists) if the id is taken, or the database's.
pub async fn begin(db: &Db, asker: Asker<'_>, id: Uuid, day: Day, how: Decided) -> Result<bool> {
    let new = New {
        city: asker.city().as_str().to_owned(),
        id,
        place: asker.place(),
        day,
        nightly: false,
        by: asker.actor().user,
        at: how.at,
    };
    transact!(db, |tx| {
        let begun = insert(&mut tx, &new).await?;
        if begun {
            audited(&mut tx, &asker, id, how).await?;
        }
        begun
    })
}

/// Begins the packs of all venues of the city that may log in; how many were begun. Where one is being
/// made already, none is. Call it after [`begin`], which writes the audit.
///
/// # Errors
/// The database's.
pub async fn begin_of_venues(
    db: &Db,
    permit: &CityPermit,
    day: Day,
    at: Instant,
    id: &(dyn Fn() -> Uuid + Sync),
) -> Result<u64> {
    let city = permit.city();
    transact!(db, |tx| {
        let venues: Vec<(Vec<u8>,)> = tx
            .query(sql!(
                "SELECT id FROM organisation WHERE kind = 'venue' AND municipality = $1 AND active = 1
                 ORDER BY id LIMIT $2"
            ))
            .bind(city.as_str().to_owned())
            .bind(LISTED_MAX)
            .all()
            .await?;
        let mut begun = 0;
        for (venue,) in &venues {
            let new = New {
                city: city.as_str().to_owned(),
                id: id(),
                place: uuid(venue, "organisation", "id")?,
                day,
                nightly: false,
                by: permit.actor().user,
                at,
            };
            begun += u64::from(insert(&mut tx, &new).await?);
        }
        begun
    })
}

/// Begins the packs of a night, of every city and every venue that may log in, as far as they have none
/// of that day; how many were begun, none at last.
///
/// # Errors
/// The database's.
pub async fn begin_night(
    db: &Db,
    day: Day,
    at: Instant,
    id: &(dyn Fn() -> Uuid + Sync),
) -> Result<u64> {
    transact!(db, |tx| {
        let places: Vec<(Vec<u8>, String, String)> = tx
            .query(sql!(
                "SELECT o.id, o.kind, o.municipality FROM organisation AS o
                 WHERE o.kind IN ('city', 'venue') AND o.active = 1 AND o.municipality IS NOT NULL
                   AND NOT EXISTS (
                       SELECT 1 FROM pack AS p
                       WHERE p.municipality = o.municipality AND p.nightly = 1 AND p.day = $1
                         AND p.venue = CASE WHEN o.kind = 'venue' THEN o.id ELSE $2 END)
                   AND NOT EXISTS (
                       SELECT 1 FROM pack AS p
                       WHERE p.municipality = o.municipality AND p.state IN ('gathering', 'printing')
                         AND p.venue = CASE WHEN o.kind = 'venue' THEN o.id ELSE $2 END)
                 ORDER BY o.id LIMIT $3"
            ))
            .bind(day.to_string())
            .bind(OF_CITY.as_bytes().to_vec())
            .bind(BEGUN_AT_ONCE_MAX)
            .all()
            .await?;
        let mut begun = 0;
        for (organisation, kind, city) in places {
            let is_venue = kind == OrganisationKind::Venue.as_str();
            let new = New {
                city,
                id: id(),
                place: if is_venue {
                    uuid(&organisation, "organisation", "id")?
                } else {
                    OF_CITY
                },
                day,
                nightly: true,
                by: UserId(Uuid::nil()),
                at,
            };
            begun += u64::from(insert(&mut tx, &new).await?);
        }
        begun
    })
}
