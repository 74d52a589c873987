//! What billing tells others of its bills, and what it does on hearing of payments.
pub(crate) mod bill;
pub(crate) mod payment;
