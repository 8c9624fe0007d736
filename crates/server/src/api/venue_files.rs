//! Files of venues over the API (会場マスタの取込): of a city, a prefecture or the nation, in the steps of every other file.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use domain::access::Action;
use store::imports::{self, Kind};
use uuid::Uuid;

use crate::api::imports::{
    ImportBody, ImportList, RemarkList, RemarksParams, Sent, became_of, remarks_of, taken_in,
};
use crate::pages::imports::{Decide, Room, decide_in};
use crate::pages::venue_files::FILE_BYTES_MAX;
use crate::state::App;
use crate::web::body::Params;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The routes of this file.
pub fn routes() -> Routes {
    let guard = Guard::May(Action::LoadVenues);
    Routes::new()
        .get("/api/v1/venue-files", guard, list)
        .post_up_to(FILE_BYTES_MAX, "/api/v1/venue-files", guard, hand_in)
        .get("/api/v1/venue-files/{import}", guard, one)
        .get("/api/v1/venue-files/{import}/remarks", guard, remarks)
        .post("/api/v1/venue-files/{import}/approvals", guard, approve)
        .post("/api/v1/venue-files/{import}/discardings", guard, discard)
        .post("/api/v1/venue-files/{import}/undoings", guard, undo)
        .post("/api/v1/venue-files/{import}/keepings", guard, keep)
}

/// The files of venues that were handed in, and how far they are.
#[utoipa::path(get, path = "/api/v1/venue-files", tag = "venues", responses((status = 200, body = ImportList)))]
pub(super) async fn list(State(app): State<App>, me: Me) -> Result<Json<ImportList>, Problem> {
    let room = Room::of_venues(&me)?;
    let items = imports::list(&app.db, &room.right, Some(Kind::Venues)).await?;
    Ok(Json(ImportList {
        items: items.into_iter().map(ImportBody::from).collect(),
    }))
}

/// Hand a file of venues (会場マスタCSV) in: the body is the file itself. Nothing changes until it is approved.
#[utoipa::path(post, path = "/api/v1/venue-files", params(Sent), tag = "venues",
    request_body(content = String, content_type = "text/csv"), responses(
    (status = 201, body = ImportBody), (status = 200, description = "Handed in before", body = ImportBody),
    (status = 413, description = "More than 64 MiB"), (status = 422, description = "Nothing in it"),
))]
pub(super) async fn hand_in(
    State(app): State<App>,
    me: Me,
    Params(sent): Params<Sent>,
    request: Request,
) -> Result<Response, Problem> {
    let room = Room::of_venues(&me)?;
    let body = (request, FILE_BYTES_MAX);
    taken_in(&app, &room.right, Kind::Venues, sent, body).await
}

/// One file of venues: how far it is, and what was found in it.
#[utoipa::path(get, path = "/api/v1/venue-files/{import}", params(("import" = Uuid, Path)), tag = "venues", responses(
    (status = 200, body = ImportBody), (status = 404, description = "Not this area's"),
))]
pub(super) async fn one(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Json<ImportBody>, Problem> {
    let import = imports::import(&app.db, &Room::of_venues(&me)?.right, id).await?;
    Ok(Json(import.ok_or_else(Problem::not_found)?.into()))
}

/// What is to be said about the lines of a file of venues, some hundred at a time.
#[utoipa::path(get, path = "/api/v1/venue-files/{import}/remarks", params(("import" = Uuid, Path), RemarksParams),
    tag = "venues", responses(
    (status = 200, body = RemarkList), (status = 404, description = "Not this area's"),
))]
pub(super) async fn remarks(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    Params(params): Params<RemarksParams>,
) -> Result<Json<RemarkList>, Problem> {
    remarks_of(&app, &Room::of_venues(&me)?.right, id, params.after).await
}

async fn decided(app: &App, me: &Me, id: Uuid, what: Decide) -> Result<Json<ImportBody>, Problem> {
    let room = Room::of_venues(me)?;
    let import = imports::import(&app.db, &room.right, id).await?;
    import.ok_or_else(Problem::not_found)?;
    let became = decide_in(app, &room, id, what).await?;
    became_of(app, &room.right, id, became).await
}

/// Approve a file that is `ready`: it will be applied. Where the area wants a second person, that is not who sent it.
#[utoipa::path(post, path = "/api/v1/venue-files/{import}/approvals", params(("import" = Uuid, Path)), tag = "venues", responses(
    (status = 200, body = ImportBody), (status = 404, description = "Not this area's"),
    (status = 409, description = "At another stage, or your own"),
))]
pub(super) async fn approve(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Json<ImportBody>, Problem> {
    decided(&app, &me, id, Decide::Approve).await
}

/// Throw a file away that was not approved.
#[utoipa::path(post, path = "/api/v1/venue-files/{import}/discardings", params(("import" = Uuid, Path)), tag = "venues", responses(
    (status = 200, body = ImportBody), (status = 404, description = "Not this area's"),
    (status = 409, description = "At another stage"),
))]
pub(super) async fn discard(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Json<ImportBody>, Problem> {
    decided(&app, &me, id, Decide::Discard).await
}

/// Take a file back that is `done`: what was changed since, or is in use, stays. Where the area wants a second person, the
/// first call asks (`undo_asked`), and another person's does it.
#[utoipa::path(post, path = "/api/v1/venue-files/{import}/undoings", params(("import" = Uuid, Path)), tag = "venues", responses(
    (status = 200, body = ImportBody), (status = 404, description = "Not this area's"),
    (status = 409, description = "At another stage"),
))]
pub(super) async fn undo(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Json<ImportBody>, Problem> {
    decided(&app, &me, id, Decide::Undo).await
}

/// Keep a file that somebody asked to take back.
#[utoipa::path(post, path = "/api/v1/venue-files/{import}/keepings", params(("import" = Uuid, Path)), tag = "venues", responses(
    (status = 200, body = ImportBody), (status = 404, description = "Not this area's"),
    (status = 409, description = "Nobody asked"),
))]
pub(super) async fn keep(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Json<ImportBody>, Problem> {
    decided(&app, &me, id, Decide::Keep).await
}

#[cfg(test)]
#[path = "venue_files_tests.rs"]
mod tests;
