//! Foreign formats, each a pair of pure functions: what others hand in, and what they expect.
//!
//! Nothing here opens a file, asks a clock or knows a database: bytes go in, rows and complaints
//! come out, and the other way round. What is wrong in a file is a value with a line, an item and
//! a text for the person who mends it.

pub mod access_log;
pub mod adverse_reactions;
pub mod allocations;
pub mod complaints;
pub mod cumulative_reports;
pub mod deliveries;
pub mod encoding;
pub mod figures;
mod form;
pub mod inquiries;
pub mod ledger;
pub mod lines;
pub mod monitors;
pub mod open_data;
pub mod orders;
pub mod recalls;
pub mod records;
mod repeats;
pub mod residents;
pub mod structure;
pub mod table;
pub mod temperatures;
pub mod unaddressed;
pub mod venue_master;
pub mod venues;

/// What reading from memory or writing to it gives.
#[expect(clippy::expect_used, reason = "memory does not fail as a disk does")]
fn in_memory<T, E: std::fmt::Debug>(answer: Result<T, E>) -> T {
    answer.expect("memory does not fail")
}
