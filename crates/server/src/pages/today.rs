//! What the venue registered today (本日の一覧), and what it can still put right itself.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::access::{Action, VenuePermit};
use domain::calendar::Day;
use domain::doses::{ChangeRefusal, DoseId, REASON_LENGTH_MAX, Standing, Version};
use serde::Deserialize;
use store::doses::{Record, count_of_venue, of_venue, today_of_venue};
use store::recorder::{Authority, Correction, Decision};
use uuid::Uuid;

use crate::pages::corrections::{CorrectionFields, change_text, correction_choices, refusal_text};
use crate::pages::fields::Complaints;
use crate::pages::records::{Badge, Choice, Shown, day_text};
use crate::pages::registration::device;
use crate::state::App;
use crate::web::body::{PageForm, Params};
use crate::web::layout::{Page, done, html};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Records on one page of the list.
const ROWS: i64 = 50;

/// Why a venue takes a record back, apart from other reasons in its own words.
const VOID_REASONS: [&str; 3] = ["misread", "twice", "not-given"];

/// The list of the day, and a record of it.
pub fn routes() -> Routes {
    let (see, correct) = (
        Guard::May(Action::SeeVenueDay),
        Guard::May(Action::CorrectAtVenue),
    );
    Routes::new()
        .get("/venue/today", see, list)
        .get("/venue/records/{dose}", see, show)
        .post("/venue/records/{dose}/correct", correct, put_right)
        .post("/venue/records/{dose}/void", correct, take_back)
}

#[derive(Template)]
#[template(path = "venue/today.html")]
struct TodayPage {
    page: Page,
    lead: String,
    counts: Vec<(Badge, i64)>,
    total: i64,
    records: Vec<Shown>,
    next: Option<String>,
    first_page: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct From {
    before: Option<Uuid>,
}

async fn list(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(from): Params<From>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::SeeVenueDay)?;
    let page = page.titled("today-title");
    let (texts, today) = (page.texts, app.today());
    let mut records = today_of_venue(&app.db, &permit, today, from.before, ROWS + 1).await?;
    let more = records.len() as i64 > ROWS;
    records.truncate(usize::try_from(ROWS).unwrap_or(usize::MAX));
    let counts = count_of_venue(&app.db, &permit, today).await?;
    let total: i64 = counts.iter().map(|(_, count)| count).sum();
    let day = day_text(today, texts);
    html(&TodayPage {
        lead: page.t2("today-lead", ("day", day.as_str()), ("count", total)),
        total,
        counts: counts
            .iter()
            .map(|(standing, count)| (Badge::standing(*standing, texts), *count))
            .collect(),
        next: records
            .last()
            .filter(|_| more)
            .map(|last| last.id.to_string()),
        records: records
            .iter()
            .map(|record| Shown::of(record, texts))
            .collect(),
        first_page: from.before.is_none(),
        page,
    })
}

#[derive(Template)]
#[template(path = "venue/record.html")]
struct RecordPage {
    page: Page,
    record: Shown,
    answer: Badge,
    /// Why it cannot be changed here any more.
    closed: Option<String>,
    act_id: String,
    correct_at: String,
    fields: CorrectionFields,
    products: Vec<Choice>,
    turns: Vec<Choice>,
    complaints: Complaints,
    /// What the record says now, as one word.
    version: String,
    /// Whether the complaints are about taking back, not about correcting.
    about_void: bool,
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(dose): Path<Uuid>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::SeeVenueDay)?;
    let record = found(&app, &permit, dose).await?;
    let fields = CorrectionFields::of(&record);
    render(&app, page, &record, fields, Complaints::default(), false)
}

async fn found(app: &App, permit: &VenuePermit, dose: Uuid) -> Result<Record, Problem> {
    of_venue(&app.db, permit, DoseId(dose))
        .await?
        .ok_or_else(Problem::not_found)
}

fn render(
    app: &App,
    page: Page,
    record: &Record,
    fields: CorrectionFields,
    complaints: Complaints,
    about_void: bool,
) -> Result<Response, Problem> {
    let status = if complaints.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let page = page.titled("record-title");
    let texts = page.texts;
    let (products, turns) = correction_choices(record, &fields, texts);
    let shown = RecordPage {
        closed: closed(record, app.today()).map(|refusal| refusal_text(refusal, texts)),
        answer: if record.standing == Standing::Void {
            Badge::taken_back(texts)
        } else {
            Badge::answer(record.answer, texts)
        },
        record: Shown::of(record, texts),
        act_id: app.fresh_id().to_string(),
        correct_at: format!("/venue/records/{}/correct", record.id),
        fields,
        products,
        turns,
        complaints,
        version: record.version().to_string(),
        about_void,
        page,
    };
    Ok((status, html(&shown)?).into_response())
}

/// Why the forms are not shown; the recorder asks again, with the ledger before it.
fn closed(record: &Record, today: Day) -> Option<ChangeRefusal> {
    let recorded_on = record.recorded_at.day_in_japan();
    if record.standing == Standing::Void {
        Some(ChangeRefusal::Voided)
    } else if record.confirmed {
        Some(ChangeRefusal::Confirmed)
    } else if recorded_on != today {
        Some(ChangeRefusal::NotToday { recorded_on })
    } else {
        None
    }
}

async fn put_right(
    State(app): State<App>,
    me: Me,
    page: Page,
    headers: HeaderMap,
    Path(dose): Path<Uuid>,
    PageForm(fields): PageForm<CorrectionFields>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::CorrectAtVenue)?;
    let record = found(&app, &permit, dose).await?;
    let mut complaints = Complaints::default();
    let Some(said) = fields.checked(&page, &record, app.today(), &mut complaints) else {
        return render(&app, page, &record, fields, complaints, false);
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
    match app
        .recorder
        .correct(&Authority::Venue(permit), correction)
        .await
    {
        Ok(_) => Ok(done(&format!("/venue/records/{dose}"), "corrected")),
        Err(error) => {
            complaints.add::<()>("given_on", change_text(error, page.texts)?);
            render(&app, page, &record, fields, complaints, false)
        }
    }
}

#[derive(Deserialize)]
struct Voiding {
    id: Uuid,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    words: String,
}

impl Voiding {
    /// The reason in the words that go into the ledger; one that is none of ours needs words.
    fn why(&self, page: &Page, complaints: &mut Complaints) -> Option<String> {
        let words = self.words.trim();
        let usual = VOID_REASONS
            .into_iter()
            .find(|reason| *reason == self.reason)
            .map(|reason| page.t(&format!("void-{reason}")));
        match usual {
            Some(usual) if words.is_empty() => Some(usual),
            Some(usual) => complaints.text(
                page,
                "words",
                &format!("{usual} {words}"),
                REASON_LENGTH_MAX,
            ),
            None => complaints.text(page, "words", words, REASON_LENGTH_MAX),
        }
    }
}

async fn take_back(
    State(app): State<App>,
    me: Me,
    page: Page,
    headers: HeaderMap,
    Path(dose): Path<Uuid>,
    PageForm(voiding): PageForm<Voiding>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::CorrectAtVenue)?;
    let record = found(&app, &permit, dose).await?;
    let fields = CorrectionFields::of(&record);
    let mut complaints = Complaints::default();
    let Some(reason) = voiding.why(&page, &mut complaints) else {
        return render(&app, page, &record, fields, complaints, true);
    };
    let decision = Decision {
        id: voiding.id,
        dose: record.id,
        city: record.municipality,
        reason,
        device: device(&headers),
        seen: None,
    };
    match app.recorder.void(&Authority::Venue(permit), decision).await {
        Ok(_) => Ok(done("/venue/today", "voided")),
        Err(error) => {
            complaints.add::<()>("words", change_text(error, page.texts)?);
            render(&app, page, &record, fields, complaints, true)
        }
    }
}
