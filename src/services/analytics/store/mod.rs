//! All the SQL of analytics: facts, sums, how far events were heard, and generations.
pub(crate) mod aging;
pub(crate) mod bill;
pub(crate) mod clearing;
pub(crate) mod figure;
pub(crate) mod generation;
pub(crate) mod inbox;
pub(crate) mod payment;
pub(crate) mod source;
pub(crate) mod sum;
pub(crate) mod user;

use crate::storage::Statement;

/// Every statement, for the test that prepares them on both engines.
pub(crate) fn statements() -> Vec<&'static [Statement]> {
    vec![
        aging::STATEMENTS,
        bill::STATEMENTS,
        clearing::STATEMENTS,
        figure::STATEMENTS,
        generation::STATEMENTS,
        inbox::STATEMENTS,
        payment::STATEMENTS,
        source::STATEMENTS,
        sum::STATEMENTS,
        user::STATEMENTS,
    ]
}
