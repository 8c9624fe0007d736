//! What every answer carries so that a browser keeps its people safe, and what is logged of it.

use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::Next;
use axum::response::Response;

use crate::state::App;

/// Nothing from other hosts, nothing inline; WebAssembly for the reader on the tablet.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; \
     media-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

static HEAD: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Puts the headers on every answer; what says nothing else about it is kept by nobody.
pub(crate) async fn head(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in &HEAD {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if app.address_is_https {
        headers.insert(
            STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Logs the pattern of the path, never the path: paths hold coupon numbers.
pub(crate) async fn log(State(app): State<App>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let pattern = request.extensions().get::<MatchedPath>().cloned();
    let begun = app.now();
    let response = next.run(request).await;
    let pattern = pattern.as_ref().map_or("none", MatchedPath::as_str);
    let status = response.status().as_u16();
    let micros = app.now().micros().saturating_sub(begun.micros());
    if response.status().is_server_error() {
        tracing::error!(%method, pattern, status, micros, "request.failed");
    } else {
        tracing::debug!(%method, pattern, status, micros, "request.answered");
    }
    response
}
