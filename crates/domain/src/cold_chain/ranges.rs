//! Between which temperatures vaccine is kept, and how long it may be outside: data (`data/storage_ranges.csv`).

use std::sync::LazyLock;

use serde::Deserialize;

use super::{CoolerKind, Temperature};
use crate::calendar::Day;

/// Every product that the table has no row of its own for, and the coolers themselves.
const ANY: &str = "any";

/// Between which temperatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The lowest allowed.
    pub lowest: Temperature,
    /// The highest allowed.
    pub highest: Temperature,
    /// Minutes outside after which vials are in doubt.
    pub minutes: i64,
}

impl Range {
    /// Whether a temperature is within.
    #[must_use]
    pub fn holds(self, temperature: Temperature) -> bool {
        (self.lowest..=self.highest).contains(&temperature)
    }
}

#[derive(Deserialize)]
struct Row {
    product: String,
    kind: CoolerKind,
    valid_from: Day,
    valid_to: Option<Day>,
    lowest_tenths: Temperature,
    highest_tenths: Temperature,
    minutes: i64,
}

static ROWS: LazyLock<Vec<Row>> =
    LazyLock::new(|| crate::tables::bundled(include_str!("../../../../data/storage_ranges.csv")));

/// What a kind of cooler is to hold on a day: for a product, if one is named and has a row of its own there, else for
/// the cooler itself. None on a day before the table begins.
#[must_use]
pub fn range(product: Option<&str>, kind: CoolerKind, on: Day) -> Option<Range> {
    let of = |product: &str| {
        ROWS.iter()
            .filter(|row| row.product == product && row.kind == kind)
            .find(|row| row.valid_from <= on && row.valid_to.is_none_or(|last| on <= last))
    };
    let row = product.and_then(of).or_else(|| of(ANY))?;
    Some(Range {
        lowest: row.lowest_tenths,
        highest: row.highest_tenths,
        minutes: row.minutes,
    })
}

/// Whether a product is kept in a kind of cooler: where it has rows of its own, in those that they name, and one
/// without may be kept in any.
#[must_use]
pub fn is_kept_in(product: &str, kind: CoolerKind, on: Day) -> bool {
    let own = || {
        ROWS.iter()
            .filter(|row| row.product == product)
            .filter(|row| row.valid_from <= on && row.valid_to.is_none_or(|last| on <= last))
    };
    own().next().is_none() || own().any(|row| row.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vaccines::Vaccines;

    #[test]
    fn every_product_can_be_kept_somewhere_and_none_is_more_delicate_than_the_alarm_of_its_cooler()
    {
        for product in Vaccines::bundled().all() {
            let key = product.key.as_str();
            assert!(ROWS.iter().any(|row| row.product == key), "{key}");
        }
        for row in ROWS.iter() {
            let alarm = range(None, row.kind, row.valid_from).unwrap();
            let key = &row.product;
            assert!(row.lowest_tenths < row.highest_tenths, "{key}");
            assert!(row.lowest_tenths <= alarm.lowest, "{key}");
            assert!(row.highest_tenths >= alarm.highest, "{key}");
            assert!(row.minutes >= alarm.minutes, "{key}");
            let known = key == ANY || Vaccines::bundled().find(key).is_some();
            assert!(known, "{key}");
        }
    }

    #[test]
    fn a_product_without_a_row_is_held_to_what_the_cooler_is() {
        let on = Day::parse("2022-10-01").unwrap();
        let cooler = range(None, CoolerKind::DeepFreezer, on);
        assert_eq!(
            range(Some("spikevax_ba1"), CoolerKind::DeepFreezer, on),
            cooler
        );
        let colder = range(Some("spikevax_ba1"), CoolerKind::Freezer, on).unwrap();
        assert_eq!(colder.lowest.tenths(), -500);
        assert_eq!(
            range(None, CoolerKind::Freezer, Day::parse("2019-01-01").unwrap()),
            None
        );
    }
}
