//! Who delivers a product to the venues of a city (地域担当卸), and the orders that follow from what the city
//! allocated to them.
//!
//! Invariant: where somebody is in charge, every venue that is a party to the collective contract and that a
//! city's published allocation gives units has one order of that cycle, of as many vials as those units have; published again, the order says so. An
//! order stays with whom it was placed; who is put in charge later is given what waited.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::{Action, Actor, CityPermit, OrganisationId};
use domain::calendar::{Day, Instant};
use domain::cycles::CYCLE_DAYS;
use domain::deliveries::PaperNumber;
use domain::places::MunicipalityCode;
use domain::vaccines::ProductKey;
use domain::venues::FacilityCode;
use serde_json::json;
use uuid::Uuid;

use super::LIST_MAX;
use crate::accounts::uuid;
use crate::audit::{self, Change};
use crate::contracts;
use crate::cycles::{self, Cycle};
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::stock::{organisation, wrong_permit};

/// Who delivers a product to a city's venues, and what waits for nobody being there to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Of which product.
    pub product: ProductKey,
    /// Who, with the name people know; none if nobody is in charge.
    pub supplier: Option<(OrganisationId, String)>,
    /// Venues that were allocated units of cycles still to be delivered, and have no order.
    pub waiting: i64,
}

/// What became of a supplier who was put in charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutInCharge {
    /// It is in charge, and was given so many orders that had waited.
    Now(usize),
    /// It was in charge already.
    Before,
    /// There is no such supplier.
    NotFound,
}

fn may_order(permit: &CityPermit) -> Result<()> {
    if permit.action() == Action::OrderVials {
        Ok(())
    } else {
        Err(wrong_permit())
    }
}

fn product_in(text: &str, table: &'static str) -> Result<ProductKey> {
    ProductKey::parse(text).ok_or(Error::Inconsistent {
        table,
        column: "product",
    })
}

/// Who delivers what to the city's venues: every product somebody is in charge of, and every one that
/// was allocated and nobody delivers.
///
/// # Errors
/// The database's.
pub async fn charges(db: &Db, permit: &CityPermit, today: Day) -> Result<Vec<Charge>> {
    may_order(permit)?;
    let city = permit.city().to_string();
    let mut tx = db.begin_reading().await?;
    let rows: Vec<(String, Vec<u8>, String)> = tx
        .query(sql!(
            "SELECT c.product, c.supplier, COALESCE(o.name, '') AS name FROM supplier_in_charge AS c
             LEFT JOIN organisation AS o ON o.id = c.supplier
             WHERE c.municipality = $1 AND c.revision = (
                 SELECT MAX(n.revision) FROM supplier_in_charge AS n
                 WHERE n.municipality = c.municipality AND n.product = c.product)
             ORDER BY c.product LIMIT $2"
        ))
        .bind(city.clone())
        .bind(LIST_MAX)
        .all()
        .await?;
    let mut all: BTreeMap<String, Charge> = BTreeMap::new();
    for (product, supplier, name) in rows {
        let supplier = organisation(&supplier, "supplier_in_charge", "supplier")?;
        let charge = Charge {
            product: product_in(&product, "supplier_in_charge")?,
            supplier: Some((supplier, name)),
            waiting: 0,
        };
        all.insert(product, charge);
    }
    for cycle in undelivered(&mut tx, &city, None, today).await? {
        let lines = allocated(&mut tx, &city, cycle.id).await?;
        let placed = placed(&mut tx, cycle.id).await?;
        let wait = lines
            .iter()
            .filter(|(venue, units)| *units > 0 && !placed.contains_key(venue));
        let waiting = i64::try_from(wait.count()).unwrap_or(i64::MAX);
        let product = cycle.product.to_string();
        let charge = all.entry(product).or_insert_with(|| Charge {
            product: cycle.product.clone(),
            supplier: None,
            waiting: 0,
        });
        charge.waiting += waiting;
    }
    Ok(all.into_values().collect())
}

/// Puts a supplier in charge of a product for the city's venues, from now on, and gives it the orders
/// that waited for somebody.
///
/// # Errors
/// The database's.
pub async fn put_in_charge(
    db: &Db,
    permit: &CityPermit,
    (product, supplier): (&ProductKey, OrganisationId),
    (audit, at): (Uuid, Instant),
) -> Result<PutInCharge> {
    may_order(permit)?;
    let city = permit.city();
    transact!(db, |tx| {
        let known: Option<(Vec<u8>,)> = tx
            .query(sql!(
                "SELECT id FROM organisation
                 WHERE id = $1 AND active = 1 AND kind IN ('wholesaler', 'maker')"
            ))
            .bind(supplier.0.as_bytes().to_vec())
            .optional()
            .await?;
        if known.is_none() {
            return Ok(PutInCharge::NotFound);
        }
        let (revision, before) = charge_of(&mut tx, city, product).await?;
        if before == Some(supplier) {
            return Ok(PutInCharge::Before);
        }
        tx.query(sql!(
            "INSERT INTO supplier_in_charge (municipality, product, revision, supplier, at_micros, by_user)
             VALUES ($1, $2, $3, $4, $5, $6)"
        ))
        .bind(city.to_string())
        .bind(product.as_str().to_owned())
        .bind(revision + 1)
        .bind(supplier.0.as_bytes().to_vec())
        .bind(at.micros())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .expect(1)
        .await?;
        let mut given = 0;
        let seat = city.to_string();
        for cycle in undelivered(&mut tx, &seat, Some(product), at.day_in_japan()).await? {
            let lines = allocated(&mut tx, &seat, cycle.id).await?;
            given += order_allocated(&mut tx, permit.actor(), city, (&cycle, &lines), at).await?;
        }
        let detail = json!({ "product": product, "supplier": supplier, "orders": given });
        let change = Change {
            id: audit,
            at,
            municipality: Some(city),
            action: "put-supplier-in-charge",
            subject: product.as_str(),
            detail: &detail.to_string(),
        };
        audit::write(&mut tx, permit.actor(), &change).await?;
        PutInCharge::Now(given)
    })
}

/// Who is in charge (地域担当卸) of a product for a city's venues, if anybody is.
pub(crate) async fn in_charge(
    tx: &mut Tx,
    city: MunicipalityCode,
    product: &ProductKey,
) -> Result<Option<OrganisationId>> {
    Ok(charge_of(tx, city, product).await?.1)
}

/// Who is in charge, and how often somebody was put.
async fn charge_of(
    tx: &mut Tx,
    city: MunicipalityCode,
    product: &ProductKey,
) -> Result<(i64, Option<OrganisationId>)> {
    let row: Option<(i64, Vec<u8>)> = tx
        .query(sql!(
            "SELECT revision, supplier FROM supplier_in_charge
             WHERE municipality = $1 AND product = $2 ORDER BY revision DESC LIMIT 1"
        ))
        .bind(city.to_string())
        .bind(product.as_str().to_owned())
        .optional()
        .await?;
    match row {
        None => Ok((0, None)),
        Some((revision, supplier)) => {
            let supplier = organisation(&supplier, "supplier_in_charge", "supplier")?;
            Ok((revision, Some(supplier)))
        }
    }
}

/// The cycles in which a city gave something that may still be delivered.
async fn undelivered(
    tx: &mut Tx,
    city: &str,
    product: Option<&ProductKey>,
    today: Day,
) -> Result<Vec<Cycle>> {
    let rows: Vec<(Vec<u8>,)> = tx
        .query(sql!(
            "SELECT DISTINCT cycle FROM allocation_line
             WHERE giver = $1 AND first_day > $2 AND (CAST($3 AS TEXT) IS NULL OR product = $3)
             ORDER BY cycle LIMIT $4"
        ))
        .bind(city.to_owned())
        .bind(today.plus_days(-CYCLE_DAYS).to_string())
        .bind(product.map(|product| product.as_str().to_owned()))
        .bind(LIST_MAX)
        .all()
        .await?;
    let mut cycles = Vec::with_capacity(rows.len());
    for (id,) in rows {
        let id = uuid(&id, "allocation_line", "cycle")?;
        cycles.extend(cycles::found(tx, id).await?);
    }
    Ok(cycles)
}

/// What a city gave its venues in a cycle, in units.
async fn allocated(tx: &mut Tx, city: &str, cycle: Uuid) -> Result<Vec<(OrganisationId, u64)>> {
    let rows: Vec<(String, i64)> = tx
        .query(sql!(
            "SELECT receiver, units FROM allocation_line
             WHERE cycle = $1 AND giver = $2 ORDER BY receiver"
        ))
        .bind(cycle.as_bytes().to_vec())
        .bind(city.to_owned())
        .all()
        .await?;
    let bad = |column| Error::Inconsistent {
        table: "allocation_line",
        column,
    };
    rows.into_iter()
        .map(|(receiver, units)| {
            let venue = Uuid::parse_str(&receiver).map_err(|_| bad("receiver"))?;
            let units = u64::try_from(units).map_err(|_| bad("units"))?;
            Ok((OrganisationId(venue), units))
        })
        .collect()
}

/// The orders of a cycle by venue: with whom, which, of how many vials.
async fn placed(
    tx: &mut Tx,
    cycle: Uuid,
) -> Result<BTreeMap<OrganisationId, (Vec<u8>, String, i64)>> {
    let rows: Vec<(Vec<u8>, Vec<u8>, String, i64)> = tx
        .query(sql!(
            "SELECT venue, supplier, number, vials FROM vial_order WHERE cycle = $1 AND cycle IS NOT NULL"
        ))
        .bind(cycle.as_bytes().to_vec())
        .all()
        .await?;
    rows.into_iter()
        .map(|(venue, supplier, number, vials)| {
            let venue = organisation(&venue, "vial_order", "venue")?;
            Ok((venue, (supplier, number, vials)))
        })
        .collect()
}

/// Makes the orders of a cycle say what the city's venues were given in it. Answers how many were placed
/// that were not there before.
///
/// # Errors
/// The database's.
pub(crate) async fn order_allocated(
    tx: &mut Tx,
    actor: &Actor,
    city: MunicipalityCode,
    (cycle, lines): (&Cycle, &[(OrganisationId, u64)]),
    at: Instant,
) -> Result<usize> {
    let (_, supplier) = charge_of(tx, city, &cycle.product).await?;
    let placed = placed(tx, cycle.id).await?;
    let given: BTreeSet<OrganisationId> = lines.iter().map(|(venue, _)| *venue).collect();
    let gone = placed.keys().filter(|venue| !given.contains(venue));
    let gone: Vec<_> = gone.map(|venue| (*venue, 0)).collect();
    let today = at.day_in_japan();
    let mut new = 0;
    for (venue, units) in lines.iter().chain(&gone) {
        let vials = units.saturating_mul(cycle.terms.vials_per_unit);
        let vials = i64::try_from(vials).unwrap_or(i64::MAX);
        match (placed.get(venue), supplier) {
            (Some((supplier, number, before)), _) if *before != vials => {
                tx.query(sql!(
                    "UPDATE vial_order SET vials = $3 WHERE supplier = $1 AND number = $2"
                ))
                .bind(supplier.clone())
                .bind(number.clone())
                .bind(vials)
                .expect(1)
                .await?;
            }
            // Without a contract nothing is ordered: it is counted as waiting, and placed at the next publishing.
            (None, Some(supplier))
                if vials > 0 && contracts::may_take_part(tx, *venue, today).await?.is_ok() =>
            {
                place(tx, actor, (city, cycle), (supplier, *venue, vials), at).await?;
                new += 1;
            }
            _ => {}
        }
    }
    Ok(new)
}

async fn place(
    tx: &mut Tx,
    actor: &Actor,
    (city, cycle): (MunicipalityCode, &Cycle),
    (supplier, venue, vials): (OrganisationId, OrganisationId, i64),
    at: Instant,
) -> Result<()> {
    let (code,): (Option<String>,) = tx
        .query(sql!("SELECT facility_code FROM organisation WHERE id = $1"))
        .bind(venue.0.as_bytes().to_vec())
        .one()
        .await?;
    let code = code.and_then(|code| FacilityCode::parse(&code).ok());
    let of = (venue, code.as_ref());
    let number = PaperNumber::of_allocation(cycle.terms.first_day, of, cycle.id);
    tx.query(sql!(
        "INSERT INTO vial_order
             (supplier, number, municipality, venue, product, vials, at_micros, by_user, organisation, cycle)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    ))
    .bind(supplier.0.as_bytes().to_vec())
    .bind(number.as_str().to_owned())
    .bind(city.to_string())
    .bind(venue.0.as_bytes().to_vec())
    .bind(cycle.product.as_str().to_owned())
    .bind(vials)
    .bind(at.micros())
    .bind(actor.user.0.as_bytes().to_vec())
    .bind(actor.organisation.0.as_bytes().to_vec())
    .bind(cycle.id.as_bytes().to_vec())
    .expect(1)
    .await
}
