//! The words of webhooks.
pub(super) mod attempt;
pub(super) mod delivery;
pub(super) mod endpoint;
