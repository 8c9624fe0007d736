//! The numbers of one person: issued again, made void, and the next one that nobody ever had.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::CityPermit;
use domain::calendar::Instant;
use domain::coupons::CouponNumber;
use domain::issues::{
    CouponState, Form, IssueRefusal, OldNumber, ReissueReason, TURN_ON_COUPON_MAX, VoidReason,
    number_after,
};
use domain::people::ResidentStanding;
use domain::places::MunicipalityCode;

use super::{Issue, IssueRow, New, bad_issue, counted, decided, insert, issues};
use crate::db::{Db, Tx, sql, transact};
use crate::error::Result;
use crate::imports::Decided;
use crate::recorder::lock_chains;
use crate::residents::{Resident, ResidentRow};

/// Numbers that are passed over because a misread dose waits under them: never that many in a row.
const TAKEN_IN_A_ROW_MAX: usize = 1_000;

/// A number that somebody has or had.
#[derive(Clone, PartialEq, Eq)]
pub struct Number {
    /// The number.
    pub number: CouponNumber,
    /// When it became void, if it is.
    pub voided_at: Option<Instant>,
    /// Why, as its stable word.
    pub void_reason: Option<String>,
    /// The number that took its place.
    pub replaced_by: Option<CouponNumber>,
}

impl std::fmt::Debug for Number {
    /// Nothing that identifies a person reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Number(.., void: {})", self.voided_at.is_some())
    }
}

type NumberRow = (String, Option<i64>, Option<String>, Option<String>);

/// The numbers of the person behind a number and what was issued under them; empty if nobody is
/// registered under it. Looked up in the indexes alone and read by their keys, as in `issues`.
///
/// # Errors
/// The database's.
pub async fn of_person(
    db: &Db,
    permit: &CityPermit,
    number: CouponNumber,
) -> Result<(Vec<Number>, Vec<Issue>)> {
    let city = permit.city();
    let mut tx = db.begin_reading().await?;
    let rows: Vec<NumberRow> = tx
        .query(sql!(
            "SELECT b.number, b.voided_at, b.void_reason, b.replaced_by
             FROM coupon AS a CROSS JOIN coupon AS x CROSS JOIN coupon AS b
             WHERE a.municipality = $1 AND a.number = $2
               AND x.municipality = a.municipality AND x.resident_no = a.resident_no
               AND b.municipality = x.municipality AND b.number = x.number
             ORDER BY b.number"
        ))
        .bind(city.as_str().to_owned())
        .bind(number.as_str().to_owned())
        .all()
        .await?;
    let issued: Vec<IssueRow> = tx
        .query(sql!(
            "SELECT i.resident_no, i.number, i.turn, i.nth, i.state, i.form, i.reason, i.issued_at, i.batch
             FROM coupon AS a CROSS JOIN coupon_issue AS x CROSS JOIN coupon_issue AS i
             WHERE a.municipality = $1 AND a.number = $2
               AND x.municipality = a.municipality AND x.resident_no = a.resident_no
               AND i.municipality = x.municipality AND i.number = x.number AND i.turn = x.turn AND i.nth = x.nth
             ORDER BY i.issued_at, i.number, i.turn, i.nth"
        ))
        .bind(city.as_str().to_owned())
        .bind(number.as_str().to_owned())
        .all()
        .await?;
    let parse = |text: &str| CouponNumber::parse(text).map_err(|_| bad_issue("number"));
    let numbers = rows.into_iter().map(|(number, at, reason, next)| {
        Ok(Number {
            number: parse(&number)?,
            voided_at: at.map(Instant::from_micros),
            void_reason: reason,
            replaced_by: next.as_deref().map(parse).transpose()?,
        })
    });
    let issued = issued.into_iter().map(Issue::try_from);
    Ok((
        numbers.collect::<Result<_>>()?,
        issued.collect::<Result<_>>()?,
    ))
}

/// What is to be issued again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Why.
    pub reason: ReissueReason,
    /// For which dose; `0` leaves it open.
    pub turn: u8,
    /// What is printed.
    pub form: Form,
}

/// The person behind a number as the register has them, with when their number in force became void.
async fn holder(
    tx: &mut Tx,
    city: MunicipalityCode,
    number: CouponNumber,
) -> Result<Option<(Resident, Option<i64>)>> {
    #[derive(sqlx_macros::FromRow)]
    struct HolderRow {
        voided_at: Option<i64>,
        #[sqlx(flatten)]
        resident: ResidentRow,
    }
    let row: Option<HolderRow> = tx
        .query(sql!(
            "SELECT n.voided_at, p.* FROM coupon AS c
             JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             LEFT JOIN coupon AS n ON n.municipality = p.municipality AND n.number = p.number
             WHERE c.municipality = $1 AND c.number = $2"
        ))
        .bind(city.as_str().to_owned())
        .bind(number.as_str().to_owned())
        .optional()
        .await?;
    row.map(|row| Ok((Resident::try_from(row.resident)?, row.voided_at)))
        .transpose()
}

/// Issues a person's coupon again; gives the number that is in force by then.
///
/// Where the number becomes void, everything that is out under it is issued again too: a paper
/// with a void number is worth nothing.
///
/// # Errors
/// The database's; whatever the rules refuse is the inner error.
pub async fn reissue(
    db: &Db,
    permit: &CityPermit,
    number: CouponNumber,
    wanted: Wanted,
    how: Decided,
) -> Result<std::result::Result<CouponNumber, IssueRefusal>> {
    let city = permit.city();
    transact!(db, begin_locking, |tx| {
        lock_chains(&mut tx, &BTreeSet::from([city])).await?;
        again(&mut tx, permit, number, wanted, how).await?
    })
}

async fn again(
    tx: &mut Tx,
    permit: &CityPermit,
    number: CouponNumber,
    wanted: Wanted,
    how: Decided,
) -> Result<std::result::Result<CouponNumber, IssueRefusal>> {
    let city = permit.city();
    let Some((resident, voided_at)) = holder(tx, city, number).await? else {
        return Ok(Err(IssueRefusal::NotRegistered));
    };
    if resident.standing != ResidentStanding::Resident {
        return Ok(Err(IssueRefusal::Gone));
    }
    if wanted.turn > TURN_ON_COUPON_MAX {
        return Ok(Err(IssueRefusal::TurnUnknown));
    }
    let no = resident.resident_no.as_str();
    let doses = counted(tx, city, &[no]).await?.remove(no);
    let given: BTreeSet<u8> = doses.iter().flatten().map(|dose| dose.turn).collect();
    if wanted.turn > 0 && given.contains(&wanted.turn) {
        return Ok(Err(IssueRefusal::TurnGiven));
    }
    let papers = issues(tx, city, &[no])
        .await?
        .remove(no)
        .unwrap_or_default();
    let is_void = voided_at.is_some();
    let becomes_void = wanted.reason.old_number() == OldNumber::Voided;
    let old = resident.number;
    let new = if is_void || becomes_void {
        match free_number(tx, city).await? {
            Some(new) => new,
            None => return Ok(Err(IssueRefusal::NumbersExhausted)),
        }
    } else {
        old
    };
    // For a dose and its interviews papers are out beside each other.
    let kind = |turn: u8, form: Form| (turn, form.is_interview());
    let mut again = BTreeMap::from([(kind(wanted.turn, wanted.form), wanted.form)]);
    if new != old {
        let out = papers.iter().filter(|one| one.state == CouponState::Issued);
        for one in out.filter(|one| !given.contains(&one.turn)) {
            again.entry(kind(one.turn, one.form)).or_insert(one.form);
        }
    }
    let replaced = papers
        .iter()
        .filter(|one| one.number != new || again.contains_key(&kind(one.turn, one.form)));
    end(tx, city, replaced, CouponState::Reissued).await?;
    if new != old {
        if !is_void {
            void_number(tx, city, old, wanted.reason.as_str(), how.at).await?;
        }
        give_number(tx, city, &resident, new, how.at).await?;
    }
    let mut nth_of: BTreeMap<u8, i64> = BTreeMap::new();
    for ((turn, _), form) in again {
        let before = |one: &&Issue| one.number == new && one.turn == turn;
        let more = nth_of.entry(turn).or_default();
        let nth = papers.iter().filter(before).count() as i64 + *more;
        *more += 1;
        let paper = New {
            number: new.as_str().to_owned(),
            turn,
            nth,
            resident_no: resident.resident_no.clone(),
            sort_key: String::new(),
            apart: resident.protected,
        };
        let how = (form, wanted.reason.as_str(), how.at, None);
        insert(tx, city, &[paper], how).await?;
    }
    let detail = format!(
        "{{\"reason\":\"{}\",\"turn\":{},\"new_number\":{}}}",
        wanted.reason.as_str(),
        wanted.turn,
        new != old
    );
    let what = ("reissue-coupon", number.as_str(), detail.as_str());
    decided(tx, permit, how, what).await?;
    Ok(Ok(new))
}

/// Makes the number in force of a person void, and everything that is out under it.
///
/// # Errors
/// The database's; whatever the rules refuse is the inner error.
pub async fn void(
    db: &Db,
    permit: &CityPermit,
    number: CouponNumber,
    reason: VoidReason,
    how: Decided,
) -> Result<std::result::Result<(), IssueRefusal>> {
    let city = permit.city();
    transact!(db, begin_locking, |tx| {
        lock_chains(&mut tx, &BTreeSet::from([city])).await?;
        match holder(&mut tx, city, number).await? {
            None => Err(IssueRefusal::NotRegistered),
            Some((_, Some(_))) => Err(IssueRefusal::AlreadyVoid),
            Some((resident, None)) => {
                let no = resident.resident_no.as_str();
                let papers = issues(&mut tx, city, &[no]).await?.remove(no);
                let papers = papers.unwrap_or_default();
                end(&mut tx, city, papers.iter(), CouponState::Void).await?;
                void_number(&mut tx, city, resident.number, reason.as_str(), how.at).await?;
                let detail = format!("{{\"reason\":\"{}\"}}", reason.as_str());
                let what = ("void-coupon", resident.number.as_str(), detail.as_str());
                decided(&mut tx, permit, how, what).await?;
                Ok(())
            }
        }
    })
}

/// Brings those of these papers that are out to another state.
async fn end(
    tx: &mut Tx,
    city: MunicipalityCode,
    papers: impl Iterator<Item = &Issue>,
    to: CouponState,
) -> Result<()> {
    for paper in papers.filter(|one| one.state.may_become(to)) {
        tx.query(sql!(
            "UPDATE coupon_issue SET state = $5
             WHERE municipality = $1 AND number = $2 AND turn = $3 AND nth = $4 AND state = 'issued'"
        ))
        .bind(city.as_str().to_owned())
        .bind(paper.number.as_str().to_owned())
        .bind(i64::from(paper.turn))
        .bind(paper.nth)
        .bind(to.as_str().to_owned())
        .expect(1)
        .await?;
    }
    Ok(())
}

async fn void_number(
    tx: &mut Tx,
    city: MunicipalityCode,
    number: CouponNumber,
    reason: &str,
    at: Instant,
) -> Result<()> {
    tx.query(sql!(
        "UPDATE coupon SET voided_at = $3, void_reason = $4 WHERE municipality = $1 AND number = $2"
    ))
    .bind(city.as_str().to_owned())
    .bind(number.as_str().to_owned())
    .bind(at.micros())
    .bind(reason.to_owned())
    .expect(1)
    .await
}

/// Gives a person another number; the old one says which.
async fn give_number(
    tx: &mut Tx,
    city: MunicipalityCode,
    resident: &Resident,
    new: CouponNumber,
    at: Instant,
) -> Result<()> {
    tx.query(sql!(
        "INSERT INTO coupon (municipality, number, resident_no) VALUES ($1, $2, $3)"
    ))
    .bind(city.as_str().to_owned())
    .bind(new.as_str().to_owned())
    .bind(resident.resident_no.clone())
    .expect(1)
    .await?;
    tx.query(sql!(
        "UPDATE coupon SET replaced_by = $3 WHERE municipality = $1 AND number = $2"
    ))
    .bind(city.as_str().to_owned())
    .bind(resident.number.as_str().to_owned())
    .bind(new.as_str().to_owned())
    .expect(1)
    .await?;
    tx.query(sql!(
        "UPDATE resident SET number = $3, changed_at = $4 WHERE municipality = $1 AND resident_no = $2"
    ))
    .bind(city.as_str().to_owned())
    .bind(resident.resident_no.clone())
    .bind(new.as_str().to_owned())
    .bind(at.micros())
    .expect(1)
    .await
}

/// The next number nobody ever had and no record waits under: a misread dose would find a stranger.
async fn free_number(tx: &mut Tx, city: MunicipalityCode) -> Result<Option<CouponNumber>> {
    let row: Option<(String,)> = tx
        .query(sql!(
            "SELECT number FROM (
                 SELECT number FROM (
                     SELECT number FROM coupon WHERE municipality = $1 ORDER BY number DESC LIMIT 1) AS given
                 UNION ALL
                 SELECT number FROM (
                     SELECT number FROM coupon_issue WHERE municipality = $1 ORDER BY number DESC LIMIT 1) AS issued) AS n
             ORDER BY number DESC LIMIT 1"
        ))
        .bind(city.as_str().to_owned())
        .optional()
        .await?;
    let mut next = match row {
        None => None,
        Some((number,)) => Some(CouponNumber::parse(&number).map_err(|_| bad_issue("number"))?),
    };
    for _ in 0..TAKEN_IN_A_ROW_MAX {
        next = number_after(next);
        let Some(number) = next else { break };
        let waits: Option<(i64,)> = tx
            .query(sql!(
                "SELECT seq FROM dose WHERE municipality = $1 AND number = $2 LIMIT 1"
            ))
            .bind(city.as_str().to_owned())
            .bind(number.as_str().to_owned())
            .optional()
            .await?;
        if waits.is_none() {
            return Ok(Some(number));
        }
    }
    Ok(None)
}
