//! Providers: their states, who may move them, who sees them.

use busbar::types::UserId;
use serde_json::json;

use super::office::{Office, id_of, on_both, provider};

on_both! {
    /// Who made a provider does not approve it; each move is told.
    async fn a_provider_is_approved_by_somebody_else(office: Office) {
        let (maker, checker) = (office.staff(), office.staff());
        let mut order = provider();
        order.as_object_mut().unwrap().remove("status");
        let drafted = maker.post("/providers", order).await.expect(201);
        assert_eq!((&drafted["status"], &drafted["exactness"]), (&json!("draft"), &json!("exact_down")));
        let path = format!("/providers/{}", id_of(&drafted));
        let step = |name: &str| format!("{path}/{name}");

        let early = checker.post(&step("approve"), json!({})).await;
        let early = early.expect_problem(409, "invalid_state");
        assert_eq!((&early["current"], &early["allowed"]), (&json!("draft"), &json!(["pending_review", "retired"])));
        maker.post(&step("submit"), json!({})).await.expect(200);
        maker.post(&step("approve"), json!({})).await.expect_problem(409, "maker_is_checker");
        let active = checker.post(&step("approve"), json!({})).await.expect(200);
        assert_eq!((&active["status"], &active["version"]), (&json!("active"), &json!(3)));
        assert_eq!(maker.post(&step("pause"), json!({})).await.expect(200)["status"], "paused");
        maker.post(&step("pause"), json!({})).await.expect_problem(409, "invalid_state");
        assert_eq!(maker.post(&step("resume"), json!({})).await.expect(200)["status"], "active");
        assert_eq!(maker.post(&step("retire"), json!({})).await.expect(200)["status"], "retired");
        for name in ["submit", "approve", "pause", "resume", "retire"] {
            checker.post(&step(name), json!({})).await.expect_problem(409, "invalid_state");
        }

        let told = office.said("provider.status_changed").await;
        let moves: Vec<_> = told.iter().map(|data| (&data["from"], &data["to"])).collect();
        let expected = [("draft", "pending_review"), ("pending_review", "active"),
            ("active", "paused"), ("paused", "active"), ("active", "retired")];
        assert_eq!(moves.len(), expected.len());
        for (moved, (from, to)) in moves.iter().zip(expected) {
            assert_eq!(*moved, (&json!(from), &json!(to)));
        }
        assert!(told.iter().all(|data| data["provider_id"] == drafted["id"]));
    }

    /// Nor does who changed or submitted it; and who checks says what they have seen.
    async fn whoever_worked_at_a_provider_does_not_approve_it(office: Office) {
        let (maker, second, checker) = (office.staff(), office.staff(), office.staff());
        let mut order = provider();
        order.as_object_mut().unwrap().remove("status");
        let drafted = maker.post("/providers", order).await.expect(201);
        let path = format!("/providers/{}", id_of(&drafted));
        second.patch(&path, json!({"name": "Other Power"})).await.expect(200);
        second.post(&format!("{path}/submit"), json!({})).await.expect(200);
        let approve = format!("{path}/approve");
        for person in [&maker, &second] {
            person.post(&approve, json!({})).await.expect_problem(409, "maker_is_checker");
        }
        let seen = format!("\"v{}\"", checker.get(&path).await.expect(200)["version"]);
        maker.patch(&path, json!({"currency": "JPY"})).await.expect(200);
        let late = checker.header("if-match", &seen).post(&approve, json!({})).await;
        late.expect_problem(412, "version_mismatch");
        assert_eq!(checker.post(&approve, json!({})).await.expect(200)["status"], "active");
    }

    /// An installation with one administrator is usable: an active provider in one request.
    async fn an_administrator_begins_with_an_active_provider(office: Office) {
        let made = office.admin().post("/utilities", provider()).await.expect(201);
        assert_eq!(made["status"], "active");
        let told = office.said("provider.status_changed").await;
        assert_eq!((&told[0]["from"], &told[0]["to"]), (&json!(null), &json!("active")));
        let staff = office.staff().post("/providers", provider()).await;
        staff.expect_problem(403, "insufficient_scope");
        let person = office.customer().post("/providers", provider()).await;
        person.expect_problem(403, "insufficient_scope");
    }

    /// Everybody sees who supplies, signed in or not; what is not active yet, or not any more, is for
    /// staff.
    async fn drafts_are_for_staff(office: Office) {
        let (admin, person) = (office.admin(), office.customer());
        let nobody = crate::support::Person::anonymous(&admin.base);
        let active = id_of(&admin.post("/providers", provider()).await.expect(201));
        let mut order = provider();
        order["status"] = json!("draft");
        order["kind"] = json!("water");
        let draft = id_of(&admin.post("/providers", order).await.expect(201));

        for name in ["providers", "utilities"] {
            let path = |id: &str| format!("/{name}/{id}");
            for person in [&person, &nobody] {
                assert_eq!(person.get(&path(&active)).await.expect(200)["id"], json!(active));
                person.get(&path(&draft)).await.expect_problem(404, "provider_not_found");
                let seen = person.get(&format!("/{name}")).await.expect(200);
                assert_eq!(seen["data"].as_array().unwrap().len(), 1);
            }
            assert_eq!(admin.get(&path(&draft)).await.expect(200)["id"], json!(draft));
            let all = admin.get(&format!("/{name}?limit=1")).await.expect(200);
            assert_eq!((&all["data"][0]["id"], &all["has_more"]), (&json!(draft), &json!(true)));
            let cursor = all["next_cursor"].as_str().unwrap();
            let rest = admin.get(&format!("/{name}?cursor={cursor}")).await.expect(200);
            assert_eq!(rest["data"][0]["id"], json!(active));
        }
        let water = admin.get("/providers?kind=water").await.expect(200);
        assert_eq!(water["data"][0]["id"], json!(draft));
        for step in ["submit", "approve", "pause", "resume", "retire"] {
            let known = person.post(&format!("/providers/{active}/{step}"), json!({})).await;
            known.expect_problem(403, "insufficient_scope");
            let hidden = person.post(&format!("/providers/{draft}/{step}"), json!({})).await;
            hidden.expect_problem(404, "provider_not_found");
        }
        nobody.post("/providers", provider()).await.expect_problem(401, "unauthenticated");
        assert_eq!(person.get(&format!("/internal/providers/{active}")).await.status, 401);
    }

    /// Other services see a provider in any state; a plain word is nobody's name here.
    async fn other_services_look_providers_up(office: Office) {
        let mut order = provider();
        order["status"] = json!("draft");
        let draft = office.admin().post("/providers", order).await.expect(201);
        let path = format!("/internal/providers/{}", id_of(&draft));
        let seen = office.billing().get(&path).await.expect(200);
        for member in ["id", "name", "kind", "currency", "timezone", "status", "exactness"] {
            assert_eq!(seen[member], draft[member], "{member}");
        }
        for unknown in ["river-power".to_owned(), UserId::new().to_string()] {
            let unknown = office.billing().get(&format!("/internal/providers/{unknown}")).await;
            unknown.expect_problem(404, "provider_not_found");
        }
    }

    /// Changes are of the version that was seen; once it is active, its business stays.
    async fn a_change_is_of_what_was_seen(office: Office) {
        let admin = office.admin();
        let made = admin.post("/providers", provider()).await.expect(201);
        let path = format!("/providers/{}", id_of(&made));
        let changed = admin.header("if-match", "\"v1\"").patch(&path, json!({"name": "Plains"})).await;
        assert_eq!(changed.header("etag"), "\"v2\"");
        assert_eq!(changed.expect(200)["name"], "Plains");
        let stale = admin.header("if-match", "\"v1\"").patch(&path, json!({"name": "x"})).await;
        stale.expect_problem(412, "version_mismatch");
        let stale = admin.patch(&path, json!({"name": "x", "version": 1})).await;
        stale.expect_problem(412, "version_mismatch");
        for change in [json!({"currency": "EUR"}), json!({"timezone": "UTC"}), json!({"kind": "gas"})] {
            admin.patch(&path, change).await.expect_problem(409, "provider_in_use");
        }
        admin.patch(&path, json!({"currency": "USD", "exactness": "exact"})).await.expect(200);
        admin.patch(&path, json!({"status": "retired"})).await.expect_problem(422, "unknown_field");
        admin.post(&format!("{path}/retire"), json!({})).await.expect(200);
        admin.patch(&path, json!({"name": "x"})).await.expect_problem(409, "invalid_state");
    }

    /// Every wrong field is named by its code and its place, and nothing is made.
    async fn a_wrong_provider_is_refused(office: Office) {
        let admin = office.admin();
        for (member, value, code) in [
            ("timezone", json!("Mars/Olympus"), "timezone_invalid"),
            ("currency", json!("usd"), "currency_invalid"),
            ("kind", json!("heat"), "kind_unknown"),
            ("name", json!(" "), "name_invalid"),
            ("exactness", json!("any"), "exactness_unknown"),
            ("status", json!("paused"), "status_not_first"),
            ("id", json!("x"), "unknown_field"),
        ] {
            let mut order = provider();
            order[member] = value;
            let problem = admin.post("/providers", order).await.expect_problem(422, code);
            assert_eq!(problem["errors"][0]["pointer"], format!("/{member}"));
        }
        assert_eq!(admin.get("/providers").await.expect(200)["data"], json!([]));
    }

    /// A repeated request makes one provider.
    async fn a_key_makes_a_provider_once(office: Office) {
        let admin = office.admin().keyed("p-1");
        let first = admin.post("/providers", provider()).await.expect(201);
        let again = admin.post("/providers", provider()).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.expect(201), first);
        let mut other = provider();
        other["name"] = json!("Other");
        admin.post("/providers", other).await.expect_problem(422, "idempotency_key_reused");
        assert_eq!(admin.get("/providers").await.expect(200)["data"].as_array().unwrap().len(), 1);
    }
}
