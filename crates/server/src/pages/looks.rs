//! Who looked at whose record (閲覧記録): for the city's administrator, and for the person who asks.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::access::Action;
use domain::coupons::CouponNumber;
use serde::Deserialize;
use store::audit::Looked;

use crate::api::records::API_PURPOSE;
use crate::pages::persons::PURPOSES;
use crate::state::App;
use crate::web::body::Params;
use crate::web::layout::{Page, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The views that are written down, each with its words.
const VIEWS: [&str; 6] = [
    "person", "record", "ledger", "pending", "findings", "export",
];
/// The access log.
pub fn routes() -> Routes {
    Routes::new().get("/city/looks", Guard::May(Action::SeeAccessLog), show)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    number: String,
}

struct Row {
    at: String,
    by: String,
    organisation: String,
    view: String,
    purpose: String,
    number: Option<String>,
}

#[derive(Template)]
#[template(path = "city/looks.html")]
struct LooksPage {
    page: Page,
    number: String,
    /// Whether the number that was asked for cannot be one.
    misread: bool,
    rows: Vec<Row>,
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeeAccessLog)?;
    let asked_number = asked.number.trim();
    let number = CouponNumber::parse(asked_number).ok();
    let misread = number.is_none() && !asked_number.is_empty();
    let looks = if misread {
        Vec::new()
    } else {
        store::audit::looks(&app.db, &permit, number.as_ref()).await?
    };
    let texts = page.texts;
    html(&LooksPage {
        number: asked_number.to_owned(),
        misread,
        rows: looks.into_iter().map(|looked| row(looked, texts)).collect(),
        page: page.titled("looks-title"),
    })
}

fn row(looked: Looked, texts: Texts) -> Row {
    let Looked {
        view,
        by_name,
        organisation_name,
    } = looked;
    Row {
        at: view.at.japanese(),
        by: by_name,
        organisation: organisation_name,
        view: view_words(texts, view.view),
        purpose: purpose_words(texts, view.purpose),
        number: view.number.map(|number| number.as_str().to_owned()),
    }
}

/// A word that is not among ours is shown as it stands in the log, which is never edited.
fn view_words(texts: Texts, view: String) -> String {
    if VIEWS.contains(&view.as_str()) {
        texts.t(&format!("view-{view}"))
    } else {
        view
    }
}

fn purpose_words(texts: Texts, purpose: String) -> String {
    let known = purpose == API_PURPOSE || PURPOSES.contains(&purpose.as_str());
    if known {
        texts.t(&format!("purpose-{purpose}"))
    } else {
        purpose
    }
}
