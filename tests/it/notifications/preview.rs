//! A look at a template before it is used.

use busbar::types::ServiceName;
use serde_json::{Value, json};

use crate::support::both_engines;

const PATH: &str = "/api/notifications/preview";

fn overdue() -> Value {
    json!({"name": null, "number": "RP-1", "provider": "River & Power", "balance_minor": 123_456,
        "currency": "EUR", "days": 1, "due_on": "2026-11-15"})
}

both_engines! {
    with &[ServiceName::Users, ServiceName::Notifications];

    /// Staff see what a template makes of variables, in the language and zone that they ask for.
    async fn staff_see_what_would_be_sent(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let order = json!({"template": "bill_overdue", "locale": "de-CH", "variables": overdue()});
        alice.post(PATH, order.clone()).await.expect_problem(403, "insufficient_scope");
        let seen = admin.post(PATH, order).await.expect(200);
        assert_eq!((&seen["locale"], &seen["subject"]), (&json!("de-CH"), &json!("Überfällig: 1.234,56\u{a0}€ an River & Power")));
        assert!(seen["html"].as_str().unwrap().contains("River &amp; Power"));
        assert!(seen["text"].as_str().unwrap().contains("River & Power"));
        assert!(seen["notice"].as_str().unwrap().contains("15. November 2026"));
        let order = json!({"template": "bill_overdue", "locale": "fr", "variables": overdue()});
        assert_eq!(admin.post(PATH, order).await.expect(200)["locale"], "en");
    }

    /// A variable that is missing is named; one that is no amount is refused without being shown.
    async fn what_is_missing_is_named(system: TestSystem) {
        let admin = system.admin().await;
        let mut some = overdue();
        some.as_object_mut().unwrap().remove("currency");
        let order = json!({"template": "bill_overdue", "variables": some});
        let refused = admin.post(PATH, order).await.expect_problem(422, "template_variable_missing");
        assert_eq!(refused["errors"][0]["pointer"], "/variables/currency");
        let order = json!({"template": "bill_overdue", "variables": {}});
        let refused = admin.post(PATH, order).await.expect_problem(422, "validation_failed");
        assert_eq!(refused["errors"].as_array().unwrap().len(), 7, "{refused}");

        let mut odd = overdue();
        odd["currency"] = json!("secret");
        let order = json!({"template": "bill_overdue", "variables": odd});
        let refused = admin.post(PATH, order).await;
        assert!(!refused.text().contains("secret"), "{refused}");
        refused.expect_problem(422, "template_variable_invalid");
        for (order, code, pointer) in [
            (json!({"template": "weather", "variables": {}}), "template_unknown", "/template"),
            (json!({"template": "bill_paid", "locale": "_", "variables": {}}), "locale_invalid", "/locale"),
            (json!({"template": "bill_paid", "timezone": "Mars", "variables": {}}), "timezone_invalid", "/timezone"),
            (json!({"template": "bill_paid"}), "field_required", ""),
        ] {
            let refused = admin.post(PATH, order).await.expect_problem(422, code);
            assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
        }
    }
}
