//! Which venues nearby still have people waiting, when one's own list gives nobody.
//!
//! An opened vial is not carried about: people are sent, and unopened vials are passed on (融通). How near a venue is, is
//! told as for vials that get warm.

use std::collections::BTreeSet;

use domain::access::{OrganisationId, VenuePermit};
use domain::calendar::Day;
use domain::venues::record::{Standing, Told};

use super::allowed;
use crate::cold_chain::Near;
use crate::db::{Db, Tx, sql};
use crate::error::Result;
use crate::opening_days::closed;
use crate::stock::organisation;
use crate::venues::told_in;

/// Venues told at most: more calls nobody makes before a vial ends.
const NEIGHBOURS_MAX: usize = 10;
/// Venues that are looked at, those of the same city first.
const LOOKED_AT_MAX: i64 = 300;
/// How long ago a venue must have given the product, in days.
const GIVEN_WITHIN_DAYS: i64 = 14;

/// A venue that gives the same product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its name.
    pub name: String,
    /// Its code.
    pub facility: String,
    /// Its address; may be empty.
    pub address: String,
    /// Its telephone for authorities; may be empty.
    pub phone: String,
    /// How near it is.
    pub near: Near,
    /// People who were checked there today and have no dose yet.
    pub waiting: i64,
}

#[derive(sqlx_macros::FromRow)]
struct Row {
    id: Vec<u8>,
    name: String,
    facility: String,
    is_same_city: i64,
    standing: Option<String>,
    waiting: i64,
}

/// Which of them do not work today.
async fn closed_today(
    tx: &mut Tx,
    rows: &[Row],
    today: Day,
) -> Result<BTreeSet<(OrganisationId, Day)>> {
    let mut asked = BTreeSet::new();
    for row in rows {
        asked.insert((organisation(&row.id, "organisation", "id")?, today));
    }
    closed(tx, &asked).await
}

/// The nearest venues that work today and gave the product lately, those with people waiting first.
///
/// # Errors
/// The database's.
pub async fn neighbours(
    db: &Db,
    permit: &VenuePermit,
    product: &str,
    today: Day,
) -> Result<Vec<Neighbour>> {
    allowed(permit)?;
    let mut tx = db.begin_reading().await?;
    let rows: Vec<Row> = tx
        .query(sql!(
            "SELECT v.id, v.name, v.facility, v.is_same_city,
                    (SELECT s.told FROM venue_section AS s
                     WHERE s.venue = v.id AND s.section = 'standing' AND s.valid_from <= $3
                     ORDER BY s.valid_from DESC, s.revision DESC LIMIT 1) AS standing,
                    (SELECT COUNT(*) FROM reception AS w
                     WHERE w.venue = v.id AND w.day = $3
                       AND NOT EXISTS (SELECT 1 FROM dose AS d
                                       WHERE d.municipality = w.municipality AND d.number = w.number
                                         AND d.venue = v.id AND d.given_on = $3 AND d.standing <> 'void')) AS waiting
             FROM (SELECT o.id, o.name, o.facility_code AS facility,
                          CAST(CASE WHEN o.municipality = $2 THEN 1 ELSE 0 END AS BIGINT) AS is_same_city
                   FROM organisation AS o
                   WHERE o.kind = 'venue' AND o.active = 1 AND o.facility_code IS NOT NULL AND o.id <> $1
                     AND o.prefecture = (SELECT own.prefecture FROM organisation AS own WHERE own.id = $1)
                     AND EXISTS (SELECT 1 FROM stock_use AS u
                                 WHERE u.venue = o.id AND u.day >= $4 AND u.product = $5
                                   AND u.doses_primary + u.doses_booster > 0)
                  ) AS v
             ORDER BY v.is_same_city DESC, v.facility LIMIT $6"
        ))
        .bind(permit.venue().0.as_bytes().to_vec())
        .bind(permit.city().as_str().to_owned())
        .bind(today.to_string())
        .bind(today.plus_days(-GIVEN_WITHIN_DAYS).to_string())
        .bind(product.to_owned())
        .bind(LOOKED_AT_MAX)
        .all()
        .await?;
    let closed = closed_today(&mut tx, &rows, today).await?;
    tx.commit().await?;
    let mut found = Vec::new();
    for row in rows {
        let id = organisation(&row.id, "organisation", "id")?;
        if closed.contains(&(id, today)) {
            continue;
        }
        let (address, phone) = match row.standing.as_deref().map(told_in).transpose()? {
            Some(Told::Standing(Standing { address, phone, .. })) => (address, phone),
            _ => (String::new(), String::new()),
        };
        found.push(Neighbour {
            name: row.name,
            facility: row.facility,
            address,
            phone,
            near: if row.is_same_city == 1 {
                Near::City
            } else {
                Near::Prefecture
            },
            waiting: row.waiting,
        });
    }
    found.sort_by(|a, b| {
        let key = |one: &Neighbour| (one.waiting == 0, one.near);
        (key(a), &a.facility).cmp(&(key(b), &b.facility))
    });
    found.truncate(NEIGHBOURS_MAX);
    Ok(found)
}
