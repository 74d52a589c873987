//! The words of billing: bills and their states, lines, drafts, what payments hold. Pure.
pub(crate) mod bill;
pub(crate) mod draft;
pub(crate) mod history;
pub(crate) mod line;
pub(crate) mod order;
pub(crate) mod preview;
pub(crate) mod reservation;
pub(crate) mod trace;
pub(crate) mod usage;
pub(crate) mod view;
pub(crate) mod words;
