//! Sesshu, the program.

use std::process::ExitCode;

fn main() -> ExitCode {
    sesshu::cli::main()
}
