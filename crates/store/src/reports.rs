//! Reports about a dose: of a suspected adverse reaction (副反応疑い報告), of a vaccination error (間違い接種).
//!
//! A venue drafts a report of a dose it recorded, a city of any dose in its ledger. A draft is saved as
//! often as needed, never over what somebody else saved meanwhile; once submitted it has a number and
//! stays as it is.

use std::collections::BTreeMap;

use domain::access::{Actor, CityPermit, OrganisationId, VenuePermit};
use domain::calendar::{Day, Instant};
use domain::coupons::CouponNumber;
use domain::doses::DoseId;
use domain::places::MunicipalityCode;
use uuid::Uuid;

use crate::accounts::uuid;
use crate::audit::{self, Change};
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::recorder::json;

/// Reports on one page at most.
pub const LISTED_MAX: i64 = 100;

/// What a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A suspected adverse reaction.
    AdverseReaction,
    /// A vaccination error.
    Mistake,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::AdverseReaction, Self::Mistake];

    /// The word in tables and texts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AdverseReaction => "adverse_reaction",
            Self::Mistake => "mistake",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// At whose desk a report is worked on.
#[derive(Clone, Debug)]
pub enum Desk {
    /// The city in whose ledger the dose is.
    City(CityPermit),
    /// The venue that recorded the dose.
    Venue(VenuePermit),
}

impl Desk {
    fn actor(&self) -> &Actor {
        match self {
            Self::City(permit) => permit.actor(),
            Self::Venue(permit) => permit.actor(),
        }
    }
}

/// What was filled in, item by item.
pub type Form = BTreeMap<String, String>;

/// A report.
#[derive(Clone, PartialEq, Eq)]
pub struct Report {
    /// The city in whose ledger the dose is.
    pub city: MunicipalityCode,
    /// Its id.
    pub id: Uuid,
    /// What it is about.
    pub kind: Kind,
    /// The dose.
    pub dose: DoseId,
    /// The person's coupon number, unless the digits lead nowhere.
    pub number: Option<CouponNumber>,
    /// Whether the person is protected (支援措置).
    pub protected: bool,
    /// The venue that drafts it; none if the city does.
    pub venue: Option<OrganisationId>,
    /// Its number, once it is submitted.
    pub report_no: Option<String>,
    /// What was filled in.
    pub form: Form,
    /// How often it was saved.
    pub revision: i64,
    /// When it was begun.
    pub made_at: Instant,
    /// The day it was submitted.
    pub submitted_on: Option<Day>,
}

impl std::fmt::Debug for Report {
    /// Nothing that identifies a person reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Report({}, {})", self.kind.as_str(), self.id)
    }
}

#[derive(sqlx_macros::FromRow)]
struct ReportRow {
    municipality: String,
    id: Vec<u8>,
    kind: String,
    dose_id: Vec<u8>,
    number: Option<String>,
    protected: Option<i64>,
    venue: Option<Vec<u8>>,
    report_no: Option<String>,
    form: String,
    revision: i64,
    made_at: i64,
    submitted_on: Option<String>,
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "report",
        column,
    }
}

impl TryFrom<ReportRow> for Report {
    type Error = Error;

    fn try_from(row: ReportRow) -> Result<Self> {
        let number = row.number.as_deref().map(CouponNumber::parse);
        let venue = row.venue.as_deref();
        let submitted_on = row.submitted_on.as_deref();
        Ok(Self {
            city: MunicipalityCode::parse(&row.municipality).map_err(|_| bad("municipality"))?,
            id: uuid(&row.id, "report", "id")?,
            kind: Kind::parse(&row.kind).ok_or_else(|| bad("kind"))?,
            dose: DoseId(uuid(&row.dose_id, "report", "dose_id")?),
            number: number.transpose().map_err(|_| bad("number"))?,
            protected: row.protected == Some(1),
            venue: venue
                .map(|id| uuid(id, "report", "venue").map(OrganisationId))
                .transpose()?,
            report_no: row.report_no,
            form: serde_json::from_str(&row.form).map_err(|_| bad("form"))?,
            revision: row.revision,
            made_at: Instant::from_micros(row.made_at),
            submitted_on: submitted_on
                .map(|text| Day::parse(text).ok_or_else(|| bad("submitted_on")))
                .transpose()?,
        })
    }
}

/// A report that is to be begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReport {
    /// Its id, made by the caller.
    pub id: Uuid,
    /// What it is about.
    pub kind: Kind,
    /// The dose.
    pub dose: DoseId,
    /// What is filled in already.
    pub form: Form,
}

/// Who changes a report when, with the audit's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act {
    /// Of the audit's row.
    pub audit: Uuid,
    /// When.
    pub at: Instant,
}

/// Begins a report of a dose at this desk; false if there is no such dose there.
///
/// # Errors
/// [`Error::Exists`] if the id is taken, or the database's.
pub async fn begin(db: &Db, desk: &Desk, new: &NewReport, act: Act) -> Result<bool> {
    transact!(db, |tx| {
        let city = city_of_dose(&mut tx, desk, new.dose).await?;
        if let Some(city) = city {
            let venue = match desk {
                Desk::City(_) => None,
                Desk::Venue(permit) => Some(permit.venue().0.as_bytes().to_vec()),
            };
            tx.query(sql!(
                "INSERT INTO report (municipality, id, kind, state, dose_id, venue, form, revision, made_by, made_at,
                                     changed_at)
                 VALUES ($1, $2, $3, 'draft', $4, $5, $6, 0, $7, $8, $8)"
            ))
            .bind(city.as_str().to_owned())
            .bind(new.id.as_bytes().to_vec())
            .bind(new.kind.as_str().to_owned())
            .bind(new.dose.0.as_bytes().to_vec())
            .bind(venue)
            .bind(json(&new.form))
            .bind(desk.actor().user.0.as_bytes().to_vec())
            .bind(act.at.micros())
            .expect(1)
            .await?;
            written(&mut tx, desk, city, new.id, act, "begin-report").await?;
        }
        city.is_some()
    })
}

/// The ledger that has the dose, if the desk may report about it.
async fn city_of_dose(tx: &mut Tx, desk: &Desk, dose: DoseId) -> Result<Option<MunicipalityCode>> {
    let found: Option<(String,)> = match desk {
        Desk::City(permit) => {
            tx.query(sql!(
                "SELECT municipality FROM dose WHERE municipality = $1 AND dose_id = $2"
            ))
            .bind(permit.city().as_str().to_owned())
            .bind(dose.0.as_bytes().to_vec())
            .optional()
            .await?
        }
        Desk::Venue(permit) => {
            tx.query(sql!(
                "SELECT municipality FROM receipt
                 WHERE organisation = $1 AND id = $2 AND act = 'recorded'"
            ))
            .bind(permit.venue().0.as_bytes().to_vec())
            .bind(dose.0.as_bytes().to_vec())
            .optional()
            .await?
        }
    };
    let city = found.map(|(code,)| MunicipalityCode::parse(&code));
    city.transpose().map_err(|_| bad("municipality"))
}

async fn written(
    tx: &mut Tx,
    desk: &Desk,
    city: MunicipalityCode,
    id: Uuid,
    act: Act,
    action: &str,
) -> Result<()> {
    let subject = id.to_string();
    let change = Change {
        id: act.audit,
        at: act.at,
        municipality: Some(city),
        action,
        subject: &subject,
        detail: "{}",
    };
    audit::write(tx, desk.actor(), &change).await
}

/// A report at this desk.
///
/// # Errors
/// The database's.
pub async fn report(db: &Db, desk: &Desk, id: Uuid) -> Result<Option<Report>> {
    let row: Option<ReportRow> = match desk {
        Desk::City(permit) => {
            db.query(sql!(
                "SELECT r.municipality, r.id, r.kind, r.dose_id, d.number, p.protected, r.venue, r.report_no, r.form,
                        r.revision, r.made_at, r.submitted_on
                 FROM report AS r
                 JOIN dose AS d ON d.municipality = r.municipality AND d.dose_id = r.dose_id
                 LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
                 LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
                 WHERE r.municipality = $1 AND r.id = $2"
            ))
            .bind(permit.city().as_str().to_owned())
            .bind(id.as_bytes().to_vec())
            .optional()
            .await?
        }
        Desk::Venue(permit) => {
            db.query(sql!(
                "SELECT r.municipality, r.id, r.kind, r.dose_id, d.number, p.protected, r.venue, r.report_no, r.form,
                        r.revision, r.made_at, r.submitted_on
                 FROM report AS r
                 JOIN dose AS d ON d.municipality = r.municipality AND d.dose_id = r.dose_id
                 LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
                 LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
                 WHERE r.venue = $1 AND r.id = $2"
            ))
            .bind(permit.venue().0.as_bytes().to_vec())
            .bind(id.as_bytes().to_vec())
            .optional()
            .await?
        }
    };
    row.map(Report::try_from).transpose()
}

/// The desk's reports, the latest first; `before` is the last id of the page before.
///
/// # Errors
/// The database's.
pub async fn list(db: &Db, desk: &Desk, before: Option<Uuid>) -> Result<Vec<Report>> {
    let before = before.unwrap_or(Uuid::max()).as_bytes().to_vec();
    let rows: Vec<ReportRow> = match desk {
        Desk::City(permit) => {
            db.query(sql!(
                "SELECT r.municipality, r.id, r.kind, r.dose_id, d.number, p.protected, r.venue, r.report_no, r.form,
                        r.revision, r.made_at, r.submitted_on
                 FROM report AS r
                 JOIN dose AS d ON d.municipality = r.municipality AND d.dose_id = r.dose_id
                 LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
                 LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
                 WHERE r.municipality = $1 AND r.id < $2 ORDER BY r.id DESC LIMIT $3"
            ))
            .bind(permit.city().as_str().to_owned())
            .bind(before)
            .bind(LISTED_MAX)
            .all()
            .await?
        }
        Desk::Venue(permit) => {
            db.query(sql!(
                "SELECT r.municipality, r.id, r.kind, r.dose_id, d.number, p.protected, r.venue, r.report_no, r.form,
                        r.revision, r.made_at, r.submitted_on
                 FROM report AS r
                 JOIN dose AS d ON d.municipality = r.municipality AND d.dose_id = r.dose_id
                 LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
                 LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
                 WHERE r.venue = $1 AND r.id < $2 ORDER BY r.id DESC LIMIT $3"
            ))
            .bind(permit.venue().0.as_bytes().to_vec())
            .bind(before)
            .bind(LISTED_MAX)
            .all()
            .await?
        }
    };
    rows.into_iter().map(Report::try_from).collect()
}

/// What became of saving a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is saved.
    Saved,
    /// Somebody else saved it meanwhile, or it is submitted.
    Changed,
    /// There is no such report at this desk.
    NotFound,
}

/// Saves what was filled in over `revision`; with a day, submits it under a number of that year.
///
/// # Errors
/// The database's.
pub async fn save(
    db: &Db,
    desk: &Desk,
    (id, revision): (Uuid, i64),
    form: &Form,
    submit_on: Option<Day>,
    act: Act,
) -> Result<Saved> {
    let Some(known) = report(db, desk, id).await? else {
        return Ok(Saved::NotFound);
    };
    let city = known.city;
    transact!(db, |tx| {
        let report_no = match submit_on {
            Some(day) => Some(next_number(&mut tx, city, known.kind, day).await?),
            None => None,
        };
        let saved = tx
            .query(sql!(
                "UPDATE report SET form = $4, revision = revision + 1, changed_at = $5, report_no = $6,
                        submitted_on = $7, state = $8
                 WHERE municipality = $1 AND id = $2 AND revision = $3 AND state = 'draft'"
            ))
            .bind(city.as_str().to_owned())
            .bind(id.as_bytes().to_vec())
            .bind(revision)
            .bind(json(form))
            .bind(act.at.micros())
            .bind(report_no)
            .bind(submit_on.map(|day| day.to_string()))
            .bind(submit_on.map_or("draft", |_| "submitted").to_owned())
            .run()
            .await?;
        if saved == 1 {
            let action = submit_on.map_or("save-report", |_| "submit-report");
            written(&mut tx, desk, city, id, act, action).await?;
            Saved::Saved
        } else {
            Saved::Changed
        }
    })
}

/// The next number of a year: `2021-0007`. Whoever else takes it meanwhile makes the transaction run again.
async fn next_number(tx: &mut Tx, city: MunicipalityCode, kind: Kind, on: Day) -> Result<String> {
    let year = format!("{:04}", on.year());
    let (count,): (i64,) = tx
        .query(sql!(
            "SELECT COUNT(*) FROM report
             WHERE municipality = $1 AND kind = $2 AND submitted_on >= $3 AND submitted_on <= $4"
        ))
        .bind(city.as_str().to_owned())
        .bind(kind.as_str().to_owned())
        .bind(format!("{year}-01-01"))
        .bind(format!("{year}-12-31"))
        .one()
        .await?;
    Ok(format!("{year}-{:04}", count + 1))
}
