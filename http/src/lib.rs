//! The HTTP kit: what every server and every call between services is made of.
//!
//! It knows the rules of HTTP and no service by name. In reading order: [`connection`] is a client's
//! connection, [`server`] builds a server with its layers ([`access`] outermost, `strict` in it,
//! [`guard`] around each route), [`routes`] is the table of
//! endpoints and their description, [`body`], [`idempotency`], [`caller`], [`deadline`] and
//! [`trace`] are what a handler asks of a request, [`reply`], [`download`] and [`problem`] what it
//! answers;
//! [`token`] signs and verifies, [`health`] and [`metrics`] tell how the server is. Towards others,
//! [`client`] calls services, [`lane`] keeps its connections, [`headers`] is what a proxy passes on.

pub mod access;
pub mod body;
pub mod caller;
pub mod client;
pub mod connection;
pub mod content;
pub mod deadline;
pub mod download;
pub mod guard;
pub mod headers;
pub mod health;
pub mod idempotency;
pub mod lane;
pub mod latency;
pub mod metrics;
pub mod precondition;
pub mod problem;
pub mod pulse;
pub mod reply;
pub mod routes;
pub mod server;
mod strict;
pub mod token;
pub mod trace;
pub mod underway;

pub use body::{Body, MaybeBody, Path, Query};
pub use caller::{Anyone, Caller, Role, ServiceCaller, ServiceKey, Shown, Verifier};
pub use client::{Peer, PeerError};
pub use connection::{Interim, Repeat, Repeatable};
pub use content::{Content, Rendered};
pub use deadline::Deadline;
pub use download::Download;
pub use health::{Check, Health, Status};
pub use idempotency::{IdempotencyKey, Keyed, MaybeKeyed};
pub use metrics::Metrics;
pub use precondition::IfMatch;
pub use problem::{Invalid, Kind, Problem};
pub use reply::{Created, Found, Listed, NoContent, Reply};
pub use routes::{About, Routes, about};
pub use server::{Kit, Limits, serve};
pub use trace::RequestId;
