//! Every way into the program, each with its guard: there is no other way to add one.
//!
//! [`Routes`] keeps the list of what was added; the tests call every route of that list as every
//! role, and the document of the API is compared with it.

use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::handler::Handler;
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodFilter, on};
use domain::access::Action;

use crate::state::App;
use crate::web::me::{Identity, Me};
use crate::web::problem::Problem;

/// Bytes of a request's body unless the route says otherwise: the largest form or report is far smaller.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Who may call a route at all. What they may see there, each handler asks for by a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Everybody, without login.
    Public,
    /// Everybody who is logged in.
    LoggedIn,
    /// Who may do this at the place where they work.
    May(Action),
}

/// A route as it was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// `GET`, `POST` …
    pub method: Method,
    /// The pattern, with `{names}`.
    pub path: &'static str,
    /// Who may call it.
    pub guard: Guard,
}

/// Routes with their guards, and the list of them.
pub struct Routes {
    router: Router<App>,
    list: Vec<Listed>,
}

impl Default for Routes {
    fn default() -> Self {
        Self::new()
    }
}

impl Routes {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            router: Router::new(),
            list: Vec::new(),
        }
    }

    /// Adds a page or a resource to read.
    #[must_use]
    pub fn get<H, T>(self, path: &'static str, guard: Guard, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add(Method::GET, path, Guarded::by(guard, handler), None)
    }

    /// Adds something to send to, with a body of at most [`BODY_BYTES_MAX`].
    #[must_use]
    pub fn post<H, T>(self, path: &'static str, guard: Guard, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add(Method::POST, path, Guarded::by(guard, handler), None)
    }

    /// Adds something to send a large body to: a photo, a file of residents.
    #[must_use]
    pub fn post_up_to<H, T>(
        self,
        body_bytes_max: usize,
        path: &'static str,
        guard: Guard,
        handler: H,
    ) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let handler = Guarded::by(guard, handler);
        self.add(Method::POST, path, handler, Some(body_bytes_max))
    }

    /// Adds something that can be replaced as a whole.
    #[must_use]
    pub fn put<H, T>(self, path: &'static str, guard: Guard, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add(Method::PUT, path, Guarded::by(guard, handler), None)
    }

    /// Adds something that can be ended.
    #[must_use]
    pub fn delete<H, T>(self, path: &'static str, guard: Guard, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add(Method::DELETE, path, Guarded::by(guard, handler), None)
    }

    /// Adds all routes of another room.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.list.extend(other.list);
        Self {
            router: self.router.merge(other.router),
            list: self.list,
        }
    }

    /// The list of what was added.
    #[must_use]
    pub fn list(&self) -> &[Listed] {
        &self.list
    }

    /// The router, for the layers around it.
    pub(crate) fn into_router(self) -> Router<App> {
        self.router
    }

    fn add(
        mut self,
        method: Method,
        path: &'static str,
        handler: Guarded,
        body_bytes_max: Option<usize>,
    ) -> Self {
        let filter = match method {
            Method::POST => MethodFilter::POST,
            Method::PUT => MethodFilter::PUT,
            Method::DELETE => MethodFilter::DELETE,
            _ => MethodFilter::GET,
        };
        self.list.push(Listed {
            method,
            path,
            guard: handler.guard,
        });
        let mut route = on(filter, handler);
        if let Some(most) = body_bytes_max {
            route = route.layer(DefaultBodyLimit::max(most));
        }
        Self {
            router: self.router.route(path, route),
            list: self.list,
        }
    }
}

type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// A handler behind its guard, and of whatever kind it is in one shape: what stands around a handler is
/// then compiled once, and not for each of hundreds.
#[derive(Clone)]
struct Guarded {
    guard: Guard,
    answer: Arc<dyn Fn(Request, App) -> Answering + Send + Sync>,
}

impl Guarded {
    fn by<H, T>(guard: Guard, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        Self {
            guard,
            answer: Arc::new(move |request, app| Box::pin(handler.clone().call(request, app))),
        }
    }
}

impl Handler<(), App> for Guarded {
    type Future = Answering;

    fn call(self, request: Request, app: App) -> Answering {
        match turned_away(self.guard, &request) {
            Some(answer) => Box::pin(std::future::ready(answer)),
            None => (self.answer)(request, app),
        }
    }
}

/// Why a request may not come to its handler, if it may not.
fn turned_away(guard: Guard, request: &Request) -> Option<Response> {
    let action = match guard {
        Guard::Public => return None,
        Guard::LoggedIn => None,
        Guard::May(action) => Some(action),
    };
    let me = match Identity::of(request.extensions()) {
        Ok(Some(me)) => me,
        Ok(None) => return Some(send_to_login(request)),
        Err(problem) => return Some(problem.into_response()),
    };
    if me.password_must_change && !PASSWORD_PATHS.contains(&request.uri().path()) {
        return Some(send_to_password(request));
    }
    if action.is_some_and(|action| !me.may(action)) {
        return Some(Problem::forbidden().into_response());
    }
    None
}

/// What can be reached while a password chosen by somebody else has not been changed.
const PASSWORD_PATHS: &[&str] = &["/password", "/logout", "/api/v1/sessions/current"];

/// Whether a path belongs to the API, whose clients want problems as JSON and no redirects.
#[must_use]
pub fn is_api(path: &str) -> bool {
    path.starts_with("/api/")
}

fn send_to_login(request: &Request) -> Response {
    let path = request.uri().path();
    if is_api(path) {
        return Problem::not_logged_in().into_response();
    }
    // A form that was sent cannot be sent again by following a link: come back to where it stood.
    let next = if request.method() == Method::GET {
        request
            .uri()
            .path_and_query()
            .map_or(path, |found| found.as_str())
    } else {
        "/"
    };
    Redirect::to(&format!("/login?next={}", super::percent_encoded(next))).into_response()
}

fn send_to_password(request: &Request) -> Response {
    if is_api(request.uri().path()) {
        return Problem::new(axum::http::StatusCode::FORBIDDEN, "password_must_change")
            .into_response();
    }
    Redirect::to("/password").into_response()
}

impl axum::extract::FromRequestParts<App> for Me {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        _: &App,
    ) -> Result<Self, Problem> {
        Identity::of(&parts.extensions)?.ok_or_else(Problem::not_logged_in)
    }
}

#[cfg(test)]
#[path = "routes_tests.rs"]
mod tests;
