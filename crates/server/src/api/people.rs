//! People over the API: whoever a number, a birth date or the beginning of a name leads to.

use axum::Json;
use axum::extract::State;
use domain::access::Action;
use domain::people::{Question, is_reading};
use domain::schedules::{Next, Schedules};
use serde::{Deserialize, Serialize};
use store::people::{After, Found, search};
use store::residents::Resident;
use utoipa::{IntoParams, ToSchema};

use crate::api::records::API_PURPOSE;
use crate::pages::city::look;
use crate::pages::people::question_problem;
use crate::state::App;
use crate::web::body::Params;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// People in one answer unless the caller asks for fewer.
const LIST_LENGTH: i64 = 50;

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new().get("/api/v1/persons", Guard::May(Action::SeePerson), list)
}

/// Who is looked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchParams {
    /// A coupon number (10 or 18 digits), the city's number, a birth date of either calendar, how a
    /// name begins, or a name and a birth date: as in the search box of the desk.
    q: Option<String>,
    /// `key` of the `next` of the answer before.
    after_key: Option<String>,
    /// `resident_no` of the `next` of the answer before.
    after_no: Option<String>,
    /// How many at most.
    limit: Option<i64>,
}

/// How the question was understood; what is absent was not asked for.
#[derive(Serialize, ToSchema)]
pub struct UnderstoodBody {
    /// The coupon number.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    /// The city of the 18 digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    municipality: Option<String>,
    /// The city's own number.
    #[serde(skip_serializing_if = "Option::is_none")]
    resident_no: Option<String>,
    /// The birth date, `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    birth: Option<String>,
    /// How the name begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Whether the name is compared by its sound.
    by_sound: bool,
}

impl From<&Question> for UnderstoodBody {
    fn from(question: &Question) -> Self {
        Self {
            number: question.coupon.map(|one| one.as_str().to_owned()),
            municipality: question.coupon_city.map(|code| code.to_string()),
            resident_no: question.resident_no.clone(),
            birth: question.birth.map(|birth| birth.iso()),
            by_sound: question.name.as_deref().is_some_and(is_reading),
            name: question.name.clone(),
        }
    }
}

/// A person of the list. Of a protected one (支援措置) it is told that they are one, and no more.
#[derive(Serialize, ToSchema)]
pub struct FoundPersonBody {
    /// The coupon number in force.
    number: String,
    /// Whether the person is protected from being looked up.
    protected: bool,
    /// The city's own number.
    #[serde(skip_serializing_if = "Option::is_none")]
    resident_no: Option<String>,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Its kana.
    #[serde(skip_serializing_if = "Option::is_none")]
    kana: Option<String>,
    /// Birth date; an unknown month or day is `00`.
    #[serde(skip_serializing_if = "Option::is_none")]
    birth: Option<String>,
    /// `M`, `F`, `U`.
    #[serde(skip_serializing_if = "Option::is_none")]
    sex: Option<&'static str>,
    /// `resident`, `moved_out`, `dead`, `removed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    standing: Option<&'static str>,
}

impl From<Resident> for FoundPersonBody {
    fn from(resident: Resident) -> Self {
        let is_open = !resident.protected;
        Self {
            number: resident.number.as_str().to_owned(),
            protected: resident.protected,
            birth: is_open.then(|| resident.birth.iso()),
            sex: is_open.then(|| resident.sex.open_data()),
            standing: is_open.then(|| resident.standing.as_str()),
            resident_no: is_open.then_some(resident.resident_no),
            name: is_open.then_some(resident.name),
            kana: is_open.then_some(resident.kana),
        }
    }
}

/// Where the next answer begins.
#[derive(Serialize, ToSchema)]
pub struct AfterBody {
    /// Pass it as `after_key`.
    key: String,
    /// Pass it as `after_no`.
    resident_no: String,
}

/// Who was found.
#[derive(Serialize, ToSchema)]
pub struct FoundList {
    /// How the question was understood.
    understood: UnderstoodBody,
    /// Those of a number, then those of a name or birth date in the order of their names.
    people: Vec<FoundPersonBody>,
    /// Where to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<AfterBody>,
}

/// Find people of this city. Protected people are found by number alone. The search is written to the
/// access log.
#[utoipa::path(get, path = "/api/v1/persons", params(SearchParams), tag = "city", responses(
    (status = 200, body = FoundList), (status = 422, description = "What was asked cannot be looked for"),
))]
pub(super) async fn list(
    State(app): State<App>,
    me: Me,
    Params(params): Params<SearchParams>,
) -> Result<Json<FoundList>, Problem> {
    let permit = me.city(Action::SeePerson)?;
    let question =
        Question::read(params.q.as_deref().unwrap_or_default()).map_err(question_problem)?;
    let after = params.after_no.map(|resident_no| After {
        key: params.after_key.unwrap_or_default(),
        resident_no,
    });
    let limit = params.limit.unwrap_or(LIST_LENGTH).clamp(1, LIST_LENGTH);
    look(&app, &permit, None, "search", API_PURPOSE).await?;
    let Found { by_number, by_name } =
        search(&app.db, &permit, &question, after.as_ref(), limit).await?;
    let people = by_number.into_iter().chain(by_name.items);
    Ok(Json(FoundList {
        understood: UnderstoodBody::from(&question),
        people: people.map(FoundPersonBody::from).collect(),
        next: by_name
            .next
            .map(|After { key, resident_no }| AfterBody { key, resident_no }),
    }))
}

/// The next dose of a series, as of today.
#[derive(Serialize, ToSchema)]
pub struct NextBody {
    /// The series.
    series: &'static str,
    /// `due`, `later`, `overdue`, `complete`, `aged_out`, `ended`, `not_eligible`, `contraindicated`.
    status: &'static str,
    /// The programme, if there is a dose to come.
    programme: Option<&'static str>,
    /// Which dose of it.
    turn: Option<u8>,
    /// The products possible.
    products: Vec<&'static str>,
    /// The first day it can be given.
    earliest: Option<String>,
    /// The day it is recommended.
    recommended: Option<String>,
    /// The first day on which it is late.
    overdue: Option<String>,
    /// The last day it can be given.
    latest: Option<String>,
}

impl From<&Next<'static>> for NextBody {
    fn from(next: &Next<'static>) -> Self {
        let dose = next.dose.as_ref();
        let products = dose.map(|dose| dose.products.iter());
        Self {
            series: next.series,
            status: next.status.as_str(),
            programme: dose.map(|dose| dose.programme),
            turn: dose.map(|dose| dose.turn),
            products: products
                .into_iter()
                .flatten()
                .map(|id| Schedules::covid19().product_key(*id))
                .collect(),
            earliest: dose.map(|dose| dose.earliest.to_string()),
            recommended: dose.map(|dose| dose.recommended.to_string()),
            overdue: dose
                .and_then(|dose| dose.overdue)
                .map(|day| day.to_string()),
            latest: dose.and_then(|dose| dose.latest).map(|day| day.to_string()),
        }
    }
}
