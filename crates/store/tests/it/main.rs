//! The store, tried on both engines.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails says where"
)]

mod allocating;
mod approvals;
mod cold_chain;
mod contracts;
mod delivering;
mod devices;
mod drawing;
mod exporting;
mod finding;
mod importing;
mod importing_records;
mod importing_venues;
mod inquiries;
mod issuing;
mod leftover_doses;
mod monitors;
mod ordering;
mod packs;
mod people_at_work;
mod persons;
mod recording;
mod register;
mod replacing;
mod reports;
mod same_answers;
mod seals;
mod statements;
mod stock;
mod storms;
mod transferring;
mod venue_days;
mod venues;
mod world;
