//! The closed sets of words.
use crate::types::words;

words! {
    /// Where the amounts of a bill come from.
    pub(crate) enum Basis: "basis_unknown" {
        Actual = "actual",
        Estimated = "estimated",
        Mixed = "mixed",
        Manual = "manual",
        Fetched = "fetched",
    }
}

words! {
    /// Which amounts the biller takes at once. More than the balance is for later work.
    pub(crate) enum Exactness: "exactness_unknown" {
        /// All of the balance.
        Exact = "exact",
        /// The balance or a part of it.
        ExactDown = "exact_down",
    }
}
