//! People are told what has become of their account, whatever they have muted.

use std::time::Duration;

use busbar::types::ServiceName;
use serde_json::{Value, json};

use super::{Letter, event, mails, message, messages, of_subject, tell};
use crate::support::person::PASSWORD;
use crate::support::{Answer, Person, TestSystem, both_engines};

const NEW: &str = "another sentence nobody guesses";
const NEWEST: &str = "a third sentence that nobody guesses";
const ADA: &str = "ada@example.org";

/// Somebody who reads this language, and the answer to their login.
async fn reader(system: &TestSystem, locale: &str, timezone: &str) -> (String, Value) {
    let order = json!({"email": ADA, "name": "Ada Lovelace", "password": PASSWORD,
        "locale": locale, "timezone": timezone});
    let made = system.anonymous().post("/api/users", order).await.expect(201);
    let login = json!({"email": ADA, "password": PASSWORD});
    let given = system.anonymous().post("/api/auth/login", login).await.expect(200);
    (made["id"].as_str().unwrap().to_owned(), given)
}

async fn refresh(system: &TestSystem, token: &Value) -> Answer {
    let order = json!({ "refresh_token": token });
    system.anonymous().post("/api/auth/refresh", order).await
}

/// HTML with the slashes that are escaped in it.
fn shown(html: &str) -> String {
    html.replace("&#x2f;", "/")
}

/// All that a message says.
fn words(letter: &Letter, notice: &Value) -> String {
    format!("{}\n{}\n{}\n{notice}", letter.header("subject"), letter.text, shown(&letter.html))
}

fn of_template<'a>(messages: &'a [Value], template: &str) -> Vec<&'a Value> {
    messages.iter().filter(|message| message["template"] == template).collect()
}

both_engines! {
    with &[ServiceName::Users, ServiceName::Notifications];

    /// A new password is told, whether it was chosen with the one before or with a code: when, and
    /// what to do about it. Nothing secret is in it.
    async fn a_new_password_is_told(system: TestSystem) {
        let (admin, (id, given)) = (system.admin().await, reader(&system, "de-AT", "Europe/Vienna").await);
        let proof = json!({"token": mails(&system, ADA, 1).await[0].code()});
        system.anonymous().post("/api/auth/email/verify", proof).await.expect(200);
        let ada = Person::with_token(&system.url(), given["access_token"].as_str().unwrap());
        ada.put("/api/notifications/preferences", json!({"email": false})).await.expect(200);

        let order = json!({"current": PASSWORD, "new": NEW});
        ada.post("/api/auth/password/change", order).await.expect(204);
        let letters = mails(&system, ADA, 2).await;
        let told = of_subject(&letters, "Ihr Passwort wurde geändert");
        assert_eq!(told.header("list-id"), "<security.localhost>");
        assert!(told.text.starts_with("Guten Tag Ada Lovelace,\n"), "{}", told.text);
        for text in [&told.text, &shown(&told.html)] {
            assert!(text.contains("/api/auth/password/forgot"), "{text}");
            assert!(text.contains("Uhr (Europe/Vienna) geändert. Alle anderen Sitzungen"), "{text}");
            assert!(text.contains("denen, die diesen Dienst betreiben"), "{text}");
        }
        let notice = message(&system, &admin, (&id, "inbox"), "password_changed", "sent").await;
        assert!(notice["text"].as_str().unwrap().contains("Uhr (Europe/Vienna) geändert"), "{notice}");
        let said = words(told, &notice);
        for secret in [PASSWORD, NEW, ADA, "argon2"] {
            assert!(!said.contains(secret), "{secret} in {said}");
        }

        let forgot = json!({"email": ADA});
        system.anonymous().post("/api/auth/password/forgot", forgot).await.expect(202);
        let letters = mails(&system, ADA, 3).await;
        let code = of_subject(&letters, "Wählen Sie ein neues Passwort").code();
        let order = json!({"token": code, "password": NEWEST});
        system.anonymous().post("/api/auth/password/reset", order).await.expect(204);
        let letters = mails(&system, ADA, 4).await;
        let told = letters.last().unwrap();
        assert_eq!(told.header("subject"), "Ihr Passwort wurde geändert");
        assert!(![&code, NEWEST].iter().any(|secret| told.text.contains(*secret)), "{}", told.text);
        let both = async || {
            of_template(&messages(&admin, &id, "inbox").await, "password_changed").len() == 2
        };
        system.eventually("both are in the inbox", both).await;
    }

    /// A wrong password and a code that is not good change nothing, and nothing is told.
    async fn what_was_not_changed_is_not_told(system: TestSystem) {
        let (admin, ada) = (system.admin().await, system.person("ada").await);
        let order = json!({"current": "not the password", "new": NEW});
        ada.post("/api/auth/password/change", order).await.expect(401);
        let order = json!({"token": "nonsense", "password": NEW});
        system.anonymous().post("/api/auth/password/reset", order).await.expect(422);
        // What is said of a person comes in order: whatever came before this would be there.
        let order = json!({"current": PASSWORD, "new": NEW});
        ada.post("/api/auth/password/change", order).await.expect(204);
        message(&system, &admin, (&ada.id, "email"), "password_changed", "sent").await;
        assert_eq!(mails(&system, ADA, 2).await.len(), 2);
    }

    /// A refresh token that comes twice: its owner is told once, without a token, and without a
    /// name while the address is not proven.
    async fn a_copied_login_is_told(system: TestSystem) {
        let (admin, (id, first)) = (system.admin().await, reader(&system, "es", "America/Bogota").await);
        let second = refresh(&system, &first["refresh_token"]).await.expect(200);
        let third = refresh(&system, &second["refresh_token"]).await.expect(200);
        let reused = refresh(&system, &first["refresh_token"]).await;
        reused.expect_problem(401, "refresh_reuse_detected");
        refresh(&system, &first["refresh_token"]).await.expect_problem(401, "token_revoked");

        let letters = mails(&system, ADA, 2).await;
        let told = of_subject(&letters, "Hemos cerrado una de sus sesiones");
        assert_eq!((told.header("to").as_str(), &told.text[..6]), (ADA, "Hola:\n"));
        for text in [&told.text, &shown(&told.html)] {
            assert!(text.contains("(America/Bogota) cerramos la sesión"), "{text}");
            assert!(text.contains("cambie su contraseña"), "{text}");
        }
        let notice = message(&system, &admin, (&id, "inbox"), "session_ended", "sent").await;
        assert!(notice["text"].as_str().unwrap().contains("una copia de su acceso"), "{notice}");
        let said = words(told, &notice);
        for given in [&first, &second, &third] {
            for name in ["access_token", "refresh_token", "session_id"] {
                assert!(!said.contains(given[name].as_str().unwrap()), "{name} in {said}");
            }
        }
        assert!(!said.contains("Lovelace"), "{said}");
        message(&system, &admin, (&id, "email"), "session_ended", "sent").await;
    }

    /// An address that is not proven may be somebody else's: it gets one such mail a day, the
    /// inbox all of them.
    async fn an_address_that_is_not_proven_is_spared(system: TestSystem) {
        let (admin, ada) = (system.admin().await, system.person("ada").await);
        for (current, new) in [(PASSWORD, NEW), (NEW, NEWEST), (NEWEST, PASSWORD)] {
            let order = json!({"current": current, "new": new});
            ada.post("/api/auth/password/change", order).await.expect(204);
        }
        let at_their_end = async |channel: &str, ends: [&str; 3]| {
            let listed = messages(&admin, &ada.id, channel).await;
            let told = of_template(&listed, "password_changed");
            told.iter().rev().map(|it| it["status"].as_str().unwrap()).eq(ends)
        };
        let spared = async || {
            at_their_end("email", ["sent", "suppressed", "suppressed"]).await
                && at_their_end("inbox", ["sent"; 3]).await
        };
        system.eventually("one mail and three notices", spared).await;
        let listed = messages(&admin, &ada.id, "email").await;
        assert_eq!(of_template(&listed, "password_changed")[0]["error_code"], "told_already");
        mails(&system, ADA, 2).await;

        system.advance(Duration::from_secs(86_401)).await;
        let ada = Person::logged_in(&system.url(), ADA, PASSWORD).await;
        let order = json!({"current": PASSWORD, "new": NEW});
        ada.post("/api/auth/password/change", order).await.expect(204);
        mails(&system, ADA, 3).await;
    }

    /// What is heard twice is told once.
    async fn what_is_heard_twice_is_told_once(system: TestSystem) {
        let (admin, ada) = (system.admin().await, system.person("ada").await);
        let data = json!({"user_id": ada.id, "how": "change"});
        let changed = event("users", "user.password_changed", &format!("user/{}", ada.id), &data);
        let first = tell(&system, "users", &[&changed]).await.expect(200);
        assert_eq!(first["results"][0]["result"], "accepted");
        let again = tell(&system, "users", &[&changed]).await.expect(200);
        assert_eq!(again["results"][0]["result"], "duplicate");
        for channel in ["email", "inbox"] {
            message(&system, &admin, (&ada.id, channel), "password_changed", "sent").await;
        }
        mails(&system, ADA, 2).await;
    }
}
