//! What staff say to some people.

use busbar::types::ServiceName;
use serde_json::json;

use super::{mails, message, messages, of_subject};
use crate::support::both_engines;

const PATH: &str = "/api/notifications";

both_engines! {
    with &[ServiceName::Users, ServiceName::Notifications];

    /// An announcement reaches each of its people once, however often it is asked for with a key.
    async fn an_announcement_reaches_each_of_its_people_once(system: TestSystem) {
        let admin = system.admin().await;
        let (alice, bob) = (system.person("alice").await, system.person("bob").await);
        let order = json!({"user_ids": [alice.id, bob.id, alice.id], "category": "announcement",
            "subject": "Planned works", "text": "Power is off <from> 9 to 11.\n\nThank you."});
        let keyed = admin.keyed("works-1");
        let made = keyed.post(PATH, order.clone()).await.expect(202);
        assert_eq!((&made["recipients_count"], &made["reached"]), (&json!(2), &json!(0)));
        let again = keyed.post(PATH, order).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.expect(202), made);
        let other = json!({"user_id": bob.id, "category": "announcement", "subject": "s", "text": "t"});
        keyed.post(PATH, other).await.expect_problem(422, "idempotency_key_reused");

        for person in [&alice, &bob] {
            let told = message(&system, &admin, (&person.id, "inbox"), "announcement", "sent").await;
            assert_eq!(told["subject"], "Planned works");
            assert_eq!(told["text"], "Power is off <from> 9 to 11.\n\nThank you.");
            message(&system, &admin, (&person.id, "email"), "announcement", "sent").await;
        }
        let letters = mails(&system, "alice@example.org", 2).await;
        let works = of_subject(&letters, "Planned works");
        assert!(works.html.contains("Power is off &lt;from&gt; 9 to 11."), "{}", works.html);
        let path = format!("{PATH}/announcements/{}", made["id"].as_str().unwrap());
        assert_eq!(admin.get(&path).await.expect(200)["reached"], 2);
    }

    /// Many people are reached in rounds; none is left out.
    async fn many_people_are_reached(system: TestSystem) {
        let admin = system.admin().await;
        let alice = system.person("alice").await;
        let mut users: Vec<String> = (0..119).map(|_| uuid::Uuid::now_v7().to_string()).collect();
        users.push(alice.id.clone());
        let order = json!({"user_ids": users, "category": "security", "subject": "s", "text": "t"});
        let made = admin.post(PATH, order).await.expect(202);
        let path = format!("{PATH}/announcements/{}", made["id"].as_str().unwrap());
        let reached = async || admin.get(&path).await.expect(200)["reached"] == 120;
        system.eventually("all are reached", reached).await;
        message(&system, &admin, (&alice.id, "email"), "announcement", "sent").await;
        // Who does not exist is told nothing, and it is known.
        let told = message(&system, &admin, (&users[0], "email"), "announcement", "failed").await;
        assert_eq!(told["error_code"], "user_not_found");
    }

    /// Only staff speak to people; what is wrong is told with its place.
    async fn only_staff_speak_to_people(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let order = json!({"user_id": alice.id, "category": "billing", "subject": "s", "text": "t"});
        alice.post(PATH, order.clone()).await.expect_problem(403, "insufficient_scope");
        let nothing = format!("{PATH}/announcements/{}", uuid::Uuid::now_v7());
        alice.get(&nothing).await.expect_problem(403, "insufficient_scope");
        admin.get(&nothing).await.expect_problem(404, "announcement_not_found");
        let many: Vec<_> = (0..1001).map(|_| uuid::Uuid::now_v7().to_string()).collect();
        let with = |field: &str, value: serde_json::Value| {
            let mut order = order.clone();
            order[field] = value;
            order
        };
        let without = json!({"category": "billing", "subject": "s", "text": "t"});
        let mut crowd = without.clone();
        crowd["user_ids"] = json!(many);
        for (order, code, pointer) in [
            (without, "recipients_missing", "/user_ids"),
            (crowd, "recipients_too_many", "/user_ids"),
            (with("user_ids", json!([alice.id])), "recipients_ambiguous", "/user_id"),
            (with("user_id", json!("x")), "id_invalid", "/user_id"),
            (with("category", json!("weather")), "category_unknown", "/category"),
            (with("subject", json!("a\nb")), "name_invalid", "/subject"),
            (with("text", json!(" ")), "text_invalid", "/text"),
            (with("html", json!("<b>")), "unknown_field", "/html"),
        ] {
            let refused = admin.post(PATH, order).await.expect_problem(422, code);
            assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
        }
        assert!(messages(&admin, &alice.id, "inbox").await.iter().all(|it| it["template"] != "announcement"));
    }
}
