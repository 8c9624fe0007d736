//! The program: pages, API and command line around the rules and the database.

pub mod api;
pub mod cli;
pub mod clock;
pub mod config;
pub mod jobs;
pub mod keys;
pub mod pages;
pub mod state;
pub mod tablet;
pub mod web;
