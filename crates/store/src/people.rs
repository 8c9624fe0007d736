//! People found by what a clerk knows of them: a number, a birth date, the beginning of a name.

use domain::access::CityPermit;
use domain::coupons::CouponNumber;
use domain::people::{BirthDate, Question, is_reading, search_key, sound_key};

use crate::db::{Db, sql};
use crate::doses::{AFTER_ANY, Page};
use crate::error::{Error, Result};
use crate::residents::{Resident, ResidentRow};

/// People on one page at most: more are not read but narrowed down.
pub const PAGE_MAX: i64 = 100;

/// The place in a list behind which the next page begins.
#[derive(Clone, PartialEq, Eq)]
pub struct After {
    /// The key the last person was found by.
    pub key: String,
    /// That person's number in the city (個別宛名番号).
    pub resident_no: String,
}

impl std::fmt::Debug for After {
    /// Nothing that identifies a person reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("After(..)")
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Those whom a number names, protected ones (支援措置) among them: the number was known already.
    pub by_number: Vec<Resident>,
    /// Those whom a birth date or a name leads to, in the order of their names; nobody protected.
    pub by_name: Page<Resident, After>,
}

#[derive(sqlx_macros::FromRow)]
struct FoundRow {
    found: String,
    #[sqlx(flatten)]
    resident: ResidentRow,
}

/// Looks for people of the permit's city.
///
/// A name is looked for by how it begins: by its sound where it was typed in kana or Latin letters,
/// else by its writing. A birth date also finds those whose day, or month and day, nobody knows.
/// By neither of them is a protected person found, for finding one says that they live here.
///
/// # Errors
/// The database's.
pub async fn search(
    db: &Db,
    permit: &CityPermit,
    question: &Question,
    after: Option<&After>,
    limit: i64,
) -> Result<Found> {
    let limit = limit.clamp(1, PAGE_MAX);
    let by_number = match after {
        None => by_number(db, permit, question).await?,
        Some(_) => Vec::new(),
    };
    let mut rows = by_name(db, permit, question, after, limit + 1).await?;
    let more = rows.len() as i64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = rows.last().filter(|_| more).map(|last| After {
        key: last.found.clone(),
        resident_no: last.resident.resident_no.clone(),
    });
    let items = rows
        .into_iter()
        .map(|row| Resident::try_from(row.resident))
        .collect::<Result<_>>()?;
    Ok(Found {
        by_number,
        by_name: Page { items, next },
    })
}

/// The coupon numbers ever issued to the person of a number, that number among them; just it if
/// nobody was issued it.
///
/// # Errors
/// The database's.
pub async fn coupons(
    db: &Db,
    permit: &CityPermit,
    number: CouponNumber,
) -> Result<Vec<CouponNumber>> {
    let rows: Vec<(String,)> = db
        .query(sql!(
            "SELECT $2 AS number UNION
             SELECT b.number FROM coupon AS a
             JOIN coupon AS b ON b.municipality = a.municipality AND b.resident_no = a.resident_no
             WHERE a.municipality = $1 AND a.number = $2
             ORDER BY number"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(number.as_str().to_owned())
        .all()
        .await?;
    rows.iter()
        .map(|(number,)| {
            CouponNumber::parse(number).map_err(|_| Error::Inconsistent {
                table: "coupon",
                column: "number",
            })
        })
        .collect()
}

async fn by_number(db: &Db, permit: &CityPermit, question: &Question) -> Result<Vec<Resident>> {
    let city = permit.city();
    let is_ours = question.coupon_city.is_none_or(|code| code == city);
    let coupon = question.coupon.as_ref().filter(|_| is_ours);
    if coupon.is_none() && question.resident_no.is_none() {
        return Ok(Vec::new());
    }
    let rows: Vec<ResidentRow> = db
        .query(sql!(
            "SELECT * FROM resident
             WHERE municipality = $1 AND resident_no IN (
                 SELECT $2 UNION
                 SELECT resident_no FROM coupon WHERE municipality = $1 AND number = $3)
             ORDER BY resident_no"
        ))
        .bind(city.as_str().to_owned())
        .bind(question.resident_no.clone().unwrap_or_default())
        .bind(coupon.map_or("", |one| one.as_str()).to_owned())
        .all()
        .await?;
    rows.into_iter().map(Resident::try_from).collect()
}

/// The keys that begin like this one, as a range; an empty one is the beginning of nothing.
pub(crate) fn beginning(key: &str) -> (String, String) {
    if key.is_empty() {
        (String::new(), String::new())
    } else {
        (key.to_owned(), format!("{key}{AFTER_ANY}"))
    }
}

async fn by_name(
    db: &Db,
    permit: &CityPermit,
    question: &Question,
    after: Option<&After>,
    limit: i64,
) -> Result<Vec<FoundRow>> {
    let city = permit.city().as_str().to_owned();
    let name = question.name.as_deref();
    let by_sound = name.is_none_or(is_reading);
    let range = match name {
        Some(name) if by_sound => beginning(&sound_key(name)),
        Some(name) => beginning(&search_key(name)),
        None => (String::new(), AFTER_ANY.to_string()),
    };
    let (key, no) = after.map_or((String::new(), String::new()), |after| {
        (after.key.clone(), after.resident_no.clone())
    });
    if let Some(birth) = question.birth {
        let [day, month, year] = spellings(birth);
        let statement = if by_sound {
            BORN_BY_SOUND
        } else {
            BORN_BY_WRITING
        };
        return db
            .query(statement)
            .bind(city)
            .bind(range.0)
            .bind(range.1)
            .bind(key)
            .bind(no)
            .bind(limit)
            .bind(day)
            .bind(month)
            .bind(year)
            .all()
            .await;
    }
    if name.is_none() {
        return Ok(Vec::new());
    }
    // Where the range begins on this page, so that the index is entered there.
    let from = range.0.clone().max(key.clone());
    db.query(if by_sound { BY_SOUND } else { BY_WRITING })
        .bind(city)
        .bind(range.0)
        .bind(range.1)
        .bind(key)
        .bind(no)
        .bind(limit)
        .bind(from)
        .all()
        .await
}

/// A birth date as the register may have it: whole, without the day, without month and day.
fn spellings(birth: BirthDate) -> [String; 3] {
    let without = |month: Option<i8>| {
        BirthDate::new(birth.year(), month, None).map_or_else(String::new, |one| one.iso())
    };
    [birth.iso(), without(birth.month()), without(None)]
}

/// Whom the first name leads to, and whom only another one does, each person once.
const BY_SOUND: &str = sql!(
    "SELECT f.found, p.*
     FROM (SELECT found, resident_no FROM (
               SELECT a.kana_key AS found, a.resident_no FROM resident AS a
               WHERE a.municipality = $1 AND a.kana_key >= $7 AND a.kana_key < $3
                 AND (a.kana_key, a.resident_no) > ($4, $5) AND a.protected = 0
               ORDER BY a.kana_key, a.resident_no LIMIT $6) AS first_names
           UNION ALL
           SELECT found, resident_no FROM (
               SELECT k.key AS found, k.resident_no
               FROM resident_key AS k
               JOIN resident AS b ON b.municipality = k.municipality AND b.resident_no = k.resident_no
               WHERE k.municipality = $1 AND k.kind = 'sound' AND k.key >= $7 AND k.key < $3
                 AND (k.key, k.resident_no) > ($4, $5) AND b.protected = 0
                 AND NOT (b.kana_key >= $2 AND b.kana_key < $3)
                 AND NOT EXISTS (
                     SELECT 1 FROM resident_key AS o
                     WHERE o.municipality = k.municipality AND o.resident_no = k.resident_no
                       AND o.kind = 'sound' AND o.key >= $2 AND o.key < k.key)
               ORDER BY k.key, k.resident_no LIMIT $6) AS other_names
          ) AS f
     JOIN resident AS p ON p.municipality = $1 AND p.resident_no = f.resident_no
     ORDER BY f.found, p.resident_no LIMIT $6"
);

/// The same by how names are written.
const BY_WRITING: &str = sql!(
    "SELECT f.found, p.*
     FROM (SELECT found, resident_no FROM (
               SELECT a.name_key AS found, a.resident_no FROM resident AS a
               WHERE a.municipality = $1 AND a.name_key >= $7 AND a.name_key < $3
                 AND (a.name_key, a.resident_no) > ($4, $5) AND a.protected = 0
               ORDER BY a.name_key, a.resident_no LIMIT $6) AS first_names
           UNION ALL
           SELECT found, resident_no FROM (
               SELECT k.key AS found, k.resident_no
               FROM resident_key AS k
               JOIN resident AS b ON b.municipality = k.municipality AND b.resident_no = k.resident_no
               WHERE k.municipality = $1 AND k.kind = 'written' AND k.key >= $7 AND k.key < $3
                 AND (k.key, k.resident_no) > ($4, $5) AND b.protected = 0
                 AND NOT (b.name_key >= $2 AND b.name_key < $3)
                 AND NOT EXISTS (
                     SELECT 1 FROM resident_key AS o
                     WHERE o.municipality = k.municipality AND o.resident_no = k.resident_no
                       AND o.kind = 'written' AND o.key >= $2 AND o.key < k.key)
               ORDER BY k.key, k.resident_no LIMIT $6) AS other_names
          ) AS f
     JOIN resident AS p ON p.municipality = $1 AND p.resident_no = f.resident_no
     ORDER BY f.found, p.resident_no LIMIT $6"
);

/// Those born on a day whose name sounds so; with no name, all of them. The birthday leads, for it is
/// shared by some hundred people at most, a family name by a hundred thousand; being read first and
/// apart, it does so whatever an engine believes of its indexes.
const BORN_BY_SOUND: &str = sql!(
    "WITH born AS MATERIALIZED (
         SELECT b.kana_key, b.resident_no FROM resident AS b
         WHERE b.municipality = $1 AND b.birth IN ($7, $8, $9))
     SELECT born.kana_key AS found, p.*
     FROM born CROSS JOIN resident AS p
     WHERE ((born.kana_key >= $2 AND born.kana_key < $3)
         OR EXISTS (SELECT 1 FROM resident_key AS k
                    WHERE k.municipality = $1 AND k.resident_no = born.resident_no
                      AND k.kind = 'sound' AND k.key >= $2 AND k.key < $3))
       AND (born.kana_key, born.resident_no) > ($4, $5)
       AND p.municipality = $1 AND p.resident_no = born.resident_no AND p.protected = 0
     ORDER BY born.kana_key, born.resident_no LIMIT $6"
);

/// The same by how names are written, which the index of birthdays does not hold.
const BORN_BY_WRITING: &str = sql!(
    "WITH born AS MATERIALIZED (
         SELECT b.kana_key, b.resident_no FROM resident AS b
         WHERE b.municipality = $1 AND b.birth IN ($7, $8, $9))
     SELECT born.kana_key AS found, p.*
     FROM born CROSS JOIN resident AS p
     WHERE ((p.name_key >= $2 AND p.name_key < $3)
         OR EXISTS (SELECT 1 FROM resident_key AS k
                    WHERE k.municipality = $1 AND k.resident_no = born.resident_no
                      AND k.kind = 'written' AND k.key >= $2 AND k.key < $3))
       AND (born.kana_key, born.resident_no) > ($4, $5)
       AND p.municipality = $1 AND p.resident_no = born.resident_no AND p.protected = 0
     ORDER BY born.kana_key, born.resident_no LIMIT $6"
);
