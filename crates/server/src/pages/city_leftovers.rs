//! Leftover doses of a city's venues (余剰ワクチン): what became of them, what was thrown away unused and why, and whom
//! the city wants called first.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, CityPermit};
use domain::calendar::Day;
use domain::standby::{FIRST_FROM_AGE_MAX, Rule};
use serde::Deserialize;
use store::leftover_doses::{Outcome, Thrown, of_city, thrown_in_city};
use store::standby::{RuleKept, RuleTold, rules, tell_rule};

use crate::pages::fields::Complaints;
use crate::pages::records::{day_text, product_name};
use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, done, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

const PATH: &str = "/city/leftover";
/// How far back the page looks, in days.
pub(crate) const LOOK_BACK_DAYS: i64 = 31;

/// The pages of this file.
pub fn routes() -> Routes {
    let keep = Guard::May(Action::KeepStandby);
    Routes::new()
        .get(PATH, keep, show)
        .post("/city/leftover/rules", keep, tell)
}

/// The fields of the rule, as typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Fields {
    valid_from: String,
    first_from_age: String,
    shares_list: Option<String>,
    seen: String,
}

struct OutcomeRow {
    day: String,
    venue: String,
    product: String,
    lot: String,
    one: Outcome,
}

struct ThrownRow {
    day: String,
    venue: String,
    product: String,
    lot: String,
    reasons: Vec<String>,
    words: String,
}

struct RuleRow {
    from: String,
    first: String,
    shares: String,
    by: String,
    is_in_force: bool,
}

#[derive(Template)]
#[template(path = "city/leftover.html")]
struct CityPage {
    page: Page,
    outcomes: Vec<OutcomeRow>,
    thrown: Vec<ThrownRow>,
    thrown_doses: i64,
    rules: Vec<RuleRow>,
    fields: Fields,
    seen: usize,
    complaints: Complaints,
    trouble: Option<String>,
    age_max: i64,
    days: i64,
}

async fn show(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let permit = me.city(Action::KeepStandby)?;
    let told = (Complaints::default(), None);
    render(&app, &permit, page, None, told).await
}

fn outcome_row(one: Outcome, texts: Texts) -> OutcomeRow {
    OutcomeRow {
        day: day_text(one.day, texts),
        venue: one.venue.clone(),
        product: product_name(&one.product, texts),
        lot: one.lot.clone(),
        one,
    }
}

fn thrown_row(one: Thrown, texts: Texts) -> ThrownRow {
    let reasons = one.reasons.iter().map(|(reason, doses)| {
        let word = texts.t(&format!("reason-{}", reason.as_str()));
        let vars = [("reason", word), ("doses", doses.to_string())];
        texts.t_with("leftover-thrown-reason", &vars)
    });
    ThrownRow {
        reasons: reasons.collect(),
        day: day_text(one.day, texts),
        venue: one.venue,
        product: product_name(&one.product, texts),
        lot: one.lot,
        words: one.words,
    }
}

fn rule_row(one: &RuleTold, in_force: Option<(Day, i64)>, texts: Texts) -> RuleRow {
    RuleRow {
        from: day_text(one.valid_from, texts),
        first: one.rule.first_from_age.map_or_else(
            || texts.t("leftover-rule-nobody"),
            |age| texts.t_with("leftover-rule-from", &[("age", age)]),
        ),
        shares: texts.t(if one.rule.shares_list {
            "leftover-rule-shared"
        } else {
            "leftover-rule-own"
        }),
        by: one.by.clone(),
        is_in_force: in_force == Some((one.valid_from, one.revision)),
    }
}

async fn render(
    app: &App,
    permit: &CityPermit,
    page: Page,
    typed: Option<Fields>,
    (complaints, trouble): (Complaints, Option<String>),
) -> Result<Response, Problem> {
    let page = page.titled("leftover-title");
    let (today, texts) = (app.today(), page.texts);
    let since = today.plus_days(-LOOK_BACK_DAYS);
    let told = rules(&app.db, permit).await?;
    let in_force = told.iter().find(|one| one.valid_from <= today);
    let now = in_force.map_or(Rule::NONE, |one| one.rule);
    let in_force = in_force.map(|one| (one.valid_from, one.revision));
    let thrown = thrown_in_city(&app.db, permit, since).await?;
    let doses = thrown.iter().flat_map(|one| &one.reasons);
    let thrown_doses = doses.map(|(_, doses)| doses).sum();
    let status = if complaints.is_empty() && trouble.is_none() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let outcomes = of_city(&app.db, permit, since).await?;
    let shown = html(&CityPage {
        outcomes: outcomes
            .into_iter()
            .map(|one| outcome_row(one, texts))
            .collect(),
        thrown: thrown
            .into_iter()
            .map(|one| thrown_row(one, texts))
            .collect(),
        thrown_doses,
        rules: told
            .iter()
            .map(|one| rule_row(one, in_force, texts))
            .collect(),
        seen: told.len(),
        fields: typed.unwrap_or_else(|| Fields {
            valid_from: today.to_string(),
            first_from_age: now
                .first_from_age
                .map_or_else(String::new, |age| age.to_string()),
            shares_list: now.shares_list.then(|| "1".to_owned()),
            seen: String::new(),
        }),
        complaints,
        trouble,
        age_max: FIRST_FROM_AGE_MAX,
        days: LOOK_BACK_DAYS,
        page,
    })?;
    Ok((status, shown).into_response())
}

fn rule_in(page: &Page, fields: &Fields, complaints: &mut Complaints) -> Option<(Day, Rule)> {
    let valid_from = match Day::parse(fields.valid_from.trim()) {
        Some(day) => Some(day),
        None => complaints.add("valid_from", page.t("complaint-day")),
    };
    let first_from_age = match fields.first_from_age.trim() {
        "" => Some(None),
        text => match text.parse::<i64>() {
            Ok(age) if (0..=FIRST_FROM_AGE_MAX).contains(&age) => Some(Some(age)),
            _ => {
                let words = page.t1("leftover-complaint-age", "max", FIRST_FROM_AGE_MAX);
                complaints.add("first_from_age", words)
            }
        },
    };
    let rule = Rule {
        first_from_age: first_from_age?,
        shares_list: fields.shares_list.is_some(),
    };
    Some((valid_from?, rule))
}

async fn tell(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::KeepStandby)?;
    let mut complaints = Complaints::default();
    let trouble = match rule_in(&page, &fields, &mut complaints) {
        None => None,
        Some(rule) => {
            let seen = fields.seen.trim().parse().unwrap_or(-1);
            let act = (app.fresh_id(), app.now());
            match tell_rule(&app.db, &permit, rule, seen, act).await? {
                RuleKept::Now => return Ok(done(PATH, "leftover-rule")),
                RuleKept::Meanwhile => Some(page.t("leftover-changed-meanwhile")),
                RuleKept::Past => {
                    complaints.add::<()>("valid_from", page.t("leftover-complaint-past"));
                    None
                }
            }
        }
    };
    render(&app, &permit, page, Some(fields), (complaints, trouble)).await
}
