//! Vials that one venue gives to another (融通, 再融通), confirmed by both.
//!
//! Either side may speak first. What it says is booked at once, for the vials are where it says; while
//! the other has not said the same, the transfer is on both work lists. The venue that gave them puts
//! its word right, or takes vials back that never arrived.

mod given;

pub use given::{Came, GIVEN_MAX, Given, Party, given, one};

use domain::access::{OrganisationId, VenuePermit};
use domain::calendar::Instant;
use domain::stock::{Account, Goods, Kind, Movement, MovementRefusal, Post, Shelf};
use domain::venues::FacilityCode;
use uuid::Uuid;

use crate::db::{Db, Tx, sql, transact};
use crate::deliveries::LIST_MAX;
use crate::error::{Error, Result};
use crate::stock::{Act, Done, allowed, book, claim, entry_of, held_back, may_see, organisation};
use crate::venues::holder;

/// A side's word about vials that went from one venue to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The other venue.
    pub other: FacilityCode,
    /// Of which vaccine.
    pub goods: Goods,
    /// From which shelf they were taken, or onto which they were put.
    pub shelf: Shelf,
    /// How many.
    pub vials: i64,
    /// When they left the freezer, if they are thawed and it is known: their clock goes with them.
    pub began: Option<Instant>,
    /// How they were carried, how cold it was.
    pub note: String,
}

/// A transfer as both sides tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its id.
    pub id: Uuid,
    /// Whether this venue gave them; otherwise it got them.
    pub is_ours: bool,
    /// The other venue's name.
    pub other: String,
    /// Of which vaccine.
    pub goods: Goods,
    /// On which shelf they stood.
    pub shelf: Shelf,
    /// When they left the freezer, if it is known.
    pub began: Option<Instant>,
    /// Vials by the venue that gave them.
    pub sent: Option<i64>,
    /// Vials by the venue that got them.
    pub taken: Option<i64>,
    /// In the words of the one.
    pub sent_note: String,
    /// In the words of the other.
    pub taken_note: String,
    /// Since when.
    pub at: Instant,
}

#[derive(sqlx_macros::FromRow)]
struct Row {
    id: Vec<u8>,
    from_venue: Vec<u8>,
    product: String,
    lot: String,
    shelf: String,
    began_micros: i64,
    sent: Option<i64>,
    taken: Option<i64>,
    sent_note: String,
    taken_note: String,
    at_micros: i64,
    from_name: Option<String>,
    to_name: Option<String>,
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "stock_transfer",
        column,
    }
}

fn moment(micros: i64) -> Option<Instant> {
    (micros > 0).then(|| Instant::from_micros(micros))
}

impl Row {
    fn told(self, venue: OrganisationId) -> Result<Told> {
        let from = organisation(&self.from_venue, "stock_transfer", "from_venue")?;
        let is_ours = from == venue;
        let other = if is_ours {
            self.to_name
        } else {
            self.from_name
        };
        Ok(Told {
            id: Uuid::from_slice(&self.id).map_err(|_| bad("id"))?,
            is_ours,
            other: other.unwrap_or_default(),
            goods: Goods {
                product: self.product,
                lot: self.lot,
            },
            shelf: Shelf::parse(&self.shelf).ok_or_else(|| bad("shelf"))?,
            began: moment(self.began_micros),
            sent: self.sent,
            taken: self.taken,
            sent_note: self.sent_note,
            taken_note: self.taken_note,
            at: Instant::from_micros(self.at_micros),
        })
    }
}

/// Transfers of a venue on which the two sides do not agree yet, oldest first.
///
/// # Errors
/// The database's.
pub async fn open(db: &Db, permit: &VenuePermit) -> Result<Vec<Told>> {
    may_see(permit)?;
    let rows: Vec<Row> = db
        .query(sql!(
            "SELECT t.id, t.from_venue, t.product, t.lot, t.shelf, t.began_micros, t.sent, t.taken,
                    t.sent_note, t.taken_note, t.at_micros, f.name AS from_name, o.name AS to_name
             FROM (SELECT * FROM stock_transfer
                   WHERE from_venue = $1 AND (sent IS NULL OR taken IS NULL OR sent <> taken)
                   UNION ALL
                   SELECT * FROM stock_transfer
                   WHERE to_venue = $1 AND (sent IS NULL OR taken IS NULL OR sent <> taken)) AS t
             LEFT JOIN organisation AS f ON f.id = t.from_venue
             LEFT JOIN organisation AS o ON o.id = t.to_venue
             ORDER BY t.at_micros, t.id LIMIT $2"
        ))
        .bind(permit.venue().0.as_bytes().to_vec())
        .bind(LIST_MAX)
        .all()
        .await?;
    rows.into_iter()
        .map(|row| row.told(permit.venue()))
        .collect()
}

fn no_such_way(_: MovementRefusal) -> Error {
    bad("sent")
}

/// From a shelf of the one venue onto the way to the other; back, if the vials are fewer than none.
fn gone(
    (from, to): (OrganisationId, OrganisationId),
    goods: Goods,
    shelf: Shelf,
    vials: i64,
) -> Result<Movement> {
    let on_shelf = Post {
        holder: from,
        account: Account::Shelf(shelf),
    };
    let on_the_way = Post {
        holder: to,
        account: Account::Transfer,
    };
    let (from, to) = if vials < 0 {
        (on_the_way, on_shelf)
    } else {
        (on_shelf, on_the_way)
    };
    Movement::new(Kind::Sent, goods, vials.abs(), from, to).map_err(no_such_way)
}

fn come(to: OrganisationId, goods: Goods, shelf: Shelf, vials: i64) -> Result<Movement> {
    let post = |account| Post {
        holder: to,
        account,
    };
    let (from, to) = (post(Account::Transfer), post(Account::Shelf(shelf)));
    Movement::new(Kind::Taken, goods, vials, from, to).map_err(no_such_way)
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The venue that gives.
    Gives,
    /// The venue that got them, before the other has said so.
    Got,
}

/// Begins a transfer by the word of one side.
///
/// # Errors
/// The database's.
pub async fn begin(
    db: &Db,
    permit: &VenuePermit,
    side: Side,
    word: &Word,
    act: Act,
) -> Result<Done> {
    allowed(permit)?;
    if !(1..=domain::stock::MOVEMENT_VIALS_MAX).contains(&word.vials) {
        return Ok(Done::Refused(MovementRefusal::Vials));
    }
    let venue = permit.venue();
    let content = format!("{side:?} {word:?}");
    transact!(db, |tx| {
        let claimed = claim(&mut tx, venue, act.id, &content).await?;
        if let Some(done) = Done::unless_first(claimed) {
            return Ok(done);
        }
        if side == Side::Gives {
            let what = (&word.goods, word.shelf);
            if let Some(held) = held_back(&mut tx, permit, what, (word.vials, act)).await? {
                return Ok(held);
            }
        }
        match begin_within(&mut tx, permit, side, word, act).await? {
            Done::Now => Done::Now,
            other => return Ok(other),
        }
    })
}

/// The same within a transaction, once its act's id is taken; anything but [`Done::Now`] must undo it.
pub(crate) async fn begin_within(
    tx: &mut Tx,
    permit: &VenuePermit,
    side: Side,
    word: &Word,
    act: Act,
) -> Result<Done> {
    let venue = permit.venue();
    let Some(other) = holder(tx, word.other, act.at.day_in_japan()).await? else {
        return Ok(Done::NotFound);
    };
    if other == venue {
        return Ok(Done::Refused(MovementRefusal::Way));
    }
    let goods = word.goods.clone();
    let (from, to, movement) = match side {
        Side::Gives => {
            let movement = gone((venue, other), goods, word.shelf, word.vials)?;
            (venue, other, movement)
        }
        Side::Got => {
            let movement = come(venue, goods, word.shelf, word.vials)?;
            (other, venue, movement)
        }
    };
    let began = word.began.filter(|_| side == Side::Got);
    let entry = entry_of(permit, movement, (act, 0), began, &word.note);
    book(tx, vec![entry]).await?;
    let gives = side == Side::Gives;
    let (sent, taken) = (gives.then_some(word.vials), (!gives).then_some(word.vials));
    let (sent_note, taken_note) = if gives {
        (word.note.clone(), String::new())
    } else {
        (String::new(), word.note.clone())
    };
    tx.query(sql!(
        "INSERT INTO stock_transfer
             (id, from_venue, to_venue, product, lot, shelf, began_micros, sent, sent_note, taken,
              taken_note, at_micros, taken_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
    ))
    .bind(act.id.as_bytes().to_vec())
    .bind(from.0.as_bytes().to_vec())
    .bind(to.0.as_bytes().to_vec())
    .bind(word.goods.product.clone())
    .bind(word.goods.lot.clone())
    .bind(word.shelf.as_str().to_owned())
    .bind(word.began.map_or(0, Instant::micros))
    .bind(sent)
    .bind(sent_note)
    .bind(taken)
    .bind(taken_note)
    .bind(act.at.micros())
    .bind(taken.map(|_| act.at.micros()))
    .expect(1)
    .await?;
    Ok(Done::Now)
}

#[derive(sqlx_macros::FromRow)]
struct Waiting {
    from_venue: Vec<u8>,
    to_venue: Vec<u8>,
    product: String,
    lot: String,
    shelf: String,
    began_micros: i64,
    sent: Option<i64>,
    taken: Option<i64>,
}

async fn waiting(tx: &mut Tx, id: Uuid) -> Result<Option<Waiting>> {
    tx.query(sql!(
        "SELECT from_venue, to_venue, product, lot, shelf, began_micros, sent, taken
         FROM stock_transfer WHERE id = $1"
    ))
    .bind(id.as_bytes().to_vec())
    .optional()
    .await
}

/// The venue that gets the vials says how many arrived (受入確認); none is an answer, too.
///
/// # Errors
/// The database's.
pub async fn take(
    db: &Db,
    permit: &VenuePermit,
    (transfer, vials): (Uuid, i64),
    note: &str,
    act: Act,
) -> Result<Done> {
    allowed(permit)?;
    if !(0..=domain::stock::MOVEMENT_VIALS_MAX).contains(&vials) {
        return Ok(Done::Refused(MovementRefusal::Vials));
    }
    let venue = permit.venue();
    let content = format!("take {transfer} {vials} {note}");
    transact!(db, |tx| {
        let claimed = claim(&mut tx, venue, act.id, &content).await?;
        if let Some(done) = Done::unless_first(claimed) {
            return Ok(done);
        }
        let found = waiting(&mut tx, transfer).await?;
        let Some(found) = found.filter(|one| one.to_venue == venue.0.as_bytes()) else {
            return Ok(Done::NotFound);
        };
        if let Some(taken) = found.taken {
            return Ok(Done::BooksChanged(taken));
        }
        let shelf = Shelf::parse(&found.shelf).ok_or_else(|| bad("shelf"))?;
        let goods = Goods {
            product: found.product,
            lot: found.lot,
        };
        if vials > 0 {
            let movement = come(venue, goods, shelf, vials)?;
            let began = moment(found.began_micros);
            let mut entry = entry_of(permit, movement, (act, 0), began, note);
            // The clock began elsewhere; they came today.
            entry.on_day = act.at.day_in_japan();
            book(&mut tx, vec![entry]).await?;
        }
        tx.query(sql!(
            "UPDATE stock_transfer SET taken = $2, taken_note = $3, taken_at = $4
             WHERE id = $1 AND taken IS NULL"
        ))
        .bind(transfer.as_bytes().to_vec())
        .bind(vials)
        .bind(note.to_owned())
        .bind(act.at.micros())
        .expect(1)
        .await?;
        Done::Now
    })
}

/// The venue that gave the vials puts its word right: so many went. What the other one did not get
/// comes back to the shelf it was taken from, to be given, thrown away or written off there.
///
/// # Errors
/// The database's.
pub async fn put_right(
    db: &Db,
    permit: &VenuePermit,
    (transfer, vials): (Uuid, i64),
    note: &str,
    act: Act,
) -> Result<Done> {
    allowed(permit)?;
    if !(0..=domain::stock::MOVEMENT_VIALS_MAX).contains(&vials) {
        return Ok(Done::Refused(MovementRefusal::Vials));
    }
    let venue = permit.venue();
    let content = format!("put right {transfer} {vials} {note}");
    transact!(db, |tx| {
        let claimed = claim(&mut tx, venue, act.id, &content).await?;
        if let Some(done) = Done::unless_first(claimed) {
            return Ok(done);
        }
        let found = waiting(&mut tx, transfer).await?;
        let Some(found) = found.filter(|one| one.from_venue == venue.0.as_bytes()) else {
            return Ok(Done::NotFound);
        };
        if found.sent.is_some() && found.sent == found.taken {
            return Ok(Done::BooksChanged(found.sent.unwrap_or_default()));
        }
        let shelf = Shelf::parse(&found.shelf).ok_or_else(|| bad("shelf"))?;
        let goods = Goods {
            product: found.product,
            lot: found.lot,
        };
        let other = organisation(&found.to_venue, "stock_transfer", "to_venue")?;
        let more = vials - found.sent.unwrap_or_default();
        if more != 0 {
            let movement = gone((venue, other), goods, shelf, more)?;
            let entry = entry_of(permit, movement, (act, 0), None, note);
            book(&mut tx, vec![entry]).await?;
        }
        tx.query(sql!(
            "UPDATE stock_transfer SET sent = $2, sent_note = $3 WHERE id = $1"
        ))
        .bind(transfer.as_bytes().to_vec())
        .bind(vials)
        .bind(note.to_owned())
        .expect(1)
        .await?;
        Done::Now
    })
}
