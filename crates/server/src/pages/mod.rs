//! The pages that people see.

pub mod accounts;
pub mod allocation_desk;
pub mod allocation_figures;
pub mod allocation_formulas;
pub mod allocation_reasons;
pub mod allocations;
pub mod attachments;
mod boxes;
pub mod city;
pub mod city_leftovers;
pub mod contracts;
pub mod corrections;
pub mod coupon_batches;
pub mod coupons;
pub mod cumulative_reports;
pub mod deliveries;
pub mod devices;
pub mod displays;
pub mod drafts;
pub mod excursion_lots;
pub mod excursions;
pub mod exports;
pub mod fields;
pub mod home;
pub mod imports;
pub mod inquiries;
pub mod inquiry_files;
pub mod ledger;
pub mod leftover_doses;
pub mod login;
pub mod looks;
pub mod lots;
pub mod misreads;
pub mod monitor_map;
pub mod monitor_places;
pub mod monitors;
pub mod opening_days;
pub mod orders;
pub mod organisations;
pub mod packs;
pub mod papers;
pub mod people;
pub mod persons;
pub mod photos;
pub mod proposals;
pub mod reading;
pub mod recalls;
pub mod receipts;
pub mod records;
pub mod register;
pub mod registration;
pub mod report_forms;
pub mod reports;
pub mod residents;
pub mod senders;
pub mod settings;
pub mod standby;
pub mod statistics;
pub mod stock;
mod stock_fields;
mod stock_lots;
pub mod stories;
pub mod supplies;
pub mod tablet;
pub mod temperatures;
pub mod today;
pub mod transfers;
pub mod typed;
pub mod venue_codes;
pub mod venue_days;
pub mod venue_files;
pub mod venue_records;
pub mod venues;
pub mod worklists;

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
        .merge(lots::routes())
        .merge(allocations::routes())
        .merge(allocation_figures::routes())
        .merge(supplies::routes())
        .merge(stock::routes())
        .merge(stock_lots::routes())
        .merge(boxes::routes())
        .merge(transfers::routes())
        .merge(temperatures::routes())
        .merge(displays::routes())
        .merge(excursion_lots::routes())
        .merge(excursions::routes())
        .merge(leftover_doses::routes())
        .merge(standby::routes())
        .merge(city_leftovers::routes())
        .merge(deliveries::routes())
        .merge(orders::routes())
        .merge(recalls::routes())
        .merge(monitors::routes())
        .merge(cumulative_reports::routes())
        .merge(reading::routes())
        .merge(registration::routes())
        .merge(receipts::routes())
        .merge(packs::routes())
        .merge(drafts::routes())
        .merge(today::routes())
        .merge(tablet::routes())
        .merge(devices::routes())
        .merge(venue_days::routes())
        .merge(opening_days::routes())
        .merge(venues::routes())
        .merge(venue_files::routes())
        .merge(venue_records::routes())
        .merge(venue_codes::routes())
        .merge(contracts::routes())
        .merge(city::routes())
        .merge(ledger::routes())
        .merge(people::routes())
        .merge(persons::routes())
        .merge(register::routes())
        .merge(reports::routes())
        .merge(stories::routes())
        .merge(worklists::routes())
        .merge(misreads::routes())
        .merge(proposals::routes())
        .merge(imports::routes())
        .merge(coupon_batches::routes())
        .merge(coupons::routes())
        .merge(senders::routes())
        .merge(inquiries::routes())
        .merge(inquiry_files::routes())
        .merge(residents::routes())
        .merge(typed::routes())
        .merge(exports::routes())
        .merge(looks::routes())
        .merge(statistics::routes())
}
