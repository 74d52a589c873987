//! Utilities learns which readings stand in bills, through the real program.

use serde_json::{Value, json};

use super::neighbours::{Neighbours, household, order};
use crate::support::{Engine, Person, TestSystem};

async fn drafted(admin: &Person, neighbours: &Neighbours, owner: &str) -> (String, Value) {
    let usage = household(owner);
    neighbours.usage_is(200, usage.clone());
    let bill = admin.post("/api/bills", order(&usage)).await.expect(201);
    let readings = usage["registers"][0]["readings"].as_array().unwrap();
    let boundary = |reading: &Value| bill["period"][reading["role"].as_str().unwrap()].clone();
    let pinned = |reading: &Value| json!({"id": reading["id"], "boundary": boundary(reading)});
    let pins = readings.iter().map(pinned).collect();
    (bill["id"].as_str().unwrap().to_owned(), Value::Array(pins))
}

/// The readings of a draft are pinned, and set free when it is thrown away or void; whoever is
/// away meanwhile, and though the process is killed before it could say so.
async fn readings_are_pinned_as_long_as_their_bill_is_there(engine: Engine) {
    let neighbours = Neighbours::start();
    let url = neighbours.url();
    let with = [("UTILITY_SERVICE_URL", url.as_str())];
    let system = TestSystem::start_with(engine, &with).await;
    let (admin, alice) = (system.admin().await, system.person("alice").await);

    let (first, readings) = drafted(&admin, &neighbours, &alice.id).await;
    let is_pinned = async || neighbours.pinned(&first).as_ref() == Some(&readings);
    system.eventually("the readings are pinned", is_pinned).await;
    assert_eq!(admin.delete(&format!("/api/bills/{first}")).await.status, 204);
    let is_free = async || neighbours.pinned(&first).is_none();
    system.eventually("the readings are free", is_free).await;

    neighbours.pinning_is(503);
    let (second, readings) = drafted(&admin, &neighbours, &alice.id).await;
    let was_tried = async || neighbours.asked("POST /internal/usage/pins") > 1;
    system.eventually("it was tried", was_tried).await;
    system.kill();
    neighbours.pinning_is(200);
    system.launch_with(&with).await;
    let is_pinned = async || neighbours.pinned(&second).as_ref() == Some(&readings);
    system.eventually("the readings are pinned", is_pinned).await;

    let path = format!("/api/bills/{second}");
    let issue = admin.keyed("i").post(&format!("{path}/issue"), json!({})).await;
    issue.expect(200);
    admin.post(&format!("{path}/void"), json!({})).await.expect(200);
    let is_free = async || neighbours.pinned(&second).is_none();
    system.eventually("the readings are free", is_free).await;
    system.finish().await;
}

/// What is rated next goes on from the readings in bills, and not from those of a draft that was thrown
/// away a moment ago.
#[actix_web::test]
async fn utilities_knows_before_it_is_asked_again() {
    let neighbours = Neighbours::start();
    let url = neighbours.url();
    let system = TestSystem::start_with(Engine::Sqlite, &[("UTILITY_SERVICE_URL", &url)]).await;
    let (admin, alice) = (system.admin().await, system.person("alice").await);
    for _ in 0..10 {
        let (first, _) = drafted(&admin, &neighbours, &alice.id).await;
        assert_eq!(admin.delete(&format!("/api/bills/{first}")).await.status, 204);
        let (second, _) = drafted(&admin, &neighbours, &alice.id).await;
        assert_eq!(neighbours.pinned(&first), None, "when it was asked for the second");
        assert_eq!(admin.delete(&format!("/api/bills/{second}")).await.status, 204);
    }
    system.finish().await;
}

/// Two periods that meet are rated at once: the one that is kept later goes on from the readings of the
/// other, which were told before it asked again.
async fn a_draft_that_was_overtaken_is_made_anew(engine: Engine) {
    let neighbours = Neighbours::start();
    let url = neighbours.url();
    let system = TestSystem::start_with(engine, &[("UTILITY_SERVICE_URL", &url)]).await;
    let (admin, alice) = (system.admin().await, system.person("alice").await);
    let usage = household(&alice.id);
    neighbours.usage_is(200, usage.clone());
    neighbours.hold_usage(true);
    let (slow, march) = (admin.clone(), order(&usage));
    let slow = actix_rt::spawn(async move { slow.post("/api/bills", march).await });
    let asked = || neighbours.asked("GET /internal/usage");
    system.eventually("the first is being rated", async || asked() == 1).await;
    let mut april = order(&usage);
    april["period"] = json!({"start": "2026-03-31", "end": "2026-05-01"});
    let april = admin.post("/api/bills", april).await.expect(201);
    neighbours.hold_usage(false);
    slow.await.unwrap().expect(201);
    assert_eq!(asked(), 3, "the first one asked once more");
    let told = neighbours.pinned(april["id"].as_str().unwrap());
    assert!(told.is_some(), "before it did");
    system.finish().await;
}

#[actix_web::test]
async fn a_draft_is_made_anew_on_sqlite() {
    a_draft_that_was_overtaken_is_made_anew(Engine::Sqlite).await;
}

#[actix_web::test]
async fn a_draft_is_made_anew_on_postgres() {
    a_draft_that_was_overtaken_is_made_anew(Engine::Postgres).await;
}

#[actix_web::test]
async fn readings_are_pinned_on_sqlite() {
    readings_are_pinned_as_long_as_their_bill_is_there(Engine::Sqlite).await;
}

#[actix_web::test]
async fn readings_are_pinned_on_postgres() {
    readings_are_pinned_as_long_as_their_bill_is_there(Engine::Postgres).await;
}
