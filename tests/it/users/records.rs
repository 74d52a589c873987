//! What is told to other services and put on record, and that nothing personal is in it.

use busbar::audit::{self, Recorded};
use busbar::events::debts;
use busbar::storage::{Database, Settings, Statement, Target, params};
use serde_json::json;

use super::{Tokens, id_of, login, refresh, sign_up, tokens, with};
use crate::support::person::PASSWORD;
use crate::support::{Engine, TestSystem};

const SAID: Statement =
    Statement::new("SAID", "SELECT event AS value FROM outbox ORDER BY occurred_at, id");
const RECORDED: Statement =
    Statement::new("RECORDED", "SELECT details AS value FROM audit ORDER BY id");

const NEW: &str = "another sentence nobody guesses";

fn actions(recorded: &[Recorded]) -> Vec<&str> {
    recorded.iter().rev().map(|entry| entry.action.as_str()).collect()
}

/// Each write is on record, and told to those who listen, without a word that is personal or
/// secret.
#[actix_web::test]
async fn every_write_is_on_record() {
    let system = TestSystem::start(Engine::Sqlite).await;
    let visitor = system.anonymous();
    let id = id_of(&sign_up(&system, "ada@example.org").await.expect(201));
    let given = tokens(&system, "ada@example.org").await;
    let name = json!({"name": "Ada Lovelace", "phone": "+12025550123"});
    with(&system, &given).patch(&format!("/api/users/{id}"), name).await.expect(200);
    let change = json!({"current": PASSWORD, "new": NEW});
    with(&system, &given).post("/api/auth/password/change", change).await.expect(204);
    let next = Tokens::of(refresh(&visitor, &given.refresh).await);
    refresh(&visitor, &next.refresh).await.expect(200);
    refresh(&visitor, &given.refresh).await.expect(401);
    login(&visitor, "ada@example.org", "not the password").await.expect(401);
    let suspend = format!("/api/users/{id}/suspend");
    system.admin().await.post(&suspend, json!({})).await.expect(200);
    system.kill();

    let target = Target::file(&system.folder().join("data"), "users");
    let database = Database::open("test", &target, &Settings::default()).await.unwrap();
    let user = audit::of_subject(&database, &format!("user/{id}"), 100).await.unwrap();
    assert_eq!(
        actions(&user),
        [
            "user.registered",
            "user.verification_requested",
            "user.updated",
            "user.password_changed",
            "user.suspended",
        ]
    );
    let session = format!("session/{}", given.session);
    let session = audit::of_subject(&database, &session, 100).await.unwrap();
    assert_eq!(actions(&session), ["session.started", "session.revoked", "session.compromised"]);
    assert!(session.iter().all(|entry| entry.actor == format!("user/{id}")));
    assert!(session.iter().all(|entry| entry.request_id.is_some()));

    let said: Vec<(String,)> = database.all(SAID, params![]).await.unwrap();
    let recorded: Vec<(String,)> = database.all(RECORDED, params![]).await.unwrap();
    assert!(said.len() > 5 && recorded.len() > 5);
    for (text,) in said.iter().chain(&recorded) {
        for secret in [
            "ada@",
            "Lovelace",
            "12025550123",
            PASSWORD,
            NEW,
            "argon2",
            &given.refresh,
            &next.refresh,
            &given.access,
        ] {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
    }
    assert!(debts::parked(&database, 10).await.unwrap().is_empty());
    database.close().await;
}
