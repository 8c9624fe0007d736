//! Speed, as ratios against a limit that is measured in the same run on the same machine.
//!
//! `cargo xtask bench record [--seconds N] [--json]`: reports of doses over HTTP against the bare
//! engine that commits the same rows, and against the same server doing nothing. `--with 'ledger_writers = 4'`
//! gives the server that is measured a line of configuration more.
//!
//! `cargo xtask bench import [--rows N]... [--json]`: a file of residents against the engine's own
//! loader into a bare table, and the memory it takes.
//! `cargo xtask bench search [--doses N] [--json]`: people found and histories read among N doses.
//! `cargo xtask bench allocate [--json]`: the nation divided down to 70,000 venues against two seconds.
//! `cargo xtask bench monitor [--venues N] [--json]`: what the monitors' pages read, against fifty milliseconds.
//! `cargo xtask bench stock [--movements N] [--venues N] [--json]`: the stock of a venue by lot among N movements,
//! against the same among those of the lots on hand alone. A hundred million take some 30 GB of disk for each engine.
#![expect(
    clippy::print_stdout,
    reason = "a command-line tool says what it measured"
)]

mod allocate;
mod engines;
mod import;
mod load;
mod monitor;
mod raw;
mod record;
mod search;
mod server;
mod stock;

use anyhow::bail;

/// Doses that `search` looks among, unless it is told another number: as many as a minute has time for.
const DOSES: u64 = 200_000;

/// Venues of `monitor`, unless it is told another number: those of the real programme (domain paper §6.1).
const VENUES: u64 = 70_000;

/// Movements of `stock`, unless it is told another number: as many as fit on any disk.
const MOVEMENTS: u64 = 10_000_000;

/// What a benchmark is told.
struct Options {
    seconds: u64,
    json: bool,
    only: Option<String>,
    connections: Vec<usize>,
    doses: u64,
    venues: u64,
    movements: u64,
    rows: Vec<u64>,
    /// Lines of the measured server's configuration, beside those it always has.
    with: String,
}

/// What is demanded of a figure.
#[derive(serde::Serialize)]
struct Bar {
    what: &'static str,
    measured: f64,
    /// The least or the most there may be.
    bar: f64,
    holds: bool,
}

impl Bar {
    fn least(what: &'static str, measured: f64, bar: f64) -> Self {
        Self {
            what,
            measured,
            bar,
            holds: measured >= bar,
        }
    }

    fn most(what: &'static str, measured: f64, bar: f64) -> Self {
        Self {
            what,
            measured,
            bar,
            holds: measured <= bar,
        }
    }
}

fn say_bars(bars: &[Bar]) {
    for bar in bars {
        let sign = if bar.holds { "holds" } else { "FAILS" };
        println!(
            "{sign}  {:<46} {:>7.2}  (bar {})",
            bar.what, bar.measured, bar.bar
        );
    }
}

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or_default();
    let mut options = Options {
        seconds: 5,
        json: false,
        only: None,
        connections: Vec::new(),
        doses: DOSES,
        venues: VENUES,
        movements: MOVEMENTS,
        rows: Vec::new(),
        with: String::new(),
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--json" => options.json = true,
            "--seconds" => options.seconds = words.next().unwrap_or_default().parse()?,
            "--doses" => options.doses = words.next().unwrap_or_default().parse()?,
            "--venues" => options.venues = words.next().unwrap_or_default().parse()?,
            "--movements" => options.movements = words.next().unwrap_or_default().parse()?,
            "--engine" => options.only = words.next(),
            "--connections" => options
                .connections
                .push(words.next().unwrap_or_default().parse()?),
            "--rows" => options.rows.push(words.next().unwrap_or_default().parse()?),
            "--with" => {
                options.with += &words.next().unwrap_or_default();
                options.with.push('\n');
            }
            other => bail!("unknown: {other}"),
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    match name.as_str() {
        "allocate" => allocate::run(&options),
        "monitor" => runtime.block_on(monitor::run(&options)),
        "record" => runtime.block_on(record::run(&options)),
        "search" => runtime.block_on(search::run(&options)),
        "import" => runtime.block_on(import::run(&options)),
        "stock" => runtime.block_on(stock::run(&options)),
        other => {
            bail!(
                "there is no benchmark {other:?}; there are: allocate, import, monitor, record, search, stock"
            )
        }
    }
}
