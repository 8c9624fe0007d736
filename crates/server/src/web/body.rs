//! Bodies as handlers want them, and a problem that says what to do when they cannot be read.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody, FormRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::state::App;
use crate::web::problem::Problem;

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
