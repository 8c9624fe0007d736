//! What is to be said about the lines of a file.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::desks::{Desk, Right};
use super::from_json;
use crate::db::{Db, Tx, sql};
use crate::error::Result;
use crate::recorder::json;

/// Remarks handed out for a page at most.
pub const REMARKS_MAX: usize = 200;

/// Something to be said about a line, in words, since the file is gone when it is read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// The line, the header being 1.
    pub line: u64,
    /// The item's name; none for the whole line.
    pub column: Option<String>,
    /// A stable word.
    pub code: String,
    /// What it is and what to do, in Japanese.
    pub ja: String,
    /// The same in English.
    pub en: String,
    /// Whether the line is taken all the same.
    pub kept: bool,
}

impl std::fmt::Debug for Remark {
    /// The words may quote what stands in the line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Remark({}, {})", self.line, self.code)
    }
}

/// Why a file as a whole is no good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// A stable word.
    pub code: String,
    /// What it is and what to do, in Japanese.
    pub ja: String,
    /// The same in English.
    pub en: String,
}

/// What is to be said about a file's lines after this one, in their order; some at a time.
///
/// # Errors
/// The database's.
pub async fn remarks(
    db: &Db,
    permit: impl Into<Right>,
    id: Uuid,
    after_line: u64,
) -> Result<Vec<Remark>> {
    let desk = permit.into().desk()?;
    let mut after = i64::try_from(after_line).unwrap_or(i64::MAX);
    let mut remarks: Vec<Remark> = Vec::new();
    while remarks.len() < REMARKS_MAX {
        let next: Option<(i64, String)> = db
            .query(sql!(
                "SELECT upto_line, remarks FROM import_remark
                 WHERE desk = $1 AND import = $2 AND upto_line > $3
                 ORDER BY upto_line LIMIT 1"
            ))
            .bind(desk.key())
            .bind(id.as_bytes().to_vec())
            .bind(after)
            .optional()
            .await?;
        let Some((upto, text)) = next else { break };
        let more: Vec<Remark> = from_json(&text, "remarks")?;
        remarks.extend(more.into_iter().filter(|one| one.line > after_line));
        after = upto;
    }
    Ok(remarks)
}

/// Adds what is to be said of the lines of a stretch that was looked through, once it is applied.
pub(super) async fn add(
    tx: &mut Tx,
    desk: Desk,
    (import, upto_line): (Uuid, i64),
    more: Vec<Remark>,
) -> Result<()> {
    if more.is_empty() {
        return Ok(());
    }
    let kept: Option<(String,)> = tx
        .query(sql!(
            "SELECT remarks FROM import_remark WHERE desk = $1 AND import = $2 AND upto_line = $3"
        ))
        .bind(desk.key())
        .bind(import.as_bytes().to_vec())
        .bind(upto_line)
        .optional()
        .await?;
    let mut all: Vec<Remark> = match kept {
        Some((text,)) => from_json(&text, "remarks")?,
        None => Vec::new(),
    };
    all.extend(more);
    put(tx, desk, (import, upto_line), all).await
}

/// Keeps what is to be said of the lines of a stretch.
pub(super) async fn put(
    tx: &mut Tx,
    desk: Desk,
    (import, upto_line): (Uuid, i64),
    mut all: Vec<Remark>,
) -> Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    all.sort_by_key(|one| one.line);
    tx.query(sql!(
        "INSERT INTO import_remark (desk, import, upto_line, remarks) VALUES ($1, $2, $3, $4)
         ON CONFLICT (desk, import, upto_line) DO UPDATE SET remarks = excluded.remarks"
    ))
    .bind(desk.key())
    .bind(import.as_bytes().to_vec())
    .bind(upto_line)
    .bind(json(&all))
    .expect(1)
    .await
}
