//! The calls of the venue's tablet: who is logged in, what to carry, and the outbox.
//!
//! Nothing here is another truth than the other calls': a record goes through the same recorder, under the id that the
//! tablet made.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::calendar::{Day, Instant};
use p256::ecdsa::VerifyingKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::audit::{self, View};
use store::devices::{self, NAME_LENGTH_MAX, NewDevice, PUBLIC_KEY_BYTES};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::doses::ReceiptBody;
use crate::api::settings::SettingBody;
use crate::state::App;
use crate::tablet::lots::{self, CarriedLotBody};
use crate::tablet::outbox::{self, Answered, Delivery, Signed};
use crate::tablet::sealed::QueueKey;
use crate::tablet::used;
use crate::web::body::ApiJson;
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// What the access log is told when a tablet takes the filter along: which view, and what for.
pub const VIEW: &str = "used-coupons";
/// See [`VIEW`].
pub const PURPOSE: &str = "venue-day";

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new()
        .get("/api/v1/tablet/day", Guard::May(Action::ReadCoupon), day)
        .get(
            "/api/v1/tablet/used-coupons",
            Guard::May(Action::ReadCoupon),
            used_coupons,
        )
        .get(
            "/api/v1/tablet/lots",
            Guard::May(Action::SeeStock),
            carried_lots,
        )
        .post(
            "/api/v1/tablet/devices",
            Guard::May(Action::RecordDose),
            register,
        )
        .post(
            "/api/v1/tablet/records",
            Guard::May(Action::RecordDose),
            take_in,
        )
}

/// What a tablet begins its day with.
#[derive(Serialize, ToSchema)]
pub struct TabletDayBody {
    /// The account, by which the tablet keeps its outboxes apart.
    account: Uuid,
    /// The login, to be told whose outbox waits.
    login: String,
    /// The person's name.
    name: String,
    /// The venue.
    organisation: Uuid,
    /// Its name.
    organisation_name: String,
    /// Its code (会場コード), by which a form that was printed for another venue is told; none if it has none.
    facility_code: Option<String>,
    /// To be sent as `x-csrf-token` with every change.
    csrf: String,
    /// Today in Japan.
    #[schema(value_type = String)]
    today: Day,
    /// The server's clock, by which the tablet sees how far its own is out.
    #[schema(value_type = String, format = DateTime)]
    now: Instant,
    /// To which a queue is sealed that leaves the tablet as a file: a point of P-256, uncompressed, 65 bytes as
    /// hexadecimal digits.
    queue_key: String,
    /// Today's settings of this account, if they are made.
    setting: Option<SettingBody>,
}

/// Who is logged in at which venue, and today's settings.
#[utoipa::path(get, path = "/api/v1/tablet/day", tag = "venue", responses((status = 200, body = TabletDayBody)))]
pub(super) async fn day(State(app): State<App>, me: Me) -> Result<Json<TabletDayBody>, Problem> {
    let permit = me.venue(Action::ReadCoupon)?;
    let setting = store::settings::day(&app.db, &permit, me.actor.user, app.today()).await?;
    Ok(Json(TabletDayBody {
        account: me.actor.user.0,
        login: me.login.clone(),
        name: me.name.clone(),
        organisation: me.organisation.id.0,
        organisation_name: me.organisation.name.clone(),
        facility_code: me.organisation.facility_code.map(|code| code.to_string()),
        csrf: me.csrf.clone(),
        today: app.today(),
        now: app.now(),
        queue_key: QueueKey::of_server(&app).await?.public(),
        setting: setting.map(SettingBody::from),
    }))
}

/// The coupons of the venue's city that are used already, as a filter of some bits each (see the operators' guide): to
/// be warned of a second dose without network. No number can be read out of it.
#[utoipa::path(get, path = "/api/v1/tablet/used-coupons", tag = "venue", responses(
    (status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
))]
pub(super) async fn used_coupons(State(app): State<App>, me: Me) -> Result<Response, Problem> {
    let permit = me.venue(Action::ReadCoupon)?;
    let view = View {
        id: app.fresh_id(),
        at: app.now(),
        number: None,
        view: VIEW.to_owned(),
        purpose: PURPOSE.to_owned(),
    };
    audit::carried(&app.db, &permit, &view).await?;
    let filter = used::carried(&app, &permit).await?;
    let head = [(CONTENT_TYPE, "application/octet-stream")];
    Ok((head, filter.as_ref().clone()).into_response())
}

/// The lots that a tablet carries for the day: what the venue has on hand, and every lot that must not be given any more.
#[utoipa::path(get, path = "/api/v1/tablet/lots", tag = "venue", responses((status = 200, body = Vec<CarriedLotBody>)))]
pub(super) async fn carried_lots(
    State(app): State<App>,
    me: Me,
) -> Result<Json<Vec<CarriedLotBody>>, Problem> {
    let permit = me.venue(Action::SeeStock)?;
    Ok(Json(lots::carried(&app, &permit).await?))
}

/// A tablet that wants to send.
#[derive(Deserialize, ToSchema)]
pub struct DeviceBody {
    /// Made by the tablet: a UUID of version 7.
    id: Uuid,
    /// As it is called at the venue.
    #[schema(example = "受付1")]
    name: String,
    /// The public half of its key: a point of P-256, uncompressed, 65 bytes as hexadecimal digits.
    public_key: String,
}

/// A tablet that may send.
#[derive(Serialize, ToSchema)]
pub struct RegisteredBody {
    /// Its id.
    id: Uuid,
    /// Its name.
    name: String,
    /// From when on it may send no more, if it may not.
    #[schema(value_type = Option<String>)]
    revoked_at: Option<Instant>,
}

/// Make a tablet known at one's venue. The same again is safe.
#[utoipa::path(post, path = "/api/v1/tablet/devices", request_body = DeviceBody, tag = "venue", responses(
    (status = 200, body = RegisteredBody),
    (status = 409, description = "The id is another tablet's"),
    (status = 422, description = "A field cannot be read"),
))]
pub(super) async fn register(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<DeviceBody>,
) -> Result<Json<RegisteredBody>, Problem> {
    let permit = me.venue(Action::RecordDose)?;
    let public_key = hex::decode(&body.public_key).unwrap_or_default();
    let is_point =
        public_key.len() == PUBLIC_KEY_BYTES && VerifyingKey::from_sec1_bytes(&public_key).is_ok();
    let name = body.name.trim();
    let is_name = (1..=NAME_LENGTH_MAX).contains(&name.chars().count())
        && !name.chars().any(char::is_control);
    if !is_point || !is_name || body.id.get_version_num() != 7 {
        return Err(Problem::unprocessable("device_refused").arg("max", NAME_LENGTH_MAX));
    }
    let new = NewDevice {
        id: body.id,
        name: name.to_owned(),
        public_key,
    };
    let known = devices::register(&app.db, &permit, &new, app.fresh_id(), app.now()).await;
    let known = match known {
        Err(store::Error::Exists) => return Err(Problem::conflict("device_id_taken")),
        known => known?,
    };
    Ok(Json(RegisteredBody {
        id: known.id,
        name: known.name,
        revoked_at: known.revoked_at,
    }))
}

/// What is sent from an outbox.
#[derive(Deserialize, ToSchema)]
pub struct OutboxBody {
    /// The tablet.
    device: Uuid,
    /// Its clock while it sends, in milliseconds since 1970.
    sent_at: i64,
    /// The records, oldest first.
    records: Vec<Signed>,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
pub struct OutboxAnswer {
    /// The server's clock.
    #[schema(value_type = String, format = DateTime)]
    now: Instant,
    /// In the order of the records.
    records: Vec<RecordAnswer>,
}

/// What became of one record: a receipt, or a problem.
#[derive(Serialize, ToSchema)]
pub struct RecordAnswer {
    /// The record.
    id: Option<Uuid>,
    /// That it is in the ledger: the tablet may let go of it.
    receipt: Option<ReceiptBody>,
    /// That it is not, and why: the tablet keeps it.
    #[schema(value_type = Option<Object>)]
    problem: Option<Value>,
}

impl RecordAnswer {
    fn of(answered: Answered, texts: Texts) -> Self {
        let (receipt, problem) = match answered.outcome {
            Ok(receipt) => (Some(ReceiptBody::from(receipt)), None),
            Err(problem) => (None, Some(problem.json(texts))),
        };
        Self {
            id: answered.id,
            receipt,
            problem,
        }
    }
}

/// Take in what waits on a tablet. Sending the same again is safe, and gets the first answers again.
#[utoipa::path(post, path = "/api/v1/tablet/records", request_body = OutboxBody, tag = "venue", responses(
    (status = 200, description = "Each record has an answer of its own", body = OutboxAnswer),
    (status = 403, description = "The tablet was revoked; nothing was recorded"),
    (status = 404, description = "The tablet is not known at this venue"),
))]
pub(super) async fn take_in(
    State(app): State<App>,
    me: Me,
    texts: Texts,
    ApiJson(body): ApiJson<OutboxBody>,
) -> Result<(StatusCode, Json<OutboxAnswer>), Problem> {
    let permit = me.venue(Action::RecordDose)?;
    let skew_millis = body.sent_at.saturating_sub(app.now().micros() / 1_000);
    let delivery = Delivery::Sent { skew_millis };
    let answers = outbox::take_in(&app, &permit, body.device, body.records, delivery).await?;
    let records = answers
        .into_iter()
        .map(|answered| RecordAnswer::of(answered, texts))
        .collect();
    let now = app.now();
    Ok((StatusCode::OK, Json(OutboxAnswer { now, records })))
}
