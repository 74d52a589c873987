//! Busbar: a self-hosted backend for utility bills and their payment.
//!
//! Start here: [`tree`] is the picture of the whole, [`services`] is what it is for. In reading
//! order: [`types`] are the words, [`config`] the settings, [`storage`] the one place that knows two
//! engines; [`events`], [`jobs`], [`requests`], [`audit`] and [`agreed`] are laid into every service's
//! database;
//! [`host`] is one life of a service, [`gateway`] and [`health`] stand in front of them; [`admin`] is for
//! who looks after the process, [`chronicle`] remembers how services ended; [`demo`]
//! shows it all with made-up people.

pub mod admin;
pub mod agreed;
pub mod audit;
pub mod build;
pub mod chronicle;
pub mod cli;
pub mod commands;
pub mod config;
pub mod demo;
pub mod events;
pub mod faults;
pub mod gateway;
pub mod health;
pub mod host;
pub mod jobs;
pub mod keys;
pub mod logging;
pub mod requests;
pub mod services;
pub mod storage;
pub mod tree;
pub mod types;
pub mod welcome;

mod renewal;
