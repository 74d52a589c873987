//! The endpoints, by noun; and who asks: a visitor, or a person with a session that goes on.

pub(super) mod administration;
pub(super) mod contact;
pub(super) mod counters;
pub(super) mod ended;
pub(super) mod guess;
pub(super) mod login;
pub(super) mod password;
pub(super) mod person;
pub(super) mod reset;
pub(super) mod session;
pub(super) mod token;
pub(super) mod user;
pub(super) mod verification;
pub(super) mod visitor;
