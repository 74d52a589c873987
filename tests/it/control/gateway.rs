//! What is decided for the gateway, the log's levels, and the settings with their origins.

use awc::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Engine, TestSystem};

async fn decide(system: &TestSystem, decision: &str) -> Value {
    let path = format!("/admin/breakers/billing/{decision}");
    system.caretaker().post(&path, json!({})).await.expect(200)["breakers"][0].clone()
}

/// Open, nobody reaches the service, and the gateway says why; left to itself, all do.
#[actix_web::test]
async fn a_breaker_is_held_open_and_let_go() {
    let system = TestSystem::start(Engine::Sqlite).await;
    let admin = system.admin().await;
    admin.get("/api/bills").await.expect(200);

    let held = decide(&system, "open").await;
    assert_eq!((&held["held"], &held["state"]), (&json!("rejecting"), &json!("rejecting")));
    let refused = admin.get("/api/bills").await;
    assert!(!refused.header("retry-after").is_empty(), "{refused}");
    refused.expect_problem(503, "breaker_rejecting");
    admin.get("/api/payments").await.expect(200);
    assert_eq!(
        system.figure(busbar::types::ServiceName::Gateway, "busbar_gateway_breaker_state").await,
        2.0
    );

    assert_eq!(decide(&system, "close").await["held"], "passing");
    admin.get("/api/bills").await.expect(200);
    assert_eq!(decide(&system, "auto").await["held"], Value::Null);
    admin.get("/api/bills").await.expect(200);
    let all = system.caretaker().get("/admin/breakers").await.expect(200);
    assert_eq!(all["breakers"].as_array().unwrap().len(), 8);
    system.finish().await;
}

/// What is kept is forgotten without an administrator of the application.
#[actix_web::test]
async fn kept_answers_are_forgotten() {
    let system = TestSystem::start(Engine::Sqlite).await;
    let purge =
        async |body: Value| -> Answer { system.caretaker().post("/admin/cache/purge", body).await };
    purge(json!({"prefix": "/api/utilities"})).await.expect(204);
    purge(json!({})).await.expect(204);
    purge(json!({"everything": true})).await.expect_problem(422, "unknown_field");
    system.finish().await;
}

#[actix_web::test]
async fn levels_of_the_log_change_while_it_runs() {
    let more = [("BUSBAR_LOG", "warn,busbar=info")];
    let system = TestSystem::start_with(Engine::Sqlite, &more).await;
    let caretaker = system.caretaker();
    let change = async |body: Value| caretaker.post("/admin/log-level", body).await;
    let levels = caretaker.get("/admin/log-level").await.expect(200);
    assert_eq!(levels["filter"], "warn,busbar=info");
    assert!(!system.log().iter().any(|line| line.contains(" access] ")), "not at this level");

    let changed = change(json!({"level": "info", "target": "access"})).await.expect(200);
    assert_eq!(changed["filter"], "warn,busbar=info,access=info");
    drop(system.anonymous().send(Method::GET, "/api/nowhere", None).await);
    system.wait_for_log("GET /api/nowhere 404").await;

    change(json!({"level": "loud"})).await.expect_problem(422, "value_unknown");
    let twice = json!({"level": "info", "target": "busbar=debug,access"});
    change(twice).await.expect_problem(422, "target_invalid");
    system.finish().await;
}

/// The same as `check-config` prints, from the process that runs.
#[actix_web::test]
async fn settings_are_told_with_their_origins() {
    let more = [("GATEWAY_MAX_SOCKETS", "300"), ("BUSBAR_SUPERVISION_PAYMENTS_RESTARTS_MAX", "9")];
    let system = TestSystem::start_with(Engine::Sqlite, &more).await;
    let told = system.caretaker().get("/admin/config").await.expect(200);
    let setting = |key: &str| {
        let settings = told["settings"].as_array().unwrap();
        let found = settings.iter().find(|setting| setting["key"] == key);
        let found = found.unwrap_or_else(|| panic!("no {key}"));
        (found["value"].as_str().unwrap().to_owned(), found["origin"].as_str().unwrap().to_owned())
    };
    assert_eq!(setting("gateway.max_sockets"), ("300".into(), "GATEWAY_MAX_SOCKETS".into()));
    assert_eq!(setting("database.connection_limit"), ("20".into(), "default".into()));
    assert_eq!(setting("users.admin_password"), ("***".into(), "BUSBAR_ADMIN_PASSWORD".into()));
    let (value, origin) = setting("server.drain_ms");
    assert!(value == "2000" && origin.contains("test.toml:"), "{value} {origin}");
    assert_eq!(setting("supervision.payments.restarts_max").0, "9");
    system.finish().await;
}
