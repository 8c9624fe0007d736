//! The venue's day over the API: who waits, what was recorded of each lot, and the closing (閉場).

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::calendar::{Day, Instant};
use domain::checks::Colour;
use domain::closings::{Difference, LINES_MAX, Line, LineRefusal, Purpose, Reason, doses_per_vial};
use domain::doses::Standing;
use domain::opening_days::{OpeningDays, Weekdays};
use serde::{Deserialize, Serialize};
use store::closings::{Closed, Closing, latest, sums, waiting};
use store::doses::count_of_venue;
use store::opening_days::Told;
use utoipa::{IntoParams, ToSchema};

use crate::api::fields::Fields;
use crate::pages::venue_days::refusal_text;
use crate::state::App;
use crate::web::body::{ApiJson, Params};
use crate::web::locale::{Locale, Texts};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new()
        .get("/api/v1/venue-day", Guard::May(Action::SeeVenueDay), day)
        .post(
            "/api/v1/venue-day/closings",
            Guard::May(Action::CloseDay),
            close,
        )
        .get(
            "/api/v1/venue-day/opening-days",
            Guard::May(Action::SeeVenueDay),
            opening_days,
        )
        .post(
            "/api/v1/venue-day/opening-days",
            Guard::May(Action::SetDay),
            tell_opening_days,
        )
}

/// The days on which the venue works, from a day on.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct OpeningDaysBody {
    /// From which day on, `YYYY-MM-DD`.
    #[schema(value_type = String, example = "2021-06-01")]
    valid_from: Day,
    /// Seven digits, Monday first: `1` for a day of the week on which the venue works.
    #[schema(value_type = String, example = "1111100")]
    weekdays: Weekdays,
    /// Days on which it works beside them, 100 at most.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    also: BTreeSet<Day>,
    /// Days on which it does not work all the same, 100 at most.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    not: BTreeSet<Day>,
}

/// What the venue told of its opening days (開設日), the latest first.
#[utoipa::path(get, path = "/api/v1/venue-day/opening-days", tag = "venue", responses(
    (status = 200, body = Vec<OpeningDaysBody>),
))]
pub(super) async fn opening_days(
    State(app): State<App>,
    me: Me,
) -> Result<Json<Vec<OpeningDaysBody>>, Problem> {
    let permit = me.venue(Action::SeeVenueDay)?;
    let told = store::opening_days::list(&app.db, &permit).await?;
    let told = told.into_iter().map(|one| OpeningDaysBody {
        valid_from: one.valid_from,
        weekdays: one.days.weekdays,
        also: one.days.also,
        not: one.days.not,
    });
    Ok(Json(told.collect()))
}

/// Tell on which days the venue works from a day on: a dose of any other day gets the finding `venue_closed`.
#[utoipa::path(post, path = "/api/v1/venue-day/opening-days", request_body = OpeningDaysBody, tag = "venue", responses(
    (status = 201, body = OpeningDaysBody), (status = 422, description = "A day is in both lists, or there are too many"),
))]
pub(super) async fn tell_opening_days(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<OpeningDaysBody>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::SetDay)?;
    let told = Told {
        valid_from: body.valid_from,
        days: OpeningDays {
            weekdays: body.weekdays,
            also: body.also.clone(),
            not: body.not.clone(),
        },
    };
    told.days
        .check()
        .map_err(|_| Problem::unprocessable("opening_days_refused"))?;
    store::opening_days::tell(&app.db, &permit, &told, (app.fresh_id(), app.now())).await?;
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Which day.
#[derive(Deserialize, IntoParams)]
pub(super) struct DayParams {
    /// The day, `YYYY-MM-DD`; today if left out.
    day: Option<String>,
}

/// A venue's day.
#[derive(Serialize, ToSchema)]
pub struct VenueDayBody {
    /// The day.
    #[schema(value_type = String)]
    day: Day,
    /// Records registered on the day, by how they stand.
    recorded: Vec<StandingCountBody>,
    /// People checked today without a dose recorded here yet, by the colour of the check.
    waiting: Vec<WaitingBody>,
    /// Doses given of each lot, by the ledgers.
    lots: Vec<LotSumBody>,
    /// How the day was closed last.
    closing: Option<ClosingBody>,
}

/// Records that stand alike.
#[derive(Serialize, ToSchema)]
pub struct StandingCountBody {
    /// How they stand.
    #[schema(value_type = String, example = "counted")]
    standing: Standing,
    /// How many.
    records: i64,
}

/// People who wait.
#[derive(Serialize, ToSchema)]
pub struct WaitingBody {
    /// What the check said.
    #[schema(value_type = String, example = "green")]
    colour: Colour,
    /// How many.
    people: i64,
}

/// A lot of the day.
#[derive(Serialize, ToSchema)]
pub struct LotSumBody {
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// `primary` or `booster`.
    #[schema(value_type = String, example = "primary")]
    purpose: Purpose,
    /// Doses recorded.
    doses: i64,
    /// Doses that one vial gives on the day; none if that is not known.
    doses_per_vial: Option<i64>,
}

/// A day as it was closed.
#[derive(Serialize, ToSchema)]
pub struct ClosingBody {
    /// One more each time it is closed again: send it as `seen`.
    revision: i64,
    /// When.
    #[schema(value_type = String)]
    at: Instant,
    /// The lots.
    lines: Vec<LineBody>,
}

/// One lot at the closing.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct LineBody {
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// `primary` or `booster`.
    #[schema(value_type = String, example = "primary")]
    purpose: Purpose,
    /// Vials opened.
    vials_opened: i64,
    /// Vials thrown away unopened.
    #[serde(default)]
    vials_discarded: i64,
    /// Doses recorded, as `GET /api/v1/venue-day` told them.
    doses_recorded: i64,
    /// Why doses drawn and doses recorded differ.
    #[serde(default)]
    differences: Vec<DifferenceBody>,
    /// What the reasons leave open.
    #[serde(default)]
    words: String,
}

/// Doses under one reason.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct DifferenceBody {
    /// `left_over`, `spoiled`, `not_drawn`, `not_recorded`, `other_fewer`, `drawn_more`, `other_vial`, `other_more`.
    #[schema(value_type = String, example = "left_over")]
    reason: Reason,
    /// How many.
    doses: i64,
}

impl From<Line> for LineBody {
    fn from(line: Line) -> Self {
        let differences = line.differences.into_iter();
        Self {
            product: line.product,
            lot: line.lot,
            purpose: line.purpose,
            vials_opened: line.vials_opened,
            vials_discarded: line.vials_discarded,
            doses_recorded: line.doses_recorded,
            differences: differences
                .map(|Difference { reason, doses }| DifferenceBody { reason, doses })
                .collect(),
            words: line.words,
        }
    }
}

impl From<LineBody> for Line {
    fn from(line: LineBody) -> Self {
        let differences = line.differences.into_iter();
        Self {
            product: line.product,
            lot: line.lot,
            purpose: line.purpose,
            vials_opened: line.vials_opened,
            vials_discarded: line.vials_discarded,
            doses_recorded: line.doses_recorded,
            differences: differences
                .map(|DifferenceBody { reason, doses }| Difference { reason, doses })
                .collect(),
            words: line.words,
        }
    }
}

impl From<Closing> for ClosingBody {
    fn from(closing: Closing) -> Self {
        Self {
            revision: closing.revision,
            at: closing.at,
            lines: closing.lines.into_iter().map(LineBody::from).collect(),
        }
    }
}

/// The venue's day: done, waiting, doses of each lot, and how it was closed.
#[utoipa::path(get, path = "/api/v1/venue-day", params(DayParams), tag = "venue", responses(
    (status = 200, body = VenueDayBody),
))]
pub(super) async fn day(
    State(app): State<App>,
    me: Me,
    Params(params): Params<DayParams>,
) -> Result<Json<VenueDayBody>, Problem> {
    let permit = me.venue(Action::SeeVenueDay)?;
    let mut fields = Fields::new();
    let day = fields.day_or_none("day", params.day.as_deref());
    fields.done()?;
    let day = day.unwrap_or(app.today());
    let recorded = count_of_venue(&app.db, &permit, day).await?.into_iter();
    let waiting = waiting(&app.db, &permit, day).await?.into_iter();
    let lots = sums(&app.db, &permit, day).await?.into_iter();
    Ok(Json(VenueDayBody {
        day,
        recorded: recorded
            .map(|(standing, records)| StandingCountBody { standing, records })
            .collect(),
        waiting: waiting
            .map(|(colour, people)| WaitingBody { colour, people })
            .collect(),
        lots: lots
            .map(|sum| LotSumBody {
                doses_per_vial: doses_per_vial(&sum.product, sum.purpose, day),
                product: sum.product,
                lot: sum.lot,
                purpose: sum.purpose,
                doses: sum.doses,
            })
            .collect(),
        closing: latest(&app.db, &permit, day).await?.map(ClosingBody::from),
    }))
}

/// A day to be closed.
#[derive(Deserialize, ToSchema)]
pub struct NewClosingBody {
    /// The day, `YYYY-MM-DD`.
    day: String,
    /// The `revision` of the closing that was seen; 0 if there was none.
    seen: i64,
    /// Every lot of the day.
    lines: Vec<LineBody>,
}

/// Close a day: the doses drawn from the opened vials are those recorded and those with a reason.
#[utoipa::path(post, path = "/api/v1/venue-day/closings", request_body = NewClosingBody, tag = "venue", responses(
    (status = 201, body = ClosingBody), (status = 409, description = "Records changed, or closed meanwhile"),
    (status = 422, description = "A line does not add up; `lines` tells which and why"),
))]
pub(super) async fn close(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<NewClosingBody>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::CloseDay)?;
    let mut fields = Fields::new();
    let day = fields.day("day", &body.day);
    fields.done()?;
    let day = day.ok_or_else(Problem::internal)?;
    if day > app.today() || body.lines.len() > LINES_MAX {
        return Err(Problem::unprocessable("form_shape"));
    }
    let lines: Vec<Line> = body.lines.into_iter().map(Line::from).collect();
    let refused: Vec<_> = lines
        .iter()
        .enumerate()
        .flat_map(|(at, line)| line.refusals(day).into_iter().map(move |one| told(at, one)))
        .collect();
    if !refused.is_empty() {
        return Err(Problem::unprocessable("closing_refused").member("lines", refused));
    }
    let at = app.now();
    let act = (app.fresh_id(), at);
    match store::closings::close(&app.db, &permit, day, &lines, body.seen, act).await? {
        Closed::As(revision) => {
            let lines = lines.into_iter().map(LineBody::from).collect();
            let closing = ClosingBody {
                revision,
                at,
                lines,
            };
            Ok((StatusCode::CREATED, Json(closing)).into_response())
        }
        Closed::RecordsChanged => Err(Problem::conflict("closing_records_changed")),
        Closed::ClosedMeanwhile => Err(Problem::conflict("closing_closed_meanwhile")),
    }
}

fn told(line: usize, refusal: LineRefusal) -> serde_json::Value {
    let words = |locale| refusal_text(refusal, Texts::new(locale));
    serde_json::json!({
        "line": line, "code": refusal.code(), "ja": words(Locale::Ja), "en": words(Locale::En),
    })
}
