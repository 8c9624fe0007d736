//! Disaster packs over the API: a city's own with those of its venues, and a venue's own.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::access::Action;
use serde::Serialize;
use store::packs::{self, Asker, Pack};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::pages::packs::{file, make};
use crate::state::App;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The routes of this file.
pub fn routes() -> Routes {
    let city = Guard::May(Action::IssueCoupons);
    let venue = Guard::May(Action::RecordDose);
    Routes::new()
        .get("/api/v1/packs", city, list)
        .post("/api/v1/packs", city, begin)
        .get("/api/v1/packs/{pack}/file", city, file_of_city)
        .get("/api/v1/venue-packs", venue, list_of_venue)
        .post("/api/v1/venue-packs", venue, begin_of_venue)
        .get("/api/v1/venue-packs/{pack}/file", venue, file_of_venue)
}

/// A disaster pack.
#[derive(Serialize, ToSchema)]
pub struct PackBody {
    /// Its id.
    id: Uuid,
    /// For which venue; none for the city's own.
    venue: Option<Uuid>,
    /// For which day, `YYYY-MM-DD`.
    day: String,
    /// Whether it was made by itself in the night.
    nightly: bool,
    /// `gathering`, `printing`, `done` or `failed`.
    state: &'static str,
    /// How far the work is, in hundredths.
    percent: u64,
    /// People who may be expected.
    expected: u64,
    /// Those of them there was no room for.
    left_out: u64,
    /// Forms in it, the blank ones among them.
    forms: u64,
    /// Forms whose person could not be written on them; their codes carry the coupon all the same.
    made_blank: u64,
    /// Why it could not be made.
    failure: Option<String>,
    /// When it was begun (RFC 3339): what stands in it was true then.
    created_at: String,
    /// When it was finished (RFC 3339).
    made_at: Option<String>,
}

impl From<&Pack> for PackBody {
    fn from(pack: &Pack) -> Self {
        Self {
            id: pack.id,
            venue: pack.venue.map(|venue| venue.0),
            day: pack.day.to_string(),
            nightly: pack.nightly,
            state: pack.state.as_str(),
            percent: pack.percent(),
            expected: pack.expected,
            left_out: pack.left_out(),
            forms: pack.forms,
            made_blank: pack.made_blank,
            failure: pack.failure.clone(),
            created_at: pack.created_at.rfc3339(),
            made_at: pack.made_at.map(domain::calendar::Instant::rfc3339),
        }
    }
}

async fn of_city(app: &App, me: &Me) -> Result<Vec<PackBody>, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    let now = app.now();
    let own = packs::list(&app.db, Asker::City(&permit), now).await?;
    let venues = packs::list_of_venues(&app.db, &permit, now).await?;
    let all = own.iter().chain(venues.iter().map(|(_, pack)| pack));
    Ok(all.map(PackBody::from).collect())
}

async fn of_venue(app: &App, me: &Me) -> Result<Vec<PackBody>, Problem> {
    let permit = me.venue(Action::RecordDose)?;
    let own = packs::list(&app.db, Asker::Venue(&permit), app.now()).await?;
    Ok(own.iter().map(PackBody::from).collect())
}

/// The disaster packs of the city and its venues that are kept: the city's own first, the latest first.
#[utoipa::path(get, path = "/api/v1/packs", tag = "city", responses((status = 200, body = [PackBody])))]
pub(super) async fn list(State(app): State<App>, me: Me) -> Result<Json<Vec<PackBody>>, Problem> {
    of_city(&app, &me).await.map(Json)
}

/// Begin today's disaster packs of the city and all its venues; where one is being made, that one is it.
#[utoipa::path(post, path = "/api/v1/packs", tag = "city", responses((status = 202, body = [PackBody])))]
pub(super) async fn begin(
    State(app): State<App>,
    me: Me,
) -> Result<(StatusCode, Json<Vec<PackBody>>), Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    make(&app, Asker::City(&permit)).await?;
    Ok((StatusCode::ACCEPTED, Json(of_city(&app, &me).await?)))
}

/// A disaster pack as PDF; the look is in the access log.
#[utoipa::path(get, path = "/api/v1/packs/{pack}/file", tag = "city", params(("pack" = Uuid, Path)), responses(
    (status = 200, content_type = "application/pdf", body = Vec<u8>),
    (status = 404, description = "No such pack, or it is not made or no longer kept"),
))]
pub(super) async fn file_of_city(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    file(&app, Asker::City(&permit), id).await
}

/// The venue's disaster packs that are kept, the latest first.
#[utoipa::path(get, path = "/api/v1/venue-packs", tag = "venue", responses((status = 200, body = [PackBody])))]
pub(super) async fn list_of_venue(
    State(app): State<App>,
    me: Me,
) -> Result<Json<Vec<PackBody>>, Problem> {
    of_venue(&app, &me).await.map(Json)
}

/// Begin today's disaster pack of the venue; if one is being made, that one is it.
#[utoipa::path(post, path = "/api/v1/venue-packs", tag = "venue", responses((status = 202, body = [PackBody])))]
pub(super) async fn begin_of_venue(
    State(app): State<App>,
    me: Me,
) -> Result<(StatusCode, Json<Vec<PackBody>>), Problem> {
    let permit = me.venue(Action::RecordDose)?;
    make(&app, Asker::Venue(&permit)).await?;
    Ok((StatusCode::ACCEPTED, Json(of_venue(&app, &me).await?)))
}

/// The venue's disaster pack as PDF; the look is in the city's access log.
#[utoipa::path(get, path = "/api/v1/venue-packs/{pack}/file", tag = "venue", params(("pack" = Uuid, Path)), responses(
    (status = 200, content_type = "application/pdf", body = Vec<u8>),
    (status = 404, description = "No such pack, or it is not made or no longer kept"),
))]
pub(super) async fn file_of_venue(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::RecordDose)?;
    file(&app, Asker::Venue(&permit), id).await
}
