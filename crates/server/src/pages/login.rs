//! Logging in and out, and changing one's own password.

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::{Extensions, HeaderMap};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tower_sessions::Session;

use crate::state::App;
use crate::web::body::{PageForm, Params};
use crate::web::layout::{Page, done, html};
use crate::web::logins::caller;
use crate::web::me::Me;
use crate::web::passwords::{self, CHARACTERS_MIN};
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Login, logout, password.
pub fn routes() -> Routes {
    Routes::new()
        .get("/login", Guard::Public, show)
        .post("/login", Guard::Public, log_in)
        .post("/logout", Guard::LoggedIn, log_out)
        .get("/password", Guard::LoggedIn, show_password)
        .post("/password", Guard::LoggedIn, change_password)
}

#[derive(Deserialize)]
struct Next {
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "login.html")]
struct Login {
    page: Page,
    next: String,
    login: String,
    refused: Option<Problem>,
}

async fn show(Params(asked): Params<Next>, page: Page) -> Result<Response, Problem> {
    let next = asked.next.unwrap_or_default();
    if page.me.is_some() {
        return Ok(Redirect::to(own_path(&next)).into_response());
    }
    html(&Login {
        page: page.titled("login-title"),
        next,
        login: String::new(),
        refused: None,
    })
}

#[derive(Deserialize)]
struct LoginFields {
    login: String,
    password: String,
    #[serde(default)]
    next: String,
}

async fn log_in(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    page: Page,
    extensions: Extensions,
    headers: HeaderMap,
    PageForm(fields): PageForm<LoginFields>,
) -> Result<Response, Problem> {
    let address = caller(&extensions, &headers, app.behind_proxy);
    match app
        .logins
        .check(&fields.login, fields.password, address)
        .await
    {
        Ok(account) => {
            app.sessions.log_in(&session, account.id).await?;
            Ok(Redirect::to(own_path(&fields.next)).into_response())
        }
        Err(problem) if problem.status().is_client_error() => {
            let status = problem.status();
            let LoginFields { login, next, .. } = fields;
            let page = page.titled("login-title").with_me(None);
            let shown = html(&Login {
                page,
                next,
                login,
                refused: Some(problem),
            })?;
            Ok((status, shown).into_response())
        }
        Err(problem) => Err(problem),
    }
}

async fn log_out(
    State(app): State<App>,
    Extension(session): Extension<Session>,
) -> Result<Response, Problem> {
    app.sessions.log_out(&session).await?;
    Ok(done("/login", "logged-out"))
}

/// A path of ours to go on to: nothing that a browser would take for another host.
fn own_path(next: &str) -> &str {
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(['\\', '\r', '\n', '\t'])
        && !next.starts_with("/login");
    if ours { next } else { "/" }
}

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordPage {
    page: Page,
    must_change: bool,
    least: usize,
    refused: Option<Problem>,
}

fn password_page(me: &Me, page: Page, refused: Option<Problem>) -> Result<Response, Problem> {
    let page = page.titled("password-title");
    html(&PasswordPage {
        page,
        must_change: me.password_must_change,
        least: CHARACTERS_MIN,
        refused,
    })
}

async fn show_password(me: Me, page: Page) -> Result<Response, Problem> {
    password_page(&me, page, None)
}

#[derive(Deserialize)]
struct PasswordFields {
    current: String,
    new: String,
    again: String,
}

async fn change_password(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<PasswordFields>,
) -> Result<Response, Problem> {
    let refused = if fields.new == fields.again {
        passwords::fault(&fields.new, &me.login)
    } else {
        Some(Problem::unprocessable("password_differs"))
    };
    if let Some(problem) = refused {
        return Ok((problem.status(), password_page(&me, page, Some(problem))?).into_response());
    }
    if let Err(problem) = app.logins.check(&me.login, fields.current, None).await {
        let problem = match problem.code() {
            "login_refused" => Problem::unprocessable("password_wrong"),
            _ => problem,
        };
        return Ok((problem.status(), password_page(&me, page, Some(problem))?).into_response());
    }
    let hash = app.logins.passwords.hash(fields.new).await?;
    store::accounts::change_own_password(&app.db, &me.actor, hash, app.fresh_id(), app.now())
        .await?;
    app.sessions.forget();
    app.sessions.log_out(&session).await?;
    Ok(done("/login", "password-changed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_never_leads_to_another_host() {
        for foreign in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "evil",
            "",
            "/login?next=/",
        ] {
            assert_eq!(own_path(foreign), "/", "{foreign}");
        }
        assert_eq!(own_path("/city/ledger?text=1"), "/city/ledger?text=1");
    }
}
