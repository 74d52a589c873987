//! The words of payments: orders, payments and their states, what is shown of them and the books.

pub(crate) mod books;
pub(crate) mod card;
pub(crate) mod charge;
pub(crate) mod metadata;
pub(crate) mod order;
pub(crate) mod payment;
pub(crate) mod report;
pub(crate) mod stage;
pub(crate) mod view;
