//! A record that may stand under a misread number: who may have been meant and why, what mending it
//! would change, and the proposal to a second person.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::coupons::CouponLine;
use domain::doses::{DoseId, Version};
use domain::misreads::{Reason, Slip};
use store::approvals::ACTS_MAX;
use store::doses::{Record, record};
use store::misreads::{Likely, Pair, preview, propose, suspects};
use uuid::Uuid;

use crate::pages::city::look;
use crate::pages::fields::Complaints;
use crate::pages::proposals::{Act, Cell, how, people_changed, proposal_text};
use crate::pages::records::Shown;
use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, done, html};
use crate::web::locale::{Locale, Texts};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// What is written to the access log for looking for who was meant.
const PURPOSE: &str = "correction";

/// Looking for who was meant, and proposing to mend it.
pub fn routes() -> Routes {
    let mend = Guard::May(Action::CorrectRecord);
    Routes::new()
        .get("/city/worklists/misreads/{dose}", mend, show)
        .post("/city/repairs", mend, show_preview)
        .post("/city/repairs/propose", mend, send_proposal)
}

/// Somebody who may have been meant, in words.
pub struct Meant {
    /// What the form sends to choose this person.
    pub pair: String,
    /// The person's number, with the digit that may have been misread marked.
    pub number: [String; 3],
    /// The whole number, for links.
    pub plain: String,
    /// The name; none for a protected person.
    pub name: Option<String>,
    /// The sum of the reasons' points.
    pub points: i32,
    /// Why, with whether it speaks for the person.
    pub reasons: Vec<(bool, String)>,
}

impl Meant {
    /// A candidate in a language.
    #[must_use]
    pub fn of(record: &Record, likely: &Likely, texts: Texts) -> Self {
        let in_words = |reason: &Reason| match texts.locale() {
            Locale::Ja => reason.text_ja(),
            Locale::En => reason.text_en(),
        };
        Self {
            pair: format!(
                "{}:{}:{}",
                record.id,
                record.version(),
                likely.line.as_str()
            ),
            number: marked(record, likely),
            plain: likely.number.as_str().to_owned(),
            name: likely.name.clone(),
            points: likely.score.points,
            reasons: likely
                .score
                .reasons
                .iter()
                .map(|reason| (reason.points() > 0, in_words(reason).to_owned()))
                .collect(),
        }
    }
}

/// The number in three parts, the middle one being what may have been misread.
fn marked(record: &Record, likely: &Likely) -> [String; 3] {
    let (position, length) = match likely.slip {
        Slip::Confused { position, .. } => (position, 1),
        Slip::Swapped { position } => (position, 2),
    };
    let number = likely.number.as_str();
    // Of a line that leads nowhere the slip is in the 18 digits, of which the number is the end.
    let before = if record.number.is_some() {
        position.saturating_sub(1)
    } else {
        position.saturating_sub(1 + 8)
    };
    let part = |from: usize, to: usize| number.get(from..to).unwrap_or_default().to_owned();
    let end = (before + length).min(number.len());
    [part(0, before), part(before, end), part(end, number.len())]
}

/// What the device read around that time, in words.
struct Reading {
    href: String,
    at: String,
    number: String,
    found: bool,
}

#[derive(Template)]
#[template(path = "city/misread.html")]
struct MisreadPage {
    page: Page,
    record: Shown,
    meant: Vec<Meant>,
    around: Vec<Reading>,
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(dose): Path<Uuid>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::CorrectRecord)?;
    let found = record(&app.db, &permit, DoseId(dose)).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    let mut suspects = suspects(&app.db, &permit, vec![found]).await?;
    let suspect = suspects.pop().ok_or_else(Problem::internal)?;
    look(&app, &permit, suspect.record.number, "misread", PURPOSE).await?;
    for likely in &suspect.candidates {
        look(&app, &permit, Some(likely.number), "misread", PURPOSE).await?;
    }
    let page = page.titled("misread-title");
    let texts = page.texts;
    html(&MisreadPage {
        record: Shown::of(&suspect.record, texts),
        meant: suspect
            .candidates
            .iter()
            .map(|likely| Meant::of(&suspect.record, likely, texts))
            .collect(),
        around: suspect
            .around
            .iter()
            .map(|one| Reading {
                href: format!("/city/records/{}", one.dose),
                at: one.at.japanese(),
                number: one.number.as_str().to_owned(),
                found: one.found,
            })
            .collect(),
        page,
    })
}

/// The pairs that a form ticked; none if one of them is not as our forms make them.
fn pairs(fields: &[(String, String)]) -> Option<Vec<Pair>> {
    let ticked = fields.iter().filter(|(name, _)| name == "pair");
    ticked.map(|(_, value)| pair(value)).collect()
}

fn pair(value: &str) -> Option<Pair> {
    let mut parts = value.split(':');
    let (dose, seen, line) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Pair {
        dose: DoseId(Uuid::parse_str(dose).ok()?),
        seen: Version::parse(seen)?,
        line: CouponLine::parse(line).ok()?,
    })
}

fn field<'f>(fields: &'f [(String, String)], wanted: &str) -> &'f str {
    let found = fields.iter().find(|(name, _)| name == wanted);
    found.map_or("", |(_, value)| value)
}

#[derive(Template)]
#[template(path = "city/repair.html")]
struct RepairPage {
    page: Page,
    id: String,
    pairs: Vec<String>,
    acts: Vec<Act>,
    cells: Vec<Cell>,
    people: usize,
    fits: bool,
    reason: String,
    complaints: Complaints,
}

async fn show_preview(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    render(&app, &me, page, &fields, Complaints::default()).await
}

async fn render(
    app: &App,
    me: &Me,
    page: Page,
    fields: &[(String, String)],
    mut complaints: Complaints,
) -> Result<Response, Problem> {
    let permit = me.city(Action::CorrectRecord)?;
    let pairs = pairs(fields).ok_or_else(|| Problem::unprocessable("form_shape"))?;
    if pairs.is_empty() || pairs.len() > ACTS_MAX {
        return Ok(done("/city/worklists/misreads", "repair-none"));
    }
    let fresh = || app.fresh_id();
    let texts = page.texts;
    let preview = match preview(&app.db, &permit, &pairs, app.now(), &fresh).await {
        Ok(preview) => preview,
        Err(error) => {
            proposal_text(error, texts)?;
            return Err(Problem::not_found());
        }
    };
    for act in &preview.acts {
        look(app, &permit, act.record.number, "misread", PURPOSE).await?;
    }
    if !preview.fits && complaints.is_empty() {
        complaints.add::<()>("reason", texts.t("approval-would_clash"));
    }
    let status = if complaints.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let sent = fields.iter().filter(|(name, _)| name == "pair");
    let shown = RepairPage {
        id: app.fresh_id().to_string(),
        pairs: sent.map(|(_, value)| value.clone()).collect(),
        cells: preview
            .rehearsal
            .effects
            .iter()
            .map(|effect| Cell::of(effect, texts))
            .collect(),
        people: people_changed(&preview.acts),
        acts: preview.acts.iter().map(|act| Act::of(act, texts)).collect(),
        fits: preview.fits,
        reason: field(fields, "reason").to_owned(),
        complaints,
        page: page.titled("repair-title"),
    };
    Ok((status, html(&shown)?).into_response())
}

async fn send_proposal(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(fields): PageForm<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::CorrectRecord)?;
    let wrong = || Problem::unprocessable("form_shape");
    let pairs = pairs(&fields).ok_or_else(wrong)?;
    let id = Uuid::parse_str(field(&fields, "id")).map_err(|_| wrong())?;
    let mut complaints = Complaints::default();
    let Some(reason) = complaints.reason(&page, field(&fields, "reason")) else {
        return render(&app, &me, page, &fields, complaints).await;
    };
    let fresh = || app.fresh_id();
    let what = (id, reason.as_str());
    match propose(&app.db, &permit, what, &pairs, how(&app), &fresh).await {
        Ok(_) => Ok(done(&format!("/city/proposals/{id}"), "proposed")),
        Err(error) => {
            complaints.add::<()>("reason", proposal_text(error, page.texts)?);
            render(&app, &me, page, &fields, complaints).await
        }
    }
}
