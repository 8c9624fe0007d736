//! `sesshu stock`: the books of the vaccine (在庫).

use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use serde_json::json;
use store::Db;

use crate::cli::{Place, running, say};

/// What to do with the books.
#[derive(Subcommand)]
pub(super) enum Command {
    /// 在庫の帳尻を証明する / prove the identities of every venue, every lot and the nation
    Prove(Place),
    /// 使用数を台帳から数え直す / take the doses again from the ledgers, and book what differs
    Rebuild(Place),
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Prove(place) => prove(&place).await,
        Command::Rebuild(place) => rebuild(&place).await,
    }
}

/// Prints what was proven and the first difference; exits 0 only when everything holds.
async fn prove(place: &Place) -> anyhow::Result<ExitCode> {
    let outside = crate::clock::outside().context("the operating system gives no randomness")?;
    let db = Db::open_reading(&place.location()?).await?;
    let proof = store::stock::prove(&db, (outside.now)()).await?;
    let mut told = serde_json::to_value(&proof)?;
    if let Some(members) = told.as_object_mut() {
        members.insert("holds".to_owned(), json!(proof.holds()));
    }
    say(&serde_json::to_string_pretty(&told)?);
    db.close().await;
    Ok(if proof.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn rebuild(place: &Place) -> anyhow::Result<ExitCode> {
    let outside = crate::clock::outside().context("the operating system gives no randomness")?;
    let db = running::open(&place.location()?).await?;
    let entries = store::stock::rebuild(&db, (outside.now)()).await?;
    db.close().await;
    say(&format!("{entries}"));
    Ok(ExitCode::SUCCESS)
}
