//! Reports of doses over HTTP: with judging, ledger chain, receipts and the projections running.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use domain::calendar::Instant;
use domain::places::Places;
use serde::Serialize;
use store::Location;
use uuid::Uuid;

use crate::Options;
use crate::load::drive;
use crate::raw::{self, Bare};
use crate::server::Server;

/// Connections at a time.
const CONNECTIONS: [usize; 4] = [1, 8, 64, 512];
/// Cities the coupons come from.
const CITIES: usize = 200;

/// What is demanded of a figure: (name, measured, least or most, whether it holds).
#[derive(Serialize)]
struct Bar {
    what: &'static str,
    measured: f64,
    bar: f64,
    holds: bool,
}

/// Everything about one engine.
#[derive(Serialize)]
struct Engine {
    engine: &'static str,
    steps: Vec<Step>,
    bare_alone_p50_ms: f64,
    bare_each_64_per_second: f64,
    bare_batched_per_second: f64,
    bars: Vec<Bar>,
}

/// One number of connections.
#[derive(Serialize)]
struct Step {
    connections: usize,
    nothing_per_second: f64,
    doses_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    failed: u64,
}

/// Runs it on both engines and prints the tables.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    let mut engines = Vec::new();
    if options.only.as_deref() != Some("postgres") {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| Location::Sqlite(folder.path().join(name));
        engines.push(
            engine(
                "SQLite",
                folder.path(),
                &at("server.db"),
                &at("bare.db"),
                options,
            )
            .await?,
        );
    }
    if options.only.as_deref() != Some("sqlite") {
        let server = std::env::var("SESSHU_BENCH_POSTGRES").context(
            "SESSHU_BENCH_POSTGRES names no PostgreSQL server; run by `cargo xtask bench record`",
        )?;
        let folder = tempfile::tempdir()?;
        let (a, b) = (
            database(&server, "server").await?,
            database(&server, "bare").await?,
        );
        engines.push(engine("PostgreSQL", folder.path(), &a, &b, options).await?);
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&engines)?);
    } else {
        engines.iter().for_each(print);
    }
    Ok(())
}

/// An empty database of its own on the server.
async fn database(server: &str, what: &str) -> anyhow::Result<Location> {
    use sqlx::Connection;
    let name = format!("sesshu_bench_{what}_{}", std::process::id());
    let mut connection = sqlx::PgConnection::connect(server).await?;
    let create = format!(
        "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(create))
        .execute(&mut connection)
        .await?;
    let (front, _) = server
        .rsplit_once('/')
        .context("no database in the address")?;
    Ok(Location::Postgres(format!("{front}/{name}")))
}

async fn engine(
    engine: &'static str,
    folder: &std::path::Path,
    served: &Location,
    bare: &Location,
    options: &Options,
) -> anyhow::Result<Engine> {
    let wall = Duration::from_secs(options.seconds);
    let all = options.connections.is_empty();
    let server = Server::start(folder, served).await?;
    let persons = Arc::new(AtomicU64::new(0));
    let mut steps = Vec::new();
    for connections in CONNECTIONS {
        if !all && !options.connections.contains(&connections) {
            continue;
        }
        let nothing: crate::load::Next = Arc::new(|_| ("/livez", None));
        let nothing = drive(&server.address, &server.token, connections, wall, nothing).await?;
        let report = reports(&persons);
        let doses = drive(&server.address, &server.token, connections, wall, report).await?;
        ensure!(doses.failed == 0, "{} reports failed", doses.failed);
        steps.push(Step {
            connections,
            nothing_per_second: nothing.per_second,
            doses_per_second: doses.per_second,
            p50_ms: doses.p50_ms,
            p99_ms: doses.p99_ms,
            failed: doses.failed,
        });
    }
    server.stop()?;
    let rows = raw::rows(served).await?;
    let bare = raw::measure(bare, &rows, wall).await?;
    let bars = bars(&steps, &bare);
    let Bare {
        alone,
        each,
        batched_per_second,
    } = bare;
    Ok(Engine {
        engine,
        steps,
        bare_alone_p50_ms: alone.p50_ms,
        bare_each_64_per_second: each.per_second,
        bare_batched_per_second: batched_per_second,
        bars,
    })
}

/// A dose of another person each time.
fn reports(persons: &Arc<AtomicU64>) -> crate::load::Next {
    // Seconds of the first day of the summer of 2021, when most doses of a day were given.
    let on = Instant::from_micros(1_622_509_200_000_000).day_in_japan();
    let cities: Vec<String> = Places::bundled()
        .municipalities(on)
        .step_by(8)
        .take(CITIES)
        .map(|place| place.code.to_string())
        .collect();
    let persons = Arc::clone(persons);
    Arc::new(move |_| {
        let person = persons.fetch_add(1, Ordering::Relaxed);
        let index = usize::try_from(person).unwrap_or_default() % cities.len().max(1);
        let city = cities.get(index).map_or("131016", String::as_str);
        // Ids in order of time, as tablets make them.
        let id = uuid::Builder::from_unix_timestamp_millis(
            1_622_509_200_000 + person / 8,
            &random(person),
        )
        .into_uuid();
        (
            "/api/v1/doses",
            Some(body(
                id,
                &format!("21{city}{:010}", person / cities.len().max(1) as u64 + 1),
            )),
        )
    })
}

fn random(seed: u64) -> [u8; 10] {
    let mut state = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut bytes = [0; 10];
    for byte in &mut bytes {
        state ^= state >> 30;
        state = state.wrapping_mul(0xBF58_476D_1CE4_E5B9);
        state ^= state >> 27;
        *byte = state.to_le_bytes()[3];
    }
    bytes
}

fn body(id: Uuid, coupon: &str) -> String {
    format!(
        "{{\"id\":\"{id}\",\"coupon\":\"{coupon}\",\"given_on\":\"2021-06-01\",\"product\":\"comirnaty_12_mono\",\
         \"lot\":\"EY2173\",\"doctor\":\"鈴木 一郎\",\"venue_name\":\"千代田会場\",\"device\":\"tablet-17\",\"input\":\"qr\"}}"
    )
}

/// The demands of the house: see `decisions/0002-ledger.md`.
fn bars(steps: &[Step], bare: &Bare) -> Vec<Bar> {
    let at = |connections: usize| steps.iter().find(|step| step.connections == connections);
    let least = |what, measured: f64, bar: f64| Bar {
        what,
        measured,
        bar,
        holds: measured >= bar,
    };
    let most = |what, measured: f64, bar: f64| Bar {
        what,
        measured,
        bar,
        holds: measured <= bar,
    };
    let mut bars = Vec::new();
    if let Some(step) = at(64) {
        let over_each = step.doses_per_second / bare.each.per_second;
        bars.push(least(
            "64 connections ÷ one transaction each, bare",
            over_each,
            4.0,
        ));
        let over_nothing = step.doses_per_second / step.nothing_per_second;
        bars.push(least(
            "64 connections ÷ the server doing nothing",
            over_nothing,
            0.2,
        ));
    }
    if let Some(step) = at(512) {
        let over_batched = step.doses_per_second / bare.batched_per_second;
        bars.push(least("512 connections ÷ bare batches", over_batched, 0.2));
    }
    if let Some(step) = at(1) {
        let over_alone = step.p50_ms / bare.alone.p50_ms;
        bars.push(most(
            "a lone request ÷ a lone bare commit (median)",
            over_alone,
            2.0,
        ));
    }
    bars
}

fn print(engine: &Engine) {
    println!("\n{}", engine.engine);
    println!("connections  nothing/s   doses/s   p50 ms   p99 ms");
    for step in &engine.steps {
        println!(
            "{:>11} {:>10.0} {:>9.0} {:>8.2} {:>8.2}",
            step.connections,
            step.nothing_per_second,
            step.doses_per_second,
            step.p50_ms,
            step.p99_ms
        );
    }
    println!(
        "bare engine: alone {:.2} ms, one transaction each {:.0}/s, in batches of 512 {:.0}/s",
        engine.bare_alone_p50_ms, engine.bare_each_64_per_second, engine.bare_batched_per_second
    );
    for bar in &engine.bars {
        let sign = if bar.holds { "holds" } else { "FAILS" };
        println!(
            "{sign}  {:<46} {:>7.2}  (bar {})",
            bar.what, bar.measured, bar.bar
        );
    }
}
