//! The file of doses typed from paper (接種記録CSV) is handed over here, and what became of earlier
//! ones is listed.

use askama::Template;
use axum::extract::State;
use axum::extract::multipart::Multipart;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::access::Action;
use store::imports::{self, Kind};

use crate::api::residents::FILE_BYTES_MAX;
use crate::pages::imports::{Listed, encodings, listed, take_in};
use crate::pages::records::Choice;
use crate::state::App;
use crate::web::layout::{Page, html};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The page of the file.
pub fn routes() -> Routes {
    let guard = Guard::May(Action::CorrectRecord);
    Routes::new()
        .get("/city/records", guard, show)
        .post_up_to(FILE_BYTES_MAX, "/city/records/load", guard, load)
        .get("/city/records/load", guard, back)
}

#[derive(Template)]
#[template(path = "city/typed.html")]
struct TypedPage {
    page: Page,
    encodings: Vec<Choice>,
    earlier: Vec<Listed>,
    refused: Option<Problem>,
}

async fn back() -> Redirect {
    Redirect::to("/city/records")
}

async fn show(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    form(&app, &me, page, None).await
}

async fn form(
    app: &App,
    me: &Me,
    page: Page,
    refused: Option<Problem>,
) -> Result<Response, Problem> {
    let earlier = imports::list(
        &app.db,
        &me.city(Action::CorrectRecord)?,
        Some(Kind::Records),
    )
    .await?;
    let status = refused.as_ref().map_or(StatusCode::OK, Problem::status);
    let page = page.titled("paper-title");
    let shown = TypedPage {
        encodings: encodings(&page),
        earlier: earlier.iter().map(|one| listed(one, &page)).collect(),
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
    match take_in(&app, &me, Kind::Records, sent).await? {
        Some(response) => Ok(response),
        None => form(&app, &me, page, Some(Problem::unprocessable("file_empty"))).await,
    }
}
