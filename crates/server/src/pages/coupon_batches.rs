//! Coupons by cohort (接種券の一括発行): a new one, its counts, its approval, its files.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header::REFRESH;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use domain::access::{Action, CityPermit};
use domain::calendar::Day;
use domain::issues::{Cohort, Form, Order};
use domain::languages::both;
use domain::schedules::Schedules;
use exchange::encoding::Encoding;
use exchange::unaddressed::{UnaddressedRow, write_unaddressed};
use serde::Deserialize;
use store::coupons::{self, Batch, Counts, File, Piece, State as Stage};
use store::imports::Decided;
use uuid::Uuid;

use crate::pages::attachments::csv_response;
use crate::pages::city::look;
use crate::pages::papers::{
    Print, Unmailable, cannot_be_mailed, coupons_pdf, letterhead, pdf_response,
};
use crate::pages::records::{Choice, day_text};
use crate::state::App;
use crate::web::body::{PageForm, Params};
use crate::web::layout::{Page, done, html};
use crate::web::locale::{Locale, Texts};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// How soon the page of a batch at work comes again, in seconds.
const REFRESH_SECONDS: &str = "2";
/// Which look the access log is told of when a file is taken out, and what for.
const VIEW: &str = "coupon-file";
const PURPOSE: &str = "mailing";
/// Pieces without an address that are shown at most; the file has all.
const UNADDRESSED_SHOWN_MAX: usize = 100;

/// The pages of this file.
pub fn routes() -> Routes {
    let guard = Guard::May(Action::IssueCoupons);
    Routes::new()
        .get("/city/coupons", guard, show)
        .post("/city/coupons", guard, begin)
        .get("/city/coupons/{batch}", guard, show_one)
        .post("/city/coupons/{batch}/approve", guard, approve)
        .post("/city/coupons/{batch}/discard", guard, discard)
        .get("/city/coupons/{batch}/files/{file}", guard, file)
        .get("/city/coupons/{batch}/unaddressed", guard, unaddressed)
        .get(
            "/city/coupons/{batch}/unaddressed.csv",
            guard,
            unaddressed_csv,
        )
}

/// The form of a new cohort, as it was sent.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct CohortForm {
    base_date: String,
    age_from: String,
    age_to: String,
    programme: String,
    elapsed_days: String,
    turns: String,
    form: String,
    order: String,
}

/// A number that may be left out; words are no number.
fn number<T: std::str::FromStr>(text: &str) -> Result<Option<T>, ()> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| ())
}

impl CohortForm {
    fn cohort(&self) -> Result<Cohort, Problem> {
        let wrong = || Problem::unprocessable("cohort_fields");
        let cohort = Cohort {
            base_date: Day::parse(self.base_date.trim()).ok_or_else(wrong)?,
            age_from: number(&self.age_from).map_err(|()| wrong())?,
            age_to: number(&self.age_to).map_err(|()| wrong())?,
            programme: Some(self.programme.clone()).filter(|one| !one.is_empty()),
            elapsed_days_min: number(&self.elapsed_days).map_err(|()| wrong())?,
            turns: number(&self.turns)
                .map_err(|()| wrong())?
                .ok_or_else(wrong)?,
            form: Form::parse(&self.form).ok_or_else(wrong)?,
            order: Order::parse(&self.order).ok_or_else(wrong)?,
        };
        cohort.check().map_err(cohort_problem)?;
        Ok(cohort)
    }
}

/// A cohort that cannot be, as a problem.
#[must_use]
pub fn cohort_problem(refusal: domain::issues::CohortRefusal) -> Problem {
    let why = refusal.to_string();
    let (ja, en) = both(&why);
    Problem::unprocessable("cohort_refused")
        .arg("why_ja", ja)
        .arg("why_en", en)
        .member("reason", refusal.code())
}

/// A batch in the list.
struct Listed {
    href: String,
    day: String,
    what: String,
    stage: String,
    people: u64,
    coupons: u64,
}

#[derive(Template)]
#[template(path = "city/coupons.html")]
struct BatchesPage {
    page: Page,
    filled: CohortForm,
    programmes: Vec<Choice>,
    turns: Vec<Choice>,
    forms: Vec<Choice>,
    orders: Vec<Choice>,
    earlier: Vec<Listed>,
    refused: Option<Problem>,
}

fn programme_name(key: &str, texts: Texts) -> String {
    let names = Schedules::covid19().programme_names(key);
    names.map_or_else(
        || key.to_owned(),
        |(ja, en)| {
            match texts.locale() {
                Locale::Ja => ja,
                Locale::En => en,
            }
            .to_owned()
        },
    )
}

/// The ages of a cohort in words.
fn ages_text(cohort: &Cohort, page: &Page) -> String {
    match (cohort.age_from, cohort.age_to) {
        (Some(from), Some(to)) => page.t2("coupons-ages-between", ("from", from), ("to", to)),
        (Some(from), None) => page.t1("coupons-ages-from", "age", from),
        (None, Some(to)) => page.t1("coupons-ages-to", "age", to),
        (None, None) => page.t("coupons-ages-any"),
    }
}

/// A cohort in one line.
fn cohort_text(cohort: &Cohort, page: &Page) -> String {
    let programme = cohort.programme.as_deref().map_or_else(
        || page.t("coupons-any-programme"),
        |key| programme_name(key, page.texts),
    );
    let day = day_text(cohort.base_date, page.texts);
    let ages = ages_text(cohort, page);
    page.texts.t_with(
        "coupons-cohort",
        &[("programme", programme), ("day", day), ("ages", ages)],
    )
}

async fn show(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let filled = CohortForm {
        base_date: app.today().to_string(),
        turns: "1".to_owned(),
        form: Form::Questionnaire.as_str().to_owned(),
        order: Order::ResidentNumber.as_str().to_owned(),
        ..CohortForm::default()
    };
    listed(&app, &me, page, (filled, None)).await
}

async fn listed(
    app: &App,
    me: &Me,
    page: Page,
    (filled, refused): (CohortForm, Option<Problem>),
) -> Result<Response, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    let page = page.titled("coupons-title");
    let batches = coupons::list(&app.db, &permit).await?;
    let earlier = batches.iter().map(|batch| Listed {
        href: format!("/city/coupons/{}", batch.id),
        day: day_text(batch.created_at.day_in_japan(), page.texts),
        what: cohort_text(&batch.cohort, &page),
        stage: page.t(&format!("coupons-{}", batch.state.as_str())),
        people: counts(batch).people,
        coupons: counts(batch).coupons,
    });
    let earlier = earlier.collect();
    let chosen = |value: &str, label: String, at: &str| Choice {
        value: value.to_owned(),
        label,
        chosen: value == at,
    };
    let any = chosen("", page.t("coupons-any-programme"), &filled.programme);
    let programmes = Schedules::covid19().programmes();
    let programmes =
        programmes.map(|key| chosen(key, programme_name(key, page.texts), &filled.programme));
    let programmes = std::iter::once(any).chain(programmes).collect();
    let turns = ["1", "2", "3"].map(|many| {
        chosen(
            many,
            page.t1("coupons-turns-many", "count", many),
            &filled.turns,
        )
    });
    let forms = Form::ALL.map(|one| {
        let word = one.as_str();
        chosen(word, page.t(&format!("coupons-form-{word}")), &filled.form)
    });
    let orders = Order::ALL.map(|one| {
        let word = one.as_str();
        chosen(
            word,
            page.t(&format!("coupons-order-{word}")),
            &filled.order,
        )
    });
    let status = refused.as_ref().map_or(StatusCode::OK, Problem::status);
    let shown = BatchesPage {
        filled,
        programmes,
        turns: turns.into(),
        forms: forms.into(),
        orders: orders.into(),
        earlier,
        refused,
        page,
    };
    Ok((status, html(&shown)?).into_response())
}

/// What was counted, until it is issued; then what it came to.
fn counts(batch: &Batch) -> Counts {
    match batch.state {
        Stage::Counting | Stage::Ready | Stage::Discarded => batch.found,
        Stage::Issuing | Stage::Cutting | Stage::Done => batch.done,
    }
}

async fn begin(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(sent): PageForm<CohortForm>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    let cohort = match sent.cohort() {
        Ok(cohort) => cohort,
        Err(refused) => return listed(&app, &me, page, (sent, Some(refused))).await,
    };
    let id = app.fresh_id();
    coupons::begin(&app.db, &permit, id, &cohort, app.now()).await?;
    Ok(Redirect::to(&format!("/city/coupons/{id}")).into_response())
}

#[derive(Template)]
#[template(path = "city/coupon_batch.html")]
struct BatchPage {
    page: Page,
    batch: Batch,
    counts: Counts,
    what: String,
    stage: String,
    day: String,
    at: String,
    form: String,
    order: String,
    files: Vec<File>,
    apart: Vec<String>,
    /// Whether nobody said yet in whose name the papers are sent.
    lacks_sender: bool,
}

impl BatchPage {
    fn is(&self, stages: &[&str]) -> bool {
        stages.contains(&self.batch.state.as_str())
    }
}

async fn show_one(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    let batch = coupons::batch(&app.db, &permit, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let page = page.titled("coupons-batch-title");
    let (files, apart) = if batch.state == Stage::Done {
        let files = coupons::files(&app.db, &permit, id).await?;
        (files, coupons::apart(&app.db, &permit, id).await?)
    } else {
        (Vec::new(), Vec::new())
    };
    let at_work = batch.state.is_at_work();
    let said = store::senders::on(&app.db, &permit, app.today()).await?;
    let shown = BatchPage {
        counts: counts(&batch),
        what: cohort_text(&batch.cohort, &page),
        stage: page.t(&format!("coupons-{}", batch.state.as_str())),
        day: day_text(batch.created_at.day_in_japan(), page.texts),
        at: format!("/city/coupons/{id}"),
        form: page.t(&format!("coupons-form-{}", batch.cohort.form.as_str())),
        order: page.t(&format!("coupons-order-{}", batch.cohort.order.as_str())),
        files,
        apart: apart.iter().map(|one| one.as_str().to_owned()).collect(),
        lacks_sender: said.is_none(),
        batch,
        page,
    };
    let mut response = html(&shown)?.into_response();
    if at_work {
        let again = HeaderValue::from_static(REFRESH_SECONDS);
        response.headers_mut().insert(REFRESH, again);
    }
    Ok(response)
}

/// A form that says nothing but yes.
#[derive(Deserialize)]
struct Yes {}

/// The audit's id and the time of a decision.
#[must_use]
pub fn decided(app: &App) -> Decided {
    Decided {
        audit: app.fresh_id(),
        at: app.now(),
    }
}

/// Back to the batch's page, with the notice of what happens now, or that it was too late for it.
fn answered(id: Uuid, was_done: bool, notice: &str) -> Response {
    let notice = if was_done { notice } else { "coupons-too-late" };
    done(&format!("/city/coupons/{id}"), notice)
}

async fn approve(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    PageForm(Yes {}): PageForm<Yes>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    let was_done = coupons::approve(&app.db, &permit, id, decided(&app)).await?;
    Ok(answered(id, was_done, "coupons-approved"))
}

async fn discard(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    PageForm(Yes {}): PageForm<Yes>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    let was_done = coupons::discard(&app.db, &permit, id, decided(&app)).await?;
    Ok(answered(id, was_done, "coupons-discarded"))
}

async fn file(
    State(app): State<App>,
    me: Me,
    Path((id, file)): Path<(Uuid, i64)>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    print_file(&app, &permit, &me.organisation.name, (id, file)).await
}

/// What a file of a batch is called.
#[must_use]
pub fn name_of(batch: &Batch, file: i64) -> String {
    format!(
        "coupons-{}-{file:04}-of-{:04}.pdf",
        batch.cohort.base_date, batch.files
    )
}

/// As what the pieces of a batch are printed.
#[must_use]
pub fn print_of(batch: &Batch) -> Print {
    Print {
        form: batch.cohort.form,
        form_of: batch.cohort.base_date,
        mailed: true,
    }
}

/// A piece without an address in its window, in words.
struct Unaddressed {
    number: String,
    resident_no: String,
    name: String,
    why: String,
}

#[derive(Template)]
#[template(path = "city/coupons_unaddressed.html")]
struct UnaddressedPage {
    page: Page,
    at: String,
    what: String,
    shown_max: usize,
    is_cut: bool,
    rows: Vec<Unaddressed>,
}

/// Those of a batch's pieces that have no address in their window, each with why: so many at most.
async fn without_address(
    app: &App,
    permit: &CityPermit,
    (id, most): (Uuid, usize),
) -> Result<Vec<(Piece, Unmailable)>, Problem> {
    look(app, permit, None, VIEW, PURPOSE).await?;
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let pieces = coupons::pieces(&app.db, permit, id, &after).await?;
        let Some(last) = pieces.last() else {
            return Ok(found);
        };
        after.clone_from(&last.key);
        let checked = tokio::task::spawn_blocking(move || {
            let told = pieces
                .into_iter()
                .filter_map(|piece| Some((cannot_be_mailed(piece.address.as_ref())?, piece)));
            told.map(|(why, piece)| (piece, why)).collect::<Vec<_>>()
        });
        found.extend(checked.await.map_err(|_| Problem::internal())?);
        if found.len() >= most {
            found.truncate(most);
            return Ok(found);
        }
    }
}

async fn finished(app: &App, permit: &CityPermit, id: Uuid) -> Result<Batch, Problem> {
    coupons::batch(&app.db, permit, id)
        .await?
        .filter(|batch| batch.state == Stage::Done)
        .ok_or_else(Problem::not_found)
}

fn why_text(why: Unmailable, texts: Texts) -> String {
    texts.t(match why {
        Unmailable::Unknown => "coupons-unaddressed-unknown",
        Unmailable::Unprintable => "coupons-unaddressed-unprintable",
    })
}

async fn unaddressed(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    let batch = finished(&app, &permit, id).await?;
    let found = without_address(&app, &permit, (id, UNADDRESSED_SHOWN_MAX + 1)).await?;
    let page = page.titled("coupons-unaddressed-title");
    let texts = page.texts;
    let shown = found.iter().take(UNADDRESSED_SHOWN_MAX);
    html(&UnaddressedPage {
        at: format!("/city/coupons/{id}"),
        what: cohort_text(&batch.cohort, &page),
        shown_max: UNADDRESSED_SHOWN_MAX,
        is_cut: found.len() > UNADDRESSED_SHOWN_MAX,
        rows: shown
            .map(|(piece, why)| Unaddressed {
                number: piece.number.as_str().to_owned(),
                resident_no: piece.resident_no.clone(),
                name: piece.name.clone(),
                why: why_text(*why, texts),
            })
            .collect(),
        page,
    })
}

/// Which encoding the list is saved in.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    encoding: String,
}

async fn unaddressed_csv(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::IssueCoupons)?;
    finished(&app, &permit, id).await?;
    let encoding = Encoding::parse(&asked.encoding).unwrap_or(Encoding::Utf8);
    let found = without_address(&app, &permit, (id, usize::MAX)).await?;
    let japanese = Texts::new(Locale::Ja);
    let rows: Vec<UnaddressedRow> = found
        .into_iter()
        .map(|(piece, why)| UnaddressedRow {
            number: piece.number,
            resident_no: piece.resident_no,
            name: piece.name,
            why: why_text(why, japanese),
        })
        .collect();
    let mut bytes = Vec::new();
    write_unaddressed(&mut bytes, &rows, encoding).map_err(|_| Problem::internal())?;
    Ok(csv_response("unaddressed.csv", encoding, bytes))
}

/// Prints a file of a batch anew and logs the look: for the page and the API alike.
///
/// # Errors
/// 404 for no such file, 410 `coupon_file_empty` when everybody in it is gone or protected by now, or
/// as [`coupons_pdf`].
pub async fn print_file(
    app: &App,
    permit: &CityPermit,
    desk: &str,
    (id, file): (Uuid, i64),
) -> Result<Response, Problem> {
    let batch = finished(app, permit, id).await?;
    if !(1..=i64::try_from(batch.files).unwrap_or(i64::MAX)).contains(&file) {
        return Err(Problem::not_found());
    }
    look(app, permit, None, VIEW, PURPOSE).await?;
    let people = coupons::papers(&app.db, permit, id, file).await?;
    if people.is_empty() {
        return Err(Problem::new(StatusCode::GONE, "coupon_file_empty"));
    }
    let print = print_of(&batch);
    let pdf = coupons_pdf(letterhead(app, permit, desk).await?, people, print).await?;
    Ok(pdf_response(&name_of(&batch, file), pdf))
}
