//! The venues of an area, page by page.

use domain::access::{OrganisationId, Permit};
use domain::calendar::Day;
use domain::venues::record::{Told, VenueType};

use super::area;
use super::record::told_in;
use crate::accounts::uuid;
use crate::db::{Db, sql};
use crate::error::{Error, Result};

/// Venues on one page.
pub const PAGE_ROWS: i64 = 50;

/// What is asked of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// A part of the name, or the first digits of the code; empty for all.
    pub text: String,
    /// Whether only those without contract, or without code, are wanted.
    pub lacking: bool,
    /// The code and the id of the last venue of the page before.
    pub after: Option<(String, OrganisationId)>,
}

/// A venue in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: OrganisationId,
    /// Its name.
    pub name: String,
    /// Its code today; empty if it has none.
    pub code: String,
    /// Its city.
    pub municipality: String,
    /// Its type, once it was told.
    pub venue_type: Option<VenueType>,
    /// Whether it is a party to the contract.
    pub is_party: bool,
    /// Whether its people may log in.
    pub active: bool,
}

#[derive(sqlx_macros::FromRow)]
struct Row {
    id: Vec<u8>,
    name: String,
    code: String,
    municipality: String,
    active: i64,
    standing: Option<String>,
    act: String,
}

/// The venues of the permit's area by code, [`PAGE_ROWS`] of them, as they stand on a day.
///
/// # Errors
/// The database's.
pub async fn list(db: &Db, permit: &Permit, question: &Question, day: Day) -> Result<Vec<Listed>> {
    let (prefecture, city) = area(permit)?;
    let (code, id) = question.after.clone().map_or_else(
        || (String::new(), Vec::new()),
        |(code, id)| (code, id.0.as_bytes().to_vec()),
    );
    let rows: Vec<Row> = db
        .query(sql!(
            "SELECT v.id, v.name, v.code, v.municipality, v.active, v.act,
                    (SELECT s.told FROM venue_section AS s
                     WHERE s.venue = v.id AND s.section = 'standing' AND s.valid_from <= $5
                     ORDER BY s.valid_from DESC, s.revision DESC LIMIT 1) AS standing
             FROM (SELECT o.id, o.name, COALESCE(o.facility_code, '') AS code, COALESCE(o.municipality, '') AS municipality,
                          o.active,
                          COALESCE((SELECT m.act FROM mandate AS m
                           WHERE m.venue = o.id AND m.valid_from <= $5 AND m.state = 'confirmed'
                           ORDER BY m.valid_from DESC, m.id DESC LIMIT 1), 'leave') AS act
                   FROM organisation AS o
                   WHERE o.kind = 'venue'
                     AND (CAST($1 AS BIGINT) IS NULL OR o.prefecture = $1)
                     AND (CAST($2 AS TEXT) IS NULL OR o.municipality = $2)) AS v
             WHERE (v.code > $3 OR (v.code = $3 AND v.id > $4))
               AND ($6 = '' OR v.name <> REPLACE(v.name, $6, '') OR SUBSTR(v.code, 1, LENGTH($6)) = $6)
               AND ($7 = 0 OR v.act = 'leave' OR v.code = '')
             ORDER BY v.code, v.id LIMIT $8"
        ))
        .bind(prefecture)
        .bind(city)
        .bind(code)
        .bind(id)
        .bind(day.to_string())
        .bind(question.text.trim().to_owned())
        .bind(i64::from(question.lacking))
        .bind(PAGE_ROWS)
        .all()
        .await?;
    rows.into_iter()
        .map(|row| {
            let venue_type = match row.standing.as_deref().map(told_in).transpose()? {
                Some(Told::Standing(standing)) => Some(standing.venue_type),
                Some(_) => {
                    return Err(Error::Inconsistent {
                        table: "venue_section",
                        column: "told",
                    });
                }
                None => None,
            };
            Ok(Listed {
                id: OrganisationId(uuid(&row.id, "organisation", "id")?),
                name: row.name,
                code: row.code,
                municipality: row.municipality,
                venue_type,
                is_party: row.act != "leave",
                active: row.active == 1,
            })
        })
        .collect()
}
