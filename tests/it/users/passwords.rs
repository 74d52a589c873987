//! A new password.

use busbar::types::ServiceName;
use serde_json::json;

use super::{id_of, login, refresh, sign_up, tokens, with};
use crate::support::both_engines;
use crate::support::person::PASSWORD;

const NEW: &str = "another sentence nobody guesses";

both_engines! {
    with &[ServiceName::Users];

    /// A new password ends the other sessions at once; this one goes on, the old password is over.
    async fn a_new_password_ends_the_other_sessions(system: TestSystem) {
        let visitor = system.anonymous();
        sign_up(&system, "ada@example.org").await.expect(201);
        let (one, other) =
            (tokens(&system, "ada@example.org").await, tokens(&system, "ada@example.org").await);
        let change = async |current: &str, new: &str| {
            let order = json!({"current": current, "new": new});
            with(&system, &one).post("/api/auth/password/change", order).await
        };
        let short = change(PASSWORD, "short").await.expect_problem(422, "password_too_short");
        assert_eq!(short["errors"][0]["pointer"], "/new");
        let same = change(PASSWORD, PASSWORD).await.expect_problem(422, "password_unchanged");
        assert_eq!(same["errors"][0]["pointer"], "/new");
        change("not the password", NEW).await.expect_problem(401, "invalid_credentials");
        change(PASSWORD, NEW).await.expect(204);

        let ended = with(&system, &other).get("/api/users/me").await;
        ended.expect_problem(401, "token_revoked");
        refresh(&visitor, &other.refresh).await.expect_problem(401, "token_revoked");
        let left = with(&system, &one).get("/api/auth/sessions").await.expect(200);
        assert_eq!(left["data"].as_array().unwrap().len(), 1);
        refresh(&visitor, &one.refresh).await.expect(200);
        login(&visitor, "ada@example.org", PASSWORD).await.expect(401);
        login(&visitor, "ada@example.org", NEW).await.expect(200);
    }

    /// A code that was asked for before a suspension is good for nothing, also after its end.
    async fn a_suspension_outlives_the_codes_that_were_asked_for(system: TestSystem) {
        let (admin, visitor) = (system.admin().await, system.anonymous());
        let id = id_of(&sign_up(&system, "ada@example.org").await.expect(201));
        let forgot = json!({"email": "ada@example.org"});
        visitor.post("/api/auth/password/forgot", forgot).await.expect(202);
        let mailed = format!("/internal/users/{id}/password-reset");
        let mailer = system.internal_as("notifications", ServiceName::Users);
        let is_asked = async || mailer.get(&mailed).await.status == 200;
        system.eventually("the code is there", is_asked).await;
        let token = mailer.get(&mailed).await.expect(200)["token"].clone();

        for action in ["suspend", "reactivate"] {
            admin.post(&format!("/api/users/{id}/{action}"), json!({})).await.expect(200);
        }
        mailer.get(&mailed).await.expect_problem(404, "password_reset_not_found");
        let order = json!({"token": token, "password": NEW});
        let refused = visitor.post("/api/auth/password/reset", order).await;
        refused.expect_problem(422, "password_reset_invalid");
        tokens(&system, "ada@example.org").await;
    }

    /// A stolen access token is no way to try passwords without end.
    async fn the_current_password_cannot_be_guessed_either(system: TestSystem) {
        let ada = system.person("ada").await;
        let order = json!({"current": "not the password", "new": NEW});
        for _ in 0..6 {
            ada.post("/api/auth/password/change", order.clone()).await.expect(401);
        }
        let stopped = ada.post("/api/auth/password/change", order).await;
        stopped.expect_problem(429, "too_many_attempts");
    }
}
