//! Documents: upload, download, links, invoices and receipts.

mod crash;
pub(crate) mod desk;
mod disk;
mod links;
mod papers;
mod races;
mod reading;
mod refusals;
mod scenario;
mod uploads;
