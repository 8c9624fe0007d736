//! The database: the only crate that knows SQL.
//!
//! The modules carry the nouns of `domain`. Every function that reads or writes personal data
//! takes a permit of [`domain::access`], and takes the city or the venue from it.

pub mod accounts;
pub mod audit;
pub mod db;
pub mod doses;
pub mod error;
pub mod ledger;
pub mod migrations;
pub mod recorder;
pub mod residents;
pub mod sessions;
pub mod settings;
pub mod statistics;
pub mod verify;

pub use db::{Db, Location};
pub use error::{Error, Result};
