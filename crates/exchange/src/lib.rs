//! Foreign formats, each a pair of pure functions: what others hand in, and what they expect.
//!
//! Nothing here opens a file, asks a clock or knows a database: bytes go in, rows and complaints
//! come out, and the other way round. What is wrong in a file is a value with a line, an item and
//! a text for the person who mends it.

pub mod complaints;
pub mod encoding;
mod lines;
pub mod open_data;
pub mod residents;
pub mod structure;
