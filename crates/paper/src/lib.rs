//! Papers people hold: the coupon (接種券) as a sheet to print and as a picture to show.
//!
//! Official forms are given in millimetres, so a paper is laid out once, in millimetres, and that
//! one layout is written as PDF or drawn as PNG. Nothing here reads a clock or draws lots: the same
//! paper is the same bytes, on every machine.

// The same samples for the tests inside and outside, which call this crate by its name.
#[cfg(test)]
extern crate self as paper;
#[cfg(test)]
#[path = "../tests/samples/mod.rs"]
mod samples;

mod access_logs;
mod adverse_reactions;
mod batches;
mod certificates;
mod coupons;
mod disclosures;
mod document;
mod envelopes;
mod fonts;
mod forms;
mod layout;
mod mandates;
mod mistakes;
mod packs;
mod papers;
mod persons;
mod picture;
mod questionnaires;
mod refusals;
mod rosters;
mod seals;
mod sheets;
mod symbols;
mod tables;
mod transfers;

pub use access_logs::{AccessLog, Look};
pub use adverse_reactions::AdverseReactionReport;
pub use batches::{
    BATCH_PAPERS_MAX, BatchError, BatchEvent, BatchFile, BatchOutcome, BatchPlan,
    PAPERS_PER_FILE_MAX,
};
pub use certificates::{CERTIFIED_DOSES_MAX, Certificate, CertifiedDose, PrintedReceipt, Travel};
pub use coupons::{NAME_COLUMNS_MAX, coupon_png};
pub use disclosures::{DisclosedDose, Disclosure};
pub use envelopes::{Address, Envelope, Sender};
pub use fonts::missing_characters;
pub use mandates::Mandate;
pub use mistakes::MistakeReport;
pub use packs::{PACK_FORMS_MAX, Pack, PrintedPack, pack_pdf};
pub use papers::{Paper, papers_pdf};
pub use persons::{Person, Residence};
pub use picture::{PX_PER_MM_MAX, PX_PER_MM_MIN};
pub use questionnaires::Questionnaire;
pub use refusals::{PaperRefusal, RefusedSheet};
pub use rosters::{Expected, Roster, Who};
pub use seals::{SEAL_TURNS_MAX, SealSheet};
pub use sheets::{ADDRESS_LINES_MAX, COUPONS_MAX, CouponSheet, SHEETS_MAX, coupon_sheet_pdf};
pub use transfers::{BookReader, Came, Handover, Party, TransferBook, Transferred};
