//! One database with a schema for each service, as the program migrates it: made once, copied for each
//! test. To make eight empty ones and to migrate them is most of what a test on PostgreSQL would cost.

use std::process::Command;
use std::sync::OnceLock;

use busbar::types::ServiceName;

use super::super::folder::fresh_folder;
use super::{create, of, server};

/// The URL of a copy of its own, and what of it is a service's.
pub(crate) fn copy() -> impl Fn(ServiceName) -> String {
    static ORIGINAL: OnceLock<String> = OnceLock::new();
    let original = ORIGINAL.get_or_init(|| {
        let name = create(&server(), "original", "template0");
        migrate(&schemas(&name));
        name
    });
    schemas(&create(&server(), "copy", original))
}

fn schemas(database: &str) -> impl Fn(ServiceName) -> String + use<> {
    let url = of(&server(), database);
    let first = if url.contains('?') { '&' } else { '?' };
    move |service| format!("{url}{first}schema={service}")
}

fn migrate(url: &impl Fn(ServiceName) -> String) {
    let folder = fresh_folder();
    let variables = ServiceName::domain()
        .map(|name| (format!("{}_DATABASE_URL", name.variable_prefix()), url(name)));
    let mut busbar = Command::new(env!("CARGO_BIN_EXE_busbar"));
    let done = busbar.arg("migrate").env_clear().envs(variables).current_dir(&folder).output();
    let done = done.expect("busbar starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    std::fs::remove_dir_all(folder).unwrap();
}
