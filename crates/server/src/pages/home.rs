//! The first page: what there is to do for whoever is logged in.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;

use crate::web::layout::{Page, html};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The first page, and the page that explains a problem's code.
pub fn routes() -> Routes {
    Routes::new()
        .get("/", Guard::LoggedIn, show)
        .get("/problems/{code}", Guard::Public, explain)
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    page: Page,
    role: String,
}

async fn show(me: Me, page: Page) -> Result<Response, Problem> {
    let page = page.titled("home-title");
    let role = page.t(&format!("role-{}", me.actor.role.as_str()));
    html(&Home { role, page })
}

#[derive(Template)]
#[template(path = "explained.html")]
struct Explained {
    page: Page,
    code: String,
    todo: String,
}

/// What a code means, for the programmer who follows the `type` of a problem.
async fn explain(Path(code): Path<String>, mut page: Page) -> Result<Response, Problem> {
    let message = format!("problem-{code}");
    let part = |part: &str| {
        let id = format!("{message}.{part}");
        let text = page.t(&id);
        if text == id { None } else { Some(text) }
    };
    let (Some(title), Some(todo)) = (part("title"), part("todo")) else {
        return Err(Problem::not_found());
    };
    page.title = title;
    html(&Explained { page, code, todo })
}
