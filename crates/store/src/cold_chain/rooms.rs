//! Where vials can be rescued to: venues nearby with room in a cooler of the same kind.
//!
//! Nobody tells where a venue stands but in which city. So *near* is: a supplier of this venue or one it supplies, then
//! the same city, then the same prefecture.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::{OrganisationId, VenuePermit};
use domain::calendar::Day;
use domain::cold_chain::CoolerKind;
use domain::cycles;
use domain::stock::Account;
use domain::venues::record::{Source, Standing, Told};

use crate::db::{Db, Table, Tx, sql};
use crate::error::Result;
use crate::stock::{account_in, may_see, organisation};
use crate::venues::told_in;

/// Venues told at most: more calls nobody makes while vials get warm.
pub const ROOMS_MAX: usize = 20;
/// Venues that are looked at, the nearest first.
const LOOKED_AT_MAX: i64 = 500;

/// How near a venue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Near {
    /// It supplies this venue, or is supplied by it: the way is known.
    Supply,
    /// In the same city.
    City,
    /// In the same prefecture.
    Prefecture,
}

impl Near {
    /// The word in texts and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Supply => "supply",
            Self::City => "city",
            Self::Prefecture => "prefecture",
        }
    }
}

/// A venue with room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Its name.
    pub name: String,
    /// Its code.
    pub facility: String,
    /// Its city.
    pub municipality: String,
    /// Its address; may be empty.
    pub address: String,
    /// Its telephone for authorities; may be empty.
    pub phone: String,
    /// How near it is.
    pub near: Near,
    /// Shipping units for which there is room: what the venue tells of its coolers, less all that stands on that shelf
    /// or is on the way.
    pub free_units: i64,
}

#[derive(sqlx_macros::FromRow)]
struct Row {
    id: Vec<u8>,
    name: String,
    facility: String,
    municipality: String,
    is_same_city: i64,
    storage: Option<String>,
    standing: Option<String>,
    source: Option<String>,
}

struct Candidate {
    id: OrganisationId,
    units: i64,
    room: Room,
}

/// The nearest venues with room in a cooler of this kind, at most [`ROOMS_MAX`].
///
/// # Errors
/// The database's.
pub async fn rooms(
    db: &Db,
    permit: &VenuePermit,
    kind: CoolerKind,
    today: Day,
) -> Result<Vec<Room>> {
    may_see(permit)?;
    let own = permit.venue();
    let mut tx = db.begin_reading().await?;
    let supplier = own_supplier(&mut tx, own, today).await?;
    let rows = looked_at(&mut tx, permit, supplier, today).await?;
    let mut candidates = Vec::new();
    for row in rows {
        candidates.extend(candidate(row, (own, supplier), kind)?);
    }
    let holders: Vec<Vec<u8>> = candidates.iter().map(|one| key(one.id)).collect();
    let taken = units_taken(&mut tx, holders.iter(), &[kind]).await?;
    let warm = warm(&mut tx, &holders, kind).await?;
    let mut rooms: Vec<Room> = candidates
        .into_iter()
        .filter(|one| !warm.contains(&one.id))
        .map(|one| Room {
            free_units: one.units - taken.get(&key(one.id)).copied().unwrap_or_default(),
            ..one.room
        })
        .filter(|room| room.free_units > 0)
        .collect();
    rooms.sort_by(|a, b| (a.near, &a.facility).cmp(&(b.near, &b.facility)));
    rooms.truncate(ROOMS_MAX);
    Ok(rooms)
}

fn key(venue: OrganisationId) -> Vec<u8> {
    venue.0.as_bytes().to_vec()
}

async fn own_supplier(
    tx: &mut Tx,
    own: OrganisationId,
    today: Day,
) -> Result<Option<OrganisationId>> {
    let row: Option<(String,)> = tx
        .query(sql!(
            "SELECT told FROM venue_section WHERE venue = $1 AND section = 'source' AND valid_from <= $2
             ORDER BY valid_from DESC, revision DESC LIMIT 1"
        ))
        .bind(own.0.as_bytes().to_vec())
        .bind(today.to_string())
        .optional()
        .await?;
    match row.map(|(told,)| told_in(&told)).transpose()? {
        Some(Told::Source(Source { supplier })) => Ok(supplier),
        _ => Ok(None),
    }
}

/// The venues of the prefecture that told of their coolers, the nearest first.
async fn looked_at(
    tx: &mut Tx,
    permit: &VenuePermit,
    supplier: Option<OrganisationId>,
    today: Day,
) -> Result<Vec<Row>> {
    tx.query(sql!(
        "SELECT v.id, v.name, v.facility, v.municipality, v.is_same_city,
                (SELECT s.told FROM venue_section AS s
                 WHERE s.venue = v.id AND s.section = 'storage' AND s.valid_from <= $3
                 ORDER BY s.valid_from DESC, s.revision DESC LIMIT 1) AS storage,
                (SELECT s.told FROM venue_section AS s
                 WHERE s.venue = v.id AND s.section = 'standing' AND s.valid_from <= $3
                 ORDER BY s.valid_from DESC, s.revision DESC LIMIT 1) AS standing,
                (SELECT s.told FROM venue_section AS s
                 WHERE s.venue = v.id AND s.section = 'source' AND s.valid_from <= $3
                 ORDER BY s.valid_from DESC, s.revision DESC LIMIT 1) AS source
         FROM (SELECT o.id, o.name, o.facility_code AS facility, COALESCE(o.municipality, '') AS municipality,
                      CAST(CASE WHEN o.municipality = $2 THEN 1 ELSE 0 END AS BIGINT) AS is_same_city,
                      CASE WHEN o.id = $4 THEN 0 ELSE 1 END AS far
               FROM organisation AS o
               WHERE o.kind = 'venue' AND o.active = 1 AND o.facility_code IS NOT NULL AND o.id <> $1
                 AND o.prefecture = (SELECT own.prefecture FROM organisation AS own WHERE own.id = $1)) AS v
         ORDER BY v.far, v.is_same_city DESC, v.facility LIMIT $5"
    ))
    .bind(permit.venue().0.as_bytes().to_vec())
    .bind(permit.city().as_str().to_owned())
    .bind(today.to_string())
    .bind(supplier.map_or_else(Vec::new, |one| one.0.as_bytes().to_vec()))
    .bind(LOOKED_AT_MAX)
    .all()
    .await
}

/// A venue that has coolers of this kind.
fn candidate(
    row: Row,
    (own, supplier): (OrganisationId, Option<OrganisationId>),
    kind: CoolerKind,
) -> Result<Option<Candidate>> {
    let told = |text: Option<String>| text.as_deref().map(told_in).transpose();
    let Some(Told::Storage(storage)) = told(row.storage)? else {
        return Ok(None);
    };
    let id = organisation(&row.id, "organisation", "id")?;
    let (address, phone) = match told(row.standing)? {
        Some(Told::Standing(Standing { address, phone, .. })) => (address, phone),
        _ => (String::new(), String::new()),
    };
    let is_supplied =
        matches!(told(row.source)?, Some(Told::Source(source)) if source.supplier == Some(own));
    let near = if is_supplied || supplier == Some(id) {
        Near::Supply
    } else if row.is_same_city == 1 {
        Near::City
    } else {
        Near::Prefecture
    };
    let units = storage.units(kind);
    let candidate = Candidate {
        id,
        units,
        room: Room {
            name: row.name,
            facility: row.facility,
            municipality: row.municipality,
            address,
            phone,
            near,
            free_units: units,
        },
    };
    Ok((units > 0).then_some(candidate))
}

/// The shipping units that stand in coolers of these kinds already or are on the way, of every product, each begun one
/// whole. The books do not tell two kinds of freezers apart: all that is frozen counts against either.
pub(crate) async fn units_taken<'h>(
    tx: &mut Tx,
    holders: impl Iterator<Item = &'h Vec<u8>>,
    kinds: &[CoolerKind],
) -> Result<BTreeMap<Vec<u8>, i64>> {
    let rows: Vec<(Vec<u8>, String, String, i64)> = tx
        .many(
            sql!(
                "WITH k (holder) AS ({rows: bytea})
                 SELECT b.holder, b.product, b.account, CAST(SUM(b.vials) AS BIGINT)
                 FROM k CROSS JOIN stock_balance AS b
                 WHERE b.holder = k.holder AND b.vials > 0
                   AND b.account IN ('frozen', 'thawed', 'delivery', 'transfer')
                 GROUP BY b.holder, b.product, b.account"
            ),
            Table::default().bytes(holders.cloned()),
        )
        .all()
        .await?;
    let mut vials: BTreeMap<(Vec<u8>, String), i64> = BTreeMap::new();
    for (holder, product, account, count) in rows {
        let counts = match account_in(&account)? {
            Account::Shelf(shelf) => kinds.iter().any(|kind| kind.shelf() == shelf),
            _ => true,
        };
        if counts {
            *vials.entry((holder, product)).or_default() += count;
        }
    }
    let mut taken: BTreeMap<Vec<u8>, i64> = BTreeMap::new();
    for ((holder, product), vials) in vials {
        *taken.entry(holder).or_default() += cycles::units_taken(&product, vials);
    }
    Ok(taken)
}

/// Who has a cooler of that kind that is too warm or too cold itself.
async fn warm(
    tx: &mut Tx,
    holders: &[Vec<u8>],
    kind: CoolerKind,
) -> Result<BTreeSet<OrganisationId>> {
    let rows: Vec<(Vec<u8>, String)> = tx
        .many(
            sql!(
                "WITH k (venue) AS ({rows: bytea})
                 SELECT DISTINCT e.venue, e.kind FROM k CROSS JOIN excursion AS e
                 WHERE e.venue = k.venue AND e.state = 'open' AND e.over_minute IS NULL"
            ),
            Table::default().bytes(holders.iter().cloned()),
        )
        .all()
        .await?;
    let mut warm = BTreeSet::new();
    for (venue, _) in rows.iter().filter(|(_, word)| word == kind.as_str()) {
        warm.insert(organisation(venue, "excursion", "venue")?);
    }
    Ok(warm)
}
