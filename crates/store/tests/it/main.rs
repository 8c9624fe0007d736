//! The store, tried on both engines.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails says where"
)]

mod people_at_work;
mod recording;
mod same_answers;
mod statements;
mod world;
