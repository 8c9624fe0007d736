//! `sesshu statistics`: the counts made from the ledgers.

use std::process::ExitCode;

use clap::Subcommand;

use crate::cli::{Place, running, say};

/// What to do with the counts.
#[derive(Subcommand)]
pub(super) enum Command {
    /// 集計を台帳から作り直す / count everything again from the ledgers
    Rebuild(Place),
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::Rebuild(place) = command;
    let db = running::open(&place.location()?).await?;
    let entries = store::statistics::rebuild(&db).await?;
    db.close().await;
    say(&format!("{entries}"));
    Ok(ExitCode::SUCCESS)
}
