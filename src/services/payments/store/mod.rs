//! All the SQL of payments, by noun. Reads take the database, writes take a transaction.

pub(crate) mod attempt;
pub(crate) mod audit;
pub(crate) mod bank;
pub(crate) mod ledger;
pub(crate) mod payment;
pub(crate) mod transfer;

use crate::storage::Statement;

/// Every statement, for the test that prepares each on both engines.
pub(crate) fn statements() -> Vec<&'static [Statement]> {
    vec![
        payment::STATEMENTS,
        attempt::STATEMENTS,
        transfer::STATEMENTS,
        ledger::STATEMENTS,
        bank::STATEMENTS,
        audit::STATEMENTS,
    ]
}
