//! Coupons (接種券) as a city issues them: cohorts in batches, single ones again, numbers made void.
//!
//! The paper of the residents keeps a number with each person, so issuing gives out papers for
//! that number; only a reissue makes a new one. The work on a batch is done in stretches of some
//! hundreds of people; each stretch is a transaction that also says how far the work is, so that any
//! server goes on with it after a restart. No file is kept: each is printed from the rows when it is
//! taken out, in the order of the mailing.

mod batches;
mod mailings;
mod numbers;
mod work;

pub use batches::{Batch, Counts, State, approve, batch, begin, discard, list};
pub(crate) use mailings::set_apart;
pub use mailings::{APART_MAX, File, Papers, Piece, apart, files, papers, pieces};
pub use numbers::{Number, Wanted, of_person, reissue, void};
pub use work::{InHand, stretch, take_in_hand};

use std::collections::{BTreeSet, HashMap};

use domain::access::CityPermit;
use domain::calendar::Instant;
use domain::coupons::CouponNumber;
use domain::doses::Facts;
use domain::issues::{CouponState, Form, ReissueReason};
use domain::places::MunicipalityCode;
use uuid::Uuid;

use crate::accounts::uuid;
use crate::audit::{self, Change};
use crate::db::{Table, Tx, sql};
use crate::doses::{DoseRow, Record};
use crate::error::{Error, Result};
use crate::imports::Decided;

/// People in one stretch: reports beside it never wait long for its transaction.
pub const STRETCH_PEOPLE: i64 = 500;

/// People in one file: some seconds of printing, and at three papers each within the printer's limit.
pub const FILE_PEOPLE_MAX: i64 = 300;

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "coupon_batch",
        column,
    }
}

fn bad_issue(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "coupon_issue",
        column,
    }
}

async fn decided(
    tx: &mut Tx,
    permit: &CityPermit,
    how: Decided,
    (action, subject, detail): (&str, &str, &str),
) -> Result<()> {
    let change = Change {
        id: how.audit,
        at: how.at,
        municipality: Some(permit.city()),
        action,
        subject,
        detail,
    };
    audit::write(tx, permit.actor(), &change).await
}

/// A coupon to be issued.
struct New {
    number: String,
    turn: u8,
    nth: i64,
    resident_no: String,
    sort_key: String,
    apart: bool,
}

/// People of a city as the rows a statement takes.
pub(crate) fn keys<'a>(city: MunicipalityCode, residents: impl Iterator<Item = &'a str>) -> Table {
    let residents: BTreeSet<&str> = residents.collect();
    Table::default()
        .text(residents.iter().map(|_| city.as_str()))
        .text(residents.iter().copied())
}

#[derive(sqlx_macros::FromRow)]
struct CountedRow {
    resident_no: String,
    #[sqlx(flatten)]
    dose: DoseRow,
}

/// The doses of these people that count, under whichever of their numbers.
pub(crate) async fn counted(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[&str],
) -> Result<HashMap<String, Vec<Facts>>> {
    let rows: Vec<CountedRow> = tx
        .many(
            sql!(
                "WITH k (municipality, resident_no) AS ({rows: text, text})
                 SELECT c.resident_no, d.* FROM k CROSS JOIN coupon AS c CROSS JOIN dose AS d
                 WHERE c.municipality = k.municipality AND c.resident_no = k.resident_no
                   AND d.municipality = c.municipality AND d.number = c.number AND d.standing = 'counted'"
            ),
            keys(city, residents.iter().copied()),
        )
        .all()
        .await?;
    let mut of: HashMap<String, Vec<Facts>> = HashMap::new();
    for row in rows {
        let facts = Record::try_from(row.dose)?.facts();
        of.entry(row.resident_no).or_default().push(facts);
    }
    Ok(of)
}

/// A coupon that was issued.
#[derive(Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its number.
    pub number: CouponNumber,
    /// For which dose; `0` where it is left open.
    pub turn: u8,
    /// 0 for the first paper of this number and dose.
    pub nth: i64,
    /// How it stands.
    pub state: CouponState,
    /// What was printed.
    pub form: Form,
    /// Why it was issued again, if it was.
    pub reason: Option<ReissueReason>,
    /// When.
    pub issued_at: Instant,
    /// In which batch, if in one.
    pub batch: Option<Uuid>,
}

impl std::fmt::Debug for Issue {
    /// Nothing that identifies a person reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Issue(.., {}, {})", self.turn, self.state.as_str())
    }
}

#[derive(sqlx_macros::FromRow)]
struct IssueRow {
    resident_no: String,
    number: String,
    turn: i64,
    nth: i64,
    state: String,
    form: String,
    reason: String,
    issued_at: i64,
    batch: Option<Vec<u8>>,
}

impl TryFrom<IssueRow> for Issue {
    type Error = Error;

    fn try_from(row: IssueRow) -> Result<Self> {
        let batch = row.batch.as_deref();
        Ok(Self {
            number: CouponNumber::parse(&row.number).map_err(|_| bad_issue("number"))?,
            turn: u8::try_from(row.turn).map_err(|_| bad_issue("turn"))?,
            nth: row.nth,
            state: CouponState::parse(&row.state).ok_or_else(|| bad_issue("state"))?,
            form: Form::parse(&row.form).ok_or_else(|| bad_issue("form"))?,
            reason: ReissueReason::parse(&row.reason),
            issued_at: Instant::from_micros(row.issued_at),
            batch: batch
                .map(|id| uuid(id, "coupon_issue", "batch"))
                .transpose()?,
        })
    }
}

/// What was ever issued to these people.
///
/// Their papers are looked up in the index alone, and read by their keys: asked for in one step, SQLite goes
/// through all papers of the city for each person.
pub(crate) async fn issues(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[&str],
) -> Result<HashMap<String, Vec<Issue>>> {
    let rows: Vec<IssueRow> = tx
        .many(
            sql!(
                "WITH k (municipality, resident_no) AS ({rows: text, text})
                 SELECT i.resident_no, i.number, i.turn, i.nth, i.state, i.form, i.reason, i.issued_at, i.batch
                 FROM k CROSS JOIN coupon_issue AS x CROSS JOIN coupon_issue AS i
                 WHERE x.municipality = k.municipality AND x.resident_no = k.resident_no
                   AND i.municipality = x.municipality AND i.number = x.number AND i.turn = x.turn AND i.nth = x.nth
                 ORDER BY i.issued_at, i.number, i.turn, i.nth"
            ),
            keys(city, residents.iter().copied()),
        )
        .all()
        .await?;
    let mut of: HashMap<String, Vec<Issue>> = HashMap::new();
    for row in rows {
        let resident_no = row.resident_no.clone();
        of.entry(resident_no).or_default().push(row.try_into()?);
    }
    Ok(of)
}

async fn insert(
    tx: &mut Tx,
    city: MunicipalityCode,
    new: &[New],
    (form, reason, at, batch): (Form, &str, Instant, Option<Uuid>),
) -> Result<()> {
    let of = || new.iter();
    let rows = Table::default()
        .text(of().map(|_| city.as_str()))
        .text(of().map(|one| one.number.as_str()))
        .whole(of().map(|one| i64::from(one.turn)))
        .whole(of().map(|one| one.nth))
        .text(of().map(|one| one.resident_no.as_str()))
        .text(of().map(|_| CouponState::Issued.as_str()))
        .text(of().map(|_| form.as_str()))
        .text(of().map(|_| reason))
        .whole(of().map(|_| at.micros()))
        .bytes_or_null(of().map(|_| batch.map(|id| *id.as_bytes())))
        .text(of().map(|one| one.sort_key.as_str()))
        .whole(of().map(|one| i64::from(one.apart)));
    tx.many(
        sql!(
            "INSERT INTO coupon_issue (municipality, number, turn, nth, resident_no, state, form, reason, issued_at,
                                       batch, sort_key, apart)
             {rows: text, text, bigint, bigint, text, text, text, text, bigint, bytea, text, bigint}"
        ),
        rows,
    )
    .expect_each()
    .await
}
