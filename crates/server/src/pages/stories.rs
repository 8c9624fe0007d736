//! A record of the ledger with its whole story (経緯): every entry about it, and what the city can do.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::doses::{DoseId, Facts, Version};
use domain::ledger::{Act, Personal};
use domain::mistakes::MistakeClass;
use serde::Deserialize;
use store::approvals::{self, Outcome};
use store::doses::{Record, record};
use store::ledger::{Told, story};
use store::recorder::{Correction, Decision, RecordError};
use uuid::Uuid;

use crate::pages::city::look;
use crate::pages::corrections::{CorrectionFields, change_text, correction_choices};
use crate::pages::fields::Complaints;
use crate::pages::proposals::{self, how};
use crate::pages::records::{Badge, Choice, Found, Shown, day_text, product_name, turn_name};
use crate::pages::registration::device;
use crate::state::App;
use crate::web::body::PageForm;
use crate::web::layout::{Page, done, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Digits of a hash in the story; the whole stands in its title.
const HASH_DIGITS: usize = 12;
/// What is written to the access log for looking at one record.
const PURPOSE: &str = "desk";

/// A record and what is done to it.
pub fn routes() -> Routes {
    let (correct, confirm) = (
        Guard::May(Action::CorrectRecord),
        Guard::May(Action::ConfirmRecord),
    );
    Routes::new()
        .get("/city/records/{dose}", Guard::May(Action::SeePerson), show)
        .post("/city/records/{dose}/correct", correct, put_right)
        .post("/city/records/{dose}/void", correct, take_back)
        .post("/city/records/{dose}/confirm", confirm, confirm_it)
        .post("/city/records/{dose}/reopen", confirm, reopen)
}

/// One entry of the story in words.
struct Chapter {
    seq: i64,
    act: String,
    tone: &'static str,
    at: String,
    by: String,
    organisation: String,
    device: String,
    /// By which way, where that says something: a click is a click.
    input: Option<String>,
    hash: String,
    hash_short: String,
    reason: Option<String>,
    changes: Vec<Change>,
    standing: Option<Badge>,
    findings: Vec<Found>,
    erased: bool,
    /// The proposal that two people made it by.
    proposal: Option<String>,
    /// Whether somebody changed the record by it; else it was judged again, or kept beside it.
    is_change: bool,
}

/// A field that says something else than before.
pub struct Change {
    /// Its name.
    pub field: String,
    /// What it said before; none where nothing is held against it.
    pub before: Option<String>,
    /// What it says.
    pub after: String,
}

/// Which form the complaints are about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    Correction,
    Decision,
}

#[derive(Template)]
#[template(path = "city/record.html")]
struct RecordPage {
    page: Page,
    record: Shown,
    story: Vec<Chapter>,
    act_id: String,
    correct_at: String,
    fields: CorrectionFields,
    products: Vec<Choice>,
    turns: Vec<Choice>,
    complaints: Complaints,
    about: About,
    /// Whether what was found points to a vaccination error.
    may_be_mistake: bool,
    /// What the record says now, so that nothing is changed that others changed meanwhile.
    version: String,
    /// What somebody else did to it while this page was open.
    meanwhile: Option<usize>,
    /// The proposals it is part of.
    proposals: Vec<proposals::Listed>,
}

impl RecordPage {
    /// The entry that came while this page was open.
    fn came_between(&self) -> Option<&Chapter> {
        self.meanwhile.and_then(|at| self.story.get(at))
    }
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(dose): Path<Uuid>,
) -> Result<Response, Problem> {
    let record = found(&app, &me, Action::SeePerson, dose).await?;
    let fields = CorrectionFields::of(&record);
    let none = Complaints::default();
    render(&app, &me, page, record, fields, none, About::Correction).await
}

async fn found(app: &App, me: &Me, action: Action, dose: Uuid) -> Result<Record, Problem> {
    let permit = me.city(action)?;
    record(&app.db, &permit, DoseId(dose))
        .await?
        .ok_or_else(Problem::not_found)
}

async fn render(
    app: &App,
    me: &Me,
    page: Page,
    record: Record,
    fields: CorrectionFields,
    complaints: Complaints,
    about: About,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeePerson)?;
    look(app, &permit, record.number, "record", PURPOSE).await?;
    let told = story(&app.db, &permit, record.id).await?;
    let status = if complaints.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let page = page.titled("story-title");
    let texts = page.texts;
    let (products, turns) = correction_choices(&record, &fields, texts);
    let version = record.version().to_string();
    let story = chapters(&told, texts);
    let is_stale = !fields.version.is_empty() && fields.version != version;
    let latest = story.iter().position(|chapter| chapter.is_change);
    let about_it = approvals::about(&app.db, &permit, record.id).await?;
    let shown = RecordPage {
        meanwhile: latest.filter(|_| is_stale),
        proposals: about_it
            .iter()
            .map(|one| proposals::Listed::of(one, app.now(), texts))
            .collect(),
        version,
        story,
        act_id: app.fresh_id().to_string(),
        correct_at: format!("/city/records/{}/correct", record.id),
        may_be_mistake: record
            .findings
            .iter()
            .any(|finding| MistakeClass::of(finding.code).is_some()),
        record: Shown::of(&record, texts),
        fields,
        products,
        turns,
        complaints,
        about,
        page,
    };
    Ok((status, html(&shown)?).into_response())
}

/// The story, newest first, each entry with what it changed against the one before.
fn chapters(told: &[Told], texts: Texts) -> Vec<Chapter> {
    let mut chapters = Vec::with_capacity(told.len());
    let mut before: Option<&Personal> = None;
    for entry in told {
        chapters.push(Chapter::of(entry, before, texts));
        // What came under a used id stands beside the record; it has not changed it.
        if entry.act != Act::Contested && entry.personal.is_some() {
            before = entry.personal.as_ref();
        }
    }
    chapters.reverse();
    chapters
}

impl Chapter {
    fn of(entry: &Told, before: Option<&Personal>, texts: Texts) -> Self {
        let hash = entry.hash.to_string();
        let personal = entry.personal.as_ref();
        let changes = personal.map_or_else(Vec::new, |after| {
            changes(before.map(|one| &one.facts), &after.facts, texts)
        });
        let stands_otherwise =
            |after: &&Personal| before.is_none_or(|one| one.standing != after.standing);
        let finds_otherwise =
            |after: &&Personal| before.is_none_or(|one| one.findings != after.findings);
        Self {
            seq: entry.seq,
            act: texts.t(&format!("act-{}", entry.act.as_str())),
            tone: tone(entry.act),
            at: entry.at.japanese(),
            by: entry.by.clone(),
            organisation: entry.organisation.clone(),
            device: entry.device.clone(),
            input: brings_digits(entry.act)
                .then(|| texts.t(&format!("input-{}", entry.input.as_str()))),
            hash_short: hash.chars().take(HASH_DIGITS).collect(),
            hash,
            reason: personal.and_then(|one| one.reason.clone()),
            changes,
            standing: personal
                .filter(stands_otherwise)
                .map(|one| Badge::standing(one.standing, texts)),
            findings: personal
                .filter(finds_otherwise)
                .map_or_else(Vec::new, |one| {
                    one.findings
                        .iter()
                        .map(|finding| Found::of(finding, texts))
                        .collect()
                }),
            erased: personal.is_none(),
            proposal: approvals::behind(&entry.device).map(|id| id.to_string()),
            is_change: !matches!(entry.act, Act::Recorded | Act::Matched | Act::Contested),
        }
    }
}

/// Whether an entry came with digits that were read somehow.
fn brings_digits(act: Act) -> bool {
    matches!(act, Act::Recorded | Act::Contested | Act::Matched)
}

fn tone(act: Act) -> &'static str {
    match act {
        Act::Recorded | Act::Confirmed => "good",
        Act::Corrected | Act::Matched | Act::Reopened => "info",
        Act::Voided => "void",
        Act::Contested => "bad",
    }
}

/// What an entry changed: everything for the first one, else only what is another.
pub(super) fn changes(before: Option<&Facts>, after: &Facts, texts: Texts) -> Vec<Change> {
    let words = |facts: &Facts| {
        [
            ("field-line", facts.line.grouped()),
            ("field-given_on", day_text(facts.given_on, texts)),
            ("field-turn", turn_name(facts.turn, facts.kind(), texts)),
            ("field-product", product_name(&facts.product, texts)),
            ("field-lot", facts.lot.clone()),
            ("field-doctor", facts.doctor.clone()),
            ("field-venue", facts.venue_name.clone()),
        ]
    };
    let old = before.map(words);
    words(after)
        .into_iter()
        .enumerate()
        .filter_map(|(at, (field, after))| {
            let before = old
                .as_ref()
                .and_then(|old| old.get(at))
                .map(|(_, word)| word.clone());
            (before.as_ref() != Some(&after)).then(|| Change {
                field: texts.t(field),
                before,
                after,
            })
        })
        .collect()
}

async fn put_right(
    State(app): State<App>,
    me: Me,
    page: Page,
    headers: HeaderMap,
    Path(dose): Path<Uuid>,
    PageForm(fields): PageForm<CorrectionFields>,
) -> Result<Response, Problem> {
    let record = found(&app, &me, Action::CorrectRecord, dose).await?;
    let mut complaints = Complaints::default();
    let Some(said) = fields.checked(&page, &record, app.today(), &mut complaints) else {
        return render(
            &app,
            &me,
            page,
            record,
            fields,
            complaints,
            About::Correction,
        )
        .await;
    };
    let correction = Correction {
        id: fields.id,
        dose: record.id,
        city: record.municipality,
        given_on: said.given_on,
        turn: said.turn,
        product: said.product,
        lot: said.lot,
        doctor: said.doctor,
        reason: said.reason,
        device: device(&headers),
        seen: Version::parse(&fields.version),
    };
    let permit = me.city(Action::CorrectRecord)?;
    let outcome = approvals::correct(&app.db, &app.recorder, &permit, correction, how(&app)).await;
    match answered(outcome, dose, "city-corrected") {
        Ok(answer) => Ok(answer),
        Err(error) => {
            complaints.add::<()>("given_on", change_text(error, page.texts)?);
            let record = found(&app, &me, Action::CorrectRecord, dose).await?;
            let about = About::Correction;
            render(&app, &me, page, record, fields, complaints, about).await
        }
    }
}

/// Back to the record, or to the proposal that waits for a second person.
fn answered(
    outcome: Result<Outcome, RecordError>,
    dose: Uuid,
    notice: &str,
) -> Result<Response, RecordError> {
    Ok(match outcome? {
        Outcome::Done(_) => done(&format!("/city/records/{dose}"), notice),
        Outcome::Proposed(id) => done(&format!("/city/proposals/{id}"), "proposed"),
    })
}

/// The fields of a decision: take back, confirm, open again.
#[derive(Deserialize)]
struct Deciding {
    id: Uuid,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    version: String,
}

async fn take_back(
    State(app): State<App>,
    me: Me,
    page: Page,
    headers: HeaderMap,
    Path(dose): Path<Uuid>,
    PageForm(deciding): PageForm<Deciding>,
) -> Result<Response, Problem> {
    let record = found(&app, &me, Action::CorrectRecord, dose).await?;
    let mut complaints = Complaints::default();
    let Some(reason) = complaints.reason(&page, &deciding.reason) else {
        return undecided(&app, &me, page, record, deciding, complaints).await;
    };
    let decision = decision(&record, &headers, &deciding, reason);
    let permit = me.city(Action::CorrectRecord)?;
    let outcome = approvals::void(&app.db, &app.recorder, &permit, decision, how(&app)).await;
    match answered(outcome, dose, "city-voided") {
        Ok(answer) => Ok(answer),
        Err(error) => {
            complaints.add::<()>("reason", change_text(error, page.texts)?);
            undecided(&app, &me, page, record, deciding, complaints).await
        }
    }
}

async fn confirm_it(
    State(app): State<App>,
    me: Me,
    page: Page,
    headers: HeaderMap,
    Path(dose): Path<Uuid>,
    PageForm(deciding): PageForm<Deciding>,
) -> Result<Response, Problem> {
    let record = found(&app, &me, Action::ConfirmRecord, dose).await?;
    let decision = decision(&record, &headers, &deciding, String::new());
    let permit = me.city(Action::ConfirmRecord)?;
    match app.recorder.confirm(&permit, decision).await {
        Ok(_) => Ok(done(&format!("/city/records/{dose}"), "city-confirmed")),
        Err(error) => {
            let mut complaints = Complaints::default();
            complaints.add::<()>("reason", change_text(error, page.texts)?);
            undecided(&app, &me, page, record, deciding, complaints).await
        }
    }
}

async fn reopen(
    State(app): State<App>,
    me: Me,
    page: Page,
    headers: HeaderMap,
    Path(dose): Path<Uuid>,
    PageForm(deciding): PageForm<Deciding>,
) -> Result<Response, Problem> {
    let record = found(&app, &me, Action::ConfirmRecord, dose).await?;
    let mut complaints = Complaints::default();
    let Some(reason) = complaints.reason(&page, &deciding.reason) else {
        return undecided(&app, &me, page, record, deciding, complaints).await;
    };
    let decision = decision(&record, &headers, &deciding, reason);
    let permit = me.city(Action::ConfirmRecord)?;
    match app.recorder.reopen(&permit, decision).await {
        Ok(_) => Ok(done(&format!("/city/records/{dose}"), "city-reopened")),
        Err(error) => {
            complaints.add::<()>("reason", change_text(error, page.texts)?);
            undecided(&app, &me, page, record, deciding, complaints).await
        }
    }
}

fn decision(record: &Record, headers: &HeaderMap, deciding: &Deciding, reason: String) -> Decision {
    Decision {
        id: deciding.id,
        dose: record.id,
        city: record.municipality,
        reason,
        device: device(headers),
        seen: Version::parse(&deciding.version),
    }
}

async fn undecided(
    app: &App,
    me: &Me,
    page: Page,
    record: Record,
    deciding: Deciding,
    complaints: Complaints,
) -> Result<Response, Problem> {
    let record = found(app, me, Action::SeePerson, record.id.0).await?;
    let fields = CorrectionFields {
        version: deciding.version,
        ..CorrectionFields::of(&record)
    };
    render(app, me, page, record, fields, complaints, About::Decision).await
}
