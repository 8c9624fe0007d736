//! The command line.

mod account;
mod allocate;
mod coupons;
mod demo;
mod export;
mod import;
mod keys;
mod ledger;
mod pack;
mod read;
mod recall;
mod receipt;
mod rules;
mod running;
mod serve;
mod statistics;
mod stock;
mod verify;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Parser, Subcommand};
use store::Location;

use crate::config;
use crate::keys::Keys;

/// Where the demonstration keeps its data unless told otherwise.
const DEMO_FOLDER: &str = "sesshu-data";
/// The database in the demonstration's folder.
const DEMO_DATABASE: &str = "sesshu.db";
/// The keys beside it.
const DEMO_KEYS: &str = "individual-number-keys";

/// 予防接種記録システム / a vaccination record system
#[derive(Parser)]
#[command(name = "sesshu", version, about, long_about = None)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// デモデータを作って起動する / make demonstration data and serve it
    Demo(demo::Options),
    /// 設定ファイルで起動する / serve as a configuration file says
    Serve(serve::Options),
    /// 写真から18桁を読む / read the 18 digits out of pictures
    Read(read::Options),
    /// 接種の規則を試す / check rules and forecast doses by them
    #[command(subcommand)]
    Rules(rules::Command),
    /// 配分案を計算する / propose who gets how much
    Allocate(allocate::Options),
    /// 台帳と集計を検証する / walk every chain and every projection
    Verify(Place),
    /// 台帳 / a city's ledger
    #[command(subcommand)]
    Ledger(ledger::Command),
    /// 受領番号 / receipt numbers
    #[command(subcommand)]
    Receipt(receipt::Command),
    /// 台帳をCSVに書き出す / write a city's records into a file
    #[command(subcommand)]
    Export(export::Command),
    /// ファイルを取り込む / take a file in
    #[command(subcommand)]
    Import(import::Command),
    /// 災害用一式 / disaster packs
    #[command(subcommand)]
    Pack(pack::Command),
    /// 個人番号の鍵 / the keys of the Individual Numbers
    #[command(subcommand)]
    Keys(keys::Command),
    /// 在庫 / the books of the vaccine
    #[command(subcommand)]
    Stock(stock::Command),
    /// ロットの所在と接種者を調べる / where the vials of a lot are, and who was given one
    Recall(recall::Options),
    /// 集計 / the statistics
    #[command(subcommand)]
    Statistics(statistics::Command),
    /// 利用者 / people with a login
    #[command(subcommand)]
    Account(account::Command),
}

/// Which data a command is about.
#[derive(Args, Clone)]
struct Place {
    /// デモのフォルダー / the folder of a demonstration
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    data: Option<PathBuf>,
    /// 設定ファイル / the configuration of a server
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Place {
    /// Where the data is; an embedded database must be there already.
    fn location(&self) -> anyhow::Result<Location> {
        let location = match &self.config {
            Some(path) => config::read(path)?.database,
            None => {
                let folder = self.data.clone().unwrap_or_else(|| DEMO_FOLDER.into());
                Location::Sqlite(folder.join(DEMO_DATABASE))
            }
        };
        if let Location::Sqlite(path) = &location
            && !path.exists()
        {
            bail!(
                "データベース {0} がありません。--data か --config で指定してください。\nThere is no database {0}; name it by --data or --config.",
                path.display()
            );
        }
        Ok(location)
    }

    /// Where the keys of the Individual Numbers (個人番号) in that data are.
    fn keys(&self, location: &Location) -> anyhow::Result<Keys> {
        Ok(match (&self.config, location) {
            (Some(path), _) => config::read(path)?.individual_number_keys,
            (None, Location::Sqlite(database)) => Keys::File(database.with_file_name(DEMO_KEYS)),
            (None, Location::Postgres(_)) => Keys::None,
        })
    }
}

/// Runs what the command line says.
#[must_use]
pub fn main() -> ExitCode {
    let line = Line::parse();
    let outcome = match line.command {
        Command::Read(options) => read::run(&options),
        Command::Rules(command) => rules::run(&command),
        Command::Allocate(options) => allocate::run(&options),
        command => within_runtime(command),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            // `{:#}` tells the whole chain of causes on one line.
            complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn within_runtime(command: Command) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match command {
            Command::Demo(options) => demo::run(options).await,
            Command::Serve(options) => serve::run(options).await,
            Command::Verify(place) => verify::run(&place).await,
            Command::Ledger(command) => ledger::run(command).await,
            Command::Receipt(command) => receipt::run(command).await,
            Command::Export(command) => export::run(command).await,
            Command::Import(command) => import::run(command).await,
            Command::Pack(command) => pack::run(command).await,
            Command::Keys(command) => keys::run(command).await,
            Command::Stock(command) => stock::run(command).await,
            Command::Recall(options) => recall::run(options).await,
            Command::Statistics(command) => statistics::run(command).await,
            Command::Account(command) => account::run(command).await,
            Command::Read(options) => read::run(&options),
            Command::Rules(command) => rules::run(&command),
            Command::Allocate(options) => allocate::run(&options),
        }
    })
}

/// Says something on standard output; nobody listening is no mistake.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Says something on standard error.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
