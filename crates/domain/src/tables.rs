//! The tables of the field that are part of the binary.

use serde::de::DeserializeOwned;

/// Reads a bundled CSV with a header into its rows, in the order of the file.
///
/// The file is compiled in and read by a test of this crate, so it cannot be wrong on one machine only.
#[expect(
    clippy::expect_used,
    reason = "the file is part of the program and tested with it"
)]
pub(crate) fn bundled<Row: DeserializeOwned>(text: &str) -> Vec<Row> {
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("the bundled table is in order")
}
