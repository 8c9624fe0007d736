//! How long a lot is good, as shelf lives are extended (有効期限の延長).

use super::model::{Given, Schedules};
use crate::calendar::Day;

impl Schedules {
    /// The last day on which the dose's lot was good, by what had been decided on the day it was
    /// given; `None` if nobody told what is printed on it.
    ///
    /// An extension lengthens the life of lots with older printed dates, too (`QA-0112`), but never
    /// makes good a dose that was given before it was decided.
    #[must_use]
    pub fn last_day(&self, given: &Given<'_>) -> Option<Day> {
        let product = given.product?;
        let lot = self
            .lots
            .iter()
            .find(|lot| lot.product == product && lot.number == given.lot);
        let printed = given.expires.or_else(|| lot.map(|lot| lot.expires))?;
        let lives = || {
            let of_product = self.shelf_lives.iter();
            of_product.filter(move |life| life.product == product)
        };
        let printed_months = lot
            .and_then(|lot| lot.printed_months)
            .or_else(|| lives().map(|life| life.months).min());
        let months = lives()
            .filter(|life| life.decided_on <= given.on)
            .filter(|life| !life.except_lots.iter().any(|one| one == given.lot))
            .map(|life| life.months)
            .max();
        let longer = match (months, printed_months) {
            (Some(months), Some(printed)) => (months - printed).max(0),
            _ => 0,
        };
        // Counted from the morning after, so that the end of a month stays the end of a month.
        Some(printed.plus_days(1).plus_months(longer).plus_days(-1))
    }
}
