//! What no process survives: an abort, a full stack. A service in a process of its own takes nobody
//! along.

use std::os::unix::process::ExitStatusExt;

use awc::http::Method;
use busbar::types::ServiceName;
use serde_json::json;

use crate::support::orders::order;
use crate::support::{Engine, TestSystem};

const SIGABRT: i32 = 6;

async fn others_go_on(kind: &str) {
    let system = TestSystem::prepare(Engine::Sqlite);
    let alone = [ServiceName::Payments];
    let others: Vec<_> =
        ServiceName::ALL.into_iter().filter(|name| !alone.contains(name)).collect();
    // Whoever comes first makes the key that all of them need.
    system.spawn(&others, &[]);
    system.ready(&others).await;
    system.spawn(&alone, &[]);
    system.ready(&alone).await;
    let alice = system.person("alice").await;
    let bill = system.issued_bill(&alice, 100).await;

    system.inject(ServiceName::Payments, json!({"kind": kind}), 1).await;
    let mut process = system.take_process();
    let own = alice.at(&system.service_url(ServiceName::Payments));
    drop(own.try_send(Method::GET, "/payments", None).await);
    let ended = process.ended().await;

    assert_eq!(ended.signal(), Some(SIGABRT), "{ended:?}");
    for path in ["/api/users/me", &format!("/api/bills/{bill}"), "/api/documents"] {
        alice.get(path).await.expect(200);
    }
    let away = alice.get("/api/payments").await;
    assert!(matches!(away.status, 502 | 503), "{away}");
    system.spawn(&alone, &[]);
    system.ready(&alone).await;
    system
        .eventually("it is paid", async || {
            let paid = alice.keyed("k").post("/api/payments", order(&bill, 100, "tok_ok")).await;
            paid.status == 201
        })
        .await;
    system.finish().await;
}

#[actix_web::test]
async fn an_abort_takes_nobody_along() {
    others_go_on("abort").await;
}

#[actix_web::test]
async fn a_full_stack_takes_nobody_along() {
    others_go_on("stack_overflow").await;
}
