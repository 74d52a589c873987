//! `--demo`: a year that is there to be looked at, and real data that is left alone.

use std::collections::BTreeSet;
use std::path::Path;

use busbar::types::ServiceName;
use serde_json::Value;

use crate::support::launch::Process;
use crate::support::{Engine, Person, TestSystem};

fn demo(system: &TestSystem, more: &[(&str, &str)]) -> Process {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/test.toml");
    let arguments = ["start", "--config", config.to_str().unwrap(), "--demo", "--data", "data"];
    let mut environment = system.environment().to_vec();
    environment.extend(more.iter().map(|(name, value)| ((*name).into(), (*value).into())));
    Process::start(&arguments, &environment, system.folder())
}

async fn list(person: &Person, path: &str) -> Vec<Value> {
    person.get(path).await.expect(200)["data"].as_array().unwrap().clone()
}

fn words(found: &[Value], field: &str) -> BTreeSet<String> {
    found.iter().map(|one| one[field].as_str().unwrap().to_owned()).collect()
}

/// Twelve bills in all states, with everything that comes of them; a second start changes nothing.
#[actix_web::test]
async fn a_year_is_lived_through_once() {
    let system = TestSystem::prepare(Engine::Sqlite);
    let mut process = demo(&system, &[]);
    // A busy machine has its patience for each month.
    for month in 1..=12 {
        process.wait_for_log(&format!("demo: month {month} of")).await;
    }
    process.wait_for_log("The demo: River Power").await;
    let admin = system.admin().await;
    let bills = list(&admin, "/api/bills?limit=100").await;
    let states = words(&bills, "status");
    let wanted = ["draft", "issued", "overdue", "paid", "partially_paid", "void"];
    assert_eq!((bills.len(), states), (12, wanted.map(str::to_owned).into()));

    let password = "ada reads the meter on Sundays";
    let ada = Person::logged_in(&system.url(), "ada@example.org", password).await;
    let payments = list(&ada, "/api/payments?limit=100").await;
    assert_eq!(words(&payments, "status"), ["failed", "succeeded"].map(str::to_owned).into());
    system
        .eventually("each issued bill has its invoice", async || {
            list(&ada, "/api/documents?kind=invoice&limit=100").await.len() == 11
        })
        .await;
    system
        .eventually("it is in her inbox that a bill is overdue", async || {
            let notices = list(&ada, "/api/notifications?limit=100").await;
            words(&notices, "template").contains("bill_overdue")
        })
        .await;
    let report = "/api/analytics/revenue?granularity=month&from=2024-01-01";
    let revenue = admin.get(report).await.expect(200)["totals"][0]["amount_minor"].clone();
    let paid = payments.iter().filter(|payment| payment["status"] == "succeeded");
    let paid: i64 = paid.map(|payment| payment["amount_minor"].as_i64().unwrap()).sum();
    assert_eq!(revenue, paid);
    assert_eq!(admin.get("/api/admin/invariants").await.expect(200)["ok"], true);

    process.kill();
    let mut process = demo(&system, &[]);
    process.wait_for_log("has data already").await;
    system.ready(&ServiceName::ALL).await;
    assert_eq!(list(&system.admin().await, "/api/bills?limit=100").await.len(), 12);
    process.kill();
}

/// The clock of a demo is moved: nothing that others share may hang on it.
#[actix_web::test]
async fn a_demo_is_for_an_empty_house_alone() {
    let system = TestSystem::prepare(Engine::Sqlite);
    for (variable, told) in [
        (("BUSBAR_SERVICES", "gateway,users"), "all nine services"),
        (("USER_SERVICE_DATABASE_URL", "postgres://busbar@127.0.0.1:1/users"), "SQLite files"),
    ] {
        let mut process = demo(&system, &[variable]);
        assert_eq!(process.ended().await.code(), Some(2));
        process.is_told(told).await;
    }
}
