//! Drafts and who sees what.

use serde_json::json;

use super::office::{Office, draft, on_both};

on_both! {
    /// The body of the story is a draft; issued, it is owed.
    async fn a_draft_becomes_a_bill(office: Office) {
        let (staff, alice) = (office.staff(), office.customer());
        let body = json!({
            "user_id": alice.id, "provider_id": "acme", "currency": "USD",
            "due_on": "2099-12-31", "period": {"start": "2026-11-01", "end": "2026-12-01"},
            "lines": [{"kind": "fixed", "description": "Electricity", "amount_minor": 4496}]});
        let answer = staff.post("/bills", body).await;
        assert_eq!(answer.header("etag"), "\"v1\"");
        let bill = answer.expect(201);
        assert_eq!((&bill["status"], &bill["number"]), (&json!("draft"), &json!(null)));
        assert_eq!(bill["available_actions"], json!(["edit", "delete", "issue"]));
        let path = format!("/bills/{}", bill["id"].as_str().unwrap());
        alice.get(&path).await.expect_problem(404, "bill_not_found");

        let issue = format!("{path}/issue");
        staff.post(&issue, json!({})).await.expect_problem(400, "idempotency_key_required");
        let issued = staff.keyed("i").post(&issue, json!({})).await.expect(200);
        assert_eq!(issued["status"], "issued");
        assert!(issued["number"].as_str().unwrap().starts_with("ACME-"), "{issued}");
        assert_eq!((&issued["total_minor"], &issued["balance_minor"]), (&json!(4496), &json!(4496)));
        let again = staff.keyed("i").post(&issue, json!({})).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.expect(200), issued);
        let refused = staff.keyed("j").post(&issue, json!({})).await;
        let refused = refused.expect_problem(409, "invalid_state");
        assert_eq!(refused["current"], "issued");

        let seen = alice.get(&path).await;
        assert_eq!(seen.header("etag"), "\"v2\"");
        let seen = seen.expect(200);
        assert_eq!(seen["lines"][0]["amount_minor"], 4496);
        assert_eq!(seen["available_actions"], json!(["pay"]));
        assert_eq!(office.balance(&alice).await, (4496, 0, 0));
    }

    /// A repeated draft with a key is the same draft; without a key it is another one.
    async fn a_key_makes_a_draft_repeatable(office: Office) {
        let (staff, alice) = (office.staff(), office.customer());
        let first = staff.keyed("k").post("/bills", draft(&alice.id, 5)).await.expect(201);
        let again = staff.keyed("k").post("/bills", draft(&alice.id, 5)).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.expect(201)["id"], first["id"]);
        let other = staff.keyed("k").post("/bills", draft(&alice.id, 6)).await;
        other.expect_problem(422, "idempotency_key_reused");
        let unkeyed = staff.post("/bills", draft(&alice.id, 5)).await.expect(201);
        assert_ne!(unkeyed["id"], first["id"]);
    }

    /// Only the version that the client has seen is changed, and nothing after the issue.
    async fn a_draft_is_changed_as_it_was_seen(office: Office) {
        let (staff, alice) = (office.staff(), office.customer());
        let id = office.drafted(&staff, draft(&alice.id, 100)).await;
        let path = format!("/bills/{id}");
        let lines = json!({"lines": [
            {"kind": "energy", "description": "kWh", "quantity": "355", "unit": "kWh",
             "rate": "0.123", "amount_minor": 4367, "tax_code": "CITY", "tax_minor": 328},
            {"kind": "discount", "description": "Loyalty", "amount_minor": -367}]});
        let changed = staff.header("if-match", "\"v1\"").patch(&path, lines.clone()).await;
        assert_eq!(changed.header("etag"), "\"v2\"");
        let changed = changed.expect(200);
        let totals = ["subtotal_minor", "tax_minor", "total_minor"].map(|name| &changed[name]);
        assert_eq!(totals, [&json!(4000), &json!(328), &json!(4328)]);
        assert_eq!(changed["lines"][0]["rate"], "0.123");

        let stale = staff.header("if-match", "\"v1\"").patch(&path, lines.clone()).await;
        assert_eq!(stale.expect_problem(412, "version_mismatch")["current_version"], 2);
        let stale = staff.patch(&path, json!({"version": 1, "due_on": "2099-01-01"})).await;
        stale.expect_problem(412, "version_mismatch");
        let stale = staff.header("if-match", "\"v1\"").delete(&path).await;
        stale.expect_problem(412, "version_mismatch");

        staff.keyed("i").post(&format!("{path}/issue"), json!({})).await.expect(200);
        staff.patch(&path, lines).await.expect_problem(409, "bill_immutable");
        staff.delete(&path).await.expect_problem(409, "bill_immutable");
        assert_eq!(office.said(&id).await, ["bill.drafted", "bill.changed", "bill.issued"]);
    }

    async fn a_deleted_draft_is_gone(office: Office) {
        let (staff, alice) = (office.staff(), office.customer());
        let id = office.drafted(&staff, draft(&alice.id, 100)).await;
        let path = format!("/bills/{id}");
        assert_eq!(staff.delete(&path).await.status, 204);
        staff.get(&path).await.expect_problem(404, "bill_not_found");
        staff.delete(&path).await.expect_problem(404, "bill_not_found");
    }

    /// Every wrong field is named, by its code and its place.
    async fn a_wrong_draft_is_refused(office: Office) {
        let (staff, alice) = (office.staff(), office.customer());
        let good = draft(&alice.id, 100);
        let line = |amount: serde_json::Value| {
            json!([{"kind": "fixed", "description": "x", "amount_minor": amount}])
        };
        for (member, value, code, pointer) in [
            ("lines", line(json!(44.96)), "money_not_integer", "/lines/0/amount_minor"),
            ("lines", line(json!("100")), "money_not_integer", "/lines/0/amount_minor"),
            ("lines", line(json!(9_007_199_254_740_993_u64)), "amount_out_of_range", "/lines/0/amount_minor"),
            ("lines", line(json!(-1)), "line_sign_invalid", "/lines/0/amount_minor"),
            ("lines", json!([]), "line_count_invalid", "/lines"),
            ("currency", json!("usd"), "currency_invalid", "/currency"),
            ("due_on", json!("2020-01-01"), "due_before_issue", "/due_on"),
            ("period", json!({"start": "2026-12-01", "end": "2026-12-01"}), "period_invalid", "/period"),
            ("status", json!("paid"), "unknown_field", "/status"),
            ("number", json!("P-1"), "unknown_field", "/number"),
            ("exactness", json!("any"), "exactness_unknown", "/exactness"),
        ] {
            let mut body = good.clone();
            body[member] = value;
            let problem = staff.post("/bills", body).await.expect_problem(422, code);
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        }
        let listed = staff.get("/bills").await.expect(200);
        assert_eq!(listed["data"], json!([]));
    }

    /// A bill that asks for nothing, or is due already, is not issued and takes no number.
    async fn a_bill_is_not_issued_for_nothing_or_too_late(office: Office) {
        let (staff, alice) = (office.staff(), office.customer());
        let mut empty = draft(&alice.id, 0);
        let id = office.drafted(&staff, empty.clone()).await;
        let issue = staff.keyed("a").post(&format!("/bills/{id}/issue"), json!({})).await;
        issue.expect_problem(409, "bill_total_zero");

        let today = office.clock.now().to_string()[..10].to_owned();
        empty["lines"][0]["amount_minor"] = json!(1);
        empty["due_on"] = json!(today);
        let id = office.drafted(&staff, empty.clone()).await;
        office.clock.advance(std::time::Duration::from_secs(25 * 3_600));
        let issue = staff.keyed("b").post(&format!("/bills/{id}/issue"), json!({})).await;
        assert_eq!(issue.expect_problem(422, "due_before_issue")["errors"][0]["pointer"], "/due_on");

        empty["due_on"] = json!(null);
        let id = office.drafted(&staff, empty).await;
        let issued = staff.keyed("c").post(&format!("/bills/{id}/issue"), json!({})).await;
        let issued = issued.expect(200);
        assert!(issued["number"].as_str().unwrap().ends_with("-000001"), "{issued}");
        let due_in = |bill: &serde_json::Value| {
            let date = |name: &str| bill[name].as_str().unwrap().parse::<busbar::types::Date>().unwrap();
            date("issued_on").days_until(date("due_on"))
        };
        assert_eq!(due_in(&issued), 15);
    }

    /// Whose bill it is not, finds nothing, with every verb; customers change nothing.
    async fn the_bill_of_another_is_not_there(office: Office) {
        let (alice, victor) = (office.customer(), office.customer());
        let id = office.issued(&alice, 100).await;
        let path = format!("/bills/{id}");
        for (person, status, code) in
            [(&victor, 404, "bill_not_found"), (&alice, 403, "insufficient_scope")]
        {
            let keyed = person.keyed("k");
            person.patch(&path, json!({})).await.expect_problem(status, code);
            person.delete(&path).await.expect_problem(status, code);
            keyed.post(&format!("{path}/issue"), json!({})).await.expect_problem(status, code);
            person.post(&format!("{path}/void"), json!({})).await.expect_problem(status, code);
        }
        victor.get(&path).await.expect_problem(404, "bill_not_found");
        victor.get(&format!("{path}/events")).await.expect_problem(404, "bill_not_found");
        let theirs = format!("/bills/user/{}", alice.id);
        victor.get(&theirs).await.expect_problem(404, "bill_not_found");
        let asked = victor.get(&format!("/bills?user_id={}", alice.id)).await.expect(200);
        assert_eq!(asked["data"], json!([]));
        victor.post("/bills", draft(&victor.id, 1)).await.expect_problem(403, "insufficient_scope");
        let unapplied = victor.get("/billing/unapplied-payments").await;
        unapplied.expect_problem(403, "insufficient_scope");
        let balances = victor.get("/internal/balances").await;
        assert_eq!(balances.status, 401);
        let reserved = office.reserve(busbar::types::PaymentId::new(), &id, &victor, 100).await;
        reserved.expect_problem(404, "bill_not_found");
        assert_eq!(alice.get(&theirs).await.expect(200)["data"][0]["id"], json!(id));
    }

    /// Pages are whole: each bill once, newest first, whatever the limit; drafts are for staff.
    async fn lists_go_page_by_page(office: Office) {
        let (staff, alice, bob) = (office.staff(), office.customer(), office.customer());
        let mut made = Vec::new();
        for number in 0..7 {
            made.insert(0, json!(office.issued(&alice, 100 + number).await));
        }
        office.issued(&bob, 1).await;
        let drafted = office.drafted(&staff, draft(&alice.id, 1)).await;

        let mut listed = Vec::new();
        let mut path = format!("/bills?limit=3&status=issued&user_id={}", alice.id);
        loop {
            let page = alice.get(&path).await.expect(200);
            let bills = page["data"].as_array().unwrap();
            listed.extend(bills.iter().map(|bill| bill["id"].clone()));
            assert!(bills.iter().all(|bill| bill.get("lines").is_none()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/bills?limit=3&status=issued&cursor={cursor}");
        }
        assert_eq!(listed, made);
        let of_staff = staff.get(&format!("/bills/user/{}", alice.id)).await.expect(200);
        assert_eq!(of_staff["data"][0]["id"], json!(drafted));
        assert_eq!(of_staff["data"].as_array().unwrap().len(), 8);
        let all = staff.get("/bills?limit=100&provider_id=river-power").await.expect(200);
        assert_eq!(all["data"].as_array().unwrap().len(), 9);
        let due = staff.get("/bills?due_before=2026-01-01").await.expect(200);
        assert_eq!(due["data"], json!([]));
        alice.get("/bills?status=lost").await.expect_problem(422, "status_unknown");
        alice.get("/bills?limit=0").await.expect_problem(422, "limit_invalid");
    }
}
