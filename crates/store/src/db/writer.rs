//! The connections that the ledger is written through.

use std::sync::Arc;

use sqlx::{ConnectOptions, Connection, Database, Executor, IntoArguments, Postgres, Sqlite};
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};

use super::disk::{Disk, Durable};
use super::{ACQUIRE_TIMEOUT, Tx, TxEngine};
use crate::error::{Error, Result};

/// Uses after which plans are made anew at the latest.
const REPLAN_EVERY: u64 = 1024;

/// What a ledger writer writes through.
pub(crate) enum LedgerWriter {
    Sqlite(Arc<Mutex<Writer<Sqlite>>>),
    Postgres(Arc<Mutex<Writer<Postgres>>>),
}

impl LedgerWriter {
    /// Begins a transaction that writes under the locks it takes.
    pub async fn begin(&self) -> Result<Tx> {
        let engine = match self {
            Self::Sqlite(writer) => TxEngine::SqliteWriting(Writer::begin(writer).await?),
            Self::Postgres(writer) => TxEngine::PostgresWriting(Writer::begin(writer).await?),
        };
        Ok(Tx { engine })
    }

    /// The connection without a transaction, each statement for itself; none on the embedded engine,
    /// where nothing is saved by it.
    pub async fn without_transaction(&self) -> Result<Option<Tx>> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(writer) => {
                let engine = TxEngine::PostgresWriting(Writer::hold(writer).await?);
                Ok(Some(Tx { engine }))
            }
        }
    }

    /// Ends a connection of its own; the embedded engine's is everybody's.
    pub async fn close(&self) {
        if let Self::Postgres(writer) = self {
            writer.lock().await.close().await;
        }
    }
}

/// A connection that writes for the ledger, used by one after the other. Not a pool of one: a pool
/// asks a connection whether it is well before and after each use, which costs a lone report more
/// than its rows, and it is bound to the runtime that opened it.
pub(crate) struct Writer<E: Database> {
    options: <E::Connection as Connection>::Options,
    begin: &'static str,
    /// What makes the engine think again about its plans, if it keeps them.
    replan: Option<&'static str>,
    /// Where commits go whose engine does not wait for the disk itself.
    disk: Option<Arc<Disk>>,
    /// Uses so far.
    count: u64,
    /// None before the first use, after a fault of the connection's own, and once closed.
    live: Option<Live<E>>,
    closed: bool,
}

pub(crate) struct Live<E: Database> {
    connection: E::Connection,
    /// A transaction was begun and not committed: whoever began it has it, or went away.
    begun: bool,
}

type Held<E> = OwnedMappedMutexGuard<Writer<E>, Live<E>>;

/// A transaction on a writer's connection. Dropped without a commit it is taken back at once: its
/// locks keep other servers from the same cities.
pub(crate) struct Writing<E: Database>
where
    for<'c> &'c mut E::Connection: Executor<'c, Database = E>,
    E::Arguments: IntoArguments<E>,
{
    held: Held<E>,
    writer: Arc<Mutex<Writer<E>>>,
    begin: &'static str,
    disk: Option<Arc<Disk>>,
}

impl<E: Database> Writing<E>
where
    for<'c> &'c mut E::Connection: Executor<'c, Database = E>,
    E::Arguments: IntoArguments<E>,
{
    pub fn connection(&mut self) -> &mut E::Connection {
        &mut self.held.connection
    }

    /// The text that begins a transaction, for a caller who sends it before its own; from now on it
    /// counts as begun.
    pub fn begun_by_the_caller(&mut self) -> Option<&'static str> {
        self.held.begun = true;
        Some(self.begin)
    }

    /// Commits, and lets the next one write before it is known when this is durable.
    pub async fn commit(mut self) -> sqlx::Result<Durable> {
        sqlx::query("COMMIT")
            .execute(&mut self.held.connection)
            .await?;
        self.held.begun = false;
        let disk = self.disk.take();
        Ok(disk.map_or(Durable::NOW, |disk| disk.committed()))
    }
}

impl<E: Database> Drop for Writing<E>
where
    for<'c> &'c mut E::Connection: Executor<'c, Database = E>,
    E::Arguments: IntoArguments<E>,
{
    fn drop(&mut self) {
        // Without a runtime the program is ending, and the connection's end takes it back.
        if self.held.begun
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let writer = Arc::clone(&self.writer);
            runtime.spawn(async move {
                // If the connection is gone, so is the transaction.
                let _ = writer.lock().await.ready().await.map(drop);
            });
        }
    }
}

impl<E: Database> Writer<E>
where
    for<'c> &'c mut E::Connection: Executor<'c, Database = E>,
    E::Arguments: IntoArguments<E>,
{
    pub fn new(
        options: <E::Connection as Connection>::Options,
        begin: &'static str,
        replan: Option<&'static str>,
        disk: Option<Arc<Disk>>,
    ) -> Self {
        Self {
            options,
            begin,
            replan,
            disk,
            count: 0,
            live: None,
            closed: false,
        }
    }

    /// The connection, with nothing begun in it.
    pub async fn ready(&mut self) -> sqlx::Result<&mut Live<E>> {
        if self.closed {
            return Err(sqlx::Error::PoolClosed);
        }
        let mut live = self.live.take();
        if let Some(one) = &mut live
            && one.begun
        {
            let taken_back = sqlx::query("ROLLBACK").execute(&mut one.connection).await;
            match taken_back {
                // After a full disk SQLite has taken it back itself, and there is nothing left.
                Ok(_) | Err(sqlx::Error::Database(_)) => one.begun = false,
                Err(_) => live = None,
            }
        }
        let live = match live {
            Some(live) => live,
            None => Live {
                connection: self.options.connect().await?,
                begun: false,
            },
        };
        Ok(self.live.insert(live))
    }

    async fn wait(this: &Arc<Mutex<Self>>) -> Result<OwnedMutexGuard<Self>> {
        let waiting = tokio::time::timeout(ACQUIRE_TIMEOUT, Arc::clone(this).lock_owned());
        waiting
            .await
            .map_err(|_| Error::session(sqlx::Error::PoolTimedOut))
    }

    /// Begins a transaction, on a new connection if the old one has ended meanwhile.
    pub async fn begin(this: &Arc<Mutex<Self>>) -> Result<Writing<E>> {
        let mut writer = Self::wait(this).await?;
        let begin = writer.begin;
        let live = writer.ready().await.map_err(Error::session)?;
        live.begun = true;
        match sqlx::query(begin).execute(&mut live.connection).await {
            Ok(_) => {}
            Err(sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed) => {
                writer.live = None;
                let live = writer.ready().await.map_err(Error::session)?;
                live.begun = true;
                let again = sqlx::query(begin).execute(&mut live.connection);
                again.await.map_err(Error::session)?;
            }
            Err(fault) => return Err(Error::session(fault)),
        }
        Self::planned(this, writer).await
    }

    /// The connection with nothing begun in it.
    pub async fn hold(this: &Arc<Mutex<Self>>) -> Result<Writing<E>> {
        let mut writer = Self::wait(this).await?;
        writer.ready().await.map_err(Error::session)?;
        Self::planned(this, writer).await
    }

    /// Hands out the connection, with plans that are not too old.
    async fn planned(
        this: &Arc<Mutex<Self>>,
        mut writer: OwnedMutexGuard<Self>,
    ) -> Result<Writing<E>> {
        writer.count += 1;
        let (begin, replan) = (writer.begin, writer.replan_due());
        let disk = writer.disk.clone();
        let held = OwnedMutexGuard::try_map(writer, |writer| writer.live.as_mut())
            .map_err(|_| Error::session(sqlx::Error::PoolClosed))?;
        let mut writing = Writing {
            held,
            writer: Arc::clone(this),
            begin,
            disk,
        };
        if let Some(replan) = replan {
            let replanned = sqlx::query(replan).execute(writing.connection());
            replanned.await.map_err(Error::session)?;
        }
        Ok(writing)
    }

    /// A plan is kept while the tables have doubled at most: one that was made for an empty table
    /// reads the whole of a large one.
    fn replan_due(&self) -> Option<&'static str> {
        let due = self.count.is_power_of_two() || self.count.is_multiple_of(REPLAN_EVERY);
        self.replan.filter(|_| due)
    }

    pub async fn close(&mut self) {
        self.closed = true;
        if let Some(live) = self.live.take() {
            // What was committed stays, however the connection ends.
            drop(live.connection.close().await);
        }
    }
}
