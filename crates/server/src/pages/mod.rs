//! The pages that people see.

pub mod accounts;
pub mod corrections;
pub mod fields;
pub mod home;
pub mod login;
pub mod photos;
pub mod reading;
pub mod records;
pub mod registration;
pub mod settings;
pub mod today;

use crate::web::routes::Routes;

/// All pages with their guards.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .merge(home::routes())
        .merge(login::routes())
        .merge(accounts::routes())
        .merge(settings::routes())
        .merge(reading::routes())
        .merge(registration::routes())
        .merge(today::routes())
}
