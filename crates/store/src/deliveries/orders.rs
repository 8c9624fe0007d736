//! Orders (発注): what cities want suppliers to deliver to their venues.

use domain::access::{Action, CityPermit, OrganisationId, Permit};
use domain::calendar::{Day, Instant};
use domain::contracts::NoContract;
use domain::deliveries::PaperNumber;
use domain::vaccines::ProductKey;
use serde_json::json;
use uuid::Uuid;

use super::{LIST_MAX, supplier};
use crate::audit::{self, Change};
use crate::contracts;
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::stock::{day_in, organisation, wrong_permit};

/// Orders of one supplier told at most: a cycle of all venues of a large prefecture.
const ORDERS_MAX: i64 = 20_000;

/// An order that is to be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// Of whom.
    pub supplier: OrganisationId,
    /// The order's number, unique with the supplier.
    pub number: PaperNumber,
    /// For which venue of the city.
    pub venue: OrganisationId,
    /// Of which product.
    pub product: ProductKey,
    /// How many vials.
    pub vials: i64,
}

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It is placed.
    Now,
    /// It was placed before, and says the same.
    Before,
    /// The supplier has another order of this number.
    NumberTaken,
    /// There is no such venue in the city, or no such supplier.
    NotFound,
    /// Not a number of vials.
    Vials,
    /// The venue is no party to the collective contract.
    NoContract(NoContract),
}

/// Places an order for a venue of the city.
///
/// # Errors
/// The database's.
pub async fn order(
    db: &Db,
    permit: &CityPermit,
    order: &NewOrder,
    (audit, at): (Uuid, Instant),
) -> Result<Placed> {
    if permit.action() != Action::OrderVials {
        return Err(wrong_permit());
    }
    if !(1..=domain::stock::MOVEMENT_VIALS_MAX).contains(&order.vials) {
        return Ok(Placed::Vials);
    }
    transact!(db, |tx| {
        let known: Vec<(Vec<u8>, String)> = tx
            .query(sql!(
                "SELECT id, kind FROM organisation
                 WHERE active = 1 AND ((id = $1 AND kind = 'venue' AND municipality = $3)
                    OR (id = $2 AND kind IN ('wholesaler', 'maker')))"
            ))
            .bind(order.venue.0.as_bytes().to_vec())
            .bind(order.supplier.0.as_bytes().to_vec())
            .bind(permit.city().to_string())
            .all()
            .await?;
        if known.len() != 2 {
            return Ok(Placed::NotFound);
        }
        let found = ordered(&mut tx, order.supplier, &order.number).await?;
        if let Some((venue, product, vials)) = found {
            let same = venue == order.venue && product == order.product && vials == order.vials;
            return Ok(if same {
                Placed::Before
            } else {
                Placed::NumberTaken
            });
        }
        let today = at.day_in_japan();
        if let Err(reason) = contracts::may_take_part(&mut tx, order.venue, today).await? {
            return Ok(Placed::NoContract(reason));
        }
        tx.query(sql!(
            "INSERT INTO vial_order
                 (supplier, number, municipality, venue, product, vials, at_micros, by_user, organisation)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        ))
        .bind(order.supplier.0.as_bytes().to_vec())
        .bind(order.number.as_str().to_owned())
        .bind(permit.city().to_string())
        .bind(order.venue.0.as_bytes().to_vec())
        .bind(order.product.as_str().to_owned())
        .bind(order.vials)
        .bind(at.micros())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .bind(permit.actor().organisation.0.as_bytes().to_vec())
        .expect(1)
        .await?;
        let detail =
            json!({ "venue": order.venue, "product": order.product, "vials": order.vials });
        let change = Change {
            id: audit,
            at,
            municipality: Some(permit.city()),
            action: "order-vials",
            subject: order.number.as_str(),
            detail: &detail.to_string(),
        };
        audit::write(&mut tx, permit.actor(), &change).await?;
        Placed::Now
    })
}

pub(super) async fn ordered(
    tx: &mut Tx,
    supplier: OrganisationId,
    number: &PaperNumber,
) -> Result<Option<(OrganisationId, ProductKey, i64)>> {
    let row: Option<(Vec<u8>, String, i64)> = tx
        .query(sql!(
            "SELECT venue, product, vials FROM vial_order WHERE supplier = $1 AND number = $2"
        ))
        .bind(supplier.0.as_bytes().to_vec())
        .bind(number.as_str().to_owned())
        .optional()
        .await?;
    row.map(|(venue, product, vials)| {
        let product = ProductKey::parse(&product).ok_or(Error::Inconsistent {
            table: "vial_order",
            column: "product",
        })?;
        Ok((organisation(&venue, "vial_order", "venue")?, product, vials))
    })
    .transpose()
}

/// An order, and how much of it is delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered {
    /// Its number.
    pub number: String,
    /// The supplier's name.
    pub supplier: String,
    /// The venue's name.
    pub venue: String,
    /// The venue.
    pub venue_id: OrganisationId,
    /// The venue's code.
    pub facility: String,
    /// The product's key.
    pub product: String,
    /// Vials ordered.
    pub vials: i64,
    /// Vials delivered of it.
    pub delivered: i64,
    /// The cycle that it follows from, if a city did not order by itself.
    pub cycle: Option<OfCycle>,
}

/// The cycle of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfCycle {
    /// Its number, as people call it.
    pub number: i64,
    /// Its first day of delivery.
    pub first_day: Day,
}

#[derive(sqlx_macros::FromRow)]
struct Row {
    number: String,
    supplier: String,
    venue: String,
    venue_id: Vec<u8>,
    facility: String,
    product: String,
    vials: i64,
    delivered: i64,
    cycle_number: Option<i64>,
    first_day: Option<String>,
}

impl TryFrom<Row> for Ordered {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let cycle = match (row.cycle_number, row.first_day) {
            (Some(number), Some(first_day)) => Some(OfCycle {
                number,
                first_day: day_in(&first_day, "cycle", "first_day")?,
            }),
            _ => None,
        };
        Ok(Self {
            number: row.number,
            supplier: row.supplier,
            venue: row.venue,
            venue_id: organisation(&row.venue_id, "vial_order", "venue")?,
            facility: row.facility,
            product: row.product,
            vials: row.vials,
            delivered: row.delivered,
            cycle,
        })
    }
}

/// What a supplier still has to deliver, oldest first.
///
/// # Errors
/// The database's.
pub async fn open_orders(db: &Db, permit: &Permit) -> Result<Vec<Ordered>> {
    let supplier = supplier(permit)?;
    let rows: Vec<Row> = db
        .query(sql!(
            "SELECT w.number, COALESCE(s.name, '') AS supplier, COALESCE(o.name, '') AS venue,
                    w.venue AS venue_id, COALESCE(o.facility_code, '') AS facility, w.product, w.vials, w.delivered,
                    c.number AS cycle_number, c.first_day
             FROM (SELECT v.supplier, v.number, v.venue, v.product, v.vials, v.cycle, v.at_micros,
                          CAST(COALESCE((SELECT SUM(d.shipped) FROM delivery AS d
                               WHERE d.supplier = v.supplier AND d.order_number <> ''
                                 AND d.order_number = v.number), 0) AS BIGINT) AS delivered
                   FROM vial_order AS v WHERE v.supplier = $1) AS w
             LEFT JOIN organisation AS o ON o.id = w.venue
             LEFT JOIN organisation AS s ON s.id = w.supplier
             LEFT JOIN cycle AS c ON c.id = w.cycle
                 AND c.revision = (SELECT MAX(n.revision) FROM cycle AS n WHERE n.id = w.cycle)
             WHERE w.delivered < w.vials ORDER BY w.at_micros, w.number LIMIT $2"
        ))
        .bind(supplier.0.as_bytes().to_vec())
        .bind(ORDERS_MAX)
        .all()
        .await?;
    rows.into_iter().map(Ordered::try_from).collect()
}

/// What was ordered for a city's venues, the newest first.
///
/// # Errors
/// The database's.
pub async fn orders_of_city(db: &Db, permit: &CityPermit) -> Result<Vec<Ordered>> {
    if permit.action() != Action::OrderVials {
        return Err(wrong_permit());
    }
    let rows: Vec<Row> = db
        .query(sql!(
            "SELECT v.number, COALESCE(s.name, '') AS supplier, COALESCE(o.name, '') AS venue,
                    v.venue AS venue_id, COALESCE(o.facility_code, '') AS facility, v.product, v.vials,
                    CAST(COALESCE((SELECT SUM(d.shipped) FROM delivery AS d
                         WHERE d.supplier = v.supplier AND d.order_number <> ''
                           AND d.order_number = v.number), 0) AS BIGINT) AS delivered,
                    c.number AS cycle_number, c.first_day
             FROM vial_order AS v
             LEFT JOIN organisation AS o ON o.id = v.venue
             LEFT JOIN organisation AS s ON s.id = v.supplier
             LEFT JOIN cycle AS c ON c.id = v.cycle
                 AND c.revision = (SELECT MAX(n.revision) FROM cycle AS n WHERE n.id = v.cycle)
             WHERE v.municipality = $1 ORDER BY v.at_micros DESC, v.number LIMIT $2"
        ))
        .bind(permit.city().to_string())
        .bind(LIST_MAX)
        .all()
        .await?;
    rows.into_iter().map(Ordered::try_from).collect()
}
