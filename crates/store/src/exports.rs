//! A city's records on their way into a file: 予防接種台帳向け出力 and 登録待ちリスト出力 (domain paper §2.4).
//!
//! Read page by page in constant memory, each page by one statement that goes on where the last one
//! ended, however many records there are. There is no transaction around it, which a slow reader
//! of the file would hold open for hours: a line is of one moment, the file is not.

use domain::access::CityPermit;
use domain::calendar::{Day, Instant};
use domain::coupons::CouponNumber;
use domain::places::MunicipalityCode;

use crate::audit::{self, View};
use crate::db::{Db, sql};
use crate::error::{Error, Result};

/// People in one page: enough that the way to the engine and back does not show, few enough to hold.
pub const PAGE_PEOPLE: usize = 500;

/// Which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The people of the register with their doses (予防接種台帳向け出力).
    Ledger,
    /// Doses whose person is not in the register yet (接種対象者登録待ちリスト出力).
    Pending,
}

impl Kind {
    /// Both, in the order a form offers them.
    pub const ALL: [Self; 2] = [Self::Ledger, Self::Pending];

    /// Its stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Pending => "pending",
        }
    }

    /// Reads the stable word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A person's line.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// The city's own number for the person (個別宛名番号); none where the person is not registered,
    /// or protected (支援措置).
    pub resident_no: Option<String>,
    /// The doses that count, in the order of their turns.
    pub doses: Vec<Dose>,
}

impl std::fmt::Debug for Line {
    /// Nothing that identifies a person reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Line({} doses)", self.doses.len())
    }
}

/// A dose of that line.
#[derive(Clone, PartialEq, Eq)]
pub struct Dose {
    /// The coupon number it was recorded under, which may be a former one.
    pub number: CouponNumber,
    /// Which dose it is.
    pub turn: u8,
    /// When it was recorded.
    pub recorded_at: Instant,
    /// The day it was given.
    pub given_on: Day,
    /// The product's key.
    pub product: String,
    /// The lot.
    pub lot: String,
    /// Who gave it.
    pub doctor: String,
    /// The venue's name on the day.
    pub venue_name: String,
}

impl std::fmt::Debug for Dose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Dose({})", self.turn)
    }
}

/// A file while it is read.
pub struct Export {
    db: Db,
    city: MunicipalityCode,
    next: Next,
}

/// What the next page begins after.
enum Next {
    /// People who may be named, by their own number.
    Named(String),
    /// Protected people come last and by coupon: their place among the others would tell the number
    /// that is left out.
    Protected(String),
    /// Coupons without a person, by the first record of each.
    Pending(i64),
    End,
}

/// A line's person or coupon, and one of the doses. A person may have none.
#[derive(sqlx_macros::FromRow)]
struct Found<K> {
    place: K,
    #[sqlx(flatten)]
    dose: Columns,
}

#[derive(sqlx_macros::FromRow)]
struct Columns {
    number: Option<String>,
    turn: Option<i64>,
    recorded_at: Option<i64>,
    given_on: Option<String>,
    product: Option<String>,
    lot: Option<String>,
    doctor: Option<String>,
    venue_name: Option<String>,
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "dose",
        column,
    }
}

impl Columns {
    fn dose(self) -> Result<Option<Dose>> {
        let Some(number) = self.number else {
            return Ok(None);
        };
        let turn = self.turn.and_then(|turn| u8::try_from(turn).ok());
        let given_on = self.given_on.as_deref().and_then(Day::parse);
        Ok(Some(Dose {
            number: CouponNumber::parse(&number).map_err(|_| bad("number"))?,
            turn: turn.ok_or_else(|| bad("turn"))?,
            recorded_at: Instant::from_micros(self.recorded_at.ok_or_else(|| bad("recorded_at"))?),
            given_on: given_on.ok_or_else(|| bad("given_on"))?,
            product: self.product.ok_or_else(|| bad("product"))?,
            lot: self.lot.ok_or_else(|| bad("lot"))?,
            doctor: self.doctor.ok_or_else(|| bad("doctor"))?,
            venue_name: self.venue_name.ok_or_else(|| bad("venue_name"))?,
        }))
    }
}

/// What a page's rows are when they are put together.
struct Gathered<K> {
    lines: Vec<(K, Vec<Dose>)>,
}

impl<K: PartialEq> Gathered<K> {
    fn of(rows: Vec<Found<K>>) -> Result<Self> {
        let mut lines: Vec<(K, Vec<Dose>)> = Vec::new();
        for row in rows {
            let dose = row.dose.dose()?;
            match lines.last_mut() {
                Some((place, doses)) if *place == row.place => doses.extend(dose),
                _ => lines.push((row.place, dose.into_iter().collect())),
            }
        }
        Ok(Self { lines })
    }

    fn is_last(&self) -> bool {
        self.lines.len() < PAGE_PEOPLE
    }

    /// Those who have doses.
    fn lines(self, named: impl Fn(K) -> Option<String>) -> Vec<Line> {
        let there = self
            .lines
            .into_iter()
            .filter(|(_, doses)| !doses.is_empty());
        there
            .map(|(place, doses)| Line {
                resident_no: named(place),
                doses,
            })
            .collect()
    }
}

impl Export {
    /// Writes down who takes the file and what for, and begins to read.
    ///
    /// # Errors
    /// The database's; then nothing may be shown.
    pub async fn begin(db: &Db, permit: &CityPermit, kind: Kind, view: &View) -> Result<Self> {
        audit::looked(db, permit, view).await?;
        Ok(Self {
            db: db.clone(),
            city: permit.city(),
            next: match kind {
                Kind::Ledger => Next::Named(String::new()),
                Kind::Pending => Next::Pending(i64::MIN),
            },
        })
    }

    /// The lines of the next page, which may be none of [`PAGE_PEOPLE`] people; `None` at the end.
    /// One statement each.
    ///
    /// # Errors
    /// The database's.
    pub async fn page(&mut self) -> Result<Option<Vec<Line>>> {
        match std::mem::replace(&mut self.next, Next::End) {
            Next::Named(after) => self.named(after).await.map(Some),
            Next::Protected(after) => self.protected(after).await.map(Some),
            Next::Pending(after) => self.pending(after).await.map(Some),
            Next::End => Ok(None),
        }
    }

    async fn named(&mut self, after: String) -> Result<Vec<Line>> {
        let rows: Vec<Found<String>> = self
            .db
            .query(sql!(
                "WITH p AS (
                     SELECT municipality, resident_no FROM resident
                     WHERE municipality = $1 AND resident_no > $2 AND protected = 0
                     ORDER BY resident_no LIMIT $3)
                 SELECT p.resident_no AS place, d.number, d.turn, d.recorded_at, d.given_on, d.product, d.lot,
                        d.doctor, d.venue_name
                 FROM p
                 LEFT JOIN coupon AS c ON c.municipality = p.municipality AND c.resident_no = p.resident_no
                 LEFT JOIN dose AS d ON d.municipality = c.municipality AND d.number = c.number
                   AND d.standing = 'counted'
                 ORDER BY p.resident_no, d.turn, d.seq"
            ))
            .bind(self.city.as_str().to_owned())
            .bind(after)
            .bind(PAGE_PEOPLE as i64)
            .all()
            .await?;
        let found = Gathered::of(rows)?;
        self.next = match found.lines.last() {
            Some((last, _)) if !found.is_last() => Next::Named(last.clone()),
            _ => Next::Protected(String::new()),
        };
        Ok(found.lines(Some))
    }

    async fn protected(&mut self, after: String) -> Result<Vec<Line>> {
        let rows: Vec<Found<String>> = self
            .db
            .query(sql!(
                "WITH p AS (
                     SELECT x.municipality, x.number, r.resident_no FROM coupon AS x CROSS JOIN resident AS r
                     WHERE x.municipality = $1 AND x.number > $2
                       AND r.municipality = x.municipality AND r.resident_no = x.resident_no
                       AND r.number = x.number AND r.protected = 1
                     ORDER BY x.number LIMIT $3)
                 SELECT p.number AS place, d.number, d.turn, d.recorded_at, d.given_on, d.product, d.lot,
                        d.doctor, d.venue_name
                 FROM p
                 LEFT JOIN coupon AS c ON c.municipality = p.municipality AND c.resident_no = p.resident_no
                 LEFT JOIN dose AS d ON d.municipality = c.municipality AND d.number = c.number
                   AND d.standing = 'counted'
                 ORDER BY p.number, d.turn, d.seq"
            ))
            .bind(self.city.as_str().to_owned())
            .bind(after)
            .bind(PAGE_PEOPLE as i64)
            .all()
            .await?;
        let found = Gathered::of(rows)?;
        if let Some((last, _)) = found.lines.last().filter(|_| !found.is_last()) {
            self.next = Next::Protected(last.clone());
        }
        Ok(found.lines(|_| None))
    }

    async fn pending(&mut self, after: i64) -> Result<Vec<Line>> {
        let rows: Vec<Found<i64>> = self
            .db
            .query(sql!(
                "WITH p AS (
                     SELECT f.municipality, f.number, f.seq FROM dose AS f
                     WHERE f.municipality = $1 AND f.pending = 1 AND f.seq > $2 AND f.standing = 'counted'
                       AND NOT EXISTS (
                           SELECT 1 FROM dose AS e
                           WHERE e.municipality = f.municipality AND e.number = f.number AND e.seq < f.seq
                             AND e.pending = 1 AND e.standing = 'counted')
                     ORDER BY f.seq LIMIT $3)
                 SELECT p.seq AS place, d.number, d.turn, d.recorded_at, d.given_on, d.product, d.lot, d.doctor,
                        d.venue_name
                 FROM p CROSS JOIN dose AS d
                 WHERE d.municipality = p.municipality AND d.number = p.number AND d.pending = 1
                   AND d.standing = 'counted'
                 ORDER BY p.seq, d.turn, d.seq"
            ))
            .bind(self.city.as_str().to_owned())
            .bind(after)
            .bind(PAGE_PEOPLE as i64)
            .all()
            .await?;
        let found = Gathered::of(rows)?;
        if let Some((last, _)) = found.lines.last().filter(|_| !found.is_last()) {
            self.next = Next::Pending(*last);
        }
        Ok(found.lines(|_| None))
    }
}
