//! The lane, the peer and what the server refuses, against other ends that misbehave on purpose.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bounds;
mod cancel;
mod following;
mod framing;
mod interim;
mod malformed;
mod peer;
mod retry;
mod smuggling;
mod support;
mod swap;
mod threads;
mod upload;
