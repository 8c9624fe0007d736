//! The program as it is run: on a demonstration's data, and as it is set up for real.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails says where"
)]

mod api;
mod before_the_shot;
mod faults;
mod files;
mod keys;
mod pages;
mod program;
mod rules;
mod serve;
mod stock;
