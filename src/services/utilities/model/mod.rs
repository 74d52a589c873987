//! The words of utilities: providers, service accounts, meters, readings, tariffs, usage. Pure.
pub(crate) mod account;
pub(crate) mod batch;
pub(crate) mod count;
pub(crate) mod meter;
pub(crate) mod provider;
pub(crate) mod reading;
pub(crate) mod tariff;
pub(crate) mod usage;
pub(crate) mod words;
