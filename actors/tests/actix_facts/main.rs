//! The facts about actix that the design leans on, one test each: an upgrade that changes one of
//! them fails here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod actors;
mod servers;
#[path = "../support/mod.rs"]
mod support;
