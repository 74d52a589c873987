//! Sessions and their tokens: what is given once, what is given again, and what ends it all.

use busbar::types::ServiceName;
use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use super::{Tokens, login, refresh, sign_up, tokens, with};
use crate::support::both_engines;
use crate::support::person::PASSWORD;

both_engines! {
    with &[ServiceName::Users];

    /// A refresh token is exchanged once; a moment later for the same again; then whoever shows it
    /// ends the session for all.
    async fn a_refresh_token_that_comes_twice_ends_its_session(system: TestSystem) {
        let visitor = system.anonymous();
        sign_up(&system, "ada@example.org").await.expect(201);
        let first = tokens(&system, "ada@example.org").await;
        let other = tokens(&system, "ada@example.org").await;

        let second = Tokens::of(refresh(&visitor, &first.refresh).await);
        assert_eq!(second.session, first.session);
        assert_ne!(second.refresh, first.refresh);
        let again = Tokens::of(refresh(&visitor, &first.refresh).await);
        assert_eq!(again.refresh, second.refresh);
        let third = Tokens::of(refresh(&visitor, &second.refresh).await);
        with(&system, &third).get("/api/users/me").await.expect(200);

        let reused = refresh(&visitor, &first.refresh).await;
        reused.expect_problem(401, "refresh_reuse_detected");
        refresh(&visitor, &third.refresh).await.expect_problem(401, "token_revoked");
        for dead in [&first, &second, &third] {
            let refused = with(&system, dead).get("/api/users/me").await;
            refused.expect_problem(401, "token_revoked");
        }
        with(&system, &other).get("/api/users/me").await.expect(200);
    }

    /// After the moment of grace, and for another client, the token before is a copy.
    async fn grace_is_short_and_for_the_same_client(system: TestSystem) {
        let visitor = system.anonymous();
        sign_up(&system, "ada@example.org").await.expect(201);

        let late = tokens(&system, "ada@example.org").await;
        refresh(&visitor, &late.refresh).await.expect(200);
        system.advance(Duration::from_secs(20)).await;
        let refused = refresh(&visitor, &late.refresh).await;
        refused.expect_problem(401, "refresh_reuse_detected");

        let copied = tokens(&system, "ada@example.org").await;
        refresh(&visitor, &copied.refresh).await.expect(200);
        let thief = visitor.header("user-agent", "another client");
        let refused = refresh(&thief, &copied.refresh).await;
        refused.expect_problem(401, "refresh_reuse_detected");

        for forged in ["", "x", &copied.refresh[1..], &copied.refresh.replace('A', "B")] {
            let refused = refresh(&visitor, forged).await;
            assert!(matches!(refused.code(), "refresh_token_invalid" | "token_revoked"), "{refused}");
        }
    }

    /// Fifty tabs refresh at one moment: one successor, and the session lives.
    async fn many_refreshes_at_one_moment_have_one_successor(system: TestSystem) {
        let visitor = system.anonymous();
        sign_up(&system, "ada@example.org").await.expect(201);
        let first = tokens(&system, "ada@example.org").await;
        let answers = join_all((0..50).map(|_| refresh(&visitor, &first.refresh))).await;
        let all: Vec<Tokens> = answers.into_iter().map(Tokens::of).collect();
        assert!(all.iter().all(|tokens| tokens.refresh == all[0].refresh));
        with(&system, &all[0]).get("/api/users/me").await.expect(200);
        refresh(&visitor, &all[0].refresh).await.expect(200);
    }

    /// However a refresh and a logout meet, no token works afterwards.
    async fn no_token_survives_a_logout_that_it_met(system: TestSystem) {
        let visitor = system.anonymous();
        sign_up(&system, "ada@example.org").await.expect(201);
        for _ in 0..10 {
            let given = tokens(&system, "ada@example.org").await;
            let person = with(&system, &given);
            let logout = person.post("/api/auth/logout", Value::Null);
            let (logout, refreshed) = join(logout, refresh(&visitor, &given.refresh)).await;
            assert_eq!(logout.status, 204, "{logout}");
            if refreshed.status == 200 {
                let next = Tokens::of(refreshed);
                let refused = with(&system, &next).get("/api/users/me").await;
                refused.expect_problem(401, "token_revoked");
                refresh(&visitor, &next.refresh).await.expect_problem(401, "token_revoked");
            } else {
                refreshed.expect_problem(401, "token_revoked");
            }
            person.get("/api/users/me").await.expect_problem(401, "token_revoked");
        }
    }

    /// A session that is not used ends after a week, one that is used after thirty days; an access
    /// token after ten minutes.
    async fn sessions_end_by_themselves(system: TestSystem) {
        let visitor = system.anonymous();
        sign_up(&system, "ada@example.org").await.expect(201);
        let day = Duration::from_secs(86_400);

        let given = tokens(&system, "ada@example.org").await;
        system.advance(Duration::from_secs(600)).await;
        let expired = with(&system, &given).get("/api/users/me").await;
        assert!(expired.header("www-authenticate").contains("invalid_token"), "{expired}");
        expired.expect_problem(401, "token_expired");
        system.advance(7 * day).await;
        let expired = refresh(&visitor, &given.refresh).await;
        expired.expect_problem(401, "refresh_token_expired");

        let mut used = tokens(&system, "ada@example.org").await;
        for _ in 0..4 {
            system.advance(6 * day).await;
            used = Tokens::of(refresh(&visitor, &used.refresh).await);
        }
        system.advance(6 * day).await;
        let expired = refresh(&visitor, &used.refresh).await;
        expired.expect_problem(401, "refresh_token_expired");
    }

    /// One sees one's sessions by name, ends one or all others; those of somebody else are not
    /// there.
    async fn sessions_are_listed_and_ended(system: TestSystem) {
        sign_up(&system, "ada@example.org").await.expect(201);
        let eve = system.person("eve").await;
        let mut all = Vec::new();
        for name in ["phone", "laptop", "library"] {
            let order = json!({
                "email": "ada@example.org", "password": PASSWORD, "device_name": name
            });
            all.push(Tokens::of(system.anonymous().post("/api/auth/login", order).await));
        }
        let (phone, laptop) = (with(&system, &all[0]), with(&system, &all[1]));

        let listed = phone.get("/api/auth/sessions").await.expect(200);
        let names: Vec<&Value> =
            listed["data"].as_array().unwrap().iter().map(|it| &it["device_name"]).collect();
        assert_eq!(names, ["library", "laptop", "phone"]);
        assert_eq!(listed["data"][2]["is_current"], true);
        assert_eq!(listed["data"][1]["is_current"], false);
        let page = phone.get("/api/auth/sessions?limit=2").await.expect(200);
        assert_eq!(page["has_more"], true);
        let rest = format!("/api/auth/sessions?cursor={}", page["next_cursor"].as_str().unwrap());
        assert_eq!(phone.get(&rest).await.expect(200)["data"][0]["device_name"], "phone");

        let library = format!("/api/auth/sessions/{}", all[2].session);
        eve.delete(&library).await.expect_problem(404, "session_not_found");
        phone.delete(&library).await.expect(204);
        phone.delete(&library).await.expect_problem(404, "session_not_found");
        let ended = with(&system, &all[2]).get("/api/users/me").await;
        ended.expect_problem(401, "token_revoked");

        phone.delete("/api/auth/sessions?except=current").await.expect(204);
        laptop.get("/api/users/me").await.expect_problem(401, "token_revoked");
        phone.get("/api/users/me").await.expect(200);
        phone.delete("/api/auth/sessions?except=all").await.expect(422);
        phone.delete("/api/auth/sessions").await.expect(204);
        phone.get("/api/users/me").await.expect_problem(401, "token_revoked");
        eve.get("/api/users/me").await.expect(200);
        login(&system.anonymous(), "ada@example.org", PASSWORD).await.expect(200);
    }
}
