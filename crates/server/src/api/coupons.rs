//! Coupons over the API: the digits out of a photo, and what a registration would be answered.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use domain::access::Action;
use domain::coupons::CouponLine;
use domain::doses::{Answer, Facts, Route, Standing};
use domain::findings::Finding;
use domain::places::Places;
use reader::{Outcome, PictureRefusal, Reading};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::fields::Fields;
use crate::pages::photos;
use crate::state::App;
use crate::web::body::{Params, unread};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new()
        .post_up_to(
            photos::PHOTO_BYTES_MAX,
            "/api/v1/coupons/readings",
            Guard::May(Action::ReadCoupon),
            read,
        )
        .get(
            "/api/v1/coupons/{digits}/check",
            Guard::May(Action::ReadCoupon),
            check,
        )
}

/// What was read from a photo.
#[derive(Serialize, ToSchema)]
pub struct ReadingBody {
    /// `read` or `no`.
    #[schema(example = "read")]
    result: &'static str,
    /// The 18 digits, if read.
    digits: Option<String>,
    /// Which codes say so: `qr`, `ocr`, `nw7`. A single one is for a person to confirm.
    by: Vec<&'static str>,
    /// Whether the digits name a municipality that issues coupons.
    municipality_known: bool,
    /// 0 to 1.
    confidence: f32,
    /// Why nothing was read: `nothing_found`, `codes_disagree` …
    reason: Option<&'static str>,
}

impl From<&Reading> for ReadingBody {
    fn from(reading: &Reading) -> Self {
        let reason = match &reading.outcome {
            Outcome::Read => None,
            Outcome::No(why) => Some(why.code()),
        };
        let known = reading.digits.as_deref().is_some_and(municipality_known);
        Self {
            result: if reason.is_none() { "read" } else { "no" },
            digits: reading.digits.clone(),
            by: reading.by.iter().map(|channel| channel.code()).collect(),
            municipality_known: known,
            confidence: reading.confidence,
            reason,
        }
    }
}

/// Whether 18 digits name a municipality that issues coupons, whatever the day.
#[must_use]
pub fn municipality_known(digits: &str) -> bool {
    CouponLine::parse(digits)
        .and_then(|line| line.coupon())
        .is_ok_and(|coupon| Places::bundled().ever_issued(coupon.municipality))
}

/// A picture that cannot even be looked at.
#[must_use]
pub fn picture_problem(refusal: &PictureRefusal) -> Problem {
    Problem::unprocessable("picture_refused").member("reason", refusal.code())
}

/// Read the 18 digits from a photo (JPEG, PNG or WebP): the body is the file itself. Nothing is kept.
#[utoipa::path(post, path = "/api/v1/coupons/readings", tag = "venue",
    request_body(content = Vec<u8>, content_type = "image/*"), responses(
    (status = 200, description = "Read, or an honest no with the reason", body = ReadingBody),
    (status = 422, description = "Not a picture, or too large a one"),
))]
pub(super) async fn read(
    _: State<App>,
    me: Me,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<ReadingBody>, Problem> {
    me.venue(Action::ReadCoupon)?;
    let bytes = body.map_err(|refused| unread(&refused))?;
    let reading = photos::read(bytes)
        .await?
        .map_err(|refusal| picture_problem(&refusal))?;
    Ok(Json(ReadingBody::from(&reading)))
}

/// For which dose to ask.
#[derive(Deserialize, IntoParams)]
pub(super) struct CheckParams {
    /// The day, `YYYY-MM-DD`; today if left out.
    given_on: Option<String>,
    /// The product's key.
    product: String,
    /// The lot.
    lot: Option<String>,
}

/// What a registration would be answered.
#[derive(Serialize, ToSchema)]
pub struct CheckBody {
    /// The 18 digits.
    digits: String,
    /// The coupon's municipality, as its name.
    municipality: Option<String>,
    /// As in a receipt.
    #[schema(value_type = String)]
    answer: Answer,
    /// As in a receipt.
    #[schema(value_type = String)]
    standing: Standing,
    /// As in a receipt.
    #[schema(value_type = Vec<Object>)]
    findings: Vec<Finding>,
}

/// What a registration of this coupon would be answered now; nothing is recorded.
#[utoipa::path(get, path = "/api/v1/coupons/{digits}/check", params(("digits" = String, Path), CheckParams),
    tag = "venue", responses(
    (status = 200, body = CheckBody), (status = 422, description = "Not 18 digits, or a wrong check digit"),
))]
pub(super) async fn check(
    State(app): State<App>,
    me: Me,
    Path(digits): Path<String>,
    Params(params): Params<CheckParams>,
) -> Result<Json<CheckBody>, Problem> {
    let permit = me.venue(Action::ReadCoupon)?;
    let mut fields = Fields::new();
    let line = fields.line("digits", &digits);
    let given_on = fields.day_or_none("given_on", params.given_on.as_deref());
    let product = fields.product(&params.product);
    let lot = fields.lot(params.lot.as_deref().unwrap_or_default());
    fields.done()?;
    let line = line.ok_or_else(Problem::internal)?;
    if line.coupon().is_err() {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "coupon_check_digit",
        ));
    }
    let facts = Facts {
        doctor: String::new(),
        given_on: given_on.unwrap_or(app.today()),
        line,
        lot,
        product,
        turn: line.turn_digit(),
        venue: permit.venue(),
        venue_name: String::new(),
    };
    let (verdict, route) = store::recorder::preview(&app.db, &permit, facts, app.today()).await?;
    let municipality = match route {
        Route::Coupon { city, .. } => Places::bundled().any(city).map(|place| place.name.clone()),
        Route::Astray { .. } => None,
    };
    Ok(Json(CheckBody {
        digits: line.as_str().to_owned(),
        municipality,
        answer: verdict.answer,
        standing: verdict.standing,
        findings: verdict.findings,
    }))
}
