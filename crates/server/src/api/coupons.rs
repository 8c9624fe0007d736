//! Coupons over the API: the digits out of a photo.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use domain::access::Action;
use domain::coupons::CouponLine;
use domain::places::Places;
use reader::{Outcome, PictureRefusal, Reading};
use serde::Serialize;
use utoipa::ToSchema;

use crate::pages::photos;
use crate::state::App;
use crate::web::body::unread;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new().post_up_to(
        photos::PHOTO_BYTES_MAX,
        "/api/v1/coupons/readings",
        Guard::May(Action::ReadCoupon),
        read,
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
