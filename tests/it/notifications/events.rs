//! What is heard of others becomes one mail and one notice, whatever is heard how often.

use busbar::types::ServiceName;
use serde_json::{Value, json};

use super::{event, mails, message, messages, of_subject, tell};
use crate::support::both_engines;
use crate::support::orders::order;

const AMOUNT: i64 = 4496;

both_engines! {
    with &[ServiceName::Users, ServiceName::Payments, ServiceName::Billing, ServiceName::Notifications];

    /// A person signs up, gets a bill, fails to pay it, is reminded, pays it: each of these gives
    /// one mail and one notice, in which everything stands that belongs there.
    async fn each_event_gives_one_mail_and_one_notice(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bill = system.issued_bill(&alice, AMOUNT).await;
        let declined = order(&bill, AMOUNT, "tok_decline");
        let declined = alice.keyed("p-1").post("/api/payments", declined).await.expect(201);
        assert_eq!(declined["status"], "failed");
        let overdue = json!({"bill_id": bill, "number": "n", "user_id": alice.id, "days": 3,
            "provider_id": "river-power", "balance_minor": AMOUNT, "currency": "USD"});
        let overdue = event("billing", "bill.became_overdue", &format!("bill/{bill}"), &overdue);
        tell(&system, "billing", &[&overdue]).await.expect(200);
        for channel in ["email", "inbox"] {
            message(&system, &admin, (&alice.id, channel), "bill_overdue", "sent").await;
        }
        let paid = alice.keyed("p-2").post("/api/payments", order(&bill, AMOUNT, "tok_ok")).await;
        let payment = paid.expect(201)["id"].as_str().unwrap().to_owned();

        let letters = mails(&system, "alice@example.org", 6).await;
        let shown = alice.get(&format!("/api/bills/{bill}")).await.expect(200);
        let number = shown["number"].as_str().unwrap();
        let issued = of_subject(&letters, "Your bill from river-power: $44.96, due December 31, 2099");
        for words in ["Hello alice,", "Electricity: $44.96", number, "November 1, 2026 to November 30, 2026"] {
            assert!(issued.text.contains(words), "{words} in {}", issued.text);
        }
        assert!(issued.html.contains("$44.96") && issued.html.contains(number));
        let failed = of_subject(&letters, "Your payment of $44.96 did not go through");
        assert!(failed.text.contains("Reason: The card was declined."), "{}", failed.text);
        let late = of_subject(&letters, "Overdue: $44.96 to river-power");
        assert!(late.text.contains("overdue by 3 days"), "{}", late.text);
        of_subject(&letters, &format!("Your bill {number} is paid"));
        let receipt = of_subject(&letters, "Receipt: $44.96 to river-power");
        assert!(receipt.text.contains(&payment), "{}", receipt.text);
        of_subject(&letters, "Confirm your e-mail address");

        let templates = ["email_verification", "bill_issued", "payment_failed", "bill_overdue",
            "bill_paid", "payment_succeeded"];
        for template in templates {
            for channel in ["email", "inbox"] {
                let told = message(&system, &admin, (&alice.id, channel), template, "sent").await;
                assert_eq!((&told["attempts"], &told["error_code"]), (&json!(1), &Value::Null));
                assert!(told["sent_at"].is_string() && told["locale"] == "en", "{told}");
                assert_eq!(told["text"].is_string(), channel == "inbox", "{told}");
            }
        }
        assert_eq!(messages(&admin, &alice.id, "email").await.len(), templates.len());
        assert_eq!(messages(&admin, &alice.id, "inbox").await.len(), templates.len());
    }

    /// A mail can be told to be the same one, sorted and read by machines and people.
    async fn a_mail_has_its_headers(system: TestSystem) {
        let order = json!({"email": "zoë@example.org", "name": "Zoë \"Z\" Ångström", "locale": "de-AT",
            "password": crate::support::person::PASSWORD, "timezone": "Europe/Vienna"});
        let made = system.anonymous().post("/api/users", order).await.expect(201);
        let admin = system.admin().await;
        let user = made["id"].as_str().unwrap();
        let sent = message(&system, &admin, (user, "email"), "email_verification", "sent").await;
        let [letter] = mails(&system, "zoë@example.org", 1).await.try_into().unwrap();
        let id = sent["id"].as_str().unwrap();
        assert_eq!(letter.header("message-id"), format!("<{id}@localhost>"));
        assert_eq!(letter.header("list-id"), "<security.localhost>");
        assert_eq!(letter.header("from"), "Busbar <no-reply@localhost>");
        assert_eq!(letter.header("subject"), "Bestätigen Sie Ihre E-Mail-Adresse");
        assert_eq!(letter.header("content-language"), "de-AT");
        assert!(letter.header("content-type").starts_with("multipart/alternative"));
        assert_eq!(letter.header("to"), "zoë@example.org", "nobody's name before it is proven");
        assert!(letter.text.contains("Uhr (Europe/Vienna)"), "{}", letter.text);
        let file = std::fs::metadata(system.folder().join(format!("data/mailbox/{id}.eml"))).unwrap();
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(file.permissions().mode() & 0o077, 0, "mails are for their owner alone");
    }

    /// An event that comes again says nothing again, alone or beside others.
    async fn an_event_that_comes_again_says_nothing_again(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bill = system.issued_bill(&alice, AMOUNT).await;
        let data = json!({"bill_id": bill, "user_id": alice.id, "days": null});
        let late = event("billing", "bill.became_overdue", &format!("bill/{bill}"), &data);
        let first = tell(&system, "billing", &[&late]).await.expect(200);
        assert_eq!(first["results"][0]["result"], "accepted");
        for again in [tell(&system, "billing", &[&late]).await, tell(&system, "billing", &[&late, &late]).await] {
            assert_eq!(again.expect(200)["results"][0]["result"], "duplicate");
        }
        let other = event("billing", "bill.became_overdue", &format!("bill/{bill}"), &data);
        assert_ne!(other["id"], late["id"]);
        for channel in ["email", "inbox"] {
            message(&system, &admin, (&alice.id, channel), "bill_overdue", "sent").await;
        }
        let letters = mails(&system, "alice@example.org", 3).await;
        of_subject(&letters, "Overdue: ");
        let counted = async || {
            system.figure(ServiceName::Notifications, "busbar_notifications_total").await == 6.0
        };
        system.eventually("six ends are counted", counted).await;
    }

    /// What cannot be told is said so, and holds up nothing.
    async fn what_cannot_be_told_ends_with_its_reason(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let [verification] = mails(&system, "alice@example.org", 1).await.try_into().unwrap();
        let proof = json!({"token": verification.code()});
        system.anonymous().post("/api/auth/email/verify", proof).await.expect(200);

        let nobody = uuid::Uuid::now_v7().to_string();
        let (bill, own) = (uuid::Uuid::now_v7().to_string(), json!({"user_id": alice.id}));
        let of_nobody = event("users", "user.verification_requested", "user/n", &json!({"user_id": nobody}));
        let proven = event("users", "user.verification_requested", "user/a", &own);
        let of_none = json!({"user_id": alice.id, "bill_id": bill});
        let of_none = event("billing", "bill.paid", "bill/n", &of_none);
        let unreadable = event("billing", "bill.paid", "bill/u", &own);
        tell(&system, "users", &[&of_nobody, &proven]).await.expect(200);
        let heard = tell(&system, "billing", &[&of_none, &unreadable]).await.expect(200);
        assert_eq!(heard["results"][0]["result"], "accepted");
        assert_eq!(heard["results"][1]["code"], "event_unreadable");

        for (to, template, status, code) in [
            (&nobody, "email_verification", "failed", "user_not_found"),
            (&alice.id, "bill_paid", "failed", "bill_not_found"),
            (&alice.id, "email_verification", "suppressed", "no_longer_needed"),
        ] {
            let told = message(&system, &admin, (to, "email"), template, status).await;
            assert_eq!((&told["error_code"], &told["attempts"]), (&json!(code), &json!(0)), "{told}");
            assert!(told[format!("{status}_at")].is_string(), "{told}");
        }
        assert_eq!(mails(&system, "alice@example.org", 1).await.len(), 1);
    }

    /// No address, code or text of a mail is in what the program prints or keeps.
    async fn nothing_secret_is_logged_or_kept(system: TestSystem) {
        let ada = system.person("ada").await;
        let forgot = json!({"email": "ada@example.org"});
        system.anonymous().post("/api/auth/password/forgot", forgot).await.expect(202);
        let letters = mails(&system, "ada@example.org", 2).await;
        let admin = system.admin().await;
        for template in ["email_verification", "password_reset"] {
            message(&system, &admin, (&ada.id, "email"), template, "sent").await;
            message(&system, &admin, (&ada.id, "inbox"), template, "sent").await;
        }
        let log = system.log().join("\n");
        let kept: Vec<u8> = ["notifications.sqlite3", "notifications.sqlite3-wal"]
            .iter()
            .flat_map(|name| std::fs::read(system.folder().join("data").join(name)).unwrap_or_default())
            .collect();
        let kept = String::from_utf8_lossy(&kept);
        for secret in [letters[0].code(), letters[1].code(), "ada@example.org".to_owned()] {
            assert!(!log.contains(&secret), "{secret} is in the log");
            assert!(!kept.contains(&secret), "{secret} is in the database");
        }
    }
}
