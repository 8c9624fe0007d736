//! Many rows in one statement, as each engine takes them fastest.
//!
//! A statement says where its rows go in and of what types they are: `{rows: text, bigint, bytea}`.
//! PostgreSQL is sent one array for each column; SQLite is sent a list of `VALUES`, at most
//! [`SQLITE_ROWS`] at a time, so that few different texts have to be prepared.

use sqlx::Arguments;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;

use super::{Connected, Row, Tx};
use crate::error::{Error, Result};

/// Rows of one SQLite statement at most: each number of rows is a text of its own in the cache of
/// prepared statements, and past some tens the rows, not the statement, are what costs.
pub(super) const SQLITE_ROWS: usize = 64;

/// Rows, held column by column.
#[derive(Default)]
pub(crate) struct Table {
    columns: Vec<Column>,
}

enum Column {
    Text(Vec<Option<String>>),
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
    pub fn text<T: Into<String>>(self, values: impl IntoIterator<Item = T>) -> Self {
        self.text_or_null(values.into_iter().map(Some))
    }

    /// Adds a column of texts, some of them missing.
    #[must_use]
    pub fn text_or_null<T: Into<String>>(
        self,
        values: impl IntoIterator<Item = Option<T>>,
    ) -> Self {
        let values = values.into_iter().map(|value| value.map(Into::into));
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

    /// All rows as arguments, an array for each column.
    fn postgres(self) -> sqlx::Result<PgArguments> {
        let mut args = PgArguments::default();
        for column in self.columns {
            match column {
                Column::Text(values) => args.add(values),
                Column::Whole(values) => args.add(values),
                Column::Bytes(values) => args.add(values),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(args)
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

    /// What PostgreSQL is sent.
    fn postgres(&self) -> String {
        let arrays: Vec<String> = (1..)
            .zip(&self.types)
            .map(|(number, kind)| format!("CAST(${number} AS {kind}[])"))
            .collect();
        let arrays = arrays.join(", ");
        format!(
            "{}SELECT * FROM UNNEST({arrays}){}",
            self.before, self.after
        )
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
                for piece in pieces(table.rows()) {
                    let text = sqlx::AssertSqlSafe(parts.sqlite(piece.1));
                    let mut args = SqliteArguments::default();
                    table.sqlite(piece, &mut args).map_err(fault)?;
                    let query = sqlx::query_as_with(text, args);
                    found.extend(query.fetch_all(&mut *one).await.map_err(fault)?);
                }
            }
            Connected::Postgres(one) => {
                let text = sqlx::AssertSqlSafe(parts.postgres());
                let query = sqlx::query_as_with(text, table.postgres().map_err(fault)?);
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
                for piece in pieces(table.rows()) {
                    let text = sqlx::AssertSqlSafe(parts.sqlite(piece.1));
                    let mut args = SqliteArguments::default();
                    table.sqlite(piece, &mut args).map_err(fault)?;
                    let query = sqlx::query_with(text, args);
                    let done = query.execute(&mut *one).await.map_err(fault)?;
                    changed += done.rows_affected();
                }
            }
            Connected::Postgres(one) => {
                let text = sqlx::AssertSqlSafe(parts.postgres());
                let query = sqlx::query_with(text, table.postgres().map_err(fault)?);
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

impl Tx {
    /// Runs statements that take rows, one after the other, and insists that each changes as many
    /// as it is given.
    ///
    /// SQLite is sent those with equally many rows as one text: a way to its thread and back costs
    /// a lone report more than a row does.
    ///
    /// # Errors
    /// [`Error::Rows`] if another number changed.
    pub(crate) async fn write_each(
        &mut self,
        mut writes: Vec<(&'static str, Table)>,
    ) -> Result<()> {
        while let Some((sql, table)) = writes.first() {
            let (sql, rows) = (*sql, table.rows());
            let alike = writes.iter().take_while(|(_, table)| table.rows() == rows);
            let rest = writes.split_off(alike.count());
            let alike = std::mem::replace(&mut writes, rest);
            let expected = (rows * alike.len()) as u64;
            let actual = self.write_alike(rows, alike).await?;
            if actual != expected {
                return Err(Error::Rows {
                    sql,
                    expected,
                    actual,
                });
            }
        }
        Ok(())
    }

    /// Statements of equally many rows: how many rows changed together.
    async fn write_alike(
        &mut self,
        rows: usize,
        mut writes: Vec<(&'static str, Table)>,
    ) -> Result<u64> {
        let mut changed = 0;
        if rows == 0 {
            return Ok(changed);
        }
        let Connected::Sqlite(one) = self.connection() else {
            for (sql, table) in writes {
                changed += self.many(sql, table).run().await?;
            }
            return Ok(changed);
        };
        for piece in pieces(rows) {
            let mut texts = Vec::with_capacity(writes.len());
            let mut args = SqliteArguments::default();
            for (sql, table) in &mut writes {
                texts.push(Parts::that_fit(sql, table)?.sqlite(piece.1));
                let added = table.sqlite(piece, &mut args);
                added.map_err(|source| Error::statement(sql, source))?;
            }
            let together = sqlx::AssertSqlSafe(texts.join(";\n"));
            let done = sqlx::query_with(together, args).execute(&mut *one).await;
            // The fault may be any one's; its own words say which table it is about.
            let first = writes.first().map_or("", |(sql, _)| *sql);
            changed += done
                .map_err(|source| Error::statement(first, source))?
                .rows_affected();
        }
        Ok(changed)
    }
}

/// Where each piece of so many rows begins, and how many it has.
fn pieces(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..rows)
        .step_by(SQLITE_ROWS)
        .map(move |from| (from, SQLITE_ROWS.min(rows - from)))
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
            parts.postgres(),
            "INSERT INTO t (a, b) SELECT * FROM UNNEST(CAST($1 AS text[]), CAST($2 AS bigint[])) ON CONFLICT DO NOTHING"
        );
    }

    #[test]
    fn pieces_cover_every_row_once() {
        for rows in [0, 1, 63, 64, 65, 512] {
            let covered: Vec<usize> = pieces(rows).flat_map(|(at, n)| at..at + n).collect();
            assert_eq!(covered, (0..rows).collect::<Vec<_>>());
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
