//! A city's residents over the API: the file of 接種対象者, with a complaint for every bad line.
//!
//! This way takes the file at once. The one with a review is `imports.rs`: whoever has a desk uses that.

use std::collections::BTreeSet;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use domain::access::{Action, CityPermit};
use domain::people::MyNumber;
use exchange::complaints::Complaint;
use exchange::encoding::Encoding;
use exchange::residents::read_residents;
use exchange::structure::StructureRefusal;
use serde::{Deserialize, Serialize};
use store::residents::{Addresses, Loaded};
use store::seals::Ids;
use utoipa::{IntoParams, ToSchema};

use crate::api::fields::Fields;
use crate::jobs::imports::{addresses, resident};
use crate::state::App;
use crate::web::body::{Params, unread};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Bytes of a file of residents: a million lines of about 100 bytes, with room.
pub const FILE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new().post_up_to(
        FILE_BYTES_MAX,
        "/api/v1/residents",
        Guard::May(Action::LoadResidents),
        load,
    )
}

/// How the file is written.
#[derive(Deserialize, IntoParams)]
pub(super) struct LoadParams {
    /// `utf-8` (default, with or without BOM) or `windows-31j` (Shift_JIS).
    encoding: Option<String>,
}

/// A line that was not taken, or was taken with a remark.
#[derive(Serialize, ToSchema)]
pub struct ComplaintBody {
    /// The line in the file, the header being 1.
    line: u64,
    /// The item's name.
    column: Option<&'static str>,
    /// A stable word.
    code: &'static str,
    /// What is wrong and what to do, in Japanese.
    ja: String,
    /// The same in English.
    en: String,
}

/// What became of a file.
#[derive(Serialize, ToSchema)]
pub struct LoadedBody {
    /// Lines read, the header not counted.
    lines: u64,
    /// People who were not in the register.
    new: u64,
    /// People whose data is another now.
    changed: u64,
    /// People as they were.
    unchanged: u64,
    /// Lines not taken.
    rejected: u64,
    /// Records that found their person, or were judged again.
    matched: u64,
    /// Individual Numbers (個人番号) that are under seal now.
    numbers_sealed: u64,
    /// Individual Numbers that were checked and dropped, since no keys are configured.
    numbers_dropped: u64,
    /// What was wrong, line by line.
    complaints: Vec<ComplaintBody>,
}

/// A file of residents and what became of it: for the API and the page alike.
pub struct Import {
    /// Lines read, the header not counted.
    pub lines: u64,
    /// Lines not taken.
    pub rejected: u64,
    /// What the register says.
    pub loaded: Loaded,
    /// What became of the Individual Numbers.
    pub numbers: Numbers,
    /// What was wrong with the file.
    pub complaints: Vec<Complaint>,
}

/// What became of the Individual Numbers (個人番号) of a file's good lines. Counts: nobody is shown one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Under seal now.
    pub sealed: u64,
    /// Checked and dropped, for there are no keys.
    pub dropped: u64,
}

/// Reads a file and puts its good lines into the register.
///
/// # Errors
/// The file as a whole cannot be read, or the database's.
pub async fn import(
    app: &App,
    permit: &CityPermit,
    file: Bytes,
    encoding: Encoding,
) -> Result<Import, Problem> {
    let city = permit.city();
    let read = tokio::task::spawn_blocking(move || read_residents(&file, encoding, city))
        .await
        .map_err(|_| Problem::internal())?;
    let read = read.map_err(|refusal| structure_problem(&refusal))?;
    if let Some(seals) = &app.seals {
        // Before the first line goes in, rather than half way.
        seals.ring()?;
    }
    let mut given = Vec::new();
    for (position, (_, row)) in read.rows.iter().enumerate() {
        let resident_no = || row.resident_number.as_str().to_owned();
        given.extend(
            row.my_number
                .clone()
                .map(|number| (position, (resident_no(), number))),
        );
    }
    let told = read.rows.first().map(|(_, row)| addresses(row));
    let told = told.unwrap_or(Addresses::NotTold);
    let (lines, residents): (Vec<_>, Vec<_>) = read
        .rows
        .into_iter()
        .map(|(line, row)| (line, resident(row)))
        .unzip();
    let outside = app.outside.clone();
    let id = move || crate::clock::fresh_id(&outside);
    let loaded = store::residents::load(
        &app.db,
        &app.recorder,
        permit,
        (&residents, told),
        app.now(),
        &id,
    )
    .await?;
    let taken: BTreeSet<usize> = loaded.taken.iter().copied().collect();
    given.retain(|(position, _)| !taken.contains(position));
    let given: Vec<_> = given.into_iter().map(|(_, number)| number).collect();
    let numbers = seal(app, permit, &given, &id).await?;
    let mut complaints = read.complaints;
    let taken = loaded
        .taken
        .iter()
        .filter_map(|position| lines.get(*position));
    complaints.extend(taken.map(|line| Complaint::coupon_taken(*line)));
    complaints.sort_by_key(|complaint| complaint.line);
    let kept = loaded.new + loaded.changed + loaded.unchanged;
    let rejected = read.lines.saturating_sub(kept);
    Ok(Import {
        lines: read.lines,
        rejected,
        loaded,
        numbers,
        complaints,
    })
}

/// Seals the numbers of people who are in the register now, or drops them where there are no keys.
async fn seal(
    app: &App,
    permit: &CityPermit,
    given: &[(String, MyNumber)],
    id: Ids<'_>,
) -> Result<Numbers, Problem> {
    match &app.seals {
        None => {
            let dropped = given.len() as u64;
            if dropped > 0 {
                tracing::info!(dropped, "individual_numbers.dropped");
            }
            Ok(Numbers { sealed: 0, dropped })
        }
        Some(seals) => {
            let kept = seals.keep(&app.db, permit, given, app.now(), id).await?;
            Ok(Numbers {
                sealed: kept.sealed(),
                dropped: 0,
            })
        }
    }
}

/// A file that cannot be read as a whole.
#[must_use]
pub fn structure_problem(refusal: &StructureRefusal) -> Problem {
    Problem::unprocessable("file_refused")
        .arg("why_ja", refusal.text_ja())
        .arg("why_en", refusal.text_en())
        .member("reason", refusal.code())
}

/// Load a file of residents (接種対象者CSV) at once, without review: the body is the file itself. Good lines are taken, bad ones told.
///
/// It is for an administrator's own program that brings an empty register or a demonstration to life: it
/// cannot be undone, and the audit log has it as `load-residents`. Everyday changes go through `POST
/// /api/v1/imports`, which shows what would change before somebody approves, and can be undone.
#[utoipa::path(post, path = "/api/v1/residents", params(LoadParams), tag = "city",
    request_body(content = String, content_type = "text/csv"), responses(
    (status = 200, body = LoadedBody), (status = 422, description = "The file as a whole cannot be read"),
))]
pub(super) async fn load(
    State(app): State<App>,
    me: Me,
    Params(params): Params<LoadParams>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<LoadedBody>, Problem> {
    let permit = me.city(Action::LoadResidents)?;
    let mut fields = Fields::new();
    let encoding = fields.word("encoding", params.encoding.as_deref(), Encoding::parse);
    fields.done()?;
    let file = body.map_err(|refused| unread(&refused))?;
    let import = import(&app, &permit, file, encoding.unwrap_or(Encoding::Utf8)).await?;
    let Import {
        lines,
        rejected,
        loaded,
        numbers,
        complaints,
    } = import;
    Ok(Json(LoadedBody {
        lines,
        new: loaded.new,
        changed: loaded.changed,
        unchanged: loaded.unchanged,
        rejected,
        matched: loaded.matched,
        numbers_sealed: numbers.sealed,
        numbers_dropped: numbers.dropped,
        complaints: complaints
            .iter()
            .map(|complaint| ComplaintBody {
                line: complaint.line,
                column: complaint.column,
                code: complaint.code(),
                ja: complaint.text_ja(),
                en: complaint.text_en(),
            })
            .collect(),
    }))
}
