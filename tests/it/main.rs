//! Integration tests: one binary, one file a subject.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod architecture;
mod billing;
mod config;
mod crash;
mod database;
mod deploy;
mod events;
mod gateway;
mod health;
mod payments;
mod readme;
mod storage;
mod story;
mod supervision;
mod support;
mod users;
