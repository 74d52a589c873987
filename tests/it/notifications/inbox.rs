//! The inbox: one's own alone, counted, paged, marked as read.

use busbar::types::ServiceName;
use serde_json::{Value, json};

use super::{message, messages};
use crate::support::both_engines;

both_engines! {
    with &[ServiceName::Users, ServiceName::Billing, ServiceName::Notifications];

    /// Notices are unread until they are read, one or all; the first time counts.
    async fn notices_are_counted_and_read(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        for minor in [1, 2, 3] {
            system.issued_bill(&alice, minor).await;
        }
        let unread = async || {
            alice.get("/api/notifications/unread-count").await.expect(200)["unread"].clone()
        };
        system.eventually("four notices", async || unread().await == 4).await;

        let listed = alice.get("/api/notifications").await.expect(200);
        let first = &listed["data"][0];
        assert_eq!((&first["channel"], &first["read_at"]), (&json!("inbox"), &Value::Null));
        assert!(first["subject"].is_string() && first["text"].is_string(), "{first}");
        let path = format!("/api/notifications/{}", first["id"].as_str().unwrap());
        let read = alice.post(&format!("{path}/read"), json!({})).await.expect(200);
        assert!(read["read_at"].is_string(), "{read}");
        let again = alice.post(&format!("{path}/read"), json!({})).await;
        assert_eq!(again.header("etag"), format!("\"v{}\"", read["version"]));
        assert_eq!(again.expect(200), read);
        assert_eq!(alice.get(&path).await.expect(200), read);
        assert_eq!(unread().await, 3);

        let rest = alice.get("/api/notifications?unread=true").await.expect(200);
        assert_eq!(rest["data"].as_array().unwrap().len(), 3);
        let all = alice.post("/api/notifications/read-all", json!({})).await.expect(200);
        assert_eq!((&all["read"], unread().await), (&json!(3), json!(0)));
        let none = alice.post("/api/notifications/read-all", json!({})).await.expect(200);
        assert_eq!(none["read"], 0);
        assert_eq!(messages(&admin, &alice.id, "inbox").await.len(), 4);
    }

    /// The list comes in pages, each notice once.
    async fn the_list_comes_in_pages(system: TestSystem) {
        let alice = system.person("alice").await;
        for minor in 1..=4 {
            system.issued_bill(&alice, minor).await;
        }
        let count = async || {
            let all = alice.get("/api/notifications?limit=100").await.expect(200);
            all["data"].as_array().unwrap().len()
        };
        system.eventually("five notices", async || count().await == 5).await;
        let (mut ids, mut path) = (Vec::new(), "/api/notifications?limit=2".to_owned());
        loop {
            let page = alice.get(&path).await.expect(200);
            ids.extend(page["data"].as_array().unwrap().iter().map(|it| it["id"].to_string()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/api/notifications?limit=2&cursor={cursor}");
        }
        assert_eq!(ids.len(), 5);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 5);
        for (query, code) in [("limit=0", "limit_invalid"), ("cursor=x", "cursor_invalid"),
            ("status=x", "status_invalid"), ("channel=sms", "channel_unknown")] {
            let refused = alice.get(&format!("/api/notifications?{query}")).await;
            refused.expect_problem(422, code);
        }
    }

    /// Another person's notices are as if they were not there; staff see them, and read none.
    async fn a_stranger_finds_nothing(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let eve = system.person("eve").await;
        let told = message(&system, &admin, (&alice.id, "inbox"), "email_verification", "sent").await;
        let mail = message(&system, &admin, (&alice.id, "email"), "email_verification", "sent").await;
        for id in [&told["id"], &mail["id"]] {
            let path = format!("/api/notifications/{}", id.as_str().unwrap());
            eve.get(&path).await.expect_problem(404, "notification_not_found");
            let read = format!("{path}/read");
            eve.post(&read, json!({})).await.expect_problem(404, "notification_not_found");
            admin.post(&read, json!({})).await.expect_problem(404, "notification_not_found");
            eve.post(&format!("{path}/retry"), json!({})).await.expect_problem(403, "insufficient_scope");
            assert_eq!(&admin.get(&path).await.expect(200)["id"], id);
            assert_eq!(&alice.get(&path).await.expect(200)["id"], id);
        }
        // A mail is in no inbox.
        let read = format!("/api/notifications/{}/read", mail["id"].as_str().unwrap());
        alice.post(&read, json!({})).await.expect_problem(404, "notification_not_found");
        assert!(messages(&eve, &alice.id, "inbox").await.is_empty());
        assert!(messages(&eve, &alice.id, "email").await.is_empty());
        let own = eve.get("/api/notifications?channel=email").await.expect(200);
        let own = own["data"].as_array().unwrap();
        assert!(own.iter().all(|message| message["user_id"] == json!(eve.id)), "{own:?}");
        eve.post("/api/notifications/read-all", json!({})).await.expect(200);
        let unread = alice.get("/api/notifications/unread-count").await.expect(200);
        assert_eq!(unread["unread"], 1);
        for path in ["/api/notifications", "/api/notifications/unread-count",
            "/api/notifications/preferences"] {
            system.anonymous().get(path).await.expect_problem(401, "unauthenticated");
        }
        let unknown = format!("/api/notifications/{}", uuid::Uuid::now_v7());
        alice.get(&unknown).await.expect_problem(404, "notification_not_found");
    }
}
