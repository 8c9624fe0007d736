//! The cumulative reports (累計報告, V-SYS ❽ ❾) of a place on a day, read from the ledgers' counts and the books. What
//! was thrown away and what is on hand then is what it is now, without what was told since.

use std::collections::BTreeMap;

use domain::access::{Permit, Place};
use domain::calendar::{Day, Instant};
use domain::cumulative_reports::{Dated, cumulative, cut_off};
use domain::monitors::Sums;

use crate::db::{Db, Tx, sql};
use crate::error::{Error, Result};
use crate::monitors::{cities_of, moved_sums, venue_of};
use crate::stock::NATION;

/// Receipts in one report at most; a city has some thousands in a year.
pub const RECEIPTS_MAX: i64 = 50_000;

/// Doses in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The product's key.
    pub product: String,
    /// Which dose of the person (回数).
    pub turn: u8,
    /// How many.
    pub doses: i64,
}

/// Vials of a lot that came (受け取ったワクチン).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The product's key.
    pub product: String,
    /// The lot.
    pub lot: String,
    /// From whom: a supplier, or another venue (融通元).
    pub giver: String,
    /// On which day; none where receipts of several venues are told together.
    pub on: Option<Day>,
    /// How many.
    pub vials: i64,
}

/// A report: all figures are totals up to its day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Doses (接種実績), by product and turn.
    pub given: Vec<Given>,
    /// Vials received: of a venue one row for each receipt; of a place above one for each lot and giver, without
    /// what its venues gave to one another.
    pub received: Vec<Received>,
    /// Vials thrown away of which nobody got a dose (未使用のまま廃棄), by product.
    pub wasted: Vec<(String, i64)>,
    /// Vials on hand (在庫), by product.
    pub on_hand: Vec<(String, i64)>,
}

/// The report of the permit's place on a day.
///
/// # Errors
/// The database's.
pub async fn report(db: &Db, permit: &Permit, day: Day) -> Result<Report> {
    let mut tx = db.begin_reading().await?;
    let (place, vials, received) = match *permit.place() {
        Place::Venue { id, .. } => (
            id.to_string(),
            vials_of_venue(&mut tx, permit, cut_off(day)).await?,
            received_by_venue(&mut tx, permit, cut_off(day)).await?,
        ),
        place => {
            let cities = cities_of(permit)?;
            let code = match place {
                Place::Nation => NATION.to_owned(),
                _ => cities.0.clone(),
            };
            (
                code,
                vials_of_cities(&mut tx, &cities, day).await?,
                received_in_cities(&mut tx, &cities, cut_off(day)).await?,
            )
        }
    };
    let mut report = Report {
        given: given(&mut tx, place, day).await?,
        received,
        ..Report::default()
    };
    for (product, (wasted, on_hand)) in vials {
        report.wasted.push((product.clone(), wasted));
        report.on_hand.push((product, on_hand));
    }
    Ok(report)
}

async fn given(tx: &mut Tx, place: String, day: Day) -> Result<Vec<Given>> {
    let rows: Vec<(String, i64, i64, i64)> = tx
        .query(sql!(
            "SELECT product, turn, counted_on, doses FROM dose_counted
             WHERE place = $1 AND counted_on <= $2 ORDER BY product, turn, counted_on"
        ))
        .bind(place)
        .bind(day.since_epoch())
        .all()
        .await?;
    let dated = rows
        .into_iter()
        .map(|(product, turn, counted_on, doses)| {
            Ok(Dated {
                day: Day::from_epoch(counted_on),
                product,
                turn: u8::try_from(turn).map_err(|_| Error::Inconsistent {
                    table: "dose_counted",
                    column: "turn",
                })?,
                doses,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let totals = cumulative(&dated, day).into_iter();
    Ok(totals
        .map(|((product, turn), doses)| Given {
            product,
            turn,
            doses,
        })
        .collect())
}

/// Thrown away and on hand, by product.
type Vials = BTreeMap<String, (i64, i64)>;

async fn vials_of_cities(tx: &mut Tx, cities: &(String, String), day: Day) -> Result<Vials> {
    let rows: Vec<(String, i64, i64)> = tx
        .query(sql!(
            "SELECT product,
                    CAST(SUM(wasted_unused + wasted_expired + wasted_temperature + wasted_opened_none) AS BIGINT),
                    CAST(SUM(on_hand) AS BIGINT)
             FROM supply_at_city WHERE municipality >= $1 AND municipality < $2
             GROUP BY product ORDER BY product"
        ))
        .bind(cities.0.clone())
        .bind(cities.1.clone())
        .all()
        .await?;
    let since: Vec<(String, i64, i64)> = tx
        .query(sql!(
            "SELECT product, CAST(SUM(wasted) AS BIGINT), CAST(SUM(on_hand) AS BIGINT) FROM supply_counted
             WHERE counted_on > $1 AND municipality >= $2 AND municipality < $3 GROUP BY product"
        ))
        .bind(day.since_epoch())
        .bind(cities.0.clone())
        .bind(cities.1.clone())
        .all()
        .await?;
    let mut vials: Vials = rows
        .into_iter()
        .map(|(product, wasted, on_hand)| (product, (wasted, on_hand)))
        .collect();
    for (product, wasted, on_hand) in since {
        let of_product = vials.entry(product).or_default();
        of_product.0 -= wasted;
        of_product.1 -= on_hand;
    }
    Ok(vials)
}

async fn vials_of_venue(tx: &mut Tx, permit: &Permit, cut_off: Instant) -> Result<Vials> {
    let venue = venue_of(permit)?;
    // All that a venue ever moved: some thousand rows, by the index of its lots.
    let rows: Vec<(String, String, String, i64)> = tx
        .query(sql!(
            "SELECT product, kind, to_account, CAST(SUM(vials) AS BIGINT) FROM stock_movement
             WHERE to_holder = $1 AND at_micros < $2 GROUP BY product, kind, to_account
             UNION ALL
             SELECT product, kind, from_account, CAST(-SUM(vials) AS BIGINT) FROM stock_movement
             WHERE from_holder = $1 AND at_micros < $2 GROUP BY product, kind, from_account"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(cut_off.micros())
        .all()
        .await?;
    let mut sums: BTreeMap<String, Sums> = BTreeMap::new();
    for (product, kind, account, vials) in rows {
        *sums.entry(product).or_default() += moved_sums(&kind, &account, vials)?;
    }
    let vials = sums
        .into_iter()
        .map(|(product, sums)| (product, (sums.wasted(), sums.on_hand)));
    Ok(vials.collect())
}

async fn received_by_venue(
    tx: &mut Tx,
    permit: &Permit,
    cut_off: Instant,
) -> Result<Vec<Received>> {
    let venue = venue_of(permit)?;
    let rows: Vec<(String, String, Option<String>, i64, i64)> = tx
        .query(sql!(
            "SELECT r.product, r.lot, o.name, r.at_micros, r.vials
             FROM (SELECT product, lot, supplier AS giver, received_at AS at_micros, received AS vials FROM delivery
                   WHERE venue = $1 AND received > 0 AND received_at < $2
                   UNION ALL
                   SELECT product, lot, from_venue, taken_at, taken FROM stock_transfer
                   WHERE to_venue = $1 AND taken > 0 AND taken_at < $2) AS r
             LEFT JOIN organisation AS o ON o.id = r.giver
             ORDER BY r.at_micros, r.product, r.lot, o.name LIMIT $3"
        ))
        .bind(venue.0.as_bytes().to_vec())
        .bind(cut_off.micros())
        .bind(RECEIPTS_MAX)
        .all()
        .await?;
    Ok(rows
        .into_iter()
        .map(|(product, lot, giver, at, vials)| Received {
            product,
            lot,
            giver: giver.unwrap_or_default(),
            on: Some(Instant::from_micros(at).day_in_japan()),
            vials,
        })
        .collect())
}

async fn received_in_cities(
    tx: &mut Tx,
    cities: &(String, String),
    cut_off: Instant,
) -> Result<Vec<Received>> {
    let rows: Vec<(String, String, String, i64)> = tx
        .query(sql!(
            "SELECT r.product, r.lot, COALESCE(r.giver, ''), CAST(SUM(r.vials) AS BIGINT)
             FROM (SELECT d.product, d.lot, g.name AS giver, d.received AS vials
                   FROM organisation AS v JOIN delivery AS d ON d.venue = v.id
                   LEFT JOIN organisation AS g ON g.id = d.supplier
                   WHERE v.kind = 'venue' AND v.municipality >= $1 AND v.municipality < $2
                     AND d.received > 0 AND d.received_at < $3
                   UNION ALL
                   SELECT t.product, t.lot, g.name, t.taken
                   FROM organisation AS v JOIN stock_transfer AS t ON t.to_venue = v.id
                   LEFT JOIN organisation AS g ON g.id = t.from_venue
                   WHERE v.kind = 'venue' AND v.municipality >= $1 AND v.municipality < $2
                     AND t.taken > 0 AND t.taken_at < $3
                     AND (g.municipality IS NULL OR g.municipality < $1 OR g.municipality >= $2)) AS r
             GROUP BY r.product, r.lot, COALESCE(r.giver, '') ORDER BY 1, 2, 3 LIMIT $4"
        ))
        .bind(cities.0.clone())
        .bind(cities.1.clone())
        .bind(cut_off.micros())
        .bind(RECEIPTS_MAX)
        .all()
        .await?;
    Ok(rows
        .into_iter()
        .map(|(product, lot, giver, vials)| Received {
            product,
            lot,
            giver,
            on: None,
            vials,
        })
        .collect())
}
