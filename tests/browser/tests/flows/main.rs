//! The flows: what people do with Sesshu in their browsers, from login to the nation's count.
#![expect(
    clippy::unwrap_used,
    reason = "the house is part of the test: what fails there fails it"
)]

mod allocation;
mod answers;
mod before_the_shot;
mod camera;
mod city_desk;
mod cold_chain;
mod contracts;
mod coupons;
mod house;
mod leftover;
mod main_job;
mod monitors;
mod movers;
mod packs;
mod records;
mod reports;
mod snapshot;
mod supply;
mod tablet;
mod venue_files;
mod vials;
mod without_script;
mod worklists;
