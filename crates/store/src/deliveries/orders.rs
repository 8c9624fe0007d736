//! Orders (発注): what cities want suppliers to deliver to their venues.

use domain::access::{Action, CityPermit, OrganisationId, Permit};
use domain::calendar::Instant;
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
use crate::stock::{organisation, wrong_permit};

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

/// An order that is not delivered in full.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct OpenOrder {
    /// Its number.
    pub number: String,
    /// The venue's name.
    pub venue: String,
    /// The venue's code.
    pub facility: String,
    /// The product's key.
    pub product: String,
    /// Vials ordered.
    pub vials: i64,
    /// Vials delivered of it.
    pub delivered: i64,
}

/// What a supplier still has to deliver, oldest first.
///
/// # Errors
/// The database's.
pub async fn open_orders(db: &Db, permit: &Permit) -> Result<Vec<OpenOrder>> {
    let supplier = supplier(permit)?;
    db.query(sql!(
        "SELECT w.number, COALESCE(o.name, '') AS venue, COALESCE(o.facility_code, '') AS facility,
                    w.product, w.vials, w.delivered
             FROM (SELECT v.number, v.venue, v.product, v.vials, v.at_micros,
                          CAST(COALESCE((SELECT SUM(d.shipped) FROM delivery AS d
                               WHERE d.supplier = v.supplier AND d.order_number <> ''
                                 AND d.order_number = v.number), 0) AS BIGINT) AS delivered
                   FROM vial_order AS v WHERE v.supplier = $1) AS w
             LEFT JOIN organisation AS o ON o.id = w.venue
             WHERE w.delivered < w.vials ORDER BY w.at_micros, w.number LIMIT $2"
    ))
    .bind(supplier.0.as_bytes().to_vec())
    .bind(LIST_MAX)
    .all()
    .await
}
