//! A city's ledger over the API: search, one person, one record and its story, corrections, the
//! lock, and the entries with their hashes for whoever checks the chain.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, CityPermit};
use domain::calendar::Instant;
use domain::coupons::CouponNumber;
use domain::doses::{DoseId, InputWay, Standing};
use domain::findings::{FindingCode, Severity};
use domain::ledger::{Act, Personal, Sha};
use serde::{Deserialize, Serialize};
use store::approvals::{self, Outcome};
use store::audit::View;
use store::doses::{Desk, Filter, Listed};
use store::ledger::Walk;
use store::residents::Resident;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::api::doses::{CorrectionBody, ReceiptBody, RecordBody, RecordDecisionBody, answered};
use crate::api::fields::Fields;
use crate::api::people::NextBody;
use crate::pages::persons::{PURPOSES, next_doses};
use crate::pages::proposals::how;
use crate::state::App;
use crate::web::body::{ApiJson, Params};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Records in one answer unless the caller asks for fewer.
const LIST_LENGTH: i64 = 100;
/// What is written to the access log as the purpose where the caller tells none.
pub const API_PURPOSE: &str = "api";

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new()
        .get("/api/v1/desk", Guard::May(Action::SeeLedger), desk)
        .get("/api/v1/records", Guard::May(Action::SeeLedger), list)
        .get("/api/v1/records/{dose}", Guard::May(Action::SeePerson), one)
        .post(
            "/api/v1/records/{dose}/corrections",
            Guard::May(Action::CorrectRecord),
            correct,
        )
        .post(
            "/api/v1/records/{dose}/voidings",
            Guard::May(Action::CorrectRecord),
            void,
        )
        .post(
            "/api/v1/records/{dose}/confirmations",
            Guard::May(Action::ConfirmRecord),
            confirm,
        )
        .post(
            "/api/v1/records/{dose}/reopenings",
            Guard::May(Action::ConfirmRecord),
            reopen,
        )
        .get(
            "/api/v1/persons/{number}",
            Guard::May(Action::SeePerson),
            person,
        )
        .get(
            "/api/v1/ledger/entries",
            Guard::May(Action::ExportLedger),
            entries,
        )
}

/// What waits on the desk.
#[derive(Serialize, ToSchema)]
pub struct DeskBody {
    /// Records that wait for their person (登録待ち).
    pending: i64,
    /// Records to be corrected (要修正).
    to_correct: i64,
    /// Records to be checked (要確認).
    to_check: i64,
    /// Entries in the ledger.
    entries: i64,
    /// People in the register.
    residents: i64,
}

/// Counts of what waits in this city.
#[utoipa::path(get, path = "/api/v1/desk", tag = "city", responses((status = 200, body = DeskBody)))]
pub(super) async fn desk(State(app): State<App>, me: Me) -> Result<Json<DeskBody>, Problem> {
    let permit = me.city(Action::SeeLedger)?;
    let Desk {
        pending,
        to_correct,
        to_check,
        entries,
        residents,
    } = store::doses::desk(&app.db, &permit).await?;
    Ok(Json(DeskBody {
        pending,
        to_correct,
        to_check,
        entries,
        residents,
    }))
}

/// Which records to list.
#[derive(Deserialize, IntoParams)]
pub(super) struct ListParams {
    /// A coupon number, or how a name or its kana begins.
    text: Option<String>,
    /// `counted`, `interview`, `duplicate`, `clash`, `quarantined`, `void`.
    standing: Option<String>,
    /// Only those that wait for their person.
    pending: Option<bool>,
    /// Only those with this finding.
    finding: Option<String>,
    /// Only findings at least this bad: `warn`, `error`, `block`.
    severity: Option<String>,
    /// Given on this day or later.
    from: Option<String>,
    /// Given on this day or earlier.
    to: Option<String>,
    /// The `next` of the answer before.
    before: Option<i64>,
    /// How many at most.
    limit: Option<i64>,
}

/// A line of the ledger.
#[derive(Serialize, ToSchema)]
pub struct ListedBody {
    /// The record.
    record: RecordBody,
    /// The person's name, if registered and not protected.
    name: Option<String>,
}

/// A part of the ledger.
#[derive(Serialize, ToSchema)]
pub struct RecordList {
    /// Newest first.
    items: Vec<ListedBody>,
    /// Pass it as `before` for the next part; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

fn severity(word: &str) -> Option<Severity> {
    match word {
        "info" => Some(Severity::Info),
        "warn" => Some(Severity::Warn),
        "error" => Some(Severity::Error),
        "block" => Some(Severity::Block),
        _ => None,
    }
}

/// Search the city's ledger; findings and the pending list are cuts of it.
#[utoipa::path(get, path = "/api/v1/records", params(ListParams), tag = "city", responses(
    (status = 200, body = RecordList),
))]
pub(super) async fn list(
    State(app): State<App>,
    me: Me,
    Params(params): Params<ListParams>,
) -> Result<Json<RecordList>, Problem> {
    let permit = me.city(Action::SeeLedger)?;
    let mut fields = Fields::new();
    let filter = Filter {
        standing: fields.word("standing", params.standing.as_deref(), Standing::parse),
        finding: fields.word("finding", params.finding.as_deref(), FindingCode::parse),
        severity_min: fields.word("severity", params.severity.as_deref(), severity),
        given_from: fields.day_or_none("from", params.from.as_deref()),
        given_to: fields.day_or_none("to", params.to.as_deref()),
        pending: params.pending.unwrap_or_default(),
        before_seq: params.before,
        text: params.text,
    };
    fields.done()?;
    look(&app, &permit, None, "ledger").await?;
    let limit = params.limit.unwrap_or(LIST_LENGTH).clamp(1, LIST_LENGTH);
    let page = store::doses::page(&app.db, &permit, &filter, limit).await?;
    let listed = |Listed { record, name }: Listed| ListedBody {
        record: record.into(),
        name,
    };
    Ok(Json(RecordList {
        items: page.items.into_iter().map(listed).collect(),
        next: page.next,
    }))
}

/// Writes to the access log who looks at what, before it is shown.
pub(super) async fn look(
    app: &App,
    permit: &CityPermit,
    number: Option<CouponNumber>,
    view: &str,
) -> Result<(), Problem> {
    let (id, view, purpose) = (app.fresh_id(), view.to_owned(), API_PURPOSE.to_owned());
    let view = View {
        id,
        at: app.now(),
        number,
        view,
        purpose,
    };
    Ok(store::audit::looked(&app.db, permit, &view).await?)
}

/// An act in the life of a record.
#[derive(Serialize, ToSchema)]
pub struct RecordActBody {
    /// The entry's number.
    seq: i64,
    /// What was done.
    #[schema(value_type = String)]
    act: Act,
    /// When.
    #[schema(value_type = String)]
    at: Instant,
    /// Who.
    by: String,
    /// Of which organisation.
    organisation: String,
    /// From which device.
    device: String,
    /// How.
    #[schema(value_type = String)]
    input: InputWay,
    /// The entry's hash.
    #[schema(value_type = String)]
    hash: Sha,
    /// What the record said afterwards, unless erased.
    #[schema(value_type = Option<Object>)]
    personal: Option<Personal>,
}

/// A record and its story.
#[derive(Serialize, ToSchema)]
pub struct StoryBody {
    /// The record as it stands.
    record: RecordBody,
    /// Every entry about it, oldest first.
    story: Vec<RecordActBody>,
}

/// One record and everything that happened to it. The view is written to the access log.
#[utoipa::path(get, path = "/api/v1/records/{dose}", params(("dose" = Uuid, Path)), tag = "city", responses(
    (status = 200, body = StoryBody), (status = 404, description = "Not in this city's ledger"),
))]
pub(super) async fn one(
    State(app): State<App>,
    me: Me,
    Path(dose): Path<Uuid>,
) -> Result<Json<StoryBody>, Problem> {
    let permit = me.city(Action::SeePerson)?;
    let dose = DoseId(dose);
    let record = store::doses::record(&app.db, &permit, dose).await?;
    let record = record.ok_or_else(Problem::not_found)?;
    look(&app, &permit, record.number, "record").await?;
    let story = store::ledger::story(&app.db, &permit, dose).await?;
    let story = story.into_iter().map(|told| RecordActBody {
        seq: told.seq,
        act: told.act,
        at: told.at,
        by: told.by,
        organisation: told.organisation,
        device: told.device,
        input: told.input,
        hash: told.hash,
        personal: told.personal,
    });
    Ok(Json(StoryBody {
        record: record.into(),
        story: story.collect(),
    }))
}

/// A person of the register.
#[derive(Serialize, ToSchema)]
pub struct ResidentBody {
    /// The city's own number for the person.
    resident_no: String,
    /// The coupon number in force.
    number: String,
    /// The name.
    name: String,
    /// Its kana.
    kana: String,
    /// Birth date; an unknown month or day is `00`.
    birth: String,
    /// `M`, `F`, `U`.
    sex: &'static str,
    /// `resident`, `moved_out`, `dead`, `removed`.
    standing: &'static str,
    /// Whether the person is protected from being looked up (支援措置).
    protected: bool,
    /// The postal code, seven digits. Of a protected person nothing of the address is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<String>,
    /// The address.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// House and room.
    #[serde(skip_serializing_if = "Option::is_none")]
    address_extra: Option<String>,
}

impl From<Resident> for ResidentBody {
    fn from(resident: Resident) -> Self {
        let address = resident.address.filter(|_| !resident.protected);
        let part = |text: Option<String>| text.filter(|text| !text.is_empty());
        let code = address.as_ref().and_then(|one| one.postal_code.as_ref());
        Self {
            postal_code: code.map(|code| code.as_str().to_owned()),
            address: part(address.as_ref().map(|one| one.place.clone())),
            address_extra: part(address.map(|one| one.extra)),
            number: resident.number.as_str().to_owned(),
            birth: resident.birth.iso(),
            sex: resident.sex.open_data(),
            standing: resident.standing.as_str(),
            resident_no: resident.resident_no,
            name: resident.name,
            kana: resident.kana,
            protected: resident.protected,
        }
    }
}

/// A person with all records.
#[derive(Serialize, ToSchema)]
pub struct PersonBody {
    /// The person, unless not registered yet.
    resident: Option<ResidentBody>,
    /// The records, in order of the day given.
    records: Vec<RecordBody>,
    /// What is due next by the records that count, of somebody who lives in the city.
    next: Vec<NextBody>,
    /// Every coupon number the person ever had.
    coupons: Vec<String>,
}

/// What a person is looked at for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PersonParams {
    /// `desk`, `phone`, `counter`, `correction`, `certificate`, `disclosure`, `inquiry` or `other`.
    /// Must be said for somebody who is protected from being looked up (支援措置).
    purpose: Option<String>,
}

/// The person behind a coupon number. The view is written to the access log.
#[utoipa::path(get, path = "/api/v1/persons/{number}", params(("number" = String, Path), PersonParams), tag = "city", responses(
    (status = 200, body = PersonBody), (status = 404, description = "Neither person nor record is known"),
    (status = 403, description = "The person is protected, and no purpose was said"),
))]
pub(super) async fn person(
    State(app): State<App>,
    me: Me,
    Path(number): Path<String>,
    Params(params): Params<PersonParams>,
) -> Result<Json<PersonBody>, Problem> {
    let permit = me.city(Action::SeePerson)?;
    let mut fields = Fields::new();
    let number = fields.number("number", &number);
    let known = |word: &str| PURPOSES.into_iter().find(|purpose| *purpose == word);
    let purpose = fields.word("purpose", params.purpose.as_deref(), known);
    fields.done()?;
    let number = number.ok_or_else(Problem::internal)?;
    let person = store::doses::person(&app.db, &permit, number).await?;
    let person = person.ok_or_else(Problem::not_found)?;
    // A program too opens a protected person's record by a second step, with a reason.
    let protected = person.resident.as_ref().is_some_and(|one| one.protected);
    if protected && purpose.is_none() {
        return Err(Problem::new(StatusCode::FORBIDDEN, "person_protected"));
    }
    let purpose = purpose.unwrap_or(API_PURPOSE);
    crate::pages::city::look(&app, &permit, Some(number), "person", purpose).await?;
    let coupons = store::people::coupons(&app.db, &permit, number).await?;
    let next = next_doses(&person, app.now().day_in_japan());
    Ok(Json(PersonBody {
        next: next.iter().map(NextBody::from).collect(),
        coupons: coupons.iter().map(|one| one.as_str().to_owned()).collect(),
        resident: person.resident.map(ResidentBody::from),
        records: person.records.into_iter().map(RecordBody::from).collect(),
    }))
}

/// That a change waits for a second person.
#[derive(Serialize, ToSchema)]
pub struct ProposedBody {
    /// The proposal, to be read at `/api/v1/proposals/{proposal}`.
    proposal: Uuid,
}

/// 201 or 200 with the receipt, or 202 with the proposal.
fn done_or_proposed(outcome: Outcome) -> Response {
    match outcome {
        Outcome::Done(receipt) => answered(*receipt),
        Outcome::Proposed(proposal) => {
            (StatusCode::ACCEPTED, Json(ProposedBody { proposal })).into_response()
        }
    }
}

/// Correct a record of this city; where the city wants two people for it, it is proposed.
#[utoipa::path(post, path = "/api/v1/records/{dose}/corrections", params(("dose" = Uuid, Path)),
    request_body = CorrectionBody, tag = "city", responses(
    (status = 202, description = "Proposed to a second person", body = ProposedBody),
    (status = 201, body = ReceiptBody), (status = 200, body = ReceiptBody), (status = 404), (status = 409),
))]
pub(super) async fn correct(
    State(app): State<App>,
    me: Me,
    Path(dose): Path<Uuid>,
    ApiJson(body): ApiJson<CorrectionBody>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::CorrectRecord)?;
    let correction = body.of(dose, permit.city())?;
    let outcome = approvals::correct(&app.db, &app.recorder, &permit, correction, how(&app));
    Ok(done_or_proposed(outcome.await?))
}

/// Take a record of this city back; where the city wants two people for it, it is proposed.
#[utoipa::path(post, path = "/api/v1/records/{dose}/voidings", params(("dose" = Uuid, Path)),
    request_body = RecordDecisionBody, tag = "city", responses(
    (status = 202, description = "Proposed to a second person", body = ProposedBody),
    (status = 201, body = ReceiptBody), (status = 200, body = ReceiptBody), (status = 404), (status = 409),
))]
pub(super) async fn void(
    State(app): State<App>,
    me: Me,
    Path(dose): Path<Uuid>,
    ApiJson(body): ApiJson<RecordDecisionBody>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::CorrectRecord)?;
    let decision = body.of(dose, permit.city(), true)?;
    let outcome = approvals::void(&app.db, &app.recorder, &permit, decision, how(&app));
    Ok(done_or_proposed(outcome.await?))
}

/// Confirm a record (確定): afterwards only the city changes it.
#[utoipa::path(post, path = "/api/v1/records/{dose}/confirmations", params(("dose" = Uuid, Path)),
    request_body = RecordDecisionBody, tag = "city", responses(
    (status = 201, body = ReceiptBody), (status = 200, body = ReceiptBody), (status = 404), (status = 409),
))]
pub(super) async fn confirm(
    State(app): State<App>,
    me: Me,
    Path(dose): Path<Uuid>,
    ApiJson(body): ApiJson<RecordDecisionBody>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::ConfirmRecord)?;
    let decision = body.of(dose, permit.city(), false)?;
    Ok(answered(app.recorder.confirm(&permit, decision).await?))
}

/// Open a confirmed record again.
#[utoipa::path(post, path = "/api/v1/records/{dose}/reopenings", params(("dose" = Uuid, Path)),
    request_body = RecordDecisionBody, tag = "city", responses(
    (status = 201, body = ReceiptBody), (status = 200, body = ReceiptBody), (status = 404), (status = 409),
))]
pub(super) async fn reopen(
    State(app): State<App>,
    me: Me,
    Path(dose): Path<Uuid>,
    ApiJson(body): ApiJson<RecordDecisionBody>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::ConfirmRecord)?;
    let decision = body.of(dose, permit.city(), true)?;
    Ok(answered(app.recorder.reopen(&permit, decision).await?))
}

/// Where to go on.
#[derive(Deserialize, IntoParams)]
pub(super) struct EntriesParams {
    /// The last `seq` of the answer before; from the first entry on if left out.
    after: Option<i64>,
}

/// The entries of this city's chain as NDJSON, 1,000 at a time, empty at the end. The encoding that
/// is hashed is told in `docs/ledger.md`.
#[utoipa::path(get, path = "/api/v1/ledger/entries", params(EntriesParams), tag = "city", responses(
    (status = 200, content_type = "application/x-ndjson"),
))]
pub(super) async fn entries(
    State(app): State<App>,
    me: Me,
    Params(params): Params<EntriesParams>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::ExportLedger)?;
    look(&app, &permit, None, "export").await?;
    let mut tx = app.db.begin_reading().await?;
    let mut walk = Walk::after(&mut tx, &permit, params.after.unwrap_or(0)).await?;
    let mut lines = String::new();
    for entry in walk.next(&mut tx).await? {
        lines.push_str(&serde_json::to_string(&entry).map_err(|_| Problem::internal())?);
        lines.push('\n');
    }
    Ok((
        [(CONTENT_TYPE, "application/x-ndjson; charset=UTF-8")],
        lines,
    )
        .into_response())
}
