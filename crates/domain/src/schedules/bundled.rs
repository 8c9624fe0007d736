//! The schedules that are part of the program.

use std::sync::LazyLock;

use super::model::Schedules;

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../data/schedules/", $name)))),+]
    };
}

/// Against COVID-19. The order is that of the names, as for a folder read from outside.
const COVID19: &[(&str, &str)] = files![
    "covid19/10-products.toml",
    "covid19/20-primary.toml",
    "covid19/30-boosters.toml",
    "covid19/40-seasonal.toml",
    "covid19/50-others.toml",
];

/// Routine vaccination of children.
const CHILDHOOD: &[(&str, &str)] = files![
    "childhood/10-products.toml",
    "childhood/20-infants.toml",
    "childhood/30-children.toml",
];

/// Influenza of the elderly.
const ELDERLY: &[(&str, &str)] = files!["elderly/10-influenza.toml"];

impl Schedules {
    /// The schedules against COVID-19 alone: what the records of coupons are judged by.
    #[must_use]
    pub fn covid19() -> &'static Self {
        static SCHEDULES: LazyLock<Schedules> = LazyLock::new(|| read(COVID19));
        &SCHEDULES
    }

    /// Every schedule of the program.
    #[must_use]
    pub fn bundled() -> &'static Self {
        static SCHEDULES: LazyLock<Schedules> =
            LazyLock::new(|| read(&[CHILDHOOD, COVID19, ELDERLY].concat()));
        &SCHEDULES
    }
}

/// The files are compiled in and read by a test of this crate, so they cannot be wrong on one
/// machine only.
#[expect(
    clippy::expect_used,
    reason = "the files are part of the program and tested with it"
)]
fn read(files: &[(&str, &str)]) -> Schedules {
    Schedules::parse(files).expect("the bundled schedules are in order")
}
