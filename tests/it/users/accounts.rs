//! Signing up, proving an address, seeing and changing a profile.

use busbar::types::ServiceName;
use busbar_http::caller::{AUDIENCE_API, ISSUER};
use busbar_http::token::{KeySet, VerifyingKeys};
use serde_json::{Value, json};

use super::{Tokens, id_of, login, mail, refresh, sign_up, staff, tokens, with};
use crate::support::person::PASSWORD;
use crate::support::{Person, both_engines};

both_engines! {
    with &[ServiceName::Users];

    /// Somebody signs up, logs in and sees themselves; nothing secret is in any answer, and the
    /// token is good by the published keys.
    async fn somebody_signs_up_and_logs_in(system: TestSystem) {
        let made = sign_up(&system, "Ada@Example.org").await;
        assert_eq!(made.header("etag"), "\"v1\"");
        assert!(!made.text().contains("argon2") && !made.text().contains("password"));
        let made = made.expect(201);
        assert_eq!((&made["email"], &made["role"]), (&json!("Ada@example.org"), &json!("customer")));
        assert_eq!((&made["status"], &made["version"]), (&json!("pending_verification"), &json!(1)));

        let given = login(&system.anonymous(), "ada@example.org", PASSWORD).await;
        assert_eq!(given.header("cache-control"), "private, no-store");
        let given = given.expect(200);
        assert_eq!((&given["token_type"], &given["expires_in"]), (&json!("Bearer"), &json!(600)));
        let token = given["access_token"].as_str().unwrap();

        let me = Person::with_token(&system.url(), token).get("/api/users/me").await;
        assert!(!me.text().contains("argon2") && !me.text().contains("password"));
        assert_eq!(me.expect(200), made);

        let jwks = system.anonymous().get("/.well-known/jwks.json").await;
        assert_eq!(jwks.header("cache-control"), "public, max-age=300");
        let keys: KeySet = serde_json::from_value(jwks.expect(200)).unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let claims: Value = VerifyingKeys::from(&keys)
            .verify(token, ISSUER, AUDIENCE_API, i64::try_from(now.as_secs()).unwrap())
            .unwrap();
        assert_eq!((&claims["sub"], &claims["sid"]), (&made["id"], &given["session_id"]));
    }

    /// What cannot be an account is refused with the field that is wrong.
    async fn what_is_wrong_with_a_sign_up_is_told(system: TestSystem) {
        sign_up(&system, "ada@example.org").await.expect(201);
        for (order, status, code, pointer) in [
            (json!({"email": "ada@example.org", "password": PASSWORD}), 409, "email_taken", "/email"),
            (json!({"email": "ADA@example.ORG", "password": PASSWORD}), 409, "email_taken", "/email"),
            (json!({"email": "b@example.org", "password": "12345"}), 422, "password_too_short", "/password"),
            (json!({"email": "b@example.org", "password": "passwordpassword"}), 422, "password_blocklisted", "/password"),
            (json!({"email": "b@example.org", "password": "x".repeat(257)}), 422, "password_too_long", "/password"),
            (json!({"email": "b.example.org", "password": PASSWORD}), 422, "email_invalid", "/email"),
            (json!({"email": "b@example.org"}), 422, "field_required", ""),
            (json!({"email": "b@example.org", "password": PASSWORD, "phone": "1"}), 422, "phone_invalid", "/phone"),
            (json!({"email": "b@example.org", "password": PASSWORD, "locale": "_"}), 422, "locale_invalid", "/locale"),
            (json!({"email": "b@example.org", "password": PASSWORD, "timezone": ""}), 422, "timezone_invalid", "/timezone"),
            (json!({"email": "b@example.org", "password": PASSWORD, "name": "a\u{202e}b"}), 422, "name_invalid", "/name"),
        ] {
            let refused = system.anonymous().post("/api/users", order).await;
            let refused = refused.expect_problem(status, code);
            assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
        }
    }

    /// An address has one account, however many sign up at one moment.
    async fn an_address_has_one_account(system: TestSystem) {
        let all = (0..10).map(|_| sign_up(&system, "ada@example.org"));
        let answers = futures_util::future::join_all(all).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [[201].as_slice(), &[409; 9]].concat());
    }

    /// Nobody gives themselves a role, a state or an id: fields that are not for them are refused.
    async fn nobody_assigns_what_is_not_theirs(system: TestSystem) {
        let ada = system.person("ada").await;
        for field in ["role", "status", "id", "password_hash", "verified_at", "version"] {
            let mut order = json!({"email": "b@example.org", "password": PASSWORD});
            order[field] = json!("admin");
            let refused = system.anonymous().post("/api/users", order).await;
            let refused = refused.expect_problem(422, "unknown_field");
            assert_eq!(refused["errors"][0]["pointer"], format!("/{field}"));

            let path = format!("/api/users/{}", ada.id);
            let order = json!({"name": "Ada", field: "admin"});
            ada.patch(&path, order.clone()).await.expect_problem(422, "unknown_field");
            ada.put(&path, order).await.expect_problem(422, "unknown_field");
        }
        let found = system.admin().await.get("/api/users?email=b@example.org").await.expect(200);
        assert_eq!(found["data"], json!([]));
    }

    /// Where a proof of the address is required, a login waits for it, and only a right password
    /// learns so. The token works, also when the link is followed twice.
    async fn a_required_proof_keeps_the_door_shut(system: TestSystem) {
        system.kill();
        system.launch_with(&[("BUSBAR_USERS_EMAIL_VERIFICATION", "required")]).await;
        let id = id_of(&sign_up(&system, "ada@example.org").await.expect(201));
        let visitor = system.anonymous();
        login(&visitor, "ada@example.org", PASSWORD).await.expect_problem(403, "email_unverified");
        let wrong = login(&visitor, "ada@example.org", "not the password").await;
        wrong.expect_problem(401, "invalid_credentials");

        let path = format!("/internal/users/{id}/verification");
        let other = system.internal_as("billing", ServiceName::Users).get(&path).await;
        other.expect_problem(403, "insufficient_scope");
        let mailed = mail(&system, &id).await.expect(200);
        assert_eq!(mailed["email"], "ada@example.org");
        let proof = json!({"token": mailed["token"]});
        let forged = json!({"token": mailed["token"].as_str().unwrap().replace('A', "B") + "x"});
        let refused = visitor.post("/api/auth/email/verify", forged).await;
        refused.expect_problem(422, "verification_invalid");
        for _ in 0..2 {
            let verified = visitor.post("/api/auth/email/verify", proof.clone()).await.expect(200);
            assert_eq!(verified["status"], "active");
        }
        mail(&system, &id).await.expect_problem(404, "verification_not_found");
        login(&visitor, "ada@example.org", PASSWORD).await.expect(200);
    }

    /// Whoever asks for another mail learns nothing of who has an account. The last mail counts,
    /// for a day.
    async fn another_mail_can_be_asked_for(system: TestSystem) {
        let id = id_of(&sign_up(&system, "ada@example.org").await.expect(201));
        let first = mail(&system, &id).await.expect(200);
        let visitor = system.anonymous();
        let mut answers = Vec::new();
        for email in ["ada@example.org", "nobody@example.org", "ada@example.org"] {
            let asked = visitor.post("/api/auth/email/resend", json!({"email": email})).await;
            answers.push(asked.expect(202));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        let second = mail(&system, &id).await.expect(200);
        assert_ne!(first["token"], second["token"]);
        let verify = async |token: &Value| {
            visitor.post("/api/auth/email/verify", json!({ "token": token })).await
        };
        verify(&first["token"]).await.expect_problem(422, "verification_invalid");
        system.advance(std::time::Duration::from_secs(86_400)).await;
        verify(&second["token"]).await.expect_problem(422, "verification_invalid");
        visitor.post("/api/auth/email/resend", json!({"email": "ada@example.org"})).await.expect(202);
        let third = mail(&system, &id).await.expect(200);
        for _ in 0..2 {
            verify(&third["token"]).await.expect(200);
        }
        // A link that has worked tells of its account no longer than any other is good.
        system.advance(std::time::Duration::from_secs(86_400)).await;
        verify(&third["token"]).await.expect_problem(422, "verification_invalid");
    }

    /// Somebody else's account is as if it were not there, whatever is done to it; staff see all.
    async fn a_stranger_finds_nobody(system: TestSystem) {
        let (ada, eve) = (system.person("ada").await, system.person("eve").await);
        let admin = system.admin().await;
        let path = format!("/api/users/{}", ada.id);
        eve.get(&path).await.expect_problem(404, "user_not_found");
        eve.put(&path, json!({})).await.expect_problem(404, "user_not_found");
        eve.patch(&path, json!({"name": "Eve"})).await.expect_problem(404, "user_not_found");
        eve.get("/api/users").await.expect_problem(403, "insufficient_scope");
        for action in ["suspend", "reactivate", "unlock"] {
            let refused = eve.post(&format!("{path}/{action}"), json!({})).await;
            refused.expect_problem(403, "insufficient_scope");
        }
        let refused = eve.put(&format!("{path}/roles"), json!({"role": "admin"})).await;
        refused.expect_problem(403, "insufficient_scope");
        let anonymous = system.anonymous().get(&path).await;
        assert!(anonymous.header("www-authenticate").starts_with("Bearer"), "{anonymous}");
        anonymous.expect_problem(401, "unauthenticated");

        assert_eq!(ada.get(&path).await.expect(200)["name"], "ada");
        assert_eq!(admin.get(&path).await.expect(200)["email"], "ada@example.org");
        admin.get("/api/users/not-an-id").await.expect(404);
    }

    /// Operators change the profiles of customers and their own, not those of other staff.
    async fn operators_change_the_profiles_of_customers(system: TestSystem) {
        let (ada, admin) = (system.person("ada").await, system.admin().await);
        let olga = staff(&system, "olga", "operator").await;
        let other = staff(&system, "oscar", "operator").await;
        let boss = id_of(&admin.get("/api/users/me").await.expect(200));
        let name = json!({"name": "Somebody"});
        for id in [&ada.id, &olga.id] {
            let changed = olga.patch(&format!("/api/users/{id}"), name.clone()).await.expect(200);
            assert_eq!(changed["name"], "Somebody");
        }
        for id in [&other.id, &boss] {
            let path = format!("/api/users/{id}");
            for version in ["*", "\"v1\""] {
                let olga = olga.header("if-match", version);
                let refused = olga.patch(&path, name.clone()).await;
                refused.expect_problem(403, "insufficient_scope");
                let refused = olga.put(&path, name.clone()).await;
                refused.expect_problem(403, "insufficient_scope");
            }
            assert_ne!(olga.get(&path).await.expect(200)["name"], "Somebody");
            admin.patch(&path, name.clone()).await.expect(200);
        }
    }

    /// A profile is replaced or changed, and not when somebody else was faster.
    async fn a_profile_is_changed_by_version(system: TestSystem) {
        let ada = system.person("ada").await;
        let path = format!("/api/users/{}", ada.id);
        let phone = json!({"phone": "+1 202 555 0123", "timezone": "America/Chicago"});
        let changed = ada.header("if-match", "\"v1\"").patch(&path, phone).await;
        assert_eq!(changed.header("etag"), "\"v2\"");
        let changed = changed.expect(200);
        assert_eq!((&changed["name"], &changed["phone"]), (&json!("ada"), &json!("+12025550123")));
        let stale = ada.header("if-match", "\"v1\"").patch(&path, json!({"name": "A"})).await;
        assert_eq!(stale.expect_problem(412, "version_mismatch")["current_version"], 2);

        let emptied = ada.patch(&path, json!({"phone": null})).await.expect(200);
        assert_eq!((&emptied["phone"], &emptied["version"]), (&Value::Null, &json!(3)));
        let replaced = ada.put(&path, json!({"locale": "en-GB"})).await.expect(200);
        assert_eq!((&replaced["name"], &replaced["locale"]), (&Value::Null, &json!("en-GB")));
        assert_eq!(replaced["timezone"], "UTC");
        assert_eq!(ada.get("/api/users/me").await.expect(200), replaced);
    }

    /// No password, token or address is in what the program prints.
    async fn nothing_secret_is_logged(system: TestSystem) {
        sign_up(&system, "ada@example.org").await.expect(201);
        let given = tokens(&system, "ada@example.org").await;
        let wrong = login(&system.anonymous(), "ada@example.org", "not-the-password").await;
        wrong.expect(401);
        let next = Tokens::of(refresh(&system.anonymous(), &given.refresh).await);
        with(&system, &next).get("/api/users/me").await.expect(200);
        system.anonymous().get("/api/users?email=ada@example.org").await.expect(401);
        let log = system.log().join("\n");
        for secret in [
            PASSWORD, "not-the-password", "ada@example.org", &given.access, &given.refresh,
            &next.access, &next.refresh, "argon2id",
        ] {
            assert!(!log.contains(secret), "{secret} is in the log");
        }
    }
}
