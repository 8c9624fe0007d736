//! Speed, as ratios against a limit that is measured in the same run on the same machine.
//!
//! `cargo xtask bench record [--seconds N] [--json]`: reports of doses over HTTP against the bare
//! engine that commits the same rows, and against the same server doing nothing.
#![expect(
    clippy::print_stdout,
    reason = "a command-line tool says what it measured"
)]

mod load;
mod raw;
mod record;
mod server;

use anyhow::bail;

/// What a benchmark is told.
struct Options {
    seconds: u64,
    json: bool,
    only: Option<String>,
    connections: Vec<usize>,
}

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or_default();
    let mut options = Options {
        seconds: 5,
        json: false,
        only: None,
        connections: Vec::new(),
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--json" => options.json = true,
            "--seconds" => options.seconds = words.next().unwrap_or_default().parse()?,
            "--engine" => options.only = words.next(),
            "--connections" => options
                .connections
                .push(words.next().unwrap_or_default().parse()?),
            other => bail!("unknown: {other}"),
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    match name.as_str() {
        "record" => runtime.block_on(record::run(&options)),
        other => bail!("there is no benchmark {other:?}; there is: record"),
    }
}
