//! `sesshu export`: a city's records into a file, from the command line.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use domain::access::{self, Action, CityPermit};
use domain::places::MunicipalityCode;
use exchange::encoding::Encoding;
use exchange::ledger::Width;
use exchange::table::Exported;
use store::Db;
use store::audit::View;
use store::exports::Kind;

use crate::cli::{Place, complain, coupons, say};
use crate::clock::fresh_id;
use crate::jobs::exports::{Outgoing, Wanted};
use crate::jobs::imports::operator;

/// Which look the access log is told of.
const VIEW: &str = "export";
/// What for, unless it is said.
const PURPOSE: &str = "other";

/// What to write.
#[derive(Subcommand)]
pub(super) enum Command {
    /// 予防接種台帳向け出力 / the people of the register with their doses
    Ledger(Options),
    /// 接種対象者登録待ちリスト出力 / doses whose person is not in the register yet
    Pending(Options),
    /// 接種券の一括印刷 / the coupons of a batch as PDF files, in the order of the mailing
    Coupons(coupons::Options),
}

/// Of which city, and how.
#[derive(Args)]
pub(super) struct Options {
    /// 市町村コード6桁 / the city's six digits
    #[arg(long, value_name = "CODE")]
    municipality: String,
    /// 文字コード / utf-8 or shift_jis
    #[arg(long, default_value = "utf-8")]
    encoding: String,
    /// 何回目まで(7は57列、2は17列) / turns with columns of their own: 7 (57 columns) or 2 (17)
    #[arg(long, default_value_t = 7)]
    turns: u8,
    /// 書き出すファイル(なければ標準出力) / the file; standard output if left out
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// 閲覧記録に残す目的 / what for, in the access log
    #[arg(long, default_value = PURPOSE, value_parser = crate::pages::persons::PURPOSES)]
    purpose: String,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let (kind, options) = match command {
        Command::Ledger(options) => (Kind::Ledger, options),
        Command::Pending(options) => (Kind::Pending, options),
        Command::Coupons(options) => return coupons::run(options).await,
    };
    let city = MunicipalityCode::parse(&options.municipality).map_err(|refusal| {
        anyhow!(
            "{}: 市町村コードではありません / not a municipality code ({refusal:?})",
            options.municipality
        )
    })?;
    let wanted = Wanted {
        kind,
        encoding: Encoding::parse(&options.encoding).ok_or_else(|| {
            anyhow!(
                "{}: 文字コードは utf-8 か shift_jis です / the encoding is utf-8 or shift_jis",
                options.encoding
            )
        })?,
        width: Width::of(options.turns).ok_or_else(|| {
            anyhow!(
                "{}: 回数は 2 か 7 です / the turns are 2 or 7",
                options.turns
            )
        })?,
    };
    let permit = access::city(&operator(city), Action::ExportLedger, city)
        .map_err(|_| anyhow!("the ledger may not be exported"))?;
    // Beside a running server: what is written is one line of the access log.
    let db = Db::open(&options.place.location()?).await?;
    store::migrations::reached(&db).await?;
    let done = write(&db, &permit, wanted, &options).await;
    db.close().await;
    tell(&done?, options.output.is_some())
}

async fn write(
    db: &Db,
    permit: &CityPermit,
    wanted: Wanted,
    options: &Options,
) -> anyhow::Result<Exported> {
    let outside = crate::clock::outside().context("the operating system gives no randomness")?;
    let view = View {
        id: fresh_id(&outside),
        at: (outside.now)(),
        number: None,
        view: VIEW.to_owned(),
        purpose: options.purpose.clone(),
    };
    let mut out: Box<dyn Write> = match &options.output {
        Some(path) => {
            let file = File::create(path);
            Box::new(file.with_context(|| {
                format!(
                    "{}: ファイルを書けません / the file cannot be written",
                    path.display()
                )
            })?)
        }
        None => Box::new(std::io::stdout()),
    };
    let cannot = "書き出しが途中で止まりました / the file could not be written to its end";
    let mut outgoing = Outgoing::begin(db, permit, wanted, &view).await?;
    while let Some(piece) = outgoing.piece().await? {
        out.write_all(&piece).context(cannot)?;
    }
    out.flush().context(cannot)?;
    Ok(outgoing.finish()?)
}

/// Says what was written, and every place where the file is not as the ledger: beside the file,
/// never in it.
fn tell(done: &Exported, to_a_file: bool) -> anyhow::Result<ExitCode> {
    for remark in &done.remarks {
        complain(&format!("{} / {}", remark.text_ja(), remark.text_en()));
    }
    let told = serde_json::to_string(&serde_json::json!({
        "rows": done.rows,
        "altered": done.remarks.len() as u64 + done.remarks_left_off,
        "doses_left_off": done.doses_left_off,
    }))?;
    if to_a_file {
        say(&told);
    } else {
        complain(&told);
    }
    Ok(ExitCode::SUCCESS)
}
