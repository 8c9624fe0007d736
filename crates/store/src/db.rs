//! The connection to a database: one text of SQL, two engines.
//!
//! This is the only file that knows there are two. Every statement is written once, between the
//! brackets of `sql!`, with `$1`-style parameters and in the dialect that SQLite and PostgreSQL
//! share; the test `every_statement_prepares` finds them there and prepares each on both.
//!
//! Many rows go in (or many keys are looked up) in one statement by `db/many.rs`; where speed does not
//! matter, by way of a JSON array and `json_each`, which SQLite has and the first migration gives
//! to PostgreSQL.

mod disk;
mod many;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool,
    SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{Arguments, Encode, FromRow, PgConnection, Postgres, Sqlite, Transaction, Type};
use tokio::sync::Mutex;

use crate::error::{Error, Result};

use disk::Disk;
pub(crate) use disk::Durable;
pub(crate) use many::{Table, Write};
pub(crate) use writer::LedgerWriter;
use writer::{Writer, Writing};

/// Marks a text as SQL for the test that prepares every statement on both engines.
macro_rules! sql {
    ($text:literal) => {
        $text
    };
}
pub(crate) use sql;

/// Runs a piece of work in a write transaction, again if another one came between.
///
/// A macro and not a function: a closure that borrows the transaction across `.await` is refused
/// by the compiler as not general enough. The work may run several times: touch nothing but `$tx`.
macro_rules! transact {
    ($db:expr, |$tx:ident| $work:expr) => {
        $crate::db::transact!($db, begin, |$tx| $work)
    };
    ($db:expr, $begin:ident, |$tx:ident| $work:expr) => {{
        let mut tries = 0;
        loop {
            tries += 1;
            let done = async {
                let mut $tx = $db.$begin().await?;
                let value = $work;
                $tx.commit().await?;
                $crate::error::Result::Ok(value)
            }
            .await;
            match done {
                Err(error) if error.is_passing() && tries < $crate::db::TRIES_MAX => continue,
                done => break done,
            }
        }
    }};
}
pub(crate) use transact;

/// How often a transaction is tried when another one came between.
pub const TRIES_MAX: u32 = 8;
/// Readers of the embedded engine: more than the cores of a small machine, few enough for its memory.
const SQLITE_READERS: u32 = 8;
/// Connections to PostgreSQL of one server; the sum over all servers must stay under its `max_connections`.
const POSTGRES_CONNECTIONS: u32 = 16;
/// More of them, for work beside the ledger's writers under the same locks: an import, a projection.
const POSTGRES_LOCKING: u32 = 2;
/// How a transaction begins that takes row locks by its first statement and sees what was committed
/// before it had them.
const BEGIN_LOCKING: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
/// How a transaction begins that sees one state of the data and changes nothing.
const BEGIN_READING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// Prepared statements that a connection keeps: those of the ledger's writer come in as many texts
/// as a piece of rows has sizes.
const STATEMENTS_KEPT: usize = 8 * many::SQLITE_ROWS;
/// How long a statement waits for the embedded engine's lock (a reader during a checkpoint).
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits for a free connection before it says so.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the data is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// The embedded engine, in this file.
    Sqlite(PathBuf),
    /// A PostgreSQL server.
    Postgres(String),
}

/// A database that is open.
#[derive(Clone)]
pub struct Db {
    engine: Engine,
}

#[derive(Clone)]
enum Engine {
    /// One writer, since SQLite takes one at a time and a queue of ours is fair; many readers.
    Sqlite {
        writer: Arc<Mutex<Writer<Sqlite>>>,
        readers: SqlitePool,
    },
    /// A pool for everything, and one for work under the ledger's locks, which looks up by key
    /// only. A ledger writer opens a connection of its own.
    Postgres { pool: PgPool, locking: PgPool },
}

/// A transaction. One that is dropped without a commit has changed nothing.
pub struct Tx {
    engine: TxEngine,
}

enum TxEngine {
    SqliteWriting(Writing<Sqlite>),
    SqliteReading(Transaction<'static, Sqlite>),
    PostgresWriting(Writing<Postgres>),
    Postgres(Transaction<'static, Postgres>),
}

/// A value that both engines take as a parameter.
pub trait Bind:
    for<'q> Encode<'q, Sqlite> + Type<Sqlite> + for<'q> Encode<'q, Postgres> + Type<Postgres>
{
}
impl<T> Bind for T where
    T: for<'q> Encode<'q, Sqlite> + Type<Sqlite> + for<'q> Encode<'q, Postgres> + Type<Postgres>
{
}

/// A row that both engines give back.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{}

impl Db {
    /// Opens the database for reading and writing; an embedded one is created if missing.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the file cannot be opened or written, or the server not reached.
    pub async fn open(location: &Location) -> Result<Self> {
        let engine = match location {
            Location::Sqlite(path) => Self::open_sqlite(path, false).await?,
            Location::Postgres(url) => Self::open_postgres(url).await?,
        };
        Ok(Self { engine })
    }

    /// Opens an existing database for reading only, beside a running server.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if there is none.
    pub async fn open_reading(location: &Location) -> Result<Self> {
        let engine = match location {
            Location::Sqlite(path) => Self::open_sqlite(path, true).await?,
            Location::Postgres(url) => Self::open_postgres(url).await?,
        };
        Ok(Self { engine })
    }

    async fn open_sqlite(path: &Path, reading: bool) -> Result<Engine> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(!reading)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            // The engine does not wait for the disk: whoever commits does, beside the next one (`db/disk.rs`). A dose
            // that was acknowledged survives a power cut; group commit pays for it.
            .synchronous(SqliteSynchronous::Normal)
            // In KiB, for each connection. The engine walks the whole cache at many a commit, and
            // what it does not hold the system's cache does.
            .pragma("cache_size", "-16384")
            .pragma("temp_store", "memory")
            // In pages: a checkpoint writes each page once, so rare ones write less; 32 MB of log at most.
            .pragma("wal_autocheckpoint", "8000")
            .statement_cache_capacity(STATEMENTS_KEPT);
        let options = if reading {
            options.read_only(true)
        } else {
            options.journal_mode(SqliteJournalMode::Wal)
        };
        let mut writer = Writer::new(
            options.clone(),
            "BEGIN IMMEDIATE",
            None,
            Some(Arc::new(Disk::of(path))),
        );
        // Now and not at the first report: a file that cannot be opened is told at the start.
        writer.ready().await.map_err(Error::session)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(SQLITE_READERS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.read_only(true))
            .await
            .map_err(Error::session)?;
        let writer = Arc::new(Mutex::new(writer));
        Ok(Engine::Sqlite { writer, readers })
    }

    async fn open_postgres(url: &str) -> Result<Engine> {
        let options: PgConnectOptions = url.parse().map_err(Error::session)?;
        let open = |most, options| {
            PgPoolOptions::new()
                .max_connections(most)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .test_before_acquire(false)
                .connect_with(options)
        };
        let pool = open(POSTGRES_CONNECTIONS, options.clone())
            .await
            .map_err(Error::session)?;
        let locking = open(POSTGRES_LOCKING, by_key(options))
            .await
            .map_err(Error::session)?;
        Ok(Engine::Postgres { pool, locking })
    }

    /// What one ledger writer writes through: to be asked for on the writer's own thread, where a
    /// connection of its own is opened at the first use and wakes nobody else.
    pub(crate) fn writer(&self) -> LedgerWriter {
        match &self.engine {
            Engine::Sqlite { writer, .. } => LedgerWriter::Sqlite(Arc::clone(writer)),
            Engine::Postgres { locking, .. } => {
                let options = locking.connect_options().as_ref().clone();
                let options = options.options([("plan_cache_mode", "force_generic_plan")]);
                let writer = Writer::new(options, BEGIN_LOCKING, Some("DISCARD PLANS"), None);
                LedgerWriter::Postgres(Arc::new(Mutex::new(writer)))
            }
        }
    }

    /// Begins a transaction that writes, alone (SQLite) or as if alone (PostgreSQL, serializable).
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn begin(&self) -> Result<Tx> {
        match &self.engine {
            Engine::Sqlite { writer, .. } => Ok(Tx {
                engine: TxEngine::SqliteWriting(Writer::begin(writer).await?),
            }),
            Engine::Postgres { pool, .. } => {
                begin_postgres(pool, "BEGIN ISOLATION LEVEL SERIALIZABLE").await
            }
        }
    }

    /// Begins a transaction that writes under row locks it takes first: for the ledger, whose
    /// chain head is the lock.
    pub(crate) async fn begin_locking(&self) -> Result<Tx> {
        match &self.engine {
            Engine::Sqlite { .. } => self.begin().await,
            Engine::Postgres { locking, .. } => begin_postgres(locking, BEGIN_LOCKING).await,
        }
    }

    /// Begins a transaction that sees one state of the data and changes nothing.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn begin_reading(&self) -> Result<Tx> {
        match &self.engine {
            Engine::Sqlite { readers, .. } => {
                let tx = readers.begin().await.map_err(Error::session)?;
                Ok(Tx {
                    engine: TxEngine::SqliteReading(tx),
                })
            }
            Engine::Postgres { pool, .. } => begin_postgres(pool, BEGIN_READING).await,
        }
    }

    /// The same for what is asked by key only, however little the engine knows yet of tables that
    /// grow while they are read: a projection that follows the ledger.
    pub(crate) async fn begin_reading_by_key(&self) -> Result<Tx> {
        match &self.engine {
            Engine::Sqlite { .. } => self.begin_reading().await,
            Engine::Postgres { locking, .. } => begin_postgres(locking, BEGIN_READING).await,
        }
    }

    /// A single reading statement, outside any transaction.
    pub fn query(&self, sql: &'static str) -> Statement<'_> {
        match &self.engine {
            Engine::Sqlite { readers, .. } => Statement::new(Target::SqlitePool(readers), sql),
            Engine::Postgres { pool, .. } => Statement::new(Target::PostgresPool(pool), sql),
        }
    }

    /// Whether this is the embedded engine: for migrations and for people who ask, never for queries.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        matches!(self.engine, Engine::Sqlite { .. })
    }

    /// Whether a ledger writer should have a thread of its own, so that the engine's answers wake
    /// it and not a request's worker first. The embedded engine has its thread already.
    pub(crate) fn wants_writer_threads(&self) -> bool {
        !self.is_embedded()
    }

    /// Closes all connections; what was committed stays.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite { writer, readers } => {
                readers.close().await;
                writer.lock().await.close().await;
            }
            Engine::Postgres { pool, locking } => {
                locking.close().await;
                pool.close().await;
            }
        }
    }

    /// Fills in what the two engines spell differently in a table's definition.
    pub(crate) fn dialect(&self, definition: &str) -> String {
        let (bytes, text, clustered) = if self.is_embedded() {
            ("BLOB", "TEXT", "WITHOUT ROWID")
        } else {
            ("BYTEA", "TEXT COLLATE \"C\"", "")
        };
        definition
            .replace("{bytes}", bytes)
            .replace("{text}", text)
            .replace("{clustered}", clustered)
    }
}

/// Work under the ledger's locks asks by key, however small its tables look, and a plan that was
/// made while they were empty must not be kept when they have grown.
fn by_key(options: PgConnectOptions) -> PgConnectOptions {
    options.options([
        ("enable_seqscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("jit", "off"),
        ("plan_cache_mode", "force_custom_plan"),
    ])
}

async fn begin_postgres(pool: &PgPool, begin: &'static str) -> Result<Tx> {
    let tx = pool.begin_with(begin).await.map_err(Error::session)?;
    Ok(Tx {
        engine: TxEngine::Postgres(tx),
    })
}

impl Tx {
    /// Starts a statement in this transaction.
    pub fn query(&mut self, sql: &'static str) -> Statement<'_> {
        match self.connection() {
            Connected::Sqlite(one) => Statement::new(Target::Sqlite(one), sql),
            Connected::Postgres(one) => Statement::new(Target::Postgres(one), sql),
        }
    }

    /// Whether nobody else writes while this transaction lasts, so that it need not lock rows.
    pub(crate) fn writes_alone(&self) -> bool {
        matches!(self.engine, TxEngine::SqliteWriting(_))
    }

    /// The connection under the transaction.
    fn connection(&mut self) -> Connected<'_> {
        match &mut self.engine {
            TxEngine::SqliteWriting(tx) => Connected::Sqlite(tx.connection()),
            TxEngine::SqliteReading(tx) => Connected::Sqlite(tx),
            TxEngine::PostgresWriting(tx) => Connected::Postgres(tx.connection()),
            TxEngine::Postgres(tx) => Connected::Postgres(tx),
        }
    }

    /// Runs a script of definitions, as a migration does.
    pub(crate) async fn script(&mut self, text: String) -> Result<()> {
        let text = sqlx::AssertSqlSafe(text);
        match self.connection() {
            Connected::Sqlite(one) => sqlx::raw_sql(text).execute(one).await.map(drop),
            Connected::Postgres(one) => sqlx::raw_sql(text).execute(one).await.map(drop),
        }
        .map_err(|source| Error::statement("a migration", source))
    }

    /// Makes everything durable; returns only when it is.
    ///
    /// # Errors
    /// [`Error::Busy`] if another transaction came between, [`Error::Unavailable`] if the disk or the server failed.
    pub async fn commit(self) -> Result<()> {
        self.commit_ahead().await?.wait().await
    }

    /// Commits: from now on it is there for everybody, and with what is returned one can wait until it is durable.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub(crate) async fn commit_ahead(self) -> Result<Durable> {
        let at_once = |()| Durable::NOW;
        match self.engine {
            TxEngine::SqliteWriting(tx) => tx.commit().await,
            TxEngine::PostgresWriting(tx) => tx.commit().await,
            TxEngine::SqliteReading(tx) => tx.commit().await.map(at_once),
            TxEngine::Postgres(tx) => tx.commit().await.map(at_once),
        }
        .map_err(Error::session)
    }
}

enum Connected<'t> {
    Sqlite(&'t mut SqliteConnection),
    Postgres(&'t mut PgConnection),
}

enum Target<'t> {
    SqlitePool(&'t SqlitePool),
    PostgresPool(&'t PgPool),
    Sqlite(&'t mut SqliteConnection),
    Postgres(&'t mut PgConnection),
}

enum Args {
    Sqlite(SqliteArguments),
    Postgres(PgArguments),
}

/// A statement with its parameters, ready to run.
pub struct Statement<'t> {
    target: Target<'t>,
    sql: &'static str,
    args: Args,
    fault: Option<sqlx::Error>,
}

impl<'t> Statement<'t> {
    fn new(target: Target<'t>, sql: &'static str) -> Self {
        let args = match target {
            Target::SqlitePool(_) | Target::Sqlite(_) => Args::Sqlite(SqliteArguments::default()),
            Target::PostgresPool(_) | Target::Postgres(_) => Args::Postgres(PgArguments::default()),
        };
        Self {
            target,
            sql,
            args,
            fault: None,
        }
    }

    /// Adds the next parameter.
    #[must_use]
    pub fn bind(mut self, value: impl Bind) -> Self {
        let added = match &mut self.args {
            Args::Sqlite(args) => args.add(value),
            Args::Postgres(args) => args.add(value),
        };
        if let Err(source) = added {
            self.fault.get_or_insert(sqlx::Error::Encode(source));
        }
        self
    }

    /// All rows.
    ///
    /// # Errors
    /// As [`Error`].
    pub async fn all<T: Row>(self) -> Result<Vec<T>> {
        let Self {
            target,
            sql,
            args,
            fault,
        } = self;
        if let Some(fault) = fault {
            return Err(Error::statement(sql, fault));
        }
        match (target, args) {
            (Target::SqlitePool(pool), Args::Sqlite(args)) => {
                sqlx::query_as_with(sql, args).fetch_all(pool).await
            }
            (Target::PostgresPool(pool), Args::Postgres(args)) => {
                sqlx::query_as_with(sql, args).fetch_all(pool).await
            }
            (Target::Sqlite(tx), Args::Sqlite(args)) => {
                sqlx::query_as_with(sql, args).fetch_all(tx).await
            }
            (Target::Postgres(tx), Args::Postgres(args)) => {
                sqlx::query_as_with(sql, args).fetch_all(tx).await
            }
            // `new` makes the arguments for the target it is given.
            _ => Err(sqlx::Error::WorkerCrashed),
        }
        .map_err(|source| Error::statement(sql, source))
    }

    /// The only row, or none.
    ///
    /// # Errors
    /// As [`Error`].
    pub async fn optional<T: Row>(self) -> Result<Option<T>> {
        Ok(self.all().await?.into_iter().next())
    }

    /// The only row, which must be there.
    ///
    /// # Errors
    /// [`Error::Rows`] if it is not.
    pub async fn one<T: Row>(self) -> Result<T> {
        let sql = self.sql;
        self.optional().await?.ok_or(Error::Rows {
            sql,
            expected: 1,
            actual: 0,
        })
    }

    /// Runs it and says how many rows changed.
    ///
    /// # Errors
    /// As [`Error`].
    pub async fn run(self) -> Result<u64> {
        let Self {
            target,
            sql,
            args,
            fault,
        } = self;
        if let Some(fault) = fault {
            return Err(Error::statement(sql, fault));
        }
        match (target, args) {
            (Target::SqlitePool(pool), Args::Sqlite(args)) => sqlx::query_with(sql, args)
                .execute(pool)
                .await
                .map(|done| done.rows_affected()),
            (Target::PostgresPool(pool), Args::Postgres(args)) => sqlx::query_with(sql, args)
                .execute(pool)
                .await
                .map(|done| done.rows_affected()),
            (Target::Sqlite(tx), Args::Sqlite(args)) => sqlx::query_with(sql, args)
                .execute(tx)
                .await
                .map(|done| done.rows_affected()),
            (Target::Postgres(tx), Args::Postgres(args)) => sqlx::query_with(sql, args)
                .execute(tx)
                .await
                .map(|done| done.rows_affected()),
            // `new` makes the arguments for the target it is given.
            _ => Err(sqlx::Error::WorkerCrashed),
        }
        .map_err(|source| Error::statement(sql, source))
    }

    /// Runs it and insists on the number of rows.
    ///
    /// # Errors
    /// [`Error::Rows`] if another number changed.
    pub async fn expect(self, expected: u64) -> Result<()> {
        let sql = self.sql;
        let actual = self.run().await?;
        if actual == expected {
            Ok(())
        } else {
            Err(Error::Rows {
                sql,
                expected,
                actual,
            })
        }
    }
}
