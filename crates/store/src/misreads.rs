//! Probable misreads: for a record whose number leads to nobody, or to somebody who has that dose,
//! the residents one slip away, held against the session the record came from.
//!
//! The numbers are made by [`domain::misreads`] and looked up by key, all of a page in one statement.
//! Nothing is moved by itself: a repair is proposed, and a second person approves it.

use std::collections::BTreeMap;

use domain::access::{CityPermit, OrganisationId};
use domain::approvals::{Matter, State};
use domain::calendar::{Day, Instant};
use domain::coupons::{Coupon, CouponLine, CouponNumber};
use domain::doses::{DoseId, Version};
use domain::misreads::{
    Candidate, CandidateDose, Score, Session, Slip, demands, line_neighbours, neighbours, rank,
    worth_showing,
};
use uuid::Uuid;

use crate::accounts::uuid;
use crate::approvals::{
    self, Change, How, NewAct, NewProposal, ProposalError, ProposedAct, acts, counts, proposal,
    records,
};
use crate::db::{Db, Table, Tx, sql};
use crate::doses::Record;
use crate::error::{Error, Result};
use crate::recorder::Rehearsal;
use crate::residents::{Resident, ResidentRow};

/// Candidates for a record at most: further ones are hardly ever right.
pub const CANDIDATES_MAX: usize = 8;
/// How long before and after a record its device's other readings are looked at.
const AROUND_MILLIS: u64 = 20 * 60 * 1000;
/// Readings around all records of a page at most.
const AROUND_MAX: i64 = 4000;

/// A resident who may have been meant.
#[derive(Clone, PartialEq, Eq)]
pub struct Likely {
    /// The digits that would have stood on the paper.
    pub line: CouponLine,
    /// The person's number.
    pub number: CouponNumber,
    /// What would have gone wrong.
    pub slip: Slip,
    /// The person's name, unless protected (支援措置).
    pub name: Option<String>,
    /// How well the person fits, and why.
    pub score: Score,
}

/// Another reading of the same device around that time.
#[derive(Clone, PartialEq, Eq)]
pub struct Around {
    /// The record.
    pub dose: DoseId,
    /// The number it has.
    pub number: CouponNumber,
    /// When it was recorded.
    pub at: Instant,
    /// Whether its person is in the register.
    pub found: bool,
}

/// A record in doubt, with who may have been meant.
#[derive(Clone, PartialEq, Eq)]
pub struct Suspect {
    /// The record.
    pub record: Record,
    /// Best first; nobody who is excluded.
    pub candidates: Vec<Likely>,
    /// What the same device read around that time, in order of time.
    pub around: Vec<Around>,
}

/// Finds for each record who may have been meant, in the order handed in.
///
/// # Errors
/// The database's.
pub async fn suspects(db: &Db, permit: &CityPermit, of: Vec<Record>) -> Result<Vec<Suspect>> {
    let meant: Vec<Vec<(CouponLine, CouponNumber, Slip)>> =
        of.iter().map(|record| meant(permit, record)).collect();
    let mut tx = db.begin_reading().await?;
    let numbers = meant.iter().flatten().map(|(_, number, _)| *number);
    let people = people(&mut tx, permit, numbers).await?;
    let doses = doses(&mut tx, permit, people.values().map(|one| &one.resident)).await?;
    let mut around = around(&mut tx, permit, &of).await?;
    tx.commit().await?;
    let mut found = Vec::with_capacity(of.len());
    for (place, (record, meant)) in of.into_iter().zip(meant).enumerate() {
        let around = around.remove(&place).unwrap_or_default();
        let session = session(permit, &record, &around);
        let candidates = candidates(&meant, &people, &doses);
        let ranked = worth_showing(rank(&candidates, &session));
        let likely = ranked.into_iter().filter_map(|(number, score)| {
            let (line, _, slip) = meant.iter().find(|(_, one, _)| *one == number)?;
            let person = &people.get(&number)?.resident;
            Some(Likely {
                line: *line,
                number,
                slip: *slip,
                name: (!person.protected).then(|| person.name.clone()),
                score,
            })
        });
        found.push(Suspect {
            candidates: likely.take(CANDIDATES_MAX).collect(),
            record,
            around,
        });
    }
    Ok(found)
}

/// The coupons of this city that are one slip away from what was read.
fn meant(permit: &CityPermit, record: &Record) -> Vec<(CouponLine, CouponNumber, Slip)> {
    match (record.number, record.line.coupon()) {
        (Some(number), Ok(coupon)) => neighbours(&number, record.input)
            .map(|(number, slip)| (Coupon { number, ..coupon }.line(), number, slip))
            .collect(),
        _ => line_neighbours(&record.line, record.input)
            .filter_map(|(line, slip)| {
                let coupon = line.coupon().ok()?;
                (coupon.municipality == permit.city()).then_some((line, coupon.number, slip))
            })
            .collect(),
    }
}

fn session(permit: &CityPermit, record: &Record, around: &[Around]) -> Session {
    let (ages, gap_days_min) = demands(&record.product, record.turn, record.given_on);
    Session {
        turn: record.turn,
        given_on: record.given_on,
        product: record.product.clone(),
        ages,
        gap_days_min,
        venue: record.venue,
        venue_is_in_city: record.venue_city == permit.city(),
        read_around: around
            .iter()
            .filter(|one| one.found && Some(one.number) != record.number)
            .map(|one| one.number)
            .collect(),
    }
}

fn candidates(
    meant: &[(CouponLine, CouponNumber, Slip)],
    people: &BTreeMap<CouponNumber, Holder>,
    doses: &BTreeMap<String, Vec<CandidateDose>>,
) -> Vec<Candidate> {
    let known = meant
        .iter()
        .filter_map(|(_, number, slip)| Some((*number, *slip, people.get(number)?)));
    known
        .map(|(number, slip, holder)| Candidate {
            number,
            slip,
            void_since: holder.void_since,
            birth: holder.resident.birth,
            standing: holder.resident.standing,
            doses: doses
                .get(&holder.resident.resident_no)
                .cloned()
                .unwrap_or_default(),
            // Nobody books through this program yet.
            bookings: Vec::new(),
        })
        .collect()
}

/// Who has, or had, a number.
struct Holder {
    resident: Resident,
    void_since: Option<Day>,
}

#[derive(sqlx_macros::FromRow)]
struct FoundRow {
    asked: String,
    voided_at: Option<i64>,
    #[sqlx(flatten)]
    resident: ResidentRow,
}

/// The residents who have, or had, these numbers.
async fn people(
    tx: &mut Tx,
    permit: &CityPermit,
    numbers: impl Iterator<Item = CouponNumber>,
) -> Result<BTreeMap<CouponNumber, Holder>> {
    let numbers: std::collections::BTreeSet<CouponNumber> = numbers.collect();
    if numbers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let city = permit.city();
    let keys = Table::default()
        .text(numbers.iter().map(|_| city.as_str()))
        .text(numbers.iter().map(CouponNumber::as_str));
    let rows: Vec<FoundRow> = tx
        .many(
            sql!(
                "WITH k (municipality, number) AS ({rows: text, text})
                 SELECT c.number AS asked, c.voided_at, p.* FROM k CROSS JOIN coupon AS c CROSS JOIN resident AS p
                 WHERE c.municipality = k.municipality AND c.number = k.number
                   AND p.municipality = c.municipality AND p.resident_no = c.resident_no"
            ),
            keys,
        )
        .all()
        .await?;
    rows.into_iter()
        .map(|row| {
            let wrong = Error::Inconsistent {
                table: "coupon",
                column: "number",
            };
            let number = CouponNumber::parse(&row.asked).map_err(|_| wrong)?;
            let void_at = row.voided_at.map(Instant::from_micros);
            let holder = Holder {
                resident: Resident::try_from(row.resident)?,
                void_since: void_at.map(Instant::day_in_japan),
            };
            Ok((number, holder))
        })
        .collect()
}

#[derive(sqlx_macros::FromRow)]
struct CountedRow {
    resident_no: String,
    turn: i64,
    given_on: String,
    product: String,
    venue: Vec<u8>,
}

/// The doses that count for these residents, under any of their numbers.
async fn doses(
    tx: &mut Tx,
    permit: &CityPermit,
    people: impl Iterator<Item = &Resident>,
) -> Result<BTreeMap<String, Vec<CandidateDose>>> {
    let mut found: BTreeMap<String, Vec<CandidateDose>> = people
        .map(|one| (one.resident_no.clone(), Vec::new()))
        .collect();
    if found.is_empty() {
        return Ok(found);
    }
    let city = permit.city();
    let keys = Table::default()
        .text(found.keys().map(|_| city.as_str()))
        .text(found.keys().cloned());
    let rows: Vec<CountedRow> = tx
        .many(
            sql!(
                "WITH k (municipality, resident_no) AS ({rows: text, text})
                 SELECT c.resident_no, d.turn, d.given_on, d.product, d.venue
                 FROM k CROSS JOIN coupon AS c CROSS JOIN dose AS d
                 WHERE c.municipality = k.municipality AND c.resident_no = k.resident_no
                   AND d.municipality = c.municipality AND d.number = c.number AND d.standing = 'counted'"
            ),
            keys,
        )
        .all()
        .await?;
    let bad = |column| Error::Inconsistent {
        table: "dose",
        column,
    };
    for row in rows {
        found
            .entry(row.resident_no)
            .or_default()
            .push(CandidateDose {
                turn: u8::try_from(row.turn).map_err(|_| bad("turn"))?,
                given_on: Day::parse(&row.given_on).ok_or_else(|| bad("given_on"))?,
                product: row.product,
                venue: OrganisationId(uuid(&row.venue, "dose", "venue")?),
            });
    }
    Ok(found)
}

#[derive(sqlx_macros::FromRow)]
struct AroundRow {
    place: i64,
    dose_id: Vec<u8>,
    number: Option<String>,
    recorded_at: i64,
    pending: i64,
    device: String,
}

/// What the devices of these records read around that time, of this city's coupons. A record's id
/// was made when it was read, and ids are in order of time.
async fn around(
    tx: &mut Tx,
    permit: &CityPermit,
    of: &[Record],
) -> Result<BTreeMap<usize, Vec<Around>>> {
    if of.is_empty() {
        return Ok(BTreeMap::new());
    }
    let city = permit.city();
    let keys = Table::default()
        .whole((0..).take(of.len()))
        .text(of.iter().map(|_| city.as_str()))
        .bytes(of.iter().map(|one| *one.venue.0.as_bytes()))
        .text(
            of.iter()
                .map(|one| one.recorded_at.day_in_japan().to_string()),
        )
        .bytes(of.iter().map(|one| moved(one.id.0, false)))
        .bytes(of.iter().map(|one| moved(one.id.0, true)))
        .whole(of.iter().map(|_| AROUND_MAX));
    let rows: Vec<AroundRow> = tx
        .many(
            sql!(
                "WITH k (place, municipality, venue, day, low, high, most)
                 AS ({rows: bigint, text, bytea, text, bytea, bytea, bigint})
                 SELECT k.place, d.dose_id, d.number, d.recorded_at, d.pending, l.device
                 FROM k CROSS JOIN receipt AS r CROSS JOIN dose AS d CROSS JOIN ledger AS l
                 WHERE r.organisation = k.venue AND r.day = k.day AND r.id >= k.low AND r.id <= k.high
                   AND r.act = 'recorded' AND r.municipality = k.municipality
                   AND d.municipality = r.municipality AND d.dose_id = r.dose_id
                   AND l.municipality = d.municipality AND l.seq = d.seq
                 LIMIT (SELECT MAX(most) FROM k)"
            ),
            keys,
        )
        .all()
        .await?;
    let mut found: BTreeMap<usize, Vec<(String, Around)>> = BTreeMap::new();
    let mut devices: BTreeMap<usize, String> = BTreeMap::new();
    for row in rows {
        let place = usize::try_from(row.place).unwrap_or(usize::MAX);
        let dose = DoseId(uuid(&row.dose_id, "dose", "dose_id")?);
        if of.get(place).is_some_and(|record| record.id == dose) {
            devices.insert(place, row.device);
            continue;
        }
        let number = row.number.as_deref().map(CouponNumber::parse);
        let Some(Ok(number)) = number else { continue };
        let one = Around {
            dose,
            number,
            at: Instant::from_micros(row.recorded_at),
            found: row.pending == 0,
        };
        found.entry(place).or_default().push((row.device, one));
    }
    let of_device = |(place, all): (usize, Vec<(String, Around)>)| {
        let device = devices.get(&place);
        let mut same: Vec<Around> = all
            .into_iter()
            .filter(|(other, _)| Some(other) == device)
            .map(|(_, one)| one)
            .collect();
        same.sort_by_key(|one| (one.at, one.dose));
        (place, same)
    };
    Ok(found.into_iter().map(of_device).collect())
}

/// The first, or the last, id that a device can have made within [`AROUND_MILLIS`] of this one. A
/// UUIDv7 begins with 48 bits of milliseconds.
fn moved(id: Uuid, later: bool) -> [u8; 16] {
    const TIME_BITS: u32 = 48;
    let whole = id.as_u128();
    let rest_bits = u128::BITS - TIME_BITS;
    let millis = u64::try_from(whole >> rest_bits).unwrap_or(u64::MAX);
    let last = (1_u64 << TIME_BITS) - 1;
    let bound = if later {
        let millis = millis.saturating_add(AROUND_MILLIS).min(last);
        (u128::from(millis) << rest_bits) | ((1 << rest_bits) - 1)
    } else {
        u128::from(millis.saturating_sub(AROUND_MILLIS)) << rest_bits
    };
    bound.to_be_bytes()
}

/// A record, and the digits that were on the paper.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// The record under the wrong number.
    pub dose: DoseId,
    /// What it said to who proposes.
    pub seen: Version,
    /// The digits that were on the paper.
    pub line: CouponLine,
}

/// What a repair would come to.
#[derive(Clone, PartialEq, Eq)]
pub struct Preview {
    /// The acts, as they would stand in the proposal.
    pub acts: Vec<ProposedAct>,
    /// What would change in the statistics, and how the new records would stand.
    pub rehearsal: Rehearsal,
    /// Whether everything that would be entered would count.
    pub fits: bool,
}

/// What a repair would change, before anybody proposes it.
///
/// # Errors
/// [`ProposalError::NotFound`] if a record is not there, or the database's.
pub async fn preview(
    db: &Db,
    permit: &CityPermit,
    pairs: &[Pair],
    now: Instant,
    id: &(dyn Fn() -> Uuid + Send + Sync),
) -> std::result::Result<Preview, ProposalError> {
    let doses: Vec<DoseId> = pairs.iter().map(|pair| pair.dose).collect();
    let mut tx = db.begin_reading().await?;
    let found = records(&mut tx, permit.city(), &doses).await?;
    tx.commit().await?;
    let mut acts = Vec::with_capacity(pairs.len());
    for (place, pair) in (1..).zip(pairs) {
        let record = found.iter().find(|record| record.id == pair.dose);
        acts.push(ProposedAct {
            place,
            id: id(),
            seen: pair.seen,
            change: Change::Replace { line: pair.line },
            new_dose: Some(DoseId(id())),
            outcome: "waiting".to_owned(),
            record: record.cloned().ok_or(ProposalError::NotFound)?,
        });
    }
    let rehearsal = approvals::effects(db, permit, &acts, now).await?;
    Ok(Preview {
        fits: counts(&rehearsal, acts.len()),
        acts,
        rehearsal,
    })
}

/// Proposes a repair; always for a second person.
///
/// # Errors
/// [`ProposalError::WouldClash`] if somebody has the dose already, or as [`approvals::propose`].
pub async fn propose(
    db: &Db,
    permit: &CityPermit,
    (id, reason): (Uuid, &str),
    pairs: &[Pair],
    how: How,
    fresh: &(dyn Fn() -> Uuid + Send + Sync),
) -> std::result::Result<State, ProposalError> {
    propose_for(db, permit, (id, reason, None), pairs, how, fresh).await
}

async fn propose_for(
    db: &Db,
    permit: &CityPermit,
    (id, reason, undoes): (Uuid, &str, Option<Uuid>),
    pairs: &[Pair],
    how: How,
    fresh: &(dyn Fn() -> Uuid + Send + Sync),
) -> std::result::Result<State, ProposalError> {
    let preview = preview(db, permit, pairs, how.at, fresh).await?;
    if !preview.fits {
        return Err(ProposalError::WouldClash);
    }
    let acts = preview.acts.into_iter().map(|act| NewAct {
        id: act.id,
        dose: act.record.id,
        seen: act.seen,
        change: act.change,
        new_dose: act.new_dose,
    });
    let new = NewProposal {
        id,
        matter: Matter::Repair,
        reason: reason.to_owned(),
        acts: acts.collect(),
        undoes,
    };
    approvals::propose(db, permit, &new, how).await
}

/// Proposes to undo a repair by its opposite: what it entered is taken back, and what it took back
/// is entered again, as new records.
///
/// # Errors
/// [`ProposalError::NotFound`] if it is no repair that was done, or as [`propose`]. Records whose
/// digits lead nowhere cannot be entered again: [`ProposalError::WouldClash`].
pub async fn undo(
    db: &Db,
    permit: &CityPermit,
    (id, of, reason): (Uuid, Uuid, &str),
    how: How,
    fresh: &(dyn Fn() -> Uuid + Send + Sync),
) -> std::result::Result<State, ProposalError> {
    let done = proposal(db, permit, of).await?;
    done.filter(|one| one.matter == Matter::Repair && one.ended_at.is_some())
        .ok_or(ProposalError::NotFound)?;
    let acts = acts(db, permit, of).await?;
    let entered: Vec<(DoseId, CouponLine)> = acts
        .iter()
        .filter(|act| act.outcome == "done")
        .filter_map(|act| Some((act.new_dose?, act.record.line)))
        .collect();
    let doses: Vec<DoseId> = entered.iter().map(|(dose, _)| *dose).collect();
    let mut tx = db.begin_reading().await?;
    let now = records(&mut tx, permit.city(), &doses).await?;
    tx.commit().await?;
    let pairs: Vec<Pair> = entered
        .into_iter()
        .filter_map(|(dose, line)| {
            let seen = now.iter().find(|record| record.id == dose)?.version();
            Some(Pair { dose, seen, line })
        })
        .collect();
    propose_for(db, permit, (id, reason, Some(of)), &pairs, how, fresh).await
}
