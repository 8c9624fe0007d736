//! What is said when something cannot be done: what happened, what it means, what to do now.
//!
//! A [`Problem`] has a stable code for programs and words in Japanese and English for people; it
//! leaves as a page or as `application/problem+json` (RFC 9457), whichever the caller reads. The
//! cause is logged once, where the problem is made, and never told to the client.

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use store::seals::SealFault;

use crate::state::App;
use crate::web::layout::{Page, ProblemPage};
use crate::web::locale::{Locale, Texts};
use crate::web::me::Identity;
use crate::web::routes::is_api;

/// Seconds after which a client should try again when the database is away.
const STORAGE_RETRY_SECONDS: u32 = 5;

/// Something that cannot be done, with its words by Fluent id: `problem-<code>` has `.title`,
/// `.detail` and `.todo`.
#[derive(Clone, Debug)]
pub struct Problem {
    inner: Box<Inner>,
}

#[derive(Clone, Debug)]
struct Inner {
    status: StatusCode,
    code: &'static str,
    args: Vec<(&'static str, String)>,
    members: Map<String, Value>,
    retry_after_seconds: Option<u32>,
}

impl Problem {
    /// A problem with a status of its own.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str) -> Self {
        let inner = Inner {
            status,
            code,
            args: Vec::new(),
            members: Map::new(),
            retry_after_seconds: None,
        };
        Self {
            inner: Box::new(inner),
        }
    }

    /// 400: what was sent cannot be understood.
    #[must_use]
    pub fn bad_request(code: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code)
    }

    /// 409: it clashes with what is there.
    #[must_use]
    pub fn conflict(code: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, code)
    }

    /// 422: understood, but it cannot be so.
    #[must_use]
    pub fn unprocessable(code: &'static str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code)
    }

    /// 404.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found")
    }

    /// 403: logged in, but not for this.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden")
    }

    /// 401.
    #[must_use]
    pub fn not_logged_in() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "not_logged_in")
    }

    /// 500: a mistake of ours. Log the cause before.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal")
    }

    /// 503: the database is away; nothing was lost that had been acknowledged.
    #[must_use]
    pub fn storage_unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "storage_unavailable")
            .retry_after(STORAGE_RETRY_SECONDS)
    }

    /// Gives the words a value: `{ $name }` in the text.
    #[must_use]
    pub fn arg(mut self, name: &'static str, value: impl ToString) -> Self {
        self.inner.args.push((name, value.to_string()));
        self
    }

    /// Gives programs a value: a member of the JSON beside the standard ones.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.inner.members.insert(name.to_owned(), value.into());
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.inner.retry_after_seconds = Some(seconds);
        self
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.inner.code
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.inner.status
    }

    /// What happened, in one line.
    #[must_use]
    pub fn title(&self, texts: &Texts) -> String {
        self.text(texts, "title")
    }

    /// What it means.
    #[must_use]
    pub fn detail(&self, texts: &Texts) -> String {
        self.text(texts, "detail")
    }

    /// What to do now.
    #[must_use]
    pub fn todo(&self, texts: &Texts) -> String {
        self.text(texts, "todo")
    }

    fn text(&self, texts: &Texts, part: &str) -> String {
        let args: Vec<(&str, &str)> = self
            .inner
            .args
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        texts.t_with(&format!("problem-{}.{part}", self.inner.code), &args)
    }

    /// The problem as RFC 9457 wants it, in both languages.
    #[must_use]
    pub fn json(&self, texts: Texts) -> Value {
        let words = |locale| {
            let texts = Texts::new(locale);
            json!({ "title": self.title(&texts), "detail": self.detail(&texts), "todo": self.todo(&texts) })
        };
        let mut members = self.inner.members.clone();
        members.insert(
            "type".to_owned(),
            format!("/problems/{}", self.inner.code).into(),
        );
        members.insert("status".to_owned(), self.inner.status.as_u16().into());
        members.insert("code".to_owned(), self.inner.code.into());
        members.insert("title".to_owned(), self.title(&texts).into());
        let detail = format!("{} {}", self.detail(&texts), self.todo(&texts));
        members.insert("detail".to_owned(), detail.trim().into());
        members.insert("ja".to_owned(), words(Locale::Ja));
        members.insert("en".to_owned(), words(Locale::En));
        Value::Object(members)
    }
}

impl IntoResponse for Problem {
    /// Only the status: `render`, which knows the caller's language and what the caller reads,
    /// writes the body on the way out.
    fn into_response(self) -> Response {
        let mut response = self.inner.status.into_response();
        if let Some(seconds) = self.inner.retry_after_seconds {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Unavailable(cause) => {
                tracing::error!(%cause, "storage.unavailable");
                Self::storage_unavailable()
            }
            store::Error::Busy => {
                tracing::warn!("storage.busy");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "storage_busy").retry_after(1)
            }
            store::Error::Exists => Self::conflict("exists_already"),
            store::Error::Sealed(SealFault::Denied(_)) => Self::forbidden(),
            store::Error::Sealed(fault) => {
                // Its message names keys, never a number.
                tracing::error!(%fault, code = fault.code(), "individual_numbers.sealed_off");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "numbers_sealed_off")
            }
            // Its message names a statement, never a value.
            error => {
                tracing::error!(%error, "storage.failed");
                Self::internal()
            }
        }
    }
}

/// Writes the problems of all routes, in the caller's language, as a page or as JSON.
pub(crate) async fn render(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let wants_json = is_api(&path)
        || request.headers().get("accept").is_some_and(|accept| {
            accept
                .to_str()
                .is_ok_and(|accept| accept.starts_with("application/"))
        });
    let texts = Texts::of(request.extensions());
    let response = next.run(request).await;
    let Some(problem) = problem_of(&response) else {
        return response;
    };
    let (mut head, _) = response.into_parts();
    head.headers.remove("content-length");
    let (kind, body) = if wants_json {
        ("application/problem+json", problem.json(texts).to_string())
    } else {
        let me = Identity::of(&head.extensions).unwrap_or_default();
        let page = Page::bare(&app, texts, &path).with_me(me);
        (
            "text/html; charset=utf-8",
            ProblemPage::body(page, &problem),
        )
    };
    head.headers
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Response::from_parts(head, body.into())
}

/// The problem in a response: ours, or the one that a refusal of the framework's comes to.
fn problem_of(response: &Response) -> Option<Problem> {
    if let Some(problem) = response.extensions().get::<Problem>() {
        return Some(problem.clone());
    }
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    let kind = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    if kind.is_some_and(|kind| !kind.starts_with("text/plain")) {
        return None;
    }
    Some(match status {
        StatusCode::NOT_FOUND => Problem::not_found(),
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(status, "method_not_allowed"),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(status, "body_too_large"),
        StatusCode::REQUEST_TIMEOUT => Problem::new(status, "request_timeout"),
        // The session layer answers so, without a body, when it cannot save a session.
        StatusCode::INTERNAL_SERVER_ERROR if kind.is_none() => Problem::storage_unavailable(),
        status if status.is_client_error() => Problem::new(status, "bad_request"),
        _ => Problem::internal(),
    })
}
