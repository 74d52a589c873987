//! No room on the disk: told as such, and nobody else is troubled.

use std::time::Duration;

use busbar::types::ServiceName;

use serde_json::json;

use super::desk::{Sending, beside, blobs, content, id_of, noise};
use crate::payments::{bill_is, payment_is};
use crate::support::bare::Bare;
use crate::support::orders::order;
use crate::support::person::PASSWORD;
use crate::support::{Engine, TestSystem};

/// Files of 12 MiB at most where a block is 512 bytes, as POSIX has it; 24 MiB in other shells.
const BLOCKS: &str = "24576";

async fn told(engine: Engine) {
    let system = TestSystem::prepare(engine);
    let running = Bare::limited(&system, BLOCKS);
    system.ready(&ServiceName::ALL).await;
    let alice = system.person("alice").await;
    let small = Sending::plain("small.bin", noise(1_000, 1)).by(&alice).await.expect(201);

    let large = Sending::plain("large.bin", noise(25_900_000, 2)).by(&alice).await;
    assert_eq!(large.header("retry-after"), "5");
    large.expect_problem(507, "storage_full");
    assert_eq!(blobs(&system).len(), 1);
    system.eventually("nothing is left of it", async || beside(&system).is_empty()).await;

    assert_eq!(alice.get(&content(&id_of(&small))).await.body, noise(1_000, 1));
    let bill = system.issued_bill(&alice, 100).await;
    alice.get(&format!("/api/bills/{bill}")).await.expect(200);
    Sending::plain("next.bin", noise(1_000, 3)).by(&alice).await.expect(201);
    drop(running);
}

#[actix_web::test]
async fn a_full_disk_is_told_on_sqlite() {
    told(Engine::Sqlite).await;
}

#[actix_web::test]
async fn a_full_disk_is_told_on_postgres() {
    told(Engine::Postgres).await;
}

/// What could not be written for want of room can be when there is some again: by nobody's hand, and
/// though SQLite gave the transactions up by itself.
#[actix_web::test]
async fn writes_go_on_when_there_is_room_again() {
    let system = TestSystem::prepare(Engine::Sqlite);
    let running = Bare::limited(&system, "unlimited");
    system.ready(&ServiceName::ALL).await;
    let alice = system.person("alice").await;
    let bill = system.issued_bill(&alice, 4496).await;
    let payer = alice.keyed("short");
    let login = json!({"email": "alice@example.org", "password": PASSWORD});

    running.limit_files("4096");
    for _ in 0..3 {
        let paid = payer.post("/api/payments", order(&bill, 4496, "tok_ok")).await;
        let known = system.anonymous().post("/api/auth/login", login.clone()).await;
        for refused in [paid, known] {
            assert!(!refused.header("retry-after").is_empty(), "{refused}");
            refused.expect_problem(503, "database_unavailable");
        }
    }
    running.limit_files("unlimited");

    system
        .eventually("people log in again", async || {
            system.anonymous().post("/api/auth/login", login.clone()).await.status == 200
        })
        .await;
    let mut paid = json!(null);
    system
        .eventually("bills are paid again", async || {
            let answer = payer.post("/api/payments", order(&bill, 4496, "tok_ok")).await;
            paid = answer.json.clone();
            answer.status == 201
        })
        .await;
    payment_is(&system, &alice, &id_of(&paid), "succeeded").await;
    bill_is(&system, &alice, &bill, "paid").await;
    system
        .eventually("and all is well", async || {
            // What is doubted for a while is not waited for.
            system.advance(Duration::from_secs(30)).await;
            system.anonymous().get("/health").await.expect(200)["overall"] == "UP"
        })
        .await;
}
