//! What is to be said about the lines of a file.

use domain::access::CityPermit;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::from_json;
use crate::db::{Db, sql};
use crate::error::Result;

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
    permit: &CityPermit,
    id: Uuid,
    after_line: u64,
) -> Result<Vec<Remark>> {
    let mut after = i64::try_from(after_line).unwrap_or(i64::MAX);
    let mut remarks: Vec<Remark> = Vec::new();
    while remarks.len() < REMARKS_MAX {
        let next: Option<(i64, String)> = db
            .query(sql!(
                "SELECT upto_line, remarks FROM import_remark
                 WHERE municipality = $1 AND import = $2 AND upto_line > $3
                 ORDER BY upto_line LIMIT 1"
            ))
            .bind(permit.city().as_str().to_owned())
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
