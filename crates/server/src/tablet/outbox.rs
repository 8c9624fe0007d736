//! Taking in what a tablet sends from its outbox: signed there, numbered there, and sent until it is answered.
//!
//! Each record is a *statement*: a JSON text, signed byte for byte as it is, so that no two programs need to agree on
//! how JSON is written. A dose that was given is never refused for what it is; what is refused here is what this tablet
//! cannot have said.

use axum::http::StatusCode;
use domain::access::VenuePermit;
use domain::calendar::Instant;
use domain::doses::DoseId;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::devices::{self, Device, Taken};
use store::recorder::{Receipt, Report};
use tokio::task::JoinSet;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::fields::Fields;
use crate::state::App;
use crate::web::problem::Problem;

/// Records in one sending at most: they share a commit or two, and a slow line carries them in a second.
pub const RECORDS_MAX: usize = 100;
/// Bytes of one statement at most: the longest names make half of it.
const STATEMENT_BYTES_MAX: usize = 4 * 1024;

/// A record as a tablet signed it.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
pub struct Signed {
    /// A `Statement` as JSON, exactly as it was signed.
    pub statement: String,
    /// ECDSA over P-256 and SHA-256: r and s, 64 bytes as hexadecimal digits.
    pub signature: String,
}

/// What a tablet states: a dose, and how it came about.
#[derive(Deserialize, ToSchema)]
pub struct Statement {
    /// The record: a UUID of version 7, made before anything else.
    pub id: Uuid,
    /// The tablet.
    pub device: Uuid,
    /// The tablet's own number, from 1, without gaps.
    pub sequence: i64,
    /// Who was logged in there.
    pub account: Uuid,
    /// When it was made, in milliseconds since 1970 by the tablet's clock.
    pub made_at: i64,
    /// The 18 digits.
    pub coupon: String,
    /// The day the dose was given, `YYYY-MM-DD`.
    pub given_on: String,
    /// The product's key.
    pub product: String,
    /// The lot on the vial.
    pub lot: String,
    /// Who examined and gave.
    pub doctor: String,
    /// The venue's name that day.
    pub venue_name: String,
    /// How the digits came in: `qr`, `ocr`, `scanner`, `keyed`.
    pub input: String,
    /// Why they were believed: `codes` agreed, typed `twice`, or `alone` and compared by a person.
    pub basis: String,
}

/// By which way a queue came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Sent by the tablet itself, whose clock was so many milliseconds ahead of ours.
    Sent {
        /// Negative if it was behind.
        skew_millis: i64,
    },
    /// Handed in as a file by somebody of the venue, who answers for it: also for what a lost tablet held, and for
    /// what a colleague entered.
    File,
}

/// A record that was sent, and what became of it.
pub struct Answered {
    /// The record's id, if the statement tells one.
    pub id: Option<Uuid>,
    /// Its receipt, or why it was not recorded.
    pub outcome: Result<Receipt, Problem>,
}

/// Takes in what a tablet stated. Answers come in the order of the records.
///
/// # Errors
/// 404 `device_unknown`, 403 `device_revoked`, 422 `too_many_records`, or the database's own.
pub async fn take_in(
    app: &App,
    permit: &VenuePermit,
    device: Uuid,
    records: Vec<Signed>,
    delivery: Delivery,
) -> Result<Vec<Answered>, Problem> {
    if records.len() > RECORDS_MAX && delivery != Delivery::File {
        return Err(Problem::unprocessable("too_many_records").arg("max", RECORDS_MAX));
    }
    let device = devices::find(&app.db, permit, device)
        .await?
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "device_unknown"))?;
    if device.revoked_at.is_some() && delivery != Delivery::File {
        return Err(Problem::new(StatusCode::FORBIDDEN, "device_revoked"));
    }
    let key = VerifyingKey::from_sec1_bytes(&device.public_key).map_err(|error| {
        tracing::error!(%error, "device.key_unreadable");
        Problem::internal()
    })?;
    let mut read = Vec::with_capacity(records.len());
    for record in &records {
        read.push(read_one(&key, &device, permit, record, delivery));
    }
    let skew_millis = match delivery {
        Delivery::Sent { skew_millis } => Some(skew_millis),
        Delivery::File => None,
    };
    let mut taken = Vec::new();
    let mut answers = Vec::with_capacity(read.len());
    for (outcome, one) in report_all(app, permit, read).await {
        if outcome.outcome.is_ok() {
            taken.extend(one);
        }
        answers.push(outcome);
    }
    devices::took(&app.db, permit, device.id, &taken, skew_millis, app.now()).await?;
    Ok(answers)
}

/// A statement that was read: what to report, and what to keep of how it came.
type Read = (Option<Uuid>, Result<(Report, Taken), Problem>);

fn read_one(
    key: &VerifyingKey,
    device: &Device,
    permit: &VenuePermit,
    signed: &Signed,
    delivery: Delivery,
) -> Read {
    if signed.statement.len() > STATEMENT_BYTES_MAX {
        return (None, Err(Problem::unprocessable("statement_unreadable")));
    }
    let Ok(statement) = serde_json::from_str::<Statement>(&signed.statement) else {
        return (None, Err(Problem::unprocessable("statement_unreadable")));
    };
    let id = Some(statement.id);
    let bytes = hex::decode(&signed.signature).unwrap_or_default();
    let holds = Signature::from_slice(&bytes)
        .is_ok_and(|signature| key.verify(signed.statement.as_bytes(), &signature).is_ok());
    if !holds || statement.device != device.id || statement.sequence < 1 {
        return (id, Err(Problem::unprocessable("signature_wrong")));
    }
    let is_own = statement.account == permit.actor().user.0;
    if !is_own && delivery != Delivery::File {
        return (id, Err(Problem::conflict("statement_of_another")));
    }
    (id, reported(&statement, signed, bytes))
}

fn reported(
    statement: &Statement,
    signed: &Signed,
    signature: Vec<u8>,
) -> Result<(Report, Taken), Problem> {
    let mut fields = Fields::new();
    let id = DoseId(fields.id("id", statement.id));
    let line = fields.line("coupon", &statement.coupon);
    let given_on = fields.day("given_on", &statement.given_on);
    let (product, lot) = (
        fields.product(&statement.product),
        fields.lot(&statement.lot),
    );
    let doctor = fields.doctor(&statement.doctor);
    let venue_name = fields.venue_name(&statement.venue_name);
    let input = fields.input("input", Some(&statement.input));
    let basis = fields.word("basis", Some(&statement.basis), basis);
    fields.done()?;
    // `done` has told of every field that is missing here.
    let (Some(line), Some(given_on), Some(basis)) = (line, given_on, basis) else {
        return Err(Problem::unprocessable("statement_unreadable"));
    };
    let report = Report {
        id,
        line,
        given_on,
        product,
        lot,
        doctor,
        venue_name,
        device: statement.device.to_string(),
        input,
    };
    let taken = Taken {
        sequence: statement.sequence,
        dose: id,
        made_at: Instant::from_micros(statement.made_at.saturating_mul(1_000)),
        basis,
        statement_hash: Sha256::digest(signed.statement.as_bytes()).into(),
        signature,
    };
    Ok((report, taken))
}

fn basis(word: &str) -> Option<&'static str> {
    ["codes", "twice", "alone"]
        .into_iter()
        .find(|known| *known == word)
}

/// Reports all at once, so that they share commits.
async fn report_all(
    app: &App,
    permit: &VenuePermit,
    read: Vec<Read>,
) -> Vec<(Answered, Option<Taken>)> {
    let mut running = JoinSet::new();
    let mut answers: Vec<Option<(Answered, Option<Taken>)>> = Vec::with_capacity(read.len());
    for (place, (id, one)) in read.into_iter().enumerate() {
        match one {
            Ok((report, taken)) => {
                let (app, permit) = (app.clone(), permit.clone());
                answers.push(None);
                running.spawn(async move {
                    let outcome = app.recorder.report(&permit, report).await;
                    let outcome = outcome.map_err(Problem::from);
                    (place, Answered { id, outcome }, taken)
                });
            }
            Err(problem) => {
                let outcome = Err(problem);
                answers.push(Some((Answered { id, outcome }, None)));
            }
        }
    }
    while let Some(done) = running.join_next().await {
        match done {
            Ok((place, answered, taken)) => {
                if let Some(answer) = answers.get_mut(place) {
                    *answer = Some((answered, Some(taken)));
                }
            }
            Err(error) => tracing::error!(%error, "outbox.report_lost"),
        }
    }
    // What was lost by a mistake of ours is told as such, and sent again by the tablet.
    let lost = || Answered {
        id: None,
        outcome: Err(Problem::internal()),
    };
    answers
        .into_iter()
        .map(|answer| answer.unwrap_or_else(|| (lost(), None)))
        .collect()
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
