//! The rules of vaccination, and nothing else.
//!
//! Pure: no database, clock, network, locale or randomness. Facts go in, verdicts come out; a
//! refusal is a value. Everything that is a table of the field (places, products, coupon kinds)
//! is data under `data/`, read from files that are part of the binary.

pub mod access;
pub mod addresses;
pub mod adverse_reactions;
pub mod allocation;
pub mod amendments;
pub mod approvals;
pub mod calendar;
pub mod checks;
pub mod closings;
pub mod cold_chain;
pub mod contracts;
pub mod coupons;
pub mod cumulative_reports;
pub mod cycles;
pub mod deliveries;
pub mod demand;
mod digits;
pub mod doses;
pub mod drafts;
pub mod findings;
pub mod inquiries;
pub mod issues;
pub mod languages;
pub mod ledger;
pub mod leftover_doses;
pub mod lot_seals;
pub mod lots;
pub mod misreads;
pub mod mistakes;
pub mod monitors;
pub mod opening_days;
pub mod packs;
pub mod people;
pub mod places;
pub mod questionnaires;
pub mod receipts;
pub mod replacements;
pub mod retention;
pub mod schedules;
pub mod standby;
pub mod statistics;
pub mod stock;
mod tables;
pub mod vaccines;
pub mod venues;
