//! The records as they stand (接種記録): a venue's list of the day, a city's ledger, work lists and
//! persons. Reading only; every change goes through [`crate::recorder`].

use domain::access::{CityPermit, OrganisationId, VenuePermit};
use domain::calendar::{Day, Instant};
use domain::coupons::{CouponLine, CouponNumber};
use domain::doses::{Answer, DoseId, Facts, InputWay, Standing, Version, answer_of};
use domain::findings::{Finding, FindingCode, Severity};
use domain::people::{Sex, search_key, sound_key};
use domain::places::MunicipalityCode;
use domain::statistics::AgeBand;
use uuid::Uuid;

use crate::db::{Db, sql};
use crate::error::{Error, Result};
use crate::people::beginning;
use crate::residents::{Resident, ResidentRow};

/// Rows on one page at most: what a person reads, and what a request may cost.
pub const PAGE_MAX: i64 = 200;
/// Comes after every text that begins like a search word, in the binary order of both engines.
pub(crate) const AFTER_ANY: char = '\u{10FFFF}';

/// A record as it stands now.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Whose ledger.
    pub municipality: MunicipalityCode,
    /// Its id.
    pub id: DoseId,
    /// The person's number, unless the digits lead nowhere.
    pub number: Option<CouponNumber>,
    /// The number of the entry that recorded it.
    pub seq: i64,
    /// When.
    pub recorded_at: Instant,
    /// The 18 digits as read.
    pub line: CouponLine,
    /// Which dose it is.
    pub turn: u8,
    /// The day it was given.
    pub given_on: Day,
    /// The product's key.
    pub product: String,
    /// The lot.
    pub lot: String,
    /// Who gave it.
    pub doctor: String,
    /// Where.
    pub venue: OrganisationId,
    /// That venue's name on the day.
    pub venue_name: String,
    /// The city that the venue stands in.
    pub venue_city: MunicipalityCode,
    /// By which way the digits came in.
    pub input: InputWay,
    /// How it stands.
    pub standing: Standing,
    /// The one large word.
    pub answer: Answer,
    /// What was found, worst first.
    pub findings: Vec<Finding>,
    /// Whether it waits for its person (登録待ち).
    pub pending: bool,
    /// Whether the city has confirmed it (確定).
    pub confirmed: bool,
    /// Whether its id came again with other content.
    pub contested: bool,
}

impl Record {
    /// What it says, as one word for whoever wants to change it.
    #[must_use]
    pub fn version(&self) -> Version {
        let voided = self.standing == Standing::Void;
        Version::of(self.id, &self.facts(), voided, self.confirmed)
    }

    /// What it says, as the rules take it.
    #[must_use]
    pub fn facts(&self) -> Facts {
        Facts {
            doctor: self.doctor.clone(),
            given_on: self.given_on,
            line: self.line,
            lot: self.lot.clone(),
            product: self.product.clone(),
            turn: self.turn,
            venue: self.venue,
            venue_name: self.venue_name.clone(),
        }
    }
}

impl std::fmt::Debug for Record {
    /// Nothing that identifies a person reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Record({}, {})", self.municipality, self.id)
    }
}

#[derive(sqlx_macros::FromRow)]
pub(crate) struct DoseRow {
    pub municipality: String,
    pub dose_id: Vec<u8>,
    pub number: Option<String>,
    pub seq: i64,
    pub last_seq: i64,
    pub recorded_at: i64,
    pub line: String,
    pub turn: i64,
    pub given_on: String,
    pub product: String,
    pub lot: String,
    pub doctor: String,
    pub venue: Vec<u8>,
    pub venue_name: String,
    pub venue_city: String,
    pub input: String,
    pub standing: String,
    pub sex: String,
    pub age: String,
    pub findings: String,
    pub severity: i64,
    pub pending: i64,
    pub confirmed: i64,
    pub contested: i64,
}

impl DoseRow {
    /// Where the statistics count it.
    pub fn cell(&self) -> Result<Option<(Sex, AgeBand)>> {
        if self.sex.is_empty() {
            return Ok(None);
        }
        let sex = Sex::from_open_data(&self.sex).ok_or_else(|| bad("sex"))?;
        let age = AgeBand::parse(&self.age).ok_or_else(|| bad("age"))?;
        Ok(Some((sex, age)))
    }
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "dose",
        column,
    }
}

impl TryFrom<DoseRow> for Record {
    type Error = Error;

    fn try_from(row: DoseRow) -> Result<Self> {
        let standing = Standing::parse(&row.standing).ok_or_else(|| bad("standing"))?;
        let findings: Vec<Finding> =
            serde_json::from_str(&row.findings).map_err(|_| bad("findings"))?;
        let number = match row.number {
            Some(text) => Some(CouponNumber::parse(&text).map_err(|_| bad("number"))?),
            None => None,
        };
        let uuid = |column, bytes: &[u8]| Uuid::from_slice(bytes).map_err(|_| bad(column));
        Ok(Self {
            municipality: MunicipalityCode::parse(&row.municipality)
                .map_err(|_| bad("municipality"))?,
            id: DoseId(uuid("dose_id", &row.dose_id)?),
            number,
            seq: row.seq,
            recorded_at: Instant::from_micros(row.recorded_at),
            line: CouponLine::parse(&row.line).map_err(|_| bad("line"))?,
            turn: u8::try_from(row.turn).map_err(|_| bad("turn"))?,
            given_on: Day::parse(&row.given_on).ok_or_else(|| bad("given_on"))?,
            product: row.product,
            lot: row.lot,
            doctor: row.doctor,
            venue: OrganisationId(uuid("venue", &row.venue)?),
            venue_name: row.venue_name,
            venue_city: MunicipalityCode::parse(&row.venue_city).map_err(|_| bad("venue_city"))?,
            input: InputWay::parse(&row.input).ok_or_else(|| bad("input"))?,
            answer: answer_of(standing, &findings),
            standing,
            findings,
            pending: row.pending == 1,
            confirmed: row.confirmed == 1,
            contested: row.contested == 1,
        })
    }
}

fn records(rows: Vec<DoseRow>) -> Result<Vec<Record>> {
    rows.into_iter().map(Record::try_from).collect()
}

/// What a venue registered on a day, newest first; `before` is the last id of the page before.
///
/// # Errors
/// The database's.
pub async fn today_of_venue(
    db: &Db,
    permit: &VenuePermit,
    day: Day,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Record>> {
    let before = before.unwrap_or(Uuid::max());
    records(
        db.query(sql!(
            "SELECT d.* FROM receipt AS r
             JOIN dose AS d ON d.municipality = r.municipality AND d.dose_id = r.dose_id
             WHERE r.organisation = $1 AND r.day = $2 AND r.act = 'recorded' AND r.id < $3
             ORDER BY r.id DESC LIMIT $4"
        ))
        .bind(permit.venue().0.as_bytes().to_vec())
        .bind(day.to_string())
        .bind(before.as_bytes().to_vec())
        .bind(limit.min(PAGE_MAX))
        .all()
        .await?,
    )
}

/// How many a venue registered on a day, by answer: doses that stand, interviews, taken back.
///
/// # Errors
/// The database's.
pub async fn count_of_venue(
    db: &Db,
    permit: &VenuePermit,
    day: Day,
) -> Result<Vec<(Standing, i64)>> {
    let rows: Vec<(String, i64)> = db
        .query(sql!(
            "SELECT d.standing, COUNT(*) FROM receipt AS x CROSS JOIN receipt AS r
             JOIN dose AS d ON d.municipality = r.municipality AND d.dose_id = r.dose_id
             WHERE x.organisation = $1 AND x.day = $2
               AND r.organisation = x.organisation AND r.id = x.id AND r.act = 'recorded'
             GROUP BY d.standing ORDER BY d.standing"
        ))
        .bind(permit.venue().0.as_bytes().to_vec())
        .bind(day.to_string())
        .all()
        .await?;
    rows.into_iter()
        .map(|(standing, count)| {
            Standing::parse(&standing)
                .map(|one| (one, count))
                .ok_or_else(|| bad("standing"))
        })
        .collect()
}

/// Coupons in one answer of [`used_in_city`] at most.
pub const USED_MAX: i64 = 10_000;

/// A coupon's number and the turn of a dose that is recorded on it.
pub type Used = (CouponNumber, u8);

/// The numbers and turns that doses are recorded for in the ledger of the venue's city, after one of them; in order.
///
/// For the filter that a venue's tablets carry: the caller makes prints of them that nobody reads back, and hands none
/// of them out. An interview or a record taken back uses nothing up.
///
/// # Errors
/// The database's own.
pub async fn used_in_city(db: &Db, permit: &VenuePermit, after: Option<Used>) -> Result<Vec<Used>> {
    let (number, turn) = after.map_or((String::new(), 0), |(number, turn)| {
        (number.as_str().to_owned(), i64::from(turn))
    });
    let rows: Vec<(String, i64)> = db
        .query(sql!(
            "SELECT DISTINCT number, turn FROM dose
             WHERE municipality = $1 AND (number, turn) > ($2, $3) AND standing NOT IN ('interview', 'void')
             ORDER BY number, turn LIMIT $4"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(number)
        .bind(turn)
        .bind(USED_MAX)
        .all()
        .await?;
    let wrong = |column| Error::Inconsistent {
        table: "dose",
        column,
    };
    rows.into_iter()
        .map(|(number, turn)| {
            let number = CouponNumber::parse(&number).map_err(|_| wrong("number"))?;
            Ok((number, u8::try_from(turn).map_err(|_| wrong("turn"))?))
        })
        .collect()
}

/// A record this venue registered, whatever the day.
///
/// # Errors
/// The database's.
pub async fn of_venue(db: &Db, permit: &VenuePermit, dose: DoseId) -> Result<Option<Record>> {
    db.query(sql!(
        "SELECT d.* FROM receipt AS r
         JOIN dose AS d ON d.municipality = r.municipality AND d.dose_id = r.dose_id
         WHERE r.organisation = $1 AND r.id = $2 AND r.act = 'recorded'"
    ))
    .bind(permit.venue().0.as_bytes().to_vec())
    .bind(dose.0.as_bytes().to_vec())
    .optional::<DoseRow>()
    .await?
    .map(Record::try_from)
    .transpose()
}

/// Whether a city's ledger has a record of this id already, whoever sent it: of a form that two venues
/// scan, the second must hear that it has been entered, and nothing else of it.
///
/// # Errors
/// The database's.
pub async fn is_recorded(
    db: &Db,
    _permit: &VenuePermit,
    city: MunicipalityCode,
    dose: DoseId,
) -> Result<bool> {
    let found: Option<(i64,)> = db
        .query(sql!(
            "SELECT seq FROM dose WHERE municipality = $1 AND dose_id = $2"
        ))
        .bind(city.as_str().to_owned())
        .bind(dose.0.as_bytes().to_vec())
        .optional()
        .await?;
    Ok(found.is_some())
}

/// Which records of a city's ledger to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// A coupon number, or how a name or its kana begins.
    pub text: Option<String>,
    /// Only these.
    pub standing: Option<Standing>,
    /// Only those that wait for their person.
    pub pending: bool,
    /// Only those with this finding.
    pub finding: Option<FindingCode>,
    /// Only findings at least this bad; records that were taken back have none.
    pub severity_min: Option<Severity>,
    /// Given on this day or later.
    pub given_from: Option<Day>,
    /// Given on this day or earlier.
    pub given_to: Option<Day>,
    /// Older than this sequence number: the last one of the page before.
    pub before_seq: Option<i64>,
}

/// A line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The record.
    pub record: Record,
    /// The person's name, if the person is registered and not protected (支援措置).
    pub name: Option<String>,
}

/// A page of a list, and where the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, N = i64> {
    /// The rows.
    pub items: Vec<T>,
    /// What to pass to get the next page (of records: `before_seq`), if there is one.
    pub next: Option<N>,
}

#[derive(sqlx_macros::FromRow)]
struct ListedRow {
    #[sqlx(flatten)]
    dose: DoseRow,
    person_name: Option<String>,
}

/// A page of a city's ledger, newest first.
///
/// # Errors
/// The database's.
pub async fn page(
    db: &Db,
    permit: &CityPermit,
    filter: &Filter,
    limit: i64,
) -> Result<Page<Listed>> {
    let limit = limit.clamp(1, PAGE_MAX);
    let searched = filter
        .text
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let sql = listing(filter, searched.is_some());
    let day = |day: Option<Day>, open: &str| day.map_or(open.to_owned(), |day| day.to_string());
    let mut statement = db
        .query(sql)
        .bind(permit.city().to_string())
        .bind(filter.before_seq.unwrap_or(i64::MAX))
        .bind(filter.standing.map_or("", Standing::as_str))
        .bind(i64::from(filter.pending))
        .bind(filter.severity_min.map_or(0, |severity| severity as i64))
        .bind(day(filter.given_from, "0000-00-00"))
        .bind(day(filter.given_to, "9999-99-99"))
        .bind(limit + 1)
        .bind(filter.finding.map_or("", FindingCode::as_str));
    if let Some(text) = searched {
        let (written, sound) = (beginning(&search_key(text)), beginning(&sound_key(text)));
        let number = CouponNumber::parse(text).map_or(String::new(), |n| n.as_str().to_owned());
        statement = statement
            .bind(number)
            .bind(written.0)
            .bind(written.1)
            .bind(sound.0)
            .bind(sound.1);
    }
    let mut rows: Vec<ListedRow> = statement.all().await?;
    let more = rows.len() as i64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let items = rows
        .into_iter()
        .map(|row| {
            Ok(Listed {
                record: Record::try_from(row.dose)?,
                name: row.person_name,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let next = items
        .last()
        .filter(|_| more)
        .map(|listed| listed.record.seq);
    Ok(Page { items, next })
}

/// The statement that reads a page: by person, along a work list, or along the whole ledger.
///
/// Each goes along one index in the order of the page, so that a page costs the same however many
/// records there are; that is why the conditions of the partial indexes are spelled out.
fn listing(filter: &Filter, searched: bool) -> &'static str {
    if searched {
        return sql!(
            "SELECT d.*, CASE WHEN p.protected = 1 THEN NULL ELSE p.name END AS person_name
             FROM dose AS d
             LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
             LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             WHERE d.municipality = $1 AND d.seq < $2 AND ($3 = '' OR d.standing = $3)
               AND d.pending >= $4 AND d.severity >= $5 AND d.given_on >= $6 AND d.given_on <= $7
               AND ($9 = '' OR EXISTS (
                   SELECT 1 FROM json_each(d.findings) AS f WHERE f.value->>'code' = $9))
               AND d.number IN (
                   SELECT $10 UNION ALL
                   SELECT x.number FROM coupon AS x
                   JOIN resident AS y ON y.municipality = x.municipality AND y.resident_no = x.resident_no
                   WHERE x.municipality = $1 AND y.protected = 0
                     AND ((y.kana_key >= $13 AND y.kana_key < $14)
                       OR (y.name_key >= $11 AND y.name_key < $12)))
             ORDER BY d.seq DESC LIMIT $8"
        );
    }
    if filter.pending {
        return sql!(
            "SELECT d.*, CASE WHEN p.protected = 1 THEN NULL ELSE p.name END AS person_name
             FROM dose AS d
             LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
             LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             WHERE d.municipality = $1 AND d.pending = 1 AND d.seq < $2 AND ($3 = '' OR d.standing = $3)
               AND d.pending >= $4 AND d.severity >= $5 AND d.given_on >= $6 AND d.given_on <= $7
               AND ($9 = '' OR EXISTS (
                   SELECT 1 FROM json_each(d.findings) AS f WHERE f.value->>'code' = $9))
             ORDER BY d.seq DESC LIMIT $8"
        );
    }
    if filter.severity_min.is_some_and(|least| least as i64 >= 1) {
        return sql!(
            "SELECT d.*, CASE WHEN p.protected = 1 THEN NULL ELSE p.name END AS person_name
             FROM dose AS d
             LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
             LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             WHERE d.municipality = $1 AND d.severity >= 1 AND d.seq < $2 AND ($3 = '' OR d.standing = $3)
               AND d.pending >= $4 AND d.severity >= $5 AND d.given_on >= $6 AND d.given_on <= $7
               AND ($9 = '' OR EXISTS (
                   SELECT 1 FROM json_each(d.findings) AS f WHERE f.value->>'code' = $9))
             ORDER BY d.seq DESC LIMIT $8"
        );
    }
    sql!(
        "SELECT d.*, CASE WHEN p.protected = 1 THEN NULL ELSE p.name END AS person_name
         FROM ledger AS l
         CROSS JOIN dose AS d
         LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
         LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
         WHERE l.municipality = $1 AND l.seq < $2 AND l.act = 'recorded'
           AND d.municipality = l.municipality AND d.dose_id = l.dose_id
           AND ($3 = '' OR d.standing = $3)
           AND d.pending >= $4 AND d.severity >= $5 AND d.given_on >= $6 AND d.given_on <= $7
           AND ($9 = '' OR EXISTS (
               SELECT 1 FROM json_each(d.findings) AS f WHERE f.value->>'code' = $9))
         ORDER BY l.seq DESC LIMIT $8"
    )
}

/// A record of a city's ledger.
///
/// # Errors
/// The database's.
pub async fn record(db: &Db, permit: &CityPermit, dose: DoseId) -> Result<Option<Record>> {
    db.query(sql!(
        "SELECT * FROM dose WHERE municipality = $1 AND dose_id = $2"
    ))
    .bind(permit.city().to_string())
    .bind(dose.0.as_bytes().to_vec())
    .optional::<DoseRow>()
    .await?
    .map(Record::try_from)
    .transpose()
}

/// A person with everything recorded under their coupons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The person, unless not registered yet.
    pub resident: Option<Resident>,
    /// The records, in order of the day they were given.
    pub records: Vec<Record>,
}

/// The person behind a coupon number; none if neither person nor record is known.
///
/// # Errors
/// The database's.
pub async fn person(db: &Db, permit: &CityPermit, number: CouponNumber) -> Result<Option<Person>> {
    let city = permit.city().to_string();
    let mut tx = db.begin_reading().await?;
    let resident = tx
        .query(sql!(
            "SELECT p.* FROM coupon AS c
             JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             WHERE c.municipality = $1 AND c.number = $2"
        ))
        .bind(city.clone())
        .bind(number.as_str().to_owned())
        .optional::<ResidentRow>()
        .await?
        .map(Resident::try_from)
        .transpose()?;
    let rows: Vec<DoseRow> = tx
        .query(sql!(
            "SELECT * FROM dose
             WHERE municipality = $1 AND number IN (
                 SELECT $2 UNION ALL
                 SELECT b.number FROM coupon AS a
                 JOIN coupon AS b ON b.municipality = a.municipality AND b.resident_no = a.resident_no
                 WHERE a.municipality = $1 AND a.number = $2)
             ORDER BY given_on, seq"
        ))
        .bind(city)
        .bind(number.as_str().to_owned())
        .all()
        .await?;
    let records = records(rows)?;
    if resident.is_none() && records.is_empty() {
        return Ok(None);
    }
    Ok(Some(Person { resident, records }))
}

/// What waits on a city's desk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Desk {
    /// Records that wait for their person (登録待ち).
    pub pending: i64,
    /// Records to be corrected (要修正), quarantined ones included.
    pub to_correct: i64,
    /// Records to be checked (要確認).
    pub to_check: i64,
    /// Entries in the ledger.
    pub entries: i64,
    /// People in the register.
    pub residents: i64,
}

/// Counts what waits.
///
/// # Errors
/// The database's.
pub async fn desk(db: &Db, permit: &CityPermit) -> Result<Desk> {
    db.query(sql!(
        "SELECT
             (SELECT COUNT(*) FROM dose WHERE municipality = $1 AND pending = 1) AS pending,
             (SELECT COUNT(*) FROM dose WHERE municipality = $1 AND severity >= 1 AND severity >= 2) AS to_correct,
             (SELECT COUNT(*) FROM dose WHERE municipality = $1 AND severity >= 1 AND severity = 1) AS to_check,
             (SELECT COALESCE(MAX(seq), 0) FROM chain WHERE municipality = $1) AS entries,
             (SELECT COUNT(*) FROM resident WHERE municipality = $1) AS residents"
    ))
    .bind(permit.city().to_string())
    .one()
    .await
}
