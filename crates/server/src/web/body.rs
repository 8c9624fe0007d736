//! Bodies as handlers want them, and a problem that says what to do when they cannot be read.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::rejection::{BytesRejection, FailedToBufferBody, FormRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, EXPECT};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Frame, SizeHint};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use tokio::runtime::Handle;

use crate::state::App;
use crate::web::problem::Problem;

/// How much of a body that no handler wanted is still listened to: a photo, and not a whole country.
const UNWANTED_BYTES_MAX: usize = 16 << 20;
/// And how long: whoever sends more slowly than this has not heard our answer anyway.
const UNWANTED_SECONDS_MAX: u64 = 10;

/// Hears a request out. Who is refused before the body was read (no session, a wrong form, handed in
/// before) is still sending; if we hung up, most programs would report a broken connection and never
/// look at the answer that tells what to do. So the rest is read and thrown away beside the answer.
pub(crate) async fn hear_out(request: Request, next: Next) -> Response {
    if request.headers().contains_key(EXPECT) {
        // Such a sender waits to be asked for the body; what nobody wants stays unsent.
        return next.run(request).await;
    }
    next.run(request.map(|body| Body::new(HeardOut(Some(body)))))
        .await
}

/// Reads a body to its end, or as far as it may be long, and keeps nothing of it.
pub(crate) async fn throw_away(body: Body, bytes_max: usize) {
    let mut body = std::pin::pin!(body);
    let mut left = bytes_max;
    while let Some(Ok(frame)) =
        std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await
    {
        let taken = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(taken) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// A body that is read to its end even when whoever has it drops it before.
struct HeardOut(Option<Body>);

impl HttpBody for HeardOut {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.0 = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for HeardOut {
    fn drop(&mut self) {
        let unwanted = self.0.take().filter(|body| !body.is_end_stream());
        if let (Some(body), Ok(runtime)) = (unwanted, Handle::try_current()) {
            let wait = Duration::from_secs(UNWANTED_SECONDS_MAX);
            let rest = throw_away(body, UNWANTED_BYTES_MAX);
            runtime.spawn(async move { tokio::time::timeout(wait, rest).await });
        }
    }
}

/// A JSON body.
#[derive(Clone, Copy, Debug)]
pub struct ApiJson<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for ApiJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let kind = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(is_json) {
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json"));
        }
        let bytes = Bytes::from_request(request, app)
            .await
            .map_err(|refused| unread(&refused))?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| misread(&error))
    }
}

fn is_json(kind: &str) -> bool {
    let kind = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    kind == "application/json" || kind.ends_with("+json")
}

/// A body that could not be received whole.
#[must_use]
pub fn unread(refused: &BytesRejection) -> Problem {
    match refused {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large")
        }
        _ => Problem::bad_request("body_incomplete"),
    }
}

fn misread(error: &serde_json::Error) -> Problem {
    let problem = match error.classify() {
        Category::Eof => Problem::bad_request("json_cut_off"),
        Category::Syntax | Category::Io => Problem::bad_request("json_syntax"),
        Category::Data => Problem::unprocessable("json_shape"),
    };
    problem
        .arg("line", error.line())
        .arg("column", error.column())
        .member("line", error.line())
        .member("column", error.column())
        // For the programmer at the other end; it may hold what was sent, so it is not logged.
        .member("parser", error.to_string())
}

/// The fields of a form; what is missing is a mistake of our page, or of somebody who is not our page.
#[derive(Clone, Copy, Debug)]
pub struct PageForm<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for PageForm<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        match axum::Form::<T>::from_request(request, app).await {
            Ok(axum::Form(fields)) => Ok(Self(fields)),
            Err(FormRejection::BytesRejection(refused)) => Err(unread(&refused)),
            Err(_) => Err(Problem::unprocessable("form_shape")),
        }
    }
}

/// The parameters of a query.
#[derive(Clone, Copy, Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::from_request_parts(parts, app).await {
            Ok(axum::extract::Query(params)) => Ok(Self(params)),
            Err(QueryRejection::FailedToDeserializeQueryString(refused)) => {
                Err(Problem::bad_request("query_shape").member("parser", refused.body_text()))
            }
            Err(_) => Err(Problem::bad_request("query_shape")),
        }
    }
}
