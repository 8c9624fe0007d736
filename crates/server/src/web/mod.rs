//! What stands around every page and call: routes with guards, sessions, language, problems.

pub mod assets;
pub mod body;
pub mod csrf;
#[cfg(test)]
pub(crate) mod house;
pub mod layout;
pub mod locale;
pub mod logins;
pub mod me;
pub mod newcomers;
pub mod passwords;
pub mod problem;
pub mod routes;
pub mod security;
pub mod session;
pub mod streaming;

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;

use crate::state::App;
use crate::web::problem::Problem;
use crate::web::routes::{BODY_BYTES_MAX, Guard, Routes};

/// How long one request may take: a file of residents over a slow line, and not for ever.
const REQUEST_SECONDS_MAX: u64 = 120;

/// Every route of the program.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .get("/assets/{print}/{*path}", Guard::Public, assets::serve)
        .merge(crate::pages::routes())
        .merge(crate::api::routes())
}

/// The whole program as a service: the routes within their layers.
pub fn router(app: App) -> Router {
    let router = routes()
        .into_router()
        .fallback(async || Problem::not_found());
    // All in one: each layer added to a router by itself is two boxes for each route, and every request
    // copies all boxes below at every one of them. The first is the outermost.
    let layers = ServiceBuilder::new()
        .layer(from_fn(body::hear_out))
        .layer(from_fn_with_state(app.clone(), security::log))
        .layer(from_fn_with_state(app.clone(), security::head))
        .layer(CompressionLayer::new().gzip(true))
        .layer(from_fn_with_state(app.clone(), locale::choose))
        .layer(from_fn_with_state(app.clone(), problem::render))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            Duration::from_secs(REQUEST_SECONDS_MAX),
        ))
        .layer(from_fn_with_state(app.clone(), session::bearer))
        .layer(app.sessions.layer(app.address_is_https))
        .layer(from_fn_with_state(app.clone(), session::identify))
        .layer(from_fn_with_state(app.clone(), csrf::check))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
    router.layer(layers).with_state(app)
}

/// A mistake of ours that stopped a handler: what it was is logged by the panic itself.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("request.panicked");
    Problem::internal().into_response()
}

/// A text as it stands in a query: everything but letters, digits and `-_.~/` spelled in percent.
#[must_use]
pub fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod approvals_tests;
#[cfg(test)]
mod protected_tests;
#[cfg(test)]
#[path = "tests.rs"]
mod tests;
