//! Reports: facts from events, sums that equal the ledger.
