//! Inquiries about people who moved in, over the API: ask the other cities about one person, and see who
//! asked about one's own.

use axum::Json;
use axum::extract::State;
use domain::access::{Action, NumberPurpose};
use domain::calendar::{Day, Instant};
use domain::coupons::{CouponKind, CouponNumber};
use domain::inquiries::ToldDose;
use domain::people::{BirthDate, MyNumber};
use serde::{Deserialize, Serialize};
use store::inquiries::{AskedAbout, asked_about};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::api::fields::Fields;
use crate::api::records::API_PURPOSE;
use crate::pages::city::look;
use crate::pages::inquiries::{Whom, put};
use crate::state::App;
use crate::web::body::{ApiJson, Params};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new()
        .post("/api/v1/inquiries", Guard::May(Action::FindByNumber), ask)
        .get(
            "/api/v1/inquiries/asked",
            Guard::May(Action::SeePerson),
            asked,
        )
}

/// Whom to ask about: a resident by `number`, or `my_number` with `birth`.
#[derive(Deserialize, ToSchema)]
pub struct InquiryBody {
    /// `moved-in` or `own-request`.
    purpose: String,
    /// The coupon number of a resident of this city, whose Individual Number is kept.
    number: Option<String>,
    /// An Individual Number that was shown. It is neither kept nor told back.
    my_number: Option<String>,
    /// The birth date beside it, `YYYY-MM-DD`; an unknown day is `00`.
    birth: Option<String>,
}

/// A dose of another city.
#[derive(Serialize, ToSchema)]
pub struct InquiredDoseBody {
    /// Which dose it was.
    turn: u8,
    /// What the coupon was for: `dose`, `local`, `unknown`.
    #[schema(value_type = String)]
    kind: CouponKind,
    /// The day it was given.
    #[schema(value_type = String)]
    given_on: Day,
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// The city that has the record; absent for a protected person, like all that follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    municipality: Option<String>,
    /// The coupon number there.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    /// The venue.
    #[serde(skip_serializing_if = "Option::is_none")]
    venue_name: Option<String>,
    /// The doctor.
    #[serde(skip_serializing_if = "Option::is_none")]
    doctor: Option<String>,
}

impl From<ToldDose> for InquiredDoseBody {
    fn from(dose: ToldDose) -> Self {
        let place = dose.whereabouts;
        Self {
            turn: dose.turn,
            kind: dose.kind,
            given_on: dose.given_on,
            product: dose.product,
            lot: dose.lot,
            municipality: place.as_ref().map(|place| place.city.as_str().to_owned()),
            number: place.as_ref().map(|place| place.number.as_str().to_owned()),
            venue_name: place.as_ref().map(|place| place.venue_name.clone()),
            doctor: place.map(|place| place.doctor),
        }
    }
}

/// An answer.
#[derive(Serialize, ToSchema)]
pub struct AnswerBody {
    /// The inquiry's id.
    id: Uuid,
    /// The person's coupon number in this city, if in its register.
    number: Option<String>,
    /// Whether the person is protected (支援措置), and no place is told.
    withheld: bool,
    /// The doses of other cities, in order of the day.
    doses: Vec<InquiredDoseBody>,
}

/// Ask all other cities for somebody's doses. The inquiry is in the access logs of both cities.
#[utoipa::path(post, path = "/api/v1/inquiries", request_body = InquiryBody, tag = "city", responses(
    (status = 200, body = AnswerBody),
    (status = 409, description = "No key for Individual Numbers is configured"),
    (status = 422, description = "Whom to ask about cannot be read, is not registered, or no number is kept of them"),
))]
pub(super) async fn ask(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<InquiryBody>,
) -> Result<Json<AnswerBody>, Problem> {
    let mut fields = Fields::new();
    let purpose = fields.word("purpose", Some(&body.purpose), NumberPurpose::parse);
    fields.done()?;
    let purpose = purpose.ok_or_else(|| Problem::unprocessable("inquiry_purpose"))?;
    let answered = put(&app, &me, purpose, &whom(&body)?).await?;
    Ok(Json(AnswerBody {
        id: answered.id,
        number: answered.own.map(|number| number.as_str().to_owned()),
        withheld: answered.answer.is_withheld,
        doses: answered
            .answer
            .doses
            .into_iter()
            .map(InquiredDoseBody::from)
            .collect(),
    }))
}

fn whom(body: &InquiryBody) -> Result<Whom, Problem> {
    if let Some(number) = &body.number {
        let number = CouponNumber::parse(number);
        return number
            .map(Whom::Resident)
            .map_err(|_| Problem::unprocessable("inquiry_coupon_number"));
    }
    let number = MyNumber::parse(body.my_number.as_deref().unwrap_or_default())
        .map_err(|_| Problem::unprocessable("inquiry_my_number"))?;
    BirthDate::parse(body.birth.as_deref().unwrap_or_default())
        .map(|birth| Whom::Shown(Box::new(number), birth))
        .ok_or_else(|| Problem::unprocessable("inquiry_birth"))
}

/// Which of them to list.
#[derive(Deserialize, IntoParams)]
pub(super) struct AskedParams {
    /// The `id` of the last one of the answer before.
    before: Option<Uuid>,
}

/// That another city asked about a person of this one.
#[derive(Serialize, ToSchema)]
pub struct AskedBody {
    /// Its id.
    id: Uuid,
    /// When.
    #[schema(value_type = String)]
    at: Instant,
    /// The person's coupon number here.
    number: String,
    /// What for.
    purpose: &'static str,
    /// Whether it was asked by a file.
    by_file: bool,
    /// Doses that were told.
    doses: i64,
    /// The city that asked; absent for a protected person.
    #[serde(skip_serializing_if = "Option::is_none")]
    municipality: Option<String>,
}

impl From<AskedAbout> for AskedBody {
    fn from(asked: AskedAbout) -> Self {
        Self {
            id: asked.id,
            at: asked.at,
            number: asked.number.as_str().to_owned(),
            purpose: asked.purpose.as_str(),
            by_file: asked.by_file,
            doses: asked.doses,
            municipality: asked.asking.map(|(city, _)| city.as_str().to_owned()),
        }
    }
}

/// Other cities' inquiries about people of this one, newest first, 100 at a time.
#[utoipa::path(get, path = "/api/v1/inquiries/asked", params(AskedParams), tag = "city", responses(
    (status = 200, body = [AskedBody]),
))]
pub(super) async fn asked(
    State(app): State<App>,
    me: Me,
    Params(params): Params<AskedParams>,
) -> Result<Json<Vec<AskedBody>>, Problem> {
    let permit = me.city(Action::SeePerson)?;
    look(&app, &permit, None, "inquiries", API_PURPOSE).await?;
    let found = asked_about(&app.db, &permit, params.before).await?;
    Ok(Json(found.into_iter().map(AskedBody::from).collect()))
}
