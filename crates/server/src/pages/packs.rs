//! Disaster packs (災害用一式): a venue's own, a city's own and those of its venues; made anew, taken out.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header::REFRESH;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use domain::access::Action;
use domain::calendar::Instant;
use domain::packs::{KEPT_DAYS, PEOPLE_MAX};
use serde::Deserialize;
use store::audit::View;
use store::packs::{self, Asker, Pack, State as Stage};
use uuid::Uuid;

use crate::pages::coupon_batches::decided;
use crate::pages::papers::pdf_response;
use crate::pages::records::day_text;
use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, done, html};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// How soon the page comes again while a pack is made, in seconds.
const REFRESH_SECONDS: &str = "2";
/// Which look the access log is told of when a pack is taken out.
pub const VIEW: &str = "pack";
/// And what for.
pub const PURPOSE: &str = "disaster";
/// A pack that is older than this was not made last night.
const OLD_HOURS: i64 = 24;
const MICROS_PER_MINUTE: i64 = 60_000_000;
const MINUTES_PER_HOUR: i64 = 60;

/// The pages of this file.
pub fn routes() -> Routes {
    let venue = Guard::May(Action::RecordDose);
    let city = Guard::May(Action::IssueCoupons);
    Routes::new()
        .get("/venue/pack", venue, show_venue)
        .post("/venue/pack", venue, make_venue)
        .get("/venue/pack/{pack}/file", venue, file_venue)
        .get("/city/packs", city, show_city)
        .post("/city/packs", city, make_city)
        .get("/city/packs/{pack}/file", city, file_city)
}

/// A pack as it is shown.
struct Shown {
    href: String,
    venue: String,
    day: String,
    made: String,
    age: String,
    is_old: bool,
    pack: Pack,
}

impl Shown {
    fn of(page: &Page, now: Instant, (at, venue): (&str, String), pack: Pack) -> Self {
        // What stands in a pack was true when it was begun, so that is its age.
        let minutes = (now.micros() - pack.created_at.micros()).max(0) / MICROS_PER_MINUTE;
        let hours = minutes / MINUTES_PER_HOUR;
        let age = match hours {
            0 => page.t1("packs-age-minutes", "count", minutes),
            _ => page.t1("packs-age-hours", "count", hours),
        };
        Self {
            href: format!("{at}/{}/file", pack.id),
            venue,
            day: day_text(pack.day, page.texts),
            made: pack.created_at.japanese(),
            age,
            is_old: hours >= OLD_HOURS,
            pack,
        }
    }

    fn is_done(&self) -> bool {
        self.pack.state == Stage::Done
    }

    fn failure(&self) -> &str {
        self.pack.failure.as_deref().unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "packs.html")]
struct PacksPage {
    page: Page,
    at: &'static str,
    is_city: bool,
    at_work: Option<Shown>,
    /// The latest attempt, if it failed.
    failed: Option<Shown>,
    latest: Option<Shown>,
    earlier: Vec<Shown>,
    /// The latest pack of each venue of a city.
    venues: Vec<Shown>,
    kept_days: i64,
    people_max: u16,
}

fn page_of(
    page: Page,
    now: Instant,
    (at, is_city): (&'static str, bool),
    own: Vec<Pack>,
    venues: Vec<(String, Pack)>,
) -> Result<Response, Problem> {
    let page = page.titled(if is_city { "packs-title" } else { "pack-title" });
    let shown = |pack: Pack| Shown::of(&page, now, (at, String::new()), pack);
    let newest = own.first().cloned();
    let newest = newest.map(shown);
    let (at_work, failed) = match newest {
        Some(one) if one.pack.state.is_at_work() => (Some(one), None),
        Some(one) if one.pack.state == Stage::Failed => (None, Some(one)),
        _ => (None, None),
    };
    let mut made: Vec<Shown> = own
        .into_iter()
        .filter(|pack| pack.state == Stage::Done)
        .map(shown)
        .collect();
    let latest = (!made.is_empty()).then(|| made.remove(0));
    // They come by venue, the latest first: of each what happened last, and the last to be taken out.
    let (mut venue, mut has_file) = (None, false);
    let mut listed = Vec::new();
    for (name, pack) in venues {
        let is_done = pack.state == Stage::Done;
        let is_next = venue != pack.venue;
        if is_next {
            (venue, has_file) = (pack.venue, false);
        }
        if is_next || (is_done && !has_file) {
            listed.push(Shown::of(&page, now, (at, name), pack));
        }
        has_file |= is_done;
    }
    let venues = listed;
    let is_at_work = at_work.is_some() || venues.iter().any(|one| one.pack.state.is_at_work());
    let mut response = html(&PacksPage {
        page,
        at,
        is_city,
        at_work,
        failed,
        latest,
        earlier: made,
        venues,
        kept_days: KEPT_DAYS,
        people_max: PEOPLE_MAX,
    })?;
    if is_at_work {
        let again = HeaderValue::from_static(REFRESH_SECONDS);
        response.headers_mut().insert(REFRESH, again);
    }
    Ok(response)
}

async fn show_venue(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let permit = me.venue(Action::RecordDose)?;
    let now = app.now();
    let own = packs::list(&app.db, Asker::Venue(&permit), now).await?;
    page_of(page, now, ("/venue/pack", false), own, Vec::new())
}

async fn show_city(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    let now = app.now();
    let own = packs::list(&app.db, Asker::City(&permit), now).await?;
    let venues = packs::list_of_venues(&app.db, &permit, now).await?;
    page_of(page, now, ("/city/packs", true), own, venues)
}

/// A form that says nothing but yes.
#[derive(Deserialize)]
struct Yes {}

async fn make_venue(
    State(app): State<App>,
    me: Me,
    PageForm(Yes {}): PageForm<Yes>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::RecordDose)?;
    make(&app, Asker::Venue(&permit)).await?;
    Ok(done("/venue/pack", "pack-begun"))
}

async fn make_city(
    State(app): State<App>,
    me: Me,
    PageForm(Yes {}): PageForm<Yes>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    make(&app, Asker::City(&permit)).await?;
    Ok(done("/city/packs", "pack-begun"))
}

/// Begins today's pack of a venue, or of a city and all its venues: for the page, the API and the
/// command line alike.
///
/// # Errors
/// The database's.
pub async fn make(app: &App, asker: Asker<'_>) -> Result<(), Problem> {
    let how = decided(app);
    packs::begin(&app.db, asker, app.fresh_id(), app.today(), how).await?;
    if let Asker::City(permit) = asker {
        let id = || app.fresh_id();
        packs::begin_of_venues(&app.db, permit, app.today(), how.at, &id).await?;
    }
    Ok(())
}

async fn file_venue(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::RecordDose)?;
    file(&app, Asker::Venue(&permit), id).await
}

async fn file_city(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    file(&app, Asker::City(&permit), id).await
}

/// The file of a pack, the look at it written down before: for the page and the API alike.
///
/// # Errors
/// 404 for a pack that is not the asker's, not made or too old.
pub async fn file(app: &App, asker: Asker<'_>, id: Uuid) -> Result<Response, Problem> {
    let view = View {
        id: app.fresh_id(),
        at: app.now(),
        number: None,
        view: VIEW.to_owned(),
        purpose: PURPOSE.to_owned(),
    };
    let (pack, pdf) = packs::file(&app.db, asker, id, &view)
        .await?
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "pack_not_there"))?;
    Ok(pdf_response(&file_name(&pack), pdf))
}

/// What the file of a pack is called: no two of a city are called the same.
#[must_use]
pub fn file_name(pack: &Pack) -> String {
    let whose = match pack.venue {
        Some(venue) => venue.0.simple().to_string(),
        None => pack.city.as_str().to_owned(),
    };
    format!("pack-{whose}-{}.pdf", pack.created_at.compact_japanese())
}

#[cfg(test)]
#[path = "packs_tests.rs"]
mod tests;
