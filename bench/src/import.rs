//! A file of residents through `sesshu import`: read, looked through, approved and applied, with all
//! rules and indexes, against the engine's own loader that copies the same rows into a bare table, and
//! against the engine alone that puts the rows the import came to into the same tables with all their
//! indexes, in one transaction and with nothing looked at. The second says how much of the first is the
//! indexes' own.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant as Wall};

use anyhow::{Context, bail, ensure};
use serde::Serialize;
use store::{Db, Location};

use crate::engines::database;
use crate::server::program;
use crate::{Bar, Options, say_bars};

/// Lines in the file unless told otherwise.
const ROWS: [u64; 1] = [100_000];
/// The city of the file.
const CITY: &str = "131016";
/// How often the memory of the running program is read; its peak is the kernel's own figure.
const LOOK: Duration = Duration::from_millis(20);
/// The bars of the house: against the bare loader, and in memory.
const SQLITE_LEAST: f64 = 1.0;
const POSTGRES_LEAST: f64 = 0.5;
const MEMORY_MOST_MB: f64 = 150.0;
/// What reading, looking through, undoing and saying how far the work is may cost beside the indexes.
const INDEXED_LEAST: f64 = 0.5;

/// One file into one engine.
#[derive(Serialize)]
struct Load {
    engine: &'static str,
    rows: u64,
    bare_per_second: f64,
    indexed_per_second: f64,
    import_per_second: f64,
    over_bare: f64,
    over_indexed: f64,
    peak_mb: f64,
    bars: Vec<Bar>,
}

/// Runs it on both engines and prints the table.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    let program = program()?;
    let folder = tempfile::tempdir()?;
    let sizes = if options.rows.is_empty() {
        &ROWS[..]
    } else {
        &options.rows
    };
    let mut loads = Vec::new();
    for rows in sizes.iter().copied() {
        let file = folder.path().join(format!("residents-{rows}.csv"));
        write(&file, rows)?;
        if options.only.as_deref() != Some("postgres") {
            loads.push(sqlite(&program, folder.path(), &file, rows).await?);
        }
        if options.only.as_deref() != Some("sqlite") {
            let server = std::env::var("SESSHU_BENCH_POSTGRES").context(
                "SESSHU_BENCH_POSTGRES names no PostgreSQL server; run by `cargo xtask bench import`",
            )?;
            loads.push(postgres(&program, folder.path(), &server, &file, rows).await?);
        }
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&loads)?);
    } else {
        println!("engine           rows   bare rows/s   indexed rows/s   import rows/s   peak MB");
        for load in &loads {
            println!(
                "{:<10} {:>10} {:>13.0} {:>16.0} {:>15.0} {:>9.1}",
                load.engine,
                load.rows,
                load.bare_per_second,
                load.indexed_per_second,
                load.import_per_second,
                load.peak_mb
            );
            say_bars(&load.bars);
        }
    }
    Ok(())
}

/// A file of residents as a city's system writes it.
fn write(path: &Path, rows: u64) -> anyhow::Result<()> {
    const FAMILIES: [(&str, &str); 4] = [
        ("佐藤", "サトウ"),
        ("鈴木", "スズキ"),
        ("髙橋", "タカハシ"),
        ("渡邉", "ワタナベ"),
    ];
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(
        "自治体コード,個別宛名番号,個人番号,券番号,氏名漢字,氏名カナ,生年月日,性別,異動区分,異動日,支援措置区分\r\n"
            .as_bytes(),
    )?;
    for row in 1..=rows {
        // Spread over names and years as people are, and the same in every run.
        let mixed = row.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let (name, kana) = FAMILIES
            .get(usize::try_from(mixed % 4)?)
            .context("no such family")?;
        let given = |letters: &str, count: u32| -> String {
            let letters: Vec<char> = letters.chars().collect();
            let size = letters.len() as u64;
            let chosen = (0..count).map(|place| mixed / 4 / size.pow(place) % size);
            chosen
                .filter_map(|at| letters.get(usize::try_from(at).ok()?))
                .collect()
        };
        write!(
            file,
            "{CITY},{row},,{row:010},{name} {},{kana} {},{}{:02}{:02},{},1,,0\r\n",
            given("子一郎美花太恵真由香健大和", 3),
            given("アイウエオカキクケコサシスセソタチツテト", 5),
            1930 + mixed % 90,
            1 + mixed % 12,
            1 + mixed % 28,
            1 + mixed % 2,
        )?;
    }
    Ok(file.flush()?)
}

/// The bare table: the same items as texts, without key and index.
const BARE: &str = "CREATE TABLE bare (a TEXT, b TEXT, c TEXT, d TEXT, e TEXT, f TEXT, g TEXT, h TEXT, i TEXT, j TEXT, k TEXT)";

async fn sqlite(program: &Path, folder: &Path, file: &Path, rows: u64) -> anyhow::Result<Load> {
    let bare = folder.join(format!("bare-{rows}.db"));
    let import = format!(".import --csv --skip 1 {} bare", file.display());
    let begun = Wall::now();
    let status = Command::new("sqlite3")
        .arg(&bare)
        .args([BARE, &import])
        .status();
    let status = status.context("there is no sqlite3; run by `cargo xtask bench import`")?;
    ensure!(status.success(), "sqlite3 .import failed");
    let bare = begun.elapsed();
    let database = folder.join(format!("sesshu-{rows}.db"));
    // An empty file is an empty database.
    File::create(&database)?;
    let config = config(folder, &database.display().to_string(), rows)?;
    let (ours, peak_mb) = import_by(program, &config, file, rows)?;
    let indexed = sqlite_indexed(folder, &database, rows).await?;
    let took = Took {
        bare,
        indexed,
        ours,
    };
    Ok(load("SQLite", rows, took, peak_mb, SQLITE_LEAST))
}

/// The rows of the import, in the file's order, and where they lie while they are put in again.
const ROWS_OF: [(&str, &str); 2] = [
    ("resident", "ORDER BY length(resident_no), resident_no"),
    ("coupon", "ORDER BY number"),
];

/// The engine alone, as durable as the program's own and with as large a cache.
async fn sqlite_indexed(folder: &Path, ours: &Path, rows: u64) -> anyhow::Result<Duration> {
    let (rows_in, alone) = (
        folder.join(format!("rows-{rows}.db")),
        folder.join(format!("alone-{rows}.db")),
    );
    let sqlite3 = |database: &Path, script: &str| -> anyhow::Result<()> {
        let status = Command::new("sqlite3")
            .args(["-bail", "-batch"])
            .arg(database)
            .arg(script)
            .stdout(Stdio::null())
            .status()?;
        ensure!(status.success(), "sqlite3 failed: {script}");
        Ok(())
    };
    let mut set_aside = format!("ATTACH '{}' AS ours;", ours.display());
    let mut put_in = format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;
         ATTACH '{}' AS aside; BEGIN IMMEDIATE;",
        rows_in.display()
    );
    for (table, order) in ROWS_OF {
        write!(
            set_aside,
            "CREATE TABLE {table} AS SELECT * FROM ours.{table} {order};"
        )?;
        write!(
            put_in,
            "INSERT INTO main.{table} SELECT * FROM aside.{table};"
        )?;
    }
    put_in.push_str("COMMIT;");
    sqlite3(&rows_in, &set_aside)?;
    with_tables(&Location::Sqlite(alone.clone())).await?;
    let begun = Wall::now();
    sqlite3(&alone, &put_in)?;
    Ok(begun.elapsed())
}

/// An empty database with the program's own tables.
async fn with_tables(location: &Location) -> anyhow::Result<()> {
    let db = Db::open(location).await?;
    store::migrations::migrate(&db).await?;
    db.close().await;
    Ok(())
}

async fn postgres(
    program: &Path,
    folder: &Path,
    server: &str,
    file: &Path,
    rows: u64,
) -> anyhow::Result<Load> {
    let bare_database = database(server, &format!("bare_{rows}")).await?;
    psql(&bare_database, &[BARE.to_owned()])?;
    let copy = format!("\\copy bare FROM '{}' (FORMAT csv, HEADER)", file.display());
    let begun = Wall::now();
    psql(&bare_database, &[copy])?;
    let bare = begun.elapsed();
    let database = database(server, &format!("import_{rows}")).await?;
    let Location::Postgres(address) = &database else {
        bail!("no PostgreSQL");
    };
    let config = config(folder, address, rows)?;
    let (ours, peak_mb) = import_by(program, &config, file, rows)?;
    let indexed = postgres_indexed(folder, server, &database, rows).await?;
    let took = Took {
        bare,
        indexed,
        ours,
    };
    Ok(load("PostgreSQL", rows, took, peak_mb, POSTGRES_LEAST))
}

/// Runs commands in one transaction.
fn psql(location: &Location, commands: &[String]) -> anyhow::Result<()> {
    let Location::Postgres(address) = location else {
        bail!("no PostgreSQL");
    };
    let mut psql = Command::new("psql");
    psql.args(["--quiet", "--no-psqlrc", "--single-transaction", address]);
    for command in commands {
        psql.args(["--command", command]);
    }
    let status = psql.status().context("there is no psql")?;
    ensure!(status.success(), "psql failed: {commands:?}");
    Ok(())
}

/// The engine alone.
async fn postgres_indexed(
    folder: &Path,
    server: &str,
    ours: &Location,
    rows: u64,
) -> anyhow::Result<Duration> {
    let (mut set_aside, mut put_in) = (Vec::new(), Vec::new());
    for (table, order) in ROWS_OF {
        let file = folder.join(format!("{table}-{rows}.copy"));
        let file = file.display();
        set_aside.push(format!(
            "\\copy (SELECT * FROM {table} {order}) TO '{file}'"
        ));
        put_in.push(format!("\\copy {table} FROM '{file}'"));
    }
    psql(ours, &set_aside)?;
    let alone = database(server, &format!("alone_{rows}")).await?;
    with_tables(&alone).await?;
    let begun = Wall::now();
    psql(&alone, &put_in)?;
    Ok(begun.elapsed())
}

/// A configuration that names the database, and no keys: the file has no Individual Numbers.
fn config(folder: &Path, database: &str, rows: u64) -> anyhow::Result<PathBuf> {
    let config = folder.join(format!("import-{rows}.toml"));
    std::fs::write(
        &config,
        format!(
            "listen = \"127.0.0.1:0\"\naddress = \"http://127.0.0.1\"\ndatabase = \"{database}\"\nlog = \"warn\"\n"
        ),
    )?;
    Ok(config)
}

/// Runs the import to its end: how long it took, and the most memory it held.
fn import_by(
    program: &Path,
    config: &Path,
    file: &Path,
    rows: u64,
) -> anyhow::Result<(Duration, f64)> {
    let begun = Wall::now();
    let mut child = Command::new(program)
        .args(["import", "residents"])
        .arg(file)
        .args(["--municipality", CITY])
        .arg("--config")
        .arg(config)
        .stdout(Stdio::piped())
        .spawn()
        .context("the program does not start")?;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak_mb = 0.0;
    let ended = loop {
        if let Ok(text) = std::fs::read_to_string(&status)
            && let Some(now) = peak(&text)
        {
            peak_mb = now;
        }
        match child.try_wait()? {
            Some(ended) => break ended,
            None => std::thread::sleep(LOOK),
        }
    };
    let took = begun.elapsed();
    ensure!(ended.success(), "the import ended with {ended}");
    let told: serde_json::Value =
        serde_json::from_reader(child.stdout.take().context("the import says nothing")?)?;
    let new = told
        .pointer("/done/new")
        .and_then(serde_json::Value::as_u64);
    ensure!(new == Some(rows), "not all were taken in: {told}");
    Ok((took, peak_mb))
}

/// `VmHWM`, the most memory a process ever held, in MB of a million bytes.
fn peak(status: &str) -> Option<f64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}

/// How long each way took.
struct Took {
    bare: Duration,
    indexed: Duration,
    ours: Duration,
}

fn load(engine: &'static str, rows: u64, took: Took, peak_mb: f64, least: f64) -> Load {
    let per_second = |took: Duration| rows as f64 / took.as_secs_f64();
    let over = |peer: Duration| peer.as_secs_f64() / took.ours.as_secs_f64();
    let (over_bare, over_indexed) = (over(took.bare), over(took.indexed));
    Load {
        engine,
        rows,
        bare_per_second: per_second(took.bare),
        indexed_per_second: per_second(took.indexed),
        import_per_second: per_second(took.ours),
        over_bare,
        over_indexed,
        peak_mb,
        bars: vec![
            Bar::least("import ÷ the engine's own loader, bare", over_bare, least),
            Bar::least(
                "import ÷ the engine alone, all indexes",
                over_indexed,
                INDEXED_LEAST,
            ),
            Bar::most("peak memory, MB", peak_mb, MEMORY_MOST_MB),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_the_kernels_own_words() {
        let status = "Name:\tsesshu\nVmPeak:\t  900000 kB\nVmHWM:\t   50000 kB\nVmRSS:\t 100 kB\n";
        assert_eq!(peak(status), Some(51.2));
        assert_eq!(peak("Name:\tsesshu\n"), None);
    }
}
