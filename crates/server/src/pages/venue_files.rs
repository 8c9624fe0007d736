//! Files of venues (会場マスタの取込) of a city, a prefecture or the nation: handed in, looked through, approved, taken back;
//! and the venues of the area as such a file.

use askama::Template;
use axum::extract::multipart::Multipart;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::calendar::Day;
use exchange::encoding::Encoding;
use exchange::venue_master::{ITEMS, REQUIRED};
use serde::Deserialize;
use store::imports::{self, Kind};
use store::venues::Export;
use uuid::Uuid;

use crate::jobs::venue_files::Outgoing;
use crate::pages::attachments::csv_response;
use crate::pages::imports::{
    Decide, Listed, Room, Yes, answered, decide_in, decided, encodings, listed, saved, shown,
    take_in,
};
use crate::pages::records::Choice;
use crate::pages::venues::Wanted;
use crate::state::App;
use crate::web::body::{PageForm, Params};
use crate::web::layout::{Page, done, html};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Bytes of a file at most: the 70,000 venues of the nation are some 20 MB.
pub const FILE_BYTES_MAX: usize = 64 << 20;

/// The pages of this file.
pub fn routes() -> Routes {
    let load = Guard::May(Action::LoadVenues);
    Routes::new()
        .get("/venues/venues.csv", Guard::May(Action::SeeVenues), file)
        .get("/venues/files", load, room)
        .post_up_to(FILE_BYTES_MAX, "/venues/files", load, hand_in)
        .post("/venues/files/approval", load, set_second)
        .get("/venues/files/{import}", load, show)
        .get("/venues/files/{import}/remarks.csv", load, save)
        .post("/venues/files/{import}/approve", load, approve)
        .post("/venues/files/{import}/undo", load, undo)
        .post("/venues/files/{import}/keep", load, keep)
        .post("/venues/files/{import}/discard", load, discard)
}

#[derive(Template)]
#[template(path = "venues/files.html")]
struct FilesPage {
    page: Page,
    encodings: Vec<Choice>,
    items: &'static [&'static str],
    required: u64,
    second: bool,
    earlier: Vec<Listed>,
    refused: Option<Problem>,
}

async fn room(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    form(&app, &me, page, None).await
}

async fn form(
    app: &App,
    me: &Me,
    page: Page,
    refused: Option<Problem>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::LoadVenues, me.place())?;
    let earlier = imports::list(&app.db, &permit, Some(Kind::Venues)).await?;
    let status = refused.as_ref().map_or(StatusCode::OK, Problem::status);
    let page = page.titled("venue-files-title");
    let shown = FilesPage {
        encodings: encodings(&page),
        items: ITEMS,
        required: REQUIRED as u64,
        second: imports::venues::second_person(&app.db, &permit).await?,
        earlier: earlier.iter().map(|one| listed(one, &page)).collect(),
        refused,
        page,
    };
    Ok((status, html(&shown)?).into_response())
}

async fn hand_in(
    State(app): State<App>,
    me: Me,
    page: Page,
    sent: Multipart,
) -> Result<Response, Problem> {
    match take_in(&app, &me, Kind::Venues, sent).await? {
        Some(response) => Ok(response),
        None => form(&app, &me, page, Some(Problem::unprocessable("file_empty"))).await,
    }
}

/// Whether a second person is wanted.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Second {
    second: String,
}

async fn set_second(
    State(app): State<App>,
    me: Me,
    PageForm(asked): PageForm<Second>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::LoadVenues, me.place())?;
    let second = !asked.second.is_empty();
    imports::venues::set_second_person(&app.db, &permit, second, decided(&app)).await?;
    Ok(done("/venues/files", "venue-told"))
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    shown(&app, &Room::of_venues(&me)?, page, id).await
}

async fn save(State(app): State<App>, me: Me, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    saved(&app, &Room::of_venues(&me)?, id).await
}

async fn decide(app: &App, me: &Me, id: Uuid, what: Decide) -> Result<Response, Problem> {
    let room = Room::of_venues(me)?;
    let became = decide_in(app, &room, id, what).await?;
    Ok(answered(room.path, id, (became, what)))
}

async fn approve(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    PageForm(Yes {}): PageForm<Yes>,
) -> Result<Response, Problem> {
    decide(&app, &me, id, Decide::Approve).await
}

async fn undo(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    PageForm(Yes {}): PageForm<Yes>,
) -> Result<Response, Problem> {
    decide(&app, &me, id, Decide::Undo).await
}

async fn keep(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    PageForm(Yes {}): PageForm<Yes>,
) -> Result<Response, Problem> {
    decide(&app, &me, id, Decide::Keep).await
}

async fn discard(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    PageForm(Yes {}): PageForm<Yes>,
) -> Result<Response, Problem> {
    decide(&app, &me, id, Decide::Discard).await
}

async fn file(
    State(app): State<App>,
    me: Me,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::SeeVenues, me.place())?;
    let on = Day::parse(wanted.on.trim()).unwrap_or_else(|| app.today());
    let encoding = Encoding::parse(&wanted.encoding).unwrap_or(Encoding::Utf8);
    let export = Export::begin(&app.db, &permit, on)?;
    let outgoing = Outgoing::begin(export, encoding).map_err(|_| Problem::internal())?;
    let name = format!("venues-{on}.csv");
    Ok(csv_response(&name, encoding, outgoing.body()))
}
