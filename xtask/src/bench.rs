//! `cargo xtask bench NAME`: one benchmark, in release; those of the store with a PostgreSQL cluster of their own beside
//! SQLite.

use crate::{packages, postgres::Cluster, steps::cargo, workspace};
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// How well coupons are read: a program of its own, since it needs fonts and codecs, but no database. Tesseract is what
/// it is held against, and is left out where there is none.
fn read(arguments: &[&str]) -> Result<bool, String> {
    if let Err(complaint) = packages::provide_tesseract() {
        eprintln!("xtask: {complaint}");
    }
    let mut command = cargo("run --quiet --release --locked --package reading --");
    command.args(arguments).current_dir(workspace());
    let status = command
        .status()
        .map_err(|error| format!("the benchmark could not be started: {error}"))?;
    Ok(status.success())
}

/// Runs the benchmark; every further argument is the benchmark's own. Standard output is the benchmark's alone, so that
/// `--json` can be piped.
pub fn bench(arguments: &[&str]) -> Result<bool, String> {
    if arguments.first().is_none_or(|name| name.starts_with('-')) {
        return Err(
            "Which benchmark? `cargo xtask bench NAME [--json]`, for example `record`, `import` or `read`."
                .to_owned(),
        );
    }
    if let Some((&"read", rest)) = arguments.split_first() {
        return read(rest);
    }
    packages::provide_engines()?;
    // Both in one: built one after the other they ask for other features of the same crates, and half of those are
    // built again each time.
    let built = cargo("build --quiet --release --locked --package bench --package sesshu")
        .current_dir(workspace())
        .status()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    if !built.success() {
        return Ok(false);
    }
    let cluster = Cluster::start()?;
    let mut command = Command::new(released("bench"));
    command
        .args(arguments)
        .current_dir(workspace())
        .env("SESSHU_BENCH_POSTGRES", cluster.url());
    let status = command
        .status()
        .map_err(|error| format!("the benchmark could not be started: {error}"))?;
    Ok(status.success())
}

/// A program in its release build: in the folder beside this program's own.
fn released(name: &str) -> PathBuf {
    let own = env::current_exe().unwrap_or_default();
    let folder = own.parent().and_then(Path::parent).unwrap_or(Path::new(""));
    folder.join("release").join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_benchmark_must_be_named() {
        assert!(bench(&[]).is_err());
        assert!(bench(&["--json"]).is_err());
    }
}
