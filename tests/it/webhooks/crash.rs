//! A process that is killed while deliveries are under way: the next one goes on.

use busbar::types::ServiceName;
use serde_json::json;

use super::house::{LOOPBACK, Receiver, attempted, id, publish, tested, webhook};
use crate::support::wire::{Scripted, Then, wait_for_close};
use crate::support::{Engine, TestSystem};

/// The lease lasts as long as an attempt may take, and ten seconds more.
const BRIEF: (&str, &str) = ("BUSBAR_WEBHOOKS_TIMEOUT_MS", "2000");

/// Killed after the call and before it was written down: it is called again, under the same id,
/// and nothing else is lost or stuck.
async fn a_killed_process_loses_nothing(engine: Engine) {
    let system = TestSystem::prepare(engine);
    system.launch_with(&[LOOPBACK, BRIEF, ("BUSBAR_FAILPOINT", "webhooks.sent")]).await;
    let staff = system.admin().await;
    let receiver = Receiver::answering(&["200 OK"]);
    let made = webhook(&staff, &receiver.url(), &["bill.paid"]).await;
    let sent = tested(&staff, &made).await;
    system.wait_for_log("failpoint reached: webhooks.sent").await;
    publish(&system, "bill.paid", 20).await;
    system.kill();

    system.launch_with(&[LOOPBACK, BRIEF]).await;
    let delivered = attempted(&system, &sent, 2).await;
    assert_eq!(delivered["status"], "delivered");
    assert_eq!(delivered["attempts"][0]["outcome"], "interrupted");
    assert_eq!(delivered["attempts"][1]["outcome"], "delivered");
    let staff = system.admin().await;
    let delivered = format!("/api/webhooks/{}/deliveries?status=delivered&limit=100", id(&made));
    let all = async || {
        let page = staff.get(&delivered).await.expect(200);
        page["data"].as_array().unwrap().len() == 21
    };
    system.eventually("all are delivered", all).await;
    let mut ids: Vec<_> = receiver.heard().iter().map(|it| it.field("webhook-id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 21, "each under one id");
    system.finish().await;
}

#[actix_web::test]
async fn a_killed_process_loses_nothing_sqlite() {
    a_killed_process_loses_nothing(Engine::Sqlite).await;
}

#[actix_web::test]
async fn a_killed_process_loses_nothing_postgres() {
    a_killed_process_loses_nothing(Engine::Postgres).await;
}

/// Under another key the secrets cannot be read: nothing is sent unsigned, and it is said.
#[actix_web::test]
async fn nothing_is_sent_unsigned() {
    let system = TestSystem::start_with(Engine::Sqlite, &[LOOPBACK]).await;
    let receiver = Receiver::answering(&["200 OK"]);
    let made = webhook(&system.admin().await, &receiver.url(), &["*"]).await;
    system.kill();
    let other = system.folder().join("other.key");
    std::fs::write(&other, format!("{}=\n", "A".repeat(43))).unwrap();
    system.launch_with(&[LOOPBACK, ("BUSBAR_WEBHOOKS_KEY_FILE", other.to_str().unwrap())]).await;
    let sent = tested(&system.admin().await, &made).await;
    let delivery = attempted(&system, &sent, 1).await;
    assert_eq!(delivery["attempts"][0]["outcome"], "unsigned");
    assert_eq!(delivery["status"], "pending");
    assert_eq!(receiver.heard().len(), 0);
    system.finish().await;
}

/// A process that is asked to stop gives back what it cannot finish, and says so in the log.
async fn a_stopped_process_gives_back_what_it_sends(engine: Engine) {
    let system = TestSystem::start_with(engine, &[LOOPBACK]).await;
    let staff = system.admin().await;
    let silent = Scripted::start(|_, stream| {
        wait_for_close(stream);
        Then::Close
    });
    let made = webhook(&staff, &silent.url(), &["*"]).await;
    let sent = tested(&staff, &made).await;
    system.eventually("it is called", async || silent.heard().len() == 1).await;
    let mut process = system.take_process();
    process.signal("TERM");
    assert!(process.ended().await.success(), "{}", process.log().join("\n"));

    system.launch_with(&[LOOPBACK]).await;
    system.eventually("it is called again", async || silent.heard().len() == 2).await;
    let delivery = attempted(&system, &sent, 1).await;
    assert_eq!(delivery["attempts"][0]["outcome"], "interrupted");
    assert_eq!(delivery["attempts"].as_array().unwrap().len(), 2);
    let ids: Vec<_> = silent.heard().iter().map(|it| it.message.field("webhook-id")).collect();
    assert_eq!(ids[0], ids[1]);
    system.kill();
}

#[actix_web::test]
async fn a_stopped_process_gives_back_what_it_sends_sqlite() {
    a_stopped_process_gives_back_what_it_sends(Engine::Sqlite).await;
}

#[actix_web::test]
async fn a_stopped_process_gives_back_what_it_sends_postgres() {
    a_stopped_process_gives_back_what_it_sends(Engine::Postgres).await;
}

/// When what sends deliveries falls, the next incarnation sends them.
async fn a_fallen_life_is_followed_by_another(engine: Engine) {
    let system = TestSystem::start_with(engine, &[LOOPBACK, BRIEF]).await;
    let staff = system.admin().await;
    let receiver = Receiver::answering(&["200 OK"]);
    let made = webhook(&staff, &receiver.url(), &["*"]).await;
    let path = format!("/api/webhooks/{}/test", id(&made));
    for (count, kind) in (1..).zip(["panic_thread", "panic_life"]) {
        system.inject(ServiceName::Webhooks, json!({"kind": kind}), 1).await;
        let queued = async || staff.post(&path, json!({})).await.status == 202;
        system.eventually("the service is back", queued).await;
        receiver.hears(&system, count).await;
    }
    system.finish().await;
}

#[actix_web::test]
async fn a_fallen_life_is_followed_by_another_sqlite() {
    a_fallen_life_is_followed_by_another(Engine::Sqlite).await;
}

#[actix_web::test]
async fn a_fallen_life_is_followed_by_another_postgres() {
    a_fallen_life_is_followed_by_another(Engine::Postgres).await;
}
