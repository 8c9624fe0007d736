//! Changes that two people make together (二人承認): what was proposed, by whom, and what became of it.
//!
//! A proposal holds its acts, each with what its record said when it was proposed; or, of many
//! records at once, which ones. Approving it is a transaction of its own; the acts then go the way
//! of every act, through the recorder, and `work.rs` goes on with them after a restart. The entries
//! they make name the proposal as their device, so that from each entry both people are found.

mod deciding;
mod proposing;
mod reading;
mod settings;
mod singles;
mod work;

pub(crate) use deciding::counts;
pub use deciding::{decide, effects};
pub use proposing::{propose, propose_many};
pub use reading::{Proposal, ProposedAct, about, acts, latest, open, proposal};
pub(crate) use settings::wanted_within;
pub use settings::{set_wanted, wanted};
pub use singles::{Outcome, correct, void};
pub use work::{InHand, STRETCH_ACTS, finish_now, stretch, take_in_hand};

use domain::access::OrganisationId;
use domain::approvals::{Matter, Refusal};
use domain::calendar::{Day, Instant};
use domain::coupons::CouponLine;
use domain::doses::{DoseId, Version};
use domain::places::MunicipalityCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::{Tx, sql};
use crate::doses::{DoseRow, Record};
use crate::error::{Error, Result};
use crate::recorder::json;

/// Records in one proposal at most: what a second person can look through.
pub const ACTS_MAX: usize = 200;

/// What an entry's device is called when it was made by a proposal: this and the proposal's id.
const DEVICE: &str = "proposal:";

/// The device that the entries of a proposal name.
pub(crate) fn device_of(proposal: Uuid) -> String {
    format!("{DEVICE}{proposal}")
}

/// The proposal behind an entry, if one is.
#[must_use]
pub fn behind(device: &str) -> Option<Uuid> {
    Uuid::parse_str(device.strip_prefix(DEVICE)?).ok()
}

fn bad(column: &'static str) -> Error {
    Error::Inconsistent {
        table: "proposal",
        column,
    }
}

/// When something is decided, and the id of the audit's row about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct How {
    /// Of the audit's row.
    pub audit: Uuid,
    /// When.
    pub at: Instant,
}

/// What shall happen to a record.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It shall say this.
    Correct {
        /// The day it was given.
        given_on: Day,
        /// Which dose it was.
        turn: u8,
        /// The product's key.
        product: String,
        /// The lot.
        lot: String,
        /// Who gave it.
        doctor: String,
    },
    /// It shall be taken back.
    Void,
    /// It shall be taken back, and entered under these digits.
    Replace {
        /// The digits that were on the paper.
        line: CouponLine,
    },
}

/// One act of a proposal that is to be made.
#[derive(Clone, PartialEq, Eq)]
pub struct NewAct {
    /// The act's own id.
    pub id: Uuid,
    /// Which record.
    pub dose: DoseId,
    /// What it said to who proposes.
    pub seen: Version,
    /// What shall happen.
    pub change: Change,
    /// The id of the record that is entered in its place, if one is.
    pub new_dose: Option<DoseId>,
}

/// Many records at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// What a venue registered on a day, but what a clerk must decide.
    Session {
        /// The venue.
        venue: OrganisationId,
        /// The day of registration.
        day: Day,
    },
    /// All that were given until a day and that nothing was found about.
    Clean {
        /// The last day.
        until: Day,
    },
}

/// A proposal that is to be made.
#[derive(Clone, PartialEq, Eq)]
pub struct NewProposal {
    /// Its id, made by the caller.
    pub id: Uuid,
    /// What it is about.
    pub matter: Matter,
    /// Why.
    pub reason: String,
    /// Its acts.
    pub acts: Vec<NewAct>,
    /// The repair that it undoes.
    pub undoes: Option<Uuid>,
}

/// Why a proposal is not made or decided.
#[derive(Debug, thiserror::Error)]
pub enum ProposalError {
    /// A rule of approvals says no.
    #[error("the proposal is refused: {0:?}")]
    Refused(Refusal),
    /// There is no such proposal, or no such record.
    #[error("no such proposal")]
    NotFound,
    /// A record says something else than what the person had before them, or is taken back.
    #[error("a record changed meanwhile")]
    ChangedMeanwhile,
    /// What shall be entered would not count: the person has that dose already.
    #[error("the person has that dose already")]
    WouldClash,
    /// There is nothing to do in it, or too much for one person to look through.
    #[error("a proposal has 1 to {ACTS_MAX} acts, not {0}")]
    Size(usize),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] Error),
}

impl From<Refusal> for ProposalError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// These records of the city, those that are there.
pub(crate) async fn records(
    tx: &mut Tx,
    city: MunicipalityCode,
    doses: &[DoseId],
) -> Result<Vec<Record>> {
    #[derive(Serialize)]
    struct Key {
        d: String,
    }
    let keys: Vec<Key> = doses
        .iter()
        .map(|dose| Key {
            d: dose.0.simple().to_string(),
        })
        .collect();
    let rows: Vec<DoseRow> = tx
        .query(sql!(
            "SELECT d.* FROM json_each($2) AS k CROSS JOIN dose AS d
             WHERE d.municipality = $1 AND d.dose_id = unhex(k.value->>'d')"
        ))
        .bind(city.as_str().to_owned())
        .bind(json(&keys))
        .all()
        .await?;
    rows.into_iter().map(Record::try_from).collect()
}
