//! Who wants what by which way, and what cannot be muted.

use busbar::types::ServiceName;
use serde_json::{Value, json};

use super::{event, mails, message, tell};
use crate::support::both_engines;

const PATH: &str = "/api/notifications/preferences";

both_engines! {
    with &[ServiceName::Users, ServiceName::Billing, ServiceName::Notifications];

    /// Preferences begin with everything on, are one's own, and are replaced by version.
    async fn preferences_are_ones_own(system: TestSystem) {
        let (alice, eve) = (system.person("alice").await, system.person("eve").await);
        let before = alice.get(PATH).await;
        assert_eq!(before.header("etag"), "\"v0\"");
        let before = before.expect(200);
        assert_eq!((&before["email"], &before["sms"], &before["push"]), (&json!(true), &json!(false), &json!(false)));
        assert_eq!(before["mandatory"], json!(["security", "receipt"]));
        assert_eq!(before["categories"]["billing"], json!({"email": true, "inbox": true, "sms": false, "push": false}));

        let order = json!({"email": true, "sms": true, "push": true,
            "categories": {"billing": {"email": false, "sms": true}}});
        let put = alice.header("if-match", "\"v0\"").put(PATH, order.clone()).await.expect(200);
        assert_eq!((&put["version"], &put["sms"], &put["push"]), (&json!(1), &json!(true), &json!(true)));
        assert_eq!(put["categories"]["billing"], json!({"email": false, "inbox": true, "sms": true, "push": false}));
        assert!(put["updated_at"].is_string());
        assert_eq!(alice.get(PATH).await.expect(200), put);
        let stale = alice.header("if-match", "\"v0\"").put(PATH, order).await;
        assert_eq!(stale.expect_problem(412, "version_mismatch")["current_version"], 1);
        assert_eq!(eve.get(PATH).await.expect(200)["version"], 0);

        let all = alice.put(PATH, json!({})).await.expect(200);
        assert_eq!((&all["version"], &all["categories"]), (&json!(2), &before["categories"]));
    }

    /// What somebody has muted is not sent, and says so; everything else is.
    async fn what_is_muted_is_not_sent(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let muted = json!({"categories": {"billing": {"email": false}, "payment": {"inbox": false}}});
        alice.put(PATH, muted).await.expect(200);
        let bill = system.issued_bill(&alice, 100).await;
        let told = message(&system, &admin, (&alice.id, "email"), "bill_issued", "suppressed").await;
        assert_eq!((&told["error_code"], &told["attempts"]), (&json!("muted"), &json!(0)), "{told}");
        assert!(told["suppressed_at"].is_string());
        message(&system, &admin, (&alice.id, "inbox"), "bill_issued", "sent").await;

        alice.put(PATH, json!({"email": false})).await.expect(200);
        let data = json!({"payment_id": uuid::Uuid::now_v7(), "user_id": alice.id, "bill_id": bill,
            "amount_minor": 100, "currency": "USD"});
        let failed = event("payments", "payment.failed", "payment/1", &data);
        let paid = event("payments", "payment.succeeded", "payment/2", &data);
        tell(&system, "payments", &[&failed, &paid]).await.expect(200);
        message(&system, &admin, (&alice.id, "email"), "payment_failed", "suppressed").await;
        message(&system, &admin, (&alice.id, "inbox"), "payment_failed", "sent").await;
        // A receipt is always sent.
        message(&system, &admin, (&alice.id, "email"), "payment_succeeded", "sent").await;
        mails(&system, "alice@example.org", 2).await;
    }

    /// Security and receipts cannot be muted, and what is wrong is told with its place.
    async fn what_must_be_told_cannot_be_muted(system: TestSystem) {
        let alice = system.person("alice").await;
        for (order, code, pointer) in [
            (json!({"categories": {"security": {"email": false}}}), "category_mandatory", "/categories/security/email"),
            (json!({"categories": {"receipt": {"inbox": false}}}), "category_mandatory", "/categories/receipt/inbox"),
            (json!({"categories": {"weather": {}}}), "unknown_field", "/categories/weather"),
            (json!({"fax": true}), "unknown_field", "/fax"),
        ] {
            let refused = alice.put(PATH, order).await.expect_problem(422, code);
            assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
        }
        assert_eq!(alice.get(PATH).await.expect(200)["version"], Value::from(0));
    }
}
