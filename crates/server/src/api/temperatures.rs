//! The cold chain over the API: what loggers send, the excursions that follow, and what is decided.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::Action;
use domain::calendar::Instant;
use domain::cold_chain::{
    CoolerKind, Fate, Outcome, READING_DAYS_MAX, Temperature, minute, moment,
};
use domain::doses::REASON_LENGTH_MAX;
use domain::languages::both;
use domain::stock::{Goods, MOVEMENT_VIALS_MAX, NOTE_LENGTH_MAX};
use domain::venues::FacilityCode;
use serde::{Deserialize, Serialize};
use store::cold_chain::{self, Cooler, Decided, Deciding, Entered, ReadingTold, Told, Way, Word};
use store::stock::Act;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::api::fields::Fields;
use crate::api::stock::BookedBody;
use crate::state::App;
use crate::web::body::{ApiJson, Params};
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// A day in millionths of a second.
const MICROS_PER_DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// The routes of this file.
pub fn routes() -> Routes {
    let see = Guard::May(Action::SeeStock);
    let keep = Guard::May(Action::KeepStock);
    Routes::new()
        .get("/api/v1/coolers", see, coolers)
        .get("/api/v1/temperatures", see, readings)
        .post("/api/v1/temperatures", keep, enter)
        .get("/api/v1/excursions", see, excursions)
        .post("/api/v1/excursions/{excursion}/decisions", keep, decide)
}

/// A cooler (保冷庫) of the venue.
#[derive(Serialize, ToSchema)]
pub struct CoolerBody {
    /// Its id.
    id: Uuid,
    /// What the venue calls it.
    name: String,
    /// `deep_freezer`, `freezer` or `refrigerator`.
    #[schema(value_type = String)]
    kind: CoolerKind,
    /// The longest time between two readings that is expected, in minutes.
    every_minutes: i64,
    /// Whether it is in use.
    is_in_use: bool,
}

impl From<Cooler> for CoolerBody {
    fn from(one: Cooler) -> Self {
        Self {
            id: one.id,
            name: one.name,
            kind: one.kind,
            every_minutes: one.every_minutes,
            is_in_use: one.is_in_use,
        }
    }
}

/// Coolers.
#[derive(Serialize, ToSchema)]
pub struct CoolerList {
    /// Those in use first.
    items: Vec<CoolerBody>,
}

/// The venue's coolers.
#[utoipa::path(get, path = "/api/v1/coolers", tag = "stock", responses((status = 200, body = CoolerList)))]
pub(super) async fn coolers(State(app): State<App>, me: Me) -> Result<Json<CoolerList>, Problem> {
    let permit = me.venue(Action::SeeStock)?;
    let coolers = cold_chain::coolers(&app.db, &permit).await?;
    Ok(Json(CoolerList {
        items: coolers.into_iter().map(CoolerBody::from).collect(),
    }))
}

/// A word about a minute of a cooler.
#[derive(Serialize, ToSchema)]
pub struct TemperatureBody {
    /// The cooler.
    cooler: Uuid,
    /// When it was read, to the minute.
    #[schema(value_type = String)]
    at: Instant,
    /// Which word of this minute it is, from 1.
    revision: i64,
    /// Whether it holds: no later word corrects it.
    is_holding: bool,
    /// Tenths of a degree Celsius; none if the reading was taken back.
    #[schema(value_type = Option<i64>, example = -752)]
    tenths: Option<Temperature>,
    /// Whether the cooler was too warm or too cold.
    is_outside: bool,
    /// `page`, `file` or `api`.
    way: &'static str,
    /// Why it corrects the one before.
    reason: String,
    /// When it was entered.
    #[schema(value_type = String)]
    entered: Instant,
    /// By whom.
    by: String,
}

impl From<ReadingTold> for TemperatureBody {
    fn from(one: ReadingTold) -> Self {
        Self {
            cooler: one.cooler,
            at: one.at,
            revision: one.revision,
            is_holding: one.is_holding,
            tenths: one.temperature,
            is_outside: one.is_outside,
            way: one.way.as_str(),
            reason: one.reason,
            entered: one.entered,
            by: one.by,
        }
    }
}

/// Readings.
#[derive(Serialize, ToSchema)]
pub struct TemperatureList {
    /// The newest first, at most 1,000; corrected ones too.
    items: Vec<TemperatureBody>,
}

/// Since when.
#[derive(Deserialize, IntoParams)]
pub(super) struct SinceParams {
    /// As RFC 3339 writes it; the last day if left out.
    since: Option<String>,
}

/// What was read off the venue's coolers.
#[utoipa::path(get, path = "/api/v1/temperatures", params(SinceParams), tag = "stock", responses(
    (status = 200, body = TemperatureList), (status = 422, description = "A field cannot be read"),
))]
pub(super) async fn readings(
    State(app): State<App>,
    me: Me,
    Params(params): Params<SinceParams>,
) -> Result<Json<TemperatureList>, Problem> {
    let permit = me.venue(Action::SeeStock)?;
    let now = app.now();
    let mut fields = Fields::new();
    let since = fields.moment("since", params.since.as_deref(), now, false);
    fields.done()?;
    let since = since.unwrap_or_else(|| Instant::from_micros(now.micros() - MICROS_PER_DAY));
    let told = cold_chain::told_since(&app.db, &permit, since).await?;
    Ok(Json(TemperatureList {
        items: told.into_iter().map(TemperatureBody::from).collect(),
    }))
}

/// A reading, or a correction of one.
#[derive(Deserialize, ToSchema)]
pub struct NewTemperatureBody {
    /// Made by the sender before sending: a UUID of version 7.
    id: Uuid,
    /// The cooler.
    cooler: Uuid,
    /// When it was read, as RFC 3339 writes it; kept to the minute.
    at: String,
    /// Tenths of a degree Celsius; left out only to take a reading back.
    #[schema(example = -752)]
    tenths: Option<i64>,
    /// Which word of the minute this corrects; left out for a new reading.
    corrects: Option<i64>,
    /// Why; needed to correct.
    #[serde(default)]
    reason: String,
}

/// What became of a reading.
#[derive(Serialize, ToSchema)]
pub struct TemperatureEnteredBody {
    /// The id that was sent.
    id: Uuid,
    /// Whether the same had been entered before.
    replayed: bool,
    /// Whether the cooler was too warm or too cold: then an excursion is open.
    is_outside: bool,
}

fn word_of(fields: &mut Fields, body: &NewTemperatureBody, now: Instant) -> Option<Word> {
    let at = fields.moment("at", Some(&body.at), now, true);
    let oldest = now.micros() - READING_DAYS_MAX * MICROS_PER_DAY;
    if at.is_some_and(|at| at.micros() < oldest) {
        let ja = format!("{READING_DAYS_MAX}日より前の記録は登録できません。");
        let en = format!("A reading of more than {READING_DAYS_MAX} days ago cannot be entered.");
        fields.refused("at", "too_long_ago", (&ja, &en));
    }
    let temperature = match body.tenths.map(Temperature::of_tenths).transpose() {
        Ok(temperature) => temperature,
        Err(refusal) => {
            let words = refusal.to_string();
            fields.refused("tenths", refusal.code(), both(&words));
            None
        }
    };
    if body.tenths.is_none() && body.corrects.is_none() {
        fields.needed_word::<()>("tenths", None, |_| None);
    }
    let corrects = body.corrects.map(|seen| {
        let reason = fields.words("reason", &body.reason, REASON_LENGTH_MAX);
        (seen, reason)
    });
    Some(Word {
        cooler: body.cooler,
        at: moment(minute(at?)),
        temperature,
        corrects,
    })
}

/// Enter a reading (温度記録). Another value for a minute that has one is refused, never written over: correct it by
/// naming the word you correct.
#[utoipa::path(post, path = "/api/v1/temperatures", request_body = NewTemperatureBody, tag = "stock", responses(
    (status = 201, body = TemperatureEnteredBody), (status = 200, description = "It was entered before", body = TemperatureEnteredBody),
    (status = 404, description = "No such cooler of this venue, or nothing to correct"),
    (status = 409, description = "The minute has another reading (`kept`, `revision`), or the id was used for something else"),
    (status = 422, description = "A field cannot be read"),
))]
pub(super) async fn enter(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<NewTemperatureBody>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let now = app.now();
    let mut fields = Fields::new();
    let id = fields.id("id", body.id);
    let word = word_of(&mut fields, &body, now);
    fields.done()?;
    let word = word.ok_or_else(Problem::internal)?;
    let act = Act { id, at: now };
    let (status, replayed, is_outside) =
        match cold_chain::enter(&app.db, &permit, &word, Way::Api, act).await? {
            Entered::Now { is_outside } => (StatusCode::CREATED, false, is_outside),
            Entered::Before => {
                let cooler = cold_chain::coolers(&app.db, &permit).await?;
                let cooler = cooler.into_iter().find(|one| one.id == word.cooler);
                let is_outside =
                    cooler
                        .zip(word.temperature)
                        .is_some_and(|(cooler, temperature)| {
                            let at = word.at;
                            let reading = domain::cold_chain::Reading { at, temperature };
                            domain::cold_chain::is_outside(cooler.kind, reading)
                        });
                (StatusCode::OK, true, is_outside)
            }
            Entered::OtherContent => return Err(Problem::conflict("stock_sent_otherwise")),
            Entered::Differs(kept) => {
                return Err(Problem::conflict("reading_differs")
                    .member("kept", kept.temperature.map(Temperature::tenths))
                    .member("revision", kept.revision));
            }
            Entered::NotFound => return Err(Problem::not_found()),
        };
    let body = TemperatureEnteredBody {
        id,
        replayed,
        is_outside,
    };
    Ok((status, Json(body)).into_response())
}

/// What became of the vials of a lot.
#[derive(Serialize, ToSchema)]
pub struct FateBody {
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// Stood in the cooler: the sum of the others.
    stood: i64,
    /// In quarantine: wait for a decision.
    undecided: i64,
    /// Given, opened, sent or lost before anybody decided.
    gone: i64,
    /// May be used.
    kept: i64,
    /// Thrown away.
    discarded: i64,
    /// Brought to another venue.
    rescued: i64,
}

impl FateBody {
    fn of((goods, fate): (&Goods, &Fate)) -> Self {
        Self {
            product: goods.product.clone(),
            lot: goods.lot.clone(),
            stood: fate.stood,
            undecided: fate.undecided,
            gone: fate.gone,
            kept: fate.kept,
            discarded: fate.discarded,
            rescued: fate.rescued,
        }
    }
}

/// A time in which a cooler was too warm or too cold (温度逸脱).
#[derive(Serialize, ToSchema)]
pub struct ExcursionBody {
    /// Its id.
    id: Uuid,
    /// The cooler.
    cooler: Uuid,
    /// The last reading within range before it: since when it may have been.
    #[schema(value_type = String)]
    since: Instant,
    /// The first reading outside.
    #[schema(value_type = String)]
    first: Instant,
    /// The last reading outside.
    #[schema(value_type = String)]
    last: Instant,
    /// The first reading within range after it; none while it lasts.
    #[schema(value_type = Option<String>)]
    over: Option<Instant>,
    /// Tenths of a degree.
    #[schema(value_type = i64)]
    lowest: Temperature,
    /// Tenths of a degree.
    #[schema(value_type = i64)]
    highest: Temperature,
    /// What became of the vials of each lot that stood there.
    lots: Vec<FateBody>,
}

impl From<Told> for ExcursionBody {
    fn from(one: Told) -> Self {
        let excursion = one.listed.excursion;
        Self {
            id: one.listed.id,
            cooler: one.listed.cooler,
            since: excursion.since,
            first: excursion.first,
            last: excursion.last,
            over: excursion.over,
            lowest: excursion.lowest,
            highest: excursion.highest,
            lots: one.fates.iter().map(FateBody::of).collect(),
        }
    }
}

/// Excursions.
#[derive(Serialize, ToSchema)]
pub struct ExcursionList {
    /// The oldest first.
    items: Vec<ExcursionBody>,
}

/// The venue's excursions that last, or with vials that wait for a decision.
#[utoipa::path(get, path = "/api/v1/excursions", tag = "stock", responses((status = 200, body = ExcursionList)))]
pub(super) async fn excursions(
    State(app): State<App>,
    me: Me,
) -> Result<Json<ExcursionList>, Problem> {
    let permit = me.venue(Action::SeeStock)?;
    let open = cold_chain::open(&app.db, &permit, app.now()).await?;
    Ok(Json(ExcursionList {
        items: open.into_iter().map(ExcursionBody::from).collect(),
    }))
}

/// A decision about vials in quarantine.
#[derive(Deserialize, ToSchema)]
pub struct NewExcursionDecisionBody {
    /// Made by the sender before sending: a UUID of version 7.
    id: Uuid,
    /// The product's key.
    product: String,
    /// The lot.
    lot: String,
    /// `kept`, `discarded` or `rescued`.
    outcome: String,
    /// About how many vials.
    vials: i64,
    /// How many waited when you looked, as `GET /api/v1/excursions` tells it.
    seen: i64,
    /// The ten digits of the venue they are brought to; needed for `rescued`.
    facility: Option<String>,
    /// When thawed vials that are brought elsewhere left the freezer.
    began: Option<String>,
    /// Why, and who was asked.
    reason: String,
}

/// Decide about vials in quarantine (隔離): what is thrown away or brought elsewhere leaves the shelf at once.
#[utoipa::path(post, path = "/api/v1/excursions/{excursion}/decisions", request_body = NewExcursionDecisionBody, tag = "stock", responses(
    (status = 201, body = BookedBody), (status = 200, description = "It was decided before", body = BookedBody),
    (status = 404, description = "No such excursion of this venue"),
    (status = 409, description = "Other vials wait by now (`vials`), or the id was used for something else"),
    (status = 422, description = "A field cannot be read, or it cannot be decided so (`reason`: `vials`, `not_over`, `no_venue`)"),
))]
pub(super) async fn decide(
    State(app): State<App>,
    me: Me,
    Path(excursion): Path<Uuid>,
    ApiJson(body): ApiJson<NewExcursionDecisionBody>,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let now = app.now();
    let mut fields = Fields::new();
    let id = fields.id("id", body.id);
    let product = fields.known_product(&body.product);
    let lot = fields.printed_lot(&body.lot);
    let vials = fields.vials("vials", body.vials, (1, MOVEMENT_VIALS_MAX));
    let outcome = fields.needed_word("outcome", Some(&body.outcome), Outcome::parse);
    let code = |text: &str| FacilityCode::parse(text).ok();
    let facility = if outcome == Some(Outcome::Rescued) {
        fields.needed_word("facility", body.facility.as_deref(), code)
    } else {
        None
    };
    let began = fields.moment("began", body.began.as_deref(), now, false);
    let reason = fields.words("reason", &body.reason, NOTE_LENGTH_MAX);
    fields.done()?;
    let (Some(product), Some(lot), Some(outcome)) = (product, lot, outcome) else {
        return Err(Problem::internal());
    };
    let deciding = Deciding {
        excursion,
        goods: Goods {
            product: product.to_string(),
            lot: lot.to_string(),
        },
        outcome,
        vials,
        seen: body.seen,
        facility,
        began,
        reason,
    };
    let act = (app.fresh_id(), Act { id, at: now });
    let refused = |reason: &'static str| {
        Err(Problem::unprocessable("excursion_refused").member("reason", reason))
    };
    let (status, replayed) = match cold_chain::decide(&app.db, &permit, &deciding, act).await? {
        Decided::Now => (StatusCode::CREATED, false),
        Decided::Before => (StatusCode::OK, true),
        Decided::OtherContent => return Err(Problem::conflict("stock_sent_otherwise")),
        Decided::Changed(vials) => {
            return Err(Problem::conflict("excursion_changed")
                .arg("vials", vials)
                .member("vials", vials));
        }
        Decided::Vials => return refused("vials"),
        Decided::NotOver => return refused("not_over"),
        Decided::NoVenue => return refused("no_venue"),
        Decided::NotFound => return Err(Problem::not_found()),
    };
    Ok((status, Json(BookedBody { id, replayed })).into_response())
}

#[cfg(test)]
#[path = "temperatures_tests.rs"]
mod tests;
