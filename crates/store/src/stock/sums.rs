//! The sums of the supply (需給の見える化), in vials: of each venue, of all venues of a city, and what of them lies
//! there of each lot.
//!
//! They are written by the books (`books.rs`) in the transaction that moves vials, and by nobody else, so they
//! are never behind. A venue counts into the city it was founded in: nothing in the program moves a venue.
//! Should somebody move one in the database, `stock prove` finds it and `stock rebuild` puts its sums there.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::{OrganisationId, UserId};
use domain::calendar::{Day, Instant};
use domain::cumulative_reports::counts_on;
use domain::monitors::Sums;
use uuid::Uuid;

use super::books::{Entry, organisation};
use crate::db::{Table, Tx, sql};
use crate::error::Result;

/// The columns of sums, as both tables and every question have them.
#[derive(sqlx_macros::FromRow)]
pub(crate) struct SumsRow {
    shipped: i64,
    received: i64,
    taken: i64,
    sent: i64,
    in_transfer: i64,
    on_hand: i64,
    opened: i64,
    used: i64,
    wasted_unused: i64,
    wasted_expired: i64,
    wasted_temperature: i64,
    wasted_opened_none: i64,
    lost: i64,
    difference: i64,
}

impl From<SumsRow> for Sums {
    fn from(row: SumsRow) -> Self {
        Self {
            shipped: row.shipped,
            received: row.received,
            taken: row.taken,
            sent: row.sent,
            in_transfer: row.in_transfer,
            on_hand: row.on_hand,
            opened: row.opened,
            used: row.used,
            wasted_unused: row.wasted_unused,
            wasted_expired: row.wasted_expired,
            wasted_temperature: row.wasted_temperature,
            wasted_opened_none: row.wasted_opened_none,
            lost: row.lost,
            difference: row.difference,
        }
    }
}

/// Each figure of sums, in the order of the columns.
pub(super) const FIGURES: [fn(&Sums) -> i64; 14] = [
    |one| one.shipped,
    |one| one.received,
    |one| one.taken,
    |one| one.sent,
    |one| one.in_transfer,
    |one| one.on_hand,
    |one| one.opened,
    |one| one.used,
    |one| one.wasted_unused,
    |one| one.wasted_expired,
    |one| one.wasted_temperature,
    |one| one.wasted_opened_none,
    |one| one.lost,
    |one| one.difference,
];

/// The sums as columns of a table of rows.
fn with_sums<'s>(table: Table, sums: impl Iterator<Item = &'s Sums> + Clone) -> Table {
    FIGURES
        .into_iter()
        .fold(table, |table, of| table.whole(sums.clone().map(of)))
}

/// The cities that venues stand in. Of whom nobody knows it, the word is empty.
pub(super) type Homes = BTreeMap<OrganisationId, String>;

pub(super) async fn homes(
    tx: &mut Tx,
    venues: impl Iterator<Item = OrganisationId>,
) -> Result<Homes> {
    let mut homes: Homes = venues.map(|venue| (venue, String::new())).collect();
    let table = Table::default().bytes(homes.keys().map(|venue| venue.0.as_bytes().to_vec()));
    let rows: Vec<(Vec<u8>, String)> = tx
        .many(
            sql!(
                "WITH k (id) AS ({rows: bytea})
                 SELECT o.id, o.municipality FROM k CROSS JOIN organisation AS o
                 WHERE o.id = k.id AND o.municipality IS NOT NULL"
            ),
            table,
        )
        .all()
        .await?;
    for (id, city) in rows {
        homes.insert(organisation(&id, "organisation", "id")?, city);
    }
    Ok(homes)
}

/// What entries change in the sums.
#[derive(Default)]
struct Changes {
    /// By venue and product, and when the venue told of it, if it did.
    venues: BTreeMap<(OrganisationId, String), (Sums, i64)>,
    /// By product and city.
    cities: BTreeMap<(String, String), Sums>,
    /// By product, lot and city.
    lots: BTreeMap<(String, String, String), i64>,
    /// By the day of the cumulative reports, product and city: thrown away, on hand.
    counted: BTreeMap<(Day, String, String), (i64, i64)>,
}

impl Changes {
    fn add(&mut self, entry: &Entry, homes: &Homes) {
        let goods = entry.movement.goods();
        for (post, vials) in entry.movement.changes() {
            let sums = Sums::of(entry.movement.kind(), post.account, vials);
            if sums == Sums::default() {
                continue;
            }
            let city = homes.get(&post.holder).cloned().unwrap_or_default();
            // What follows from records was told by those.
            let is_told = entry.organisation == post.holder && entry.user != UserId(Uuid::nil());
            let told = if is_told { entry.at.micros() } else { 0 };
            let product = &goods.product;
            let venue = self.venues.entry((post.holder, product.clone()));
            let (of_venue, last) = venue.or_default();
            *of_venue += sums;
            *last = told.max(*last);
            let of_city = self.cities.entry((product.clone(), city.clone()));
            *of_city.or_default() += sums;
            if sums.on_hand != 0 {
                let lot = (product.clone(), goods.lot.clone(), city.clone());
                *self.lots.entry(lot).or_default() += sums.on_hand;
            }
            if sums.on_hand != 0 || sums.wasted() != 0 {
                let day = (counts_on(entry.at), product.clone(), city);
                let (wasted, on_hand) = self.counted.entry(day).or_default();
                *wasted += sums.wasted();
                *on_hand += sums.on_hand;
            }
        }
    }
}

/// Adds what entries mean to the sums.
pub(super) async fn add(tx: &mut Tx, entries: &[Entry]) -> Result<()> {
    let posts = entries.iter().flat_map(|one| one.movement.changes());
    let homes = homes(tx, posts.map(|(post, _)| post.holder)).await?;
    let mut changes = Changes::default();
    for entry in entries {
        changes.add(entry, &homes);
    }
    add_venues(tx, &changes.venues, &homes).await?;
    changes.cities.retain(|_, sums| *sums != Sums::default());
    changes.lots.retain(|_, vials| *vials != 0);
    changes.counted.retain(|_, vials| *vials != (0, 0));
    add_cities(tx, &changes.cities).await?;
    let lots = Table::default()
        .text(changes.lots.keys().map(|(product, ..)| product))
        .text(changes.lots.keys().map(|(_, lot, _)| lot))
        .text(changes.lots.keys().map(|(.., city)| city))
        .whole(changes.lots.values().copied());
    tx.many(
        sql!(
            "INSERT INTO supply_of_lot (product, lot, municipality, on_hand) {rows: text, text, text, bigint}
             ON CONFLICT (product, lot, municipality)
             DO UPDATE SET on_hand = supply_of_lot.on_hand + excluded.on_hand"
        ),
        lots,
    )
    .expect_each()
    .await?;
    let counted = || changes.counted.iter();
    let days = Table::default()
        .whole(counted().map(|((day, ..), _)| day.since_epoch()))
        .text(counted().map(|((_, product, _), _)| product))
        .text(counted().map(|((.., city), _)| city))
        .whole(counted().map(|(_, (wasted, _))| *wasted))
        .whole(counted().map(|(_, (_, on_hand))| *on_hand));
    tx.many(
        sql!(
            "INSERT INTO supply_counted (counted_on, product, municipality, wasted, on_hand)
             {rows: bigint, text, text, bigint, bigint}
             ON CONFLICT (counted_on, product, municipality)
             DO UPDATE SET wasted = supply_counted.wasted + excluded.wasted,
                           on_hand = supply_counted.on_hand + excluded.on_hand"
        ),
        days,
    )
    .expect_each()
    .await
}

async fn add_venues(
    tx: &mut Tx,
    venues: &BTreeMap<(OrganisationId, String), (Sums, i64)>,
    homes: &Homes,
) -> Result<()> {
    let home = |venue| homes.get(venue).map_or("", String::as_str);
    let table = Table::default()
        .bytes(venues.keys().map(|(venue, _)| venue.0.as_bytes().to_vec()))
        .text(venues.keys().map(|(_, product)| product))
        .text(venues.keys().map(|(venue, _)| home(venue)))
        .whole(venues.values().map(|(_, told)| *told));
    let table = with_sums(table, venues.values().map(|(sums, _)| sums));
    tx.many(
        sql!(
            "INSERT INTO supply_at_venue
                 (venue, product, municipality, told_micros, shipped, received, taken, sent, in_transfer, on_hand,
                  opened, used, wasted_unused, wasted_expired, wasted_temperature, wasted_opened_none, lost,
                  difference)
             {rows: bytea, text, text, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint,
                    bigint, bigint, bigint, bigint, bigint, bigint}
             ON CONFLICT (venue, product) DO UPDATE SET
                 told_micros = CASE WHEN excluded.told_micros > supply_at_venue.told_micros
                                    THEN excluded.told_micros ELSE supply_at_venue.told_micros END,
                 shipped = supply_at_venue.shipped + excluded.shipped,
                 received = supply_at_venue.received + excluded.received,
                 taken = supply_at_venue.taken + excluded.taken,
                 sent = supply_at_venue.sent + excluded.sent,
                 in_transfer = supply_at_venue.in_transfer + excluded.in_transfer,
                 on_hand = supply_at_venue.on_hand + excluded.on_hand,
                 opened = supply_at_venue.opened + excluded.opened,
                 used = supply_at_venue.used + excluded.used,
                 wasted_unused = supply_at_venue.wasted_unused + excluded.wasted_unused,
                 wasted_expired = supply_at_venue.wasted_expired + excluded.wasted_expired,
                 wasted_temperature = supply_at_venue.wasted_temperature + excluded.wasted_temperature,
                 wasted_opened_none = supply_at_venue.wasted_opened_none + excluded.wasted_opened_none,
                 lost = supply_at_venue.lost + excluded.lost,
                 difference = supply_at_venue.difference + excluded.difference"
        ),
        table,
    )
    .expect_each()
    .await
}

async fn add_cities(tx: &mut Tx, cities: &BTreeMap<(String, String), Sums>) -> Result<()> {
    let table = Table::default()
        .text(cities.keys().map(|(product, _)| product))
        .text(cities.keys().map(|(_, city)| city));
    tx.many(
        sql!(
            "INSERT INTO supply_at_city
                 (product, municipality, shipped, received, taken, sent, in_transfer, on_hand, opened, used,
                  wasted_unused, wasted_expired, wasted_temperature, wasted_opened_none, lost, difference)
             {rows: text, text, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint,
                    bigint, bigint, bigint, bigint}
             ON CONFLICT (product, municipality) DO UPDATE SET
                 shipped = supply_at_city.shipped + excluded.shipped,
                 received = supply_at_city.received + excluded.received,
                 taken = supply_at_city.taken + excluded.taken,
                 sent = supply_at_city.sent + excluded.sent,
                 in_transfer = supply_at_city.in_transfer + excluded.in_transfer,
                 on_hand = supply_at_city.on_hand + excluded.on_hand,
                 opened = supply_at_city.opened + excluded.opened,
                 used = supply_at_city.used + excluded.used,
                 wasted_unused = supply_at_city.wasted_unused + excluded.wasted_unused,
                 wasted_expired = supply_at_city.wasted_expired + excluded.wasted_expired,
                 wasted_temperature = supply_at_city.wasted_temperature + excluded.wasted_temperature,
                 wasted_opened_none = supply_at_city.wasted_opened_none + excluded.wasted_opened_none,
                 lost = supply_at_city.lost + excluded.lost,
                 difference = supply_at_city.difference + excluded.difference"
        ),
        with_sums(table, cities.values()),
    )
    .expect_each()
    .await
}

/// What venues told without moving anything: doses, counts.
pub(super) type Words = BTreeMap<(OrganisationId, String), Instant>;

/// Keeps when venues last told something of a product.
pub(crate) async fn told(tx: &mut Tx, words: &Words) -> Result<()> {
    let venues: BTreeSet<OrganisationId> = words.keys().map(|(venue, _)| *venue).collect();
    let homes = homes(tx, venues.into_iter()).await?;
    let words = words
        .iter()
        .map(|(key, at)| (key.clone(), (Sums::default(), at.micros())));
    add_venues(tx, &words.collect(), &homes).await
}

/// Keeps that a venue told how its day was, of every product it has.
pub(super) async fn told_of_all(tx: &mut Tx, venue: OrganisationId, at: Instant) -> Result<()> {
    tx.query(sql!(
        "UPDATE supply_at_venue SET told_micros = $2 WHERE venue = $1 AND told_micros < $2"
    ))
    .bind(venue.0.as_bytes().to_vec())
    .bind(at.micros())
    .run()
    .await?;
    Ok(())
}

/// Adds up every movement again, by the same statements as the migration that made the tables. When
/// venues last told something stays as it is: not all of it stands in the books.
pub(super) async fn rebuild(tx: &mut Tx) -> Result<()> {
    for emptied in [
        sql!(
            "UPDATE supply_at_venue SET
                 shipped = 0, received = 0, taken = 0, sent = 0, in_transfer = 0, on_hand = 0, opened = 0, used = 0,
                 wasted_unused = 0, wasted_expired = 0, wasted_temperature = 0, wasted_opened_none = 0, lost = 0,
                 difference = 0"
        ),
        sql!("DELETE FROM supply_at_city"),
        sql!("DELETE FROM supply_of_lot"),
        sql!("DELETE FROM supply_counted"),
    ] {
        tx.query(emptied).run().await?;
    }
    for filled in [VENUES_FILLED, CITIES_FILLED, LOTS_FILLED, COUNTED_FILLED] {
        tx.query(filled).run().await?;
    }
    Ok(())
}

const VENUES_FILLED: &str = sql!(
    "INSERT INTO supply_at_venue
         (venue, product, municipality, told_micros, shipped, received, taken, sent, in_transfer, on_hand, opened,
          used, wasted_unused, wasted_expired, wasted_temperature, wasted_opened_none, lost, difference)
     SELECT m.holder, m.product, COALESCE(o.municipality, ''), 0,
            SUM(CASE WHEN m.account = 'delivery' AND m.kind = 'shipped' THEN m.vials ELSE 0 END),
            SUM(CASE WHEN m.account IN ('frozen', 'thawed') AND m.kind = 'received' THEN m.vials ELSE 0 END),
            SUM(CASE WHEN m.account IN ('frozen', 'thawed') AND m.kind = 'taken' THEN m.vials ELSE 0 END),
            SUM(CASE WHEN m.account IN ('frozen', 'thawed') AND m.kind = 'sent' THEN -m.vials ELSE 0 END),
            SUM(CASE WHEN m.account = 'transfer' THEN m.vials ELSE 0 END),
            SUM(CASE WHEN m.account IN ('frozen', 'thawed') THEN m.vials ELSE 0 END),
            SUM(CASE WHEN m.account = 'opened' THEN m.vials ELSE 0 END),
            SUM(CASE WHEN m.account = 'used' THEN m.vials ELSE 0 END),
            SUM(CASE WHEN m.account = 'discarded_unused' THEN m.vials ELSE 0 END),
            SUM(CASE WHEN m.account = 'discarded_expired' THEN m.vials ELSE 0 END),
            SUM(CASE WHEN m.account = 'discarded_temperature' THEN m.vials ELSE 0 END),
            SUM(CASE WHEN m.account = 'discarded_opened_none' THEN m.vials ELSE 0 END),
            SUM(CASE WHEN m.account = 'lost' THEN m.vials ELSE 0 END),
            SUM(CASE WHEN m.account = 'difference' THEN m.vials ELSE 0 END)
     FROM (SELECT to_holder AS holder, product, kind, to_account AS account, vials FROM stock_movement
           UNION ALL
           SELECT from_holder, product, kind, from_account, -vials FROM stock_movement) AS m
     LEFT JOIN organisation AS o ON o.id = m.holder
     WHERE m.account <> 'supply'
     GROUP BY m.holder, m.product, COALESCE(o.municipality, '')
     ON CONFLICT (venue, product) DO UPDATE SET
         municipality = excluded.municipality, shipped = excluded.shipped, received = excluded.received,
         taken = excluded.taken, sent = excluded.sent, in_transfer = excluded.in_transfer,
         on_hand = excluded.on_hand, opened = excluded.opened, used = excluded.used,
         wasted_unused = excluded.wasted_unused, wasted_expired = excluded.wasted_expired,
         wasted_temperature = excluded.wasted_temperature, wasted_opened_none = excluded.wasted_opened_none,
         lost = excluded.lost, difference = excluded.difference"
);

const CITIES_FILLED: &str = sql!(
    "INSERT INTO supply_at_city
         (product, municipality, shipped, received, taken, sent, in_transfer, on_hand, opened, used, wasted_unused,
          wasted_expired, wasted_temperature, wasted_opened_none, lost, difference)
     SELECT product, municipality, SUM(shipped), SUM(received), SUM(taken), SUM(sent), SUM(in_transfer),
            SUM(on_hand), SUM(opened), SUM(used), SUM(wasted_unused), SUM(wasted_expired),
            SUM(wasted_temperature), SUM(wasted_opened_none), SUM(lost), SUM(difference)
     FROM supply_at_venue GROUP BY product, municipality"
);

const LOTS_FILLED: &str = sql!(
    "INSERT INTO supply_of_lot (product, lot, municipality, on_hand)
     SELECT b.product, b.lot, COALESCE(o.municipality, ''), SUM(b.vials)
     FROM stock_balance AS b LEFT JOIN organisation AS o ON o.id = b.holder
     WHERE b.account IN ('frozen', 'thawed')
     GROUP BY b.product, b.lot, COALESCE(o.municipality, '')"
);

// 17:00 in Japan is 08:00 UTC, 16 hours before the next day; 1970-01-01 was a Thursday.
const COUNTED_FILLED: &str = sql!(
    "INSERT INTO supply_counted (counted_on, product, municipality, wasted, on_hand)
     SELECT CASE (m.day + 3) % 7 WHEN 5 THEN m.day + 2 WHEN 6 THEN m.day + 1 ELSE m.day END,
            m.product, m.municipality,
            SUM(CASE WHEN m.account IN ('frozen', 'thawed') THEN 0 ELSE m.vials END),
            SUM(CASE WHEN m.account IN ('frozen', 'thawed') THEN m.vials ELSE 0 END)
     FROM (SELECT (u.at_micros + 57600000000) / 86400000000 AS day, u.product, u.account, u.vials,
                  COALESCE(o.municipality, '') AS municipality
           FROM (SELECT to_holder AS holder, product, to_account AS account, vials, at_micros FROM stock_movement
                 UNION ALL
                 SELECT from_holder, product, from_account, -vials, at_micros FROM stock_movement) AS u
           LEFT JOIN organisation AS o ON o.id = u.holder
           WHERE u.account IN ('frozen', 'thawed', 'discarded_unused', 'discarded_expired',
                               'discarded_temperature', 'discarded_opened_none')) AS m
     GROUP BY 1, m.product, m.municipality"
);
