//! Who looked at whose record (閲覧記録): for the city's administrator, and for the person who asks,
//! on paper or as a file. Reading the log is a look itself.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use domain::access::{Action, NumberPurpose};
use domain::coupons::CouponNumber;
use exchange::access_log::{AccessLogExport, Look};
use exchange::encoding::Encoding;
use paper::{AccessLog, missing_characters};
use serde::Deserialize;
use store::audit::{Looked, VIEWS_MAX, looks_at_person};
use store::standby;
use uuid::Uuid;

use crate::api::records::API_PURPOSE;
use crate::api::tablet;
use crate::pages::city::look;
use crate::pages::packs;
use crate::pages::papers::{access_log_pdf, letterhead, pdf_response};
use crate::pages::persons::PURPOSES;
use crate::pages::recalls;
use crate::pages::records::place_name;
use crate::pages::register::DISCLOSURE_PURPOSES;
use crate::state::App;
use crate::web::body::Params;
use crate::web::layout::{Page, html};
use crate::web::locale::{Locale, Texts};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The views that are written down, each with its words.
const VIEWS: [&str; 29] = [
    "person",
    "search",
    "looks",
    "looks-export",
    "looks-print",
    "coupons",
    "coupon-file",
    "print",
    "record",
    "ledger",
    "pending",
    "findings",
    "work",
    "misread",
    "proposals",
    "proposal",
    "export",
    store::inquiries::VIEW,
    "inquiries",
    "register",
    "disclosure",
    "report",
    "reports",
    tablet::VIEW,
    packs::VIEW,
    recalls::VIEW,
    standby::VIEW,
    Action::FindByNumber.as_str(),
    Action::OpenNumber.as_str(),
];

/// What is written to the access log for reading the access log.
const LOG_PURPOSE: &str = "desk";
/// What is written to it when it is read for the person it is about (開示).
const PERSON_PURPOSE: &str = "disclosure";
/// What the standby lists are looked at for.
const STANDBY_PURPOSES: [&str; 3] = [
    standby::LIST_PURPOSE,
    standby::CALL_PURPOSE,
    standby::PROTECTED_PURPOSE,
];
/// Looks in one file at most: one a minute for a year and more.
const EXPORTED_MAX: usize = 600_000;
/// Looks on paper at most: a hundred sheets and more; the file has all.
const PRINTED_MAX: usize = 5_000;
/// What stands for the name of a protected person (支援措置).
const PROTECTED_NAME: &str = "(支援措置のため記載しません)";

/// The access log.
pub fn routes() -> Routes {
    let guard = Guard::May(Action::SeeAccessLog);
    Routes::new()
        .get("/city/looks", guard, show)
        .get("/city/people/{number}/looks", guard, of_person)
        .get("/city/people/{number}/looks.csv", guard, export)
        .get("/city/people/{number}/looks.pdf", guard, print)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    number: String,
}

/// A look in words.
pub struct Row {
    /// When.
    pub at: String,
    /// Who.
    pub by: String,
    /// For which organisation.
    pub organisation: String,
    /// At what.
    pub view: String,
    /// What for.
    pub purpose: String,
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
    look(&app, &permit, number, "looks", LOG_PURPOSE).await?;
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

/// Which page of a person's log.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Before {
    before: Option<Uuid>,
    encoding: String,
}

#[derive(Template)]
#[template(path = "city/person_looks.html")]
struct PersonLooksPage {
    page: Page,
    number: String,
    city: String,
    made_at: String,
    rows: Vec<Row>,
    newest: Option<String>,
    older: Option<String>,
}

/// The log of one person, to be read, printed and saved.
async fn of_person(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(number): Path<String>,
    Params(asked): Params<Before>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeeAccessLog)?;
    let number = CouponNumber::parse(&number).map_err(|_| Problem::not_found())?;
    look(&app, &permit, Some(number), "looks", PERSON_PURPOSE).await?;
    let looks = looks_at_person(&app.db, &permit, number, asked.before).await?;
    let here = format!("/city/people/{}/looks", number.as_str());
    let is_full = looks.len() as i64 >= VIEWS_MAX;
    let last = looks.last().filter(|_| is_full);
    let texts = page.texts;
    html(&PersonLooksPage {
        number: number.as_str().to_owned(),
        city: place_name(permit.city()).unwrap_or_else(|| me.organisation.name.clone()),
        made_at: app.now().japanese(),
        older: last.map(|last| format!("{here}?before={}", last.view.id)),
        newest: asked.before.map(|_| here),
        rows: looks.into_iter().map(|looked| row(looked, texts)).collect(),
        page: page.titled("person-looks-title"),
    })
}

/// The whole log of one person as a file.
async fn export(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(number): Path<String>,
    Params(asked): Params<Before>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeeAccessLog)?;
    let number = CouponNumber::parse(&number).map_err(|_| Problem::not_found())?;
    let encoding = Encoding::parse(&asked.encoding).unwrap_or(Encoding::Utf8);
    look(&app, &permit, Some(number), "looks-export", PERSON_PURPOSE).await?;
    let texts = page.texts;
    let mut bytes = Vec::new();
    let mut file = AccessLogExport::new(&mut bytes, encoding).map_err(|_| Problem::internal())?;
    let (mut before, mut written) = (None, 0);
    loop {
        let looks = looks_at_person(&app.db, &permit, number, before).await?;
        before = looks.last().map(|last| last.view.id);
        written += looks.len();
        let is_last = (looks.len() as i64) < VIEWS_MAX || written >= EXPORTED_MAX;
        for looked in looks {
            file.row(&exported(looked, texts))
                .map_err(|_| Problem::internal())?;
        }
        if is_last {
            break;
        }
    }
    file.finish().map_err(|_| Problem::internal())?;
    let kind = match encoding {
        Encoding::Utf8 => "text/csv; charset=UTF-8",
        Encoding::Windows31j => "text/csv; charset=Shift_JIS",
    };
    let headers = [
        (CONTENT_TYPE, kind),
        (
            CONTENT_DISPOSITION,
            "attachment; filename=\"access-log.csv\"",
        ),
    ];
    Ok((headers, bytes).into_response())
}

/// The log of one person on paper, in the order of time; of a very long one the latest looks.
async fn print(
    State(app): State<App>,
    me: Me,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeeAccessLog)?;
    let number = CouponNumber::parse(&number).map_err(|_| Problem::not_found())?;
    look(&app, &permit, Some(number), "looks-print", PERSON_PURPOSE).await?;
    let person = store::doses::person(&app.db, &permit, number).await?;
    // Who is protected is not named on this way, which has no second step.
    let name = match person.and_then(|one| one.resident) {
        Some(resident) if resident.protected => PROTECTED_NAME.to_owned(),
        Some(resident) => resident.name,
        None => String::new(),
    };
    let texts = Texts::new(Locale::Ja);
    let (mut looks, mut before) = (Vec::new(), None);
    loop {
        let older = looks_at_person(&app.db, &permit, number, before).await?;
        before = older.last().map(|last| last.view.id);
        let is_last = (older.len() as i64) < VIEWS_MAX;
        looks.extend(older.into_iter().map(|looked| on_paper(looked, texts)));
        if is_last || looks.len() >= PRINTED_MAX {
            break;
        }
    }
    looks.truncate(PRINTED_MAX);
    looks.reverse();
    let today = app.today();
    let first = looks.first().map_or(today, |look| look.at.day_in_japan());
    let log = AccessLog {
        sender: letterhead(&app, &permit, &me.organisation.name)
            .await?
            .sender,
        on: today,
        name: geta(&name),
        period: (first, today),
        looks,
    };
    let pdf = access_log_pdf(log).await?;
    Ok(pdf_response("access-log.pdf", pdf))
}

fn on_paper(looked: Looked, texts: Texts) -> paper::Look {
    paper::Look {
        at: looked.view.at,
        organisation: geta(&looked.organisation_name),
        by: geta(&looked.by_name),
        view: geta(&view_words(texts, looked.view.view)),
        purpose: geta(&purpose_words(texts, looked.view.purpose)),
    }
}

/// A text with 〓 for what no typeface of ours has: a log is printed whole or is no log.
fn geta(text: &str) -> String {
    missing_characters(text)
        .iter()
        .fold(text.to_owned(), |text, missing| text.replace(missing, "〓"))
}

fn exported(looked: Looked, texts: Texts) -> Look {
    let organisation_name = organisation_words(&looked, texts);
    Look {
        at: looked.view.at,
        organisation_name,
        by_name: looked.by_name,
        view: view_words(texts, looked.view.view),
        number: looked.view.number,
        purpose: purpose_words(texts, looked.view.purpose),
    }
}

/// A look in a language.
#[must_use]
pub fn row(looked: Looked, texts: Texts) -> Row {
    let organisation = organisation_words(&looked, texts);
    let Looked { view, by_name, .. } = looked;
    Row {
        at: view.at.japanese(),
        by: by_name,
        organisation,
        view: view_words(texts, view.view),
        purpose: purpose_words(texts, view.purpose),
        number: view.number.map(|number| number.as_str().to_owned()),
    }
}

/// For whom somebody looked. Which other city asked about a protected person is told to nobody here:
/// it would be where the person lives now.
fn organisation_words(looked: &Looked, texts: Texts) -> String {
    if looked.is_withheld {
        texts.t("looks-withheld")
    } else {
        looked.organisation_name.clone()
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
    let known = purpose == API_PURPOSE
        || purpose == tablet::PURPOSE
        || purpose == packs::PURPOSE
        || purpose == recalls::PURPOSE
        || STANDBY_PURPOSES.contains(&purpose.as_str())
        || DISCLOSURE_PURPOSES.contains(&purpose.as_str())
        || PURPOSES.contains(&purpose.as_str())
        || NumberPurpose::parse(&purpose).is_some();
    if known {
        texts.t(&format!("purpose-{purpose}"))
    } else {
        purpose
    }
}
