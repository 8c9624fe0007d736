//! Counting how many people of each city need a dose (接種見込み), beside everything else: the registers are gone through in
//! stretches, each a short reading and a transaction that says how far it is, so that any server goes on after a restart.
//!
//! Only sums leave a city's register: the giver above sees how many, never who.

use domain::access::{Action, Permit, Place};
use domain::calendar::{Day, Instant};
use domain::cycles::Stated;
use domain::demand::Demand;
use domain::places::MunicipalityCode;
use uuid::Uuid;

use crate::accounts::uuid;
use crate::allocations::seat_for;
use crate::coupons::counted;
use crate::cycles::Cycle;
use crate::db::{Db, Table, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::leases::{LEASE_MICROS, Taking};
use crate::residents::person;
use crate::stock::day_in;

/// People in one stretch: reports beside it never wait long for its transaction.
const STRETCH_PEOPLE: i64 = 1000;

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "demand_count",
        column,
    }
}

/// A count that a server has in hand.
#[derive(Clone, Debug)]
pub struct InHand {
    city: MunicipalityCode,
    id: Uuid,
    product: String,
    by: Day,
    position: String,
    demand: Demand,
    worker: Uuid,
}

#[derive(sqlx_macros::FromRow)]
struct CountRow {
    municipality: String,
    id: Vec<u8>,
    product: String,
    by_day: String,
    position: String,
    people: i64,
    due: i64,
}

const TAKING: Taking = Taking {
    next: sql!(
        "SELECT municipality, id FROM demand_count
         WHERE state = 'counting' AND leased_until < $1
         ORDER BY leased_until, municipality LIMIT 1"
    ),
    lease: sql!(
        "UPDATE demand_count SET worker = $3, leased_until = $4 WHERE municipality = $1 AND id = $2"
    ),
    one: sql!(
        "SELECT municipality, id, product, by_day, position, people, due FROM demand_count
         WHERE municipality = $1 AND id = $2"
    ),
    micros: LEASE_MICROS,
};

/// Takes the next count in hand that has work and that nobody has; `worker` is this server's id.
///
/// # Errors
/// The database's.
pub async fn take_in_hand(db: &Db, worker: Uuid, now: Instant) -> Result<Option<InHand>> {
    let row: Option<CountRow> = TAKING.take(db, worker, now).await?;
    row.map(|row| {
        let count = |value: i64, column| u64::try_from(value).map_err(|_| bad(column));
        Ok(InHand {
            city: MunicipalityCode::parse(&row.municipality).map_err(|_| bad("municipality"))?,
            id: uuid(&row.id, "demand_count", "id")?,
            by: day_in(&row.by_day, "demand_count", "by_day")?,
            product: row.product,
            position: row.position,
            demand: Demand {
                people: count(row.people, "people")?,
                due: count(row.due, "due")?,
            },
            worker,
        })
    })
    .transpose()
}

/// Begins to count for a cycle in these cities; one that is counting the same already goes on.
pub(crate) async fn begin(
    tx: &mut Tx,
    cycle: &Cycle,
    cities: &[MunicipalityCode],
    id: Uuid,
) -> Result<()> {
    if cities.is_empty() {
        return Ok(());
    }
    let by = cycle.terms.last_day().to_string();
    let rows = Table::default()
        .text(cities.iter().map(MunicipalityCode::as_str))
        .bytes(cities.iter().map(|_| *id.as_bytes()))
        .text(cities.iter().map(|_| cycle.product.as_str()))
        .text(cities.iter().map(|_| by.as_str()));
    tx.many(
        sql!(
            "WITH k (municipality, id, product, by_day) AS ({rows: text, bytea, text, text})
             INSERT INTO demand_count
                 (municipality, id, product, by_day, state, position, people, due, worker, leased_until)
             SELECT municipality, id, product, by_day, 'counting', '', 0, 0, NULL, 0 FROM k WHERE 1 = 1
             ON CONFLICT (municipality, product) DO UPDATE SET
                 id = excluded.id, by_day = excluded.by_day, state = 'counting', position = '', people = 0, due = 0,
                 worker = NULL, leased_until = 0
             WHERE demand_count.state <> 'counting' OR demand_count.by_day <> excluded.by_day"
        ),
        rows,
    )
    .run()
    .await?;
    Ok(())
}

#[derive(sqlx_macros::FromRow)]
struct HereRow {
    resident_no: String,
    birth: String,
    sex: String,
    standing: String,
    standing_since: Option<String>,
}

/// Counts the next people of the register; false when it came to its end, and the sums stand among the figures.
///
/// # Errors
/// [`Error::Busy`] if somebody else has the count in hand by now or it was begun anew, or the database's.
pub async fn stretch(db: &Db, hand: &mut InHand, now: Instant) -> Result<bool> {
    let mut reading = db.begin_reading().await?;
    let here: Vec<HereRow> = reading
        .query(sql!(
            "SELECT resident_no, birth, sex, standing, standing_since FROM resident
             WHERE municipality = $1 AND resident_no > $2
             ORDER BY resident_no LIMIT $3"
        ))
        .bind(hand.city.as_str().to_owned())
        .bind(hand.position.clone())
        .bind(STRETCH_PEOPLE)
        .all()
        .await?;
    let numbers: Vec<&str> = here.iter().map(|one| one.resident_no.as_str()).collect();
    let doses = counted(&mut reading, hand.city, &numbers).await?;
    drop(reading);
    for one in &here {
        let person = person(
            &one.birth,
            &one.sex,
            &one.standing,
            one.standing_since.as_deref(),
        )?;
        let counted = doses.get(&one.resident_no).map_or(&[][..], Vec::as_slice);
        hand.demand.count(&person, counted, &hand.product, hand.by);
    }
    match here.into_iter().next_back() {
        Some(last) => {
            hand.position = last.resident_no;
            transact!(db, |tx| keep(&mut tx, hand, "counting", now).await?)?;
            Ok(true)
        }
        None => {
            transact!(db, |tx| {
                keep(&mut tx, hand, "done", now).await?;
                draw(&mut tx, hand, now).await?;
            })?;
            Ok(false)
        }
    }
}

/// Says how far the count is, and renews the lease.
async fn keep(tx: &mut Tx, hand: &InHand, state: &str, now: Instant) -> Result<()> {
    let count = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let kept = tx
        .query(sql!(
            "UPDATE demand_count SET position = $4, people = $5, due = $6, state = $7, leased_until = $8
             WHERE municipality = $1 AND id = $2 AND worker = $3 AND state = 'counting'"
        ))
        .bind(hand.city.as_str().to_owned())
        .bind(hand.id.as_bytes().to_vec())
        .bind(hand.worker.as_bytes().to_vec())
        .bind(hand.position.clone())
        .bind(count(hand.demand.people))
        .bind(count(hand.demand.due))
        .bind(state.to_owned())
        .bind(now.micros().saturating_add(LEASE_MICROS))
        .run()
        .await?;
    if kept == 1 { Ok(()) } else { Err(Error::Busy) }
}

/// The sums as figures. Of a city that has no register here nothing is known, which is not nobody.
async fn draw(tx: &mut Tx, hand: &InHand, now: Instant) -> Result<()> {
    if hand.demand.people == 0 {
        return Ok(());
    }
    let Demand { people, due } = hand.demand;
    for (figure, value) in [(Stated::Population, people), (Stated::DueDoses, due)] {
        tx.query(sql!(
            "INSERT INTO drawn_figure (place, product, figure, value, at_micros) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (place, product, figure) DO UPDATE SET value = excluded.value, at_micros = excluded.at_micros"
        ))
        .bind(hand.city.as_str().to_owned())
        .bind(hand.product.clone())
        .bind(figure.as_str().to_owned())
        .bind(i64::try_from(value).unwrap_or(i64::MAX))
        .bind(now.micros())
        .expect(1)
        .await?;
    }
    Ok(())
}

/// How far the counts of the cities below a giver are: those that have come to their end, and all that were begun.
///
/// # Errors
/// The database's.
pub async fn progress(db: &Db, permit: &Permit, cycle: &Cycle) -> Result<(i64, i64)> {
    seat_for(permit, &[Action::Allocate])?;
    let prefecture = match permit.place() {
        Place::Nation => String::new(),
        Place::Prefecture(own) => format!("{:02}", own.number()),
        _ => return Ok((0, 0)),
    };
    db.query(sql!(
        "SELECT CAST(COALESCE(SUM(CASE WHEN state = 'done' THEN 1 ELSE 0 END), 0) AS BIGINT), COUNT(*) FROM demand_count
         WHERE product = $1 AND by_day = $2 AND ($3 = '' OR SUBSTR(municipality, 1, 2) = $3)"
    ))
    .bind(cycle.product.as_str().to_owned())
    .bind(cycle.terms.last_day().to_string())
    .bind(prefecture)
    .one()
    .await
}
