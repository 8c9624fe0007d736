//! Reads every photograph of a folder with a `labels.csv` (columns `file`, `difficulty`, `digits`, `has_qr`, `nw7`)
//! and prints how many were read right, not at all, and wrong: as a whole and by channel. Fails if any was wrong.
//!
//! `cargo run -p reader --example read_folder -- FOLDER`

use std::path::Path;
use std::process::ExitCode;

#[path = "../tests/it/album.rs"]
mod album;

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("usage: read_folder FOLDER   (a folder of photographs with a labels.csv)");
        return ExitCode::FAILURE;
    };
    match album::Album::open(Path::new(&folder)) {
        Ok(album) => {
            let table = album.read_all();
            eprint!("{table}");
            if table.wrong("all") == 0 {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("{folder}: {error}");
            ExitCode::FAILURE
        }
    }
}
