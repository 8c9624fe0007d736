//! The monitor of the supply at the size of the nation: what its pages ask of the store, against the fifty
//! milliseconds within which a page is to be there. Some venues, three lots each, a year of days; what was moved
//! before is not there, since no page of a nation, a prefecture or a city reads movements.

use std::time::Instant as Moment;

use anyhow::{Context, ensure};
use domain::access::{
    self, Action, Actor, OrganisationId, OrganisationKind, Permit, Place, Role, Territory, UserId,
};
use domain::calendar::{Day, Instant};
use domain::places::{MunicipalityCode, Places, Prefecture};
use serde::Serialize;
use store::monitors::{Asked, Supply, overview, products, venues};
use store::{Db, Location};
use uuid::Uuid;

use crate::engines::on_each;
use crate::search::Bulk;
use crate::{Bar, Options, say_bars};

/// Lots that lie at each venue, of those in circulation.
const LOTS_EACH: u64 = 3;
const LOTS: u64 = 30;
/// Days of which doses are known.
const DAYS: i64 = 365;
/// Rows of one statement while the tables are filled.
const CHUNK: u64 = 2_000;
/// How often each page is asked for; the middle counts.
const ROUNDS: usize = 21;
const PAGE_MS_MAX: f64 = 50.0;
const PRODUCT: &str = "comirnaty_12_mono";

/// Everything about one engine.
#[derive(Serialize)]
struct Engine {
    engine: &'static str,
    venues: u64,
    filled_seconds: f64,
    /// The middle of each page's times.
    nation_ms: f64,
    prefecture_ms: f64,
    city_ms: f64,
    bars: Vec<Bar>,
}

/// Runs it on both engines and prints the figures.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    on_each("monitor", options, engine, print).await
}

fn print(one: &Engine) {
    println!(
        "\n{}: {} venues with {LOTS_EACH} lots each (filled in {:.0} s): nation {:.1} ms, Tokyo {:.1} ms, its first city \
         {:.1} ms",
        one.engine, one.venues, one.filled_seconds, one.nation_ms, one.prefecture_ms, one.city_ms
    );
    say_bars(&one.bars);
}

async fn engine(
    engine: &'static str,
    location: &Location,
    options: &Options,
) -> anyhow::Result<Engine> {
    let venues = options.venues;
    let begun = Moment::now();
    let cities = fill(location, venues).await?;
    let filled_seconds = begun.elapsed().as_secs_f64();
    let db = Db::open(location).await?;
    let tokyo = Prefecture::new(13).context("Tokyo")?;
    let city = cities.iter().find(|one| one.prefecture() == Some(tokyo));
    let city = *city.context("a city of Tokyo")?;
    let nation_ms = times(&db, Place::Nation).await?;
    let prefecture_ms = times(&db, Place::Prefecture(tokyo)).await?;
    let city_ms = times(&db, Place::City(city)).await?;
    db.close().await;
    let bar = |what, ms: f64| Bar::most(what, ms / PAGE_MS_MAX, 1.0);
    Ok(Engine {
        engine,
        venues,
        filled_seconds,
        bars: vec![
            bar("the nation's page, parts of 50 ms", nation_ms),
            bar("a prefecture's page, parts of 50 ms", prefecture_ms),
            bar("a city's page, parts of 50 ms", city_ms),
        ],
        nation_ms,
        prefecture_ms,
        city_ms,
    })
}

fn today() -> anyhow::Result<Day> {
    Day::new(2021, 8, 2).context("a day")
}

fn permit(place: Place) -> anyhow::Result<Permit> {
    let actor = Actor {
        user: UserId(Uuid::from_u128(1)),
        organisation: OrganisationId(Uuid::from_u128(2)),
        kind: OrganisationKind::Nation,
        role: Role::Operator,
        territory: Territory::Nation,
    };
    Ok(access::permit(&actor, Action::SeeSupply, place)?)
}

/// The middle of the times in which everything is read that a place's page shows.
async fn times(db: &Db, place: Place) -> anyhow::Result<f64> {
    let permit = permit(place)?;
    let now = Instant::from_micros(today()?.begins().micros() + 12 * 3_600_000_000);
    let asked = Asked {
        product: PRODUCT,
        now,
    };
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Moment::now();
        let known = products(db).await?;
        let parts = overview(db, &permit, asked).await?;
        if let Place::City(_) = place {
            let page = venues(db, &permit, asked, None).await?;
            ensure!(!page.is_empty(), "a city without venues");
        }
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
        let total = Supply::total(parts.iter().map(|one| &one.supply));
        ensure!(known == [PRODUCT] && total.sums.holds(), "{total:?}");
        ensure!(total.given > 0 && total.ending.soon > 0, "{total:?}");
    }
    times.sort_by(f64::total_cmp);
    times.get(ROUNDS / 2).copied().context("it was measured")
}

/// Bits that follow no pattern, the same for the same seed (SplitMix64).
fn mixed(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// Vials of one of a venue's lots.
fn vials(serial: u64, place: u64) -> u64 {
    mixed(serial * LOTS_EACH + place) % 20 + 1
}

fn lot(serial: u64, place: u64) -> String {
    format!("L{:04}", (serial + place * 7) % LOTS)
}

/// Fills the tables as the books would have left them; gives the cities.
async fn fill(location: &Location, venues: u64) -> anyhow::Result<Vec<MunicipalityCode>> {
    let db = Db::open(location).await?;
    store::migrations::migrate(&db).await?;
    db.close().await;
    let on = today()?;
    let cities: Vec<MunicipalityCode> = Places::bundled()
        .municipalities(on)
        .map(|one| one.code)
        .collect();
    let mut bulk = Bulk::open(location).await?;
    for lot in 0..LOTS {
        // A fifth of them end soon.
        let days = i64::try_from(lot).unwrap_or_default() * 5 + 3;
        bulk.run(format!(
            "INSERT INTO vaccine_lot (product, lot, revision, expires, reason, at_micros, by_user, organisation)
             SELECT '{PRODUCT}', 'L{lot:04}', 1, '{}', '', 0, {id}, {id}",
            on.plus_days(days),
            id = bulk.id(1)
        ))
        .await?;
    }
    let mut from = 0;
    while from < venues {
        let to = (from + CHUNK).min(venues);
        chunk(&mut bulk, &cities, from..to, on).await?;
        from = to;
    }
    add_up(&mut bulk).await?;
    doses(&mut bulk, &cities, on).await?;
    bulk.settle().await?;
    Ok(cities)
}

async fn chunk(
    bulk: &mut Bulk,
    cities: &[MunicipalityCode],
    serials: std::ops::Range<u64>,
    on: Day,
) -> anyhow::Result<()> {
    let (mut organisations, mut sums, mut balances) = (Vec::new(), Vec::new(), Vec::new());
    for serial in serials {
        let at = usize::try_from(serial % cities.len() as u64).unwrap_or_default();
        let city = cities.get(at).context("a city")?;
        let id = bulk.id(serial + 100);
        let prefecture = city.prefecture().map_or(0, Prefecture::number);
        organisations.push(format!(
            "({id},'venue','会場{serial}','venue-{serial}',{prefecture},'{city}','{serial:010}',1)"
        ));
        let here: u64 = (0..LOTS_EACH).map(|place| vials(serial, place)).sum();
        // One in twenty told nothing for long.
        let days = if serial % 20 == 0 { 30 } else { 1 };
        let told = on.plus_days(-days).begins().micros();
        sums.push(format!(
            "({id},'{PRODUCT}','{city}',{told},{all},{all},0,0,0,{here},0,{used},0,0,0,0,0,0)",
            all = here + 100,
            used = 100
        ));
        for place in 0..LOTS_EACH {
            let (lot, vials) = (lot(serial, place), vials(serial, place));
            balances.push(format!("({id},'{PRODUCT}','{lot}','frozen',{vials})"));
        }
    }
    bulk.run(format!(
        "INSERT INTO organisation (id, kind, name, place, prefecture, municipality, facility_code, active) VALUES {}",
        organisations.join(",")
    ))
    .await?;
    bulk.run(format!(
        "INSERT INTO supply_at_venue
             (venue, product, municipality, told_micros, shipped, received, taken, sent, in_transfer, on_hand, opened,
              used, wasted_unused, wasted_expired, wasted_temperature, wasted_opened_none, lost, difference)
         VALUES {}",
        sums.join(",")
    ))
    .await?;
    bulk.run(format!(
        "INSERT INTO stock_balance (holder, product, lot, account, vials) VALUES {}",
        balances.join(",")
    ))
    .await
}

/// The sums above the venues, as `sesshu stock rebuild` makes them.
async fn add_up(bulk: &mut Bulk) -> anyhow::Result<()> {
    bulk.run(
        "INSERT INTO supply_at_city
             (product, municipality, shipped, received, taken, sent, in_transfer, on_hand, opened, used, wasted_unused,
              wasted_expired, wasted_temperature, wasted_opened_none, lost, difference)
         SELECT product, municipality, SUM(shipped), SUM(received), 0, 0, 0, SUM(on_hand), 0, SUM(used), 0, 0, 0, 0, 0, 0
         FROM supply_at_venue GROUP BY product, municipality"
            .to_owned(),
    )
    .await?;
    bulk.run(
        "INSERT INTO supply_of_lot (product, lot, municipality, on_hand)
         SELECT b.product, b.lot, o.municipality, SUM(b.vials)
         FROM stock_balance AS b JOIN organisation AS o ON o.id = b.holder
         GROUP BY b.product, b.lot, o.municipality"
            .to_owned(),
    )
    .await
}

async fn doses(bulk: &mut Bulk, cities: &[MunicipalityCode], on: Day) -> anyhow::Result<()> {
    let prefectures = Prefecture::all().map(|one| one.to_string());
    let places: Vec<String> = cities
        .iter()
        .map(ToString::to_string)
        .chain(prefectures)
        .collect();
    for place in places {
        let rows: Vec<String> = (1..=DAYS)
            .map(|days| format!("('{PRODUCT}','{place}','{}',40)", on.plus_days(-days)))
            .collect();
        bulk.run(format!(
            "INSERT INTO dose_given (product, place, day, doses) VALUES {}",
            rows.join(",")
        ))
        .await?;
    }
    Ok(())
}
