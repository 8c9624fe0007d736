//! The legal register (予防接種台帳): what is past its time of keeping, and a person's own part of it, which may
//! not be refused to them (開示).

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::coupons::CouponNumber;
use domain::retention::{RETENTION_YEARS, kept_until, last_past};
use serde::Deserialize;
use store::doses::{Listed, Record};
use store::register::{self, disclosed, past_retention};

use crate::pages::city::look;
use crate::pages::looks::{self, Row as LookRow};
use crate::pages::papers::{letterhead, printed};
use crate::pages::persons::{InRegister, in_register};
use crate::pages::records::{Choice, Shown, day_text, place_name};
use crate::state::App;
use crate::web::body::Params;
use crate::web::layout::{Page, html};
use crate::web::locale::{Locale, Texts};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// What the list is looked through for.
const PURPOSE: &str = "desk";
/// Who may ask for a person's part: the person, or who speaks for them.
pub const DISCLOSURE_PURPOSES: [&str; 2] = ["own-request", "representative"];

/// The pages of the register.
pub fn routes() -> Routes {
    Routes::new()
        .get("/city/register", Guard::May(Action::SeeLedger), show)
        .get(
            "/city/people/{number}/disclosure",
            Guard::May(Action::SeePerson),
            disclose,
        )
        .get(
            "/city/people/{number}/disclosure.pdf",
            Guard::May(Action::SeePerson),
            print,
        )
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Walk {
    after: i64,
}

/// A record whose time of keeping is over.
struct Past {
    record: Shown,
    name: Option<String>,
    kept_until: String,
}

impl Past {
    fn of(listed: &Listed, texts: Texts) -> Self {
        Self {
            record: Shown::of(&listed.record, texts),
            name: listed.name.clone(),
            kept_until: day_text(kept_until(listed.record.given_on), texts),
        }
    }
}

#[derive(Template)]
#[template(path = "city/register.html")]
struct RegisterPage {
    page: Page,
    years: i32,
    last: String,
    walked: i64,
    rows: Vec<Past>,
    next: Option<String>,
    begun: bool,
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(walk): Params<Walk>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeeLedger)?;
    look(&app, &permit, None, "register", PURPOSE).await?;
    let today = app.today();
    let found = past_retention(&app.db, &permit, today, walk.after.max(0)).await?;
    let texts = page.texts;
    html(&RegisterPage {
        years: RETENTION_YEARS,
        last: day_text(last_past(today), texts),
        walked: register::WALKED_MAX,
        rows: found.items.iter().map(|one| Past::of(one, texts)).collect(),
        next: found.next.map(|seq| format!("/city/register?after={seq}")),
        begun: walk.after > 0,
        page: page.titled("register-title"),
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    purpose: String,
}

/// A disclosure is asked for with a purpose, whoever it is of.
#[derive(Template)]
#[template(path = "city/disclosure_ask.html")]
struct AskPage {
    page: Page,
    number: String,
    purposes: Vec<Choice>,
}

#[derive(Template)]
#[template(path = "city/disclosure.html")]
struct DisclosurePage {
    page: Page,
    city: String,
    day: String,
    years: i32,
    numbers: Vec<String>,
    resident: Option<InRegister>,
    has_individual_number: bool,
    records: Vec<Kept>,
    looks: Vec<LookRow>,
    purpose: String,
    pdf: String,
}

/// A record as the law names its items.
struct Kept {
    record: Shown,
    until: String,
}

async fn disclose(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(number): Path<String>,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeePerson)?;
    let number = CouponNumber::parse(&number).map_err(|_| Problem::not_found())?;
    let texts = page.texts;
    let found = disclosed(&app.db, &permit, number).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    let known = DISCLOSURE_PURPOSES.into_iter();
    let Some(purpose) = known.clone().find(|one| *one == asked.purpose) else {
        let choice = |purpose: &str| Choice {
            value: purpose.to_owned(),
            label: texts.t(&format!("purpose-{purpose}")),
            chosen: false,
        };
        return html(&AskPage {
            number: number.as_str().to_owned(),
            purposes: known.map(choice).collect(),
            page: page.titled("disclosure-title"),
        });
    };
    look(&app, &permit, Some(number), "disclosure", purpose).await?;
    let city = permit.city();
    let kept = |record| Kept {
        record: Shown::of(record, texts),
        until: day_text(kept_until(record.given_on), texts),
    };
    html(&DisclosurePage {
        city: place_name(city).unwrap_or_else(|| me.organisation.name.clone()),
        day: day_text(app.today(), texts),
        years: RETENTION_YEARS,
        numbers: found
            .numbers
            .iter()
            .map(|one| one.as_str().to_owned())
            .collect(),
        resident: found
            .person
            .resident
            .as_ref()
            .map(|one| in_register(one, texts)),
        has_individual_number: found.has_individual_number,
        records: found.person.records.iter().map(kept).collect(),
        looks: found
            .looks
            .into_iter()
            .map(|one| looks::row(one, texts))
            .collect(),
        pdf: format!(
            "/city/people/{}/disclosure.pdf?purpose={purpose}",
            number.as_str()
        ),
        purpose: texts.t(&format!("purpose-{purpose}")),
        page: page.titled("disclosure-title"),
    })
}

/// The same on paper, without the looks, which are printed by themselves.
async fn print(
    State(app): State<App>,
    me: Me,
    Path(number): Path<String>,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeePerson)?;
    let number = CouponNumber::parse(&number).map_err(|_| Problem::not_found())?;
    let found = disclosed(&app.db, &permit, number).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    let mut known = DISCLOSURE_PURPOSES.into_iter();
    let purpose = known.find(|one| *one == asked.purpose);
    let purpose = purpose.ok_or_else(|| Problem::unprocessable("disclosure_purpose"))?;
    let resident = found.person.resident.as_ref();
    let resident = resident.ok_or_else(|| Problem::unprocessable("disclosure_not_registered"))?;
    look(&app, &permit, Some(number), "disclosure", purpose).await?;
    let texts = Texts::new(Locale::Ja);
    let letterhead = letterhead(&app, &permit, &me.organisation.name).await?;
    let doses = found.person.records.iter();
    let disclosure = paper::Disclosure {
        sender: letterhead.sender,
        on: app.today(),
        person: printed(resident, false),
        numbers: found.numbers,
        has_individual_number: found.has_individual_number,
        doses: doses.map(|record| on_paper(record, texts)).collect(),
    };
    let papers = [paper::Paper::Disclosure(disclosure)];
    let bytes = tokio::task::spawn_blocking(move || paper::papers_pdf("予防接種台帳", &papers))
        .await
        .map_err(|_| Problem::internal())?
        .map_err(|refusal| {
            tracing::error!(code = refusal.code(), "disclosure.not_printed");
            Problem::unprocessable("report_not_printed")
        })?;
    let headers = [
        (CONTENT_TYPE, "application/pdf"),
        (CONTENT_DISPOSITION, "inline; filename=\"disclosure.pdf\""),
    ];
    Ok((headers, bytes).into_response())
}

fn on_paper(record: &Record, texts: Texts) -> paper::DisclosedDose {
    let shown = Shown::of(record, texts);
    let notes = shown.badges.iter().map(|badge| badge.word.as_str());
    paper::DisclosedDose {
        turn: Some(record.turn).filter(|turn| *turn > 0),
        given_on: record.given_on,
        product: shown.product.clone(),
        lot: record.lot.clone(),
        venue: record.venue_name.clone(),
        doctor: record.doctor.clone(),
        city: record.municipality,
        note: notes.collect::<Vec<_>>().join("、"),
    }
}
