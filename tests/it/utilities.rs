//! Utilities: providers, service accounts, meters, readings, tariffs, and usage for billing.

mod accounts;
mod batches;
mod boundaries;
mod meters;
pub(crate) mod office;
mod providers;
mod readings;
mod review;
mod tariffs;
mod through_the_gateway;
mod usage;
