//! What is read of the sums is found by their key: nothing is read that was not asked for.

use busbar::services::Service;
use busbar::services::analytics::Analytics;
use busbar::storage::{Database, Settings, Statement, Target, Value, record};

use crate::support::folder::fresh_folder;

/// The whole key, up to the stretch of time.
const BY_KEY: &str = "(generation=? AND span=? AND kind=? AND at>? AND at<?)";

/// A step of SQLite's plan.
struct Step {
    detail: String,
}
record! { Step { detail } }

async fn plan(database: &Database, statement: Statement) -> Vec<String> {
    let text = format!("EXPLAIN QUERY PLAN {}", statement.text);
    let explained = Statement::new(statement.name, Box::leak(text.into_boxed_str()));
    let values: Vec<Value> = (0..statement.placeholders()).map(|_| Value::Null).collect();
    let steps: Vec<Step> = database.all(explained, &values).await.unwrap();
    steps.into_iter().map(|step| step.detail).collect()
}

/// Each part of each statement that reads sums goes by the kind and the time.
#[actix_rt::test]
async fn sums_are_found_by_kind_and_time() {
    let target = Target::Sqlite(fresh_folder().join("plans.sqlite3"));
    let database = Database::open("analytics", &target, &Settings::default()).await.unwrap();
    database.migrate(Analytics::MIGRATIONS).await.unwrap();
    let reads = |statement: &Statement| {
        statement.text.starts_with("SELECT") && statement.text.contains("FROM sums")
    };
    let mut found = Vec::new();
    for statement in Analytics::statements().concat().into_iter().filter(reads) {
        let steps = plan(&database, statement).await;
        let on_sums: Vec<&String> = steps.iter().filter(|step| step.contains("sums")).collect();
        assert_eq!(on_sums.len(), statement.text.matches("FROM sums").count(), "{steps:#?}");
        assert!(
            on_sums.iter().all(|step| step.ends_with(BY_KEY)),
            "{}: {steps:#?}",
            statement.name
        );
        found.push(statement.name);
    }
    assert!(!found.is_empty());
    database.close().await;
}
