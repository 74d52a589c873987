//! Every statement is understood alike by both engines, and what is outside the dialect is found.

use std::path::Path;

use busbar::services::Service;
use busbar::services::analytics::Analytics;
use busbar::services::billing::Billing;
use busbar::services::documents::Documents;
use busbar::services::notifications::Notifications;
use busbar::services::payments::Payments;
use busbar::services::users::Users;
use busbar::services::utilities::Utilities;
use busbar::services::webhooks::Webhooks;
use busbar::storage::{Database, Prepared, Script, Statement, StoreError, writing};
use busbar::{agreed, audit, events, jobs, requests};

use super::{Bench, Engine, STATEMENTS};

/// What is laid into one database. A service adds its scripts and statements to `in_each_database`.
struct Room {
    name: &'static str,
    scripts: Vec<Script>,
    statements: Vec<Statement>,
}

fn in_each_database() -> Room {
    let statements = [
        events::statements(),
        jobs::statements(),
        requests::statements(),
        audit::statements(),
        agreed::statements(),
        writing::statements(),
    ];
    Room {
        name: "common",
        scripts: vec![events::SCRIPT, jobs::SCRIPT, agreed::SCRIPT, jobs::LANES, writing::SCRIPT],
        statements: statements.concat(),
    }
}

/// What a service adds to it.
fn of_service<S: Service>() -> Room {
    let scripts = [in_each_database().scripts, S::MIGRATIONS.to_vec()].concat();
    let statements = S::statements().concat();
    Room { name: S::NAME.as_str(), scripts, statements }
}

/// Every database of the program. A new service is one line here.
fn rooms() -> Vec<Room> {
    vec![
        in_each_database(),
        of_service::<Notifications>(),
        of_service::<Users>(),
        of_service::<Payments>(),
        of_service::<Billing>(),
        of_service::<Webhooks>(),
        of_service::<Utilities>(),
        of_service::<Analytics>(),
        of_service::<Documents>(),
    ]
}

/// What both engines make of each statement, against the schema of the scripts.
async fn disagreements(statements: &[Statement], engines: &[&Database]) -> Vec<String> {
    let mut found = Vec::new();
    for statement in statements {
        let mut answers = Vec::new();
        for database in engines {
            answers.push(database.prepare(*statement).await);
        }
        let agreed = match &answers[..] {
            [Ok(first), rest @ ..] => {
                first.placeholders == statement.placeholders()
                    && rest.iter().all(|other| other.as_ref().is_ok_and(|other| other == first))
            }
            _ => false,
        };
        if !agreed {
            found.push(format!("{}: {answers:?}", statement.name));
        }
    }
    found
}

async fn both() -> (Bench, Bench) {
    (Bench::new(Engine::Sqlite).await, Bench::new(Engine::Prepared).await)
}

#[actix_rt::test]
async fn the_statements_of_these_tests_are_in_the_dialect() {
    let (sqlite, postgres) = both().await;
    let engines = [&sqlite.database, &postgres.database];
    assert_eq!(disagreements(STATEMENTS, &engines).await, [""; 0]);
    let prepared = sqlite.database.prepare(super::COUNT).await.unwrap();
    assert_eq!(prepared, Prepared { placeholders: 0, columns: vec!["value".into()] });
}

/// What SQLite lets pass is found by preparing it on PostgreSQL, and the other way round.
#[actix_rt::test]
async fn what_is_outside_the_dialect_is_found() {
    let (sqlite, postgres) = both().await;
    let engines = [&sqlite.database, &postgres.database];
    for text in [
        "SELECT SUM(balance_minor) AS value FROM accounts",
        "SELECT id FROM accounts WHERE $1 IS NULL",
        "SELECT id FROM accounts FOR UPDATE",
        "SELECT now() AS value",
        "SELECT unknown FROM accounts",
        "SELECT id FROM accounts WHERE id = ?",
    ] {
        let statement = Statement::new("OUTSIDE", text);
        assert_eq!(disagreements(&[statement], &engines).await.len(), 1, "{text}");
    }
    let sum = Statement::new("SUM", "SELECT SUM(balance_minor) AS value FROM accounts");
    let refused = postgres.database.prepare(sum).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Column { column, .. } if column == "value"));
    assert!(refused.to_string().contains("CAST it"), "{refused}");
}

/// All statements of the program mean the same to both engines, with the schema they are used on.
#[actix_rt::test]
async fn every_statement_is_in_the_dialect() {
    for Room { name, scripts, statements } in rooms() {
        let sqlite = Bench::with_scripts(Engine::Sqlite, &scripts).await;
        let postgres = Bench::with_scripts(Engine::Prepared, &scripts).await;
        let found = disagreements(&statements, &[&sqlite.database, &postgres.database]).await;
        assert!(!statements.is_empty() && found.is_empty(), "{name}: {found:#?}");
    }
}

/// The test above knows every file that has statements.
#[test]
fn no_statements_are_left_out() {
    let known: Vec<&str> =
        rooms().iter().flat_map(|room| &room.statements).map(|statement| statement.name).collect();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![sources.clone()];
    while let Some(folder) = folders.pop() {
        for path in folder.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let is_code = path.extension().is_some_and(|end| end == "rs");
            if !is_code || !std::fs::read_to_string(&path).unwrap().contains("\nsql! {") {
                continue;
            }
            let module = path.strip_prefix(&sources).unwrap().with_extension("");
            let module = module.to_str().unwrap().trim_end_matches("/mod").replace('/', "::");
            let name = |statement: &str| statement.rsplit_once("::").unwrap().0.to_owned();
            let is_known = known.iter().any(|known| name(known) == format!("busbar::{module}"));
            assert!(is_known, "the statements of {} are prepared in no test", path.display());
        }
    }
}
