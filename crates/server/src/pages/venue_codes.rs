//! The codes of venues: told by city and prefecture, applied for (新規付番申請) by the city and issued by the prefecture.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, OrganisationKind};
use domain::calendar::Day;
use domain::doses::REASON_LENGTH_MAX;
use domain::venues::FacilityCode;
use domain::venues::codes::{Category, CodeKind, CodeSince};
use store::venues::{self, Application, Applied, Decided, Kept};
use uuid::Uuid;

use crate::pages::fields::Complaints;
use crate::pages::records::{Choice, day_text};
use crate::pages::venue_records::{self, Desk, Said, Typed, field, kept_text};
use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, done, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The pages of this file.
pub fn routes() -> Routes {
    let keep = Guard::May(Action::KeepVenues);
    let issue = Guard::May(Action::IssueCodes);
    Routes::new()
        .post("/venues/{id}/codes", keep, tell)
        .post("/venues/{id}/applications", keep, apply)
        .get("/code-applications", issue, show)
        .post("/code-applications/{id}", issue, decide)
}

/// A code in words.
pub(super) struct CodeRow {
    pub(super) from: String,
    pub(super) code: String,
    pub(super) kind: String,
    pub(super) reason: String,
    pub(super) told_at: String,
    pub(super) is_doubtful: bool,
    pub(super) is_to_come: bool,
}

/// The codes of a venue as its page shows them.
pub struct CodesShown {
    pub(super) rows: Vec<CodeRow>,
    pub(super) seen: i64,
    pub(super) kinds: Vec<Choice>,
    pub(super) categories: Vec<Choice>,
    pub(super) applications: Vec<ApplicationRow>,
    pub(super) may_tell: bool,
    pub(super) may_apply: bool,
    pub(super) today: Day,
    pub(super) reason_max: usize,
}

/// The codes of a venue.
///
/// # Errors
/// The database's.
pub async fn shown(app: &App, desk: &Desk, texts: Texts) -> Result<CodesShown, Problem> {
    let told = venues::codes(&app.db, &desk.permit, desk.venue).await?;
    let seen = told.last().map_or(0, |one| one.revision);
    let today = app.today();
    let is_city = desk.permit.actor().kind == OrganisationKind::City;
    let may_tell = desk.may_tell && !desk.is_own;
    let applications = if is_city && may_tell {
        venues::applications(&app.db, &desk.permit).await?
    } else {
        Vec::new()
    };
    let choice = |word: &str, front: &str| Choice {
        value: word.to_owned(),
        label: texts.t(&format!("{front}-{word}")),
        chosen: false,
    };
    Ok(CodesShown {
        rows: told
            .iter()
            .rev()
            .map(|one| CodeRow {
                from: day_text(one.since.from, texts),
                code: one.since.code.to_string(),
                kind: texts.t(&format!("venue-code-kind-{}", one.since.kind.as_str())),
                reason: one.reason.clone(),
                told_at: one.at.japanese(),
                is_doubtful: !one.since.code.check_digit_holds(),
                is_to_come: one.since.from > today,
            })
            .collect(),
        seen,
        kinds: CodeKind::ALL
            .into_iter()
            .map(|kind| choice(kind.as_str(), "venue-code-kind"))
            .collect(),
        categories: Category::ALL
            .into_iter()
            .map(|one| choice(one.as_str(), "venue-category"))
            .collect(),
        applications: applications
            .into_iter()
            .filter(|one| one.venue == desk.venue)
            .map(|one| ApplicationRow::of(one, texts))
            .collect(),
        may_tell,
        may_apply: is_city && may_tell,
        today,
        reason_max: REASON_LENGTH_MAX,
    })
}

async fn tell(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    PageForm(typed): PageForm<Typed>,
) -> Result<Response, Problem> {
    let desk = Desk::above(&me, id)?;
    let mut complaints = Complaints::default();
    let from = day_in(&page, &typed, "code_from", &mut complaints);
    let code = FacilityCode::parse(field(&typed, "code")).ok();
    if code.is_none() {
        complaints.add::<()>("code", page.t("stock-complaint-facility"));
    }
    let reason = complaints.text(
        &page,
        "code_reason",
        field(&typed, "code_reason"),
        REASON_LENGTH_MAX,
    );
    let kind = CodeKind::parse(field(&typed, "code_kind"));
    let mut trouble = None;
    if let (Some(from), Some(code), Some(reason)) = (from, code, reason) {
        let kind = kind.unwrap_or_else(|| CodeKind::guessed(code));
        let since = CodeSince { from, code, kind };
        let seen = field(&typed, "seen").parse().unwrap_or(0);
        let act = (app.fresh_id(), app.now());
        let told = venues::tell_code(
            &app.db,
            &desk.permit,
            desk.venue,
            (since, &reason),
            seen,
            act,
        );
        match told.await? {
            Kept::As(_) | Kept::AsItIs if code.check_digit_holds() => {
                return Ok(done(&desk.path, "venue-code-told"));
            }
            Kept::As(_) | Kept::AsItIs => return Ok(done(&desk.path, "venue-code-doubtful")),
            kept => trouble = Some(kept_text(&kept, &page)?),
        }
    }
    let said = Said {
        complaints,
        trouble,
        ..Said::default()
    };
    venue_records::render(&app, &desk, page, said).await
}

fn day_in(
    page: &Page,
    typed: &Typed,
    name: &'static str,
    complaints: &mut Complaints,
) -> Option<Day> {
    match Day::parse(field(typed, name)) {
        Some(day) => Some(day),
        None => complaints.add(name, page.t("complaint-day")),
    }
}

async fn apply(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    PageForm(typed): PageForm<Typed>,
) -> Result<Response, Problem> {
    let desk = Desk::above(&me, id)?;
    if desk.permit.actor().kind != OrganisationKind::City {
        return Err(Problem::forbidden());
    }
    let mut complaints = Complaints::default();
    let from = day_in(&page, &typed, "apply_from", &mut complaints);
    let reason = complaints.text(
        &page,
        "apply_reason",
        field(&typed, "apply_reason"),
        REASON_LENGTH_MAX,
    );
    let category = Category::parse(field(&typed, "category")).unwrap_or(Category::Other);
    let mut trouble = None;
    if let (Some(from), Some(reason)) = (from, reason) {
        let act = (app.fresh_id(), app.now());
        let told = (category, from, reason.as_str());
        match venues::apply(&app.db, &desk.permit, desk.venue, told, act).await? {
            Applied::Now => return Ok(done(&desk.path, "venue-applied")),
            Applied::Waiting => trouble = Some(page.t("venue-trouble-applied")),
            Applied::NotFound => return Err(Problem::not_found()),
        }
    }
    let said = Said {
        complaints,
        trouble,
        ..Said::default()
    };
    venue_records::render(&app, &desk, page, said).await
}

/// An application in words.
pub(super) struct ApplicationRow {
    pub(super) id: Uuid,
    pub(super) venue: String,
    pub(super) name: String,
    pub(super) category: String,
    pub(super) from: String,
    pub(super) reason: String,
    pub(super) applied_at: String,
    pub(super) is_waiting: bool,
    /// The code that was issued, or why none was.
    pub(super) answer: String,
}

impl ApplicationRow {
    fn of(one: Application, texts: Texts) -> Self {
        let answer = match one.code {
            Some(code) => code.to_string(),
            None => one.answer,
        };
        Self {
            id: one.id,
            venue: one.venue.to_string(),
            name: one.name,
            category: texts.t(&format!("venue-category-{}", one.category.as_str())),
            from: day_text(one.from, texts),
            reason: one.reason,
            applied_at: one.applied_at.japanese(),
            is_waiting: one.state == "waiting",
            answer,
        }
    }
}

#[derive(Template)]
#[template(path = "venues/applications.html")]
struct ApplicationsPage {
    page: Page,
    waiting: Vec<ApplicationRow>,
    decided: Vec<ApplicationRow>,
    trouble: Option<String>,
    complaints: Complaints,
    reason_max: usize,
}

async fn show(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    render(&app, &me, page, (None, Complaints::default())).await
}

async fn render(
    app: &App,
    me: &Me,
    page: Page,
    (trouble, complaints): (Option<String>, Complaints),
) -> Result<Response, Problem> {
    let permit = me.permit(Action::IssueCodes, me.place())?;
    let page = page.titled("code-applications-title");
    let texts = page.texts;
    let all = venues::applications(&app.db, &permit).await?;
    let all = all.into_iter().map(|one| ApplicationRow::of(one, texts));
    let (waiting, decided) = all.partition(|one| one.is_waiting);
    let status = if trouble.is_some() || !complaints.is_empty() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let shown = html(&ApplicationsPage {
        waiting,
        decided,
        trouble,
        complaints,
        reason_max: REASON_LENGTH_MAX,
        page,
    })?;
    Ok((status, shown).into_response())
}

async fn decide(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    PageForm(typed): PageForm<Typed>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::IssueCodes, me.place())?;
    let mut complaints = Complaints::default();
    let refused = match field(&typed, "decision") {
        "refuse" => {
            let reason =
                complaints.text(&page, "answer", field(&typed, "answer"), REASON_LENGTH_MAX);
            match reason {
                Some(reason) => Some(reason),
                None => return render(&app, &me, page, (None, complaints)).await,
            }
        }
        _ => None,
    };
    let act = (app.fresh_id(), app.now());
    match venues::decide(&app.db, &permit, id, refused.as_deref(), act).await? {
        Decided::Issued(_) => Ok(done("/code-applications", "code-issued")),
        Decided::Refused => Ok(done("/code-applications", "code-refused")),
        Decided::TooLate => {
            let trouble = Some(page.t("venue-trouble-decided"));
            render(&app, &me, page, (trouble, complaints)).await
        }
        Decided::UsedUp => {
            let trouble = Some(page.t("venue-trouble-used-up"));
            render(&app, &me, page, (trouble, complaints)).await
        }
    }
}
