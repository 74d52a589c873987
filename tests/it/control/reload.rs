//! The settings are read again at a word to the admin port, which tells what came of it.

use busbar::types::ServiceName::{Gateway, Users};
use serde_json::{Value, json};

use crate::support::{Answer, Engine, TestSystem};

const PAGE: &str = "https://app.example";

async fn reload(system: &TestSystem) -> Answer {
    system.caretaker().post("/admin/config/reload", json!({})).await
}

/// Whether the gateway lets this page ask.
async fn lets_page_ask(system: &TestSystem) -> bool {
    let answer = system.anonymous().header("origin", PAGE).get("/api/users/me").await;
    answer.header("access-control-allow-origin") == PAGE
}

/// What was recorded of the last reload: its command, who gave it, and its outcomes.
fn recorded(system: &TestSystem) -> Vec<(String, String, String)> {
    let word = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
    let lines = system.trail().into_iter();
    lines.map(|line| (word(&line, "command"), word(&line, "by"), word(&line, "outcome"))).collect()
}

fn line(outcome: &str) -> (String, String, String) {
    ("reload".to_owned(), "loopback".to_owned(), outcome.to_owned())
}

/// What has changed is in the answer, what of it holds, and who has to begin anew for the rest.
#[actix_web::test]
async fn a_changed_file_is_put_in_effect_and_the_difference_is_told() {
    let system = TestSystem::prepare(Engine::Sqlite);
    system.set_gateway("", "");
    system.spawn(&[Gateway, Users], &[]);
    system.ready(&[Gateway, Users]).await;
    assert!(!lets_page_ask(&system).await);
    let nothing = json!({"changed": [], "applied": [], "pending_restart": []});
    assert_eq!(reload(&system).await.expect(200), nothing);

    let lines = format!("cors_origins = [\"{PAGE}\"]");
    system.set_gateway(&lines, "[metrics]\nlegacy_names = false\n");
    system.change_users("password_length_min = 20");
    let told = reload(&system).await.expect(200);

    let changed = told["changed"].as_array().unwrap();
    let keys: Vec<_> = changed.iter().map(|change| change["key"].as_str().unwrap()).collect();
    let all = ["gateway.cors_origins", "metrics.legacy_names", "users.password_length_min"];
    assert_eq!(keys, all, "{told}");
    assert_eq!((&changed[0]["from"], &changed[0]["to"]), (&Value::Null, &json!(PAGE)), "{told}");
    assert!(changed[0]["origin"].as_str().unwrap().contains("settings.toml:"), "{told}");
    assert_eq!(told["applied"], json!(["gateway.cors_origins"]));
    let pending = json!([
        {"key": "users.password_length_min", "service": "users"},
        {"key": "metrics.legacy_names", "service": null},
    ]);
    assert_eq!(told["pending_restart"], pending);
    assert!(lets_page_ask(&system).await, "it holds with the answer");
    let shown = system.caretaker().get("/admin/config").await.expect(200);
    assert_eq!(shown["pending_restart"], pending);

    let restart = "/admin/services/users/restart?wait=60";
    let done = system.caretaker().post(restart, json!({})).await.expect(200);
    assert_eq!(done["state"], "done", "{done}");
    let told = reload(&system).await.expect(200);
    assert_eq!(told["changed"], json!([]));
    assert_eq!(told["pending_restart"], json!([{"key": "metrics.legacy_names", "service": null}]));
    let reloads = recorded(&system).into_iter().filter(|(command, ..)| command == "reload");
    let thrice: Vec<_> = std::array::from_fn::<_, 3, _>(|_| [line("asked"), line("done")]).concat();
    assert_eq!(reloads.collect::<Vec<_>>(), thrice);
}

/// All that is wrong is said at once, and nothing of the rest is taken.
#[actix_web::test]
async fn a_bad_file_changes_nothing_and_all_its_faults_are_told() {
    let system = TestSystem::prepare(Engine::Sqlite);
    system.set_gateway("", "");
    system.spawn(&[Gateway, Users], &[]);
    system.ready(&[Gateway, Users]).await;
    let before = system.caretaker().get("/admin/config").await.expect(200);

    let lines = format!("rate_limit = \"many\"\ncors_origins = [\"{PAGE}\"]\ncach_ttl_ms = 5");
    system.set_gateway(&lines, "[notifications]\nsmtp_port = 0\n");
    let told = reload(&system).await.expect_problem(422, "settings_invalid");

    let faults = told["faults"].as_array().unwrap();
    let mut keys: Vec<_> = faults.iter().map(|fault| fault["key"].as_str().unwrap()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["gateway.cach_ttl_ms", "gateway.rate_limit", "notifications.smtp_port"]);
    for fault in faults {
        assert!(fault["origin"].as_str().unwrap().contains("settings.toml:"), "{fault}");
        assert!(!fault["allowed"].as_str().unwrap().is_empty(), "{fault}");
    }
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.starts_with("3 faults in the settings, everything stays as it is"), "{detail}");
    assert!(!lets_page_ask(&system).await);
    assert_eq!(system.caretaker().get("/admin/config").await.expect(200), before);

    std::fs::remove_file(system.folder().join("settings.toml")).unwrap();
    reload(&system).await.expect_problem(422, "settings_invalid");
    assert_eq!(system.caretaker().get("/admin/config").await.expect(200), before);
    assert_eq!(
        recorded(&system),
        std::array::from_fn::<_, 2, _>(|_| [line("asked"), line("refused")]).concat()
    );
    system.set_gateway(&format!("cors_origins = [\"{PAGE}\"]"), "");
    reload(&system).await.expect(200);
    assert!(lets_page_ask(&system).await, "a good one holds");
}
