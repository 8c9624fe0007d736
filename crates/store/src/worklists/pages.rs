//! The records on a list, page by page with the oldest first.

use domain::access::{CityPermit, OrganisationId};
use domain::calendar::Day;
use domain::findings::{Class, FindingCode};
use serde::Serialize;

use super::List;
use super::owners::{Item, Owner, owners};
use crate::db::{Db, sql};
use crate::doses::{DoseRow, PAGE_MAX, Record};
use crate::error::Result;
use crate::recorder::json;

/// A record on a list.
#[derive(Clone, PartialEq, Eq)]
pub struct Work {
    /// The record.
    pub record: Record,
    /// The person's name, if the person is registered and not protected (支援措置).
    pub name: Option<String>,
    /// Who has taken it.
    pub owner: Option<Owner>,
}

/// A page of a list, and where the next one begins.
#[derive(Clone, PartialEq, Eq)]
pub struct Page {
    /// The oldest first.
    pub items: Vec<Work>,
    /// Pass it as `after` for the next page.
    pub next: Option<i64>,
}

#[derive(sqlx_macros::FromRow)]
struct WorkRow {
    #[sqlx(flatten)]
    dose: DoseRow,
    person_name: Option<String>,
}

/// A page of the records on a list, after the entry with this number.
///
/// # Errors
/// The database's.
pub async fn page(
    db: &Db,
    permit: &CityPermit,
    list: List,
    after: i64,
    limit: i64,
) -> Result<Page> {
    let limit = limit.clamp(1, PAGE_MAX);
    let statement = match list {
        List::Clashes => sql!(
            "SELECT d.*, CASE WHEN p.protected = 1 THEN NULL ELSE p.name END AS person_name
             FROM dose AS d
             LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
             LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             WHERE d.municipality = $1 AND d.severity >= 1 AND d.standing = 'clash' AND d.seq > $2
             ORDER BY d.seq LIMIT $3"
        ),
        List::Findings => sql!(
            "SELECT d.*, CASE WHEN p.protected = 1 THEN NULL ELSE p.name END AS person_name
             FROM dose AS d
             LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
             LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             WHERE d.municipality = $1 AND d.severity >= 1 AND d.seq > $2
             ORDER BY d.seq LIMIT $3"
        ),
        List::Misreads => sql!(
            "SELECT d.*, CASE WHEN p.protected = 1 THEN NULL ELSE p.name END AS person_name
             FROM dose AS d
             LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
             LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             WHERE d.municipality = $1 AND d.dose_id IN (
                 SELECT x.dose_id FROM (
                     SELECT y.dose_id FROM dose AS y
                     WHERE y.municipality = $1 AND y.pending = 1 AND y.seq > $2
                     ORDER BY y.seq LIMIT $3) AS x
                 UNION ALL
                 SELECT z.dose_id FROM (
                     SELECT w.dose_id FROM dose AS w
                     WHERE w.municipality = $1 AND w.severity >= 1 AND w.seq > $2 AND w.pending = 0
                       AND (w.standing = 'clash' OR (w.standing = 'quarantined' AND w.number IS NULL))
                     ORDER BY w.seq LIMIT $3) AS z)
             ORDER BY d.seq LIMIT $3"
        ),
        // The others are no lists of records; what waits for its person is the first of all.
        List::Imports | List::Pending | List::Sessions | List::Proposals => sql!(
            "SELECT d.*, CASE WHEN p.protected = 1 THEN NULL ELSE p.name END AS person_name
             FROM dose AS d
             LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
             LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             WHERE d.municipality = $1 AND d.pending = 1 AND d.seq > $2
             ORDER BY d.seq LIMIT $3"
        ),
    };
    let rows: Vec<WorkRow> = db
        .query(statement)
        .bind(permit.city().as_str().to_owned())
        .bind(after)
        .bind(limit + 1)
        .all()
        .await?;
    taken(db, permit, rows, limit).await
}

/// A page of the records with a finding of this class.
///
/// # Errors
/// The database's.
pub async fn page_of_class(
    db: &Db,
    permit: &CityPermit,
    class: Class,
    after: i64,
    limit: i64,
) -> Result<Page> {
    #[derive(Serialize)]
    struct Key {
        c: FindingCode,
    }
    let limit = limit.clamp(1, PAGE_MAX);
    let codes: Vec<Key> = class.codes().into_iter().map(|c| Key { c }).collect();
    let statement = match class {
        // Those that wait for their person have a mark of their own; beside them are the void numbers.
        Class::NotIssued => sql!(
            "SELECT d.*, CASE WHEN p.protected = 1 THEN NULL ELSE p.name END AS person_name
             FROM dose AS d
             LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
             LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             WHERE d.municipality = $1 AND d.dose_id IN (
                 SELECT x.dose_id FROM (
                     SELECT y.dose_id FROM dose AS y
                     WHERE y.municipality = $1 AND y.pending = 1 AND y.seq > $2
                     ORDER BY y.seq LIMIT $3) AS x
                 UNION ALL
                 SELECT z.dose_id FROM (
                     SELECT w.dose_id FROM dose AS w
                     WHERE w.municipality = $1 AND w.severity >= 1 AND w.seq > $2 AND w.pending = 0 AND EXISTS (
                         SELECT 1 FROM json_each(w.findings) AS f
                         CROSS JOIN json_each($4) AS k
                         WHERE f.value->>'code' = k.value->>'c')
                     ORDER BY w.seq LIMIT $3) AS z)
             ORDER BY d.seq LIMIT $3"
        ),
        _ => sql!(
            "SELECT d.*, CASE WHEN p.protected = 1 THEN NULL ELSE p.name END AS person_name
             FROM dose AS d
             LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
             LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             WHERE d.municipality = $1 AND d.severity >= 1 AND d.seq > $2 AND EXISTS (
                 SELECT 1 FROM json_each(d.findings) AS f
                 CROSS JOIN json_each($4) AS k
                 WHERE f.value->>'code' = k.value->>'c')
             ORDER BY d.seq LIMIT $3"
        ),
    };
    let rows: Vec<WorkRow> = db
        .query(statement)
        .bind(permit.city().as_str().to_owned())
        .bind(after)
        .bind(limit + 1)
        .bind(json(&codes))
        .all()
        .await?;
    taken(db, permit, rows, limit).await
}

/// A page of the records of a session that somebody must look at.
///
/// A record's id is the id of the receipt it came with, and no other act has a record's id: the
/// index of the venue's day is enough to find them.
///
/// # Errors
/// The database's.
pub async fn page_of_session(
    db: &Db,
    permit: &CityPermit,
    (venue, day): (OrganisationId, Day),
    after: i64,
    limit: i64,
) -> Result<Page> {
    let limit = limit.clamp(1, PAGE_MAX);
    let rows: Vec<WorkRow> = db
        .query(sql!(
            "SELECT d.*, CASE WHEN p.protected = 1 THEN NULL ELSE p.name END AS person_name
             FROM receipt AS r
             CROSS JOIN dose AS d
             LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
             LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             WHERE r.organisation = $4 AND r.day = $5
               AND d.municipality = $1 AND d.dose_id = r.id
               AND (d.severity >= 1 OR d.pending = 1) AND d.seq > $2
             ORDER BY d.seq LIMIT $3"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(after)
        .bind(limit + 1)
        .bind(venue.0.as_bytes().to_vec())
        .bind(day.to_string())
        .all()
        .await?;
    taken(db, permit, rows, limit).await
}

async fn taken(db: &Db, permit: &CityPermit, mut rows: Vec<WorkRow>, limit: i64) -> Result<Page> {
    let more = rows.len() as i64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        found.push((Record::try_from(row.dose)?, row.person_name));
    }
    let items: Vec<Item> = found.iter().map(|(one, _)| Item::Dose(one.id)).collect();
    let mut owners = owners(db, permit, &items).await?;
    let next = found.last().filter(|_| more).map(|(one, _)| one.seq);
    let items = found
        .into_iter()
        .map(|(record, name)| Work {
            owner: owners.remove(&Item::Dose(record.id)),
            record,
            name,
        })
        .collect();
    Ok(Page { items, next })
}

/// The record that counts where this one clashes with it, under whichever number of the person.
///
/// # Errors
/// The database's.
pub async fn rival(db: &Db, permit: &CityPermit, record: &Record) -> Result<Option<Record>> {
    let Some(number) = record.number else {
        return Ok(None);
    };
    db.query(sql!(
        "SELECT * FROM dose
         WHERE municipality = $1 AND number IN (
                 SELECT $2 UNION ALL
                 SELECT b.number FROM coupon AS a
                 JOIN coupon AS b ON b.municipality = a.municipality AND b.resident_no = a.resident_no
                 WHERE a.municipality = $1 AND a.number = $2)
           AND turn = $3 AND standing = 'counted' AND dose_id <> $4
         ORDER BY seq LIMIT 1"
    ))
    .bind(permit.city().as_str().to_owned())
    .bind(number.as_str().to_owned())
    .bind(i64::from(record.turn))
    .bind(record.id.0.as_bytes().to_vec())
    .optional::<DoseRow>()
    .await?
    .map(Record::try_from)
    .transpose()
}
