//! The words of analytics: facts as they are heard, questions as they are asked, figures.
pub(crate) mod fact;
pub(crate) mod figures;
pub(crate) mod generation;
pub(crate) mod query;
pub(crate) mod totals;
