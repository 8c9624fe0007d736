//! Many rows in one statement, as each engine takes them fastest.
//!
//! A statement says where its rows go in and of what types they are: `{rows: text, bigint, bytea}`.
//! PostgreSQL is sent one array for each column, or the plain values of a row that comes alone, which
//! costs a lone report a tenth of its time less; SQLite is sent a list of `VALUES`, of few different
//! lengths ([`SQLITE_ROWS`]), so that few different texts have to be prepared.

use std::sync::Arc;

use sqlx::Arguments;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;

use super::writer::{LedgerWriter, Writer};
use super::{Connected, Row, Tx, TxEngine};
use crate::error::{Error, Result};

/// Rows of one SQLite statement at most: each number of rows is a text of its own in the cache of
/// prepared statements, and past some tens the rows, not the statement, are what costs.
pub(super) const SQLITE_ROWS: usize = 64;

/// Rows of one statement that has more than so many, where rows by the thousand come one statement
/// after the other: each is a way to the engine's thread and back. The length is one more
/// text only for each kind of statement.
const SQLITE_ROWS_OF_MANY: usize = 512;

/// Rows, held column by column.
#[derive(Default)]
pub(crate) struct Table {
    columns: Vec<Column>,
}

enum Column {
    /// Equal neighbours are one piece of memory: in a day's doses most words stand in every row, and each
    /// piece would be made by one thread and given back by the engine's.
    Text(Vec<Option<Arc<str>>>),
    Whole(Vec<i64>),
    Bytes(Vec<Option<Vec<u8>>>),
}

impl Column {
    fn rows(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Whole(values) => values.len(),
            Self::Bytes(values) => values.len(),
        }
    }

    const fn sql_type(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Whole(_) => "bigint",
            Self::Bytes(_) => "bytea",
        }
    }
}

impl Table {
    /// Adds a column of texts.
    #[must_use]
    pub fn text<T: AsRef<str>>(self, values: impl IntoIterator<Item = T>) -> Self {
        self.text_or_null(values.into_iter().map(Some))
    }

    /// Adds a column of texts, some of them missing.
    #[must_use]
    pub fn text_or_null<T: AsRef<str>>(self, values: impl IntoIterator<Item = Option<T>>) -> Self {
        let mut before: Option<Arc<str>> = None;
        let values = values.into_iter().map(|value| {
            let value = value?;
            let kept = before.take().filter(|text| **text == *value.as_ref());
            before = Some(kept.unwrap_or_else(|| Arc::from(value.as_ref())));
            before.clone()
        });
        self.with(Column::Text(values.collect()))
    }

    /// Adds a column of whole numbers.
    #[must_use]
    pub fn whole(self, values: impl IntoIterator<Item = i64>) -> Self {
        self.with(Column::Whole(values.into_iter().collect()))
    }

    /// Adds a column of bytes.
    #[must_use]
    pub fn bytes<T: Into<Vec<u8>>>(self, values: impl IntoIterator<Item = T>) -> Self {
        self.bytes_or_null(values.into_iter().map(Some))
    }

    /// Adds a column of bytes, some of them missing.
    #[must_use]
    pub fn bytes_or_null<T: Into<Vec<u8>>>(
        self,
        values: impl IntoIterator<Item = Option<T>>,
    ) -> Self {
        let values = values.into_iter().map(|value| value.map(Into::into));
        self.with(Column::Bytes(values.collect()))
    }

    fn with(mut self, column: Column) -> Self {
        self.columns.push(column);
        self
    }

    fn rows(&self) -> usize {
        self.columns.first().map_or(0, Column::rows)
    }

    /// Whether the columns are of one length and of the types that the statement says.
    fn fits(&self, types: &[&str]) -> bool {
        let rows = self.rows();
        let is = self.columns.iter().map(Column::sql_type);
        self.columns.iter().all(|column| column.rows() == rows) && is.eq(types.iter().copied())
    }

    /// Adds the rows of a piece to the arguments, one after the other; their values are taken out.
    fn sqlite(
        &mut self,
        (from, rows): (usize, usize),
        args: &mut SqliteArguments,
    ) -> sqlx::Result<()> {
        args.reserve(rows * self.columns.len(), 0);
        for row in from..from + rows {
            for column in &mut self.columns {
                match column {
                    Column::Text(values) => args.add(values.get_mut(row).and_then(Option::take)),
                    Column::Whole(values) => args.add(values.get(row).copied()),
                    Column::Bytes(values) => args.add(values.get_mut(row).and_then(Option::take)),
                }
                .map_err(sqlx::Error::Encode)?;
            }
        }
        Ok(())
    }

    /// Adds all rows to the arguments, an array for each column; of a row that comes alone its values.
    fn postgres(self, args: &mut PgArguments) -> sqlx::Result<()> {
        let alone = self.rows() == 1;
        for column in self.columns {
            match column {
                Column::Text(values) if alone => args.add(values.into_iter().next().flatten()),
                Column::Whole(values) if alone => args.add(values.into_iter().next()),
                Column::Bytes(values) if alone => args.add(values.into_iter().next().flatten()),
                Column::Text(values) => {
                    args.add(values.iter().map(Option::as_deref).collect::<Vec<_>>())
                }
                Column::Whole(values) => args.add(values),
                Column::Bytes(values) => args.add(values),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(())
    }
}

/// A statement's text around its rows, and the rows' types.
struct Parts<'s> {
    before: &'s str,
    types: Vec<&'s str>,
    after: &'s str,
}

impl<'s> Parts<'s> {
    fn of(sql: &'s str) -> Option<Self> {
        let (before, rest) = sql.split_once("{rows:")?;
        let (types, after) = rest.split_once('}')?;
        Some(Self {
            before,
            types: types.split(',').map(str::trim).collect(),
            after,
        })
    }

    /// The parts, if the statement takes rows like these.
    fn that_fit(sql: &'s str, table: &Table) -> Result<Self> {
        Self::of(sql)
            .filter(|parts| table.fits(&parts.types))
            .ok_or_else(|| {
                let what = format!("the rows are not those that the statement takes: {sql}");
                Error::statement("many rows", sqlx::Error::Encode(what.into()))
            })
    }

    /// What SQLite is sent for so many rows.
    fn sqlite(&self, rows: usize) -> String {
        let row = format!("({}),", vec!["?"; self.types.len()].join(","));
        let rows = row.repeat(rows);
        let rows = rows.trim_end_matches(',');
        format!("{}VALUES {rows}{}", self.before, self.after)
    }

    /// What PostgreSQL is sent for so many rows, if so many arguments stand before these.
    fn postgres(&self, rows: usize, before: usize) -> String {
        let array = if rows == 1 { "" } else { "[]" };
        let values: Vec<String> = (before + 1..)
            .zip(&self.types)
            .map(|(number, kind)| format!("CAST(${number} AS {kind}{array})"))
            .collect();
        let values = values.join(", ");
        let rows = if rows == 1 {
            format!("VALUES ({values})")
        } else {
            format!("SELECT * FROM UNNEST({values})")
        };
        format!("{}{rows}{}", self.before, self.after)
    }
}

/// A statement with its rows, ready to run.
pub(crate) struct Many<'t> {
    tx: &'t mut Tx,
    sql: &'static str,
    table: Table,
}

impl Tx {
    /// Starts a statement that takes these rows.
    pub(crate) fn many(&mut self, sql: &'static str, table: Table) -> Many<'_> {
        Many {
            tx: self,
            sql,
            table,
        }
    }
}

impl LedgerWriter {
    /// Begins a transaction with a question, both in one way to the engine and back. None where
    /// others write too: there, what is asked has to be locked first.
    ///
    /// # Errors
    /// As [`Error`].
    pub(crate) async fn begin_asking<T: Row>(
        &self,
        sql: &'static str,
        table: &mut Table,
    ) -> Result<Option<(Tx, Vec<T>)>> {
        let Self::Sqlite(writer) = self else {
            return Ok(None);
        };
        let parts = Parts::that_fit(sql, table)?;
        let fault = |source| Error::statement(sql, source);
        let mut writing = Writer::hold(writer).await?;
        let mut begin = writing.begun_by_the_caller();
        let mut found = Vec::new();
        for piece in pieces(table.rows()) {
            let text = match begin.take() {
                Some(begin) => format!("{begin};\n{}", parts.sqlite(piece.1)),
                None => parts.sqlite(piece.1),
            };
            let mut args = SqliteArguments::default();
            table.sqlite(piece, &mut args).map_err(fault)?;
            let query = sqlx::query_as_with(sqlx::AssertSqlSafe(text), args);
            found.extend(query.fetch_all(writing.connection()).await.map_err(fault)?);
        }
        let engine = TxEngine::SqliteWriting(writing);
        Ok(Some((Tx { engine }, found)))
    }
}

impl Many<'_> {
    /// All rows that come back.
    ///
    /// # Errors
    /// As [`Error`].
    pub async fn all<T: Row>(self) -> Result<Vec<T>> {
        let Self { tx, sql, mut table } = self;
        let parts = Parts::that_fit(sql, &table)?;
        let fault = |source| Error::statement(sql, source);
        let mut found = Vec::new();
        match tx.connection() {
            Connected::Sqlite(one) => {
                for piece in large_pieces(table.rows()) {
                    let text = sqlx::AssertSqlSafe(parts.sqlite(piece.1));
                    let mut args = SqliteArguments::default();
                    table.sqlite(piece, &mut args).map_err(fault)?;
                    let query = sqlx::query_as_with(text, args);
                    found.extend(query.fetch_all(&mut *one).await.map_err(fault)?);
                }
            }
            Connected::Postgres(one) => {
                let text = sqlx::AssertSqlSafe(parts.postgres(table.rows(), 0));
                let mut args = PgArguments::default();
                table.postgres(&mut args).map_err(fault)?;
                let query = sqlx::query_as_with(text, args);
                found = query.fetch_all(&mut *one).await.map_err(fault)?;
            }
        }
        Ok(found)
    }

    /// Runs it and says how many rows changed.
    ///
    /// # Errors
    /// As [`Error`].
    pub async fn run(self) -> Result<u64> {
        let Self { tx, sql, mut table } = self;
        let parts = Parts::that_fit(sql, &table)?;
        let fault = |source| Error::statement(sql, source);
        let mut changed = 0;
        match tx.connection() {
            Connected::Sqlite(one) => {
                for piece in large_pieces(table.rows()) {
                    let text = sqlx::AssertSqlSafe(parts.sqlite(piece.1));
                    let mut args = SqliteArguments::default();
                    table.sqlite(piece, &mut args).map_err(fault)?;
                    let query = sqlx::query_with(text, args);
                    let done = query.execute(&mut *one).await.map_err(fault)?;
                    changed += done.rows_affected();
                }
            }
            Connected::Postgres(one) => {
                let text = sqlx::AssertSqlSafe(parts.postgres(table.rows(), 0));
                let mut args = PgArguments::default();
                table.postgres(&mut args).map_err(fault)?;
                let query = sqlx::query_with(text, args);
                changed = query.execute(one).await.map_err(fault)?.rows_affected();
            }
        }
        Ok(changed)
    }

    /// Runs it and insists that as many rows changed as were given.
    ///
    /// # Errors
    /// [`Error::Rows`] if another number changed.
    pub async fn expect_each(self) -> Result<()> {
        let sql = self.sql;
        let expected = self.table.rows() as u64;
        let actual = self.run().await?;
        if actual == expected {
            return Ok(());
        }
        Err(Error::Rows {
            sql,
            expected,
            actual,
        })
    }
}

/// A statement that takes rows, and the rows.
pub(crate) type Write = (&'static str, Table);

impl Tx {
    /// Runs inserts that take rows, all of them or none, and insists that each changes as many rows
    /// as it is given. No row may be changed by two of them.
    ///
    /// They leave together as far as the engine allows: for a lone report, each way to the engine
    /// and back costs as much as the rows.
    ///
    /// # Errors
    /// [`Error::Rows`] if another number changed.
    pub(crate) async fn insert_together(&mut self, mut writes: Vec<Write>) -> Result<()> {
        writes.retain(|(_, table)| table.rows() > 0);
        let Some((first, _)) = writes.first() else {
            return Ok(());
        };
        let first = *first;
        let expected = writes.iter().map(|(_, table)| table.rows() as u64).sum();
        // The fault may be any one's; its own words say which table it is about.
        let fault = |source| Error::statement(first, source);
        let actual = match self.connection() {
            Connected::Postgres(one) => {
                let (text, args) = in_one(writes, None)?;
                let query = sqlx::query_scalar_with(sqlx::AssertSqlSafe(text), args);
                let changed: i64 = query.fetch_one(one).await.map_err(fault)?;
                changed.unsigned_abs()
            }
            Connected::Sqlite(one) => {
                let mut changed = 0;
                for (text, args) in in_few(writes)? {
                    let query = sqlx::query_with(sqlx::AssertSqlSafe(text), args);
                    let done = query.execute(&mut *one).await.map_err(fault)?;
                    changed += done.rows_affected();
                }
                changed
            }
        };
        if actual == expected {
            return Ok(());
        }
        Err(Error::Rows {
            sql: first,
            expected,
            actual,
        })
    }

    /// Runs inserts as [`Self::insert_together`] does, with no transaction around them: all of it or, with
    /// [`Error::Busy`], nothing at all if another number of rows would change than are given. So the
    /// first of them may be an update of rows that must still be as they were seen.
    ///
    /// # Errors
    /// As [`Error`]; always on the embedded engine, which has no such statement and needs none: it
    /// writes alone.
    pub(crate) async fn insert_unless_changed(&mut self, mut writes: Vec<Write>) -> Result<()> {
        writes.retain(|(_, table)| table.rows() > 0);
        let sql = writes.first().map_or("", |(sql, _)| *sql);
        let expected: usize = writes.iter().map(|(_, table)| table.rows()).sum();
        let fault = |source| Error::statement(sql, source);
        let Connected::Postgres(one) = self.connection() else {
            return Err(fault(sqlx::Error::WorkerCrashed));
        };
        let (text, args) = in_one(writes, i64::try_from(expected).ok())?;
        let query = sqlx::query_with(sqlx::AssertSqlSafe(text), args);
        query.execute(one).await.map_err(fault)?;
        Ok(())
    }
}

/// One statement of PostgreSQL's that runs them all and says how many rows changed; it fails, and
/// nothing is done, if that is another number than the expected one.
fn in_one(writes: Vec<Write>, expected: Option<i64>) -> Result<(String, PgArguments)> {
    let mut args = PgArguments::default();
    let (mut steps, mut counts) = (Vec::new(), Vec::new());
    let mut before = 0;
    for (number, (sql, table)) in writes.into_iter().enumerate() {
        let parts = Parts::that_fit(sql, &table)?;
        let text = parts.postgres(table.rows(), before);
        steps.push(format!("w{number} AS ({text} RETURNING 1)"));
        counts.push(format!("(SELECT COUNT(*) FROM w{number})"));
        before += parts.types.len();
        table
            .postgres(&mut args)
            .map_err(|source| Error::statement(sql, source))?;
    }
    let mut changed = counts.join(" + ");
    if let Some(expected) = expected {
        let added = args.add(expected).map_err(sqlx::Error::Encode);
        added.map_err(|source| Error::statement("insist", source))?;
        changed = format!("insist({changed}, ${})", before + 1);
    }
    Ok((format!("WITH {} SELECT {changed}", steps.join(", ")), args))
}

/// Texts for SQLite: neighbours with equally many rows share one, so that there are few different
/// texts to keep.
fn in_few(mut writes: Vec<Write>) -> Result<Vec<(String, SqliteArguments)>> {
    let mut sent = Vec::new();
    while let Some(rows) = writes.first().map(|(_, table)| table.rows()) {
        let alike = writes.iter().take_while(|(_, table)| table.rows() == rows);
        let rest = writes.split_off(alike.count());
        for piece in pieces(rows) {
            let mut texts = Vec::with_capacity(writes.len());
            let mut args = SqliteArguments::default();
            for (sql, table) in &mut writes {
                texts.push(Parts::that_fit(sql, table)?.sqlite(piece.1));
                let added = table.sqlite(piece, &mut args);
                added.map_err(|source| Error::statement(sql, source))?;
            }
            sent.push((texts.join(";\n"), args));
        }
        writes = rest;
    }
    Ok(sent)
}

/// Where each piece of so many rows begins, and how many it has.
fn pieces(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..rows)
        .step_by(SQLITE_ROWS)
        .map(move |from| (from, SQLITE_ROWS.min(rows - from)))
}

/// The same for many rows: large pieces as long as there are rows for one, then the others.
fn large_pieces(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let large = rows - rows % SQLITE_ROWS_OF_MANY;
    let of_many = (0..large)
        .step_by(SQLITE_ROWS_OF_MANY)
        .map(|from| (from, SQLITE_ROWS_OF_MANY));
    of_many.chain(pieces(rows - large).map(move |(from, rows)| (large + from, rows)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATEMENT: &str = "INSERT INTO t (a, b) {rows: text, bigint} ON CONFLICT DO NOTHING";

    #[test]
    fn each_engine_gets_its_own_text() {
        let parts = Parts::of(STATEMENT).unwrap();
        assert_eq!(
            parts.sqlite(2),
            "INSERT INTO t (a, b) VALUES (?,?),(?,?) ON CONFLICT DO NOTHING"
        );
        assert_eq!(
            parts.postgres(2, 0),
            "INSERT INTO t (a, b) SELECT * FROM UNNEST(CAST($1 AS text[]), CAST($2 AS bigint[])) ON CONFLICT DO NOTHING"
        );
        assert_eq!(
            parts.postgres(1, 3),
            "INSERT INTO t (a, b) VALUES (CAST($4 AS text), CAST($5 AS bigint)) ON CONFLICT DO NOTHING"
        );
    }

    #[test]
    fn inserts_leave_together() {
        let write = |rows: &[&str]| {
            let numbers = rows.iter().map(|_| 1);
            let table = Table::default().text(rows.iter().copied()).whole(numbers);
            (STATEMENT, table)
        };
        let writes = || vec![write(&["a", "b"]), write(&["c", "d"]), write(&["e"])];
        let (text, _) = in_one(writes(), None).unwrap();
        assert_eq!(
            text,
            "WITH w0 AS (INSERT INTO t (a, b) SELECT * FROM UNNEST(CAST($1 AS text[]), CAST($2 AS bigint[])) \
             ON CONFLICT DO NOTHING RETURNING 1), \
             w1 AS (INSERT INTO t (a, b) SELECT * FROM UNNEST(CAST($3 AS text[]), CAST($4 AS bigint[])) \
             ON CONFLICT DO NOTHING RETURNING 1), \
             w2 AS (INSERT INTO t (a, b) VALUES (CAST($5 AS text), CAST($6 AS bigint)) \
             ON CONFLICT DO NOTHING RETURNING 1) \
             SELECT (SELECT COUNT(*) FROM w0) + (SELECT COUNT(*) FROM w1) + (SELECT COUNT(*) FROM w2)"
        );
        let (text, _) = in_one(vec![write(&["g"]), write(&["h", "i"])], Some(3)).unwrap();
        assert_eq!(
            text,
            "WITH w0 AS (INSERT INTO t (a, b) VALUES (CAST($1 AS text), CAST($2 AS bigint)) \
             ON CONFLICT DO NOTHING RETURNING 1), \
             w1 AS (INSERT INTO t (a, b) SELECT * FROM UNNEST(CAST($3 AS text[]), CAST($4 AS bigint[])) \
             ON CONFLICT DO NOTHING RETURNING 1) \
             SELECT insist((SELECT COUNT(*) FROM w0) + (SELECT COUNT(*) FROM w1), $5)"
        );
        let texts: Vec<String> = in_few(writes())
            .unwrap()
            .into_iter()
            .map(|sent| sent.0)
            .collect();
        assert_eq!(
            texts,
            [
                "INSERT INTO t (a, b) VALUES (?,?),(?,?) ON CONFLICT DO NOTHING;\n\
                 INSERT INTO t (a, b) VALUES (?,?),(?,?) ON CONFLICT DO NOTHING",
                "INSERT INTO t (a, b) VALUES (?,?) ON CONFLICT DO NOTHING",
            ]
        );
    }

    #[test]
    fn equal_neighbours_are_one_text() {
        let table =
            Table::default().text_or_null([Some("a"), Some("a"), None, Some("a"), Some("b")]);
        let Some(Column::Text(values)) = table.columns.first() else {
            panic!("the column is one of texts");
        };
        let texts: Vec<Option<&str>> = values.iter().map(Option::as_deref).collect();
        assert_eq!(texts, [Some("a"), Some("a"), None, Some("a"), Some("b")]);
        assert!(Arc::ptr_eq(
            values[0].as_ref().unwrap(),
            values[1].as_ref().unwrap()
        ));
    }

    #[test]
    fn pieces_cover_every_row_once() {
        for rows in [0, 1, 63, 64, 65, 511, 512, 513, 1100] {
            let all: Vec<usize> = (0..rows).collect();
            let covered: Vec<usize> = pieces(rows).flat_map(|(at, n)| at..at + n).collect();
            assert_eq!(covered, all);
            let covered: Vec<usize> = large_pieces(rows).flat_map(|(at, n)| at..at + n).collect();
            assert_eq!(covered, all);
        }
    }

    #[test]
    fn rows_of_other_types_or_lengths_are_refused() {
        let good = Table::default().text(["a", "b"]).whole([1, 2]);
        assert!(Parts::that_fit(STATEMENT, &good).is_ok());
        let swapped = Table::default().whole([1, 2]).text(["a", "b"]);
        assert!(Parts::that_fit(STATEMENT, &swapped).is_err());
        let short = Table::default().text(["a", "b"]).whole([1]);
        assert!(Parts::that_fit(STATEMENT, &short).is_err());
    }
}
