//! The residents' file (接種対象者CSV): handed over, read, and answered line by line.

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::multipart::Multipart;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::access::Action;
use exchange::complaints::{Complaint, complaints_csv};
use exchange::encoding::Encoding;

use crate::api::residents::{FILE_BYTES_MAX, Import, import};
use crate::pages::attachments;
use crate::pages::records::Choice;
use crate::state::App;
use crate::web::layout::{Page, html};
use crate::web::locale::{Locale, Texts};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Complaints shown on the page; the rest is in the file to save.
const SHOWN_MAX: usize = 200;
/// Complaints in the file to save, which is part of the page: some three megabytes.
const SAVED_MAX: usize = 20_000;

/// The page of the file.
pub fn routes() -> Routes {
    let guard = Guard::May(Action::LoadResidents);
    Routes::new()
        .get("/city/residents", guard, show)
        .post_up_to(FILE_BYTES_MAX, "/city/residents/load", guard, load)
        .get("/city/residents/load", guard, back)
}

#[derive(Template)]
#[template(path = "city/residents.html")]
struct ResidentsPage {
    page: Page,
    residents: i64,
    encodings: Vec<Choice>,
    refused: Option<Problem>,
}

#[derive(Template)]
#[template(path = "city/loaded.html")]
struct LoadedPage {
    page: Page,
    import: Import,
    complaints: Vec<Told>,
    left_off: usize,
    saved: Option<String>,
}

/// A complaint in words.
struct Told {
    line: u64,
    item: &'static str,
    text: String,
    kept: bool,
}

async fn back() -> Redirect {
    Redirect::to("/city/residents")
}

async fn show(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    form(&app, &me, page, Encoding::Utf8, None).await
}

async fn form(
    app: &App,
    me: &Me,
    page: Page,
    encoding: Encoding,
    refused: Option<Problem>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeeLedger)?;
    let desk = store::doses::desk(&app.db, &permit).await?;
    let status = refused.as_ref().map_or(StatusCode::OK, Problem::status);
    let page = page.titled("residents-title");
    let encodings = Encoding::ALL
        .into_iter()
        .map(|one| Choice {
            value: one.as_str().to_owned(),
            label: page.t(&format!("encoding-{}", one.as_str())),
            chosen: one == encoding,
        })
        .collect();
    let shown = ResidentsPage {
        residents: desk.residents,
        encodings,
        refused,
        page,
    };
    Ok((status, html(&shown)?).into_response())
}

async fn load(
    State(app): State<App>,
    me: Me,
    page: Page,
    sent: Multipart,
) -> Result<Response, Problem> {
    let permit = me.city(Action::LoadResidents)?;
    let (encoding, file) = fields(sent).await?;
    let import = match import(&app, &permit, file, encoding).await {
        Ok(import) => import,
        // The file as a whole is no good: say why beside the form, to choose again.
        Err(problem) if problem.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            return form(&app, &me, page, encoding, Some(problem)).await;
        }
        Err(problem) => return Err(problem),
    };
    let page = page.titled("loaded-title");
    let complaints = &import.complaints;
    let saved = complaints.get(..SAVED_MAX).unwrap_or(complaints);
    html(&LoadedPage {
        saved: (!saved.is_empty())
            .then(|| attachments::address("text/csv;charset=utf-8", &complaints_csv(saved))),
        complaints: complaints
            .iter()
            .take(SHOWN_MAX)
            .map(|one| told(one, page.texts))
            .collect(),
        left_off: complaints.len().saturating_sub(SHOWN_MAX),
        import,
        page,
    })
}

fn told(complaint: &Complaint, texts: Texts) -> Told {
    Told {
        line: complaint.line,
        item: complaint.column.unwrap_or("—"),
        text: match texts.locale() {
            Locale::Ja => complaint.text_ja(),
            Locale::En => complaint.text_en(),
        },
        kept: complaint.keeps_row(),
    }
}

async fn fields(mut sent: Multipart) -> Result<(Encoding, Bytes), Problem> {
    let (mut encoding, mut file) = (Encoding::Utf8, Bytes::new());
    while let Some(field) = sent
        .next_field()
        .await
        .map_err(|error| attachments::cut_off(&error))?
    {
        match field.name() {
            Some("encoding") => {
                let word = field
                    .text()
                    .await
                    .map_err(|error| attachments::cut_off(&error))?;
                encoding = Encoding::parse(&word).unwrap_or(Encoding::Utf8);
            }
            Some("file") => {
                file = field
                    .bytes()
                    .await
                    .map_err(|error| attachments::cut_off(&error))?
            }
            _ => {}
        }
    }
    Ok((encoding, file))
}
