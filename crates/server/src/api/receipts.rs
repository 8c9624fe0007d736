//! Receipts (受領番号) over the API: open to everybody who has one, and silent about who the person is.

use axum::Json;
use axum::extract::{Path, State};
use domain::calendar::{Day, Instant};
use domain::ledger::Act;
use domain::places::Places;
use domain::receipts::ReceiptNumber;
use serde::Serialize;
use store::receipts::{Proved, prove as held_against_the_ledger};
use utoipa::ToSchema;

use crate::state::App;
use crate::web::locale::{Locale, Texts};
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new().get("/api/v1/receipts/{receipt}", Guard::Public, prove)
}

/// What a receipt proves.
#[derive(Serialize, ToSchema)]
pub struct ProofBody {
    /// The receipt.
    #[schema(value_type = String)]
    receipt_number: ReceiptNumber,
    /// `genuine`, `not_ours` (no entry has this receipt), `broken` (the database was changed from outside).
    #[schema(example = "genuine")]
    result: &'static str,
    /// The municipality whose ledger it names.
    municipality: Option<String>,
    /// The number of the entry there.
    seq: i64,
    /// What was done.
    #[schema(value_type = Option<String>, example = "recorded")]
    act: Option<Act>,
    /// When the server took it.
    #[schema(value_type = Option<String>)]
    at: Option<Instant>,
    /// What was entered; absent if it was erased after the retention period, or is withheld.
    entered: Option<EnteredBody>,
    /// That the person is under protection: then nothing is told of what and where.
    withheld: bool,
    /// What was done to the record since, oldest first.
    since: Vec<SinceBody>,
}

/// What was entered, without the person.
#[derive(Serialize, ToSchema)]
pub struct EnteredBody {
    /// The day of the dose.
    #[schema(value_type = String)]
    given_on: Day,
    /// Which dose.
    turn: u8,
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// The venue's name on the day.
    venue_name: String,
    /// The organisation that entered it.
    organisation: String,
    /// From which device.
    device: String,
}

/// An act on the record after the entry.
#[derive(Serialize, ToSchema)]
pub struct SinceBody {
    /// What was done: `corrected`, `voided`, `confirmed`, `reopened`.
    #[schema(value_type = String)]
    act: Act,
    /// When.
    #[schema(value_type = String)]
    at: Instant,
}

impl ProofBody {
    /// The answer of the ledger.
    #[must_use]
    pub fn of(number: ReceiptNumber, proved: Proved) -> Self {
        let place = Places::bundled().any(number.city());
        let bare = |result| Self {
            receipt_number: number,
            result,
            municipality: place.map(|place| place.name.clone()),
            seq: number.seq(),
            act: None,
            at: None,
            entered: None,
            withheld: false,
            since: Vec::new(),
        };
        let proof = match proved {
            Proved::Genuine(proof) => proof,
            Proved::NotOurs => return bare("not_ours"),
            Proved::Broken => return bare("broken"),
        };
        Self {
            act: Some(proof.act),
            at: Some(proof.at),
            entered: proof.entered.map(|entered| EnteredBody {
                given_on: entered.facts.given_on,
                turn: entered.facts.turn,
                product: entered.facts.product,
                lot: entered.facts.lot,
                venue_name: entered.facts.venue_name,
                organisation: entered.organisation,
                device: entered.device,
            }),
            withheld: proof.withheld,
            since: proof
                .since
                .into_iter()
                .map(|(act, at)| SinceBody { act, at })
                .collect(),
            ..bare("genuine")
        }
    }

    /// Whether the ledger holds what the receipt was given for.
    #[must_use]
    pub fn is_genuine(&self) -> bool {
        self.result == "genuine"
    }
}

/// Hold a receipt number against the ledger: what was entered, when, from which device. Not who the person is.
#[utoipa::path(get, path = "/api/v1/receipts/{receipt}", params(("receipt" = String, Path)), tag = "public", responses(
    (status = 200, description = "The ledger's answer, also if the receipt is not genuine", body = ProofBody),
    (status = 422, description = "Not a receipt number; `reason` says why"),
))]
pub(super) async fn prove(
    State(app): State<App>,
    Path(number): Path<String>,
) -> Result<Json<ProofBody>, Problem> {
    let number = ReceiptNumber::parse(&number).map_err(|refusal| {
        let words = |locale| Texts::new(locale).t(&format!("refused-{}", refusal.code()));
        Problem::unprocessable("receipt_refused")
            .member("reason", refusal.code())
            .member("reason_ja", words(Locale::Ja))
            .member("reason_en", words(Locale::En))
    })?;
    let proved = held_against_the_ledger(&app.db, number).await?;
    Ok(Json(ProofBody::of(number, proved)))
}
