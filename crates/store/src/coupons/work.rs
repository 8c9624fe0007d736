//! The work on batches, in stretches: who gets coupons, issuing them, and where their files end.

use std::collections::BTreeSet;

use domain::addresses::Address;
use domain::calendar::Instant;
use domain::issues::{Candidate, CouponState};
use uuid::Uuid;

use super::batches::{BATCH, Batch, BatchRow, State, step};
use super::{FILE_PEOPLE_MAX, Issue, New, STRETCH_PEOPLE, bad, counted, insert, issues};
use crate::db::{Db, Table, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::leases::{LEASE_MICROS, Taking};
use crate::recorder::{json, lock_chains};
use crate::residents::{address, person};

/// What stands before a place in the mailing once its file is cut. Every key it was sorted by is after it:
/// they begin with a digit, or with what is after the digits.
const PLACED: char = '!';

/// Digits of such a place: more people than a country has.
const PLACE_DIGITS: usize = 9;

/// A batch that a server has taken in hand.
#[derive(Clone, Debug)]
pub struct InHand {
    /// The batch as it stands.
    pub batch: Batch,
    /// Who has it in hand.
    pub worker: Uuid,
}

const TAKING: Taking = Taking {
    next: sql!(
        "SELECT municipality, id FROM coupon_batch
         WHERE state IN ('counting', 'issuing', 'cutting') AND leased_until < $1
         ORDER BY leased_until, id LIMIT 1"
    ),
    lease: sql!(
        "UPDATE coupon_batch SET worker = $3, leased_until = $4 WHERE municipality = $1 AND id = $2"
    ),
    one: BATCH,
    micros: LEASE_MICROS,
};

/// Takes the next batch in hand that has work and that nobody has; `worker` is this server's id.
///
/// # Errors
/// The database's.
pub async fn take_in_hand(db: &Db, worker: Uuid, now: Instant) -> Result<Option<InHand>> {
    let row: Option<BatchRow> = TAKING.take(db, worker, now).await?;
    row.map(|row| {
        let batch = Batch::try_from(row)?;
        Ok(InHand { batch, worker })
    })
    .transpose()
}

/// Does the next stretch of the stage in hand; false when the stage came to its end by it.
///
/// # Errors
/// [`Error::Busy`] if somebody else has the batch in hand by now, or the database's.
pub async fn stretch(db: &Db, hand: &mut InHand, now: Instant) -> Result<bool> {
    let was = &hand.batch;
    let (after, goes_on) = match was.state {
        State::Counting => transact!(db, |tx| {
            let after = walk(&mut tx, was).await?;
            advance(&mut tx, hand, after, State::Ready, now).await?
        })?,
        State::Issuing => transact!(db, begin_locking, |tx| {
            lock_chains(&mut tx, &BTreeSet::from([was.city])).await?;
            let after = walk(&mut tx, was).await?;
            advance(&mut tx, hand, after, State::Cutting, now).await?
        })?,
        State::Cutting => transact!(db, |tx| {
            let after = cut(&mut tx, was).await?;
            advance(&mut tx, hand, after, State::Done, now).await?
        })?,
        State::Ready | State::Done | State::Discarded => return Err(Error::Busy),
    };
    hand.batch = after;
    Ok(goes_on)
}

/// Says how far the work is and renews the lease; without a stretch, the next stage begins.
async fn advance(
    tx: &mut Tx,
    hand: &InHand,
    after: Option<Batch>,
    next: State,
    now: Instant,
) -> Result<(Batch, bool)> {
    let was = &hand.batch;
    let Some(after) = after else {
        let still: Option<(i64,)> = tx
            .query(sql!(
                "SELECT files FROM coupon_batch WHERE municipality = $1 AND id = $2 AND worker = $3"
            ))
            .bind(was.city.as_str().to_owned())
            .bind(was.id.as_bytes().to_vec())
            .bind(hand.worker.as_bytes().to_vec())
            .optional()
            .await?;
        if still.is_none() || !step(tx, was.city, was.id, was.state, next).await? {
            return Err(Error::Busy);
        }
        return Ok((was.clone(), false));
    };
    let moved = tx
        .query(sql!(
            "UPDATE coupon_batch SET position = $5, found = $6, done = $7, files = $8, leased_until = $9
             WHERE municipality = $1 AND id = $2 AND state = $3 AND worker = $4"
        ))
        .bind(was.city.as_str().to_owned())
        .bind(was.id.as_bytes().to_vec())
        .bind(was.state.as_str().to_owned())
        .bind(hand.worker.as_bytes().to_vec())
        .bind(after.position.clone())
        .bind(json(&after.found))
        .bind(json(&after.done))
        .bind(i64::try_from(after.files).unwrap_or(i64::MAX))
        .bind(now.micros().saturating_add(LEASE_MICROS))
        .run()
        .await?;
    if moved == 1 {
        Ok((after, true))
    } else {
        Err(Error::Busy)
    }
}

#[derive(sqlx_macros::FromRow)]
struct HereRow {
    resident_no: String,
    number: String,
    birth: String,
    sex: String,
    standing: String,
    standing_since: Option<String>,
    protected: i64,
    address: Option<String>,
    voided_at: Option<i64>,
}

/// Goes through the next people of the register, and issues their coupons if it was approved; none
/// after the last.
async fn walk(tx: &mut Tx, was: &Batch) -> Result<Option<Batch>> {
    let here: Vec<HereRow> = tx
        .query(sql!(
            "SELECT p.resident_no, p.number, p.birth, p.sex, p.standing, p.standing_since, p.protected, p.address,
                    c.voided_at
             FROM resident AS p
             LEFT JOIN coupon AS c ON c.municipality = p.municipality AND c.number = p.number
             WHERE p.municipality = $1 AND p.resident_no > $2
             ORDER BY p.resident_no LIMIT $3"
        ))
        .bind(was.city.as_str().to_owned())
        .bind(was.position.clone())
        .bind(STRETCH_PEOPLE)
        .all()
        .await?;
    let Some(last) = here.last() else {
        return Ok(None);
    };
    let mut after = Batch {
        position: last.resident_no.clone(),
        ..was.clone()
    };
    let numbers: Vec<&str> = here.iter().map(|one| one.resident_no.as_str()).collect();
    let doses = counted(tx, was.city, &numbers).await?;
    let out = issues(tx, was.city, &numbers).await?;
    let mut counts = match was.state {
        State::Counting => was.found,
        _ => was.done,
    };
    let mut new = Vec::new();
    for one in &here {
        counts.looked += 1;
        let papers = out.get(&one.resident_no).map_or(&[][..], Vec::as_slice);
        let issued: Vec<u8> = papers
            .iter()
            .filter(|paper| paper.state == CouponState::Issued)
            .filter(|paper| paper.form.is_interview() == was.cohort.form.is_interview())
            .map(|paper| paper.turn)
            .collect();
        let candidate = Candidate {
            person: person(
                &one.birth,
                &one.sex,
                &one.standing,
                one.standing_since.as_deref(),
            )?,
            doses: doses.get(&one.resident_no).map_or(&[][..], Vec::as_slice),
            issued: &issued,
            number_is_void: one.voided_at.is_some(),
        };
        let turns = match was.cohort.select(&candidate) {
            Ok(turns) => turns,
            Err(why) => {
                counts.leave_out(why);
                continue;
            }
        };
        counts.people += 1;
        let address = address(one.address.as_deref())?;
        let is_reached = address.as_ref().is_some_and(Address::is_mailable);
        counts.protected += u64::from(one.protected == 1);
        counts.unaddressed += u64::from(one.protected == 0 && !is_reached);
        counts.coupons += turns.len() as u64;
        for turn in turns {
            let before = |paper: &&Issue| paper.number.as_str() == one.number && paper.turn == turn;
            let order = was.cohort.order;
            new.push(New {
                number: one.number.clone(),
                turn,
                nth: papers.iter().filter(before).count() as i64,
                resident_no: one.resident_no.clone(),
                // Who is printed singly has no place in the mailing.
                sort_key: match one.protected {
                    1 => String::new(),
                    _ => order.key(&one.resident_no, &candidate.person, address.as_ref()),
                },
                apart: one.protected == 1,
            });
        }
    }
    if was.state == State::Issuing {
        let at = was.approved_at.ok_or_else(|| bad("approved_at"))?;
        insert(tx, was.city, &new, (was.cohort.form, "", at, Some(was.id))).await?;
        after.done = counts;
    } else {
        after.found = counts;
    }
    Ok(Some(after))
}

/// Says where the next file ends; none after the last.
///
/// Whoever is in it has a number for a place from then on: the key it was sorted by may hold an address,
/// which has no business here any more.
pub(super) async fn cut(tx: &mut Tx, was: &Batch) -> Result<Option<Batch>> {
    let people: Vec<(String,)> = tx
        .query(sql!(
            "SELECT sort_key FROM coupon_issue
             WHERE municipality = $1 AND batch = $2 AND batch IS NOT NULL AND apart = 0 AND sort_key >= '0'
             GROUP BY sort_key ORDER BY sort_key LIMIT $3"
        ))
        .bind(was.city.as_str().to_owned())
        .bind(was.id.as_bytes().to_vec())
        .bind(FILE_PEOPLE_MAX)
        .all()
        .await?;
    let Some((last,)) = people.last() else {
        return Ok(None);
    };
    let papers: Vec<(String, String, i64, i64)> = tx
        .query(sql!(
            "SELECT sort_key, number, turn, nth FROM coupon_issue
             WHERE municipality = $1 AND batch = $2 AND batch IS NOT NULL AND apart = 0
               AND sort_key >= '0' AND sort_key <= $3
             ORDER BY sort_key"
        ))
        .bind(was.city.as_str().to_owned())
        .bind(was.id.as_bytes().to_vec())
        .bind(last.clone())
        .all()
        .await?;
    let mut after = Batch {
        files: was.files + 1,
        ..was.clone()
    };
    let mut places: Vec<String> = Vec::with_capacity(papers.len());
    let mut before: Option<&str> = None;
    for (key, ..) in &papers {
        after.done.cut += u64::from(before != Some(key.as_str()));
        before = Some(key);
        places.push(format!("{PLACED}{:0PLACE_DIGITS$}", after.done.cut));
    }
    after.position = places.last().cloned().unwrap_or_default();
    let placed = Table::default()
        .text(papers.iter().map(|_| was.city.as_str()))
        .text(papers.iter().map(|(_, number, ..)| number.as_str()))
        .whole(papers.iter().map(|(_, _, turn, _)| *turn))
        .whole(papers.iter().map(|(.., nth)| *nth))
        .text(places.iter().map(String::as_str));
    tx.many(
        sql!(
            "WITH k (municipality, number, turn, nth, place) AS ({rows: text, text, bigint, bigint, text})
             UPDATE coupon_issue SET sort_key = k.place
             FROM k
             WHERE coupon_issue.municipality = k.municipality AND coupon_issue.number = k.number
               AND coupon_issue.turn = k.turn AND coupon_issue.nth = k.nth"
        ),
        placed,
    )
    .run()
    .await?;
    tx.query(sql!(
        "INSERT INTO coupon_file (municipality, batch, file, upto_key, people, coupons)
         VALUES ($1, $2, $3, $4, $5, $6)"
    ))
    .bind(was.city.as_str().to_owned())
    .bind(was.id.as_bytes().to_vec())
    .bind(i64::try_from(after.files).unwrap_or(i64::MAX))
    .bind(after.position.clone())
    .bind(i64::try_from(people.len()).unwrap_or(i64::MAX))
    .bind(i64::try_from(papers.len()).unwrap_or(i64::MAX))
    .expect(1)
    .await?;
    Ok(Some(after))
}
