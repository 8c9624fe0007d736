//! `sesshu receipt`: receipt numbers (受領番号) held against the ledger.

use std::process::ExitCode;

use anyhow::anyhow;
use clap::Subcommand;
use domain::receipts::ReceiptNumber;
use store::Db;
use store::receipts::prove;

use crate::api::receipts::ProofBody;
use crate::cli::{Place, say};

/// What to do with a receipt.
#[derive(Subcommand)]
pub(super) enum Command {
    /// 受領番号を台帳と照合する / hold a receipt against the ledger
    Verify {
        /// 受領番号 / the receipt number
        number: String,
        #[command(flatten)]
        place: Place,
    },
}

/// Prints what the receipt proves; exits 0 only if it is genuine.
pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::Verify { number, place } = command;
    let number = ReceiptNumber::parse(&number).map_err(|refusal| anyhow!("{refusal}"))?;
    let db = Db::open_reading(&place.location()?).await?;
    let proof = ProofBody::of(number, prove(&db, number).await?);
    say(&serde_json::to_string_pretty(&proof)?);
    db.close().await;
    Ok(if proof.is_genuine() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
