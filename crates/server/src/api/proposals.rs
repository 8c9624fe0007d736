//! Changes that two people make together, over the API: proposals, decisions, repairs of misreads,
//! confirming many records, and for which changes the city wants two.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, OrganisationId};
use domain::approvals::{Decision, Matter, State as Became, Wanted};
use domain::calendar::Instant;
use domain::coupons::CouponLine;
use domain::doses::{DoseId, Standing, Version};
use domain::statistics::Effect;
use serde::{Deserialize, Serialize};
use store::approvals::{self, Change, Proposal, ProposalError, ProposedAct, Scope};
use store::misreads::Pair;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::doses::RecordBody;
use crate::api::fields::Fields;
use crate::api::records::look;
use crate::pages::proposals::{finish, how, people_changed};
use crate::state::App;
use crate::web::body::ApiJson;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The routes of this file.
pub fn routes() -> Routes {
    let (see, decide, set, mend) = (
        Guard::May(Action::SeeLedger),
        Guard::May(Action::ApproveChange),
        Guard::May(Action::SetApprovals),
        Guard::May(Action::CorrectRecord),
    );
    Routes::new()
        .get("/api/v1/proposals", see, list)
        .get("/api/v1/proposals/{proposal}", see, one)
        .post("/api/v1/proposals/{proposal}/approvals", decide, approve)
        .post("/api/v1/proposals/{proposal}/refusals", decide, refuse)
        .post("/api/v1/proposals/{proposal}/withdrawals", decide, withdraw)
        .post("/api/v1/proposals/{proposal}/undoings", mend, undo)
        .post("/api/v1/repairs/previews", mend, preview)
        .post("/api/v1/repairs", mend, repair)
        .post(
            "/api/v1/confirmations",
            Guard::May(Action::ConfirmRecord),
            lock,
        )
        .get("/api/v1/approval-settings", see, wanted)
        .put("/api/v1/approval-settings", set, set_wanted)
}

impl From<ProposalError> for Problem {
    fn from(error: ProposalError) -> Self {
        use domain::approvals::Refusal as R;
        match error {
            ProposalError::Refused(R::Denied) => Self::forbidden(),
            ProposalError::Refused(R::OwnProposal) => Self::conflict("own_proposal"),
            ProposalError::Refused(R::NotYours) => Self::conflict("proposal_not_yours"),
            ProposalError::Refused(R::Decided { .. }) => Self::conflict("proposal_decided"),
            ProposalError::ChangedMeanwhile => Self::conflict("record_changed_meanwhile"),
            ProposalError::WouldClash => Self::conflict("proposal_would_clash"),
            ProposalError::Size(_) => Self::unprocessable("proposal_size"),
            ProposalError::NotFound => Self::not_found(),
            ProposalError::Store(error) => error.into(),
        }
    }
}

/// A proposal, and how far it is.
#[derive(Serialize, ToSchema)]
pub struct ApprovalBody {
    /// Its id.
    id: Uuid,
    /// `correction`, `void`, `confirmation`, `reopening`, `repair`.
    #[schema(value_type = String)]
    matter: Matter,
    /// `proposed`, `approved`, `refused`, `withdrawn`, `overtaken`.
    #[schema(value_type = String)]
    state: Became,
    /// Why.
    reason: String,
    /// Who proposed it.
    proposed_by: String,
    /// When.
    #[schema(value_type = String)]
    proposed_at: Instant,
    /// Who decided.
    decided_by: Option<String>,
    /// When.
    #[schema(value_type = Option<String>)]
    decided_at: Option<Instant>,
    /// What was said to a refusal.
    answer: Option<String>,
    /// Records in it.
    records: i64,
    /// Records done.
    done: i64,
    /// Records passed over because they say something else by now.
    passed_over: i64,
    /// When all of it was done.
    #[schema(value_type = Option<String>)]
    ended_at: Option<Instant>,
    /// The repair that it undoes.
    undoes: Option<Uuid>,
}

impl From<Proposal> for ApprovalBody {
    fn from(one: Proposal) -> Self {
        Self {
            id: one.id,
            matter: one.matter,
            state: one.state,
            reason: one.reason,
            proposed_by: one.by_name,
            proposed_at: one.made_at,
            decided_by: one.decided_by_name,
            decided_at: one.decided_at,
            answer: one.answer,
            records: one.acts,
            done: one.done,
            passed_over: one.passed,
            ended_at: one.ended_at,
            undoes: one.undoes,
        }
    }
}

/// The city's latest proposals, newest first; those that wait are among them, or come first.
#[utoipa::path(get, path = "/api/v1/proposals", tag = "city", responses((status = 200, body = Vec<ApprovalBody>)))]
pub(super) async fn list(
    State(app): State<App>,
    me: Me,
) -> Result<Json<Vec<ApprovalBody>>, Problem> {
    let permit = me.city(Action::SeeLedger)?;
    look(&app, &permit, None, "proposals").await?;
    let open = approvals::open(&app.db, &permit).await?;
    let latest = approvals::latest(&app.db, &permit).await?;
    let decided = latest
        .into_iter()
        .filter(|one| one.state != Became::Proposed);
    let all = open.into_iter().chain(decided);
    Ok(Json(all.map(ApprovalBody::from).collect()))
}

/// An act of a proposal.
#[derive(Serialize, ToSchema)]
pub struct ActBody {
    /// The record as it stands now.
    record: RecordBody,
    /// What shall happen: `correct` with the new words, `void`, or `replace` with the right digits.
    #[schema(value_type = Object)]
    change: Change,
    /// The record that is entered in its place.
    new_record: Option<Uuid>,
    /// `waiting`, `done`, or why it was passed over.
    outcome: String,
}

impl From<ProposedAct> for ActBody {
    fn from(act: ProposedAct) -> Self {
        Self {
            change: act.change,
            new_record: act.new_dose.map(|dose| dose.0),
            outcome: act.outcome,
            record: act.record.into(),
        }
    }
}

/// A proposal with its acts.
#[derive(Serialize, ToSchema)]
pub struct ProposalWithActs {
    /// The proposal.
    proposal: ApprovalBody,
    /// Its acts; none where it is about many records at once.
    acts: Vec<ActBody>,
}

/// A proposal and the records it is about. The view is written to the access log.
#[utoipa::path(get, path = "/api/v1/proposals/{proposal}", params(("proposal" = Uuid, Path)), tag = "city", responses(
    (status = 200, body = ProposalWithActs), (status = 404),
))]
pub(super) async fn one(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Json<ProposalWithActs>, Problem> {
    let permit = me.city(Action::SeeLedger)?;
    let proposal = approvals::proposal(&app.db, &permit, id).await?;
    let proposal = proposal.ok_or_else(Problem::not_found)?;
    let acts = approvals::acts(&app.db, &permit, id).await?;
    let number = match acts.as_slice() {
        [one] => one.record.number,
        _ => None,
    };
    look(&app, &permit, number, "proposal").await?;
    Ok(Json(ProposalWithActs {
        proposal: proposal.into(),
        acts: acts.into_iter().map(ActBody::from).collect(),
    }))
}

/// What is said to a refusal.
#[derive(Deserialize, ToSchema)]
pub struct ProposalRefusalBody {
    /// Why not.
    reason: String,
}

async fn decide(
    app: &App,
    me: &Me,
    id: Uuid,
    decision: Decision,
    answer: &str,
) -> Result<Json<ApprovalBody>, Problem> {
    let permit = me.city(Action::ApproveChange)?;
    let state = approvals::decide(&app.db, &permit, id, decision, answer, how(app)).await?;
    if state == Became::Approved {
        finish(app, me, id).await?;
    }
    let proposal = approvals::proposal(&app.db, &permit, id).await?;
    Ok(Json(proposal.ok_or_else(Problem::not_found)?.into()))
}

/// Approve a proposal of another person: it goes into the ledger, unless a record changed meanwhile
/// (`state` is then `overtaken`).
#[utoipa::path(post, path = "/api/v1/proposals/{proposal}/approvals", params(("proposal" = Uuid, Path)), tag = "city", responses(
    (status = 200, body = ApprovalBody), (status = 409, description = "Your own, or decided already"),
))]
pub(super) async fn approve(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Json<ApprovalBody>, Problem> {
    decide(&app, &me, id, Decision::Approve, "").await
}

/// Refuse a proposal of another person, with a reason.
#[utoipa::path(post, path = "/api/v1/proposals/{proposal}/refusals", params(("proposal" = Uuid, Path)),
    request_body = ProposalRefusalBody, tag = "city", responses(
    (status = 200, body = ApprovalBody), (status = 409, description = "Your own, or decided already"),
))]
pub(super) async fn refuse(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
    ApiJson(body): ApiJson<ProposalRefusalBody>,
) -> Result<Json<ApprovalBody>, Problem> {
    let mut fields = Fields::new();
    let reason = fields.reason(&body.reason);
    fields.done()?;
    decide(&app, &me, id, Decision::Refuse, &reason).await
}

/// Withdraw your own proposal.
#[utoipa::path(post, path = "/api/v1/proposals/{proposal}/withdrawals", params(("proposal" = Uuid, Path)), tag = "city", responses(
    (status = 200, body = ApprovalBody), (status = 409, description = "Not yours, or decided already"),
))]
pub(super) async fn withdraw(
    State(app): State<App>,
    me: Me,
    Path(id): Path<Uuid>,
) -> Result<Json<ApprovalBody>, Problem> {
    decide(&app, &me, id, Decision::Withdraw, "").await
}

/// A proposal to undo a repair.
#[derive(Deserialize, ToSchema)]
pub struct UndoingBody {
    /// The new proposal's id, made by the sender: a UUID of version 7.
    id: Uuid,
    /// Why.
    reason: String,
}

/// Propose to undo a repair by its opposite; it needs a second person again.
#[utoipa::path(post, path = "/api/v1/proposals/{proposal}/undoings", params(("proposal" = Uuid, Path)),
    request_body = UndoingBody, tag = "city", responses(
    (status = 201, body = ApprovalBody), (status = 404, description = "No repair that was done"), (status = 409),
))]
pub(super) async fn undo(
    State(app): State<App>,
    me: Me,
    Path(of): Path<Uuid>,
    ApiJson(body): ApiJson<UndoingBody>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::CorrectRecord)?;
    let mut fields = Fields::new();
    let (id, reason) = (fields.id("id", body.id), fields.reason(&body.reason));
    fields.done()?;
    let fresh = || app.fresh_id();
    let what = (id, of, reason.as_str());
    store::misreads::undo(&app.db, &permit, what, how(&app), &fresh).await?;
    proposed(&app, &me, id).await
}

async fn proposed(app: &App, me: &Me, id: Uuid) -> Result<Response, Problem> {
    let permit = me.city(Action::SeeLedger)?;
    let proposal = approvals::proposal(&app.db, &permit, id).await?;
    let body = ApprovalBody::from(proposal.ok_or_else(Problem::not_found)?);
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// A record under a wrong number, and the digits that were on the paper.
#[derive(Deserialize, ToSchema)]
pub struct PairBody {
    /// The record.
    record: Uuid,
    /// The `version` it had when it was looked at.
    #[schema(value_type = String)]
    version: Version,
    /// The 18 digits that were on the paper.
    coupon: String,
}

/// A repair of misreads.
#[derive(Deserialize, ToSchema)]
pub struct RepairBody {
    /// The proposal's id, made by the sender: a UUID of version 7. A preview needs none.
    id: Option<Uuid>,
    /// Why. A preview needs none.
    reason: Option<String>,
    /// Which records, and what was meant.
    pairs: Vec<PairBody>,
}

impl RepairBody {
    fn pairs(&self, fields: &mut Fields) -> Vec<Pair> {
        let read = |one: &PairBody| {
            let line: CouponLine = fields.line("coupon", &one.coupon)?;
            Some(Pair {
                dose: DoseId(one.record),
                seen: one.version,
                line,
            })
        };
        self.pairs.iter().filter_map(read).collect()
    }
}

/// What a repair would change.
#[derive(Serialize, ToSchema)]
pub struct PreviewBody {
    /// Whether everything that would be entered would count; else it cannot be proposed.
    fits: bool,
    /// What would change in the statistics.
    #[schema(value_type = Vec<Object>)]
    effects: Vec<Effect>,
    /// How the new records would stand.
    #[schema(value_type = Vec<String>)]
    standings: Vec<Standing>,
    /// Of how many people the record, and so the proof of vaccination, would say something else.
    people: usize,
}

/// What mending misreads would change; nothing is written to the ledger.
#[utoipa::path(post, path = "/api/v1/repairs/previews", request_body = RepairBody, tag = "city", responses(
    (status = 200, body = PreviewBody), (status = 404, description = "A record is not in this city's ledger"),
))]
pub(super) async fn preview(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<RepairBody>,
) -> Result<Json<PreviewBody>, Problem> {
    let permit = me.city(Action::CorrectRecord)?;
    let mut fields = Fields::new();
    let pairs = body.pairs(&mut fields);
    fields.done()?;
    if pairs.len() > approvals::ACTS_MAX {
        return Err(ProposalError::Size(pairs.len()).into());
    }
    let fresh = || app.fresh_id();
    let preview = store::misreads::preview(&app.db, &permit, &pairs, app.now(), &fresh).await?;
    Ok(Json(PreviewBody {
        fits: preview.fits,
        people: people_changed(&preview.acts),
        effects: preview.rehearsal.effects,
        standings: preview.rehearsal.standings,
    }))
}

/// Propose to mend misreads: each record is taken back and entered under the right digits, once a
/// second person approves.
#[utoipa::path(post, path = "/api/v1/repairs", request_body = RepairBody, tag = "city", responses(
    (status = 201, body = ApprovalBody),
    (status = 409, description = "Somebody has the dose already, or a record changed meanwhile"),
))]
pub(super) async fn repair(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<RepairBody>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::CorrectRecord)?;
    let mut fields = Fields::new();
    let id = fields.id("id", body.id.unwrap_or_default());
    let reason = fields.reason(body.reason.as_deref().unwrap_or_default());
    let pairs = body.pairs(&mut fields);
    fields.done()?;
    if !(1..=approvals::ACTS_MAX).contains(&pairs.len()) {
        return Err(ProposalError::Size(pairs.len()).into());
    }
    let fresh = || app.fresh_id();
    let what = (id, reason.as_str());
    store::misreads::propose(&app.db, &permit, what, &pairs, how(&app), &fresh).await?;
    proposed(&app, &me, id).await
}

/// Which records to confirm, or to open again: a venue's of a day, or all without findings until a day.
#[derive(Deserialize, ToSchema)]
pub struct LockBody {
    /// The proposal's id, made by the sender: a UUID of version 7.
    id: Uuid,
    /// All without findings given until this day.
    until: Option<String>,
    /// What this venue registered …
    venue: Option<Uuid>,
    /// … on this day.
    day: Option<String>,
    /// Opens them again instead; for administrators, with a reason.
    #[serde(default)]
    reopen: bool,
    /// Why they are opened again.
    reason: Option<String>,
}

/// Confirm many records at once (or open them again). Where the city wants two people for it, it
/// waits; else it begins at once, and `GET /api/v1/proposals/{proposal}` tells how far it is.
#[utoipa::path(post, path = "/api/v1/confirmations", request_body = LockBody, tag = "city", responses(
    (status = 201, body = ApprovalBody), (status = 422, description = "There is no such record"),
))]
pub(super) async fn lock(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<LockBody>,
) -> Result<Response, Problem> {
    let permit = me.city(Action::ConfirmRecord)?;
    let mut fields = Fields::new();
    let id = fields.id("id", body.id);
    let scope = match body.venue {
        Some(venue) => fields
            .day("day", body.day.as_deref().unwrap_or_default())
            .map(|day| Scope::Session {
                venue: OrganisationId(venue),
                day,
            }),
        None => fields
            .day("until", body.until.as_deref().unwrap_or_default())
            .map(|until| Scope::Clean { until }),
    };
    let (matter, reason) = if body.reopen {
        let reason = fields.reason(body.reason.as_deref().unwrap_or_default());
        (Matter::Reopening, reason)
    } else {
        (Matter::Confirmation, String::new())
    };
    fields.done()?;
    // `done` has told of a day that cannot be read.
    let scope = scope.ok_or_else(Problem::internal)?;
    let what = (id, matter, reason.as_str());
    let (state, _) = approvals::propose_many(&app.db, &permit, what, scope, how(&app)).await?;
    if state == Became::Approved {
        finish(&app, &me, id).await?;
    }
    proposed(&app, &me, id).await
}

/// For which changes the city wants a second person.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct WantedBody {
    /// `correction`, `void`, `confirmation`, `reopening`; `repair` is always among them.
    #[schema(value_type = Vec<String>)]
    matters: Vec<Matter>,
}

/// For which changes the city wants a second person.
#[utoipa::path(get, path = "/api/v1/approval-settings", tag = "city", responses((status = 200, body = WantedBody)))]
pub(super) async fn wanted(State(app): State<App>, me: Me) -> Result<Json<WantedBody>, Problem> {
    let permit = me.city(Action::SeeLedger)?;
    let wanted = approvals::wanted(&app.db, &permit).await?;
    let matters = wanted.matters().collect();
    Ok(Json(WantedBody { matters }))
}

/// Set for which changes the city wants a second person.
#[utoipa::path(put, path = "/api/v1/approval-settings", request_body = WantedBody, tag = "city", responses(
    (status = 200, body = WantedBody),
))]
pub(super) async fn set_wanted(
    State(app): State<App>,
    me: Me,
    ApiJson(body): ApiJson<WantedBody>,
) -> Result<Json<WantedBody>, Problem> {
    let permit = me.city(Action::SetApprovals)?;
    let wanted = Wanted::for_matters(body.matters);
    approvals::set_wanted(&app.db, &permit, &wanted, how(&app)).await?;
    let matters = wanted.matters().collect();
    Ok(Json(WantedBody { matters }))
}
