//! The rules of vaccination, and nothing else.
//!
//! Pure: no database, clock, network, locale or randomness. Facts go in, verdicts come out; a
//! refusal is a value. Everything that is a table of the field (places, products, coupon kinds)
//! is data under `data/`, read from files that are part of the binary.

pub mod access;
pub mod calendar;
pub mod coupons;
mod digits;
pub mod doses;
pub mod findings;
pub mod ledger;
pub mod people;
pub mod places;
pub mod statistics;
mod tables;
pub mod vaccines;
pub mod venues;
