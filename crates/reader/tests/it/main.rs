//! One binary for all tests that look at the reader from outside.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod album;
mod any_bytes;
mod photographs;
mod samples;
