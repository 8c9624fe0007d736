//! Files that a city hands in, over the API (取込): handed in, seen, approved, discarded, undone, and
//! what is to be said about their lines.

use std::pin::pin;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::calendar::Instant;
use exchange::encoding::Encoding;
use http_body::Body;
use serde::{Deserialize, Serialize};
use store::imports::{self, Became, Done, Found, Import, Kind, NewImport, Refusal, Remark, Right};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::api::fields::Fields;
use crate::api::residents::FILE_BYTES_MAX;
use crate::jobs::imports::Upload;
use crate::pages::imports::{Decide, decide, decided, file_name};
use crate::state::App;
use crate::web::body::{Params, throw_away};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The routes of this file.
pub fn routes() -> Routes {
    let guard = Guard::May(Action::LoadResidents);
    Routes::new()
        .get("/api/v1/imports", guard, list)
        .post_up_to(FILE_BYTES_MAX, "/api/v1/imports", guard, hand_in)
        .get("/api/v1/imports/{import}", guard, one)
        .get("/api/v1/imports/{import}/remarks", guard, remarks)
        .post("/api/v1/imports/{import}/approvals", guard, approve)
        .post("/api/v1/imports/{import}/discardings", guard, discard)
        .post("/api/v1/imports/{import}/undoings", guard, undo)
        .post("/api/v1/imports/{import}/keepings", guard, keep)
}

/// What looking through a file found; lines, the header not counted.
#[derive(Serialize, ToSchema)]
pub struct FileFoundBody {
    /// Lines looked through.
    lines: u64,
    /// People who are not in the register, or doses that are not in the ledger.
    new: u64,
    /// People of whom something is another now.
    changed: u64,
    /// People who moved out or were removed.
    moved_out: u64,
    /// People who died.
    dead: u64,
    /// People as they are, or doses that are recorded already.
    unchanged: u64,
    /// Lines that will not be taken.
    rejected: u64,
    /// Lines that will be taken and that somebody should look at.
    suspicious: u64,
    /// Of records: lines whose person is not in the register (登録待ち).
    pending: u64,
    /// Of records: lines that correct one (取消区分 1).
    corrected: u64,
    /// Of records: lines that take one back (取消区分 2).
    voided: u64,
    /// Of venues: those that get another code and keep their history, among the changed ones.
    recoded: u64,
    /// Of venues: those that are closed, among the changed ones.
    closed: u64,
    /// Of venues: those of the area of which the file says nothing; they stay as they are.
    absent: u64,
}

impl From<Found> for FileFoundBody {
    fn from(found: Found) -> Self {
        Self {
            lines: found.lines,
            new: found.new,
            changed: found.changed,
            moved_out: found.moved_out,
            dead: found.dead,
            unchanged: found.unchanged,
            rejected: found.rejected,
            suspicious: found.suspicious,
            pending: found.pending,
            corrected: found.corrected,
            voided: found.voided,
            recoded: found.recoded,
            closed: found.closed,
            absent: found.absent,
        }
    }
}

/// What applying a file came to, or undoing it.
#[derive(Serialize, ToSchema)]
pub struct DoneBody {
    /// People who came into the register, or doses that were recorded.
    new: u64,
    /// People who were changed.
    changed: u64,
    /// People who stayed as they were, or doses that were recorded already.
    unchanged: u64,
    /// Lines not taken, since their coupon number belongs to somebody else by now.
    taken: u64,
    /// Records that found their person, or were judged again.
    matched: u64,
    /// Individual Numbers (個人番号) that are under seal now.
    numbers_sealed: u64,
    /// Individual Numbers that were checked and dropped, since no keys are configured.
    numbers_dropped: u64,
    /// By undoing: people who stand as before again, or doses that were taken back.
    put_back: u64,
    /// By undoing: people or doses left alone, since somebody changed them.
    left: u64,
    /// Of records: doses in which something was found that somebody has to look at.
    to_check: u64,
    /// Of records: those that were corrected.
    corrected: u64,
    /// Of records: those that were taken back.
    voided: u64,
    /// Of records and venues: lines that did nothing, since somebody changed their record or venue after the file
    /// was looked through.
    overtaken: u64,
}

impl From<Done> for DoneBody {
    fn from(done: Done) -> Self {
        Self {
            new: done.new,
            changed: done.changed,
            unchanged: done.unchanged,
            taken: done.taken,
            matched: done.matched,
            numbers_sealed: done.numbers_sealed,
            numbers_dropped: done.numbers_dropped,
            put_back: done.put_back,
            left: done.left,
            to_check: done.to_check,
            corrected: done.corrected,
            voided: done.voided,
            overtaken: done.overtaken,
        }
    }
}

/// Why a file as a whole is no good.
#[derive(Serialize, ToSchema)]
pub struct FileRefusalBody {
    /// A stable word.
    code: String,
    /// What it is and what to do, in Japanese.
    ja: String,
    /// The same in English.
    en: String,
}

impl From<Refusal> for FileRefusalBody {
    fn from(Refusal { code, ja, en }: Refusal) -> Self {
        Self { code, ja, en }
    }
}

/// A file handed in, and how far it is.
#[derive(Serialize, ToSchema)]
pub struct ImportBody {
    /// Its id.
    id: Uuid,
    /// `residents`, `records` or `venues`.
    kind: &'static str,
    /// The file's name.
    file_name: String,
    /// `utf-8` or `windows-31j`.
    encoding: String,
    /// The file's size.
    bytes: u64,
    /// `uploading`, `checking`, `ready`, `applying`, `done`, `undoing`, `undone`, `refused`, `discarded`.
    state: &'static str,
    /// How far the work at this stage is, in hundredths.
    percent: u64,
    /// What looking through found so far.
    found: FileFoundBody,
    /// What applying or undoing came to so far.
    done: DoneBody,
    /// Why the file as a whole is no good, if it is.
    refusal: Option<FileRefusalBody>,
    /// When it was handed in.
    #[schema(value_type = String)]
    created_at: Instant,
    /// When it was approved.
    #[schema(value_type = Option<String>)]
    approved_at: Option<Instant>,
    /// Whether somebody asked for it to be taken back, which another person has to approve.
    undo_asked: bool,
}

impl From<Import> for ImportBody {
    fn from(import: Import) -> Self {
        Self {
            id: import.id,
            kind: import.kind.as_str(),
            state: import.state.as_str(),
            percent: import.percent(),
            file_name: import.file_name,
            encoding: import.encoding,
            bytes: import.bytes,
            found: import.found.into(),
            done: import.done.into(),
            refusal: import.refusal.map(FileRefusalBody::from),
            created_at: import.created_at,
            approved_at: import.approved_at,
            undo_asked: import.undo_asked_by.is_some(),
        }
    }
}

/// The city's latest imports.
#[derive(Serialize, ToSchema)]
pub struct ImportList {
    /// The latest first, at most 50.
    pub(super) items: Vec<ImportBody>,
}

/// Which imports to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// `residents` or `records`; both if left out.
    kind: Option<String>,
}

/// The files that were handed in, and how far they are.
#[utoipa::path(get, path = "/api/v1/imports", params(ListParams), tag = "city", responses(
    (status = 200, body = ImportList),
))]
pub(super) async fn list(
    State(app): State<App>,
    me: Me,
    Params(params): Params<ListParams>,
) -> Result<Json<ImportList>, Problem> {
    let permit = me.city(Action::LoadResidents)?;
    let mut fields = Fields::new();
    let kind = fields.word("kind", params.kind.as_deref(), Kind::parse);
    fields.done()?;
    let items = imports::list(&app.db, &permit, kind).await?;
    Ok(Json(ImportList {
        items: items.into_iter().map(ImportBody::from).collect(),
    }))
}

/// What the file is, and how it is written.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct HandInParams {
    /// `residents` (接種対象者CSV, default) or `records` (接種記録CSV).
    kind: Option<String>,
    /// `utf-8` (default, with or without BOM) or `windows-31j` (Shift_JIS).
    encoding: Option<String>,
    /// The file's name, for people.
    name: Option<String>,
    /// The import's id, made by you, so that sending again is safe: if there is such an import, it is
    /// the answer, and the file is not taken a second time.
    id: Option<Uuid>,
}

/// Hand a file in: the body is the file itself. It is looked through; nothing changes until it is approved.
#[utoipa::path(post, path = "/api/v1/imports", params(HandInParams), tag = "city",
    request_body(content = String, content_type = "text/csv"), responses(
    (status = 201, body = ImportBody), (status = 200, description = "Handed in before", body = ImportBody),
    (status = 413, description = "More than 256 MiB"), (status = 422, description = "Nothing in it"),
))]
pub(super) async fn hand_in(
    State(app): State<App>,
    me: Me,
    Params(params): Params<HandInParams>,
    request: Request,
) -> Result<Response, Problem> {
    let mut fields = Fields::new();
    let kind = fields.word("kind", params.kind.as_deref(), Kind::parse);
    let kind = kind.unwrap_or(Kind::Residents);
    fields.done()?;
    let right = Right::from(&me.city(kind.action())?);
    let sent = Sent {
        encoding: params.encoding,
        name: params.name,
        id: params.id,
    };
    taken_in(&app, &right, kind, sent, (request, FILE_BYTES_MAX)).await
}

/// How a file that is handed in is written.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Sent {
    /// `utf-8` (default, with or without BOM) or `windows-31j` (Shift_JIS).
    encoding: Option<String>,
    /// The file's name, for people.
    name: Option<String>,
    /// The import's id, made by you, so that sending again is safe: if there is such an import, it is
    /// the answer, and the file is not taken a second time.
    id: Option<Uuid>,
}

/// Takes the file of a request in, or answers with the import that has its id already.
pub(super) async fn taken_in(
    app: &App,
    right: &Right,
    kind: Kind,
    sent: Sent,
    (request, bytes_max): (Request, usize),
) -> Result<Response, Problem> {
    let mut fields = Fields::new();
    let encoding = fields.word("encoding", sent.encoding.as_deref(), Encoding::parse);
    fields.done()?;
    if let Some(id) = sent.id
        && let Some(import) = imports::import(&app.db, right, id).await?
    {
        throw_away(request.into_body(), bytes_max).await;
        return Ok(Json(ImportBody::from(import)).into_response());
    }
    let new = NewImport {
        id: sent.id.unwrap_or_else(|| app.fresh_id()),
        kind,
        file_name: file_name(sent.name.as_deref(), kind.as_str()),
        encoding: encoding.unwrap_or(Encoding::Utf8).as_str().to_owned(),
    };
    let mut upload = Upload::begin(&app.db, app.seals.as_ref(), right, &new, app.now()).await?;
    if let Err(problem) = take(&mut upload, request.into_body(), bytes_max).await {
        imports::discard(&app.db, right, new.id, decided(app)).await?;
        return Err(problem);
    }
    upload.end().await?;
    let import = imports::import(&app.db, right, new.id).await?;
    let import = ImportBody::from(import.ok_or_else(Problem::not_found)?);
    Ok((StatusCode::CREATED, Json(import)).into_response())
}

/// Takes a body in piece by piece, so that its size is no matter of memory.
async fn take(
    upload: &mut Upload<'_>,
    body: axum::body::Body,
    bytes_max: usize,
) -> Result<(), Problem> {
    let mut body = pin!(body);
    let mut taken = 0;
    while let Some(frame) = std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await
    {
        let frame = frame.map_err(|_| Problem::bad_request("body_incomplete"))?;
        let Ok(bytes) = frame.into_data() else {
            continue;
        };
        taken += bytes.len();
        if taken > bytes_max {
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
            ));
        }
        upload.take(&bytes).await?;
    }
    if taken == 0 {
        return Err(Problem::unprocessable("file_empty"));
    }
    Ok(())
}

/// One import: how far it is, and what was found in it.
#[utoipa::path(get, path = "/api/v1/imports/{import}", params(("import" = Uuid, Path)), tag = "city", responses(
    (status = 200, body = ImportBody), (status = 404, description = "Not this city's"),
))]
pub(super) async fn one(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Json<ImportBody>, Problem> {
    let permit = me.city(Action::LoadResidents)?;
    let import = imports::import(&app.db, &permit, id).await?;
    Ok(Json(import.ok_or_else(Problem::not_found)?.into()))
}

/// Something to be said about a line.
#[derive(Serialize, ToSchema)]
pub struct RemarkBody {
    /// The line in the file, the header being 1.
    line: u64,
    /// The item's name; absent for the whole line.
    column: Option<String>,
    /// A stable word.
    code: String,
    /// What it is and what to do, in Japanese.
    ja: String,
    /// The same in English.
    en: String,
    /// Whether the line is taken all the same.
    kept: bool,
}

impl From<Remark> for RemarkBody {
    fn from(remark: Remark) -> Self {
        Self {
            line: remark.line,
            column: remark.column,
            code: remark.code,
            ja: remark.ja,
            en: remark.en,
            kept: remark.kept,
        }
    }
}

/// A part of the remarks.
#[derive(Serialize, ToSchema)]
pub struct RemarkList {
    /// In the order of the lines.
    items: Vec<RemarkBody>,
    /// Pass it as `after` for the next part; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// Where to go on.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RemarksParams {
    /// The `next` of the answer before.
    pub(super) after: Option<u64>,
}

/// What is to be said about an import's lines, some hundred at a time.
#[utoipa::path(get, path = "/api/v1/imports/{import}/remarks", params(("import" = Uuid, Path), RemarksParams),
    tag = "city", responses(
    (status = 200, body = RemarkList), (status = 404, description = "Not this city's"),
))]
pub(super) async fn remarks(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    Params(params): Params<RemarksParams>,
) -> Result<Json<RemarkList>, Problem> {
    let right = Right::from(&me.city(Action::LoadResidents)?);
    remarks_of(&app, &right, id, params.after).await
}

/// A part of what is to be said about an import's lines.
pub(super) async fn remarks_of(
    app: &App,
    right: &Right,
    id: Uuid,
    after: Option<u64>,
) -> Result<Json<RemarkList>, Problem> {
    let import = imports::import(&app.db, right, id).await?;
    import.ok_or_else(Problem::not_found)?;
    let found = imports::remarks(&app.db, right, id, after.unwrap_or_default()).await?;
    Ok(Json(RemarkList {
        next: found.last().map(|last| last.line),
        items: found.into_iter().map(RemarkBody::from).collect(),
    }))
}

async fn answered(app: &App, me: &Me, id: Uuid, what: Decide) -> Result<Json<ImportBody>, Problem> {
    let became = decide(app, me, id, what).await?;
    let right = Right::from(&me.city(Action::LoadResidents)?);
    became_of(app, &right, id, became).await
}

/// An import after a decision, or why that was not taken.
pub(super) async fn became_of(
    app: &App,
    right: &Right,
    id: Uuid,
    became: Became,
) -> Result<Json<ImportBody>, Problem> {
    match became {
        Became::Moved | Became::Asked => {}
        Became::TooLate => return Err(Problem::conflict("import_too_late")),
        Became::OwnProposal => return Err(Problem::conflict("own_proposal")),
    }
    let import = imports::import(&app.db, right, id).await?;
    Ok(Json(import.ok_or_else(Problem::not_found)?.into()))
}

/// Approve an import that is `ready`: it will be applied. Where the city wants a second person for records,
/// corrections or voids, that is not who handed it in.
#[utoipa::path(post, path = "/api/v1/imports/{import}/approvals", params(("import" = Uuid, Path)), tag = "city",
    responses(
    (status = 200, body = ImportBody), (status = 404, description = "Not this city's"),
    (status = 409, description = "At another stage, or your own"),
))]
pub(super) async fn approve(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Json<ImportBody>, Problem> {
    answered(&app, &me, id, Decide::Approve).await
}

/// Throw an import away that was not approved.
#[utoipa::path(post, path = "/api/v1/imports/{import}/discardings", params(("import" = Uuid, Path)), tag = "city",
    responses(
    (status = 200, body = ImportBody), (status = 404, description = "Not this city's"),
    (status = 409, description = "At another stage"),
))]
pub(super) async fn discard(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Json<ImportBody>, Problem> {
    answered(&app, &me, id, Decide::Discard).await
}

/// Take an import back that is `done`: what was changed since stays. Where the city wants a second person for
/// it, the first call asks (`undo_asked`), and another person's does it.
#[utoipa::path(post, path = "/api/v1/imports/{import}/undoings", params(("import" = Uuid, Path)), tag = "city",
    responses(
    (status = 200, body = ImportBody), (status = 404, description = "Not this city's"),
    (status = 409, description = "At another stage"),
))]
pub(super) async fn undo(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Json<ImportBody>, Problem> {
    answered(&app, &me, id, Decide::Undo).await
}

/// Keep an import that somebody asked to take back.
#[utoipa::path(post, path = "/api/v1/imports/{import}/keepings", params(("import" = Uuid, Path)), tag = "city",
    responses(
    (status = 200, body = ImportBody), (status = 404, description = "Not this city's"),
    (status = 409, description = "Nobody asked"),
))]
pub(super) async fn keep(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Json<ImportBody>, Problem> {
    answered(&app, &me, id, Decide::Keep).await
}
