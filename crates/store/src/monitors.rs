//! The monitors of the supply (需給の見える化), read from the sums that the books keep (`stock/sums.rs`): some thousand
//! rows for the nation, whatever was moved.
//!
//! Everything is asked by a permit for a place, and the SQL takes the place from it alone.

use std::collections::BTreeMap;

use domain::access::{Action, OrganisationId, Permit, Place};
use domain::calendar::{Day, Instant};
use domain::lots::last_day;
use domain::monitors::{Age, BEFORE_LONG_DAYS, Ending, Sums, USE_DAYS};
use domain::places::{MunicipalityCode, Prefecture};
use domain::stock::Kind;

use crate::accounts::uuid;
use crate::db::{Db, Table, Tx, sql};
use crate::error::{Error, Result};
use crate::stock::{SumsRow, account_in, day_in, organisation, wrong_permit};

/// Venues, and lots of a venue, on one page.
pub const PAGE_ROWS: i64 = 50;
/// Lots of a product that lie somewhere, at most: the whole programme had some hundreds.
const LOTS_MAX: i64 = 2_000;
/// Comes after every code.
const AFTER_ALL: &str = "~";

/// Which product, seen when.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The product's key.
    pub product: &'a str,
    /// Now.
    pub now: Instant,
}

impl Asked<'_> {
    fn today(&self) -> Day {
        self.now.day_in_japan()
    }

    /// The first of the days whose doses tell the pace; the last is yesterday.
    fn first_day(&self) -> Day {
        self.today().plus_days(-USE_DAYS)
    }
}

/// What a place has, and how it does with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Supply {
    /// Vials.
    pub sums: Sums,
    /// Doses given within the last [`USE_DAYS`] days before today.
    pub given: i64,
    /// Vials on hand by when they end.
    pub ending: Ending,
    /// Venues with vials on hand that told nothing of them for long (古い報告).
    pub silent: i64,
}

impl Supply {
    fn add(&mut self, other: &Self) {
        self.sums += other.sums;
        self.given += other.given;
        self.ending += other.ending;
        self.silent += other.silent;
    }

    /// All together.
    #[must_use]
    pub fn total<'s>(all: impl Iterator<Item = &'s Self>) -> Self {
        let mut total = Self::default();
        all.for_each(|one| total.add(one));
        total
    }
}

/// A place in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceSupply {
    /// Which; none for venues of which nobody knows where they stand.
    pub place: Option<Place>,
    /// What it has.
    pub supply: Supply,
}

/// A venue of a city.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueSupply {
    /// Its id.
    pub id: OrganisationId,
    /// Its name.
    pub name: String,
    /// Its ten digits; empty if it has none.
    pub code: String,
    /// What it has.
    pub supply: Supply,
    /// When it last told something of the product.
    pub told: Option<Instant>,
}

/// A lot at a venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotSupply {
    /// The lot.
    pub lot: String,
    /// The last day on which it may be given, if anybody told it.
    pub last_day: Option<Day>,
    /// Vials.
    pub sums: Sums,
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "supply_at_city",
        column,
    }
}

/// The codes of the cities of a place: from this one on, and before the other.
pub(crate) fn cities_of(permit: &Permit) -> Result<(String, String)> {
    if permit.action() != Action::SeeSupply {
        return Err(wrong_permit());
    }
    let first = match *permit.place() {
        Place::Nation => String::new(),
        Place::Prefecture(prefecture) => prefecture.to_string(),
        Place::City(city) => city.to_string(),
        Place::Venue { .. } | Place::Company(_) => return Err(wrong_permit()),
    };
    let end = format!("{first}{AFTER_ALL}");
    Ok((first, end))
}

/// The products of which anything ever moved.
///
/// # Errors
/// The database's.
pub async fn products(db: &Db) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = db
        .query(sql!(
            "WITH RECURSIVE p (product) AS (
                 SELECT MIN(product) FROM supply_at_city
                 UNION ALL
                 SELECT (SELECT MIN(s.product) FROM supply_at_city AS s WHERE s.product > p.product)
                 FROM p WHERE p.product IS NOT NULL)
             SELECT product FROM p WHERE product IS NOT NULL ORDER BY product"
        ))
        .all()
        .await?;
    Ok(rows.into_iter().map(|(product,)| product).collect())
}

#[derive(sqlx_macros::FromRow)]
struct PlaceRow {
    place: String,
    #[sqlx(flatten)]
    sums: SumsRow,
}

/// What lies in a place, part by part: the prefectures of the nation, the cities of a prefecture, or a city
/// as a whole. In the order of the codes.
///
/// # Errors
/// The database's.
pub async fn overview(db: &Db, permit: &Permit, asked: Asked<'_>) -> Result<Vec<PlaceSupply>> {
    let (first, end) = cities_of(permit)?;
    let letters: i64 = match permit.place() {
        Place::Nation => 2,
        _ => 6,
    };
    let mut tx = db.begin_reading().await?;
    let rows: Vec<PlaceRow> = tx
        .query(sql!(
            "SELECT SUBSTR(municipality, 1, CAST(CAST($4 AS BIGINT) AS INTEGER)) AS place,
                    CAST(SUM(shipped) AS BIGINT) AS shipped, CAST(SUM(received) AS BIGINT) AS received,
                    CAST(SUM(taken) AS BIGINT) AS taken, CAST(SUM(sent) AS BIGINT) AS sent,
                    CAST(SUM(in_transfer) AS BIGINT) AS in_transfer, CAST(SUM(on_hand) AS BIGINT) AS on_hand,
                    CAST(SUM(opened) AS BIGINT) AS opened, CAST(SUM(used) AS BIGINT) AS used,
                    CAST(SUM(wasted_unused) AS BIGINT) AS wasted_unused,
                    CAST(SUM(wasted_expired) AS BIGINT) AS wasted_expired,
                    CAST(SUM(wasted_temperature) AS BIGINT) AS wasted_temperature,
                    CAST(SUM(wasted_opened_none) AS BIGINT) AS wasted_opened_none,
                    CAST(SUM(lost) AS BIGINT) AS lost, CAST(SUM(difference) AS BIGINT) AS difference
             FROM supply_at_city WHERE product = $1 AND municipality >= $2 AND municipality < $3
             GROUP BY 1"
        ))
        .bind(asked.product.to_owned())
        .bind(first)
        .bind(end)
        .bind(letters)
        .all()
        .await?;
    let mut parts: BTreeMap<String, Supply> = BTreeMap::new();
    for row in rows {
        parts.entry(row.place).or_default().sums = row.sums.into();
    }
    add_given(&mut tx, asked, &mut parts).await?;
    add_endings(&mut tx, permit, asked, letters, &mut parts).await?;
    add_silent(&mut tx, permit, asked, letters, &mut parts).await?;
    parts
        .into_iter()
        .map(|(code, supply)| {
            let place = place_of(&code)?;
            Ok(PlaceSupply { place, supply })
        })
        .collect()
}

fn place_of(code: &str) -> Result<Option<Place>> {
    if code.is_empty() {
        return Ok(None);
    }
    let place = match Prefecture::parse(code) {
        Some(prefecture) => Place::Prefecture(prefecture),
        None => Place::City(MunicipalityCode::parse(code).map_err(|_| bad("municipality"))?),
    };
    Ok(Some(place))
}

/// Doses of the last days, of the places that are there.
async fn add_given(
    tx: &mut Tx,
    asked: Asked<'_>,
    parts: &mut BTreeMap<String, Supply>,
) -> Result<()> {
    let table = Table::default()
        .text(parts.keys())
        .text(parts.keys().map(|_| asked.product))
        .text(parts.keys().map(|_| asked.first_day().to_string()))
        .text(parts.keys().map(|_| asked.today().to_string()));
    let rows: Vec<(String, i64)> = tx
        .many(
            sql!(
                "WITH k (place, product, first, today) AS ({rows: text, text, text, text})
                 SELECT g.place, CAST(SUM(g.doses) AS BIGINT) FROM k CROSS JOIN dose_given AS g
                 WHERE g.product = k.product AND g.place = k.place AND g.day >= k.first AND g.day < k.today
                 GROUP BY g.place"
            ),
            table,
        )
        .all()
        .await?;
    for (place, doses) in rows {
        if let Some(part) = parts.get_mut(&place) {
            part.given += doses;
        }
    }
    Ok(())
}

/// The last days of the lots that lie somewhere.
type LastDays = BTreeMap<String, Option<Day>>;

async fn last_days(tx: &mut Tx, asked: Asked<'_>) -> Result<LastDays> {
    let lots: Vec<(String,)> = tx
        .query(sql!(
            "WITH RECURSIVE l (lot) AS (
                 SELECT MIN(lot) FROM supply_of_lot WHERE product = $1 AND on_hand <> 0
                 UNION ALL
                 SELECT (SELECT MIN(s.lot) FROM supply_of_lot AS s
                         WHERE s.product = $1 AND s.on_hand <> 0 AND s.lot > l.lot)
                 FROM l WHERE l.lot IS NOT NULL)
             SELECT lot FROM l WHERE lot IS NOT NULL LIMIT $2"
        ))
        .bind(asked.product.to_owned())
        .bind(LOTS_MAX)
        .all()
        .await?;
    days_of(tx, asked, lots.into_iter().map(|(lot,)| lot).collect()).await
}

/// The last days of lots: by the register and its extensions, and else as the first supplier told it.
async fn days_of(tx: &mut Tx, asked: Asked<'_>, lots: Vec<String>) -> Result<LastDays> {
    let table = Table::default()
        .text(&lots)
        .text(lots.iter().map(|_| asked.product));
    let rows: Vec<(String, Option<String>, Option<String>)> = tx
        .many(
            sql!(
                "WITH k (lot, product) AS ({rows: text, text})
                 SELECT k.lot,
                        (SELECT v.expires FROM vaccine_lot AS v WHERE v.product = k.product AND v.lot = k.lot
                         ORDER BY v.revision DESC LIMIT 1),
                        (SELECT MIN(d.expires) FROM delivery AS d
                         WHERE d.product = k.product AND d.lot = k.lot AND d.expires <> '')
                 FROM k"
            ),
            table,
        )
        .all()
        .await?;
    let mut days = LastDays::new();
    for (lot, registered, told) in rows {
        let printed = registered.or(told);
        let printed = printed
            .map(|day| day_in(&day, "vaccine_lot", "expires"))
            .transpose()?;
        let last = last_day(asked.product, &lot, printed, asked.today());
        days.insert(lot, last);
    }
    Ok(days)
}

async fn add_endings(
    tx: &mut Tx,
    permit: &Permit,
    asked: Asked<'_>,
    letters: i64,
    parts: &mut BTreeMap<String, Supply>,
) -> Result<()> {
    let (first, end) = cities_of(permit)?;
    let mut days = last_days(tx, asked).await?;
    // Most lots end later, and their rows need not be read.
    let before = asked.today().plus_days(BEFORE_LONG_DAYS);
    days.retain(|_, last| last.is_none_or(|last| last < before));
    let table = Table::default()
        .text(days.keys())
        .text(days.keys().map(|_| asked.product))
        .text(days.keys().map(|_| first.as_str()))
        .text(days.keys().map(|_| end.as_str()))
        .whole(days.keys().map(|_| letters));
    let rows: Vec<(String, String, i64)> = tx
        .many(
            sql!(
                "WITH k (lot, product, first, past, letters) AS ({rows: text, text, text, text, bigint})
                 SELECT s.lot, SUBSTR(s.municipality, 1, CAST(k.letters AS INTEGER)),
                        CAST(SUM(s.on_hand) AS BIGINT)
                 FROM k CROSS JOIN supply_of_lot AS s
                 WHERE s.product = k.product AND s.lot = k.lot AND s.municipality >= k.first
                   AND s.municipality < k.past AND s.on_hand <> 0
                 GROUP BY 1, 2"
            ),
            table,
        )
        .all()
        .await?;
    for (lot, place, vials) in rows {
        let last = days.get(&lot).copied().flatten();
        parts.entry(place).or_default().ending += Ending::of(vials, last, asked.today());
    }
    Ok(())
}

async fn add_silent(
    tx: &mut Tx,
    permit: &Permit,
    asked: Asked<'_>,
    letters: i64,
    parts: &mut BTreeMap<String, Supply>,
) -> Result<()> {
    let (first, end) = cities_of(permit)?;
    let rows: Vec<(String, i64)> = tx
        .query(sql!(
            "SELECT SUBSTR(municipality, 1, CAST(CAST($5 AS BIGINT) AS INTEGER)), COUNT(*) FROM supply_at_venue
             WHERE product = $1 AND on_hand <> 0 AND told_micros < $2 AND municipality >= $3 AND municipality < $4
             GROUP BY 1"
        ))
        .bind(asked.product.to_owned())
        .bind(Age::stale_before(asked.now).micros())
        .bind(first)
        .bind(end)
        .bind(letters)
        .all()
        .await?;
    for (place, venues) in rows {
        parts.entry(place).or_default().silent += venues;
    }
    Ok(())
}

#[derive(sqlx_macros::FromRow)]
struct VenueRow {
    id: Vec<u8>,
    name: String,
    code: String,
    told_micros: i64,
    #[sqlx(flatten)]
    sums: SumsRow,
}

/// The venues of a city that ever had the product, by code, [`PAGE_ROWS`] of them after one.
///
/// # Errors
/// The database's.
pub async fn venues(
    db: &Db,
    permit: &Permit,
    asked: Asked<'_>,
    after: Option<(String, OrganisationId)>,
) -> Result<Vec<VenueSupply>> {
    let Place::City(city) = *permit.place() else {
        return Err(wrong_permit());
    };
    cities_of(permit)?;
    let (code, id) = after.map_or((String::new(), Vec::new()), |(code, id)| {
        (code, id.0.as_bytes().to_vec())
    });
    let mut tx = db.begin_reading().await?;
    let rows: Vec<VenueRow> = tx
        .query(sql!(
            "SELECT * FROM (
                 SELECT o.id, o.name, COALESCE(o.facility_code, '') AS code, s.told_micros, s.shipped, s.received,
                        s.taken, s.sent, s.in_transfer, s.on_hand, s.opened, s.used, s.wasted_unused,
                        s.wasted_expired, s.wasted_temperature, s.wasted_opened_none, s.lost, s.difference
                 FROM supply_at_venue AS s JOIN organisation AS o ON o.id = s.venue
                 WHERE s.product = $1 AND s.municipality = $2) AS v
             WHERE v.code > $3 OR (v.code = $3 AND v.id > $4)
             ORDER BY v.code, v.id LIMIT $5"
        ))
        .bind(asked.product.to_owned())
        .bind(city.to_string())
        .bind(code)
        .bind(id)
        .bind(PAGE_ROWS)
        .all()
        .await?;
    let mut venues = rows
        .into_iter()
        .map(|row| {
            let told = (row.told_micros > 0).then(|| Instant::from_micros(row.told_micros));
            let is_stale = row.told_micros < Age::stale_before(asked.now).micros();
            let sums: Sums = row.sums.into();
            Ok(VenueSupply {
                id: OrganisationId(uuid(&row.id, "organisation", "id")?),
                name: row.name,
                code: row.code,
                told,
                supply: Supply {
                    silent: i64::from(is_stale && sums.on_hand != 0),
                    sums,
                    ..Supply::default()
                },
            })
        })
        .collect::<Result<Vec<_>>>()?;
    add_to_venues(&mut tx, asked, &mut venues).await?;
    Ok(venues)
}

/// Doses of the last days, and what ends when, of venues.
async fn add_to_venues(tx: &mut Tx, asked: Asked<'_>, venues: &mut [VenueSupply]) -> Result<()> {
    let mut parts: BTreeMap<OrganisationId, &mut Supply> = venues
        .iter_mut()
        .map(|one| (one.id, &mut one.supply))
        .collect();
    let table = Table::default()
        .bytes(parts.keys().map(|id| id.0.as_bytes().to_vec()))
        .text(parts.keys().map(|_| asked.product))
        .text(parts.keys().map(|_| asked.first_day().to_string()))
        .text(parts.keys().map(|_| asked.today().to_string()));
    let given: Vec<(Vec<u8>, i64)> = tx
        .many(
            sql!(
                "WITH k (venue, product, first, today) AS ({rows: bytea, text, text, text})
                 SELECT u.venue, CAST(SUM(u.doses_primary + u.doses_booster) AS BIGINT)
                 FROM k CROSS JOIN stock_use AS u
                 WHERE u.venue = k.venue AND u.day >= k.first AND u.day < k.today AND u.product = k.product
                 GROUP BY u.venue"
            ),
            table,
        )
        .all()
        .await?;
    for (venue, doses) in given {
        let venue = organisation(&venue, "stock_use", "venue")?;
        if let Some(part) = parts.get_mut(&venue) {
            part.given += doses;
        }
    }
    let table = Table::default()
        .bytes(parts.keys().map(|id| id.0.as_bytes().to_vec()))
        .text(parts.keys().map(|_| asked.product));
    let here: Vec<(Vec<u8>, String, i64)> = tx
        .many(
            sql!(
                "WITH k (holder, product) AS ({rows: bytea, text})
                 SELECT b.holder, b.lot, b.vials FROM k CROSS JOIN stock_balance AS b
                 WHERE b.holder = k.holder AND b.product = k.product AND b.account IN ('frozen', 'thawed')
                   AND b.vials <> 0"
            ),
            table,
        )
        .all()
        .await?;
    let mut lots: Vec<String> = here.iter().map(|(_, lot, _)| lot.clone()).collect();
    lots.sort();
    lots.dedup();
    let days = days_of(tx, asked, lots).await?;
    for (venue, lot, vials) in here {
        let venue = organisation(&venue, "stock_balance", "holder")?;
        let last = days.get(&lot).copied().flatten();
        if let Some(part) = parts.get_mut(&venue) {
            part.ending += Ending::of(vials, last, asked.today());
        }
    }
    Ok(())
}

/// Who a venue is, for whoever may see its supply: its name, and the city it stands in.
///
/// # Errors
/// The database's.
pub async fn venue(db: &Db, id: OrganisationId) -> Result<Option<(String, MunicipalityCode)>> {
    let row: Option<(String, Option<String>)> = db
        .query(sql!(
            "SELECT name, municipality FROM organisation WHERE id = $1 AND kind = 'venue'"
        ))
        .bind(id.0.as_bytes().to_vec())
        .optional()
        .await?;
    let Some((name, Some(city))) = row else {
        return Ok(None);
    };
    let city = MunicipalityCode::parse(&city).map_err(|_| Error::Inconsistent {
        table: "organisation",
        column: "municipality",
    })?;
    Ok(Some((name, city)))
}

/// A venue as a whole; none if it never had the product.
///
/// # Errors
/// The database's.
pub async fn of_venue(db: &Db, permit: &Permit, asked: Asked<'_>) -> Result<Option<VenueSupply>> {
    let venue = venue_of(permit)?;
    let mut tx = db.begin_reading().await?;
    let row: Option<VenueRow> = tx
        .query(sql!(
            "SELECT o.id, o.name, COALESCE(o.facility_code, '') AS code, s.told_micros, s.shipped, s.received,
                    s.taken, s.sent, s.in_transfer, s.on_hand, s.opened, s.used, s.wasted_unused,
                    s.wasted_expired, s.wasted_temperature, s.wasted_opened_none, s.lost, s.difference
             FROM supply_at_venue AS s JOIN organisation AS o ON o.id = s.venue
             WHERE s.venue = $1 AND s.product = $2"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(asked.product.to_owned())
        .optional()
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let mut found = [VenueSupply {
        id: venue,
        name: row.name,
        code: row.code,
        told: (row.told_micros > 0).then(|| Instant::from_micros(row.told_micros)),
        supply: Supply {
            sums: row.sums.into(),
            ..Supply::default()
        },
    }];
    add_to_venues(&mut tx, asked, &mut found).await?;
    let [found] = found;
    Ok(Some(found))
}

/// A venue's ten digits today; empty if it has none.
///
/// # Errors
/// The database's.
pub async fn code_of(db: &Db, id: OrganisationId) -> Result<String> {
    let row: Option<(Option<String>,)> = db
        .query(sql!("SELECT facility_code FROM organisation WHERE id = $1"))
        .bind(id.0.as_bytes().to_vec())
        .optional()
        .await?;
    Ok(row.and_then(|(code,)| code).unwrap_or_default())
}

pub(crate) fn venue_of(permit: &Permit) -> Result<OrganisationId> {
    match *permit.place() {
        Place::Venue { id, .. } if permit.action() == Action::SeeSupply => Ok(id),
        _ => Err(wrong_permit()),
    }
}

type MovedRow = (String, String, String, i64);

/// The lots that a venue ever had of the product, [`PAGE_ROWS`] of them after one.
///
/// # Errors
/// The database's.
pub async fn lots(
    db: &Db,
    permit: &Permit,
    asked: Asked<'_>,
    after: &str,
) -> Result<Vec<LotSupply>> {
    let venue = venue_of(permit)?.0.as_bytes().to_vec();
    let mut tx = db.begin_reading().await?;
    let lots: Vec<(String,)> = tx
        .query(sql!(
            "SELECT DISTINCT lot FROM stock_balance
             WHERE holder = $1 AND product = $2 AND lot > $3 ORDER BY lot LIMIT $4"
        ))
        .bind(venue.clone())
        .bind(asked.product.to_owned())
        .bind(after.to_owned())
        .bind(PAGE_ROWS)
        .all()
        .await?;
    let lots: Vec<String> = lots.into_iter().map(|(lot,)| lot).collect();
    let table = Table::default()
        .bytes(lots.iter().map(|_| venue.clone()))
        .text(lots.iter().map(|_| asked.product))
        .text(&lots);
    // A venue has moved each lot some tens of times.
    let moved: Vec<MovedRow> = tx
        .many(
            sql!(
                "WITH k (holder, product, lot) AS ({rows: bytea, text, text})
                 SELECT m.lot, m.kind, m.to_account, CAST(SUM(m.vials) AS BIGINT)
                 FROM k CROSS JOIN stock_movement AS m
                 WHERE m.to_holder = k.holder AND m.product = k.product AND m.lot = k.lot
                 GROUP BY m.lot, m.kind, m.to_account
                 UNION ALL
                 SELECT m.lot, m.kind, m.from_account, CAST(-SUM(m.vials) AS BIGINT)
                 FROM k CROSS JOIN stock_movement AS m
                 WHERE m.from_holder = k.holder AND m.product = k.product AND m.lot = k.lot
                 GROUP BY m.lot, m.kind, m.from_account"
            ),
            table,
        )
        .all()
        .await?;
    let mut sums: BTreeMap<String, Sums> = BTreeMap::new();
    for (lot, kind, account, vials) in moved {
        *sums.entry(lot).or_default() += moved_sums(&kind, &account, vials)?;
    }
    let days = days_of(&mut tx, asked, lots).await?;
    Ok(days
        .into_iter()
        .map(|(lot, last_day)| LotSupply {
            sums: sums.get(&lot).copied().unwrap_or_default(),
            last_day,
            lot,
        })
        .collect())
}

/// What movements of a kind mean to the holder of an account, as the columns of the table say it.
pub(crate) fn moved_sums(kind: &str, account: &str, vials: i64) -> Result<Sums> {
    let kind = Kind::parse(kind).ok_or(Error::Inconsistent {
        table: "stock_movement",
        column: "kind",
    })?;
    Ok(Sums::of(kind, account_in(account)?, vials))
}
