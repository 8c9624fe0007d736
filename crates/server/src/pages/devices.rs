//! The tablets of a venue or of a city's venues, the end of a lost one, and the desk where a tablet's file is handed in.

use std::collections::BTreeMap;

use askama::Template;
use axum::body::Bytes;
use axum::extract::multipart::Multipart;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::doses::Answer;
use serde::Deserialize;
use store::devices::{self, Listed};
use uuid::Uuid;

use crate::pages::attachments;
use crate::pages::records::Badge;
use crate::state::App;
use crate::tablet::outbox::{self, Answered, Delivery, Signed};
use crate::tablet::sealed::{QueueKey, SealedQueue};
use crate::web::layout::{Page, done, html};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Bytes of a file that is handed in: some ten thousand records, more than a tablet ever holds.
const FILE_BYTES_MAX: usize = 8 << 20;
/// A clock that is out by more is told of.
const SKEW_MILLIS_MAX: i64 = 2 * 60 * 1_000;
const MILLIS_PER_MINUTE: i64 = 60_000;

const MANAGE: Guard = Guard::May(Action::ManageAccounts);
const RECORD: Guard = Guard::May(Action::RecordDose);

/// The pages.
pub fn routes() -> Routes {
    Routes::new()
        .get("/tablets", MANAGE, list)
        .post("/tablets/{device}/revoke", MANAGE, revoke)
        .get("/venue/queue", RECORD, queue)
        .post_up_to(FILE_BYTES_MAX, "/venue/queue", RECORD, hand_in)
}

#[derive(Template)]
#[template(path = "devices.html")]
struct Devices {
    page: Page,
    tablets: Vec<Tablet>,
}

/// A tablet in the list.
struct Tablet {
    one: Listed,
    registered: String,
    seen: String,
    /// Minutes that its clock is out, if that matters.
    skew_minutes: Option<i64>,
}

async fn list(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    let permit = me.permit(Action::ManageAccounts, me.place())?;
    let tablets = devices::list(&app.db, &permit)
        .await?
        .into_iter()
        .map(|one| Tablet {
            registered: one.registered_at.japanese(),
            seen: one.seen_at.japanese(),
            skew_minutes: (one.skew_millis.abs() > SKEW_MILLIS_MAX)
                .then_some(one.skew_millis / MILLIS_PER_MINUTE),
            one,
        })
        .collect();
    html(&Devices {
        page: page.titled("devices-title"),
        tablets,
    })
}

async fn revoke(
    State(app): State<App>,
    me: Me,
    Path(device): Path<Uuid>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::ManageAccounts, me.place())?;
    if !devices::revoke(&app.db, &permit, device, app.fresh_id(), app.now()).await? {
        return Err(Problem::not_found());
    }
    Ok(done("/tablets", "device-revoked"))
}

#[derive(Template)]
#[template(path = "venue/queue.html")]
struct Queue {
    page: Page,
    refused: Option<Problem>,
    outcome: Option<Outcome>,
}

/// What became of a file.
struct Outcome {
    device: String,
    recorded: usize,
    known: usize,
    refused: Vec<Refused>,
    answers: Vec<Answers>,
}

/// One large word, and how many records it was the answer to.
struct Answers {
    badge: Badge,
    count: usize,
}

/// A record that was not taken.
struct Refused {
    place: usize,
    title: String,
    todo: String,
}

/// What every file of a tablet begins with.
#[derive(Deserialize)]
struct FileHead {
    sesshu: String,
    version: u32,
}

/// What a tablet saves: as it is in files of version 1, sealed in those of version 2.
#[derive(Deserialize)]
struct QueueFile {
    device: Uuid,
    device_name: String,
    records: Vec<Signed>,
}

async fn queue(page: Page) -> Result<Response, Problem> {
    html(&Queue {
        page: page.titled("queue-title"),
        refused: None,
        outcome: None,
    })
}

async fn hand_in(
    State(app): State<App>,
    me: Me,
    page: Page,
    form: Multipart,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::RecordDose)?;
    let page = page.titled("queue-title");
    let file = match read_file(&app, &file_in(form).await?).await? {
        Ok(file) => file,
        Err(problem) => return refused(page, problem),
    };
    let device = file.device_name;
    match outbox::take_in(&app, &permit, file.device, file.records, Delivery::File).await {
        Ok(answers) => {
            let outcome = Some(outcome(&page, device, answers));
            html(&Queue {
                page,
                refused: None,
                outcome,
            })
        }
        Err(problem) if problem.status().is_client_error() => refused(page, problem),
        Err(problem) => Err(problem),
    }
}

fn refused(page: Page, problem: Problem) -> Result<Response, Problem> {
    let status = problem.status();
    let shown = html(&Queue {
        page,
        refused: Some(problem),
        outcome: None,
    })?;
    Ok((status, shown).into_response())
}

async fn file_in(mut form: Multipart) -> Result<Bytes, Problem> {
    while let Some(field) = form
        .next_field()
        .await
        .map_err(|error| attachments::cut_off(&error))?
    {
        if field.name() == Some("file") {
            return field
                .bytes()
                .await
                .map_err(|error| attachments::cut_off(&error));
        }
    }
    Ok(Bytes::new())
}

/// What a file holds; the inner refusal is what to tell of it.
async fn read_file(app: &App, bytes: &[u8]) -> Result<Result<QueueFile, Problem>, Problem> {
    match version_of(bytes) {
        Some(1) => Ok(read_open_file(bytes)),
        Some(2) => {
            let Ok(sealed) = serde_json::from_slice::<SealedQueue>(bytes) else {
                return Ok(Err(unreadable()));
            };
            let opened = QueueKey::of_server(app).await?.open(&sealed);
            Ok(opened
                .map_err(Problem::from)
                .and_then(|opened| read_open_file(&opened)))
        }
        _ => Ok(Err(unreadable())),
    }
}

fn unreadable() -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "queue_file_unreadable")
}

fn version_of(bytes: &[u8]) -> Option<u32> {
    let head: FileHead = serde_json::from_slice(bytes).ok()?;
    (head.sesshu == "tablet-queue").then_some(head.version)
}

fn read_open_file(bytes: &[u8]) -> Result<QueueFile, Problem> {
    if version_of(bytes) != Some(1) {
        return Err(unreadable());
    }
    serde_json::from_slice(bytes).map_err(|_| unreadable())
}

fn outcome(page: &Page, device: String, answers: Vec<Answered>) -> Outcome {
    let mut told = Outcome {
        device,
        recorded: 0,
        known: 0,
        refused: Vec::new(),
        answers: Vec::new(),
    };
    let mut counts = BTreeMap::<&str, (Answer, usize)>::new();
    for (place, answered) in (1..).zip(answers) {
        match answered.outcome {
            Ok(receipt) => {
                told.known += usize::from(receipt.replayed);
                told.recorded += usize::from(!receipt.replayed);
                let word = receipt.answer.as_str();
                counts.entry(word).or_insert((receipt.answer, 0)).1 += 1;
            }
            Err(problem) => told.refused.push(Refused {
                place,
                title: problem.title(&page.texts),
                todo: problem.todo(&page.texts),
            }),
        }
    }
    told.answers = counts
        .into_values()
        .map(|(answer, count)| Answers {
            badge: Badge::answer(answer, page.texts),
            count,
        })
        .collect();
    told
}
