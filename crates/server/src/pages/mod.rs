//! The pages that people see.

pub mod accounts;
pub mod attachments;
pub mod city;
pub mod corrections;
pub mod fields;
pub mod home;
pub mod ledger;
pub mod login;
pub mod looks;
pub mod organisations;
pub mod persons;
pub mod photos;
pub mod reading;
pub mod records;
pub mod registration;
pub mod residents;
pub mod settings;
pub mod statistics;
pub mod stories;
pub mod today;

use crate::web::routes::Routes;

/// All pages with their guards.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .merge(home::routes())
        .merge(login::routes())
        .merge(accounts::routes())
        .merge(organisations::routes())
        .merge(settings::routes())
        .merge(reading::routes())
        .merge(registration::routes())
        .merge(today::routes())
        .merge(city::routes())
        .merge(ledger::routes())
        .merge(persons::routes())
        .merge(stories::routes())
        .merge(residents::routes())
        .merge(looks::routes())
        .merge(statistics::routes())
}
