//! The ledger (予防接種台帳) as lists: all of it with a search, what waits for its person, and what
//! somebody has to look at.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::access::Action;
use domain::calendar::Day;
use domain::doses::Standing;
use domain::findings::{FindingCode, Severity};
use serde::Deserialize;
use store::doses::{Filter, Listed, page as page_of};

use crate::pages::city::look;
use crate::pages::records::{Badge, Choice, Found, Shown};
use crate::state::App;
use crate::web::body::Params;
use crate::web::layout::{Page, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::percent_encoded;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Records on one page of a list.
const ROWS: i64 = 50;
/// Longest search word that is looked for, in characters: longer than any name.
const TEXT_LENGTH_MAX: usize = 100;
/// What is written to the access log for looking through a list.
const PURPOSE: &str = "desk";

/// The lists.
pub fn routes() -> Routes {
    Routes::new()
        .get("/city/ledger", Guard::May(Action::SeeLedger), ledger)
        .get("/city/pending", Guard::May(Action::SeeLedger), pending)
        .get("/city/findings", Guard::May(Action::SeeFindings), findings)
}

/// What is asked for, as typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Asked {
    text: String,
    standing: String,
    from: String,
    to: String,
    severity: String,
    finding: String,
    before: Option<i64>,
}

impl Asked {
    fn filter(&self) -> Filter {
        let text: String = self.text.trim().chars().take(TEXT_LENGTH_MAX).collect();
        Filter {
            text: (!text.is_empty()).then_some(text),
            standing: Standing::parse(&self.standing),
            given_from: Day::parse(&self.from),
            given_to: Day::parse(&self.to),
            before_seq: self.before,
            ..Filter::default()
        }
    }

    /// The same question without the page, as the front of an address.
    fn query(&self) -> String {
        let fields = [
            ("text", &self.text),
            ("standing", &self.standing),
            ("from", &self.from),
            ("to", &self.to),
            ("severity", &self.severity),
            ("finding", &self.finding),
        ];
        fields
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}&", percent_encoded(value)))
            .collect()
    }

    fn is_search(&self) -> bool {
        !self.query().is_empty()
    }
}

/// A row of a list.
pub(super) struct Row {
    pub record: Shown,
    pub person: Person,
}

/// Whose record it is, as a list may tell.
pub(super) enum Person {
    /// The name in the register.
    Named(String),
    /// Registered, but protected (支援措置).
    Protected,
    /// Not in the register yet.
    Waiting,
    /// The digits lead to nobody.
    Nobody,
}

impl Row {
    pub fn of(listed: &Listed, texts: Texts) -> Self {
        let Listed { record, name } = listed;
        let person = match name {
            Some(name) => Person::Named(name.clone()),
            None if record.number.is_none() => Person::Nobody,
            None if record.pending => Person::Waiting,
            // Without a name only a protected person is left, or one who is not in the register
            // while the record waits for nothing, being void: nothing may be told of either.
            None => Person::Protected,
        };
        Self {
            record: Shown::of(record, texts),
            person,
        }
    }
}

#[derive(Template)]
#[template(path = "city/ledger.html")]
struct LedgerPage {
    page: Page,
    /// Whether it is the whole ledger with its search, or the pending list.
    whole: bool,
    asked: Asked,
    is_search: bool,
    standings: Vec<Choice>,
    rows: Vec<Row>,
    older: Option<String>,
    newest: Option<String>,
}

async fn ledger(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let filter = asked.filter();
    let page = page.titled("ledger-title");
    list(&app, &me, page, asked, filter, true).await
}

async fn pending(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let filter = Filter {
        pending: true,
        before_seq: asked.before,
        ..Filter::default()
    };
    let page = page.titled("pending-title");
    list(&app, &me, page, asked, filter, false).await
}

async fn list(
    app: &App,
    me: &Me,
    page: Page,
    asked: Asked,
    filter: Filter,
    whole: bool,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeeLedger)?;
    let texts = page.texts;
    let view = if whole { "ledger" } else { "pending" };
    look(app, &permit, None, view, PURPOSE).await?;
    let found = page_of(&app.db, &permit, &filter, ROWS).await?;
    let here = page.path.clone();
    html(&LedgerPage {
        whole,
        is_search: asked.is_search(),
        standings: Standing::ALL
            .into_iter()
            .map(|standing| Choice {
                value: standing.as_str().to_owned(),
                label: Badge::standing(standing, texts).word,
                chosen: asked.standing == standing.as_str(),
            })
            .collect(),
        rows: found
            .items
            .iter()
            .map(|listed| Row::of(listed, texts))
            .collect(),
        older: found
            .next
            .map(|seq| format!("{here}?{}before={seq}", asked.query())),
        newest: asked.before.map(|_| format!("{here}?{}", asked.query())),
        asked,
        page,
    })
}

#[derive(Template)]
#[template(path = "city/findings.html")]
struct FindingsPage {
    page: Page,
    cuts: Vec<Cut>,
    codes: Vec<Choice>,
    chosen: Option<Found>,
    rows: Vec<Row>,
    older: Option<String>,
    newest: Option<String>,
}

/// One way to cut the work list by weight.
struct Cut {
    href: String,
    name: String,
    here: bool,
}

async fn findings(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeeFindings)?;
    let page = page.titled("findings-title");
    let texts = page.texts;
    let code = FindingCode::parse(&asked.finding);
    let severe = asked.severity == "error";
    let severity_min = if severe {
        Severity::Error
    } else {
        Severity::Warn
    };
    let filter = Filter {
        finding: code,
        // Along the work list's index, unless it is of something that is on no work list.
        severity_min: match code {
            Some(code) if code.severity() == Severity::Info => None,
            Some(_) => Some(Severity::Warn),
            None => Some(severity_min),
        },
        before_seq: asked.before,
        ..Filter::default()
    };
    look(&app, &permit, None, "findings", PURPOSE).await?;
    let found = page_of(&app.db, &permit, &filter, ROWS).await?;
    let cut = |severity: &str, id: &str, here: bool| Cut {
        href: format!("/city/findings?severity={severity}"),
        name: texts.t(id),
        here: here && code.is_none(),
    };
    html(&FindingsPage {
        cuts: vec![
            cut("error", "findings-to-correct", severe),
            cut("warn", "findings-to-check", !severe),
        ],
        codes: code_choices(code, texts),
        chosen: code.map(|code| Found::of(&domain::findings::Finding { code, day: None }, texts)),
        rows: found
            .items
            .iter()
            .map(|listed| Row::of(listed, texts))
            .collect(),
        older: found
            .next
            .map(|seq| format!("/city/findings?{}before={seq}", asked.query())),
        newest: asked
            .before
            .map(|_| format!("/city/findings?{}", asked.query())),
        page,
    })
}

/// The findings that somebody has to look at, worst first.
fn code_choices(chosen: Option<FindingCode>, texts: Texts) -> Vec<Choice> {
    let mut codes: Vec<_> = FindingCode::ALL
        .into_iter()
        .filter(|code| code.severity() > Severity::Info)
        .collect();
    codes.sort_by_key(|code| std::cmp::Reverse(code.severity()));
    codes
        .into_iter()
        .map(|code| Choice {
            value: code.as_str().to_owned(),
            label: texts.t(&format!("finding-{}.name", code.as_str())),
            chosen: chosen == Some(code),
        })
        .collect()
}
