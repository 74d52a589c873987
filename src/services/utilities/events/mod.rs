//! What utilities tells others. It hears nothing that it acts on.
pub(crate) mod account;
pub(crate) mod meter;
pub(crate) mod provider;
pub(crate) mod reading;
pub(crate) mod tariff;
