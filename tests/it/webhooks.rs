//! Webhooks: endpoints, deliveries to real receivers, and addresses that are not called.

mod crash;
mod endpoints;
mod failing;
mod fairness;
mod forbidden;
pub(crate) mod house;
mod log;
pub(crate) mod secrets;
mod secure;
mod sending;
