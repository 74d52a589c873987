//! Billing: bills, their numbers, and what payments hold of them.

mod drafts;
mod issue;
mod office;
mod reservations;
mod scenarios;
