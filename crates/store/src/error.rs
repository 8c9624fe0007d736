//! What can go wrong with a database, told apart by what the caller can do about it.

/// The result of every store function.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database cannot be reached, read or written now: keep what you have and send it again.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// Another transaction came between, as often as it was tried.
    #[error("the database is too busy")]
    Busy,
    /// A row with that key is there already.
    #[error("that is there already")]
    Exists,
    /// A statement changed another number of rows than it must.
    #[error("expected {expected} rows, found {actual}, by `{sql}`")]
    Rows {
        /// The statement.
        sql: &'static str,
        /// How many it should have been.
        expected: u64,
        /// How many it was.
        actual: u64,
    },
    /// A value in the database cannot be what its column says: somebody changed it from outside.
    #[error("`{column}` of table `{table}` holds what it cannot hold")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// Individual Numbers cannot be sealed or opened.
    #[error(transparent)]
    Sealed(#[from] crate::seals::SealFault),
    /// The statement itself was refused: a mistake of ours.
    #[error("the database refused `{sql}`")]
    Statement {
        /// The statement.
        sql: &'static str,
        /// Why.
        source: sqlx::Error,
    },
}

impl Error {
    pub(crate) fn statement(sql: &'static str, source: sqlx::Error) -> Self {
        match Self::known(&source) {
            Some(error) => error,
            None => Self::Statement { sql, source },
        }
    }

    pub(crate) fn session(source: sqlx::Error) -> Self {
        Self::known(&source).unwrap_or_else(|| Self::Unavailable(source.to_string()))
    }

    /// Sorts what both engines report into what a caller can act on.
    fn known(source: &sqlx::Error) -> Option<Self> {
        let fault = match source {
            sqlx::Error::Database(fault) => fault,
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => return Some(Self::Unavailable(source.to_string())),
            _ => return None,
        };
        if fault.is_unique_violation() {
            return Some(Self::Exists);
        }
        match fault.code().as_deref().unwrap_or_default() {
            // PostgreSQL: serialization failure, deadlock. SQLite: BUSY, BUSY_SNAPSHOT, LOCKED.
            "40001" | "40P01" | "5" | "517" | "6" => Some(Self::Busy),
            // PostgreSQL classes 53 (disk full, out of memory, connections), 57 (shutdown), 58 (I/O), 08, read-only.
            // SQLite: READONLY and its kinds, IOERR and its kinds, FULL, CANTOPEN, CORRUPT, NOTADB.
            code if is_outage(code) => Some(Self::Unavailable(fault.message().to_owned())),
            _ => None,
        }
    }

    /// Whether the same transaction may succeed if it is run again at once.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Busy)
    }
}

fn is_outage(code: &str) -> bool {
    /// An SQLSTATE has five characters; SQLite's codes are numbers of at most four digits.
    const SQLSTATE_LENGTH: usize = 5;
    if code.len() == SQLSTATE_LENGTH {
        return ["08", "53", "57", "58"]
            .iter()
            .any(|class| code.starts_with(class))
            || code == "25006";
    }
    // The extended codes keep the primary one in the low byte.
    code.parse::<u32>()
        .is_ok_and(|code| matches!(code & 0xff, 8 | 10 | 11 | 13 | 14 | 26))
}
