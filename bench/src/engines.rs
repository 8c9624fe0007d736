//! The same measurement on each engine, in a database of its own that is gone afterwards.

use anyhow::Context;
use serde::Serialize;
use store::Location;

use crate::Options;

/// Measures `what` on the engines that are asked for, one after the other, and tells it.
pub async fn on_each<T: Serialize>(
    what: &str,
    options: &Options,
    measure: impl AsyncFn(&'static str, &Location, &Options) -> anyhow::Result<T>,
    print: impl Fn(&T),
) -> anyhow::Result<()> {
    let mut engines = Vec::new();
    if options.only.as_deref() != Some("postgres") {
        let folder = tempfile::tempdir()?;
        let at = Location::Sqlite(folder.path().join(format!("{what}.db")));
        engines.push(measure("SQLite", &at, options).await?);
    }
    if options.only.as_deref() != Some("sqlite") {
        let server = std::env::var("SESSHU_BENCH_POSTGRES").with_context(|| {
            format!(
                "SESSHU_BENCH_POSTGRES names no PostgreSQL server; run by `cargo xtask bench {what}`"
            )
        })?;
        let at = database(&server, what).await?;
        engines.push(measure("PostgreSQL", &at, options).await?);
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&engines)?);
    } else {
        engines.iter().for_each(print);
    }
    Ok(())
}

/// An empty database of its own on the server.
pub async fn database(server: &str, what: &str) -> anyhow::Result<Location> {
    use sqlx::Connection;
    let name = format!("sesshu_bench_{what}_{}", std::process::id());
    let mut connection = sqlx::PgConnection::connect(server).await?;
    let create = format!(
        "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(create))
        .execute(&mut connection)
        .await?;
    let (front, _) = server
        .rsplit_once('/')
        .context("no database in the address")?;
    Ok(Location::Postgres(format!("{front}/{name}")))
}
