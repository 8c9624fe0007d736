//! The bare engine: the rows that the server wrote, written again without the server.
//!
//! One transaction for each dose, as many at a time as the engine takes (SQLite: one), and batches
//! of [`BATCH`] doses in one transaction by multi-row inserts. Same tables, same indexes, same
//! durability; no judging, no hashing, no HTTP.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sqlx::QueryBuilder;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx_macros::FromRow;
use store::{Db, Location};
use tokio::task::JoinSet;

use crate::load::Measured;

/// Doses in one transaction, as many as the server's own batches may hold.
const BATCH: usize = 512;
/// Doses read back to be written again.
const ROWS_MAX: i64 = 60_000;

/// Everything the server wrote for one dose.
#[derive(Clone, FromRow)]
pub struct Row {
    municipality: String,
    seq: i64,
    id: Vec<u8>,
    act: String,
    at_micros: i64,
    by_user: Vec<u8>,
    organisation: Vec<u8>,
    device: String,
    input: String,
    personal: String,
    salt: Vec<u8>,
    commitment: Vec<u8>,
    hash: Vec<u8>,
    number: String,
    line: String,
    turn: i64,
    given_on: String,
    product: String,
    lot: String,
    doctor: String,
    venue_name: String,
    venue_city: String,
    standing: String,
    sex: String,
    age: String,
    findings: String,
    severity: i64,
    pending: i64,
    content: Vec<u8>,
    day: String,
}

/// Reads back what the server wrote.
pub async fn rows(location: &Location) -> anyhow::Result<Arc<Vec<Row>>> {
    let db = Db::open_reading(location).await?;
    let rows = db
        .query(
            "SELECT l.municipality, l.seq, l.id, l.act, l.at_micros, l.by_user, l.organisation, l.device, l.input,
                    l.personal, l.salt, l.commitment, l.hash, d.number, d.line, d.turn, d.given_on, d.product, d.lot,
                    d.doctor, d.venue_name, d.venue_city, d.standing, d.sex, d.age, d.findings, d.severity, d.pending,
                    r.content, r.day
             FROM ledger AS l
             JOIN dose AS d ON d.municipality = l.municipality AND d.dose_id = l.dose_id
             JOIN receipt AS r ON r.organisation = l.organisation AND r.id = l.id
             WHERE l.act = 'recorded' AND d.number IS NOT NULL
             ORDER BY l.id LIMIT $1",
        )
        .bind(ROWS_MAX)
        .all()
        .await?;
    db.close().await;
    Ok(Arc::new(rows))
}

/// What the bare engine does.
pub struct Bare {
    /// One transaction each, one at a time.
    pub alone: Measured,
    /// One transaction each, 64 at a time.
    pub each: Measured,
    /// Doses a second in batches.
    pub batched_per_second: f64,
}

const LEDGER: &str = "INSERT INTO ledger (municipality, seq, id, dose_id, act, at_micros, by_user, organisation, device, \
                      input, personal, salt, commitment, hash) ";
const DOSE: &str = "INSERT INTO dose (municipality, dose_id, number, seq, last_seq, recorded_at, line, turn, given_on, \
                    product, lot, doctor, venue, venue_name, venue_city, input, standing, sex, age, findings, severity, \
                    pending, confirmed, contested) ";
const RECEIPT: &str =
    "INSERT INTO receipt (organisation, id, municipality, dose_id, seq, act, content, day) ";
const CHAIN: &str = "INSERT INTO chain (municipality, seq, hash) VALUES ($1, $2, $3) \
                     ON CONFLICT (municipality) DO UPDATE SET seq = excluded.seq, hash = excluded.hash";

macro_rules! bare {
    ($name:ident, $engine:ty, $begin:literal) => {
        mod $name {
            use super::*;

            type Pool = sqlx::Pool<$engine>;

            async fn write(pool: &Pool, rows: &[Row]) -> sqlx::Result<()> {
                let mut tx = pool.begin_with($begin).await?;
                let mut ledger = QueryBuilder::<$engine>::new(LEDGER);
                ledger.push_values(rows, |mut to, row| {
                    to.push_bind(&row.municipality)
                        .push_bind(row.seq)
                        .push_bind(&row.id)
                        .push_bind(&row.id);
                    to.push_bind(&row.act)
                        .push_bind(row.at_micros)
                        .push_bind(&row.by_user);
                    to.push_bind(&row.organisation)
                        .push_bind(&row.device)
                        .push_bind(&row.input);
                    to.push_bind(&row.personal)
                        .push_bind(&row.salt)
                        .push_bind(&row.commitment)
                        .push_bind(&row.hash);
                });
                ledger.build().execute(&mut *tx).await?;
                let mut dose = QueryBuilder::<$engine>::new(DOSE);
                dose.push_values(rows, |mut to, row| {
                    to.push_bind(&row.municipality)
                        .push_bind(&row.id)
                        .push_bind(&row.number)
                        .push_bind(row.seq);
                    to.push_bind(row.seq)
                        .push_bind(row.at_micros)
                        .push_bind(&row.line)
                        .push_bind(row.turn);
                    to.push_bind(&row.given_on)
                        .push_bind(&row.product)
                        .push_bind(&row.lot)
                        .push_bind(&row.doctor);
                    to.push_bind(&row.organisation)
                        .push_bind(&row.venue_name)
                        .push_bind(&row.venue_city);
                    to.push_bind(&row.input)
                        .push_bind(&row.standing)
                        .push_bind(&row.sex)
                        .push_bind(&row.age);
                    to.push_bind(&row.findings)
                        .push_bind(row.severity)
                        .push_bind(row.pending);
                    to.push_bind(0_i64).push_bind(0_i64);
                });
                dose.build().execute(&mut *tx).await?;
                let mut receipt = QueryBuilder::<$engine>::new(RECEIPT);
                receipt.push_values(rows, |mut to, row| {
                    to.push_bind(&row.organisation)
                        .push_bind(&row.id)
                        .push_bind(&row.municipality);
                    to.push_bind(&row.id)
                        .push_bind(row.seq)
                        .push_bind(&row.act)
                        .push_bind(&row.content);
                    to.push_bind(&row.day);
                });
                receipt.build().execute(&mut *tx).await?;
                // The last entry of each city is where its chain stands.
                let mut heads: std::collections::BTreeMap<&str, &Row> =
                    std::collections::BTreeMap::new();
                for row in rows {
                    let head = heads.entry(&row.municipality).or_insert(row);
                    if row.seq > head.seq {
                        *head = row;
                    }
                }
                for (city, row) in heads {
                    sqlx::query(CHAIN)
                        .bind(city)
                        .bind(row.seq)
                        .bind(&row.hash)
                        .execute(&mut *tx)
                        .await?;
                }
                tx.commit().await
            }

            /// One transaction for each row, `tasks` at a time; the rows from `from` on.
            pub async fn each(
                pool: &Pool,
                rows: &Arc<Vec<Row>>,
                from: &Arc<AtomicUsize>,
                tasks: usize,
                wall: Duration,
            ) -> anyhow::Result<Measured> {
                let begun = Instant::now();
                let mut set = JoinSet::new();
                for _ in 0..tasks {
                    let (pool, rows, from) = (pool.clone(), Arc::clone(rows), Arc::clone(from));
                    set.spawn(async move {
                        let mut taken = Vec::new();
                        while begun.elapsed() < wall {
                            let index = from.fetch_add(1, Ordering::Relaxed);
                            let Some(row) = rows.get(index) else { break };
                            let sent = Instant::now();
                            write(&pool, std::slice::from_ref(row)).await?;
                            taken.push(sent.elapsed());
                        }
                        Ok::<_, sqlx::Error>(taken)
                    });
                }
                let mut taken = Vec::new();
                while let Some(done) = set.join_next().await {
                    taken.extend(done??);
                }
                Ok(Measured::of(taken, begun.elapsed(), 0))
            }

            /// Batches, one after the other.
            pub async fn batched(pool: &Pool, rows: &[Row], wall: Duration) -> anyhow::Result<f64> {
                let begun = Instant::now();
                let mut written = 0;
                for batch in rows.chunks(BATCH) {
                    if begun.elapsed() >= wall {
                        break;
                    }
                    write(pool, batch).await?;
                    written += batch.len();
                }
                Ok(written as f64 / begun.elapsed().as_secs_f64())
            }
        }
    };
}

bare!(sqlite, sqlx::Sqlite, "BEGIN IMMEDIATE");
bare!(postgres, sqlx::Postgres, "BEGIN");

/// Measures the bare engine on an empty database of its own.
pub async fn measure(
    location: &Location,
    rows: &Arc<Vec<Row>>,
    wall: Duration,
) -> anyhow::Result<Bare> {
    let db = Db::open(location).await?;
    store::migrations::migrate(&db).await?;
    db.close().await;
    let from = Arc::new(AtomicUsize::new(0));
    match location {
        Location::Sqlite(path) => {
            let pool = sqlite_pool(path).await?;
            let alone = sqlite::each(&pool, rows, &from, 1, wall).await?;
            let each = sqlite::each(&pool, rows, &from, 64, wall).await?;
            let rest = rows.get(from.load(Ordering::Relaxed)..).unwrap_or_default();
            let batched_per_second = sqlite::batched(&pool, rest, wall).await?;
            Ok(Bare {
                alone,
                each,
                batched_per_second,
            })
        }
        Location::Postgres(url) => {
            let pool = PgPoolOptions::new()
                .max_connections(64)
                .connect(url)
                .await?;
            let alone = postgres::each(&pool, rows, &from, 1, wall).await?;
            let each = postgres::each(&pool, rows, &from, 64, wall).await?;
            let rest = rows.get(from.load(Ordering::Relaxed)..).unwrap_or_default();
            let batched_per_second = postgres::batched(&pool, rest, wall).await?;
            Ok(Bare {
                alone,
                each,
                batched_per_second,
            })
        }
    }
}

async fn sqlite_pool(path: &Path) -> sqlx::Result<sqlx::SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", "-65536");
    SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(60))
        .connect_with(options)
        .await
}
