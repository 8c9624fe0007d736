//! Transfers as their papers tell them (様式7-1 to 7-4): with both venues, and where a giver had such vials
//! from.

use std::collections::BTreeMap;

use domain::access::{OrganisationId, VenuePermit};
use domain::calendar::{Day, Instant};
use domain::lots::last_day;
use domain::stock::{Goods, Shelf};
use uuid::Uuid;

use super::{bad, moment};
use crate::db::{Db, Tx, sql};
use crate::error::Result;
use crate::lots;
use crate::stock::{may_see, organisation};

/// Transfers in one book at most, the newest.
pub const GIVEN_MAX: i64 = 2_000;

/// A venue on a paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Its name.
    pub name: String,
    /// Its ten digits; empty if it has none.
    pub code: String,
}

/// Vials that came to a giver from another venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Came {
    /// From whom.
    pub from: Party,
    /// When that was told first.
    pub at: Instant,
    /// How many it has of them.
    pub vials: i64,
}

/// A transfer with both of its venues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Its id.
    pub id: Uuid,
    /// Who gave.
    pub from: Party,
    /// Who got.
    pub to: Party,
    /// Of which vaccine.
    pub goods: Goods,
    /// The lot's last day, if the register knows the lot.
    pub last_day: Option<Day>,
    /// On which shelf they stood.
    pub shelf: Shelf,
    /// When they left the freezer, if it is known.
    pub began: Option<Instant>,
    /// Vials by the giver.
    pub sent: Option<i64>,
    /// Vials by the receiver.
    pub taken: Option<i64>,
    /// In the giver's words.
    pub note: String,
    /// Since when.
    pub at: Instant,
    /// Where the giver had such vials from before: then they are given on a second time (再融通).
    pub came: Vec<Came>,
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
    at_micros: i64,
    from_name: Option<String>,
    from_code: Option<String>,
    to_name: Option<String>,
    to_code: Option<String>,
}

fn party(name: Option<String>, code: Option<String>) -> Party {
    Party {
        name: name.unwrap_or_default(),
        code: code.unwrap_or_default(),
    }
}

/// All that the venue gave to others, in the order of time.
///
/// # Errors
/// The database's.
pub async fn given(db: &Db, permit: &VenuePermit, today: Day) -> Result<Vec<Given>> {
    may_see(permit)?;
    let mut tx = db.begin_reading().await?;
    let mut rows: Vec<Row> = tx
        .query(sql!(
            "SELECT t.id, t.from_venue, t.product, t.lot, t.shelf, t.began_micros, t.sent, t.taken, t.sent_note,
                    t.at_micros, f.name AS from_name, f.facility_code AS from_code, o.name AS to_name,
                    o.facility_code AS to_code
             FROM stock_transfer AS t
             LEFT JOIN organisation AS f ON f.id = t.from_venue
             LEFT JOIN organisation AS o ON o.id = t.to_venue
             WHERE t.from_venue = $1 ORDER BY t.at_micros DESC, t.id LIMIT $2"
        ))
        .bind(permit.venue().0.as_bytes().to_vec())
        .bind(GIVEN_MAX)
        .all()
        .await?;
    rows.reverse();
    told(&mut tx, rows, today).await
}

/// A transfer that the venue gave or got.
///
/// # Errors
/// The database's.
pub async fn one(db: &Db, permit: &VenuePermit, id: Uuid, today: Day) -> Result<Option<Given>> {
    may_see(permit)?;
    let mut tx = db.begin_reading().await?;
    let rows: Vec<Row> = tx
        .query(sql!(
            "SELECT t.id, t.from_venue, t.product, t.lot, t.shelf, t.began_micros, t.sent, t.taken, t.sent_note,
                    t.at_micros, f.name AS from_name, f.facility_code AS from_code, o.name AS to_name,
                    o.facility_code AS to_code
             FROM stock_transfer AS t
             LEFT JOIN organisation AS f ON f.id = t.from_venue
             LEFT JOIN organisation AS o ON o.id = t.to_venue
             WHERE t.id = $1 AND (t.from_venue = $2 OR t.to_venue = $2)"
        ))
        .bind(id.as_bytes().to_vec())
        .bind(permit.venue().0.as_bytes().to_vec())
        .all()
        .await?;
    Ok(told(&mut tx, rows, today).await?.pop())
}

async fn told(tx: &mut Tx, rows: Vec<Row>, today: Day) -> Result<Vec<Given>> {
    let mut came: BTreeMap<(Vec<u8>, Goods), Vec<Came>> = BTreeMap::new();
    let mut ends: BTreeMap<Goods, Option<Day>> = BTreeMap::new();
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let goods = Goods {
            product: row.product,
            lot: row.lot,
        };
        let key = (row.from_venue, goods.clone());
        if !came.contains_key(&key) {
            let giver = organisation(&key.0, "stock_transfer", "from_venue")?;
            let before = came_to(tx, giver, &goods).await?;
            came.insert(key.clone(), before);
        }
        if !ends.contains_key(&goods) {
            let entered = lots::found(tx, &goods.product, &goods.lot).await?;
            let printed = entered.map(|entered| entered.lot.expires);
            let end = last_day(&goods.product, &goods.lot, printed, today);
            ends.insert(goods.clone(), end);
        }
        let at = Instant::from_micros(row.at_micros);
        let before = came.get(&key).into_iter().flatten();
        all.push(Given {
            id: Uuid::from_slice(&row.id).map_err(|_| bad("id"))?,
            from: party(row.from_name, row.from_code),
            to: party(row.to_name, row.to_code),
            last_day: ends.get(&goods).copied().flatten(),
            shelf: Shelf::parse(&row.shelf).ok_or_else(|| bad("shelf"))?,
            began: moment(row.began_micros),
            sent: row.sent,
            taken: row.taken,
            note: row.sent_note,
            at,
            came: before.filter(|came| came.at < at).cloned().collect(),
            goods,
        });
    }
    Ok(all)
}

/// Vials of a lot that a venue has from others, in the order of time.
async fn came_to(tx: &mut Tx, venue: OrganisationId, goods: &Goods) -> Result<Vec<Came>> {
    let rows: Vec<(Option<String>, Option<String>, i64, i64)> = tx
        .query(sql!(
            "SELECT f.name, f.facility_code, t.at_micros, t.taken FROM stock_transfer AS t
             LEFT JOIN organisation AS f ON f.id = t.from_venue
             WHERE t.product = $1 AND t.lot = $2 AND t.to_venue = $3 AND t.taken > 0
             ORDER BY t.at_micros, t.id LIMIT $4"
        ))
        .bind(goods.product.clone())
        .bind(goods.lot.clone())
        .bind(venue.0.as_bytes().to_vec())
        .bind(GIVEN_MAX)
        .all()
        .await?;
    let came = rows.into_iter().map(|(name, code, at, vials)| Came {
        from: party(name, code),
        at: Instant::from_micros(at),
        vials,
    });
    Ok(came.collect())
}
