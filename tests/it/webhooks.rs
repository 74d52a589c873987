//! Webhooks: endpoints, deliveries to real receivers, and addresses that are not called.

mod crash;
mod endpoints;
mod failing;
mod fairness;
mod forbidden;
mod house;
mod log;
mod secrets;
mod secure;
mod sending;
