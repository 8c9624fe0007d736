//! Receipts (受領番号): whoever holds one sees what was entered by it, when and from which device.
//!
//! The page is open to everybody and names no person. The number alone leads here: it cannot be guessed.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::receipts::ReceiptNumber;
use serde::Deserialize;
use store::receipts::{Proof, Proved, prove};

use crate::pages::records::{Badge, day_text, place_name, product_name};
use crate::state::App;
use crate::web::body::Params;
use crate::web::layout::{Page, html};
use crate::web::locale::Texts;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The form, and the answer.
pub fn routes() -> Routes {
    Routes::new().get("/receipts", Guard::Public, ask).get(
        "/receipts/{receipt}",
        Guard::Public,
        show,
    )
}

/// Where a receipt is held against the ledger: what its QR code says.
#[must_use]
pub fn receipt_address(app: &App, number: ReceiptNumber) -> String {
    format!("{}/receipts/{number}", app.address)
}

#[derive(Template)]
#[template(path = "receipt.html")]
struct ReceiptPage {
    page: Page,
    typed: String,
    refused: Option<String>,
    answer: Option<Badge>,
    means: String,
    number: String,
    facts: Vec<(String, String)>,
    since: Vec<String>,
    withheld: bool,
}

impl ReceiptPage {
    fn empty(page: Page, typed: String) -> Self {
        Self {
            page: page.titled("receipt-title"),
            typed,
            refused: None,
            answer: None,
            means: String::new(),
            number: String::new(),
            facts: Vec::new(),
            since: Vec::new(),
            withheld: false,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Typed {
    number: Option<String>,
}

async fn ask(page: Page, Params(typed): Params<Typed>) -> Result<Response, Problem> {
    match typed.number {
        None => html(&ReceiptPage::empty(page, String::new())),
        Some(text) => match ReceiptNumber::parse(&text) {
            Ok(number) => Ok(Redirect::to(&format!("/receipts/{number}")).into_response()),
            Err(refusal) => {
                let mut shown = ReceiptPage::empty(page, text);
                shown.refused = Some(shown.page.t(&format!("refused-{}", refusal.code())));
                Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&shown)?).into_response())
            }
        },
    }
}

async fn show(
    State(app): State<App>,
    page: Page,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let number = match ReceiptNumber::parse(&text) {
        Ok(number) => number,
        Err(refusal) => {
            let mut shown = ReceiptPage::empty(page, text);
            shown.refused = Some(shown.page.t(&format!("refused-{}", refusal.code())));
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&shown)?).into_response());
        }
    };
    let mut shown = ReceiptPage::empty(page, number.to_string());
    let texts = shown.page.texts;
    shown.number = number.to_string();
    match prove(&app.db, number).await? {
        Proved::Genuine(proof) => tell(&mut shown, &proof),
        Proved::NotOurs => {
            shown.answer = Some(Badge::receipt("not_ours", texts));
            shown.means = texts.t("receipt-not_ours.means");
        }
        Proved::Broken => {
            tracing::error!(city = %number.city(), seq = number.seq(), "receipt.entry_broken");
            shown.answer = Some(Badge::receipt("broken", texts));
            shown.means = texts.t("receipt-broken.means");
        }
    }
    html(&shown)
}

fn tell(shown: &mut ReceiptPage, proof: &Proof) {
    let texts = shown.page.texts;
    shown.answer = Some(Badge::receipt("genuine", texts));
    shown.means = texts.t("receipt-genuine.means");
    shown.withheld = proof.withheld;
    let mut fact = |id: &str, value: String| shown.facts.push((texts.t(id), value));
    let city = place_name(proof.number.city());
    fact(
        "receipt-ledger",
        city.unwrap_or_else(|| texts.t("unknown-city")),
    );
    fact("field-recorded_at", proof.at.japanese());
    if let Some(entered) = &proof.entered {
        let facts = &entered.facts;
        fact("field-given_on", day_text(facts.given_on, texts));
        fact(
            "field-turn",
            texts.t_with("turn-n", &[("turn", facts.turn)]),
        );
        fact("field-product", product_name(&facts.product, texts));
        fact("field-lot", facts.lot.clone());
        fact("field-venue", facts.venue_name.clone());
        fact("receipt-by", entered.organisation.clone());
        fact("receipt-device", entered.device.clone());
    }
    shown.since = proof
        .since
        .iter()
        .map(|(act, at)| since_text(act.as_str(), &at.japanese(), texts))
        .collect();
}

fn since_text(act: &str, at: &str, texts: Texts) -> String {
    texts.t_with(&format!("receipt-since-{act}"), &[("at", at)])
}
