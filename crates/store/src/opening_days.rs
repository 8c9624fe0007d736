//! The days on which venues work (開設日), each set of them from a day on. What holds on the day of a dose
//! goes with its record as it was known when the dose was reported.

use std::collections::BTreeSet;

use domain::access::{OrganisationId, VenuePermit};
use domain::calendar::{Day, Instant};
use domain::opening_days::OpeningDays;
use uuid::Uuid;

use crate::accounts::uuid;
use crate::audit::{self, Change};
use crate::db::{Db, Table, Tx, sql, transact};
use crate::error::{Error, Result};

/// Sets of days on a venue's list at most.
const LISTED_MAX: i64 = 20;

/// What a venue told, and from when on it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// From which day on.
    pub valid_from: Day,
    /// The days.
    pub days: OpeningDays,
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "venue_opening",
        column,
    }
}

/// Reads days as they are kept.
pub(crate) fn days(kept: &str) -> Result<OpeningDays> {
    serde_json::from_str(kept).map_err(|_| bad("days"))
}

/// What the venue told, the latest first, what is to come among it.
///
/// # Errors
/// The database's.
pub async fn list(db: &Db, permit: &VenuePermit) -> Result<Vec<Told>> {
    let rows: Vec<(String, String)> = db
        .query(sql!(
            "SELECT valid_from, days FROM venue_opening
             WHERE venue = $1 ORDER BY valid_from DESC LIMIT $2"
        ))
        .bind(permit.venue().0.as_bytes().to_vec())
        .bind(LISTED_MAX)
        .all()
        .await?;
    rows.into_iter()
        .map(|(valid_from, kept)| {
            Ok(Told {
                valid_from: Day::parse(&valid_from).ok_or_else(|| bad("valid_from"))?,
                days: days(&kept)?,
            })
        })
        .collect()
}

/// Tells the days of the venue from a day on, in place of what was told for the same day. They are such
/// that [`OpeningDays::check`] has nothing against them.
///
/// # Errors
/// The database's.
pub async fn tell(
    db: &Db,
    permit: &VenuePermit,
    told: &Told,
    (audit, at): (Uuid, Instant),
) -> Result<()> {
    let valid_from = told.valid_from.to_string();
    let kept = serde_json::to_string(&told.days).map_err(|_| bad("days"))?;
    transact!(db, |tx| {
        tx.query(sql!(
            "INSERT INTO venue_opening (venue, valid_from, days, set_by, set_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (venue, valid_from) DO UPDATE SET
                 days = excluded.days, set_by = excluded.set_by, set_at = excluded.set_at"
        ))
        .bind(permit.venue().0.as_bytes().to_vec())
        .bind(valid_from.clone())
        .bind(kept.clone())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .bind(at.micros())
        .expect(1)
        .await?;
        let change = Change {
            id: audit,
            at,
            municipality: Some(permit.city()),
            action: "tell-opening-days",
            subject: &valid_from,
            detail: &kept,
        };
        audit::write(&mut tx, permit.actor(), &change).await?;
    })
}

/// Which of these venues do not work on these days, by what they told.
pub(crate) async fn closed(
    tx: &mut Tx,
    asked: &BTreeSet<(OrganisationId, Day)>,
) -> Result<BTreeSet<(OrganisationId, Day)>> {
    if asked.is_empty() {
        return Ok(BTreeSet::new());
    }
    let keys = Table::default()
        .bytes(asked.iter().map(|(venue, _)| *venue.0.as_bytes()))
        .text(asked.iter().map(|(_, day)| day.to_string()));
    let rows: Vec<(Vec<u8>, String, Option<String>)> = tx
        .many(
            sql!(
                "WITH k (venue, day) AS ({rows: bytea, text})
                 SELECT k.venue, k.day,
                        (SELECT o.days FROM venue_opening AS o
                         WHERE o.venue = k.venue AND o.valid_from <= k.day
                         ORDER BY o.valid_from DESC LIMIT 1) AS days
                 FROM k"
            ),
            keys,
        )
        .all()
        .await?;
    let mut closed = BTreeSet::new();
    for (venue, day, kept) in rows {
        let Some(kept) = kept else { continue };
        let day = Day::parse(&day).ok_or_else(|| bad("valid_from"))?;
        if !days(&kept)?.works_on(day) {
            closed.insert((OrganisationId(uuid(&venue, "venue_opening", "venue")?), day));
        }
    }
    Ok(closed)
}
