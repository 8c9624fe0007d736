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

use crate::engines::database;
use crate::load::drive;
use crate::raw::{self, Bare};
use crate::server::Server;
use crate::{Bar, Options, say_bars};

/// Connections at a time.
const CONNECTIONS: [usize; 4] = [1, 8, 64, 512];
/// Cities the coupons come from.
const CITIES: usize = 200;
/// How often everything is measured, turn by turn; the middle is what counts, since a machine that
/// others use too is faster now and slower then.
const ROUNDS: usize = 3;
/// The same program made to commit each report by itself, as many at a time as a server's
/// connections to its database: the way that sharing a commit is held against.
const ONE_EACH: &str = "commit_doses_max = 1\nledger_writers = 16\n";

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
    /// The same server, one transaction each.
    one_each_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// Doses against the server doing nothing, in the same round.
    over_nothing: f64,
    /// Doses against one transaction each, in the same round.
    over_one_each: f64,
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
                [&at("server.db"), &at("each.db"), &at("bare.db")],
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
        let (a, b, c) = (
            database(&server, "server").await?,
            database(&server, "each").await?,
            database(&server, "bare").await?,
        );
        engines.push(engine("PostgreSQL", folder.path(), [&a, &b, &c], options).await?);
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&engines)?);
    } else {
        engines.iter().for_each(print);
    }
    Ok(())
}

async fn engine(
    engine: &'static str,
    folder: &std::path::Path,
    [served, each, bare]: [&Location; 3],
    options: &Options,
) -> anyhow::Result<Engine> {
    let wall = Duration::from_secs(options.seconds);
    let all = options.connections.is_empty();
    let server = Server::start(folder, served, &options.with).await?;
    let one_each = Server::start(folder, each, ONE_EACH).await?;
    let persons = Arc::new(AtomicU64::new(0));
    let mut steps = Vec::new();
    for connections in CONNECTIONS {
        if !all && !options.connections.contains(&connections) {
            continue;
        }
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let load = |server: &Server, next| {
                let (address, token) = (server.address.clone(), server.token.clone());
                async move { drive(&address, &token, connections, wall, next).await }
            };
            let nothing = load(&server, Arc::new(|_| ("/livez", None))).await?;
            let doses = load(&server, reports(&persons)).await?;
            let each = load(&one_each, reports(&persons)).await?;
            let failed = doses.failed + each.failed;
            ensure!(failed == 0, "{failed} reports failed");
            rounds.push([
                nothing.per_second,
                doses.per_second,
                each.per_second,
                doses.p50_ms,
                doses.p99_ms,
                doses.per_second / nothing.per_second,
                doses.per_second / each.per_second,
            ]);
        }
        let [nothing, doses, each, p50, p99, over_nothing, over_each] = middle(&rounds);
        steps.push(Step {
            connections,
            nothing_per_second: nothing,
            doses_per_second: doses,
            one_each_per_second: each,
            p50_ms: p50,
            p99_ms: p99,
            over_nothing,
            over_one_each: over_each,
        });
    }
    server.stop()?;
    one_each.stop()?;
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

/// The middle of each figure over the rounds.
fn middle<const N: usize>(rounds: &[[f64; N]]) -> [f64; N] {
    std::array::from_fn(|figure| {
        let mut values: Vec<f64> = rounds
            .iter()
            .filter_map(|round| round.get(figure).copied())
            .collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
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
    let mut bars = Vec::new();
    if let Some(step) = at(64) {
        bars.push(Bar::least(
            "64 connections ÷ one transaction each",
            step.over_one_each,
            4.0,
        ));
        bars.push(Bar::least(
            "64 connections ÷ the server doing nothing",
            step.over_nothing,
            0.2,
        ));
    }
    if let Some(step) = at(512) {
        let over_batched = step.doses_per_second / bare.batched_per_second;
        bars.push(Bar::least(
            "512 connections ÷ bare batches",
            over_batched,
            0.2,
        ));
    }
    if let Some(step) = at(1) {
        let over_alone = step.p50_ms / bare.alone.p50_ms;
        bars.push(Bar::most(
            "a lone request ÷ a lone bare commit (median)",
            over_alone,
            2.0,
        ));
    }
    bars
}

fn print(engine: &Engine) {
    println!("\n{}", engine.engine);
    println!("connections  nothing/s   doses/s   p50 ms   p99 ms   one transaction each/s");
    for step in &engine.steps {
        println!(
            "{:>11} {:>10.0} {:>9.0} {:>8.2} {:>8.2} {:>24.0}",
            step.connections,
            step.nothing_per_second,
            step.doses_per_second,
            step.p50_ms,
            step.p99_ms,
            step.one_each_per_second
        );
    }
    println!(
        "bare engine: alone {:.2} ms, one transaction each {:.0}/s, in batches of 512 {:.0}/s",
        engine.bare_alone_p50_ms, engine.bare_each_64_per_second, engine.bare_batched_per_second
    );
    say_bars(&engine.bars);
}
