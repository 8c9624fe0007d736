//! The figures that a giver's formula uses, each with where it comes from: drawn from Sesshu's own books,
//! or stated by hand with a reason, one by one or by CSV.

use std::collections::BTreeMap;
use std::io::Cursor;

use askama::Template;
use axum::extract::multipart::Multipart;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, Permit};
use domain::allocation::FIGURE_MAX;
use domain::cycles::{REASON_LENGTH_MAX, Stated, seat};
use exchange::figures::Reader;
use serde::Deserialize;
use store::allocations::{self, Below};
use store::cycles::Cycle;
use store::demand;
use store::figures::{self, Figure, Forgotten, StatedFigure, Stating, Word};
use uuid::Uuid;

use crate::pages::allocation_desk;
use crate::pages::allocations::{Typed, cycle_name, field, units_in};
use crate::pages::attachments::refused_text;
use crate::pages::deliveries::{complained, file_in};
use crate::pages::fields::Complaints;
use crate::pages::imports::encodings;
use crate::pages::records::Choice;
use crate::state::App;
use crate::web::body::{PageForm, Params};
use crate::web::layout::{Page, done, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Bytes of a file of figures at most: eleven figures of 20,000 venues.
const FILE_BYTES_MAX: usize = 32 << 20;
/// Complaints that the page shows.
const SHOWN_MAX: usize = 50;

/// The pages of this file.
pub fn routes() -> Routes {
    let allocate = Guard::May(Action::Allocate);
    Routes::new()
        .get("/allocations/{id}/figures", allocate, show)
        .post("/allocations/{id}/figures", allocate, state)
        .post("/allocations/{id}/figures/drawn", allocate, draw)
        .post("/allocations/{id}/figures/forget", allocate, forget)
        .post_up_to(
            FILE_BYTES_MAX,
            "/allocations/{id}/figures/file",
            allocate,
            load,
        )
}

/// Whose places are listed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Listed {
    /// The place whose places below are listed; the giver's own if it is left out.
    of: String,
    /// The number of the last word that was seen.
    seen: i64,
}

/// A place with its figures.
struct PlaceRow {
    name: String,
    code: String,
    /// Its own page, if there are places below it.
    below: Option<String>,
    figures: Vec<FigureRow>,
}

/// A figure in words.
struct FigureRow {
    key: &'static str,
    seat: String,
    label: String,
    value: u64,
    /// Where it comes from, and of when.
    origin: String,
    /// Whether it was stated by hand.
    is_stated: bool,
}

impl FigureRow {
    fn of(one: &Figure, texts: Texts) -> Self {
        let drawn = one.drawn.map(|drawn| {
            let source = one
                .figure
                .source()
                .map_or("stock", |source| source.as_str());
            let words = [
                ("source", texts.t(&format!("figures-source-{source}"))),
                ("value", drawn.value.to_string()),
                ("at", drawn.at.japanese()),
            ];
            (drawn.value, words)
        });
        let (value, origin) = match (&one.stated, &drawn) {
            (Some(stated), drawn) => {
                let told = [
                    ("by", stated.by.clone()),
                    ("reason", stated.reason.clone()),
                    ("at", stated.at.japanese()),
                ];
                let mut origin = texts.t_with("figures-stated", &told);
                if let Some((_, words)) = drawn {
                    origin.push(' ');
                    origin.push_str(&texts.t_with("figures-instead-of", words));
                }
                (stated.value, origin)
            }
            (None, Some((value, words))) => (*value, texts.t_with("figures-drawn", words)),
            (None, None) => (0, String::new()),
        };
        Self {
            key: one.figure.as_str(),
            seat: one.seat.clone(),
            label: texts.t(&format!("stated-{}", one.figure.as_str())),
            value,
            origin,
            is_stated: one.stated.is_some(),
        }
    }
}

/// What became of a file, in words.
#[derive(Default)]
struct Outcome {
    stated: usize,
    refused: Option<String>,
    complaints: Vec<(u64, String)>,
}

impl Outcome {
    fn complain(&mut self, line: u64, words: String) {
        if self.complaints.len() < SHOWN_MAX {
            self.complaints.push((line, words));
        }
    }
}

/// Where a file states each figure of each place.
type Lines = BTreeMap<(String, Stated), u64>;

#[derive(Template)]
#[template(path = "allocations/figures.html")]
struct FiguresPage {
    page: Page,
    id: String,
    cycle: String,
    rows: Vec<PlaceRow>,
    places: Vec<Choice>,
    figures: Vec<Choice>,
    encodings: Vec<Choice>,
    outcome: Option<Outcome>,
    /// Cities whose registers are counted, and of how many, while that goes on.
    counting: Option<(i64, i64)>,
    /// The number of the last word that this page has seen.
    seen: i64,
    complaints: Complaints,
    typed: Typed,
    reason_max: usize,
}

impl FiguresPage {
    /// What was typed into a field, if the page comes back.
    fn typed(&self, name: &str) -> &str {
        field(&self.typed, name)
    }
}

/// What a page says beside its list.
#[derive(Default)]
struct Said {
    of: String,
    typed: Typed,
    complaints: Complaints,
    outcome: Option<Outcome>,
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    Params(listed): Params<Listed>,
) -> Result<Response, Problem> {
    let said = Said {
        of: listed.of,
        ..Said::default()
    };
    render(&app, &me, page, id, said).await
}

/// The permit of a giver, and its cycle.
async fn giver(app: &App, me: &Me, id: Uuid) -> Result<(Permit, Cycle), Problem> {
    let permit = me.permit(Action::Allocate, me.place())?;
    Ok((permit, allocation_desk::cycle(app, id).await?))
}

fn rows(id: Uuid, below: &[Below], of: &str, known: &[Figure], texts: Texts) -> Vec<PlaceRow> {
    let mut by_seat: BTreeMap<&str, Vec<FigureRow>> = BTreeMap::new();
    for one in known {
        let told = FigureRow::of(one, texts);
        by_seat.entry(one.seat.as_str()).or_default().push(told);
    }
    let listed = below
        .iter()
        .filter(|one| one.node.parent.as_deref() == Some(of));
    listed
        .map(|one| {
            let code = one.node.code.as_str();
            let has_below = below
                .iter()
                .any(|other| other.node.parent.as_deref() == Some(code));
            PlaceRow {
                name: one.name.clone(),
                code: one.code.clone(),
                below: has_below.then(|| format!("/allocations/{id}/figures?of={code}")),
                figures: by_seat.remove(code).unwrap_or_default(),
            }
        })
        .collect()
}

async fn render(app: &App, me: &Me, page: Page, id: Uuid, said: Said) -> Result<Response, Problem> {
    let (permit, cycle) = giver(app, me, id).await?;
    let texts = page.texts;
    let page = page.titled("figures-title");
    let below = allocations::nodes(&app.db, &permit, &cycle).await?;
    // The number first: whatever is stated in between is shown, and asked about all the same.
    let seen = figures::number(&app.db, &permit, &cycle).await?;
    let known = figures::figures(&app.db, &permit, &cycle).await?;
    let (counted, begun) = demand::progress(&app.db, &permit, &cycle).await?;
    let own = seat(permit.place()).ok_or_else(Problem::forbidden)?;
    let of = Some(said.of.clone()).filter(|of| !of.is_empty());
    let of = of.unwrap_or(own);
    let chosen = field(&said.typed, "place").to_owned();
    let place = |one: &Below| Choice {
        chosen: one.node.code == chosen,
        value: one.node.code.clone(),
        label: format!("{} {}", one.name, one.code),
    };
    let listed = below
        .iter()
        .filter(|one| one.node.parent.as_deref() == Some(of.as_str()));
    let status = if said.complaints.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let shown = html(&FiguresPage {
        id: id.to_string(),
        cycle: cycle_name(&cycle, texts),
        rows: rows(id, &below, &of, &known, texts),
        places: listed.map(place).collect(),
        figures: figure_choices(field(&said.typed, "figure"), texts),
        encodings: encodings(&page),
        outcome: said.outcome,
        counting: (counted < begun).then_some((counted, begun)),
        seen,
        complaints: said.complaints,
        typed: said.typed,
        reason_max: REASON_LENGTH_MAX,
        page,
    })?;
    Ok((status, shown).into_response())
}

fn figure_choices(chosen: &str, texts: Texts) -> Vec<Choice> {
    let all = Stated::ALL.into_iter();
    all.map(|one| Choice {
        value: one.as_str().to_owned(),
        label: texts.t(&format!("stated-{}", one.as_str())),
        chosen: one.as_str() == chosen,
    })
    .collect()
}

fn back(id: Uuid, notice: &str) -> Response {
    done(&format!("/allocations/{id}/figures"), notice)
}

async fn state(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    PageForm(typed): PageForm<Typed>,
) -> Result<Response, Problem> {
    let (permit, cycle) = giver(&app, &me, id).await?;
    let mut complaints = Complaints::default();
    let value = units_in(&page, &mut complaints, "value", &typed, FIGURE_MAX);
    let figure = Stated::parse(field(&typed, "figure"));
    if figure.is_none() {
        complaints.add::<()>("figure", page.t("complaint-empty"));
    }
    let reason = field(&typed, "figure_reason");
    let reason = complaints.text(&page, "figure_reason", reason, REASON_LENGTH_MAX);
    let (Some(value), Some(figure), Some(reason)) = (value, figure, reason) else {
        let said = Said {
            typed,
            complaints,
            ..Said::default()
        };
        return render(&app, &me, page, id, said).await;
    };
    let stated = StatedFigure {
        seat: field(&typed, "place").to_owned(),
        figure,
        value,
        reason,
    };
    let act = (app.fresh_id(), app.now());
    let stated = [stated];
    match figures::state_figures(&app.db, &permit, &cycle, &stated, seen(&typed), act).await? {
        Stating::Kept(_) => Ok(back(id, "figure")),
        Stating::NotBelow(_) => Err(Problem::not_found()),
        Stating::Changed(words) => {
            for word in &words {
                complaints.add::<()>("value", meanwhile(word, page.texts));
            }
            let said = Said {
                typed,
                complaints,
                ..Said::default()
            };
            render(&app, &me, page, id, said).await
        }
    }
}

/// Up to which word somebody saw the figures.
fn seen(typed: &Typed) -> i64 {
    field(typed, "seen").parse().unwrap_or(0)
}

/// What somebody else stated meanwhile, and what to do.
fn meanwhile(word: &Word, texts: Texts) -> String {
    let told = [
        ("by", word.by.clone()),
        ("at", word.at.japanese()),
        ("reason", word.reason.clone()),
        (
            "value",
            word.value
                .map(|value| value.to_string())
                .unwrap_or_default(),
        ),
    ];
    let id = match word.value {
        Some(_) => "figures-meanwhile",
        None => "figures-meanwhile-forgotten",
    };
    texts.t_with(id, &told)
}

async fn draw(State(app): State<App>, me: Me, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    let (permit, cycle) = giver(&app, &me, id).await?;
    figures::draw(&app.db, &permit, &cycle, (app.fresh_id(), app.now())).await?;
    Ok(back(id, "figures-drawn"))
}

async fn forget(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    PageForm(typed): PageForm<Typed>,
) -> Result<Response, Problem> {
    let (permit, cycle) = giver(&app, &me, id).await?;
    let figure = Stated::parse(field(&typed, "figure")).ok_or_else(Problem::not_found)?;
    let of = (field(&typed, "place"), figure, seen(&typed));
    let act = (app.fresh_id(), app.now());
    match figures::forget(&app.db, &permit, &cycle, of, act).await? {
        Forgotten::Now => Ok(back(id, "figure-forgotten")),
        Forgotten::NotFound => Err(Problem::not_found()),
        Forgotten::Changed(word) => {
            let mut complaints = Complaints::default();
            complaints.add::<()>("value", meanwhile(&word, page.texts));
            let said = Said {
                complaints,
                ..Said::default()
            };
            render(&app, &me, page, id, said).await
        }
    }
}

async fn load(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    Params(listed): Params<Listed>,
    sent: Multipart,
) -> Result<Response, Problem> {
    let (permit, cycle) = giver(&app, &me, id).await?;
    let (file, encoding) = file_in(sent).await?;
    let locale = page.texts.locale();
    let mut outcome = Outcome::default();
    match Reader::open(Cursor::new(&file), encoding) {
        Err(refusal) => {
            outcome.refused = Some(refused_text(&refusal, locale));
        }
        Ok(reader) => {
            let below = allocations::nodes(&app.db, &permit, &cycle).await?;
            let (lines, good) = stated_in(&page, reader, &below, &mut outcome);
            let act = (app.fresh_id(), app.now());
            let loaded =
                figures::load_figures(&app.db, &permit, &cycle, &good, listed.seen, act).await?;
            outcome.stated = good.len() - loaded.changed.len();
            for word in &loaded.changed {
                let key = (word.seat.clone(), word.figure);
                let line = lines.get(&key).copied().unwrap_or_default();
                outcome.complain(line, meanwhile(word, page.texts));
            }
        }
    }
    let said = Said {
        outcome: Some(outcome),
        ..Said::default()
    };
    render(&app, &me, page, id, said).await
}

/// The good lines of a file; what is wrong with the others goes into the outcome.
fn stated_in(
    page: &Page,
    reader: Reader<Cursor<&axum::body::Bytes>>,
    below: &[Below],
    outcome: &mut Outcome,
) -> (Lines, Vec<StatedFigure>) {
    let mut seats: BTreeMap<&str, &str> = BTreeMap::new();
    for one in below {
        seats.insert(&one.code, &one.node.code);
        seats.insert(&one.node.code, &one.node.code);
    }
    let (mut lines, mut good) = (Lines::new(), Vec::new());
    // Reading from memory does not fail.
    for line in reader.flatten() {
        let seat = line.row.as_ref().map(|row| seats.get(row.place.as_str()));
        let words = match (line.row, seat) {
            (Some(row), Some(Some(seat))) => {
                lines.insert(((*seat).to_owned(), row.figure), line.place.line);
                good.push(StatedFigure {
                    seat: (*seat).to_owned(),
                    figure: row.figure,
                    value: row.value,
                    reason: row.reason,
                });
                continue;
            }
            (Some(row), _) => page.t1("figures-not-below", "place", row.place),
            (None, _) => complained(&line.complaints, page.texts.locale()),
        };
        outcome.complain(line.place.line, words);
    }
    (lines, good)
}
