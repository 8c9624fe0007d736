//! A file of questions (一括照会): handed over, followed, its answers saved, thrown away.

use askama::Template;
use axum::body::Bytes;
use axum::extract::multipart::{Field, Multipart};
use axum::extract::{Path, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, REFRESH};
use axum::response::{IntoResponse, Redirect, Response};
use domain::access::{Action, CityPermit, NumberPermit, NumberPurpose};
use domain::inquiries::{ToldDose, tonight};
use domain::vaccines::Vaccines;
use exchange::complaints::remarks_csv;
use exchange::encoding::Encoding;
use exchange::inquiries::{AnsweredDose, AnswersExport};
use serde::Deserialize;
use store::imports::{Decided, Refusal, Remark};
use store::inquiries::VIEW;
use store::inquiries::files::{self, InquiryFile, NewFile, State as Stage};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::jobs::inquiries::{Incoming, Step};
use crate::pages::attachments;
use crate::pages::city::look;
use crate::pages::imports::file_name;
use crate::pages::inquiries::{form, seals};
use crate::pages::records::{Choice, day_text};
use crate::state::App;
use crate::web::body::{PageForm, Params};
use crate::web::layout::{Page, done, html};
use crate::web::locale::Locale;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};
use crate::web::streaming::{Sink, streamed};

/// Bytes of a file at most: more than a million questions, the people who move into a large city in years.
const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How soon the page of a file at work comes again, in seconds.
const REFRESH_SECONDS: &str = "2";
/// Remarks on the page; the file to save has all.
const REMARKS_SHOWN_MAX: usize = 200;

/// The pages of a file.
pub fn routes() -> Routes {
    let guard = Guard::May(Action::FindByNumber);
    Routes::new()
        .post_up_to(FILE_BYTES_MAX, "/city/inquiries/load", guard, load)
        .get("/city/inquiries/load", guard, back)
        .get("/city/inquiries/files/{inquiry}", guard, show)
        .get("/city/inquiries/files/{inquiry}/answers.csv", guard, save)
        .get(
            "/city/inquiries/files/{inquiry}/remarks.csv",
            guard,
            save_remarks,
        )
        .post("/city/inquiries/files/{inquiry}/discard", guard, discard)
}

async fn back() -> Redirect {
    Redirect::to("/city/inquiries")
}

/// What the form says before its file.
struct Said {
    encoding: Encoding,
    purpose: Option<NumberPurpose>,
    at_once: bool,
}

async fn load(
    State(app): State<App>,
    me: Me,
    page: Page,
    mut sent: Multipart,
) -> Result<Response, Problem> {
    seals(&app)?;
    let cut_off = |error| attachments::cut_off(&error);
    let mut said = Said {
        encoding: Encoding::Utf8,
        purpose: None,
        at_once: false,
    };
    while let Some(field) = sent.next_field().await.map_err(cut_off)? {
        match field.name().unwrap_or_default() {
            "encoding" => {
                let word = field.text().await.map_err(cut_off)?;
                said.encoding = Encoding::parse(&word).unwrap_or(Encoding::Utf8);
            }
            "purpose" => {
                let word = field.text().await.map_err(cut_off)?;
                said.purpose = NumberPurpose::parse(&word);
            }
            "when" => said.at_once = field.text().await.map_err(cut_off)? == "now",
            "file" => return take(&app, &me, page, &said, field).await,
            _ => {}
        }
    }
    let empty = Problem::unprocessable("file_empty");
    form(&app, &me, page, String::new(), "", Some(empty)).await
}

/// Takes the file in line by line, so that its size is no matter of memory and its numbers lie nowhere.
async fn take(
    app: &App,
    me: &Me,
    page: Page,
    said: &Said,
    mut field: Field<'_>,
) -> Result<Response, Problem> {
    let Some(purpose) = said.purpose else {
        let problem = Problem::unprocessable("inquiry_purpose");
        return form(app, me, page, String::new(), "", Some(problem)).await;
    };
    let permit = me.number(purpose)?;
    let first = field
        .chunk()
        .await
        .map_err(|error| attachments::cut_off(&error))?;
    let Some(first) = first else {
        let empty = Problem::unprocessable("file_empty");
        return form(app, me, page, String::new(), purpose.as_str(), Some(empty)).await;
    };
    let now = app.now();
    let new = NewFile {
        id: app.fresh_id(),
        file_name: file_name(field.file_name(), "inquiries"),
        not_before: if said.at_once { now } else { tonight(now) },
    };
    files::begin(&app.db, &permit, &new, now).await?;
    let (parts, lines) = Incoming::begin(said.encoding).ends();
    let (fed, kept) = tokio::join!(feed(parts, first, field), keep(app, &permit, new.id, lines));
    let refusal = match (fed, kept) {
        (Err(cut_off), _) => Err(cut_off),
        (_, Err(problem)) => Err(problem),
        (Ok(()), Ok(refusal)) => Ok(refusal),
    };
    match refusal {
        Ok(None) => {
            files::complete(&app.db, &permit, new.id, decided(app)).await?;
        }
        Ok(Some(refusal)) => {
            files::refuse(&app.db, (permit.city(), new.id), &refusal).await?;
        }
        Err(problem) => {
            let own = me.city(Action::SeePerson)?;
            files::discard(&app.db, &own, new.id, decided(app)).await?;
            return Err(problem);
        }
    }
    Ok(Redirect::to(&format!("/city/inquiries/files/{}", new.id)).into_response())
}

/// Hands the parts of a file over as they come.
async fn feed(
    parts: mpsc::Sender<Bytes>,
    first: Bytes,
    mut field: Field<'_>,
) -> Result<(), Problem> {
    let mut part = Some(first);
    while let Some(bytes) = part {
        if parts.send(bytes).await.is_err() {
            // It is no good from here on; the rest need not be read.
            return Ok(());
        }
        part = field
            .chunk()
            .await
            .map_err(|error| attachments::cut_off(&error))?;
    }
    Ok(())
}

/// Keeps the lines as they are read; why, if the file as a whole is no good.
async fn keep(
    app: &App,
    permit: &NumberPermit,
    id: Uuid,
    mut lines: mpsc::Receiver<Step>,
) -> Result<Option<Refusal>, Problem> {
    let seals = seals(app)?;
    while let Some(step) = lines.recv().await {
        match step {
            Step::Lines(lines) => {
                files::take(&app.db, seals, permit, id, &lines, app.now()).await?;
            }
            Step::Refused(refusal) => return Ok(Some(refusal)),
        }
    }
    Ok(None)
}

fn decided(app: &App) -> Decided {
    Decided {
        audit: app.fresh_id(),
        at: app.now(),
    }
}

#[derive(Template)]
#[template(path = "city/inquiry_file.html")]
struct FilePage {
    page: Page,
    file: InquiryFile,
    stage: String,
    day: String,
    begins: Option<String>,
    at: String,
    purpose: String,
    refusal: Option<String>,
    encodings: Vec<Choice>,
    remarks: Vec<Told>,
    more: bool,
}

impl FilePage {
    fn is(&self, stage: &str) -> bool {
        self.file.state.as_str() == stage
    }
}

/// A remark in words.
struct Told {
    line: u64,
    item: String,
    text: String,
}

async fn show(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeePerson)?;
    let file = files::file(&app.db, &permit, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let mut remarks = remarks_up_to(&app, &permit, id, REMARKS_SHOWN_MAX + 1).await?;
    let more = remarks.len() > REMARKS_SHOWN_MAX;
    remarks.truncate(REMARKS_SHOWN_MAX);
    let page = page.titled_with("inquiry-file-title", "name", &file.file_name);
    let texts = page.texts;
    let waits = file.state == Stage::Asking && file.not_before > app.now();
    let at_work = file.state == Stage::Asking && !waits;
    let encodings = Encoding::ALL.into_iter().map(|one| Choice {
        value: one.as_str().to_owned(),
        label: texts.t(&format!("encoding-{}", one.as_str())),
        chosen: false,
    });
    let told = |remark: Remark| Told {
        line: remark.line,
        item: remark.column.unwrap_or_else(|| "—".to_owned()),
        text: match texts.locale() {
            Locale::Ja => remark.ja,
            Locale::En => remark.en,
        },
    };
    let shown = FilePage {
        stage: texts.t(&format!("inquiry-file-{}", file.state.as_str())),
        day: day_text(file.created_at.day_in_japan(), texts),
        begins: waits.then(|| file.not_before.japanese()),
        at: format!("/city/inquiries/files/{id}"),
        purpose: texts.t(&format!("purpose-{}", file.purpose.as_str())),
        refusal: file.refusal.as_ref().map(|why| match texts.locale() {
            Locale::Ja => why.ja.clone(),
            Locale::En => why.en.clone(),
        }),
        encodings: encodings.collect(),
        remarks: remarks.into_iter().map(told).collect(),
        more,
        file,
        page,
    };
    let mut response = html(&shown)?.into_response();
    if at_work {
        let again = HeaderValue::from_static(REFRESH_SECONDS);
        response.headers_mut().insert(REFRESH, again);
    }
    Ok(response)
}

async fn remarks_up_to(
    app: &App,
    permit: &CityPermit,
    id: Uuid,
    most: usize,
) -> Result<Vec<Remark>, Problem> {
    let (mut all, mut after) = (Vec::new(), 0);
    while all.len() < most {
        match files::remarks(&app.db, permit, id, after).await? {
            Some((upto, more)) => {
                all.extend(more);
                after = upto;
            }
            None => break,
        }
    }
    Ok(all)
}

async fn save_remarks(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeePerson)?;
    let all = remarks_up_to(&app, &permit, id, usize::MAX).await?;
    let rows = all.iter().map(|one| {
        let column = one.column.as_deref().unwrap_or_default();
        (one.line, one.code.as_str(), column, one.ja.as_str())
    });
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            CONTENT_DISPOSITION,
            "attachment; filename=\"complaints.csv\"",
        ),
    ];
    Ok((headers, remarks_csv(rows)).into_response())
}

/// How the answers are to be written.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    encoding: String,
}

async fn save(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeePerson)?;
    let file = files::file(&app.db, &permit, id)
        .await?
        .filter(|file| file.state == Stage::Done)
        .ok_or_else(Problem::not_found)?;
    let encoding = Encoding::parse(&wanted.encoding).unwrap_or(Encoding::Utf8);
    look(&app, &permit, None, VIEW, file.purpose.as_str()).await?;
    let runtime = Handle::current();
    let body = streamed(move |sink| write(&app, &permit, id, encoding, &runtime, sink));
    let kind = match encoding {
        Encoding::Utf8 => "text/csv; charset=utf-8",
        Encoding::Windows31j => "text/csv; charset=Shift_JIS",
    };
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_DISPOSITION, "attachment; filename=\"answers.csv\""),
    ];
    Ok((headers, body).into_response())
}

/// Writes the answers stretch by stretch.
fn write(
    app: &App,
    permit: &CityPermit,
    id: Uuid,
    encoding: Encoding,
    runtime: &Handle,
    sink: &mut Sink,
) -> std::io::Result<()> {
    let mut export = AnswersExport::new(sink, encoding)?;
    let mut after = 0;
    loop {
        let next = files::answers(&app.db, permit, id, after);
        let Some((upto, answers)) = runtime.block_on(next).map_err(std::io::Error::other)? else {
            break;
        };
        for answer in answers {
            let doses: Vec<AnsweredDose> = answer.doses.into_iter().map(answered).collect();
            export.answer(&answer.reference, &doses)?;
        }
        after = upto;
    }
    export.finish()?;
    Ok(())
}

fn answered(dose: ToldDose) -> AnsweredDose {
    let product = Vaccines::bundled().find(&dose.product);
    AnsweredDose {
        turn: dose.turn,
        given_on: dose.given_on,
        whereabouts: dose.whereabouts,
        // A product that is in no list is told by what the venue called it.
        maker: product.map_or(dose.product, |product| product.maker.clone()),
        lot: dose.lot,
    }
}

/// A form that says nothing but yes.
#[derive(Deserialize)]
struct Yes {}

async fn discard(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    PageForm(Yes {}): PageForm<Yes>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::SeePerson)?;
    let was_done = files::discard(&app.db, &permit, id, decided(&app)).await?;
    let notice = if was_done {
        "inquiry-discarded"
    } else {
        "import-too-late"
    };
    Ok(done(&format!("/city/inquiries/files/{id}"), notice))
}
