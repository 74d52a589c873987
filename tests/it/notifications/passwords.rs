//! A forgotten password is replaced by a code that comes by mail.

use std::time::Duration;

use busbar::types::ServiceName;
use serde_json::{Value, json};

use super::{Letter, mails, message, of_subject};
use crate::support::person::PASSWORD;
use crate::support::{Answer, Person, TestSystem, both_engines};

const NEW: &str = "another sentence nobody guesses";
const ALICE: &str = "alice@example.org";

async fn forgot(system: &TestSystem, email: &str) -> Value {
    let asked = system.anonymous().post("/api/auth/password/forgot", json!({"email": email})).await;
    asked.expect(202)
}

async fn reset(system: &TestSystem, token: &str, password: &str) -> Answer {
    let order = json!({"token": token, "password": password});
    system.anonymous().post("/api/auth/password/reset", order).await
}

async fn login(system: &TestSystem, password: &str) -> Answer {
    let order = json!({"email": ALICE, "password": password});
    system.anonymous().post("/api/auth/login", order).await
}

both_engines! {
    with &[ServiceName::Users, ServiceName::Notifications];

    /// The code in the mail makes a new password, once; every session ends, and a lockout too.
    async fn a_new_password_is_chosen_with_the_code_in_the_mail(system: TestSystem) {
        let alice = system.person("alice").await;
        for _ in 0..7 {
            login(&system, "a wrong password").await;
        }
        login(&system, PASSWORD).await.expect_problem(429, "too_many_attempts");
        forgot(&system, ALICE).await;
        let letters = mails(&system, ALICE, 2).await;
        let letter = of_subject(&letters, "Choose a new password");
        let code = letter.code();
        assert!(letter.text.contains("/api/auth/password/reset"), "{}", letter.text);

        let short = reset(&system, &code, "short").await.expect_problem(422, "password_too_short");
        assert_eq!(short["errors"][0]["pointer"], "/password");
        reset(&system, &code, NEW).await.expect(204);
        alice.get("/api/users/me").await.expect_problem(401, "token_revoked");
        login(&system, PASSWORD).await.expect_problem(401, "invalid_credentials");
        login(&system, NEW).await.expect(200);
        reset(&system, &code, PASSWORD).await.expect_problem(422, "password_reset_invalid");
        login(&system, NEW).await.expect(200);
        let notices = Person::logged_in(&system.url(), ALICE, NEW).await;
        let listed = notices.get("/api/notifications").await.expect(200);
        let told = listed["data"].as_array().unwrap().iter().find(|it| it["template"] == "password_reset");
        assert!(!told.unwrap()["text"].as_str().unwrap().contains(&code));
    }

    /// Whether there is an account is not told; one mail a minute goes to one that is there.
    async fn asking_tells_nothing_and_mails_once_a_minute(system: TestSystem) {
        system.person("alice").await;
        let (known, unknown) = (forgot(&system, ALICE).await, forgot(&system, "x@example.org").await);
        assert_eq!(known, unknown);
        assert_eq!(forgot(&system, "ALICE@example.org").await, known);
        let letters = mails(&system, ALICE, 2).await;
        let first = of_subject(&letters, "Choose a new password").code();
        system.advance(Duration::from_secs(61)).await;
        forgot(&system, ALICE).await;
        let letters = mails(&system, ALICE, 3).await;
        let codes: Vec<String> = letters.iter().map(Letter::code).collect();
        // Whoever asks for another mail takes nothing from who holds the first one: it is good
        // until one of them is used.
        let second = codes.last().unwrap();
        assert_ne!(&first, second);
        reset(&system, &first, NEW).await.expect(204);
        reset(&system, second, PASSWORD).await.expect_problem(422, "password_reset_invalid");
    }

    /// Mails that anybody can have sent to any address bear no name that was typed with it, until
    /// the address is proven.
    async fn no_name_goes_to_an_address_that_is_not_proven(system: TestSystem) {
        system.person("alice").await;
        forgot(&system, ALICE).await;
        let letters = mails(&system, ALICE, 2).await;
        for letter in &letters {
            assert_eq!(letter.header("to"), ALICE);
            assert!(letter.text.starts_with("Hello,\n"), "{}", letter.text);
            assert!(letter.html.contains(">Hello,<"), "{}", letter.html);
        }

        let token = of_subject(&letters, "Confirm your e-mail address").code();
        let proof = json!({ "token": token });
        system.anonymous().post("/api/auth/email/verify", proof).await.expect(200);
        system.advance(Duration::from_secs(61)).await;
        forgot(&system, ALICE).await;
        let letters = mails(&system, ALICE, 3).await;
        let named = letters.iter().filter(|letter| letter.header("to") != ALICE);
        let named: Vec<&Letter> = named.collect();
        assert_eq!(named.len(), 1, "{letters:#?}");
        assert!(named[0].text.starts_with("Hello alice,\n"), "{}", named[0].text);
    }

    /// A code is good for an hour, for its own purpose, and not after the password was changed.
    async fn a_code_is_not_good_for_ever(system: TestSystem) {
        let alice = system.person("alice").await;
        forgot(&system, ALICE).await;
        let letters = mails(&system, ALICE, 2).await;
        let code = of_subject(&letters, "Choose a new password").code();
        let proof = of_subject(&letters, "Confirm your e-mail address").code();
        for bad in [&proof, "", "nonsense", &format!("{code}A")] {
            reset(&system, bad, NEW).await.expect_problem(422, "password_reset_invalid");
        }
        let verify = system.anonymous().post("/api/auth/email/verify", json!({"token": code})).await;
        verify.expect_problem(422, "verification_invalid");

        let change = json!({"current": PASSWORD, "new": NEW});
        alice.post("/api/auth/password/change", change).await.expect(204);
        reset(&system, &code, PASSWORD).await.expect_problem(422, "password_reset_invalid");

        mails(&system, ALICE, 3).await;
        system.advance(Duration::from_secs(61)).await;
        forgot(&system, ALICE).await;
        let letters = mails(&system, ALICE, 4).await;
        let code = letters.last().unwrap().code();
        system.advance(Duration::from_secs(3_601)).await;
        reset(&system, &code, PASSWORD).await.expect_problem(422, "password_reset_invalid");
        let mail = format!("/internal/users/{}/password-reset", alice.id);
        let asked = system.internal_as("notifications", ServiceName::Users).get(&mail).await;
        asked.expect_problem(404, "password_reset_not_found");
    }

    /// Only the notifications service is given a code; a suspended account gets none.
    async fn a_code_is_for_the_mail_alone(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let mail = format!("/internal/users/{}/password-reset", alice.id);
        let asked = async |service: &str| {
            system.internal_as(service, ServiceName::Users).get(&mail).await
        };
        forgot(&system, ALICE).await;
        message(&system, &admin, (&alice.id, "email"), "password_reset", "sent").await;
        asked("payments").await.expect_problem(403, "insufficient_scope");
        let given = asked("notifications").await.expect(200);
        assert_eq!((&given["email"], &given["user_id"]), (&json!(ALICE), &json!(alice.id)));

        admin.post(&format!("/api/users/{}/suspend", alice.id), json!({})).await.expect(200);
        let code = given["token"].as_str().unwrap();
        reset(&system, code, NEW).await.expect_problem(422, "password_reset_invalid");
        system.advance(Duration::from_secs(61)).await;
        forgot(&system, ALICE).await;
        // A later event of the same service has been told: what came before it would have been, too.
        system.person("bob").await;
        mails(&system, "bob@example.org", 1).await;
        mails(&system, ALICE, 2).await;
    }
}
