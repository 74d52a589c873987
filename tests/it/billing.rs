//! Billing: bills, their numbers, and what payments hold of them.

mod account_days;
mod drafts;
mod invoices;
mod issue;
mod neighbours;
mod office;
mod overdue;
mod pins;
mod rated;
mod reservations;
mod scenarios;
