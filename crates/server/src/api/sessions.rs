//! Logging a program in: a token for its `Authorization` header.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{Extensions, HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::calendar::Instant;
use serde::{Deserialize, Serialize};
use tower_sessions::Session;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::state::App;
use crate::web::body::ApiJson;
use crate::web::logins::caller;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Logging in and out.
pub fn routes() -> Routes {
    Routes::new()
        .post("/api/v1/sessions", Guard::Public, log_in)
        .get("/api/v1/sessions/current", Guard::LoggedIn, current)
        .delete("/api/v1/sessions/current", Guard::LoggedIn, log_out)
}

/// A login and its password.
#[derive(Deserialize, ToSchema)]
pub struct Credentials {
    login: String,
    password: String,
}

/// A session that was opened.
#[derive(Serialize, ToSchema)]
pub struct OpenedSession {
    /// Send it as `Authorization: Bearer <token>`.
    token: String,
    /// When to log in again at the latest; a token that nobody uses runs out earlier.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Instant,
    #[serde(flatten)]
    who: Who,
}

/// Who is logged in.
#[derive(Serialize, ToSchema)]
pub struct Who {
    login: String,
    /// `administrator` or `operator`.
    role: &'static str,
    organisation: WhoOrganisation,
    /// Whether the password must be changed, on the pages, before anything else can be done.
    password_must_change: bool,
}

/// Where they work.
#[derive(Serialize, ToSchema)]
pub struct WhoOrganisation {
    id: Uuid,
    /// `nation`, `prefecture`, `city`, `venue`, `wholesaler`, `maker`, `federation` or `association`.
    kind: &'static str,
    name: String,
}

impl Who {
    fn of(me: &Me) -> Self {
        Self {
            login: me.login.clone(),
            role: me.actor.role.as_str(),
            organisation: WhoOrganisation {
                id: me.organisation.id.0,
                kind: me.organisation.kind.as_str(),
                name: me.organisation.name.clone(),
            },
            password_must_change: me.password_must_change,
        }
    }
}

/// Opens a session.
#[utoipa::path(post, path = "/api/v1/sessions", tag = "sessions", request_body = Credentials, responses(
    (status = 201, body = OpenedSession), (status = 401, description = "login_refused"),
    (status = 429, description = "too_many_logins")))]
pub(crate) async fn log_in(
    State(app): State<App>,
    extensions: Extensions,
    headers: HeaderMap,
    ApiJson(credentials): ApiJson<Credentials>,
) -> Result<Response, Problem> {
    let address = caller(&extensions, &headers, app.behind_proxy);
    let account = app
        .logins
        .check(&credentials.login, credentials.password, address)
        .await?;
    let opened = app.sessions.open(account.id).await?;
    let me = Me::of(&account, String::new(), crate::web::me::Way::Bearer);
    let body = OpenedSession {
        token: opened.token,
        expires_at: opened.expires_at,
        who: Who::of(&me),
    };
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Says who is logged in.
#[utoipa::path(get, path = "/api/v1/sessions/current", tag = "sessions",
    responses((status = 200, body = Who)))]
pub(crate) async fn current(me: Me) -> Json<Who> {
    Json(Who::of(&me))
}

/// Closes the session.
#[utoipa::path(delete, path = "/api/v1/sessions/current", tag = "sessions", responses((status = 204)))]
pub(crate) async fn log_out(
    State(app): State<App>,
    Extension(session): Extension<Session>,
) -> Result<StatusCode, Problem> {
    app.sessions.log_out(&session).await?;
    Ok(StatusCode::NO_CONTENT)
}
