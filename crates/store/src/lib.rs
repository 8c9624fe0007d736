//! The database: the only crate that knows SQL.
//!
//! The modules carry the nouns of `domain`. Every function that reads or writes personal data
//! takes a permit of [`domain::access`], and takes the city or the venue from it.

pub mod accounts;
pub mod allocations;
pub mod approvals;
pub mod audit;
pub mod checks;
pub mod closings;
pub mod cold_chain;
pub mod contracts;
pub mod coupons;
pub mod cumulative_reports;
pub mod cycles;
pub mod db;
pub mod deliveries;
pub mod demand;
pub mod devices;
pub mod doses;
pub mod error;
pub mod exports;
pub mod figures;
pub mod imports;
pub mod inquiries;
mod leases;
pub mod ledger;
pub mod leftover_doses;
pub mod lots;
pub mod migrations;
pub mod misreads;
pub mod monitors;
pub mod opening_days;
pub mod packs;
pub mod people;
mod projections;
pub mod queue_keys;
pub mod recalls;
pub mod receipts;
pub mod recorder;
pub mod register;
pub mod replacements;
pub mod reports;
pub mod residents;
pub mod seals;
pub mod senders;
pub mod sessions;
pub mod settings;
pub mod standby;
pub mod statistics;
pub mod stock;
pub mod supplies;
pub mod transfers;
pub mod venues;
pub mod verify;
pub mod worklists;

pub use db::{Db, Location};
pub use error::{Error, Result};
pub use projections::Recent;
