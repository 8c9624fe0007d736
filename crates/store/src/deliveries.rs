//! Deliveries (配送): what cities ordered, what suppliers say they handed over, and what venues say they
//! have.
//!
//! A delivery is known by supplier, slip, product and lot: the same file twice changes nothing. What
//! does not fit is booked where it can be, and asked in any case (`stock_question`).

mod in_charge;
mod orders;
mod questions;
mod receiving;

pub use in_charge::{Charge, PutInCharge, charges, put_in_charge};
pub(crate) use in_charge::{in_charge, order_allocated};
pub use orders::{NewOrder, OfCycle, Ordered, Placed, open_orders, order, orders_of_city};
pub use questions::{OpenQuestion, answer, open_questions, unreadable};
pub use receiving::{Receipt, Slip, Untold, receive, receive_untold, slip};

use domain::access::{Action, OrganisationId, Permit, Place, VenuePermit};
use domain::calendar::{Day, Instant};
use domain::deliveries::{self as rules, Delivery, PaperNumber, Question, Temperature, questions};
use domain::ledger::Sha;
use domain::stock::{Account, Goods, Kind, Movement, MovementRefusal, Post};
use uuid::Uuid;

use self::orders::ordered;
use self::questions::Asking;
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::lots;
use crate::stock::{Act, Done, Entry, book, claim, day_in, may_see, organisation, wrong_permit};
use crate::venues::holder;

/// Rows of a list at most.
pub const LIST_MAX: i64 = 200;

/// The supplier whose deliveries a permit is for.
fn supplier(permit: &Permit) -> Result<OrganisationId> {
    match (permit.action(), permit.place()) {
        (Action::RegisterDelivery, Place::Company(id)) => Ok(*id),
        _ => Err(wrong_permit()),
    }
}

/// What became of a delivery that was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registered {
    /// It is booked, and this is to be asked about it.
    Booked(Vec<Question>),
    /// It was told before, and the same.
    Before,
    /// Nothing was booked, for this reason.
    Held(Question),
}

/// An id that follows from words: the same again for the same words.
fn id_of(words: &[&str]) -> Result<Uuid> {
    let hash = Sha::of(words.join("\u{1f}").as_bytes());
    let (first, _) = hash.as_bytes().split_at(16);
    Uuid::from_slice(first).map_err(|_| Error::Inconsistent {
        table: "delivery",
        column: "id",
    })
}

fn content_of(delivery: &Delivery) -> Result<Sha> {
    let text = serde_json::to_string(delivery).map_err(|_| Error::Inconsistent {
        table: "delivery",
        column: "content",
    })?;
    Ok(Sha::of(text.as_bytes()))
}

/// Takes a delivery as the supplier tells it.
///
/// # Errors
/// The database's.
pub async fn register(
    db: &Db,
    permit: &Permit,
    delivery: &Delivery,
    at: Instant,
) -> Result<Registered> {
    let supplier = supplier(permit)?;
    let content = content_of(delivery)?;
    let key = [
        &supplier.to_string(),
        delivery.slip.as_str(),
        delivery.product.as_str(),
        delivery.lot.as_str(),
    ];
    let id = id_of(&key)?;
    transact!(db, |tx| {
        let asking = Asking {
            holder: supplier,
            about: about(delivery),
            at,
            named: content.to_string(),
        };
        let Some(venue) = holder(&mut tx, delivery.facility, delivery.delivered_on).await? else {
            asking.ask(&mut tx, Question::VenueUnknown, "").await?;
            tx.commit().await?;
            return Ok(Registered::Held(Question::VenueUnknown));
        };
        let known = known(&mut tx, supplier, delivery).await?;
        if let Some(known) = &known {
            if known.content == content.as_bytes() {
                return Ok(Registered::Before);
            }
            // Only a row that the venue alone has told of may still be told of by the supplier.
            if !known.content.is_empty() || known.venue != venue {
                let detail = format!("{} {}", known.venue, known.shipped);
                asking.ask(&mut tx, Question::Contradicts, &detail).await?;
                tx.commit().await?;
                return Ok(Registered::Held(Question::Contradicts));
            }
        }
        let asked = questions_of(&mut tx, supplier, venue, delivery).await?;
        keep(&mut tx, (supplier, venue, id), delivery, content, at).await?;
        // Beyond what was put right before the delivery was told of.
        let more = delivery.vials - known.map_or(0, |known| known.shipped);
        if more != 0 {
            let entry = shipped(permit, (supplier, venue), delivery, (id, more), at)?;
            book(&mut tx, vec![entry]).await?;
        }
        for question in &asked {
            asking.ask(&mut tx, *question, "").await?;
        }
        Registered::Booked(asked)
    })
}

fn about(delivery: &Delivery) -> String {
    format!(
        "{} {} {} {} {}",
        delivery.slip, delivery.facility, delivery.product, delivery.lot, delivery.vials
    )
}

struct Known {
    content: Vec<u8>,
    venue: OrganisationId,
    shipped: i64,
}

async fn known(
    tx: &mut Tx,
    supplier: OrganisationId,
    delivery: &Delivery,
) -> Result<Option<Known>> {
    let row: Option<(Vec<u8>, Vec<u8>, i64)> = tx
        .query(sql!(
            "SELECT content, venue, shipped FROM delivery
             WHERE supplier = $1 AND slip = $2 AND product = $3 AND lot = $4"
        ))
        .bind(supplier.0.as_bytes().to_vec())
        .bind(delivery.slip.as_str().to_owned())
        .bind(delivery.product.as_str().to_owned())
        .bind(delivery.lot.as_str().to_owned())
        .optional()
        .await?;
    row.map(|(content, venue, shipped)| {
        Ok(Known {
            content,
            venue: organisation(&venue, "delivery", "venue")?,
            shipped,
        })
    })
    .transpose()
}

async fn questions_of(
    tx: &mut Tx,
    supplier: OrganisationId,
    venue: OrganisationId,
    delivery: &Delivery,
) -> Result<Vec<Question>> {
    let order = match &delivery.order {
        Some(number) => ordered(tx, supplier, number)
            .await?
            .map(|one| (number, one)),
        None => None,
    };
    let mut delivered = 0;
    if let Some((number, _)) = &order {
        let (sum,): (i64,) = tx
            .query(sql!(
                "SELECT CAST(COALESCE(SUM(shipped), 0) AS BIGINT) FROM delivery
                 WHERE supplier = $1 AND order_number = $2 AND order_number <> ''"
            ))
            .bind(supplier.0.as_bytes().to_vec())
            .bind(number.as_str().to_owned())
            .one()
            .await?;
        delivered = sum;
    }
    let order = order
        .as_ref()
        .map(|(_, (venue, product, vials))| rules::Ordered {
            venue: *venue,
            product,
            vials: *vials,
            delivered,
        });
    let (product, lot) = (delivery.product.as_str(), delivery.lot.as_str());
    let entered = lots::found(tx, product, lot).await?;
    let registered = entered.as_ref().map(|entered| &entered.lot);
    Ok(questions(delivery, venue, order, registered))
}

async fn keep(
    tx: &mut Tx,
    (supplier, venue, id): (OrganisationId, OrganisationId, Uuid),
    delivery: &Delivery,
    content: Sha,
    at: Instant,
) -> Result<()> {
    let order = delivery.order.as_ref().map_or("", PaperNumber::as_str);
    tx.query(sql!(
        "INSERT INTO delivery
             (supplier, slip, product, lot, id, venue, order_number, expires, delivered_on, temperature, note,
              content, shipped, received, received_at, venue_note, at_micros)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, NULL, NULL, '', $14)
         ON CONFLICT (supplier, slip, product, lot) DO UPDATE SET
             order_number = excluded.order_number, expires = excluded.expires,
             delivered_on = excluded.delivered_on, temperature = excluded.temperature,
             note = excluded.note, content = excluded.content, shipped = excluded.shipped"
    ))
    .bind(supplier.0.as_bytes().to_vec())
    .bind(delivery.slip.as_str().to_owned())
    .bind(delivery.product.as_str().to_owned())
    .bind(delivery.lot.as_str().to_owned())
    .bind(id.as_bytes().to_vec())
    .bind(venue.0.as_bytes().to_vec())
    .bind(order.to_owned())
    .bind(delivery.expires.to_string())
    .bind(delivery.delivered_on.to_string())
    .bind(delivery.temperature.as_str().to_owned())
    .bind(delivery.note.clone())
    .bind(content.as_bytes().to_vec())
    .bind(delivery.vials)
    .bind(at.micros())
    .expect(1)
    .await
}

fn no_such_way(_: MovementRefusal) -> Error {
    Error::Inconsistent {
        table: "delivery",
        column: "shipped",
    }
}

fn shipped(
    permit: &Permit,
    (supplier, venue): (OrganisationId, OrganisationId),
    delivery: &Delivery,
    (act, vials): (Uuid, i64),
    at: Instant,
) -> Result<Entry> {
    let goods = Goods {
        product: delivery.product.to_string(),
        lot: delivery.lot.to_string(),
    };
    let movement = hand_over(supplier, venue, goods, vials)?;
    Ok(Entry {
        movement,
        act,
        part: 0,
        on_day: delivery.delivered_on,
        began: None,
        note: delivery.slip.to_string(),
        at,
        user: permit.actor().user,
        organisation: supplier,
    })
}

/// From the supplier onto the way to the venue, or back where the vials are fewer than none.
fn hand_over(
    supplier: OrganisationId,
    venue: OrganisationId,
    goods: Goods,
    vials: i64,
) -> Result<Movement> {
    let supply = Post {
        holder: supplier,
        account: Account::Supply,
    };
    let on_the_way = Post {
        holder: venue,
        account: Account::Delivery,
    };
    let (from, to) = if vials < 0 {
        (on_the_way, supply)
    } else {
        (supply, on_the_way)
    };
    Movement::new(Kind::Shipped, goods, vials.abs(), from, to).map_err(no_such_way)
}

/// A delivery as both sides tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its id.
    pub id: Uuid,
    /// The supplier's name.
    pub supplier: String,
    /// The venue's name.
    pub venue: String,
    /// The slip.
    pub slip: String,
    /// Of which vaccine.
    pub goods: Goods,
    /// The order's number; empty if there is none.
    pub order: String,
    /// The last day as the supplier tells it, if it has told of the delivery.
    pub expires: Option<Day>,
    /// When it was handed over.
    pub delivered_on: Day,
    /// How cold it was.
    pub temperature: Temperature,
    /// The supplier's words.
    pub note: String,
    /// Whether the supplier has told of it; if not, the venue alone has.
    pub is_told: bool,
    /// Vials by the supplier.
    pub shipped: i64,
    /// Vials by the venue, once it has said.
    pub received: Option<i64>,
    /// The venue's words.
    pub venue_note: String,
}

#[derive(sqlx_macros::FromRow)]
struct ToldRow {
    id: Vec<u8>,
    supplier_name: Option<String>,
    venue_name: Option<String>,
    slip: String,
    product: String,
    lot: String,
    order_number: String,
    expires: String,
    delivered_on: String,
    temperature: String,
    note: String,
    content: Vec<u8>,
    shipped: i64,
    received: Option<i64>,
    venue_note: String,
}

impl TryFrom<ToldRow> for Told {
    type Error = Error;

    fn try_from(row: ToldRow) -> Result<Self> {
        let bad = |column| Error::Inconsistent {
            table: "delivery",
            column,
        };
        let expires = match row.expires.as_str() {
            "" => None,
            day => Some(day_in(day, "delivery", "expires")?),
        };
        Ok(Self {
            id: Uuid::from_slice(&row.id).map_err(|_| bad("id"))?,
            supplier: row.supplier_name.unwrap_or_default(),
            venue: row.venue_name.unwrap_or_default(),
            slip: row.slip,
            goods: Goods {
                product: row.product,
                lot: row.lot,
            },
            order: row.order_number,
            expires,
            delivered_on: day_in(&row.delivered_on, "delivery", "delivered_on")?,
            temperature: Temperature::parse(&row.temperature).ok_or_else(|| bad("temperature"))?,
            note: row.note,
            is_told: !row.content.is_empty(),
            shipped: row.shipped,
            received: row.received,
            venue_note: row.venue_note,
        })
    }
}

/// A venue's deliveries about which the two sides do not agree yet, oldest first: most of them wait to
/// be confirmed.
///
/// # Errors
/// The database's.
pub async fn open_at_venue(db: &Db, permit: &VenuePermit) -> Result<Vec<Told>> {
    may_see(permit)?;
    let rows: Vec<ToldRow> = db
        .query(sql!(
            "SELECT d.id, s.name AS supplier_name, v.name AS venue_name, d.slip, d.product, d.lot,
                    d.order_number, d.expires, d.delivered_on, d.temperature, d.note, d.content, d.shipped,
                    d.received, d.venue_note
             FROM delivery AS d
             LEFT JOIN organisation AS s ON s.id = d.supplier
             LEFT JOIN organisation AS v ON v.id = d.venue
             WHERE d.venue = $1 AND (d.received IS NULL OR d.received <> d.shipped)
             ORDER BY d.at_micros, d.id LIMIT $2"
        ))
        .bind(permit.venue().0.as_bytes().to_vec())
        .bind(LIST_MAX)
        .all()
        .await?;
    rows.into_iter().map(Told::try_from).collect()
}

/// A supplier's deliveries about which the two sides do not agree yet, oldest first.
///
/// # Errors
/// The database's.
pub async fn open_at_supplier(db: &Db, permit: &Permit) -> Result<Vec<Told>> {
    let supplier = supplier(permit)?;
    let rows: Vec<ToldRow> = db
        .query(sql!(
            "SELECT d.id, s.name AS supplier_name, v.name AS venue_name, d.slip, d.product, d.lot,
                    d.order_number, d.expires, d.delivered_on, d.temperature, d.note, d.content, d.shipped,
                    d.received, d.venue_note
             FROM delivery AS d
             LEFT JOIN organisation AS s ON s.id = d.supplier
             LEFT JOIN organisation AS v ON v.id = d.venue
             WHERE d.supplier = $1 AND (d.received IS NULL OR d.received <> d.shipped)
             ORDER BY d.at_micros, d.id LIMIT $2"
        ))
        .bind(supplier.0.as_bytes().to_vec())
        .bind(LIST_MAX)
        .all()
        .await?;
    rows.into_iter().map(Told::try_from).collect()
}

#[derive(sqlx_macros::FromRow)]
struct Waiting {
    supplier: Vec<u8>,
    venue: Vec<u8>,
    product: String,
    lot: String,
    shipped: i64,
    received: Option<i64>,
}

async fn waiting(tx: &mut Tx, id: Uuid) -> Result<Option<Waiting>> {
    tx.query(sql!(
        "SELECT supplier, venue, product, lot, shipped, received FROM delivery WHERE id = $1"
    ))
    .bind(id.as_bytes().to_vec())
    .optional()
    .await
}

/// Puts right what the supplier said it handed over: to what the venue has, or to another number while
/// the venue has not said. The first word stays in the books, beside the correction.
///
/// # Errors
/// The database's.
pub async fn put_right(
    db: &Db,
    permit: &Permit,
    (delivery, vials): (Uuid, i64),
    note: &str,
    act: Act,
) -> Result<Done> {
    let supplier = supplier(permit)?;
    if !(0..=domain::stock::MOVEMENT_VIALS_MAX).contains(&vials) {
        return Ok(Done::Refused(MovementRefusal::Vials));
    }
    let content = format!("{delivery} {vials} {note}");
    transact!(db, |tx| {
        let claimed = claim(&mut tx, supplier, act.id, &content).await?;
        if let Some(done) = Done::unless_first(claimed) {
            return Ok(done);
        }
        let found = waiting(&mut tx, delivery).await?;
        let Some(found) = found.filter(|one| one.supplier == supplier.0.as_bytes()) else {
            return Ok(Done::NotFound);
        };
        let more = vials - found.shipped;
        if found.received == Some(found.shipped) || more == 0 {
            return Ok(Done::BooksChanged(found.shipped));
        }
        let goods = Goods {
            product: found.product,
            lot: found.lot,
        };
        let venue = organisation(&found.venue, "delivery", "venue")?;
        let entry = Entry {
            movement: hand_over(supplier, venue, goods, more)?,
            act: act.id,
            part: 0,
            on_day: act.at.day_in_japan(),
            began: None,
            note: note.to_owned(),
            at: act.at,
            user: permit.actor().user,
            organisation: supplier,
        };
        book(&mut tx, vec![entry]).await?;
        tx.query(sql!("UPDATE delivery SET shipped = $2 WHERE id = $1"))
            .bind(delivery.as_bytes().to_vec())
            .bind(vials)
            .expect(1)
            .await?;
        Done::Now
    })
}

/// Suppliers, for a venue's form: those that are active, by name.
///
/// # Errors
/// The database's.
pub async fn suppliers(db: &Db) -> Result<Vec<(OrganisationId, String)>> {
    let rows: Vec<(Vec<u8>, String)> = db
        .query(sql!(
            "SELECT id, name FROM organisation
             WHERE kind IN ('wholesaler', 'maker') AND active = 1 ORDER BY name, id LIMIT $1"
        ))
        .bind(LIST_MAX)
        .all()
        .await?;
    rows.into_iter()
        .map(|(id, name)| Ok((organisation(&id, "organisation", "id")?, name)))
        .collect()
}
