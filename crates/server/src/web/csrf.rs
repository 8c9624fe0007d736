//! That a change was asked for by a page of ours, and not by another site in the same browser.
//!
//! A browser sends its cookie wherever a page of whatever site tells it to; so a change that comes
//! with a cookie must also come from our origin and carry the session's token, in the header
//! `x-csrf-token` or as the first field of the form, named `csrf`. Only the first few thousand
//! bytes are looked at: the rest of a large file goes on to its handler unread.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body::{Frame, SizeHint};

use crate::state::App;
use crate::web::me::{Identity, Way};
use crate::web::problem::Problem;

/// Bytes of a form that are looked at: a boundary, a part's head and a token are some hundreds.
const PEEKED_BYTES: usize = 2 * 1024;
/// The header that scripts of ours send.
const HEADER: &str = "x-csrf-token";
/// What a browser says about the page that a request comes from; scripts cannot set it.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses a change that does not come from a page of ours.
pub(crate) async fn check(State(app): State<App>, request: Request, next: Next) -> Response {
    if matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    ) {
        return next.run(request).await;
    }
    let Ok(me) = Identity::of(request.extensions()) else {
        // The guard says why; nothing is changed.
        return next.run(request).await;
    };
    if me.as_ref().is_some_and(|me| me.way == Way::Bearer) {
        return next.run(request).await;
    }
    if !is_ours(&app, request.headers()) {
        return Problem::new(StatusCode::FORBIDDEN, "foreign_origin").into_response();
    }
    let Some(me) = me else {
        return next.run(request).await;
    };
    let (request, token) = match token_of(request).await {
        Ok(found) => found,
        Err(_) => return Problem::bad_request("body_incomplete").into_response(),
    };
    if !token.is_some_and(|token| same(token.as_bytes(), me.csrf.as_bytes())) {
        return Problem::new(StatusCode::FORBIDDEN, "csrf").into_response();
    }
    next.run(request).await
}

/// Whether the browser says that a page of ours sent this; programs say nothing.
fn is_ours(app: &App, headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(&FETCH_SITE) {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = text(&ORIGIN) else {
        return true;
    };
    let host = origin.split_once("://").map(|(_, host)| host);
    origin == &*app.address || (host.is_some() && host == text(&HOST))
}

/// The token that a request carries, and the request again.
async fn token_of(request: Request) -> Result<(Request, Option<String>), axum::Error> {
    if let Some(token) = request.headers().get(HEADER) {
        let token = token.to_str().ok().map(str::to_owned);
        return Ok((request, token));
    }
    let kind = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let find: fn(&[u8]) -> Option<String> = match kind {
        Some(kind) if kind.starts_with("application/x-www-form-urlencoded") => first_field,
        Some(kind) if kind.starts_with("multipart/form-data") => first_part,
        _ => return Ok((request, None)),
    };
    let (head, mut body) = request.into_parts();
    let front = peek(&mut body).await?;
    let token = find(&front);
    let rejoined = Body::new(Rejoined {
        front: Some(front),
        rest: body,
    });
    Ok((Request::from_parts(head, rejoined), token))
}

/// The value of `csrf`, if that is the first field.
fn first_field(front: &[u8]) -> Option<String> {
    let value = front.strip_prefix(b"csrf=")?;
    let value = value.split(|&byte| byte == b'&').next()?;
    String::from_utf8(value.to_vec()).ok()
}

/// The value of `csrf`, if that is the first part.
fn first_part(front: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(front);
    let (head, rest) = text.split_once("\r\n\r\n")?;
    if !head.contains("name=\"csrf\"") {
        return None;
    }
    rest.split_once("\r\n").map(|(value, _)| value.to_owned())
}

/// Compares without telling by its time how far they agree.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len()
        && !one.is_empty()
        && one
            .iter()
            .zip(other)
            .fold(0, |differ, (a, b)| differ | (a ^ b))
            == 0
}

/// Reads on until enough is there to look at.
async fn peek(body: &mut Body) -> Result<Bytes, axum::Error> {
    let mut front = Vec::new();
    while front.len() < PEEKED_BYTES {
        let Some(frame) = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await else {
            break;
        };
        if let Ok(bytes) = frame?.into_data() {
            front.extend_from_slice(&bytes);
        }
    }
    Ok(front.into())
}

/// A body whose front has been read, whole again.
struct Rejoined {
    front: Option<Bytes>,
    rest: Body,
}

impl HttpBody for Rejoined {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.front.take() {
            Some(front) if !front.is_empty() => Poll::Ready(Some(Ok(Frame::data(front)))),
            _ => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.front.as_ref().is_none_or(Bytes::is_empty) && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_the_first_field_or_none() {
        assert_eq!(first_field(b"csrf=abc&lot=X").as_deref(), Some("abc"));
        assert_eq!(first_field(b"lot=X&csrf=abc"), None);
        assert_eq!(first_field(b""), None);
    }

    #[test]
    fn the_token_is_the_first_part_or_none() {
        let form = b"--b\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nabc\r\n--b\r\n";
        assert_eq!(first_part(form).as_deref(), Some("abc"));
        let other = b"--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nabc\r\n--b\r\n";
        assert_eq!(first_part(other), None);
    }

    #[test]
    fn an_empty_token_is_never_the_same() {
        assert!(same(b"abc", b"abc"));
        assert!(!same(b"abc", b"abd"));
        assert!(!same(b"", b""));
    }
}
