//! A database that takes no writes, as that of a server which stands by for another.

use super::{of, text};

/// From now on all who are connected, and connect, only read.
pub(crate) fn refuse_writes(url: &str) {
    set(url, "SET default_transaction_read_only = on");
}

pub(crate) fn take_writes(url: &str) {
    set(url, "RESET default_transaction_read_only");
}

/// Sessions keep what they were begun with, so they are ended.
fn set(url: &str, parameter: &str) {
    let name = text(url, "SELECT current_database()");
    let server = of(url, "postgres");
    text(&server, &format!("ALTER DATABASE {name} {parameter}"));
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname";
    text(&server, &format!("{end} = '{name}'"));
}
