//! One function an endpoint, by noun.

pub(crate) mod books;
pub(crate) mod invariant;
pub(crate) mod payment;
