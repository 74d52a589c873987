//! What the supervisors promise, seen from outside: with real servers on real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests have roles and wait")]
#![allow(clippy::print_stdout, reason = "the processes that are killed speak by it")]

mod children;
mod failures;
mod hang;
mod load;
mod order;
mod pause;
mod process;
mod replace;
mod stage;
mod stop;
#[path = "../support/mod.rs"]
mod support;
mod tools;
