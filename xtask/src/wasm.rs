//! `cargo xtask wasm`: builds the reader for browsers and puts it among the assets.
//!
//! With a toolchain that has the target `wasm32-unknown-unknown` it is one build. Where none can be added, Debian's
//! own compiler builds the standard library along with it: `rustc-web` has no such target ready, but its sources.

use crate::{packages, steps::cargo, workspace};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const TARGET: &str = "wasm32-unknown-unknown";
/// Instructions that every browser with a camera knows: WebAssembly 2.0 of 2022, with vectors of 128 bits, which the
/// net is mostly made of.
const FLAGS: &str = "-C target-feature=+simd128 -C link-arg=--strip-all";
/// Where the module lies, from the workspace's root.
const MODULE: &str = "crates/server/assets/tablet/reader.wasm";

/// Builds the module, and writes down what it was built from.
pub fn wasm() -> Result<bool, String> {
    let target_folder = workspace().join("target/wasm");
    let build = if toolchain_has_the_target() {
        by_toolchain(&target_folder)
    } else {
        packages::provide_wasm()?;
        by_debian(&target_folder)?
    };
    run(build)?;
    let built = target_folder.join(TARGET).join("release/reader_wasm.wasm");
    let module = fs::read(&built)
        .map_err(|error| format!("{} could not be read: {error}", built.display()))?;
    let bytes = module.len();
    fs::write(workspace().join(MODULE), module)
        .map_err(|error| format!("{MODULE} could not be written: {error}"))?;
    let mut stamp = cargo("test --quiet --package reader-wasm --test built");
    stamp.current_dir(workspace()).env("SESSHU_BUILT", "write");
    run(stamp)?;
    println!("{MODULE}: {bytes} bytes. Commit it with crates/reader-wasm/built.txt.");
    Ok(true)
}

fn toolchain_has_the_target() -> bool {
    let told = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(workspace())
        .stderr(Stdio::null())
        .output();
    told.is_ok_and(|told| {
        told.status.success() && Path::new(String::from_utf8_lossy(&told.stdout).trim()).is_dir()
    })
}

fn by_toolchain(target_folder: &Path) -> Command {
    let mut build = cargo(&format!(
        "build --release --package reader-wasm --lib --target {TARGET}"
    ));
    build
        .current_dir(workspace())
        .env("CARGO_TARGET_DIR", target_folder)
        .env("RUSTFLAGS", FLAGS);
    build
}

fn by_debian(target_folder: &Path) -> Result<Command, String> {
    let linker = packages::debian_linker().ok_or("lld is not where Debian puts it")?;
    // The linker's name tells it what it links; Debian's has a version in it.
    let named = target_folder.join("rust-lld");
    fs::create_dir_all(target_folder)
        .and_then(|()| link_anew(&linker, &named))
        .map_err(|error| format!("{} could not be made: {error}", named.display()))?;
    let mut build = cargo(&format!(
        "build --release --package reader-wasm --lib --target {TARGET} -Z build-std=std,panic_abort"
    ));
    build
        .current_dir(workspace())
        .env("CARGO_TARGET_DIR", target_folder)
        .env("RUSTC", packages::DEBIAN_RUSTC)
        // Building the standard library is not stable; the compiler that Debian made it with may do it all the same.
        .env("RUSTC_BOOTSTRAP", "1")
        .env(
            "RUSTFLAGS",
            format!(
                "{FLAGS} -C panic=abort -C linker-flavor=wasm-ld -C linker={}",
                named.display()
            ),
        );
    Ok(build)
}

fn link_anew(file: &Path, link: &PathBuf) -> std::io::Result<()> {
    if link.is_symlink() {
        fs::remove_file(link)?;
    }
    std::os::unix::fs::symlink(file, link)
}

fn run(mut command: Command) -> Result<(), String> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("{command:?} could not be started: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{command:?} failed ({status}); see above why."))
    }
}
