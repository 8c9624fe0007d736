//! The legal register (予防接種台帳): whose time of keeping is over, and what is kept of a person who asks for it.

use domain::access::CityPermit;
use domain::calendar::Day;
use domain::coupons::CouponNumber;
use domain::retention::last_past;

use crate::audit::{self, Looked};
use crate::db::{Db, sql};
use crate::doses::{DoseRow, Listed, Page, Person, Record, person};
use crate::error::{Error, Result};

/// Records on one page at most.
pub const LISTED_MAX: i64 = 100;
/// Entries looked through for one page at most: where nothing is past, the whole ledger is not read at once.
pub const WALKED_MAX: i64 = 20_000;

#[derive(sqlx_macros::FromRow)]
struct PastRow {
    #[sqlx(flatten)]
    dose: DoseRow,
    entry: i64,
    person_name: Option<String>,
}

/// Records whose time of keeping is over, those that came in first at the front; after this entry. There may
/// be a next page although this one is empty.
///
/// # Errors
/// The database's.
pub async fn past_retention(
    db: &Db,
    permit: &CityPermit,
    today: Day,
    after_seq: i64,
) -> Result<Page<Listed>> {
    let city = permit.city().as_str().to_owned();
    let end: Option<(i64,)> = db
        .query(sql!("SELECT seq FROM chain WHERE municipality = $1"))
        .bind(city.clone())
        .optional()
        .await?;
    let end = end.map_or(0, |(seq,)| seq);
    let walked = after_seq.saturating_add(WALKED_MAX);
    let rows: Vec<PastRow> = db
        .query(sql!(
            "SELECT d.*, l.seq AS entry, CASE WHEN p.protected = 1 THEN NULL ELSE p.name END AS person_name
             FROM ledger AS l
             CROSS JOIN dose AS d
             LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
             LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             WHERE l.municipality = $1 AND l.seq > $2 AND l.seq <= $3 AND l.act = 'recorded'
               AND d.municipality = l.municipality AND d.dose_id = l.dose_id AND d.given_on <= $4
             ORDER BY l.seq LIMIT $5"
        ))
        .bind(city)
        .bind(after_seq)
        .bind(walked)
        .bind(last_past(today).to_string())
        .bind(LISTED_MAX)
        .all()
        .await?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|count| count >= LISTED_MAX);
    let read_to = match rows.last() {
        Some(last) if is_full => last.entry,
        _ => walked,
    };
    let listed = |row: PastRow| {
        Ok(Listed {
            record: Record::try_from(row.dose)?,
            name: row.person_name,
        })
    };
    Ok(Page {
        items: rows.into_iter().map(listed).collect::<Result<_>>()?,
        next: (read_to < end).then_some(read_to),
    })
}

/// Everything that is kept of a person, as they may have it (開示).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disclosed {
    /// The person and the records, voided ones included.
    pub person: Person,
    /// Every coupon number that was issued to the person.
    pub numbers: Vec<CouponNumber>,
    /// Whether an Individual Number (個人番号) is kept.
    pub has_individual_number: bool,
    /// Who looked at the person's record under any of these numbers, newest first.
    pub looks: Vec<Looked>,
}

/// What is kept of the person behind a coupon number; none if neither person nor record is known.
///
/// # Errors
/// The database's.
pub async fn disclosed(
    db: &Db,
    permit: &CityPermit,
    number: CouponNumber,
) -> Result<Option<Disclosed>> {
    let Some(person) = person(db, permit, number).await? else {
        return Ok(None);
    };
    let city = permit.city().as_str().to_owned();
    let rows: Vec<(String,)> = match &person.resident {
        None => vec![(number.as_str().to_owned(),)],
        Some(resident) => {
            db.query(sql!(
                "SELECT number FROM coupon WHERE municipality = $1 AND resident_no = $2 ORDER BY number"
            ))
            .bind(city.clone())
            .bind(resident.resident_no.clone())
            .all()
            .await?
        }
    };
    let mut numbers = Vec::with_capacity(rows.len());
    let mut looks = Vec::new();
    for (text,) in rows {
        let number = CouponNumber::parse(&text).map_err(|_| Error::Inconsistent {
            table: "coupon",
            column: "number",
        })?;
        looks.extend(audit::looks(db, permit, Some(&number)).await?);
        numbers.push(number);
    }
    looks.sort_by_key(|look| std::cmp::Reverse(look.view.id));
    let has_individual_number = match &person.resident {
        None => false,
        Some(resident) => {
            let found: Option<(i64,)> = db
                .query(sql!(
                    "SELECT key_no FROM individual_number WHERE municipality = $1 AND resident_no = $2"
                ))
                .bind(city)
                .bind(resident.resident_no.clone())
                .optional()
                .await?;
            found.is_some()
        }
    };
    Ok(Some(Disclosed {
        person,
        numbers,
        has_individual_number,
        looks,
    }))
}
