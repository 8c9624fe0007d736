//! A city's desk (対応状況): what waits, and the ways to it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::access::{Action, CityPermit};
use domain::calendar::Instant;
use domain::coupons::CouponNumber;
use store::audit::View;
use store::worklists::{Count, List, counts};

use crate::pages::persons::purposes;
use crate::pages::proposals::age;
use crate::pages::records::{Choice, place_name};
use crate::pages::worklists::counted;
use crate::state::App;
use crate::web::layout::{Page, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The desk.
pub fn routes() -> Routes {
    Routes::new().get("/city", Guard::May(Action::SeeLedger), show)
}

#[derive(Template)]
#[template(path = "city/desk.html")]
struct DeskPage {
    page: Page,
    city: String,
    code: String,
    purposes: Vec<Choice>,
    /// What waits, and what does not.
    waiting: Vec<Listed>,
    nothing: Vec<Listed>,
    may_set: bool,
}

/// One work list (対応リスト) in words.
struct Listed {
    href: String,
    name: String,
    lead: String,
    count: String,
    owned: String,
    age: Option<String>,
    tone: &'static str,
}

impl Listed {
    fn of(one: &Count, now: Instant, texts: Texts) -> Self {
        let word = one.list.as_str();
        Self {
            href: match one.list {
                List::Imports => "/city/residents".to_owned(),
                List::Proposals => "/city/proposals".to_owned(),
                _ => format!("/city/worklists/{word}"),
            },
            name: texts.t(&format!("work-{word}")),
            lead: texts.t(&format!("work-{word}-lead")),
            count: counted(one.count, one.or_more, texts),
            owned: match one.list {
                List::Imports | List::Proposals => texts.t("work-anyone"),
                _ => texts.t_with("work-owned", &[("count", one.owned)]),
            },
            age: one.oldest.map(|since| age(since, now, texts)),
            tone: match one.list {
                _ if one.count == 0 => "",
                List::Clashes | List::Misreads => "bad",
                _ => "warn",
            },
        }
    }
}

async fn show(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let permit = me.city(Action::SeeLedger)?;
    let counts = counts(&app.db, &permit, app.today()).await?;
    let texts = page.texts;
    let now = app.now();
    let (waiting, nothing): (Vec<_>, Vec<_>) =
        counts.iter().partition(|one| one.count > 0 || one.or_more);
    let warm = warm(&app, &me, texts).await?;
    let words = |lists: Vec<&Count>| {
        let lists = lists.into_iter();
        lists
            .map(|one| Listed::of(one, now, texts))
            .collect::<Vec<_>>()
    };
    let code = permit.city();
    html(&DeskPage {
        city: place_name(code).unwrap_or_else(|| me.organisation.name.clone()),
        code: code.as_str().to_owned(),
        purposes: purposes("phone", texts),
        waiting: warm.into_iter().chain(words(waiting)).collect(),
        nothing: words(nothing),
        may_set: page.may(Action::SetApprovals),
        page: page.titled("desk-title"),
    })
}

/// The open excursions of the city's venues (温度逸脱), if there are any: vials get warm meanwhile, so they stand first.
async fn warm(app: &App, me: &Me, texts: Texts) -> Result<Option<Listed>, Problem> {
    let permit = me.permit(Action::SeeVenues, me.place())?;
    let open = store::cold_chain::of_area(&app.db, &permit, app.now()).await?;
    let oldest = open.iter().map(|one| one.listed.excursion.first).min();
    Ok(oldest.map(|since| Listed {
        href: "/venues/temperatures".to_owned(),
        name: texts.t("excursions-title"),
        lead: texts.t("excursions-lead"),
        count: counted(i64::try_from(open.len()).unwrap_or(i64::MAX), false, texts),
        owned: texts.t("excursions-venue-decides"),
        age: Some(age(since, app.now(), texts)),
        tone: "bad",
    }))
}

/// Writes to the access log who looks at what and what for, before it is shown.
///
/// # Errors
/// The database's; then nothing may be shown.
pub async fn look(
    app: &App,
    permit: &CityPermit,
    number: Option<CouponNumber>,
    view: &str,
    purpose: &str,
) -> Result<(), Problem> {
    let view = View {
        id: app.fresh_id(),
        at: app.now(),
        number,
        view: view.to_owned(),
        purpose: purpose.to_owned(),
    };
    Ok(store::audit::looked(&app.db, permit, &view).await?)
}
