//! The check before the shot (接種前チェック) over the API: what a tablet asks at reception.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::access::Action;
use domain::calendar::Day;
use domain::checks::{Check, Colour, Due, Earlier, Reason};
use domain::doses::{Answer, Facts, Route, Standing};
use domain::findings::{Finding, FindingCode};
use domain::lots::LotState;
use domain::places::Places;
use serde::{Deserialize, Serialize};
use store::checks::{Asked, Asking, ask};
use utoipa::ToSchema;

use crate::api::fields::Fields;
use crate::pages::records::Found;
use crate::state::App;
use crate::web::body::ApiJson;
use crate::web::locale::{Locale, Texts};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new().post("/api/v1/checks", Guard::May(Action::ReadCoupon), check)
}

/// A dose that nobody has given yet.
#[derive(Deserialize, ToSchema)]
pub struct QuestionBody {
    /// The 18 digits of the coupon.
    #[schema(example = "211310160000012345")]
    coupon: String,
    /// The day, `YYYY-MM-DD`; today if left out.
    given_on: Option<String>,
    /// The product's key.
    #[schema(example = "comirnaty_12_mono")]
    product: String,
    /// The lot.
    lot: Option<String>,
    /// The last day printed on the seal, if it was read: for lots that the register does not know.
    printed_expiry: Option<String>,
}

/// Whether the dose may be given, and what recording it would be answered.
#[derive(Serialize, ToSchema)]
pub struct CheckBody {
    /// The 18 digits.
    digits: String,
    /// The coupon's municipality, as its name; none if the digits lead nowhere.
    municipality: Option<String>,
    /// `green`: nothing speaks against it; `amber`: ask or look first; `red`: do not give it.
    /// Recording stays possible whatever the colour.
    #[schema(value_type = String, example = "green")]
    colour: Colour,
    /// Why, the worst first.
    reasons: Vec<ReasonBody>,
    /// The first day on which it would not be too early, `YYYY-MM-DD`.
    #[schema(value_type = Option<String>)]
    earliest: Option<Day>,
    /// Which dose this would be, counted through.
    turn: u8,
    /// What is due by the doses known; none if nobody is registered under the coupon.
    due: Option<DueBody>,
    /// The doses that count, without any place.
    given: Vec<EarlierBody>,
    /// The person's age in full years on the day; none of people under protection.
    age_years: Option<i64>,
    /// How the lot stands.
    lot: LotBody,
    /// What a registration would be answered, as in a receipt.
    #[schema(value_type = String, example = "normal")]
    answer: Answer,
    /// How the record would stand.
    #[schema(value_type = String, example = "counted")]
    standing: Standing,
}

/// A reason in words.
#[derive(Serialize, ToSchema)]
pub struct ReasonBody {
    /// As in the findings of a record.
    #[schema(value_type = String, example = "too_soon")]
    code: FindingCode,
    /// The day to act on.
    #[schema(value_type = Option<String>)]
    day: Option<Day>,
    /// How it colours the answer.
    #[schema(value_type = String, example = "red")]
    colour: Colour,
    /// What was found, in Japanese.
    ja: String,
    /// What was found, in English.
    en: String,
}

/// What is due.
#[derive(Serialize, ToSchema)]
pub struct DueBody {
    /// `due`, `later`, `overdue`, `complete`, `aged_out`, `ended`, `not_eligible`, `contraindicated`.
    #[schema(example = "due")]
    status: &'static str,
    /// Which dose, counted through.
    turn: Option<u8>,
    /// The first day on which it can be given.
    #[schema(value_type = Option<String>)]
    earliest: Option<Day>,
    /// The products that can be given then.
    products: Vec<String>,
}

/// A dose the person has.
#[derive(Serialize, ToSchema)]
pub struct EarlierBody {
    /// Which dose.
    turn: u8,
    /// The day.
    #[schema(value_type = String)]
    given_on: Day,
    /// The product's key.
    product: String,
}

/// How a lot stands on the day.
#[derive(Serialize, ToSchema)]
pub struct LotBody {
    /// `good`, `unknown` (nobody entered it), `expired`, `recalled`, `quarantined` (the venue's own vials were too warm
    /// or too cold, and nobody has decided yet).
    #[schema(example = "good")]
    state: &'static str,
    /// Its last day, extensions included, where that is known.
    #[schema(value_type = Option<String>)]
    last_day: Option<Day>,
    /// Since when it must not be given.
    #[schema(value_type = Option<String>)]
    recalled_since: Option<Day>,
    /// Why.
    recall_reason: Option<String>,
    /// Since when vials of it wait for a decision at this venue.
    #[schema(value_type = Option<String>)]
    quarantined_since: Option<Day>,
}

impl From<LotState> for LotBody {
    fn from(state: LotState) -> Self {
        let word = state.as_str();
        let quarantined_since = match &state {
            LotState::Quarantined(quarantine) => Some(quarantine.since),
            _ => None,
        };
        let (last_day, recall) = match state {
            LotState::Good { last_day } | LotState::Expired { last_day } => (Some(last_day), None),
            LotState::Unknown => (None, None),
            LotState::Recalled(recall) => (None, Some(recall)),
            LotState::Quarantined(_) => (None, None),
        };
        Self {
            state: word,
            last_day,
            recalled_since: recall.as_ref().map(|recall| recall.since),
            recall_reason: recall.map(|recall| recall.reason),
            quarantined_since,
        }
    }
}

impl From<Due> for DueBody {
    fn from(due: Due) -> Self {
        Self {
            status: due.status.as_str(),
            turn: due.turn,
            earliest: due.earliest,
            products: due.products,
        }
    }
}

impl From<Earlier> for EarlierBody {
    fn from(earlier: Earlier) -> Self {
        let Earlier {
            turn,
            given_on,
            product,
        } = earlier;
        Self {
            turn,
            given_on,
            product,
        }
    }
}

impl From<&Reason> for ReasonBody {
    fn from(reason: &Reason) -> Self {
        let Finding { code, day } = reason.finding;
        let words = |locale| Found::of(&reason.finding, Texts::new(locale)).text;
        Self {
            code,
            day,
            colour: reason.colour,
            ja: words(Locale::Ja),
            en: words(Locale::En),
        }
    }
}

impl CheckBody {
    fn of(digits: String, asked: Asked) -> Self {
        let municipality = match asked.route {
            Route::Coupon { city, .. } => {
                let place = Places::bundled().any(city);
                place.map(|place| place.name.clone())
            }
            Route::Astray { .. } => None,
        };
        let Check {
            colour,
            reasons,
            earliest,
            due,
            given,
            age_years,
            lot,
            verdict,
        } = asked.check;
        Self {
            digits,
            municipality,
            colour,
            reasons: reasons.iter().map(ReasonBody::from).collect(),
            earliest,
            turn: asked.turn,
            due: due.map(DueBody::from),
            given: given.into_iter().map(EarlierBody::from).collect(),
            age_years,
            lot: lot.into(),
            answer: verdict.answer,
            standing: verdict.standing,
        }
    }
}

/// Ask before the shot. The look is in the access log of the coupon's city; nothing is recorded, and
/// recording stays possible whatever the answer.
#[utoipa::path(post, path = "/api/v1/checks", request_body = QuestionBody, tag = "venue", responses(
    (status = 200, body = CheckBody), (status = 422, description = "Not 18 digits, or a wrong check digit"),
))]
pub(super) async fn check(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<QuestionBody>,
) -> Result<Json<CheckBody>, Problem> {
    let permit = me.venue(Action::ReadCoupon)?;
    let mut fields = Fields::new();
    let line = fields.line("coupon", &body.coupon);
    let given_on = fields.day_or_none("given_on", body.given_on.as_deref());
    let product = fields.product(&body.product);
    let lot = fields.lot(body.lot.as_deref().unwrap_or_default());
    let printed = fields.day_or_none("printed_expiry", body.printed_expiry.as_deref());
    fields.done()?;
    let line = line.ok_or_else(Problem::internal)?;
    if line.coupon().is_err() {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "coupon_check_digit",
        ));
    }
    let asking = Asking {
        id: app.fresh_id(),
        at: app.now(),
        facts: Facts {
            doctor: String::new(),
            given_on: given_on.unwrap_or(app.today()),
            line,
            lot,
            product,
            turn: line.turn_digit(),
            venue: permit.venue(),
            venue_name: String::new(),
        },
        printed,
    };
    let asked = ask(&app.db, &permit, &asking).await?;
    Ok(Json(CheckBody::of(line.as_str().to_owned(), asked)))
}
