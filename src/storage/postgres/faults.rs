//! What PostgreSQL, PgBouncer and the way to them refuse.

use std::error::Error;

use tokio_postgres::error::{DbError, SqlState};

use super::manager::NotConnected;
use crate::storage::{Statement, StoreError};

const PGBOUNCER_HINT: &str = "with PgBouncer in between, DB_USE_PGBOUNCER=true is needed";

pub(in crate::storage) fn fault(statement: Statement, error: tokio_postgres::Error) -> StoreError {
    if let Some(refusal) = error.as_db_error() {
        return refused(statement.name, refusal);
    }
    let lost =
        error.is_closed() || error.source().is_some_and(|cause| cause.is::<std::io::Error>());
    match lost {
        true => StoreError::Lost { what: told(&error) },
        false => StoreError::Other { statement: statement.name, what: told(&error) },
    }
}

fn refused(statement: &'static str, refusal: &DbError) -> StoreError {
    let code = refusal.code();
    let what = format!("{} {}", code.code(), refusal.message());
    let constraint = refusal.constraint().unwrap_or_default().to_owned();
    if *code == SqlState::UNIQUE_VIOLATION {
        StoreError::Unique { statement, constraint }
    } else if *code == SqlState::FOREIGN_KEY_VIOLATION {
        StoreError::ForeignKey { statement, constraint }
    } else if *code == SqlState::CHECK_VIOLATION {
        StoreError::Check { statement, constraint }
    } else if [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code)
    {
        StoreError::Conflict { statement, what }
    } else if [SqlState::QUERY_CANCELED, SqlState::LOCK_NOT_AVAILABLE].contains(code) {
        StoreError::TooSlow { statement, what }
    } else if *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT {
        StoreError::Lost { what }
    } else if cannot_write(code) {
        StoreError::refused(what)
    } else if is_unavailable(code) {
        StoreError::unavailable(what)
    } else if [SqlState::INVALID_SQL_STATEMENT_NAME, SqlState::DUPLICATE_PSTATEMENT].contains(code)
    {
        StoreError::Other { statement, what: format!("{what} ({PGBOUNCER_HINT})") }
    } else {
        StoreError::Other { statement, what }
    }
}

/// A connection that did not come about.
pub(super) fn not_connected(error: &NotConnected) -> StoreError {
    let what = error.to_string();
    // What PgBouncer says to the options that each session starts with.
    match what.contains("unsupported startup parameter") {
        true => StoreError::Misconfigured { what: format!("{what} ({PGBOUNCER_HINT})") },
        false => StoreError::unavailable(what),
    }
}

/// The server is there, and only reads, as it was told or since it stands by for another; or its disk is
/// full or fails.
fn cannot_write(code: &SqlState) -> bool {
    [SqlState::READ_ONLY_SQL_TRANSACTION, SqlState::DISK_FULL, SqlState::IO_ERROR].contains(code)
}

/// The server shuts down or starts up, has no room or no files (classes 53 and 58), or PgBouncer lost it
/// (class 08).
fn is_unavailable(code: &SqlState) -> bool {
    [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW]
        .contains(code)
        || ["08", "53", "58"].iter().any(|class| code.code().starts_with(class))
}

/// The error with its cause; the driver's own text leaves it out.
pub(super) fn told(error: &tokio_postgres::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_cannot_write_is_told_from_one_that_is_away() {
        for code in ["25006", "53100", "58030"] {
            assert!(cannot_write(&SqlState::from_code(code)), "{code}");
        }
        for code in ["53200", "53300", "57P01", "57P03", "58000", "08006"] {
            let code = SqlState::from_code(code);
            assert!(is_unavailable(&code) && !cannot_write(&code), "{code:?}");
        }
        for code in ["22003", "23505", "25P02", "40001", "42P01", "57014"] {
            let code = SqlState::from_code(code);
            assert!(!is_unavailable(&code) && !cannot_write(&code), "{code:?}");
        }
    }
}
