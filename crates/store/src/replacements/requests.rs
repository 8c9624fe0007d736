//! The proposal of replacements turned into what is done: venues are asked to pass vials on (融通の依頼), suppliers get
//! orders (発注). Each venue that lacks vials is served once, however often somebody presses.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::{Action, OrganisationId, Permit, VenuePermit};
use domain::calendar::{Day, Instant};
use domain::contracts::NoContract;
use domain::deliveries::PaperNumber;
use domain::ledger::Sha;
use domain::replacements::Source;
use domain::vaccines::{Lot, ProductKey};
use domain::venues::FacilityCode;
use serde_json::json;
use uuid::Uuid;

use super::{Replaced, proposed_within};
use crate::audit::{self, Change};
use crate::contracts;
use crate::db::{Db, Tx, sql, transact};
use crate::deliveries::in_charge;
use crate::error::{Error, Result};
use crate::recalls::Standing;
use crate::stock::{may_see, organisation, wrong_permit};

/// Requests told of one lot at most: more venues than have one lot.
const REQUESTS_MAX: i64 = 20_000;
/// Requests told to one venue at most.
const ASKED_MAX: i64 = 200;

/// Where a lot's vials stand, as whoever presses saw them.
pub type Standings<'s> = (&'s Lot, &'s [Standing]);

/// Why an order of a replacement was not placed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOrdered {
    /// The city put nobody in charge of the product.
    Nobody,
    /// The venue is no party to the collective contract.
    NoContract(NoContract),
}

/// What came of a press.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requested {
    /// Venues that were asked to pass vials on.
    pub transfers: usize,
    /// Orders that were placed.
    pub orders: usize,
    /// Orders that were written down for the first time, whether anybody is there to deliver them or not.
    pub new_orders: usize,
    /// Venues and products that wait for their order, and why.
    pub waiting: Vec<(OrganisationId, String, NotOrdered)>,
}

impl Requested {
    /// Whether nothing was done: everything was asked for before.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.transfers == 0 && self.orders == 0 && self.new_orders == 0
    }
}

/// What was asked for in place of a lot's vials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Of which product.
    pub product: String,
    /// Who gets them.
    pub to: String,
    /// Who was asked to pass them on; empty if they are ordered.
    pub from: String,
    /// How many vials.
    pub vials: i64,
    /// The order's number; none for a transfer, or while nobody is there to deliver.
    pub order: Option<String>,
    /// When.
    pub at: Instant,
}

/// Vials that a venue is asked to pass on, or is to get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedOf {
    /// The recalled lot.
    pub lot: String,
    /// Of which product.
    pub product: String,
    /// The other venue.
    pub other: String,
    /// Its code; empty if it has none.
    pub facility: String,
    /// Whether this venue gives.
    pub is_giver: bool,
    /// Vials that are still to be passed on.
    pub vials: i64,
    /// When it was asked.
    pub at: Instant,
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "replacement_request",
        column,
    }
}

/// Asks venues and suppliers for what the proposal says, in one transaction. A venue that was served for this lot before is
/// not served again; only an order that had nobody to deliver it is tried anew.
///
/// # Errors
/// The database's.
pub async fn request(
    db: &Db,
    permit: &Permit,
    (lot, standing): Standings<'_>,
    (audit, at): (Uuid, Instant),
) -> Result<Requested> {
    if permit.action() != Action::KeepLots {
        return Err(wrong_permit());
    }
    let today = at.day_in_japan();
    transact!(db, |tx| {
        let known = known(&mut tx, lot).await?;
        let served: BTreeSet<(&str, OrganisationId)> = known
            .iter()
            .map(|one| (one.product.as_str(), one.to))
            .collect();
        let mut done = Requested::default();
        let proposed = proposed_within(&mut tx, (lot, standing), today).await?;
        let mut orders: Vec<(OrganisationId, String, i64)> = known
            .iter()
            .filter(|one| one.waits)
            .map(|one| (one.to, one.product.clone(), one.vials))
            .collect();
        for one in proposed {
            let is_served = served.contains(&(one.product.as_str(), one.to_id));
            if is_served || one.source == Source::Itself {
                continue;
            }
            insert(&mut tx, permit, (lot, &one), at).await?;
            match one.source {
                Source::Order => {
                    done.new_orders += 1;
                    orders.push((one.to_id, one.product, one.vials));
                }
                _ => done.transfers += 1,
            }
        }
        for (to, product, vials) in orders {
            match place(&mut tx, permit, (lot, to, &product, vials), at).await? {
                Ok(()) => done.orders += 1,
                Err(why) => done.waiting.push((to, product, why)),
            }
        }
        if !done.is_nothing() {
            let detail = json!({
                "transfers": done.transfers, "orders": done.orders, "waiting": done.waiting.len(),
            });
            let change = Change {
                id: audit,
                at,
                municipality: None,
                action: "request-replacements",
                subject: lot.as_str(),
                detail: &detail.to_string(),
            };
            audit::write(&mut tx, permit.actor(), &change).await?;
        }
        done
    })
}

struct Known {
    product: String,
    to: OrganisationId,
    vials: i64,
    waits: bool,
}

type KnownRow = (String, Vec<u8>, Vec<u8>, i64, Option<String>);

async fn known(tx: &mut Tx, lot: &Lot) -> Result<Vec<Known>> {
    let rows: Vec<KnownRow> = tx
        .query(sql!(
            "SELECT product, to_venue, from_venue, vials, order_number FROM replacement_request
             WHERE lot = $1 ORDER BY product, to_venue, from_venue LIMIT $2"
        ))
        .bind(lot.as_str().to_owned())
        .bind(REQUESTS_MAX)
        .all()
        .await?;
    rows.into_iter()
        .map(|(product, to, from, vials, order)| {
            Ok(Known {
                product,
                to: organisation(&to, "replacement_request", "to_venue")?,
                vials,
                waits: from.is_empty() && order.is_none(),
            })
        })
        .collect()
}

async fn insert(
    tx: &mut Tx,
    permit: &Permit,
    (lot, one): (&Lot, &Replaced),
    at: Instant,
) -> Result<()> {
    let from = match one.source {
        Source::SameCity(from) | Source::SamePrefecture(from) => from.0.as_bytes().to_vec(),
        Source::Itself | Source::Order => Vec::new(),
    };
    tx.query(sql!(
        "INSERT INTO replacement_request (lot, product, to_venue, from_venue, vials, at_micros, by_user)
         VALUES ($1, $2, $3, $4, $5, $6, $7)"
    ))
    .bind(lot.as_str().to_owned())
    .bind(one.product.clone())
    .bind(one.to_id.0.as_bytes().to_vec())
    .bind(from)
    .bind(one.vials)
    .bind(at.micros())
    .bind(permit.actor().user.0.as_bytes().to_vec())
    .expect(1)
    .await
}

/// Places the order of a venue with whoever is in charge, or says why there is none yet.
async fn place(
    tx: &mut Tx,
    permit: &Permit,
    (lot, to, product, vials): (&Lot, OrganisationId, &str, i64),
    at: Instant,
) -> Result<std::result::Result<(), NotOrdered>> {
    let today = at.day_in_japan();
    let (code, city): (Option<String>, Option<String>) = tx
        .query(sql!(
            "SELECT facility_code, municipality FROM organisation WHERE id = $1"
        ))
        .bind(to.0.as_bytes().to_vec())
        .one()
        .await?;
    let city = city.and_then(|city| domain::places::MunicipalityCode::parse(&city).ok());
    let city = city.ok_or_else(|| bad("to_venue"))?;
    let key = ProductKey::parse(product).ok_or_else(|| bad("product"))?;
    if let Err(why) = contracts::may_take_part(tx, to, today).await? {
        return Ok(Err(NotOrdered::NoContract(why)));
    }
    let Some(supplier) = in_charge(tx, city, &key).await? else {
        return Ok(Err(NotOrdered::Nobody));
    };
    let code = code.and_then(|code| FacilityCode::parse(&code).ok());
    let number = number_of(today, (to, code.as_ref()), (lot, product));
    tx.query(sql!(
        "INSERT INTO vial_order
             (supplier, number, municipality, venue, product, vials, at_micros, by_user, organisation)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    ))
    .bind(supplier.0.as_bytes().to_vec())
    .bind(number.as_str().to_owned())
    .bind(city.to_string())
    .bind(to.0.as_bytes().to_vec())
    .bind(product.to_owned())
    .bind(vials)
    .bind(at.micros())
    .bind(permit.actor().user.0.as_bytes().to_vec())
    .bind(permit.actor().organisation.0.as_bytes().to_vec())
    .expect(1)
    .await?;
    tx.query(sql!(
        "UPDATE replacement_request SET supplier = $4, order_number = $5
         WHERE lot = $1 AND product = $2 AND to_venue = $3 AND from_venue = $6 AND order_number IS NULL"
    ))
    .bind(lot.as_str().to_owned())
    .bind(product.to_owned())
    .bind(to.0.as_bytes().to_vec())
    .bind(supplier.0.as_bytes().to_vec())
    .bind(number.as_str().to_owned())
    .bind(Vec::<u8>::new())
    .expect(1)
    .await?;
    Ok(Ok(()))
}

/// The order's number. It follows from lot, product and venue, so that the transaction may run again.
fn number_of(
    on: Day,
    venue: (OrganisationId, Option<&FacilityCode>),
    (lot, product): (&Lot, &str),
) -> PaperNumber {
    let sha = Sha::of(format!("replacement {lot} {product}").as_bytes());
    let mut bytes = [0; 16];
    for (byte, of_sha) in bytes.iter_mut().zip(sha.as_bytes()) {
        *byte = *of_sha;
    }
    PaperNumber::of_replacement(on, venue, Uuid::from_bytes(bytes))
}

#[derive(sqlx_macros::FromRow)]
struct AskedRow {
    product: String,
    to_name: String,
    from_name: String,
    vials: i64,
    order_number: Option<String>,
    at_micros: i64,
}

/// What was asked for in place of a lot's vials so far.
///
/// # Errors
/// The database's.
pub async fn requested(db: &Db, permit: &Permit, lot: &Lot) -> Result<Vec<Asked>> {
    if permit.action() != Action::KeepLots {
        return Err(wrong_permit());
    }
    let rows: Vec<AskedRow> = db
        .query(sql!(
            "SELECT r.product, COALESCE(t.name, '') AS to_name, COALESCE(f.name, '') AS from_name, r.vials,
                    r.order_number, r.at_micros
             FROM replacement_request AS r
             LEFT JOIN organisation AS t ON t.id = r.to_venue
             LEFT JOIN organisation AS f ON f.id = r.from_venue
             WHERE r.lot = $1 ORDER BY r.product, t.name, r.to_venue, r.from_venue LIMIT $2"
        ))
        .bind(lot.as_str().to_owned())
        .bind(REQUESTS_MAX)
        .all()
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| Asked {
            product: row.product,
            to: row.to_name,
            from: row.from_name,
            vials: row.vials,
            order: row.order_number,
            at: Instant::from_micros(row.at_micros),
        })
        .collect())
}

#[derive(sqlx_macros::FromRow)]
struct OfVenueRow {
    lot: String,
    product: String,
    from_venue: Vec<u8>,
    to_venue: Vec<u8>,
    name: String,
    facility: String,
    vials: i64,
    at_micros: i64,
    passed: i64,
}

/// What a venue is asked to pass on, or is to get, and is still open: vials that went from one to the other since then are
/// taken off, the oldest request first.
///
/// # Errors
/// The database's.
pub async fn asked_of_venue(db: &Db, permit: &VenuePermit) -> Result<Vec<AskedOf>> {
    may_see(permit)?;
    let venue = permit.venue().0.as_bytes().to_vec();
    let rows: Vec<OfVenueRow> = db
        .query(sql!(
            "SELECT r.lot, r.product, r.from_venue, r.to_venue, o.name,
                    COALESCE(o.facility_code, '') AS facility, r.vials, r.at_micros,
                    CAST(COALESCE((SELECT SUM(COALESCE(t.taken, t.sent, 0)) FROM stock_transfer AS t
                         WHERE t.from_venue = r.from_venue AND t.to_venue = r.to_venue AND t.product = r.product
                           AND t.at_micros >= r.at_micros), 0) AS BIGINT) AS passed
             FROM replacement_request AS r
             JOIN organisation AS o ON o.id = CASE WHEN r.from_venue = $1 THEN r.to_venue ELSE r.from_venue END
             WHERE r.from_venue = $1 OR r.to_venue = $1
             ORDER BY r.at_micros, r.lot, r.product, r.to_venue, r.from_venue LIMIT $2"
        ))
        .bind(venue.clone())
        .bind(ASKED_MAX)
        .all()
        .await?;
    let mut used: BTreeMap<(Vec<u8>, Vec<u8>, String), i64> = BTreeMap::new();
    let mut open = Vec::new();
    for row in rows {
        let of_pair = used
            .entry((row.from_venue.clone(), row.to_venue, row.product.clone()))
            .or_default();
        let here = (row.passed - *of_pair).clamp(0, row.vials);
        *of_pair += here;
        if here < row.vials {
            open.push(AskedOf {
                lot: row.lot,
                product: row.product,
                other: row.name,
                facility: row.facility,
                is_giver: row.from_venue == venue,
                vials: row.vials - here,
                at: Instant::from_micros(row.at_micros),
            });
        }
    }
    Ok(open)
}
