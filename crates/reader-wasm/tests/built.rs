//! That the committed module is the one these sources make, as far as can be told without building it.
//!
//! Compilers of different versions build different bytes, so it is the sources that are compared: `built.txt` holds
//! the print of what the module was built from, and the module's own. `cargo xtask wasm` writes both.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Set by `cargo xtask wasm`, right after it has built the module: write the prints instead of comparing them.
const WRITE: &str = "SESSHU_BUILT";

#[test]
fn the_module_is_built_from_these_sources() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let module = crates.join("server/assets/tablet/reader.wasm");
    let now = format!(
        "sources {}\nmodule {}\n",
        print_of(&sources(crates), crates),
        print_of(&[module], crates),
    );
    let kept = crates.join("reader-wasm/built.txt");
    if std::env::var_os(WRITE).is_some() {
        fs::write(&kept, now).unwrap();
        return;
    }
    assert_eq!(
        fs::read_to_string(&kept).unwrap_or_default(),
        now,
        "crates/server/assets/tablet/reader.wasm is stale: run `cargo xtask wasm` and commit what it wrote"
    );
}

/// Everything that the module is made of, but the compiler.
fn sources(crates: &Path) -> Vec<PathBuf> {
    let mut files = vec![
        crates.join("reader/Cargo.toml"),
        crates.join("reader/model/line.bin"),
        crates.join("reader-wasm/Cargo.toml"),
    ];
    for folder in ["reader/src", "reader-wasm/src"] {
        gather(&crates.join(folder), &mut files);
    }
    // What the module is built without, see the features of `reader`.
    let without = ["codes.rs", "look.rs", "photo.rs", "training.rs"];
    files.retain(|file| !without.iter().any(|name| file.ends_with(name)));
    files.sort();
    assert!(files.len() > 10, "{files:?}");
    files
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// Of names and contents, so that a file that was renamed counts as changed.
fn print_of(files: &[PathBuf], crates: &Path) -> String {
    let mut hash = Sha256::new();
    for file in files {
        let name = file.strip_prefix(crates).unwrap();
        let content = fs::read(file).unwrap_or_default();
        hash.update(name.to_str().unwrap().as_bytes());
        hash.update((content.len() as u64).to_be_bytes());
        hash.update(&content);
    }
    hex::encode(hash.finalize())
}
