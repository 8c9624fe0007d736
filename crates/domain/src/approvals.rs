//! The second person's approval (二人承認): who may propose a change, who may let it happen, and what
//! becomes of a proposal.
//!
//! A change of many records at once, and any change that the city wants two people for, is proposed
//! by one and approved by another. A proposal is bound to what the records said when it was made:
//! if one says something else by now, the proposal is overtaken, and nothing happens.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::access::{Action, Actor, Place, Role, UserId, may};
use crate::doses::{DoseId, Version};
use crate::places::MunicipalityCode;

/// What somebody may propose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matter {
    /// A record shall say something else (訂正).
    Correction,
    /// A record shall be taken back (取消).
    Void,
    /// Many records shall be confirmed at once (一括確定).
    Confirmation,
    /// Many records shall be opened again at once (一括解除).
    Reopening,
    /// Records under wrong numbers shall be taken back, and entered under the right ones (読み違いの修復).
    Repair,
    /// A file of records shall be done, or taken back again (接種記録の取込).
    File,
}

impl Matter {
    /// Every matter.
    pub const ALL: [Self; 6] = [
        Self::Correction,
        Self::Void,
        Self::Confirmation,
        Self::Reopening,
        Self::Repair,
        Self::File,
    ];

    /// The word in files, tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Correction => "correction",
            Self::Void => "void",
            Self::Confirmation => "confirmation",
            Self::Reopening => "reopening",
            Self::Repair => "repair",
            Self::File => "file",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|matter| matter.as_str() == word)
    }

    /// What whoever proposes or approves it must be allowed to do by themselves.
    #[must_use]
    pub fn action(self) -> Action {
        match self {
            Self::Correction | Self::Void | Self::Repair | Self::File => Action::CorrectRecord,
            Self::Confirmation | Self::Reopening => Action::ConfirmRecord,
        }
    }
}

/// For which matters a city wants a second person.
///
/// Invariant: a repair is always among them, since it moves doses from one person to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted(BTreeSet<Matter>);

impl Default for Wanted {
    /// What a city has that never set anything: repairs alone.
    fn default() -> Self {
        Self::for_matters([])
    }
}

impl Wanted {
    /// For these, and for repairs.
    #[must_use]
    pub fn for_matters(matters: impl IntoIterator<Item = Matter>) -> Self {
        let mut wanted: BTreeSet<Matter> = matters.into_iter().collect();
        wanted.insert(Matter::Repair);
        Self(wanted)
    }

    /// Whether this needs a second person.
    #[must_use]
    pub fn needs(&self, matter: Matter) -> bool {
        self.0.contains(&matter)
    }

    /// All of them, in the order of [`Matter::ALL`].
    pub fn matters(&self) -> impl Iterator<Item = Matter> {
        self.0.iter().copied()
    }
}

/// What became of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits for a second person.
    Proposed,
    /// A second person approved it (or none was wanted): it is done, or being done.
    Approved,
    /// A second person said no.
    Refused,
    /// Who proposed it took it back.
    Withdrawn,
    /// A record says something else than when it was proposed.
    Overtaken,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Proposed,
        Self::Approved,
        Self::Refused,
        Self::Withdrawn,
        Self::Overtaken,
    ];

    /// The word in files, tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Overtaken => "overtaken",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// What somebody decides about a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// It shall happen.
    Approve,
    /// It shall not.
    Refuse,
    /// Who proposed it takes it back.
    Withdraw,
}

impl Decision {
    /// Every decision.
    pub const ALL: [Self; 3] = [Self::Approve, Self::Refuse, Self::Withdraw];

    /// The word in the audit.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Refuse => "refuse",
            Self::Withdraw => "withdraw",
        }
    }
}

/// A proposal as far as deciding needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// In whose ledger.
    pub city: MunicipalityCode,
    /// What it is about.
    pub matter: Matter,
    /// Who proposed it.
    pub by: UserId,
    /// What became of it so far.
    pub state: State,
    /// What each record said when it was proposed; empty where records are taken as they are found.
    pub seen: Vec<(DoseId, Version)>,
}

/// Why a proposal is not made or not decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The person may not do this, or not in that city.
    Denied,
    /// Nobody approves or refuses what they proposed themselves.
    OwnProposal,
    /// Only who proposed it takes it back.
    NotYours,
    /// It is decided already.
    Decided {
        /// How.
        state: State,
    },
}

impl Refusal {
    /// The stable word for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::OwnProposal => "own_proposal",
            Self::NotYours => "proposal_not_yours",
            Self::Decided { .. } => "proposal_decided",
        }
    }
}

/// Whether somebody may propose this for a city's ledger. To open many records again is for an
/// administrator: it undoes the work of many days.
///
/// # Errors
/// [`Refusal::Denied`].
pub fn may_propose(actor: &Actor, city: MunicipalityCode, matter: Matter) -> Result<(), Refusal> {
    let leads = matter != Matter::Reopening || actor.role == Role::Administrator;
    if leads && may(actor, matter.action(), &Place::City(city)) {
        Ok(())
    } else {
        Err(Refusal::Denied)
    }
}

/// A file of records as far as approving it needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileOfRecords {
    /// Who handed it in, or asked for it to be taken back.
    pub by: UserId,
    /// Whether lines in it correct records (取消区分 1).
    pub corrects: bool,
    /// Whether lines in it take records back (取消区分 2).
    pub voids: bool,
}

impl FileOfRecords {
    /// Whether the city wants a second person for it: for files at all, or for what single lines do.
    /// A file is no way around the second person that a change by hand would need.
    #[must_use]
    pub fn needs_second(&self, wanted: &Wanted) -> bool {
        wanted.needs(Matter::File)
            || (self.corrects && wanted.needs(Matter::Correction))
            || (self.voids && wanted.needs(Matter::Void))
    }

    /// Whether somebody may approve it.
    ///
    /// # Errors
    /// [`Refusal::OwnProposal`] to who handed it in, where a second person is wanted.
    pub fn may_approve(&self, wanted: &Wanted, approver: UserId) -> Result<(), Refusal> {
        if self.needs_second(wanted) && approver == self.by {
            Err(Refusal::OwnProposal)
        } else {
            Ok(())
        }
    }
}

/// What becomes of a proposal by somebody's decision; `now` is what its records say now.
///
/// # Errors
/// Why this person does not decide so.
pub fn decide(
    proposal: &Proposal,
    actor: &Actor,
    decision: Decision,
    now: &[(DoseId, Version)],
) -> Result<State, Refusal> {
    if !may(actor, Action::ApproveChange, &Place::City(proposal.city)) {
        return Err(Refusal::Denied);
    }
    if proposal.state != State::Proposed {
        return Err(Refusal::Decided {
            state: proposal.state,
        });
    }
    let is_own = actor.user == proposal.by;
    match decision {
        Decision::Withdraw if !is_own => Err(Refusal::NotYours),
        Decision::Withdraw => Ok(State::Withdrawn),
        Decision::Approve | Decision::Refuse if is_own => Err(Refusal::OwnProposal),
        Decision::Refuse => Ok(State::Refused),
        Decision::Approve => {
            may_propose(actor, proposal.city, proposal.matter)?;
            let unchanged = proposal.seen.iter().all(|seen| now.contains(seen));
            Ok(if unchanged {
                State::Approved
            } else {
                State::Overtaken
            })
        }
    }
}

/// The reason of a record that is taken back because another one stands in its place.
#[must_use]
pub fn replaced(reason: &str, by: DoseId) -> String {
    format!("{reason}（替わりの記録 {by}）")
}

/// The reason of a record that is entered in the place of another one.
#[must_use]
pub fn replacing(reason: &str, original: DoseId) -> String {
    format!("{reason}（元の記録 {original}）")
}
