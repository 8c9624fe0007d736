//! The tables, made step by step and never twice.
//!
//! `{bytes}`, `{text}` and `{clustered}` are spelled per engine by [`Db`]; a script whose name says
//! `postgres` or `sqlite` runs there only. A script that has landed is never edited: a new one follows it.

use crate::db::{Db, sql, transact};
use crate::error::{Error, Result};

struct Migration {
    version: i64,
    text: &'static str,
    engines: Engines,
}

#[derive(PartialEq, Eq)]
enum Engines {
    Both,
    OnlyEmbedded,
    OnlyPostgres,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        text: include_str!("../migrations/0001_json_functions.postgres.sql"),
        engines: Engines::OnlyPostgres,
    },
    Migration {
        version: 2,
        text: include_str!("../migrations/0002_ledger.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 3,
        text: include_str!("../migrations/0003_accounts.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 4,
        text: include_str!("../migrations/0004_fewer_indexes.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 5,
        text: include_str!("../migrations/0005_wide_rows.sqlite.sql"),
        engines: Engines::OnlyEmbedded,
    },
];

/// Brings the tables up to this program's version; safe to run at every start.
///
/// # Errors
/// The database's own.
pub async fn migrate(db: &Db) -> Result<()> {
    transact!(db, |tx| {
        tx.script(db.dialect("CREATE TABLE IF NOT EXISTS migration (version BIGINT PRIMARY KEY)"))
            .await?;
        let done: Option<(i64,)> = tx
            .query(sql!(
                "SELECT version FROM migration ORDER BY version DESC LIMIT 1"
            ))
            .optional()
            .await?;
        let reached = done.map_or(0, |(version,)| version);
        for migration in MIGRATIONS
            .iter()
            .filter(|migration| migration.version > reached)
        {
            let elsewhere = if db.is_embedded() {
                Engines::OnlyPostgres
            } else {
                Engines::OnlyEmbedded
            };
            if migration.engines != elsewhere {
                tx.script(db.dialect(migration.text)).await?;
            }
            tx.query(sql!("INSERT INTO migration (version) VALUES ($1)"))
                .bind(migration.version)
                .expect(1)
                .await?;
        }
    })
}

/// How far the tables have been brought, once they are as this program wants them.
///
/// # Errors
/// [`Error::Unavailable`] if the database does not answer or its tables are of another version.
pub async fn reached(db: &Db) -> Result<i64> {
    let (reached,): (i64,) = db
        .query(sql!(
            "SELECT version FROM migration ORDER BY version DESC LIMIT 1"
        ))
        .one()
        .await?;
    if MIGRATIONS
        .last()
        .is_some_and(|last| last.version == reached)
    {
        Ok(reached)
    } else {
        Err(Error::Unavailable(format!(
            "the tables are of version {reached}"
        )))
    }
}
