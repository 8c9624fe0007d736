//! The venues of an area (会場一覧), for city, prefecture and nation; and under which codes a wholesaler knows them
//! (自社コード).

use std::io::Cursor;

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::multipart::Multipart;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, OrganisationId, Permit};
use domain::calendar::Day;
use domain::venues::own_codes::OwnCode;
use exchange::complaints::Complaint;
use exchange::encoding::Encoding;
use exchange::venues::{OwnCodes, write_own_codes};
use serde::Deserialize;
use store::venues::{self, Listed, PAGE_ROWS, Question, TELLING_MAX};
use uuid::Uuid;

use crate::pages::attachments::{csv_response, refused_text};
use crate::pages::contracts::city_name;
use crate::pages::deliveries::file_in;
use crate::pages::imports::encodings;
use crate::pages::records::Choice;
use crate::state::App;
use crate::web::body::Params;
use crate::web::layout::{Page, html};
use crate::web::locale::{Locale, Texts};
use crate::web::me::Me;
use crate::web::percent_encoded;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Bytes of a file of own codes at most: 70,000 venues are some 4 MB.
const FILE_BYTES_MAX: usize = 16 << 20;
/// Complaints that the page shows.
const SHOWN_MAX: usize = 50;

/// The pages of this file.
pub fn routes() -> Routes {
    let keep = Guard::May(Action::KeepOwnCodes);
    Routes::new()
        .get("/venues", Guard::May(Action::SeeVenues), show)
        .get("/own-codes", keep, show_own_codes)
        .get("/own-codes/file", keep, own_codes_file)
        .post_up_to(FILE_BYTES_MAX, "/own-codes/file", keep, load_own_codes)
}

/// Which file, as of which day, in which encoding; what is left open is today, in UTF-8.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// The day.
    pub on: String,
    /// The encoding's word.
    pub encoding: String,
}

/// What is asked of the list.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    q: String,
    lacking: String,
    after_code: String,
    after_id: String,
}

impl Asked {
    fn question(&self) -> Question {
        let id: Option<Uuid> = self.after_id.parse().ok();
        Question {
            text: self.q.trim().to_owned(),
            lacking: !self.lacking.is_empty(),
            after: id.map(|id| (self.after_code.clone(), OrganisationId(id))),
        }
    }

    fn first_page(&self) -> String {
        let q = percent_encoded(self.q.trim());
        let lacking = if self.lacking.is_empty() { "" } else { "1" };
        format!("/venues?q={q}&lacking={lacking}")
    }
}

/// A venue in words.
struct Row {
    id: String,
    code: String,
    name: String,
    city: String,
    venue_type: String,
    is_party: bool,
    active: bool,
}

impl Row {
    fn of(one: &Listed, texts: Texts) -> Self {
        Self {
            id: one.id.to_string(),
            code: one.code.clone(),
            name: one.name.clone(),
            city: city_name(&one.municipality),
            venue_type: one.venue_type.map_or_else(String::new, |kind| {
                texts.t(&format!("venue-type-{}", kind.as_str()))
            }),
            is_party: one.is_party,
            active: one.active,
        }
    }
}

#[derive(Template)]
#[template(path = "venues/list.html")]
struct VenuesPage {
    page: Page,
    q: String,
    lacking: bool,
    rows: Vec<Row>,
    newest: Option<String>,
    older: Option<String>,
    encodings: Vec<Choice>,
    today: Day,
    may_add: bool,
    may_issue: bool,
    may_load: bool,
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::SeeVenues, me.place())?;
    let page = page.titled("venues-title");
    let question = asked.question();
    let found = venues::list(&app.db, &permit, &question, app.today()).await?;
    let is_full = found.len() as i64 == PAGE_ROWS;
    let last = found.last().filter(|_| is_full);
    html(&VenuesPage {
        rows: found.iter().map(|one| Row::of(one, page.texts)).collect(),
        newest: question.after.as_ref().map(|_| asked.first_page()),
        older: last.map(|one| {
            format!(
                "{}&after_code={}&after_id={}",
                asked.first_page(),
                one.code,
                one.id
            )
        }),
        q: question.text,
        lacking: question.lacking,
        encodings: encodings(&page),
        today: app.today(),
        may_add: me.may(Action::OrderVials) && me.may(Action::ManageAccounts),
        may_issue: me.may(Action::IssueCodes),
        may_load: me.may(Action::LoadVenues),
        page,
    })
}

/// What became of a file of own codes, in words.
#[derive(Default)]
struct Outcome {
    kept: usize,
    as_it_is: usize,
    left_out: usize,
    complaints: Vec<(u64, String)>,
    refused: Option<String>,
}

#[derive(Template)]
#[template(path = "venues/own_codes.html")]
struct OwnCodesPage {
    page: Page,
    venues: usize,
    coded: usize,
    encodings: Vec<Choice>,
    today: Day,
    outcome: Option<Outcome>,
}

fn own_desk(me: &Me) -> Result<Permit, Problem> {
    me.permit(Action::KeepOwnCodes, me.place())
}

async fn show_own_codes(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    render_own_codes(&app, &own_desk(&me)?, page, None).await
}

async fn render_own_codes(
    app: &App,
    permit: &Permit,
    page: Page,
    outcome: Option<Outcome>,
) -> Result<Response, Problem> {
    let page = page.titled("own-codes-title");
    let all = venues::own_codes(&app.db, permit, app.today()).await?;
    let is_refused = outcome.as_ref().is_some_and(|one| one.refused.is_some());
    let shown = html(&OwnCodesPage {
        venues: all.len(),
        coded: all.iter().filter(|one| !one.own.is_empty()).count(),
        encodings: encodings(&page),
        today: app.today(),
        outcome,
        page,
    })?;
    let status = if is_refused {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    Ok((status, shown).into_response())
}

async fn own_codes_file(
    State(app): State<App>,
    me: Me,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let on = Day::parse(wanted.on.trim()).unwrap_or_else(|| app.today());
    let encoding = Encoding::parse(&wanted.encoding).unwrap_or(Encoding::Utf8);
    let rows = venues::own_codes(&app.db, &own_desk(&me)?, on).await?;
    let mut file = Vec::new();
    write_own_codes(&mut file, &rows, encoding).map_err(|_| Problem::internal())?;
    Ok(csv_response(&format!("own-codes-{on}.csv"), encoding, file))
}

async fn load_own_codes(
    State(app): State<App>,
    me: Me,
    page: Page,
    sent: Multipart,
) -> Result<Response, Problem> {
    let permit = own_desk(&me)?;
    let (file, encoding) = file_in(sent).await?;
    let outcome = take_in(&app, &permit, &file, encoding, page.texts).await?;
    render_own_codes(&app, &permit, page, Some(outcome)).await
}

/// Takes a file in, some lines in one transaction. The same file again changes nothing, so one that was cut short is
/// simply sent again.
async fn take_in(
    app: &App,
    permit: &Permit,
    file: &Bytes,
    encoding: Encoding,
    texts: Texts,
) -> Result<Outcome, Problem> {
    let mut outcome = Outcome::default();
    let reader = match OwnCodes::open(Cursor::new(file), encoding) {
        Ok(reader) => reader,
        Err(refusal) => {
            outcome.refused = Some(refused_text(&refusal, texts.locale()));
            return Ok(outcome);
        }
    };
    let mut waiting: Vec<(u64, OwnCode)> = Vec::new();
    // Reading from memory does not fail.
    for line in reader.flatten() {
        match line.row {
            Some(row) => waiting.push((line.place.line, row)),
            None => {
                outcome.left_out += 1;
                complain(
                    &mut outcome,
                    line.place.line,
                    words(&line.complaints, texts),
                );
            }
        }
        if waiting.len() == TELLING_MAX {
            tell(app, permit, &mut waiting, &mut outcome, texts).await?;
        }
    }
    tell(app, permit, &mut waiting, &mut outcome, texts).await?;
    Ok(outcome)
}

async fn tell(
    app: &App,
    permit: &Permit,
    waiting: &mut Vec<(u64, OwnCode)>,
    outcome: &mut Outcome,
    texts: Texts,
) -> Result<(), Problem> {
    let (lines, rows): (Vec<u64>, Vec<OwnCode>) = std::mem::take(waiting).into_iter().unzip();
    let act = (app.fresh_id(), app.now());
    let told = venues::tell_own_codes(&app.db, permit, &rows, act).await?;
    outcome.kept += told.kept;
    outcome.as_it_is += told.as_it_is;
    outcome.left_out += told.unknown.len();
    for place in told.unknown {
        let line = lines.get(place).copied().unwrap_or_default();
        complain(outcome, line, texts.t("own-codes-unknown"));
    }
    Ok(())
}

fn complain(outcome: &mut Outcome, line: u64, text: String) {
    if outcome.complaints.len() < SHOWN_MAX {
        outcome.complaints.push((line, text));
    }
}

fn words(complaints: &[Complaint], texts: Texts) -> String {
    let word = |one: &Complaint| {
        let column = one.column.unwrap_or("—");
        match texts.locale() {
            Locale::Ja => format!("{column}: {}", one.text_ja()),
            Locale::En => format!("{column}: {}", one.text_en()),
        }
    };
    let all: Vec<String> = complaints.iter().map(word).collect();
    all.join(" ")
}
