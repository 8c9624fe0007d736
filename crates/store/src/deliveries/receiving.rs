//! Receiving (受領): what a venue says of the box in front of it.

use domain::access::{OrganisationId, VenuePermit};
use domain::calendar::Instant;
use domain::deliveries::{PaperNumber, Question};
use domain::stock::{Account, Goods, Kind, Movement, MovementRefusal, Post, Shelf};
use uuid::Uuid;

use super::questions::Asking;
use super::{LIST_MAX, Told, ToldRow, id_of, no_such_way, waiting};
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::stock::{Act, Done, allowed, book, claim, entry_of, organisation};

/// What a venue says it has of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Which delivery.
    pub delivery: Uuid,
    /// Vials in the box, 0 or more.
    pub vials: i64,
    /// Onto which shelf they go.
    pub shelf: Shelf,
    /// When they left the freezer, if they came thawed and the slip says so.
    pub began: Option<Instant>,
    /// What is to be said of it.
    pub note: String,
}

fn arrived(permit: &VenuePermit, goods: Goods, receipt: &Receipt) -> Result<Option<Movement>> {
    if receipt.vials == 0 {
        return Ok(None);
    }
    let post = |account| Post {
        holder: permit.venue(),
        account,
    };
    let to = post(Account::Shelf(receipt.shelf));
    let from = post(Account::Delivery);
    Movement::new(Kind::Received, goods, receipt.vials, from, to)
        .map(Some)
        .map_err(no_such_way)
}

/// Confirms a delivery (受領確認), or says what is in the box instead.
///
/// # Errors
/// The database's.
pub async fn receive(db: &Db, permit: &VenuePermit, receipt: &Receipt, act: Act) -> Result<Done> {
    allowed(permit)?;
    if !(0..=domain::stock::MOVEMENT_VIALS_MAX).contains(&receipt.vials) {
        return Ok(Done::Refused(MovementRefusal::Vials));
    }
    let content = format!("{receipt:?}");
    transact!(db, |tx| {
        let claimed = claim(&mut tx, permit.venue(), act.id, &content).await?;
        if let Some(done) = Done::unless_first(claimed) {
            return Ok(done);
        }
        let found = waiting(&mut tx, receipt.delivery).await?;
        let Some(found) = found.filter(|one| one.venue == permit.venue().0.as_bytes()) else {
            return Ok(Done::NotFound);
        };
        if let Some(received) = found.received {
            return Ok(Done::BooksChanged(received));
        }
        let goods = Goods {
            product: found.product,
            lot: found.lot,
        };
        if let Some(movement) = arrived(permit, goods, receipt)? {
            let entry = entry_of(permit, movement, (act, 0), receipt.began, &receipt.note);
            book(&mut tx, vec![entry]).await?;
        }
        tx.query(sql!(
            "UPDATE delivery SET received = $2, received_at = $3, venue_note = $4
             WHERE id = $1 AND received IS NULL"
        ))
        .bind(receipt.delivery.as_bytes().to_vec())
        .bind(receipt.vials)
        .bind(act.at.micros())
        .bind(receipt.note.clone())
        .expect(1)
        .await?;
        Done::Now
    })
}

/// What the slip of a box in front of a venue says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slip {
    /// Deliveries of it to this venue.
    Here(Vec<Told>),
    /// It is another venue's: the suppliers concerned are asked.
    Elsewhere,
    /// Nobody has told of it yet.
    Unknown,
}

/// Looks a slip up that a venue scanned or typed. A box that came to the wrong venue is asked about at
/// its supplier; the other venue is not named.
///
/// # Errors
/// The database's.
pub async fn slip(db: &Db, permit: &VenuePermit, slip: &PaperNumber, at: Instant) -> Result<Slip> {
    allowed(permit)?;
    transact!(db, |tx| {
        let rows: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> = tx
            .query(sql!(
                "SELECT id, supplier, venue FROM delivery WHERE slip = $1 ORDER BY id LIMIT $2"
            ))
            .bind(slip.as_str().to_owned())
            .bind(LIST_MAX)
            .all()
            .await?;
        let own = permit.venue().0.as_bytes().to_vec();
        if rows.is_empty() {
            Slip::Unknown
        } else if rows.iter().any(|(_, _, venue)| *venue == own) {
            let mut told = told_by_slip(&mut tx, permit, slip).await?;
            told.retain(|one| one.received.is_none());
            Slip::Here(told)
        } else {
            for (id, supplier, _) in rows {
                let id = Uuid::from_slice(&id).map_err(|_| Error::Inconsistent {
                    table: "delivery",
                    column: "id",
                })?;
                let asking = Asking {
                    holder: organisation(&supplier, "delivery", "supplier")?,
                    about: slip.to_string(),
                    at,
                    named: format!("{id} {}", permit.venue()),
                };
                let here = permit.venue().to_string();
                asking.ask(&mut tx, Question::CameElsewhere, &here).await?;
            }
            Slip::Elsewhere
        }
    })
}

async fn told_by_slip(tx: &mut Tx, permit: &VenuePermit, slip: &PaperNumber) -> Result<Vec<Told>> {
    let rows: Vec<ToldRow> = tx
        .query(sql!(
            "SELECT d.id, s.name AS supplier_name, v.name AS venue_name, d.slip, d.product, d.lot,
                    d.order_number, d.expires, d.delivered_on, d.temperature, d.note, d.content, d.shipped,
                    d.received, d.venue_note
             FROM delivery AS d
             LEFT JOIN organisation AS s ON s.id = d.supplier
             LEFT JOIN organisation AS v ON v.id = d.venue
             WHERE d.venue = $1 AND d.slip = $2 ORDER BY d.product, d.lot"
        ))
        .bind(permit.venue().0.as_bytes().to_vec())
        .bind(slip.as_str().to_owned())
        .all()
        .await?;
    rows.into_iter().map(Told::try_from).collect()
}

/// A box that stands before a venue and of which its supplier has not told yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untold {
    /// From whom.
    pub supplier: OrganisationId,
    /// The slip on it.
    pub slip: PaperNumber,
    /// Of which vaccine.
    pub goods: Goods,
    /// What is in it; the delivery's id is not asked for.
    pub receipt: Receipt,
}

/// Takes in a box before its supplier has told of it; it is on the supplier's work list until it does.
///
/// # Errors
/// The database's.
pub async fn receive_untold(
    db: &Db,
    permit: &VenuePermit,
    untold: &Untold,
    act: Act,
) -> Result<Done> {
    allowed(permit)?;
    let Untold {
        supplier,
        slip,
        goods,
        receipt,
    } = untold;
    if !(1..=domain::stock::MOVEMENT_VIALS_MAX).contains(&receipt.vials) {
        return Ok(Done::Refused(MovementRefusal::Vials));
    }
    let content = format!("{untold:?}");
    let id = id_of(&[
        &supplier.to_string(),
        slip.as_str(),
        &goods.product,
        &goods.lot,
    ])?;
    transact!(db, |tx| {
        let claimed = claim(&mut tx, permit.venue(), act.id, &content).await?;
        if let Some(done) = Done::unless_first(claimed) {
            return Ok(done);
        }
        let is_supplier: Option<(Vec<u8>,)> = tx
            .query(sql!(
                "SELECT id FROM organisation WHERE id = $1 AND kind IN ('wholesaler', 'maker')"
            ))
            .bind(supplier.0.as_bytes().to_vec())
            .optional()
            .await?;
        if is_supplier.is_none() {
            return Ok(Done::NotFound);
        }
        if let Some(found) = waiting(&mut tx, id).await? {
            // It is told by now, or was taken in before: confirm that one.
            return Ok(Done::BooksChanged(found.received.unwrap_or(found.shipped)));
        }
        let movement = arrived(permit, goods.clone(), receipt)?;
        let entries = movement
            .map(|movement| entry_of(permit, movement, (act, 0), receipt.began, &receipt.note));
        book(&mut tx, entries.into_iter().collect()).await?;
        tx.query(sql!(
            "INSERT INTO delivery
                 (supplier, slip, product, lot, id, venue, order_number, expires, delivered_on, temperature,
                  note, content, shipped, received, received_at, venue_note, at_micros)
             VALUES ($1, $2, $3, $4, $5, $6, '', '', $7, 'not_logged', '', $8, 0, $9, $10, $11, $10)"
        ))
        .bind(supplier.0.as_bytes().to_vec())
        .bind(slip.as_str().to_owned())
        .bind(goods.product.clone())
        .bind(goods.lot.clone())
        .bind(id.as_bytes().to_vec())
        .bind(permit.venue().0.as_bytes().to_vec())
        .bind(act.at.day_in_japan().to_string())
        .bind(Vec::<u8>::new())
        .bind(receipt.vials)
        .bind(act.at.micros())
        .bind(receipt.note.clone())
        .expect(1)
        .await?;
        Done::Now
    })
}
