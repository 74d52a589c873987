//! What everybody may read is kept for all, and is over a moment after it has changed, however that
//! came about.

use std::time::Duration;

use busbar::types::ServiceName;
use serde_json::json;

use crate::support::{Engine, Person, TestSystem};
use crate::utilities::office::{provider, tariff};

/// So long that nothing goes by itself.
const LASTING: &[(&str, &str)] = &[("GATEWAY_CACHE_TTL_MS", "3600000")];
/// They take longer than the gateway waits between two questions.
const HITS: usize = 100;
const SERVICES: &[ServiceName] = &[ServiceName::Users, ServiceName::Utilities];

#[actix_web::test]
async fn changes_are_heard_sqlite() {
    Engine::Sqlite.run_with(SERVICES, LASTING, changes_are_heard).await;
}

#[actix_web::test]
async fn changes_are_heard_postgres() {
    Engine::Postgres.run_with(SERVICES, LASTING, changes_are_heard).await;
}

/// They are made past the gateway, as by another one.
async fn changes_are_heard(system: TestSystem) {
    let anyone = system.anonymous();
    let beside = system.admin().await.at(&system.service_url(ServiceName::Utilities));
    let provider = beside.post("/providers", provider()).await.expect(201);
    let id = provider["id"].as_str().unwrap();
    let (named, listed) = (format!("/api/providers/{id}"), "/api/utilities");
    let name = async |path: &str| {
        let shown = anyone.get(path).await.expect(200);
        shown["name"].as_str().or(shown["data"][0]["name"].as_str()).unwrap().to_owned()
    };
    for path in [&named, listed] {
        assert_eq!(name(path).await, "Prairie Power");
        is_kept(&system, path).await;
    }

    let change = json!({"name": "Southern Power"});
    beside
        .header("if-match", "\"v1\"")
        .patch(&format!("/providers/{id}"), change)
        .await
        .expect(200);
    for path in [&named, listed] {
        system
            .eventually("the new name is seen", async || name(path).await == "Southern Power")
            .await;
        is_kept(&system, path).await;
    }

    let mut first = tariff();
    first["provider_id"] = json!(id);
    first["name"] = json!("Day");
    let made = beside.post("/tariffs", first).await.expect(201);
    let day = format!("/api/tariffs/{}", made["id"].as_str().unwrap());
    let versions =
        async || anyone.get(&day).await.expect(200)["versions"].as_array().unwrap().len();
    assert_eq!(versions().await, 1);
    is_kept(&system, &day).await;
    let mut second = tariff();
    second["effective_from"] = json!("2031-01-01");
    beside.post(&format!("{}/versions", day.trim_start_matches("/api")), second).await.expect(201);
    system.eventually("the new version is seen", async || versions().await == 2).await;

    // Whose provider is not for everybody any more, is not either.
    is_kept(&system, &day).await;
    beside.post(&format!("/providers/{id}/retire"), json!({})).await.expect(200);
    for path in [&day, &named] {
        system.eventually("it is gone", async || anyone.get(path).await.status == 404).await;
    }
}

/// What was told before is no news any more: an answer stays, for longer than it is between two questions
/// of the gateway.
async fn is_kept(system: &TestSystem, path: &str) {
    system.advance_of(ServiceName::Utilities, Duration::from_secs(30)).await;
    let (anyone, mut hits) = (system.anonymous(), 0);
    let stays = async || {
        let is_hit = anyone.get(path).await.header("x-cache") == "HIT";
        hits = if is_hit { hits + 1 } else { 0 };
        hits == HITS
    };
    system.eventually("it stays", stays).await;
}

/// Staff sees what is not for everybody yet, at the same address; a token is looked at.
#[actix_web::test]
async fn what_is_kept_for_all_is_not_for_staff() {
    let story = async |system: TestSystem| {
        let (admin, anyone) = (system.admin().await, system.anonymous());
        let mut draft = provider();
        draft["status"] = json!("draft");
        admin.post("/api/providers", draft).await.expect(201);
        let seen = async |person: &Person| {
            let answer = person.get("/api/providers").await;
            let word = answer.header("x-cache").to_owned();
            (word, answer.expect(200)["data"].as_array().unwrap().len())
        };
        let alice = system.person("alice").await;
        system.eventually("it is kept", async || seen(&anyone).await == ("HIT".into(), 0)).await;
        for _ in 0..3 {
            assert_eq!(seen(&admin).await.1, 1);
            assert_eq!(seen(&alice).await.1, 0);
            assert_eq!(seen(&anyone).await.1, 0);
        }
        let liar = anyone.header("authorization", "Bearer nonsense");
        liar.get("/api/providers").await.expect_problem(401, "token_invalid");
    };
    Engine::Sqlite.run_with(SERVICES, LASTING, story).await;
}
