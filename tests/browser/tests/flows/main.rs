//! The flows: what people do with Sesshu in their browsers, from login to the nation's count.
#![expect(
    clippy::unwrap_used,
    reason = "the house is part of the test: what fails there fails it"
)]

mod answers;
mod camera;
mod city_desk;
mod house;
mod main_job;
mod snapshot;
mod without_script;
