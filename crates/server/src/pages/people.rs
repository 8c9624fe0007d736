//! One search box (人を探す): whatever the clerk on the telephone is told is typed, and the page says
//! how it was understood.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::people::{Question, QuestionRefusal, ResidentStanding, is_reading};
use serde::Deserialize;
use store::people::{After, Found, search};
use store::residents::Resident;

use crate::pages::city::look;
use crate::pages::persons::{birth_text, purposes, standing_text};
use crate::pages::records::{Choice, place_name};
use crate::state::App;
use crate::web::body::Params;
use crate::web::layout::{Page, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::percent_encoded;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// People on one page: as many as somebody on the telephone can be asked to wait for.
const ROWS: i64 = 50;
/// What is written to the access log for looking through a list.
const LIST_PURPOSE: &str = "desk";

/// The search.
pub fn routes() -> Routes {
    Routes::new().get("/city/people", Guard::May(Action::SeePerson), show)
}

/// What was typed, what for, and where the page begins.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    q: String,
    purpose: String,
    after_key: String,
    after_no: String,
}

impl Asked {
    fn after(&self) -> Option<After> {
        (!self.after_no.is_empty()).then(|| After {
            key: self.after_key.clone(),
            resident_no: self.after_no.clone(),
        })
    }

    /// The same question from its beginning.
    fn first_page(&self) -> String {
        format!(
            "/city/people?q={}&purpose={}",
            percent_encoded(&self.q),
            percent_encoded(&self.purpose)
        )
    }
}

/// A person of the list.
struct Row {
    href: String,
    number: String,
    /// What the register says; nothing of somebody protected (支援措置).
    told: Option<Told>,
}

struct Told {
    name: String,
    kana: String,
    birth: String,
    sex: String,
    resident_no: String,
    standing: String,
    gone: bool,
}

impl Row {
    fn of(resident: &Resident, purpose: &str, texts: Texts) -> Self {
        let number = resident.number.as_str().to_owned();
        Self {
            href: format!("/city/people/{number}?purpose={}", percent_encoded(purpose)),
            number,
            told: (!resident.protected).then(|| Told {
                name: resident.name.clone(),
                kana: resident.kana.clone(),
                birth: birth_text(&resident.birth, texts),
                sex: texts.t(&format!("sex-{}", resident.sex.open_data())),
                resident_no: resident.resident_no.clone(),
                standing: standing_text(resident.standing, texts),
                gone: resident.standing != ResidentStanding::Resident,
            }),
        }
    }
}

#[derive(Template)]
#[template(path = "city/people.html")]
struct PeoplePage {
    page: Page,
    q: String,
    purposes: Vec<Choice>,
    /// Why what was typed cannot be looked for.
    refused: Option<Problem>,
    /// How it was understood, piece by piece; empty if nothing was asked.
    understood: Vec<String>,
    /// That the coupon is another city's, and whose.
    elsewhere: Option<String>,
    rows: Vec<Row>,
    /// What would make a list that is too long shorter.
    narrow: Option<String>,
    newest: Option<String>,
    older: Option<String>,
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeePerson)?;
    let page = page.titled("people-title");
    let texts = page.texts;
    let mut shown = PeoplePage {
        q: asked.q.clone(),
        purposes: purposes(&asked.purpose, texts),
        refused: None,
        understood: Vec::new(),
        elsewhere: None,
        rows: Vec::new(),
        narrow: None,
        newest: None,
        older: None,
        page,
    };
    let question = match Question::read(&asked.q) {
        Ok(question) => question,
        Err(refusal) => {
            // What cannot be looked for is not shown again: it may be an Individual Number.
            shown.q = String::new();
            shown.refused = Some(question_problem(refusal));
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&shown)?).into_response());
        }
    };
    if question.is_empty() {
        return html(&shown);
    }
    let city = permit.city();
    shown.understood = understood(&question, texts);
    shown.elsewhere = question
        .coupon_city
        .filter(|code| *code != city)
        .map(|code| place_name(code).unwrap_or_else(|| code.to_string()));
    let after = asked.after();
    look(&app, &permit, None, "search", LIST_PURPOSE).await?;
    let Found { by_number, by_name } =
        search(&app.db, &permit, &question, after.as_ref(), ROWS).await?;
    let all = by_number.iter().chain(&by_name.items);
    shown.rows = all
        .map(|resident| Row::of(resident, &asked.purpose, texts))
        .collect();
    shown.newest = after.map(|_| asked.first_page());
    if let Some(next) = &by_name.next {
        let missing = if question.birth.is_none() {
            "people-add-birth"
        } else {
            "people-add-name"
        };
        shown.narrow = Some(texts.t(missing));
        shown.older = Some(format!(
            "{}&after_key={}&after_no={}",
            asked.first_page(),
            percent_encoded(&next.key),
            percent_encoded(&next.resident_no)
        ));
    }
    html(&shown)
}

/// Why what was typed cannot be looked for.
#[must_use]
pub fn question_problem(refusal: QuestionRefusal) -> Problem {
    match refusal {
        QuestionRefusal::TooLong => Problem::unprocessable("question_too_long"),
        QuestionRefusal::IndividualNumber => Problem::unprocessable("question_individual_number"),
        QuestionRefusal::Digits => Problem::unprocessable("question_digits"),
    }
}

/// How a question was understood, in words.
fn understood(question: &Question, texts: Texts) -> Vec<String> {
    let told = |id: &str, value: &str| texts.t_with(id, &[("value", value.to_owned())]);
    let mut words = Vec::new();
    if let Some(coupon) = &question.coupon {
        words.push(told("people-by-coupon", coupon.as_str()));
    }
    if let Some(no) = &question.resident_no {
        words.push(told("people-by-resident-no", no));
    }
    if let Some(birth) = &question.birth {
        words.push(told("people-by-birth", &birth_text(birth, texts)));
    }
    if let Some(name) = &question.name {
        let id = if is_reading(name) {
            "people-by-sound"
        } else {
            "people-by-writing"
        };
        words.push(told(id, name));
    }
    words
}
