//! `sesshu verify`: the proof that every chain, record and count agrees.

use std::process::ExitCode;

use serde_json::json;
use store::Db;

use crate::cli::{Place, say};

/// Prints what was checked and the first difference; exits 0 only when everything holds.
pub(super) async fn run(place: &Place) -> anyhow::Result<ExitCode> {
    let db = Db::open_reading(&place.location()?).await?;
    let report = store::verify::verify(&db).await?;
    let mut told = serde_json::to_value(&report)?;
    if let Some(members) = told.as_object_mut() {
        members.insert("holds".to_owned(), json!(report.holds()));
    }
    say(&serde_json::to_string_pretty(&told)?);
    db.close().await;
    Ok(if report.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
