//! The venue's tablet as a page that starts without network (PWA): the shell, its service worker, its texts.
//!
//! Invariant: nothing here depends on who asks. The shell is kept on the tablet and shown before anybody is known; who
//! is logged in, and everything that names somebody, comes by the calls of `api/tablet.rs`.

use std::collections::BTreeMap;

use askama::Template;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use axum::response::{IntoResponse, Response};
use domain::doses::{DOCTOR_NAME_LENGTH_MAX, VENUE_NAME_LENGTH_MAX};
use domain::drafts::TEXT_LENGTH_MAX;
use domain::vaccines::LOT_LENGTH_MAX;
use serde_json::{Value, json};
use store::devices::NAME_LENGTH_MAX;

use crate::state::App;
use crate::web::assets;
use crate::web::layout::{Page, html};
use crate::web::locale::{Locale, Texts};
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The fronts of the ids whose texts the tablet takes along.
const TEXTS: [&str; 16] = [
    "answer-",
    "before-",
    "camera-view",
    "channel-",
    "check-",
    "choose",
    "draft-",
    "field-",
    "finding-",
    "logout",
    "other-language",
    "read-",
    "settings-",
    "tablet-",
    "turn-",
    "typed-",
];
/// Folders and files of the assets that the page is made of.
const FILES: [&str; 6] = [
    "css/",
    "icon.svg",
    "icons.svg",
    "tablet/",
    "vendor/design-tokens/tokens.css",
    "vendor/zxing-wasm/",
];

/// The page and what it is made of.
pub fn routes() -> Routes {
    Routes::new()
        .get("/tablet", Guard::Public, shell)
        .get("/tablet/worker.js", Guard::Public, worker)
        .get("/tablet/manifest.webmanifest", Guard::Public, manifest)
        .get("/tablet/texts/{lang}", Guard::Public, texts)
}

#[derive(Template)]
#[template(path = "tablet/app.html")]
struct Shell {
    page: Page,
    name_max: usize,
    /// The typed field takes the code of a form too, from a hand scanner.
    form_code_max: usize,
    lot_max: usize,
    doctor_max: usize,
    venue_name_max: usize,
}

async fn shell(mut page: Page) -> Result<Response, Problem> {
    page.me = None;
    html(&Shell {
        page: page.titled("tablet-title"),
        name_max: NAME_LENGTH_MAX,
        form_code_max: TEXT_LENGTH_MAX,
        lot_max: LOT_LENGTH_MAX,
        doctor_max: DOCTOR_NAME_LENGTH_MAX,
        venue_name_max: VENUE_NAME_LENGTH_MAX,
    })
}

#[derive(Template)]
#[template(path = "tablet/worker.js", escape = "none")]
struct Worker {
    print: &'static str,
    files: Vec<String>,
}

async fn worker(_: State<App>) -> Result<Response, Problem> {
    let mut files = vec![
        "/tablet".to_owned(),
        "/tablet/manifest.webmanifest".to_owned(),
    ];
    files.extend(Locale::ALL.map(|locale| format!("/tablet/texts/{}", locale.tag())));
    let wanted = |name: &String| {
        FILES.iter().any(|front| name.starts_with(front)) && !name.ends_with("LICENSE")
    };
    files.extend(
        assets::names()
            .into_iter()
            .filter(wanted)
            .map(|name| assets::address(&name)),
    );
    let print = assets::print();
    let text = Worker { print, files }.render().map_err(|error| {
        tracing::error!(%error, "page.not_rendered");
        Problem::internal()
    })?;
    let head = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        // Asked for at every start, so that a new version is seen.
        (CACHE_CONTROL, "no-cache"),
        // It lies below the page that it serves.
        (HeaderName::from_static("service-worker-allowed"), "/tablet"),
    ];
    Ok((head, text).into_response())
}

async fn manifest(texts: Texts) -> Response {
    let manifest = json!({
        "name": texts.t("tablet-title"),
        "short_name": texts.t("app-name"),
        "lang": texts.locale().tag(),
        "start_url": "/tablet",
        "scope": "/tablet",
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": "#0017c1",
        "icons": [{ "src": assets::address("icon.svg"), "sizes": "any", "type": "image/svg+xml" }],
    });
    let head = [(CONTENT_TYPE, "application/manifest+json")];
    (head, Json::<Value>(manifest).0.to_string()).into_response()
}

async fn texts(Path(lang): Path<String>) -> Result<Json<BTreeMap<String, String>>, Problem> {
    let locale = Locale::ALL
        .into_iter()
        .find(|locale| locale.tag() == lang)
        .ok_or_else(Problem::not_found)?;
    let taken = |id: &str| TEXTS.iter().any(|front| id.starts_with(front)) || id == "unknown-city";
    Ok(Json(Texts::new(locale).with_gaps(taken)))
}
