//! Supplies, cycles, requests and allocations over the API, and the proposal as a pure function.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, Place};
use domain::allocation::{Plan, Proposal, Proposed, Refusal};
use domain::calendar::{Day, Instant};
use domain::cycles::{Act, CycleRefusal, Draft, REASON_LENGTH_MAX, Terms, UNITS_MAX};
use domain::places::{MunicipalityCode, Prefecture};
use domain::vaccines::{Lot, ProductKey};
use serde::{Deserialize, Serialize};
use store::allocations::{Asked, Published, Request};
use store::cycles::{Cycle, Kept, Reopening};
use store::supplies::{self, Supply, Told};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::fields::Fields;
use crate::pages::allocation_desk::{self, Desk, desk};
use crate::pages::allocation_reasons::reasons;
use crate::pages::contracts::no_contract_problem;
use crate::state::App;
use crate::web::body::ApiJson;
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// A plan of 70,000 venues with all figures has a third of this.
const PLAN_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The routes of this file.
pub fn routes() -> Routes {
    let see = Guard::May(Action::SeeAllocations);
    let allocate = Guard::May(Action::Allocate);
    let supply = Guard::May(Action::KeepSupply);
    Routes::new()
        .post_up_to(
            PLAN_BYTES_MAX,
            "/api/v1/allocations/proposals",
            see,
            propose,
        )
        .get("/api/v1/supplies", supply, supply_list)
        .post("/api/v1/supplies", supply, tell_supply)
        .get("/api/v1/cycles", see, cycle_list)
        .put(
            "/api/v1/cycles/{id}",
            Guard::May(Action::KeepCycles),
            keep_cycle,
        )
        .post(
            "/api/v1/cycles/{id}/requests",
            Guard::May(Action::RequestUnits),
            ask,
        )
        .get("/api/v1/cycles/{id}/received", see, received)
        .get("/api/v1/cycles/{id}/plan", allocate, plan)
        .post("/api/v1/cycles/{id}/decisions", allocate, publish)
        .get("/api/v1/cycles/{id}/decisions", see, decision)
        .post("/api/v1/cycles/{id}/reopenings", allocate, reopen)
}

/// A proposal as JSON: `docs/allocation.md`.
#[derive(Serialize, ToSchema)]
pub struct ProposalBody {
    /// What the plan is about.
    #[serde(skip_serializing_if = "String::is_empty")]
    about: String,
    /// Units the top had.
    supply: u64,
    /// Every node, in the order of codes.
    nodes: Vec<NodeBody>,
}

/// A node of a proposal.
#[derive(Serialize, ToSchema)]
pub struct NodeBody {
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    level: String,
    /// Units it gets.
    units: u64,
    /// Doses in them.
    doses: u64,
    /// Units it does not give on.
    kept: u64,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    kept_because: Option<domain::allocation::Kept>,
    /// Needles, syringes and the like, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    items: BTreeMap<String, u64>,
    /// Inputs, formula, rounding, limits.
    #[schema(value_type = Object)]
    why: domain::allocation::Why,
    /// The same in sentences, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    says: Option<Vec<String>>,
}

impl ProposalBody {
    /// A proposal with its plan; told in sentences, too, if there are texts.
    #[must_use]
    pub fn of(plan: &Plan, proposal: Proposal, texts: Option<Texts>) -> Self {
        let node = |proposed: Proposed| {
            let says = texts.map(|texts| reasons(&proposed, plan, texts));
            let names = plan.items.iter().map(|item| item.name.clone());
            NodeBody {
                code: proposed.code,
                parent: proposed.parent,
                level: proposed.level,
                units: proposed.units,
                doses: proposed.doses,
                kept: proposed.kept,
                kept_because: proposed.kept_because,
                items: names.zip(proposed.items).collect(),
                why: proposed.why,
                says,
            }
        };
        Self {
            about: plan.about.clone(),
            supply: plan.supply,
            nodes: proposal.nodes.into_iter().map(node).collect(),
        }
    }
}

/// A plan that cannot be worked out: every wrong field, with words.
#[must_use]
pub fn plan_problem(refusals: &[Refusal]) -> Problem {
    let told = refusals.iter().map(|refusal| {
        serde_json::json!({
            "field": refusal.field, "code": refusal.why.code(),
            "ja": refusal.why.ja(), "en": refusal.why.en(),
        })
    });
    let told: Vec<serde_json::Value> = told.collect();
    Problem::unprocessable("plan_refused").member("fields", told)
}

/// Propose who gets how much: a pure function of the plan. Nothing is kept.
#[utoipa::path(post, path = "/api/v1/allocations/proposals", request_body = Object, tag = "allocation", responses(
    (status = 200, body = ProposalBody), (status = 422, description = "A field of the plan is wrong; `fields` says which"),
))]
pub(super) async fn propose(
    texts: Texts,
    ApiJson(plan): ApiJson<Plan>,
) -> Result<Json<ProposalBody>, Problem> {
    let proposal = allocation_desk::worked_out(&plan).await?;
    let proposal = proposal.map_err(|refusals| plan_problem(&refusals))?;
    Ok(Json(ProposalBody::of(&plan, proposal, Some(texts))))
}

/// Units of a lot that can be shipped from a day on.
#[derive(Serialize, ToSchema)]
pub struct SupplyBody {
    /// The product's key.
    #[schema(value_type = String)]
    product: ProductKey,
    /// The lot.
    #[schema(value_type = String)]
    lot: Lot,
    /// From this day on.
    #[schema(value_type = String)]
    available_on: Day,
    /// Units.
    units: u64,
    /// Why it was changed.
    reason: String,
    /// How often something was said of it: send it with a change.
    revision: i64,
}

impl From<Told> for SupplyBody {
    fn from(told: Told) -> Self {
        let Supply {
            product,
            lot,
            available_on,
            units,
            reason,
        } = told.supply;
        Self {
            product,
            lot,
            available_on,
            units,
            reason,
            revision: told.revision,
        }
    }
}

/// Supplies.
#[derive(Serialize, ToSchema)]
pub struct SupplyList {
    items: Vec<SupplyBody>,
}

/// What can be shipped, by lot and day, the latest day first: a maker's own, or all for the nation.
#[utoipa::path(get, path = "/api/v1/supplies", tag = "allocation", responses((status = 200, body = SupplyList)))]
pub(super) async fn supply_list(
    State(app): State<App>,
    me: Me,
) -> Result<Json<SupplyList>, Problem> {
    let permit = me.permit(Action::KeepSupply, me.place())?;
    let told = supplies::supplies(&app.db, &permit).await?;
    Ok(Json(SupplyList {
        items: told.into_iter().map(SupplyBody::from).collect(),
    }))
}

/// A supply that is told.
#[derive(Deserialize, ToSchema)]
pub struct NewSupplyBody {
    product: String,
    lot: String,
    available_on: String,
    units: u64,
    /// Needed with a change.
    #[serde(default)]
    reason: String,
    /// The `revision` it had when it was looked at, 0 for a new one.
    revision: Option<i64>,
}

/// Tell how many units of a lot can be shipped from a day on, or another number than before.
#[utoipa::path(post, path = "/api/v1/supplies", request_body = NewSupplyBody, tag = "allocation", responses(
    (status = 201, description = "It stands"), (status = 200, description = "It stood so already"),
    (status = 403, description = "Another maker's lot"), (status = 409, description = "Changed meanwhile"),
    (status = 422, description = "A field cannot be read"),
))]
pub(super) async fn tell_supply(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<NewSupplyBody>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::KeepSupply, me.place())?;
    let mut fields = Fields::new();
    let product = fields.known_product(&body.product);
    let lot = fields.printed_lot(&body.lot);
    let day = fields.day("available_on", &body.available_on);
    let units = fields.units("units", body.units, UNITS_MAX);
    fields.done()?;
    // `done` has told of every field that is missing here.
    let (Some(product), Some(lot), Some(available_on)) = (product, lot, day) else {
        return Err(Problem::internal());
    };
    let supply = Supply {
        product,
        lot,
        available_on,
        units,
        reason: body.reason.trim().chars().take(REASON_LENGTH_MAX).collect(),
    };
    let act = (app.fresh_id(), app.now());
    match supplies::tell(&app.db, &permit, &supply, body.revision, act).await? {
        supplies::Kept::As(revision) => {
            Ok((StatusCode::CREATED, Json(RevisionBody { revision })).into_response())
        }
        supplies::Kept::AsItIs(revision) => Ok(Json(RevisionBody { revision }).into_response()),
        supplies::Kept::ChangedMeanwhile(_) => Err(Problem::conflict("changed_meanwhile")),
        supplies::Kept::OfAnother => Err(Problem::forbidden()),
    }
}

/// By which revision something stands.
#[derive(Serialize, ToSchema)]
pub struct RevisionBody {
    /// From 1 on.
    revision: i64,
}

/// A cycle.
#[derive(Serialize, ToSchema)]
pub struct CycleBody {
    id: Uuid,
    /// The product's key.
    #[schema(value_type = String)]
    product: ProductKey,
    /// Days, cut-offs and formulas.
    #[schema(value_type = Object)]
    terms: Terms,
    /// How often something was said of it: send it with a change.
    revision: i64,
}

impl From<Cycle> for CycleBody {
    fn from(cycle: Cycle) -> Self {
        let Cycle {
            id,
            product,
            terms,
            revision,
        } = cycle;
        Self {
            id,
            product,
            terms,
            revision,
        }
    }
}

/// Cycles.
#[derive(Serialize, ToSchema)]
pub struct CycleList {
    items: Vec<CycleBody>,
}

/// The cycles, the latest first.
#[utoipa::path(get, path = "/api/v1/cycles", tag = "allocation", responses((status = 200, body = CycleList)))]
pub(super) async fn cycle_list(State(app): State<App>) -> Result<Json<CycleList>, Problem> {
    let cycles = store::cycles::cycles(&app.db).await?;
    Ok(Json(CycleList {
        items: cycles.into_iter().map(CycleBody::from).collect(),
    }))
}

/// A cycle that is set up or changed.
#[derive(Deserialize, ToSchema)]
pub struct NewCycleBody {
    product: String,
    #[schema(value_type = Object)]
    terms: Terms,
    /// The `revision` it had when it was looked at, 0 for a new one.
    #[serde(default)]
    revision: i64,
}

/// What is wrong with a cycle's terms.
#[must_use]
pub fn cycle_problem(refusal: CycleRefusal) -> Problem {
    Problem::unprocessable("cycle_refused")
        .member("reason", refusal.code())
        .member("words", refusal.to_string())
}

/// Set a cycle up under an id of your own (UUID version 7), or change it.
#[utoipa::path(put, path = "/api/v1/cycles/{id}", request_body = NewCycleBody, tag = "allocation", responses(
    (status = 201, body = RevisionBody), (status = 200, description = "It stood so already", body = RevisionBody),
    (status = 409, description = "Changed meanwhile, or the number is taken"), (status = 422, description = "The terms do not hold together"),
))]
pub(super) async fn keep_cycle(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    ApiJson(body): ApiJson<NewCycleBody>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::KeepCycles, me.place())?;
    let mut fields = Fields::new();
    let product = fields.known_product(&body.product);
    fields.done()?;
    body.terms.check().map_err(cycle_problem)?;
    let cycle = Cycle {
        id,
        product: product.ok_or_else(Problem::internal)?,
        terms: body.terms,
        revision: body.revision,
    };
    let act = (app.fresh_id(), app.now());
    match store::cycles::keep(&app.db, &permit, &cycle, act).await? {
        Kept::As(revision) => {
            Ok((StatusCode::CREATED, Json(RevisionBody { revision })).into_response())
        }
        Kept::AsItIs(revision) => Ok(Json(RevisionBody { revision }).into_response()),
        Kept::ChangedMeanwhile(_) => Err(Problem::conflict("changed_meanwhile")),
        Kept::NumberTaken => Err(Problem::conflict("cycle_number_taken")),
    }
}

/// Units that are asked for.
#[derive(Deserialize, ToSchema)]
pub struct NewRequestBody {
    units: u64,
    reason: String,
}

/// Too late in a cycle: until which day it was possible.
#[must_use]
pub fn late_problem(until: Option<Day>) -> Problem {
    let day = until.map_or_else(String::new, |day| day.to_string());
    Problem::conflict("cycle_closed").arg("until", day)
}

/// Ask the level above for units in a cycle, or for another number than before.
#[utoipa::path(post, path = "/api/v1/cycles/{id}/requests", request_body = NewRequestBody, tag = "allocation", responses(
    (status = 201, body = RevisionBody), (status = 409, description = "After the cut-off, or `no_contract`: the venue is no party to the collective contract"), (status = 422, description = "A field cannot be read"),
))]
pub(super) async fn ask(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    ApiJson(body): ApiJson<NewRequestBody>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::RequestUnits, me.place())?;
    let mut fields = Fields::new();
    let units = fields.units("units", body.units, UNITS_MAX);
    let reason = fields.words("reason", &body.reason, REASON_LENGTH_MAX);
    fields.done()?;
    let cycle = allocation_desk::cycle(&app, id).await?;
    let act = (app.fresh_id(), app.now());
    match store::allocations::ask(&app.db, &permit, &cycle, (units, &reason), act).await? {
        Asked::As(revision) => {
            Ok((StatusCode::CREATED, Json(RevisionBody { revision })).into_response())
        }
        Asked::Late(until) => Err(late_problem(until)),
        Asked::NoContract(reason) => Err(no_contract_problem(reason)),
    }
}

/// What one asked for and got.
#[derive(Serialize, ToSchema)]
pub struct ReceivedBody {
    /// Units asked for.
    requested: Option<u64>,
    /// Units that the level above published.
    units: Option<u64>,
    /// Why: how the level above came to the number.
    #[schema(value_type = Option<Object>)]
    why: Option<domain::allocation::Why>,
    /// The same in sentences.
    says: Vec<String>,
}

/// What the caller asked for and got in a cycle, and why.
#[utoipa::path(get, path = "/api/v1/cycles/{id}/received", tag = "allocation", responses(
    (status = 200, body = ReceivedBody), (status = 404, description = "No such cycle"),
))]
pub(super) async fn received(
    State(app): State<App>,
    me: Me,
    texts: Texts,
    Path(id): Path<Uuid>,
) -> Result<Json<ReceivedBody>, Problem> {
    allocation_desk::cycle(&app, id).await?;
    let permit = me.permit(Action::SeeAllocations, me.place())?;
    let request: Option<Request> = store::allocations::own_request(&app.db, &permit, id).await?;
    let got = allocation_desk::got(&app, &permit, id).await?;
    let told = got.as_ref();
    Ok(Json(ReceivedBody {
        requested: request.map(|request| request.units),
        units: told.map(|got| got.proposed.units),
        says: told.map_or_else(Vec::new, |got| reasons(&got.proposed, &got.plan, texts)),
        why: got.map(|got| got.proposed.why),
    }))
}

/// The plan of the caller's desk.
#[utoipa::path(get, path = "/api/v1/cycles/{id}/plan", tag = "allocation", responses(
    (status = 200, description = "A plan as `POST /api/v1/allocations/proposals` takes it", body = Object),
    (status = 404, description = "No such cycle"),
))]
pub(super) async fn plan(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Json<Plan>, Problem> {
    Ok(Json(desk(&app, &me, id, None).await?.plan))
}

/// What is to be published.
#[derive(Deserialize, ToSchema)]
pub struct NewDecisionBody {
    /// The revision that was published last when this was made, 0 for none.
    revision: i64,
    /// Formula and overrides; the draft that is kept if it is left out.
    #[schema(value_type = Option<Object>)]
    draft: Option<Draft>,
}

/// Publish what those right below get in a cycle.
#[utoipa::path(post, path = "/api/v1/cycles/{id}/decisions", request_body = NewDecisionBody, tag = "allocation", responses(
    (status = 201, body = ProposalBody), (status = 409, description = "After the cut-off, published meanwhile, or given on already"),
    (status = 422, description = "A field of the plan is wrong"),
))]
pub(super) async fn publish(
    State(app): State<App>,
    me: Me,
    texts: Texts,
    Path(id): Path<Uuid>,
    ApiJson(body): ApiJson<NewDecisionBody>,
) -> Result<Response, Problem> {
    let desk = desk(&app, &me, id, body.draft).await?;
    let proposal = publish_desk(&app, &desk, body.revision).await?;
    let body = ProposalBody::of(&desk.plan, proposal, Some(texts));
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Publishes what a desk has before it.
///
/// # Errors
/// The plan's refusals, a conflict that says what came between, or the database's.
pub async fn publish_desk(app: &App, desk: &Desk, seen: i64) -> Result<Proposal, Problem> {
    let proposal = match &desk.proposal {
        Ok(proposal) => proposal,
        Err(refusals) => return Err(plan_problem(refusals)),
    };
    let act = (app.fresh_id(), app.now());
    let made = (&desk.plan, proposal);
    let published =
        store::allocations::publish(&app.db, &desk.permit, &desk.cycle, made, seen, act).await?;
    match published {
        Published::As(_) => Ok(proposal.clone()),
        Published::Late(until) => Err(late_problem(until)),
        Published::ChangedMeanwhile(_) | Published::OtherSupply(_) => {
            Err(Problem::conflict("changed_meanwhile"))
        }
        Published::BelowGiven(short) => {
            let name = |seat: &str| desk.names.get(seat).cloned().unwrap_or_default();
            let told: Vec<String> = short
                .iter()
                .map(|one| format!("{} {} > {}", name(&one.seat), one.given, one.has))
                .collect();
            Err(Problem::conflict("given_on_already")
                .arg("places", told.join(", "))
                .member("places", told))
        }
    }
}

/// What the caller published last in a cycle, with its reasons.
#[utoipa::path(get, path = "/api/v1/cycles/{id}/decisions", tag = "allocation", responses(
    (status = 200, description = "The last one", body = ProposalBody), (status = 404, description = "Nothing is published"),
))]
pub(super) async fn decision(
    State(app): State<App>,
    me: Me,
    texts: Texts,
    Path(id): Path<Uuid>,
) -> Result<Json<ProposalBody>, Problem> {
    let permit = me.permit(Action::SeeAllocations, me.place())?;
    let decision = store::allocations::decision(&app.db, &permit, id, false).await?;
    let decision = decision.ok_or_else(Problem::not_found)?;
    let proposal = allocation_desk::worked_out(&decision.plan).await?;
    let proposal = proposal.map_err(|refusals| plan_problem(&refusals))?;
    Ok(Json(ProposalBody::of(
        &decision.plan,
        proposal,
        Some(texts),
    )))
}

/// Who may act again.
#[derive(Deserialize, ToSchema)]
pub struct NewReopeningBody {
    /// `13` or `131016`, or a venue's id.
    place: String,
    /// `request` or `publish`.
    act: String,
    until: String,
    reason: String,
}

/// Let somebody below act again after the cut-off.
#[utoipa::path(post, path = "/api/v1/cycles/{id}/reopenings", request_body = NewReopeningBody, tag = "allocation", responses(
    (status = 204, description = "They may"), (status = 403, description = "Not below the caller"), (status = 422, description = "A field cannot be read"),
))]
pub(super) async fn reopen(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    ApiJson(body): ApiJson<NewReopeningBody>,
) -> Result<StatusCode, Problem> {
    let permit = me.permit(Action::Allocate, me.place())?;
    let mut fields = Fields::new();
    let act = fields.word("act", Some(&body.act), Act::parse);
    let until = fields.day("until", &body.until);
    let reason = fields.words("reason", &body.reason, REASON_LENGTH_MAX);
    fields.done()?;
    let (Some(act), Some(until)) = (act, until) else {
        return Err(Problem::internal());
    };
    allocation_desk::cycle(&app, id).await?;
    let place = place_of(&app, &body.place)
        .await?
        .ok_or_else(Problem::forbidden)?;
    let reopening = Reopening {
        cycle: id,
        place,
        act,
        until,
        reason,
    };
    let act: (Uuid, Instant) = (app.fresh_id(), app.now());
    if store::cycles::reopen(&app.db, &permit, &reopening, act).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::forbidden())
    }
}

/// The place of a plan's code, if there is one.
///
/// # Errors
/// The database's.
pub async fn place_of(app: &App, seat: &str) -> Result<Option<Place>, Problem> {
    if seat == domain::cycles::NATION {
        return Ok(Some(Place::Nation));
    }
    if let Some(prefecture) = Prefecture::parse(seat) {
        return Ok(Some(Place::Prefecture(prefecture)));
    }
    if let Ok(city) = MunicipalityCode::parse(seat) {
        return Ok(Some(Place::City(city)));
    }
    let Ok(id) = Uuid::parse_str(seat) else {
        return Ok(None);
    };
    let id = domain::access::OrganisationId(id);
    let found = store::accounts::organisation(&app.db, id).await?;
    Ok(found.map(|found| found.territory.place()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::locale::Locale;

    #[test]
    fn a_plan_that_is_wrong_names_its_fields() {
        let plan: Plan =
            serde_json::from_str(r#"{"supply":1,"doses_per_unit":0,"nodes":[],"steps":[]}"#)
                .unwrap();
        let refusals = domain::allocation::propose(&plan).unwrap_err();
        let told = plan_problem(&refusals).json(Texts::new(Locale::En));
        assert_eq!(told["fields"][0]["field"], "doses_per_unit");
        assert_eq!(told["fields"][0]["code"], "zero");
    }
}
