//! The developers' commands: `cargo xtask test`, `cargo xtask bench`, `cargo xtask wasm`.
//!
//! Standard library only, so that it is built within seconds on a fresh machine.
#![expect(
    clippy::print_stdout,
    reason = "a command-line tool speaks on standard output"
)]

mod bench;
mod midnight;
mod packages;
mod postgres;
mod runner;
mod steps;
mod summary;
mod test;
mod timing;
mod wasm;

use std::{env, path::PathBuf, process::ExitCode};

const HELP: &str = "\
cargo xtask test [--only STEP]...     set up what is missing, then check everything
cargo xtask bench NAME [ARGUMENT]...  measure one thing (--json for a machine)
cargo xtask wasm                      build the tablet's reader after a change to crates/reader
cargo xtask help                      this text

The steps of `test`, in order (all of them unless --only names some):
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let mut words = arguments.iter().map(String::as_str);
    let outcome = match words.next() {
        Some("test") => test::test(&words.collect::<Vec<_>>()),
        Some("bench") => bench::bench(&words.collect::<Vec<_>>()),
        Some("wasm") => wasm::wasm(),
        None | Some("help" | "--help" | "-h") => {
            println!("{HELP}{}", steps::list());
            Ok(true)
        }
        Some(other) => Err(format!(
            "There is no command `{other}`. Try `cargo xtask help`."
        )),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(complaint) => {
            eprintln!("xtask: {complaint}");
            ExitCode::from(2)
        }
    }
}

/// The root of the workspace, wherever in it the command was given.
fn workspace() -> PathBuf {
    let own = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    own.and_then(|own| own.parent().map(PathBuf::from))
        .unwrap_or_default()
}
