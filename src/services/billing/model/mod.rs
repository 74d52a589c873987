//! The words of billing: bills and their states, lines, drafts, what payments hold. Pure.
pub(crate) mod bill;
pub(crate) mod draft;
pub(crate) mod history;
pub(crate) mod line;
pub(crate) mod reservation;
pub(crate) mod view;
pub(crate) mod words;
