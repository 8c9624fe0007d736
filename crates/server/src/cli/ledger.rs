//! `sesshu ledger`: a city's ledger for outsiders who want to compute its chain again.

use std::process::ExitCode;

use anyhow::anyhow;
use clap::Subcommand;
use domain::access::{
    self, Action, Actor, OrganisationId, OrganisationKind, Role, Territory, UserId,
};
use domain::places::MunicipalityCode;
use store::Db;
use store::ledger::Walk;
use uuid::Uuid;

use crate::cli::{Place, say};

/// What to do with a ledger.
#[derive(Subcommand)]
pub(super) enum Command {
    /// 台帳をハッシュつきのNDJSONで書き出す / print the entries as NDJSON with their hashes
    Export {
        /// 市町村コード6桁 / the city's six digits
        #[arg(long, value_name = "CODE")]
        municipality: String,
        #[command(flatten)]
        place: Place,
    },
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::Export {
        municipality,
        place,
    } = command;
    let city = MunicipalityCode::parse(&municipality).map_err(|refusal| {
        anyhow!(
            "{municipality}: 市町村コードではありません / not a municipality code ({refusal:?})"
        )
    })?;
    let permit = access::city(&operator(city), Action::ExportLedger, city)
        .map_err(|_| anyhow!("the ledger may not be exported"))?;
    let db = Db::open_reading(&place.location()?).await?;
    let mut tx = db.begin_reading().await?;
    let mut walk = Walk::of(&permit);
    loop {
        let entries = walk.next(&mut tx).await?;
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            say(&serde_json::to_string(&entry)?);
        }
    }
    tx.commit().await?;
    db.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Who holds the database's file or password reads it with the city's own right: nobody's account
/// is behind it, and the nil id says so.
fn operator(city: MunicipalityCode) -> Actor {
    Actor {
        user: UserId(Uuid::nil()),
        organisation: OrganisationId(Uuid::nil()),
        kind: OrganisationKind::City,
        role: Role::Administrator,
        territory: Territory::City(city),
    }
}
