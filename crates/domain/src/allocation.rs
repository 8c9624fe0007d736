//! Who gets how much (配分): a proposal in whole shipping units from the nation to the last venue, by a
//! published formula, with the reason of every number.
//!
//! A pure function of [`Plan`]: the same plan gives the same proposal on every machine, in whatever
//! order its nodes stand, and nothing else goes in. The formulas are data, and the four that were in
//! force (domain paper §3.6) are among them. `docs/allocation.md` publishes plan and proposal as JSON.
//!
//! Invariants: what goes to those below and what is kept is what the giver has, at every level; no cap,
//! request that limits, pack or minimum shipment is ever exceeded or undercut; an override never breaks
//! the total.

mod division;
mod formulas;
mod late_entry;
mod plan;
mod reasons;
mod shares;
mod tree;

use serde::Serialize;

pub use division::Proposed;
pub use late_entry::{Entered, EntryLag, Late};
pub use plan::{
    Brake, FIGURE_MAX, Item, NODES_MAX, Node, Override, PERMILLE, Part, Per, Plan, Quota, Refusal,
    Rule, STEPS_MAX, Step, WORDS_LENGTH_MAX, Wrong,
};
pub use reasons::{How, Input, Kept, PartWhy, Rounding, Why};
pub use tree::{Figure, Limit};

/// What is proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// Every node, in the order of codes.
    pub nodes: Vec<Proposed>,
}

impl Proposal {
    /// What is proposed for a node.
    #[must_use]
    pub fn find(&self, code: &str) -> Option<&Proposed> {
        let at = self
            .nodes
            .binary_search_by(|node| node.code.as_str().cmp(code))
            .ok()?;
        self.nodes.get(at)
    }
}

/// Proposes who gets how much.
///
/// # Errors
/// Every field of the plan that is wrong, by its path, up to a hundred.
pub fn propose(plan: &Plan) -> Result<Proposal, Vec<Refusal>> {
    let mut refusals = plan::Refusals::default();
    plan::check(plan, &mut refusals);
    let tree = tree::Tree::grow(plan, &mut refusals);
    let nodes = if refusals.is_empty() {
        division::work(plan, &tree, &mut refusals)
    } else {
        Vec::new()
    };
    refusals.or(Proposal { nodes })
}

#[cfg(test)]
mod tests;
