//! What administrators do, and how the first one comes to be.

use busbar::types::ServiceName;
use serde_json::{Value, json};

use super::{Tokens, id_of, login, mail, refresh, sign_up, tokens, with};
use crate::support::launch::eventually;
use crate::support::person::PASSWORD;
use crate::support::system::ADMIN_EMAIL;
use crate::support::{Engine, TestSystem, both_engines};

both_engines! {
    with &[ServiceName::Users];

    /// A role counts at once, a lost one too; somebody who can name others always remains.
    async fn roles_are_given_and_one_administrator_remains(system: TestSystem) {
        let admin = system.admin().await;
        let me = admin.get("/api/users/me").await.expect(200);
        let own = format!("/api/users/{}", me["id"].as_str().unwrap());
        let customer = json!({"role": "customer"});
        let refused = admin.put(&format!("{own}/roles"), customer.clone()).await;
        refused.expect_problem(409, "last_administrator");
        let refused = admin.post(&format!("{own}/suspend"), json!({})).await;
        refused.expect_problem(409, "last_administrator");

        let id = id_of(&sign_up(&system, "ada@example.org").await.expect(201));
        let given = tokens(&system, "ada@example.org").await;
        let ada = with(&system, &given);
        let path = format!("/api/users/{id}/roles");
        admin.put(&path, json!({"role": "king"})).await.expect_problem(422, "role_invalid");
        let operator = admin.put(&path, json!({"role": "operator"})).await.expect(200);
        assert_eq!((&operator["role"], &operator["version"]), (&json!("operator"), &json!(2)));
        // Tokens that say the role before are over; the session gives one that says this.
        ada.get("/api/users/me").await.expect_problem(401, "token_revoked");
        let next = Tokens::of(refresh(&system.anonymous(), &given.refresh).await);
        assert_eq!(next.session, given.session);
        with(&system, &next).get("/api/users").await.expect(200);
        // The same role once more takes nothing away.
        admin.put(&path, json!({"role": "operator"})).await.expect(200);
        with(&system, &next).get("/api/users").await.expect(200);
        let refused = with(&system, &next).put(&path, json!({"role": "admin"})).await;
        refused.expect_problem(403, "insufficient_scope");

        admin.put(&path, json!({"role": "admin"})).await.expect(200);
        let ada = with(&system, &tokens(&system, "ada@example.org").await);
        // The gateway knows both tokens: neither request has a head start.
        ada.get("/api/users/me").await.expect(200);
        let (one, other) = futures_util::future::join(
            ada.put(&format!("{own}/roles"), customer.clone()),
            admin.put(&path, customer.clone()),
        ).await;
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        // The other one is the last, or its token is over when it is heard.
        assert!(matches!(statuses, [200, 401 | 409]), "{one} {other}");
        let nobody = format!("/api/users/{}/roles", uuid::Uuid::now_v7());
        let winner = if one.status == 200 { &ada } else { &admin };
        winner.put(&nobody, customer.clone()).await.expect_problem(404, "user_not_found");
        // Who was demoted a moment ago cannot undo it with the token of before.
        let loser = if one.status == 200 { &admin } else { &ada };
        loser.put(&nobody, customer).await.expect_problem(401, "token_revoked");
        let back = if one.status == 200 { own } else { path.replace("/roles", "") };
        winner.put(&format!("{back}/roles"), json!({"role": "admin"})).await.expect(200);
    }

    /// Where a proof of the address is required, an administrator without one cannot log in, and
    /// is not the one who remains.
    async fn the_administrator_who_remains_can_log_in(system: TestSystem) {
        system.kill();
        system.launch_with(&[("BUSBAR_USERS_EMAIL_VERIFICATION", "required")]).await;
        let (admin, visitor) = (system.admin().await, system.anonymous());
        let own = format!("/api/users/{}", id_of(&admin.get("/api/users/me").await.expect(200)));
        let id = id_of(&sign_up(&system, "ada@example.org").await.expect(201));
        let path = format!("/api/users/{id}/roles");
        admin.put(&path, json!({"role": "admin"})).await.expect(200);
        login(&visitor, "ada@example.org", PASSWORD).await.expect_problem(403, "email_unverified");

        let roles = format!("{own}/roles");
        let refused = admin.put(&roles, json!({"role": "operator"})).await;
        refused.expect_problem(409, "last_administrator");
        let refused = admin.post(&format!("{own}/suspend"), json!({})).await;
        refused.expect_problem(409, "last_administrator");

        let proof = json!({"token": mail(&system, &id).await.expect(200)["token"]});
        visitor.post("/api/auth/email/verify", proof).await.expect(200);
        let ada = with(&system, &tokens(&system, "ada@example.org").await);
        admin.put(&roles, json!({"role": "operator"})).await.expect(200);
        let refused = ada.post(&format!("/api/users/{id}/suspend"), json!({})).await;
        refused.expect_problem(409, "last_administrator");
    }

    /// Whoever is suspended is out at once, and stays out until let in again.
    async fn a_suspended_user_is_out_at_once(system: TestSystem) {
        let (admin, visitor) = (system.admin().await, system.anonymous());
        let id = id_of(&sign_up(&system, "ada@example.org").await.expect(201));
        let given = tokens(&system, "ada@example.org").await;
        let path = format!("/api/users/{id}");
        let suspended = admin.post(&format!("{path}/suspend"), json!({})).await.expect(200);
        assert_eq!(suspended["status"], "suspended");
        let again = admin.post(&format!("{path}/suspend"), json!({})).await;
        again.expect_problem(409, "user_suspended");

        let out = with(&system, &given).get("/api/users/me").await;
        out.expect_problem(401, "token_revoked");
        refresh(&visitor, &given.refresh).await.expect_problem(401, "token_revoked");
        let out = login(&visitor, "ada@example.org", PASSWORD).await;
        out.expect_problem(403, "account_suspended");
        let wrong = login(&visitor, "ada@example.org", "not the password").await;
        wrong.expect_problem(401, "invalid_credentials");

        let back = admin.post(&format!("{path}/reactivate"), json!({})).await.expect(200);
        assert_eq!(back["status"], "pending_verification");
        let again = admin.post(&format!("{path}/reactivate"), json!({})).await;
        again.expect_problem(409, "user_not_suspended");
        with(&system, &given).get("/api/users/me").await.expect_problem(401, "token_revoked");
        tokens(&system, "ada@example.org").await;
    }

    /// Users are found by address and state, and paged through without gaps.
    async fn users_are_listed(system: TestSystem) {
        for number in 0..5 {
            sign_up(&system, &format!("user{number}@example.org")).await.expect(201);
        }
        let admin = system.admin().await;
        let (mut seen, mut path) = (Vec::new(), "/api/users?limit=2".to_owned());
        loop {
            let page = admin.get(&path).await.expect(200);
            let emails = page["data"].as_array().unwrap().iter();
            seen.extend(emails.map(|user| user["email"].as_str().unwrap().to_owned()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/api/users?limit=2&cursor={cursor}");
        }
        let users = (0..5).rev().map(|number| format!("user{number}@example.org"));
        assert_eq!(seen, users.chain([ADMIN_EMAIL.to_owned()]).collect::<Vec<_>>());

        let one = admin.get("/api/users?email=USER3@example.org").await.expect(200);
        assert_eq!(one["data"].as_array().unwrap().len(), 1);
        assert_eq!(one["data"][0]["email"], "user3@example.org");
        let active = admin.get("/api/users?status=active").await.expect(200);
        assert_eq!(active["data"].as_array().unwrap().len(), 1);
        admin.get("/api/users?role=admin").await.expect_problem(422, "unknown_field");
    }

    /// The first administrator stays the same over restarts.
    async fn there_is_one_first_administrator(system: TestSystem) {
        let first = system.admin().await.get("/api/users/me").await.expect(200);
        assert_eq!((&first["role"], &first["status"]), (&json!("admin"), &json!("active")));
        system.kill();
        let other = [("BUSBAR_ADMIN_EMAIL", "other@example.org")];
        system.launch_with(&other).await;
        let admin = system.admin().await;
        assert_eq!(admin.get("/api/users/me").await.expect(200), first);
        let found = admin.get("/api/users?email=other@example.org").await.expect(200);
        assert_eq!(found["data"], Value::Array(vec![]));
    }
}

/// Without a password in the settings one is made up and printed, once; it lets the administrator
/// in.
#[actix_web::test]
async fn a_made_up_password_is_shown_once() {
    let system = TestSystem::start_with(
        Engine::Sqlite,
        &[("BUSBAR_ADMIN_EMAIL", ""), ("BUSBAR_ADMIN_PASSWORD", "")],
    )
    .await;
    let intro = system.wait_for_log("one-time password").await;
    assert!(intro.contains("admin@localhost"), "{intro}");
    let is_password = |line: &String| {
        line.starts_with("    ") && line.trim().len() == 29 && line.matches('-').count() == 4
    };
    let mut password = None;
    eventually("the password is printed", async || {
        password = system.log().iter().find(|line| is_password(line)).cloned();
        password.is_some()
    })
    .await;
    let password = password.unwrap();
    let given = Tokens::of(login(&system.anonymous(), "admin@localhost", password.trim()).await);
    let me = with(&system, &given).get("/api/users/me").await.expect(200);
    assert_eq!(me["role"], "admin");

    system.kill();
    system.launch_with(&[("BUSBAR_ADMIN_PASSWORD", "")]).await;
    assert!(!system.log().iter().any(|line| line.contains("one-time password")));
    system.kill();
}
