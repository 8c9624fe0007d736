//! A venue's doses over the API: report, list, correct, take back.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::calendar::{Day, Instant};
use domain::doses::{Answer, DoseId, InputWay, Standing, VENUE_NAME_LENGTH_MAX, Version};
use domain::findings::Finding;
use domain::ledger::{Act, Sha};
use domain::places::MunicipalityCode;
use domain::receipts::ReceiptNumber;
use serde::{Deserialize, Serialize};
use store::doses::Record;
use store::recorder::{Authority, Correction, Decision, Receipt, RecordError, Report};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::api::fields::Fields;
use crate::state::App;
use crate::web::body::{ApiJson, Params};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// Records in one answer unless the caller asks for fewer.
const LIST_LENGTH: i64 = 100;

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new()
        .post("/api/v1/doses", Guard::May(Action::RecordDose), report)
        .get("/api/v1/doses", Guard::May(Action::SeeVenueDay), list)
        .get("/api/v1/doses/{dose}", Guard::May(Action::SeeVenueDay), one)
        .post(
            "/api/v1/doses/{dose}/corrections",
            Guard::May(Action::CorrectAtVenue),
            correct,
        )
        .post(
            "/api/v1/doses/{dose}/voidings",
            Guard::May(Action::CorrectAtVenue),
            void,
        )
}

/// A dose (or an interview) to record.
#[derive(Deserialize, ToSchema)]
pub struct DoseBody {
    /// Made by the sender before sending: a UUID of version 7. Sending the same again is safe.
    id: Uuid,
    /// The 18 digits of the coupon.
    #[schema(example = "211310160000012345")]
    coupon: String,
    /// The day it was given, `YYYY-MM-DD`.
    #[schema(example = "2021-06-01")]
    given_on: String,
    /// The product's key, as `GET /api/v1/products` lists them.
    #[schema(example = "comirnaty_12_mono")]
    product: String,
    /// The lot on the vial.
    lot: String,
    /// Who examined and gave.
    doctor: String,
    /// The venue's name that day; the organisation's name if left out.
    venue_name: Option<String>,
    /// The device's own name.
    device: Option<String>,
    /// How the digits came in: `qr`, `ocr`, `scanner`, `keyed`, `csv`, `paper`, `api` (default).
    input: Option<String>,
}

/// What was entered, where and when, and what is thought of it.
#[derive(Serialize, ToSchema)]
pub struct ReceiptBody {
    /// The record.
    #[schema(value_type = Uuid)]
    dose: DoseId,
    /// The act: the id that was sent.
    id: Uuid,
    /// What was done.
    #[schema(value_type = String, example = "recorded")]
    act: Act,
    /// In whose ledger.
    #[schema(value_type = String, example = "131016")]
    municipality: MunicipalityCode,
    /// The entry's number there.
    seq: i64,
    /// The entry's hash.
    #[schema(value_type = String)]
    hash: Sha,
    /// The receipt number (受領番号): by it anybody can have the entry compared with the ledger.
    #[schema(value_type = String, example = "16A5-00000-2ZRC0-1K7QM")]
    receipt_number: ReceiptNumber,
    /// When the server took it.
    #[schema(value_type = String)]
    at: Instant,
    /// `normal`, `out_of_residence`, `interview_only`, `pending`, `already_recorded`, `clash`, `quarantined`.
    #[schema(value_type = String, example = "normal")]
    answer: Answer,
    /// How the record stands among the others of the same coupon.
    #[schema(value_type = String, example = "counted")]
    standing: Standing,
    /// What was found, worst first.
    #[schema(value_type = Vec<Object>)]
    findings: Vec<Finding>,
    /// Whether this id had been answered before; everything else is then that first answer.
    replayed: bool,
}

impl From<Receipt> for ReceiptBody {
    fn from(receipt: Receipt) -> Self {
        let Receipt {
            dose,
            id,
            act,
            municipality,
            seq,
            hash,
            at,
            answer,
            standing,
            findings,
            replayed,
        } = receipt;
        Self {
            dose,
            id,
            act,
            municipality,
            seq,
            hash,
            receipt_number: ReceiptNumber::of(municipality, seq, &hash),
            at,
            answer,
            standing,
            findings,
            replayed,
        }
    }
}

/// 201 the first time, 200 when the same is sent again.
pub(super) fn answered(receipt: Receipt) -> Response {
    let status = if receipt.replayed {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    (status, Json(ReceiptBody::from(receipt))).into_response()
}

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Self {
        use domain::doses::ChangeRefusal as R;
        match error {
            RecordError::Conflict { first } => Self::conflict("id_used_otherwise").member(
                "first",
                serde_json::to_value(ReceiptBody::from(*first)).unwrap_or_default(),
            ),
            RecordError::Refused(R::NotYours) | RecordError::NotFound => Self::not_found(),
            RecordError::Refused(R::NotToday { recorded_on }) => {
                Self::conflict("record_not_of_today").arg("recorded_on", recorded_on.japanese())
            }
            RecordError::Refused(R::Confirmed) => Self::conflict("record_confirmed"),
            RecordError::Refused(R::Voided) => Self::conflict("record_voided"),
            RecordError::Refused(R::AsItIs) => Self::conflict("record_as_it_is"),
            RecordError::Refused(R::ChangedMeanwhile) => Self::conflict("record_changed_meanwhile"),
            RecordError::Store(store::Error::Exists) => Self::conflict("id_of_another"),
            RecordError::Store(error) => error.into(),
            RecordError::Stopped => Self::storage_unavailable(),
        }
    }
}

/// Record a dose. It is never refused for what it is: what may be wrong comes back as findings.
#[utoipa::path(post, path = "/api/v1/doses", request_body = DoseBody, tag = "venue", responses(
    (status = 201, description = "Recorded", body = ReceiptBody),
    (status = 200, description = "Recorded before, under the same id with the same content", body = ReceiptBody),
    (status = 409, description = "The id was used with other content; both are kept"),
    (status = 422, description = "A field cannot be read"),
    (status = 503, description = "Nothing was recorded; send the same again"),
))]
pub(super) async fn report(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<DoseBody>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::RecordDose)?;
    let mut fields = Fields::new();
    let id = DoseId(fields.id("id", body.id));
    let line = fields.line("coupon", &body.coupon);
    let given_on = fields.day("given_on", &body.given_on);
    // The organisation's own name may be longer than the record's field; a dose is not refused for that.
    let own_name = || {
        me.organisation
            .name
            .chars()
            .take(VENUE_NAME_LENGTH_MAX)
            .collect()
    };
    let venue_name: String = body.venue_name.clone().unwrap_or_else(own_name);
    let (product, lot) = (fields.product(&body.product), fields.lot(&body.lot));
    let (doctor, venue_name) = (fields.doctor(&body.doctor), fields.venue_name(&venue_name));
    let (device, input) = (
        fields.device(body.device.as_deref()),
        fields.input("input", body.input.as_deref()),
    );
    fields.done()?;
    // `done` has told of every field that is missing here.
    let (Some(line), Some(given_on)) = (line, given_on) else {
        return Err(Problem::internal());
    };
    let report = Report {
        id,
        line,
        given_on,
        product,
        lot,
        doctor,
        venue_name,
        device,
        input,
    };
    Ok(answered(app.recorder.report(&permit, report).await?))
}

/// A record as it stands.
#[derive(Serialize, ToSchema)]
pub struct RecordBody {
    /// Its id.
    #[schema(value_type = Uuid)]
    id: DoseId,
    /// In whose ledger.
    #[schema(value_type = String)]
    municipality: MunicipalityCode,
    /// The number of the entry that recorded it.
    seq: i64,
    /// When it was recorded.
    #[schema(value_type = String)]
    recorded_at: Instant,
    /// The 18 digits as read.
    coupon: String,
    /// Which dose it is.
    turn: u8,
    /// The day it was given.
    #[schema(value_type = String)]
    given_on: Day,
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// Who gave it.
    doctor: String,
    /// Where.
    venue_name: String,
    /// How the digits came in.
    #[schema(value_type = String)]
    input: InputWay,
    /// How it stands.
    #[schema(value_type = String)]
    standing: Standing,
    /// The one word for the venue.
    #[schema(value_type = String)]
    answer: Answer,
    /// What was found, worst first.
    #[schema(value_type = Vec<Object>)]
    findings: Vec<Finding>,
    /// Whether it waits for its person.
    pending: bool,
    /// Whether the city has confirmed it.
    confirmed: bool,
    /// Whether its id came again with other content.
    contested: bool,
    /// What it says, as one word: send it with a change, and nothing is changed that others changed meanwhile.
    #[schema(value_type = String)]
    version: Version,
}

impl From<Record> for RecordBody {
    fn from(record: Record) -> Self {
        Self {
            version: record.version(),
            id: record.id,
            municipality: record.municipality,
            seq: record.seq,
            recorded_at: record.recorded_at,
            coupon: record.line.as_str().to_owned(),
            turn: record.turn,
            given_on: record.given_on,
            product: record.product,
            lot: record.lot,
            doctor: record.doctor,
            venue_name: record.venue_name,
            input: record.input,
            standing: record.standing,
            answer: record.answer,
            findings: record.findings,
            pending: record.pending,
            confirmed: record.confirmed,
            contested: record.contested,
        }
    }
}

/// Which day, and where to go on.
#[derive(Deserialize, IntoParams)]
pub(super) struct ListParams {
    /// The day of registration, `YYYY-MM-DD`; today if left out.
    day: Option<String>,
    /// The `next` of the answer before.
    before: Option<Uuid>,
    /// How many at most.
    limit: Option<i64>,
}

/// A part of a list.
#[derive(Serialize, ToSchema)]
pub struct DoseList {
    /// The records, newest first.
    items: Vec<RecordBody>,
    /// Pass it as `before` for the next part; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

/// What this venue registered on a day, newest first.
#[utoipa::path(get, path = "/api/v1/doses", params(ListParams), tag = "venue", responses(
    (status = 200, body = DoseList),
))]
pub(super) async fn list(
    State(app): State<App>,
    me: Me,
    Params(params): Params<ListParams>,
) -> Result<Json<DoseList>, Problem> {
    let permit = me.venue(Action::SeeVenueDay)?;
    let mut fields = Fields::new();
    let day = fields.day_or_none("day", params.day.as_deref());
    fields.done()?;
    let limit = params.limit.unwrap_or(LIST_LENGTH).clamp(1, LIST_LENGTH);
    let day = day.unwrap_or(app.today());
    let records = store::doses::today_of_venue(&app.db, &permit, day, params.before, limit).await?;
    let full = i64::try_from(records.len()).is_ok_and(|length| length == limit);
    let next = records.last().filter(|_| full).map(|record| record.id.0);
    Ok(Json(DoseList {
        items: records.into_iter().map(RecordBody::from).collect(),
        next,
    }))
}

/// One record this venue registered.
#[utoipa::path(get, path = "/api/v1/doses/{dose}", params(("dose" = Uuid, Path)), tag = "venue", responses(
    (status = 200, body = RecordBody), (status = 404, description = "Not registered by this venue"),
))]
pub(super) async fn one(
    State(app): State<App>,
    me: Me,
    Path(dose): Path<Uuid>,
) -> Result<Json<RecordBody>, Problem> {
    let permit = me.venue(Action::SeeVenueDay)?;
    let record = store::doses::of_venue(&app.db, &permit, DoseId(dose)).await?;
    Ok(Json(record.ok_or_else(Problem::not_found)?.into()))
}

/// What a record shall say instead.
#[derive(Deserialize, ToSchema)]
pub struct CorrectionBody {
    /// The act's own id, made by the sender: a UUID of version 7.
    id: Uuid,
    /// The day it was given.
    given_on: String,
    /// Which dose it was, counted through.
    turn: u8,
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// Who gave it.
    doctor: String,
    /// Why it is corrected.
    reason: String,
    /// The device's own name.
    device: Option<String>,
    /// The `version` that the record had when it was looked at: refused if it has another by now.
    #[schema(value_type = Option<String>)]
    version: Option<Version>,
}

impl CorrectionBody {
    pub(super) fn of(self, dose: Uuid, city: MunicipalityCode) -> Result<Correction, Problem> {
        let mut fields = Fields::new();
        let given_on = fields.day("given_on", &self.given_on);
        let (id, turn) = (fields.id("id", self.id), fields.turn("turn", self.turn));
        let (product, lot) = (fields.product(&self.product), fields.lot(&self.lot));
        let (doctor, reason) = (fields.doctor(&self.doctor), fields.reason(&self.reason));
        let device = fields.device(self.device.as_deref());
        fields.done()?;
        // `done` has told of a day that cannot be read.
        let given_on = given_on.ok_or_else(Problem::internal)?;
        let dose = DoseId(dose);
        Ok(Correction {
            id,
            dose,
            city,
            given_on,
            turn,
            product,
            lot,
            doctor,
            reason,
            device,
            seen: self.version,
        })
    }
}

/// That a record shall be taken back, confirmed or opened again.
#[derive(Deserialize, ToSchema)]
pub struct RecordDecisionBody {
    /// The act's own id, made by the sender: a UUID of version 7.
    id: Uuid,
    /// Why; may be left out only where a record is confirmed.
    reason: Option<String>,
    /// The device's own name.
    device: Option<String>,
    /// The `version` that the record had when it was looked at: refused if it has another by now.
    #[schema(value_type = Option<String>)]
    version: Option<Version>,
}

impl RecordDecisionBody {
    pub(super) fn of(
        self,
        dose: Uuid,
        city: MunicipalityCode,
        reason_needed: bool,
    ) -> Result<Decision, Problem> {
        let mut fields = Fields::new();
        let reason = match self.reason {
            None if !reason_needed => String::new(),
            reason => fields.reason(&reason.unwrap_or_default()),
        };
        let (id, device) = (
            fields.id("id", self.id),
            fields.device(self.device.as_deref()),
        );
        fields.done()?;
        Ok(Decision {
            id,
            dose: DoseId(dose),
            city,
            reason,
            device,
            seen: self.version,
        })
    }
}

/// Correct a record on the day it was registered.
#[utoipa::path(post, path = "/api/v1/doses/{dose}/corrections", params(("dose" = Uuid, Path)),
    request_body = CorrectionBody, tag = "venue", responses(
    (status = 201, body = ReceiptBody), (status = 200, body = ReceiptBody),
    (status = 409, description = "Confirmed by the city, taken back, or not of today"),
))]
pub(super) async fn correct(
    State(app): State<App>,
    me: Me,
    Path(dose): Path<Uuid>,
    ApiJson(body): ApiJson<CorrectionBody>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::CorrectAtVenue)?;
    let record = store::doses::of_venue(&app.db, &permit, DoseId(dose)).await?;
    let correction = body.of(dose, record.ok_or_else(Problem::not_found)?.municipality)?;
    Ok(answered(
        app.recorder
            .correct(&Authority::Venue(permit), correction)
            .await?,
    ))
}

/// Take a record back on the day it was registered.
#[utoipa::path(post, path = "/api/v1/doses/{dose}/voidings", params(("dose" = Uuid, Path)),
    request_body = RecordDecisionBody, tag = "venue", responses(
    (status = 201, body = ReceiptBody), (status = 200, body = ReceiptBody),
    (status = 409, description = "Confirmed by the city, taken back already, or not of today"),
))]
pub(super) async fn void(
    State(app): State<App>,
    me: Me,
    Path(dose): Path<Uuid>,
    ApiJson(body): ApiJson<RecordDecisionBody>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::CorrectAtVenue)?;
    let record = store::doses::of_venue(&app.db, &permit, DoseId(dose)).await?;
    let decision = body.of(
        dose,
        record.ok_or_else(Problem::not_found)?.municipality,
        true,
    )?;
    Ok(answered(
        app.recorder
            .void(&Authority::Venue(permit), decision)
            .await?,
    ))
}
