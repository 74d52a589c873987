//! Integration tests: one binary, one file a subject.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod analytics;
mod architecture;
mod billing;
mod config;
mod connections;
mod console;
mod control;
mod crash;
mod database;
mod demo;
mod deploy;
mod documents;
mod events;
mod gateway;
mod health;
mod logs;
mod metrics;
mod notifications;
mod payments;
mod problems;
mod proofs;
mod readme;
mod reload;
mod several;
mod storage;
mod story;
mod supervision;
mod support;
mod users;
mod utilities;
mod webhooks;
