//! `sesshu pack`: disaster packs (災害用一式) without a browser: for the cron of a city that wants them on a
//! stick or a printer every night.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use domain::access::{self, Action, CityPermit};
use domain::places::MunicipalityCode;
use store::Db;
use store::audit::View;
use store::imports::Decided;
use store::packs::{self, Asker, Pack, State};
use store::recorder::Outside;

use crate::cli::{Place, complain, say};
use crate::clock::fresh_id;
use crate::jobs::imports::operator;
use crate::jobs::packs::Packs;
use crate::pages::packs::{PURPOSE, VIEW, file_name};

/// How long to wait for a server that has one of the packs in hand.
const PAUSE: Duration = Duration::from_secs(1);

/// What to do with packs.
#[derive(Subcommand)]
pub(super) enum Command {
    /// 市と全会場の災害用一式を作って書き出す / make the packs of a city and its venues, and write them out
    Make(Options),
    /// 作ってある最新の一式を書き出す / write out the latest packs as they are
    Write(Options),
}

/// Of which city, and where to.
#[derive(Args)]
pub(super) struct Options {
    /// 市町村コード6桁 / the city's six digits
    #[arg(long, value_name = "CODE")]
    municipality: String,
    /// 書き出すフォルダー / the folder to write the PDFs into; it must be there
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let (make, options) = match command {
        Command::Make(options) => (true, options),
        Command::Write(options) => (false, options),
    };
    let city = MunicipalityCode::parse(&options.municipality).map_err(|refusal| {
        anyhow!(
            "{}: 市町村コードではありません / not a municipality code ({refusal:?})",
            options.municipality
        )
    })?;
    let permit = access::city(&operator(city), Action::IssueCoupons, city)
        .map_err(|_| anyhow!("packs may not be made"))?;
    let outside = crate::clock::outside().context("the operating system gives no randomness")?;
    // Beside a running server: whoever has a pack in hand has it alone.
    let db = Db::open(&options.place.location()?).await?;
    store::migrations::reached(&db).await?;
    let done = work(&db, &permit, &outside, (make, &options.output)).await;
    db.close().await;
    done
}

async fn work(
    db: &Db,
    permit: &CityPermit,
    outside: &Outside,
    (make, folder): (bool, &Path),
) -> anyhow::Result<ExitCode> {
    if make {
        let (now, id) = ((outside.now)(), || fresh_id(outside));
        let today = now.day_in_japan();
        let how = Decided {
            audit: id(),
            at: now,
        };
        packs::begin(db, Asker::City(permit), id(), today, how).await?;
        packs::begin_of_venues(db, permit, today, now, &id).await?;
        let job = Packs::new(db.clone(), outside.clone());
        while latest(db, permit, outside).await?.iter().any(at_work) {
            if !job.turn().await? {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    let mut is_whole = true;
    for (name, pack) in latest(db, permit, outside).await? {
        match pack.state {
            State::Done => {
                let view = View {
                    id: fresh_id(outside),
                    at: (outside.now)(),
                    number: None,
                    view: VIEW.to_owned(),
                    purpose: PURPOSE.to_owned(),
                };
                let file = packs::file(db, Asker::City(permit), pack.id, &view).await?;
                let (pack, pdf) = file.ok_or_else(|| anyhow!("the pack is gone"))?;
                let path = folder.join(file_name(&pack));
                std::fs::write(&path, pdf).with_context(|| {
                    format!(
                        "{}: ファイルを書けません / the file cannot be written",
                        path.display()
                    )
                })?;
                let told = serde_json::json!({
                    "file": path, "venue": name, "day": pack.day.to_string(),
                    "made_from": pack.created_at.rfc3339(), "expected": pack.expected, "forms": pack.forms,
                });
                say(&told.to_string());
            }
            State::Failed => {
                is_whole = false;
                complain(&format!(
                    "{}: 災害用一式を作れませんでした / the pack could not be made ({})",
                    name.as_deref().unwrap_or(permit.city().as_str()),
                    pack.failure.as_deref().unwrap_or_default()
                ));
            }
            State::Gathering | State::Printing => is_whole = false,
        }
    }
    Ok(if is_whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn at_work((_, pack): &(Option<String>, Pack)) -> bool {
    pack.state.is_at_work()
}

/// The latest pack of the city and of each of its venues, with the venue's name.
async fn latest(
    db: &Db,
    permit: &CityPermit,
    outside: &Outside,
) -> store::Result<Vec<(Option<String>, Pack)>> {
    let now = (outside.now)();
    let own = packs::list(db, Asker::City(permit), now).await?;
    let mut latest: Vec<(Option<String>, Pack)> =
        own.into_iter().take(1).map(|pack| (None, pack)).collect();
    for (name, pack) in packs::list_of_venues(db, permit, now).await? {
        if latest
            .last()
            .is_none_or(|(_, before)| before.venue != pack.venue)
        {
            latest.push((Some(name), pack));
        }
    }
    Ok(latest)
}
