//! Registering a dose (登録), and the large answer the venue gets.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header::USER_AGENT;
use axum::response::{IntoResponse, Redirect, Response};
use domain::access::{Action, VenuePermit};
use domain::coupons::CouponLine;
use domain::doses::{DEVICE_LENGTH_MAX, DoseId, InputWay, Standing};
use domain::receipts::ReceiptNumber;
use serde::Deserialize;
use store::doses::of_venue;
use store::recorder::{Receipt, RecordError, Report, receipt};
use store::settings::DaySetting;
use uuid::Uuid;

use crate::pages::reading::{Again, Proof, Read, check};
use crate::pages::records::{Badge, Shown};
use crate::pages::settings;
use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, html};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Registering and its answer.
pub fn routes() -> Routes {
    Routes::new()
        .post("/venue/register", Guard::May(Action::RecordDose), register)
        .get("/venue/register", Guard::May(Action::RecordDose), back)
        .get(
            "/venue/result/{dose}",
            Guard::May(Action::RecordDose),
            result,
        )
}

async fn back() -> Redirect {
    Redirect::to("/venue/read")
}

/// What the checked page sends: the same fields make the same record, however often they are sent.
#[derive(Deserialize)]
struct Fields {
    id: Uuid,
    line: String,
    way: String,
    proof: Proof,
    set_at: i64,
    compared: Option<String>,
}

async fn register(
    State(app): State<App>,
    me: Me,
    page: Page,
    headers: HeaderMap,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::RecordDose)?;
    let id = DoseId(fields.id);
    let line = CouponLine::parse(&fields.line).map_err(|_| Problem::unprocessable("form_shape"))?;
    let way = InputWay::parse(&fields.way).filter(|way| *way != InputWay::System);
    let way = way.ok_or_else(|| Problem::unprocessable("form_shape"))?;
    let read = Read {
        line,
        way,
        proof: fields.proof,
        channels: Vec::new(),
        strip: None,
    };
    // Sent twice, and the settings were changed in between: the first sending stands.
    if of_venue(&app.db, &permit, id)
        .await?
        .is_some_and(|record| record.line == line)
    {
        return Ok(Redirect::to(&format!("/venue/result/{id}")).into_response());
    }
    let setting = match settings::of_today(&app, &permit).await? {
        Ok(setting) => setting,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if setting.set_at.micros() != fields.set_at {
        return again(
            &app,
            &permit,
            page,
            &setting,
            read,
            id,
            "check-settings-changed",
        )
        .await;
    }
    if fields.proof.asks_to_compare() && fields.compared.is_none() {
        return again(
            &app,
            &permit,
            page,
            &setting,
            read,
            id,
            "check-not-compared",
        )
        .await;
    }
    let report = Report {
        id,
        line,
        given_on: setting.given_on,
        product: setting.product.clone(),
        lot: setting.lot.clone(),
        doctor: setting.doctor.clone(),
        venue_name: setting.venue_name.clone(),
        device: device(&headers),
        input: way,
    };
    match app.recorder.report(&permit, report).await {
        Ok(_) => Ok(Redirect::to(&format!("/venue/result/{id}")).into_response()),
        Err(RecordError::Conflict { first }) => conflict(page, &first),
        Err(RecordError::Store(error)) => {
            let problem = Problem::from(error);
            if problem.status() != StatusCode::SERVICE_UNAVAILABLE {
                return Err(problem);
            }
            // Nothing is lost: the page keeps the digits and the id, and can be sent again.
            again(&app, &permit, page, &setting, read, id, "check-not-saved").await
        }
        Err(RecordError::Stopped) => Err(Problem::storage_unavailable()),
        Err(RecordError::Refused(_) | RecordError::NotFound) => Err(Problem::internal()),
    }
}

async fn again(
    app: &App,
    permit: &VenuePermit,
    page: Page,
    setting: &DaySetting,
    read: Read,
    id: DoseId,
    text: &str,
) -> Result<Response, Problem> {
    let again = Again {
        id: id.to_string(),
        text: page.t(text),
        todo: page.t(&format!("{text}.todo")),
    };
    check(app, permit, page, setting, read, Some(again)).await
}

/// The device as its browser names it: the part in brackets, such as `Linux; Android 13; Lenovo TB-8504F`.
pub fn device(headers: &HeaderMap) -> String {
    let agent = headers
        .get(USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or_default();
    let named = agent
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'))
        .map_or(agent, |(inside, _)| inside);
    let named = if named.is_empty() { "browser" } else { named };
    named
        .chars()
        .filter(|character| !character.is_control())
        .take(DEVICE_LENGTH_MAX)
        .collect()
}

/// The same id came with other content: both are kept, and this says so.
#[derive(Template)]
#[template(path = "venue/conflict.html")]
struct ConflictPage {
    page: Page,
    first: String,
    recorded_at: String,
}

pub(super) fn conflict(page: Page, first: &Receipt) -> Result<Response, Problem> {
    let page = page.titled("conflict-title");
    let shown = ConflictPage {
        page,
        first: first.dose.to_string(),
        recorded_at: first.at.japanese(),
    };
    Ok((StatusCode::CONFLICT, html(&shown)?).into_response())
}

#[derive(Template)]
#[template(path = "venue/result.html")]
struct ResultPage {
    page: Page,
    record: Shown,
    answer: Badge,
    done: String,
    /// Where the next person is read.
    next: &'static str,
    /// The receipt number (受領番号).
    number: String,
}

async fn result(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(dose): Path<Uuid>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::RecordDose)?;
    let dose = DoseId(dose);
    let record = of_venue(&app.db, &permit, dose)
        .await?
        .ok_or_else(Problem::not_found)?;
    let receipt = receipt(&app.db, &permit, dose)
        .await?
        .ok_or_else(Problem::not_found)?;
    let page = page.titled("result-title");
    let texts = page.texts;
    let (answer, done) = if record.standing == Standing::Void {
        (Badge::taken_back(texts), texts.t("answer-void.done"))
    } else {
        let done = texts.t(&format!("answer-{}.done", record.answer.as_str()));
        (Badge::answer(record.answer, texts), done)
    };
    let number = ReceiptNumber::of(receipt.municipality, receipt.seq, &receipt.hash).to_string();
    let next = match record.input {
        InputWay::Paper => "/venue/drafts",
        _ => "/venue/read",
    };
    html(&ResultPage {
        next,
        record: Shown::of(&record, texts),
        answer,
        done,
        number,
        page,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_named_by_the_part_in_brackets_and_never_too_long() {
        let check = |agent: &str, expected: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(USER_AGENT, agent.parse().unwrap());
            assert_eq!(device(&headers), expected);
        };
        check(
            "Mozilla/5.0 (Linux; Android 13; TB-8504F) AppleWebKit",
            "Linux; Android 13; TB-8504F",
        );
        check("curl/8.0", "curl/8.0");
        check("", "browser");
        check(&"x".repeat(100), &"x".repeat(DEVICE_LENGTH_MAX));
    }
}
