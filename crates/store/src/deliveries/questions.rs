//! Questions about deliveries, each with its place on a supplier's work list until somebody answers.

use domain::access::{OrganisationId, Permit};
use domain::calendar::Instant;
use domain::deliveries::Question;
use serde_json::json;
use uuid::Uuid;

use super::{LIST_MAX, id_of, supplier};
use crate::audit::{self, Change};
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::stock::Done;

/// Longest line of a file that is kept with its question, in characters.
const ABOUT_LENGTH_MAX: usize = 500;

/// Keeps a line that could not be read with what is wrong with it, so that it is not lost.
///
/// # Errors
/// The database's.
pub async fn unreadable(
    db: &Db,
    permit: &Permit,
    line: &str,
    complaints: &str,
    at: Instant,
) -> Result<()> {
    let holder = supplier(permit)?;
    let about: String = line.chars().take(ABOUT_LENGTH_MAX).collect();
    let asking = Asking {
        holder,
        named: about.clone(),
        about,
        at,
    };
    transact!(db, |tx| {
        asking
            .ask(&mut tx, Question::Unreadable, complaints)
            .await?;
    })
}

/// Where and about what is asked.
pub(super) struct Asking {
    pub holder: OrganisationId,
    pub about: String,
    pub at: Instant,
    /// What the question is known by, so that the same is not asked twice.
    pub named: String,
}

impl Asking {
    pub async fn ask(&self, tx: &mut Tx, question: Question, detail: &str) -> Result<()> {
        let holder = self.holder.to_string();
        let id = id_of(&[&holder, question.as_str(), &self.named])?;
        tx.query(sql!(
            "INSERT INTO stock_question
                 (holder, id, question, about, detail, at_micros, answered_at, answered_by, answer)
             VALUES ($1, $2, $3, $4, $5, $6, NULL, NULL, '')
             ON CONFLICT (holder, id) DO NOTHING"
        ))
        .bind(self.holder.0.as_bytes().to_vec())
        .bind(id.as_bytes().to_vec())
        .bind(question.as_str().to_owned())
        .bind(self.about.clone())
        .bind(detail.to_owned())
        .bind(self.at.micros())
        .run()
        .await?;
        Ok(())
    }
}

/// A question that nobody has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenQuestion {
    /// Its id.
    pub id: Uuid,
    /// What is asked.
    pub question: Question,
    /// About what: a line of a file, or slip, code, product, lot and vials.
    pub about: String,
    /// More of it.
    pub detail: String,
    /// Since when.
    pub at: Instant,
}

/// What a supplier has to answer, oldest first.
///
/// # Errors
/// The database's.
pub async fn open_questions(db: &Db, permit: &Permit) -> Result<Vec<OpenQuestion>> {
    let holder = supplier(permit)?;
    let rows: Vec<(Vec<u8>, String, String, String, i64)> = db
        .query(sql!(
            "SELECT id, question, about, detail, at_micros FROM stock_question
             WHERE holder = $1 AND answered_at IS NULL ORDER BY at_micros, id LIMIT $2"
        ))
        .bind(holder.0.as_bytes().to_vec())
        .bind(LIST_MAX)
        .all()
        .await?;
    let bad = |column| Error::Inconsistent {
        table: "stock_question",
        column,
    };
    rows.into_iter()
        .map(|(id, question, about, detail, at)| {
            Ok(OpenQuestion {
                id: Uuid::from_slice(&id).map_err(|_| bad("id"))?,
                question: Question::parse(&question).ok_or_else(|| bad("question"))?,
                about,
                detail,
                at: Instant::from_micros(at),
            })
        })
        .collect()
}

/// Answers a question in words; what has to be booked is booked by other means.
///
/// # Errors
/// The database's.
pub async fn answer(
    db: &Db,
    permit: &Permit,
    question: Uuid,
    words: &str,
    (audit, at): (Uuid, Instant),
) -> Result<Done> {
    let holder = supplier(permit)?;
    transact!(db, |tx| {
        let answered = tx
            .query(sql!(
                "UPDATE stock_question SET answered_at = $3, answered_by = $4, answer = $5
                 WHERE holder = $1 AND id = $2 AND answered_at IS NULL"
            ))
            .bind(holder.0.as_bytes().to_vec())
            .bind(question.as_bytes().to_vec())
            .bind(at.micros())
            .bind(permit.actor().user.0.as_bytes().to_vec())
            .bind(words.to_owned())
            .run()
            .await?;
        if answered == 0 {
            return Ok(Done::NotFound);
        }
        let change = Change {
            id: audit,
            at,
            municipality: None,
            action: "answer-question",
            subject: &question.to_string(),
            detail: &json!({ "answer": words }).to_string(),
        };
        audit::write(&mut tx, permit.actor(), &change).await?;
        Done::Now
    })
}
