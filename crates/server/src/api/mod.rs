//! The JSON API under `/api/v1`, the open data, and the two addresses that watchers of the server call.

pub mod accounts;
pub mod allocations;
pub mod checks;
pub mod coupon_batches;
pub mod coupons;
pub mod deliveries;
pub mod doses;
pub mod fields;
pub mod figures;
pub mod health;
pub mod imports;
pub mod inquiries;
pub mod leftover_doses;
pub mod lots;
pub mod monitors;
pub mod openapi;
pub mod packs;
pub mod people;
pub mod places;
pub mod proposals;
pub mod receipts;
pub mod records;
pub mod residents;
pub mod sessions;
pub mod settings;
pub mod statistics;
pub mod stock;
pub mod tablet;
pub mod temperatures;
pub mod venue_days;
pub mod venue_files;
pub mod venues;
pub mod worklists;

use crate::web::routes::Routes;

/// All calls with their guards.
#[must_use]
pub fn routes() -> Routes {
    Routes::new()
        .merge(health::routes())
        .merge(openapi::routes())
        .merge(sessions::routes())
        .merge(accounts::routes())
        .merge(people::routes())
        .merge(places::routes())
        .merge(settings::routes())
        .merge(lots::routes())
        .merge(allocations::routes())
        .merge(figures::routes())
        .merge(stock::routes())
        .merge(temperatures::routes())
        .merge(leftover_doses::routes())
        .merge(deliveries::routes())
        .merge(monitors::routes())
        .merge(coupons::routes())
        .merge(checks::routes())
        .merge(doses::routes())
        .merge(tablet::routes())
        .merge(receipts::routes())
        .merge(venue_days::routes())
        .merge(venues::routes())
        .merge(venue_files::routes())
        .merge(records::routes())
        .merge(worklists::routes())
        .merge(proposals::routes())
        .merge(residents::routes())
        .merge(imports::routes())
        .merge(coupon_batches::routes())
        .merge(packs::routes())
        .merge(inquiries::routes())
        .merge(statistics::routes())
}
