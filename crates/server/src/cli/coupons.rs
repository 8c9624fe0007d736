//! `sesshu export coupons`: a whole batch of coupons into a folder, for the printing shop.
//!
//! A file is whole or not there: it is written beside its name and renamed. So whoever starts again
//! after an interruption goes on with the first file that is missing.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use domain::access::{self, Action, CityPermit};
use domain::places::{MunicipalityCode, Places};
use store::Db;
use store::audit::{self, View};
use store::coupons::{self, State};
use uuid::Uuid;

use crate::cli::{Place, complain, say};
use crate::clock::fresh_id;
use crate::jobs::imports::operator;
use crate::pages::coupon_batches::{name_of, print_of};
use crate::pages::papers::{Letterhead, print_coupons};

/// Which look the access log is told of, and what for.
const VIEW: &str = "coupon-file";
const PURPOSE: &str = "mailing";

/// Which batch, and where to.
#[derive(Args)]
pub(super) struct Options {
    /// 市町村コード6桁 / the city's six digits
    #[arg(long, value_name = "CODE")]
    municipality: String,
    /// 一括発行の番号(画面のアドレスの末尾) / the batch: the end of its page's address
    #[arg(long, value_name = "ID")]
    batch: Uuid,
    /// 書き出すフォルダー / the folder to write into
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    #[command(flatten)]
    place: Place,
}

/// What became of the files.
#[derive(Default)]
struct Written {
    files: u64,
    there_before: u64,
    people: u64,
    refused: u64,
}

pub(super) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let city = MunicipalityCode::parse(&options.municipality).map_err(|refusal| {
        anyhow!(
            "{}: 市町村コードではありません / not a municipality code ({refusal:?})",
            options.municipality
        )
    })?;
    let permit = access::city(&operator(city), Action::IssueCoupons, city)
        .map_err(|_| anyhow!("the coupons may not be printed"))?;
    // Beside a running server: what is written is one line of the access log.
    let db = Db::open(&options.place.location()?).await?;
    store::migrations::reached(&db).await?;
    let written = write(&db, &permit, &options).await;
    db.close().await;
    let written = written?;
    say(&serde_json::json!({
        "files": written.files,
        "there_before": written.there_before,
        "people": written.people,
        "refused": written.refused,
    })
    .to_string());
    Ok(if written.refused == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn write(db: &Db, permit: &CityPermit, options: &Options) -> anyhow::Result<Written> {
    let batch = coupons::batch(db, permit, options.batch).await?;
    let batch = batch.with_context(|| {
        format!(
            "{}: その一括発行はありません / there is no such batch",
            options.batch
        )
    })?;
    if batch.state != State::Done {
        bail!(
            "まだ発行済みではありません({0}) / the batch is not done yet ({0})",
            batch.state.as_str()
        );
    }
    let outside = crate::clock::outside().context("the operating system gives no randomness")?;
    let now = (outside.now)();
    let view = View {
        id: fresh_id(&outside),
        at: now,
        number: None,
        view: VIEW.to_owned(),
        purpose: PURPOSE.to_owned(),
    };
    audit::looked(db, permit, &view).await?;
    let said = store::senders::on(db, permit, now.day_in_japan()).await?;
    let city = permit.city();
    let name = Places::bundled().any(city).map(|place| place.name.as_str());
    let letterhead = Letterhead::of(city, name.unwrap_or_default(), said);
    fs::create_dir_all(&options.into)?;
    let mut written = Written::default();
    for file in 1..=i64::try_from(batch.files)? {
        let path = options.into.join(name_of(&batch, file));
        if path.exists() {
            written.there_before += 1;
            continue;
        }
        let people = coupons::papers(db, permit, batch.id, file).await?;
        if people.is_empty() {
            continue;
        }
        match print_coupons(&letterhead, &people, print_of(&batch)) {
            Ok(pdf) => {
                whole(&path, &pdf)?;
                written.files += 1;
                written.people += people.len() as u64;
            }
            Err(refusal) => {
                written.refused += 1;
                complain(&format!("{}: {refusal}", path.display()));
            }
        }
    }
    Ok(written)
}

/// Writes a file so that its name is there once it is whole, and not before.
fn whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let beside = path.with_extension("part");
    let cannot = || {
        format!(
            "{}: ファイルを書けません / the file cannot be written",
            path.display()
        )
    };
    let mut out = File::create(&beside).with_context(cannot)?;
    out.write_all(bytes).with_context(cannot)?;
    out.sync_all().with_context(cannot)?;
    fs::rename(&beside, path).with_context(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("coupons.pdf");
        fs::write(
            path.with_extension("part"),
            "half of it, as after a loss of power",
        )
        .unwrap();
        assert!(!path.exists());
        whole(&path, b"all").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"all");
        assert!(!path.with_extension("part").exists());
    }
}
