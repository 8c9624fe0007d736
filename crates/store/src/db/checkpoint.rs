//! Carries the log of an embedded database into its file, beside the one who writes.
//!
//! Left to itself the engine does so within a commit: once in some thousand pages everybody waits for
//! the disk. Here another connection carries most of it while the writer goes on, and the
//! writer's own the little that came meanwhile, so that the log can begin anew.

use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Sqlite, SqliteConnection};
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;

use super::disk::Disk;
use super::writer::Writer;

/// How often it is looked whether there is enough to carry: a tenth of what comes in between two times at
/// full speed.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Pages in the log from which on they are carried (16 MB): each is written once, however often it was
/// changed, so rare times write less.
const PAGES: i64 = 4000;
/// Pages at which the engine does it within a commit after all, because nobody else did.
pub(super) const PAGES_MAX: &str = "16000";

/// Whoever carries; ends when asked to, or when the database is dropped.
pub(super) struct Carrier {
    /// Its end lets the task end.
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Carrier {
    /// Begins on a connection of its own.
    pub async fn begin(
        options: SqliteConnectOptions,
        disk: Arc<Disk>,
        writer: &Arc<Mutex<Writer<Sqlite>>>,
    ) -> sqlx::Result<Self> {
        let connection = options.connect().await?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(carry(connection, disk, Arc::downgrade(writer), stopped));
        Ok(Self { stop, task })
    }

    /// Ends, with the connection closed.
    pub async fn end(self) {
        drop(self.stop);
        // A task that has panicked has ended too.
        drop(self.task.await);
    }
}

async fn carry(
    mut connection: SqliteConnection,
    disk: Arc<Disk>,
    writer: Weak<Mutex<Writer<Sqlite>>>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut seen = 0;
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            _ = looks.tick() => {}
        }
        let commits = disk.commits();
        if commits == seen {
            continue;
        }
        seen = commits;
        let Some(writer) = writer.upgrade() else {
            break;
        };
        if let Err(error) = carry_if_much(&mut connection, &writer).await {
            // Nothing is lost: the log is as good as the file, and the engine carries it at the latest
            // when it is four times as long.
            tracing::warn!(%error, "database.log_not_carried");
        }
    }
    drop(connection.close().await);
}

async fn carry_if_much(
    connection: &mut SqliteConnection,
    writer: &Arc<Mutex<Writer<Sqlite>>>,
) -> sqlx::Result<()> {
    let (_, pages, _) = checkpoint("PRAGMA wal_checkpoint(NOOP)", connection).await?;
    if pages < PAGES {
        return Ok(());
    }
    checkpoint(PASSIVE, connection).await?;
    let mut writer = writer.lock().await;
    let live = writer.ready().await?;
    checkpoint(PASSIVE, live.connection()).await?;
    Ok(())
}

/// Carries what no reader stands in the way of, and waits for nobody.
const PASSIVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// Whether somebody stood in the way, pages in the log, and how many of them are in the file.
async fn checkpoint(
    pragma: &'static str,
    connection: &mut SqliteConnection,
) -> sqlx::Result<(i64, i64, i64)> {
    sqlx::query_as(pragma).fetch_one(connection).await
}
