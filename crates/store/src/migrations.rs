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
    Migration {
        version: 6,
        text: include_str!("../migrations/0006_taken_chains.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 7,
        text: include_str!("../migrations/0007_imports.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 8,
        text: include_str!("../migrations/0008_individual_numbers.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 9,
        text: include_str!("../migrations/0009_resident_keys.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 10,
        text: include_str!("../migrations/0010_coupon_issues.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 11,
        text: include_str!("../migrations/0011_approvals.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 12,
        text: include_str!("../migrations/0012_inquiries_and_reports.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 13,
        text: include_str!("../migrations/0013_import_kinds.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 14,
        text: include_str!("../migrations/0014_sealed_pieces.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 17,
        text: include_str!("../migrations/0017_packs.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 18,
        text: include_str!("../migrations/0018_addresses.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 19,
        text: include_str!("../migrations/0019_withheld_looks.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 20,
        text: include_str!("../migrations/0020_devices.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 22,
        text: include_str!("../migrations/0022_lots.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 23,
        text: include_str!("../migrations/0023_venue_day.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 24,
        text: include_str!("../migrations/0024_opening_days_and_import_acts.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 25,
        text: include_str!("../migrations/0025_whereabouts.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 26,
        text: include_str!("../migrations/0026_stretches.sqlite.sql"),
        engines: Engines::OnlyEmbedded,
    },
    Migration {
        version: 27,
        text: include_str!("../migrations/0027_stretches.postgres.sql"),
        engines: Engines::OnlyPostgres,
    },
    Migration {
        version: 30,
        text: include_str!("../migrations/0030_supply.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 31,
        text: include_str!("../migrations/0031_cycles.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 32,
        text: include_str!("../migrations/0032_allocations.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 34,
        text: include_str!("../migrations/0034_stock.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 35,
        text: include_str!("../migrations/0035_deliveries.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 36,
        text: include_str!("../migrations/0036_transfers.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 37,
        text: include_str!("../migrations/0037_insist.postgres.sql"),
        engines: Engines::OnlyPostgres,
    },
    Migration {
        version: 40,
        text: include_str!("../migrations/0040_venues.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 41,
        text: include_str!("../migrations/0041_contracts.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 42,
        text: include_str!("../migrations/0042_own_codes.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 44,
        text: include_str!("../migrations/0044_orders_of_cycles.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 45,
        text: include_str!("../migrations/0045_drawn_figures.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 46,
        text: include_str!("../migrations/0046_given_transfers.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 47,
        text: include_str!("../migrations/0047_cold_chain.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 49,
        text: include_str!("../migrations/0049_monitors.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 50,
        text: include_str!("../migrations/0050_monitors_filled.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 51,
        text: include_str!("../migrations/0051_leftover_doses.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 52,
        text: include_str!("../migrations/0052_leftover_settled.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 53,
        text: include_str!("../migrations/0053_venue_files.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 54,
        text: include_str!("../migrations/0054_venues_by_name.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 55,
        text: include_str!("../migrations/0055_demand_counts.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 56,
        text: include_str!("../migrations/0056_queue_keys.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 57,
        text: include_str!("../migrations/0057_stated_figures.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 58,
        text: include_str!("../migrations/0058_replacement_requests.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 59,
        text: include_str!("../migrations/0059_draft_revisions.sql"),
        engines: Engines::Both,
    },
    Migration {
        version: 60,
        text: include_str!("../migrations/0060_stock_on_shelf.sql"),
        engines: Engines::Both,
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
        // Each by itself: what was written side by side may come in another order than its numbers.
        let done: Vec<(i64,)> = tx
            .query(sql!(
                "SELECT version FROM migration WHERE version >= 1 ORDER BY version"
            ))
            .all()
            .await?;
        for migration in MIGRATIONS
            .iter()
            .filter(|migration| !done.contains(&(migration.version,)))
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
    let done: Vec<(i64,)> = db
        .query(sql!(
            "SELECT version FROM migration WHERE version >= 1 ORDER BY version"
        ))
        .all()
        .await?;
    let reached = done.last().map_or(0, |(version,)| *version);
    let wanted = MIGRATIONS.iter().map(|migration| (migration.version,));
    if wanted.eq(done) {
        Ok(reached)
    } else {
        Err(Error::Unavailable(format!(
            "the tables are of version {reached}"
        )))
    }
}
