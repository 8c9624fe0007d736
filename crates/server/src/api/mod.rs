//! The JSON API under `/api/v1`, the open data, and the two addresses that watchers of the server call.

pub mod accounts;
pub mod coupons;
pub mod doses;
pub mod fields;
pub mod health;
pub mod openapi;
pub mod places;
pub mod records;
pub mod residents;
pub mod sessions;
pub mod settings;
pub mod statistics;

use crate::web::routes::Routes;

/// All calls with their guards.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .merge(health::routes())
        .merge(openapi::routes())
        .merge(sessions::routes())
        .merge(accounts::routes())
        .merge(places::routes())
        .merge(settings::routes())
        .merge(coupons::routes())
        .merge(doses::routes())
        .merge(records::routes())
        .merge(residents::routes())
        .merge(statistics::routes())
}
