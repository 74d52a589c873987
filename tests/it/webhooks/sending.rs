//! Attempts: what is tried again, when, and under which id.

use std::time::Duration;

use serde_json::Value;

use super::house::{
    Receiver, attempted, delivery, id, may_call_home, millis, publish, tested, webhook,
};
use crate::support::TestSystem;
use crate::support::wire::{Scripted, Then, say, wait_for_close};

/// From the end of the last attempt to the next one.
fn wait_ms(delivery: &Value) -> i64 {
    let last = delivery["attempts"].as_array().unwrap().last().unwrap();
    millis(&delivery["next_attempt_at"]) - millis(&last["ended_at"])
}

may_call_home! {
    /// 500, then 200: two attempts, one id, a fresh timestamp, five seconds more or less between.
    async fn a_failed_attempt_is_followed_by_another(system: TestSystem) {
        let staff = system.admin().await;
        let receiver = Receiver::answering(&["500 Oops", "200 OK"]);
        let made = webhook(&staff, &receiver.url(), &["bill.paid"]).await;
        publish(&system, "bill.paid", 1).await;
        receiver.hears(&system, 1).await;
        let list = staff.get(&format!("/api/webhooks/{}/deliveries", id(&made))).await.expect(200);
        let sent = id(&list["data"][0]);
        let failed = attempted(&system, &sent, 1).await;
        assert_eq!((&failed["status"], &failed["error"]), (&"pending".into(), &"refused".into()));
        assert!((4_000..=6_001).contains(&wait_ms(&failed)), "{failed}");
        assert_eq!(failed["attempts"][0]["status"], 500);
        assert_eq!(failed["attempts"][0]["response"], "heard");
        assert_eq!(failed["attempts"][0]["address"], "127.0.0.1");

        system.advance(Duration::from_secs(7)).await;
        let delivered = attempted(&system, &sent, 2).await;
        assert_eq!((&delivered["status"], &delivered["error"]), (&"delivered".into(), &Value::Null));
        assert_eq!(delivered["attempts"][1]["outcome"], "delivered");
        let heard = receiver.heard();
        assert_eq!(heard.len(), 2);
        assert_eq!(heard[0].field("webhook-id"), heard[1].field("webhook-id"));
        assert_eq!(heard[0].field("webhook-id"), delivered["message_id"].as_str().unwrap());
        assert_eq!(heard[0].body, heard[1].body);
        let at = |place: usize| heard[place].field("webhook-timestamp").parse::<i64>().unwrap();
        assert!(at(1) - at(0) >= 7, "{} {}", at(0), at(1));
        assert_ne!(heard[0].field("webhook-signature"), heard[1].field("webhook-signature"));
    }

    /// Who is overloaded may ask for time, in seconds; others may not.
    async fn retry_after_is_honoured(system: TestSystem) {
        let staff = system.admin().await;
        for (answer, least_ms, most_ms) in [
            ("503 Busy\r\nretry-after: 30", 30_000, 30_001),
            ("429 Slower\r\nretry-after: 60", 60_000, 60_001),
            ("503 Busy\r\nretry-after: 999999", 86_400_000, 86_400_001),
            ("503 Busy\r\nretry-after: 1", 4_000, 6_001),
            ("500 Oops\r\nretry-after: 30", 4_000, 6_001),
        ] {
            let receiver = Receiver::answering(&[answer]);
            let made = webhook(&staff, &receiver.url(), &["*"]).await;
            let failed = attempted(&system, &tested(&staff, &made).await, 1).await;
            assert!((least_ms..=most_ms).contains(&wait_ms(&failed)), "{answer}: {failed}");
        }
    }

    /// An interim answer is none, a long one is cut, one that breaks the rules is a failure.
    async fn odd_answers_are_read_as_they_are_meant(system: TestSystem) {
        let staff = system.admin().await;
        let cases: [(String, &str, Value); 6] = [
            ("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".into(), "delivered", "ok".into()),
            ("HTTP/1.1 200 OK\r\n\r\nuntil the end".into(), "delivered", "until the end".into()),
            (format!("HTTP/1.1 200 OK\r\ncontent-length: 900000\r\n\r\n{}", "x".repeat(900_000)), "delivered", "x".repeat(4_096).into()),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n".into(), "delivered", "abc".into()),
            ("SSH-2.0-OpenSSH_9.2\r\n\r\n".into(), "broken", Value::Null),
            (String::new(), "broken", Value::Null),
        ];
        for (answer, outcome, response) in cases {
            let shown = answer.chars().take(60).collect::<String>();
            let receiver = Scripted::start(move |_, stream| {
                say(stream, &answer);
                Then::Close
            });
            let made = webhook(&staff, &receiver.url(), &["*"]).await;
            let sent = attempted(&system, &tested(&staff, &made).await, 1).await;
            assert_eq!(sent["attempts"][0]["outcome"], outcome, "{shown}");
            assert_eq!(sent["attempts"][0]["response"], response, "{shown}");
        }
        let port = crate::support::postgres::free_port();
        let made = webhook(&staff, &format!("http://127.0.0.1:{port}/"), &["*"]).await;
        let sent = attempted(&system, &tested(&staff, &made).await, 1).await;
        assert_eq!(sent["attempts"][0]["outcome"], "unreachable");
    }
}

/// A receiver that never answers costs one attempt its time, and is tried again.
async fn silence_is_a_failure(engine: crate::support::Engine) {
    let limits = [super::house::LOOPBACK, ("BUSBAR_WEBHOOKS_TIMEOUT_MS", "500")];
    let system = TestSystem::start_with(engine, &limits).await;
    let staff = system.admin().await;
    let receiver = Scripted::start(|_, stream| {
        wait_for_close(stream);
        Then::Close
    });
    let made = webhook(&staff, &receiver.url(), &["*"]).await;
    let sent = tested(&staff, &made).await;
    let failed = attempted(&system, &sent, 1).await;
    assert_eq!(failed["attempts"][0]["outcome"], "timeout");
    assert!(failed["attempts"][0]["duration_ms"].as_i64().unwrap() >= 500, "{failed}");
    assert_eq!(delivery(&staff, &sent).await["status"], "pending");
    system.finish().await;
}

#[actix_web::test]
async fn silence_is_a_failure_sqlite() {
    silence_is_a_failure(crate::support::Engine::Sqlite).await;
}

#[actix_web::test]
async fn silence_is_a_failure_postgres() {
    silence_is_a_failure(crate::support::Engine::Postgres).await;
}
