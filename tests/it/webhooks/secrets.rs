//! Signatures, as receivers check them: with the reference libraries.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use busbar::types::ServiceName;
use serde_json::{Value, json};

use super::house::{LOOPBACK, Receiver, id, may_call_home, tested, webhook};
use crate::support::python::python;
use crate::support::wire::Message;
use crate::support::{Engine, TestSystem, postgres};

/// The type of the message, if both libraries find it signed with the secret.
pub(crate) fn verified(secret: &Value, message: &Message, body: &str) -> Option<String> {
    let fields = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers: Value =
        fields.map(|name| (name, json!(message.field(name)))).into_iter().collect();
    let given = json!({"secret": secret, "headers": headers, "body": body});
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/webhooks/verify.py");
    let mut run = python()
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    run.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = run.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() || told.contains("VerificationError"), "{told}");
    let printed = String::from_utf8(output.stdout).unwrap();
    output.status.success().then(|| printed.trim().to_owned())
}

may_call_home! {
    /// The reference libraries take what is sent, and nothing that was changed on the way.
    async fn the_reference_libraries_verify_deliveries(system: TestSystem) {
        let (staff, alice) = (system.admin().await, system.person("alice").await);
        let receiver = Receiver::answering(&["200 OK"]);
        let made = webhook(&staff, &receiver.url(), &["bill.issued"]).await;
        let bill = system.issued_bill(&alice, 4_496).await;
        let message = receiver.hears(&system, 1).await.remove(0);
        assert_eq!((message.method(), message.target()), ("POST", "/hooks?from=busbar"));
        assert_eq!(message.field("content-type"), "application/json");
        assert!(message.field("user-agent").starts_with("Busbar-Webhooks/"));
        assert!(!message.has("authorization") && !message.has("x-request-id"));
        let body: Value = serde_json::from_slice(&message.body).unwrap();
        assert_eq!((&body["type"], &body["data"]["bill_id"]), (&json!("bill.issued"), &json!(bill)));
        assert!(body["timestamp"].is_string() && body.as_object().unwrap().len() == 3);

        let text = message.text();
        let secret = &made["secret"];
        assert_eq!(verified(secret, &message, &text).as_deref(), Some("bill.issued"));
        assert_eq!(verified(secret, &message, &text.replace("bill.issued", "bill.voided")), None);
        let other = json!("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        assert_eq!(verified(&other, &message, &text), None);
    }

    /// For a while both secrets sign; then the old one does no longer. A second rotation ends the
    /// first at once: there are never more than two.
    async fn secrets_rotate_with_an_overlap(system: TestSystem) {
        let staff = system.admin().await;
        let receiver = Receiver::answering(&["200 OK"]);
        let made = webhook(&staff, &receiver.url(), &["*"]).await;
        let rotate = format!("/api/webhooks/{}/secret/rotate", id(&made));
        let rotated = staff.post(&rotate, json!({})).await.expect(200);
        assert_eq!(rotated["version"], 2);
        tested(&staff, &made).await;
        let message = receiver.hears(&system, 1).await.remove(0);
        for secret in [&made["secret"], &rotated["secret"]] {
            assert_eq!(verified(secret, &message, &message.text()).as_deref(), Some("webhook.test"));
        }
        assert_eq!(message.field("webhook-signature").split(' ').count(), 2);

        let third = staff.post(&rotate, json!({"expire_old_after_s": 3_600})).await.expect(200);
        tested(&staff, &made).await;
        let message = receiver.hears(&system, 2).await.remove(1);
        assert_eq!(verified(&made["secret"], &message, &message.text()), None);
        for secret in [&rotated["secret"], &third["secret"]] {
            assert!(verified(secret, &message, &message.text()).is_some());
        }

        system.advance(Duration::from_secs(3_601)).await;
        tested(&system.admin().await, &made).await;
        let message = receiver.hears(&system, 3).await.remove(2);
        assert_eq!(message.field("webhook-signature").split(' ').count(), 1);
    }
}

/// Nobody finds a secret in the database, in the log, or in any answer but the first.
async fn a_secret_is_nowhere_in_clear(engine: Engine) {
    let system = TestSystem::start_with(engine, &[LOOPBACK]).await;
    let staff = system.admin().await;
    let receiver = Receiver::answering(&["200 OK"]);
    let made = webhook(&staff, &receiver.url(), &["*"]).await;
    tested(&staff, &made).await;
    receiver.hears(&system, 1).await;
    let shown = made["secret"].as_str().unwrap();
    let encoded = shown.strip_prefix("whsec_").unwrap();
    let folder = system.folder().join("data");
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        let is_in = bytes.windows(encoded.len()).any(|part| part == encoded.as_bytes());
        assert!(!is_in, "{:?}", entry.path());
    }
    assert!(!system.log().join("\n").contains(encoded));
    let path = format!("/api/webhooks/{}", id(&made));
    for answer in [staff.get(&path).await, staff.get("/api/webhooks").await] {
        assert!(!answer.text().contains("whsec_"), "{answer}");
    }
    if engine == Engine::Postgres {
        let url = system.database_url(ServiceName::Webhooks);
        let kept = postgres::text(&url, "SELECT sealed FROM webhook_secrets");
        assert!(!kept.is_empty() && !kept.contains(encoded));
    }
    system.finish().await;
}

#[actix_web::test]
async fn a_secret_is_nowhere_in_clear_sqlite() {
    a_secret_is_nowhere_in_clear(Engine::Sqlite).await;
}

#[actix_web::test]
async fn a_secret_is_nowhere_in_clear_postgres() {
    a_secret_is_nowhere_in_clear(Engine::Postgres).await;
}
