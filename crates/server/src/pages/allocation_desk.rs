//! What a giver has before it in a cycle: those below, the draft, what the draft gives, what is published.
//! The page, the export and the API work with the same.

use std::collections::BTreeMap;

use domain::access::{Action, Permit};
use domain::allocation::{Plan, Proposal, Proposed, Refusal, propose};
use domain::cycles::{Draft, Formula, Tier, seat};
use store::allocations::{self, Decision, Request};
use store::cycles::Cycle;
use uuid::Uuid;

use crate::state::App;
use crate::web::me::Me;
use crate::web::problem::Problem;

/// A giver's desk in one cycle.
pub struct Desk {
    /// The right to work at it.
    pub permit: Permit,
    /// The cycle.
    pub cycle: Cycle,
    /// The giver's level.
    pub tier: Tier,
    /// Its code.
    pub seat: String,
    /// What it works on.
    pub draft: Draft,
    /// Which state of it is kept; 0 if none is.
    pub draft_revision: i64,
    /// The plan that follows.
    pub plan: Plan,
    /// What the plan gives, or what is wrong with it.
    pub proposal: Result<Proposal, Vec<Refusal>>,
    /// What was published last.
    pub published: Option<Decision>,
    /// Names by code.
    pub names: BTreeMap<String, String>,
    /// What those below asked for.
    pub requests: BTreeMap<String, Request>,
}

/// A cycle by its id.
///
/// # Errors
/// Not found, or the database's.
pub async fn cycle(app: &App, id: Uuid) -> Result<Cycle, Problem> {
    let found = store::cycles::cycle(&app.db, id).await?;
    found.ok_or_else(Problem::not_found)
}

/// The caller's desk in a cycle, with another draft in place of the one that is kept if one is given.
///
/// # Errors
/// Forbidden for whoever gives nothing on; the database's.
pub async fn desk(app: &App, me: &Me, id: Uuid, draft: Option<Draft>) -> Result<Desk, Problem> {
    let permit = me.permit(Action::Allocate, me.place())?;
    let cycle = cycle(app, id).await?;
    let place = me.place();
    let (Some(tier), Some(seat)) = (Tier::of(&place), seat(&place)) else {
        return Err(Problem::forbidden());
    };
    let below = allocations::nodes(&app.db, &permit, &cycle).await?;
    let supply = allocations::available(&app.db, &permit, &cycle).await?;
    let requests = allocations::requests(&app.db, &permit, &cycle).await?;
    let published = allocations::decision(&app.db, &permit, id, false).await?;
    let kept = allocations::draft(&app.db, &permit, id).await?;
    let draft_revision = kept.as_ref().map_or(0, |kept| kept.revision);
    let draft = draft
        .or(kept.map(|kept| kept.draft))
        .unwrap_or_else(|| first_draft(&cycle, tier));
    let mut names = BTreeMap::new();
    let mut nodes = Vec::with_capacity(below.len());
    for one in below {
        names.insert(one.node.code.clone(), one.name);
        nodes.push(one.node);
    }
    let product = cycle.product.as_str();
    let plan = cycle
        .terms
        .plan(product, tier, supply, nodes, draft.clone());
    let proposal = worked_out(&plan).await?;
    Ok(Desk {
        permit,
        cycle,
        tier,
        seat,
        draft,
        draft_revision,
        plan,
        proposal,
        published,
        names,
        requests,
    })
}

/// The formula that the cycle has for this level, and nothing set by hand.
fn first_draft(cycle: &Cycle, tier: Tier) -> Draft {
    let formula = cycle.terms.formulas.get(&tier).cloned();
    Draft {
        formula: formula.unwrap_or_else(|| Formula::usual(tier)),
        overrides: Vec::new(),
    }
}

/// Works a plan out beside the requests of others: the largest takes a second.
///
/// # Errors
/// Only if the server is going down.
pub async fn worked_out(plan: &Plan) -> Result<Result<Proposal, Vec<Refusal>>, Problem> {
    let plan = plan.clone();
    tokio::task::spawn_blocking(move || propose(&plan))
        .await
        .map_err(|_| Problem::internal())
}

/// Those right below a giver, as a proposal has them.
pub fn receivers<'p>(proposal: &'p Proposal, giver: &'p str) -> impl Iterator<Item = &'p Proposed> {
    let nodes = proposal.nodes.iter();
    nodes.filter(move |node| node.parent.as_deref() == Some(giver))
}

/// What somebody got, with what it was made from.
pub struct Got {
    /// The plan of the level above.
    pub plan: Plan,
    /// One's own part of it.
    pub proposed: Proposed,
}

/// What the permit's place got in a cycle, and why; none if nothing is published.
///
/// # Errors
/// The database's.
pub async fn got(app: &App, permit: &Permit, cycle: Uuid) -> Result<Option<Got>, Problem> {
    let Some(own) = seat(permit.place()) else {
        return Ok(None);
    };
    let Some(above) = allocations::decision(&app.db, permit, cycle, true).await? else {
        return Ok(None);
    };
    let Ok(proposal) = worked_out(&above.plan).await? else {
        return Ok(None);
    };
    let proposed = proposal.find(&own).cloned();
    let plan = above.plan;
    Ok(proposed.map(|proposed| Got { plan, proposed }))
}
