//! Bills that are worked out from readings.

use serde_json::{Value, json};

use super::neighbours::{household, order, problem};
use super::office::{Office, draft, on_both};

fn minor(bill: &Value, name: &str) -> Vec<i64> {
    let lines = bill["lines"].as_array().unwrap().iter();
    lines.map(|line| line[name].as_i64().unwrap()).collect()
}

/// How many bills, and how many jobs for utilities, there are.
async fn kept(office: &Office) -> (usize, i64) {
    let bills = office.staff().get("/bills").await.expect(200);
    let backlog = busbar::jobs::backlog(&office.database).await.unwrap();
    let jobs = backlog.iter().filter(|jobs| jobs.kind == "billing.pin_readings");
    (bills["data"].as_array().unwrap().len(), jobs.map(|jobs| jobs.waiting).sum())
}

on_both! {
    /// A household's March comes to 4496, to the cent and with its reasons; issued, it is owed in
    /// the household's own time.
    async fn a_household_s_march_is_billed(office: Office) {
        let (staff, alice) = (office.staff(), office.customer());
        let usage = household(&alice.id);
        office.neighbours.usage_is(200, usage.clone());

        let preview = staff.post("/bills/preview", order(&usage)).await.expect(200);
        assert_eq!(kept(&office).await, (0, 0));
        let bill = staff.post("/bills", order(&usage)).await.expect(201);
        assert_eq!(kept(&office).await, (1, 1));
        for seen in [&preview, &bill] {
            assert_eq!(minor(seen, "amount_minor"), [750, 670, 2086, 676], "{seen}");
            assert_eq!(minor(seen, "tax_minor"), [56, 50, 157, 51]);
            let totals = ["subtotal_minor", "tax_minor", "total_minor"].map(|name| &seen[name]);
            assert_eq!(totals, [4182, 314, 4496]);
            assert_eq!((&seen["basis"], &seen["currency"]), (&json!("actual"), &json!("USD")));
            assert_eq!(seen["timezone"], "America/Chicago");
            assert_eq!(seen["service_account_id"], usage["service_account"]["id"]);
            assert_eq!((&seen["user_id"], &seen["provider_id"]), (&json!(alice.id), &json!("P")));
        }

        let issue = format!("/bills/{}/issue", bill["id"].as_str().unwrap());
        office.clock.set("2026-04-01T03:00:00Z".parse().unwrap());
        let issued = staff.keyed("i").post(&issue, json!({})).await.expect(200);
        assert_eq!(issued["number"], "PRAIRIEPOWER-2026-000001");
        // In Chicago it is still March 31st.
        assert_eq!((&issued["issued_on"], &issued["due_on"]), (&json!("2026-03-31"), &json!("2026-04-15")));

        let path = format!("/bills/{}", bill["id"].as_str().unwrap());
        let seen = alice.get(&path).await.expect(200);
        let trace = &seen["lines"][3]["trace"];
        let (tariff, register) = (&usage["tariffs"][0], &usage["registers"][0]);
        assert_eq!((&trace["tariff_id"], &trace["tariff_version"]), (&tariff["tariff_id"], &json!(3)));
        assert_eq!(trace["rounding"], json!({"rule": "half_even", "exact": "6.765"}));
        assert_eq!(trace["tier"]["number"], 3);
        for (traced, read) in trace["registers"][0]["readings"].as_array().unwrap().iter()
            .zip(register["readings"].as_array().unwrap())
        {
            assert_eq!((&traced["id"], &traced["value"]), (&read["id"], &read["value"]));
        }
        assert_eq!(seen["lines"], bill["lines"]);
    }

    /// What cannot be worked out is said with its reason, and nothing is kept.
    async fn what_cannot_be_rated_is_refused(office: Office) {
        let (staff, alice) = (office.staff(), office.customer());
        let good = household(&alice.id);
        let gap = json!({"register_id": good["registers"][0]["register_id"],
            "reason": "reading_held", "near": null});
        let with = |pointer: &str, value: Value| {
            let mut usage = good.clone();
            *usage.pointer_mut(pointer).unwrap() = value;
            (200, usage)
        };
        let content = "/tariffs/0/content";
        for ((status, said), expected, code, pointer) in [
            ((404, problem("service_account_not_found")), 404, "service_account_not_found", "/service_account_id"),
            ((422, problem("no_tariff")), 422, "no_tariff", "/period"),
            ((409, problem("service_account_closed")), 422, "service_account_closed", "/period"),
            ((422, problem("quantity_out_of_range")), 422, "quantity_out_of_range", "/period"),
            ((422, problem("period_too_long")), 422, "period_too_long", "/period"),
            (with("/gaps", json!([gap.clone()])), 422, "missing_readings", "/period"),
            (with("/tariffs", json!([])), 422, "no_tariff", "/period"),
            (with("/registers", json!([])), 422, "unit_mismatch", ""),
            (with("/registers/0/unit", json!("m3")), 422, "unit_mismatch", ""),
            (with("/provider/currency", json!("EUR")), 422, "currency_mismatch", ""),
            (with(&format!("{content}/clock"), json!("standard")), 422, "tariff_unsupported", ""),
            (with("/registers/0/quantity", json!("-1")), 422, "quantity_negative", "/period"),
            (with("/registers/0/quantity", json!("999999999999999")), 422, "amount_out_of_range", "/period"),
            (with("/registers/0/quantity", json!(355)), 503, "utilities_unavailable", ""),
            ((500, problem("internal")), 503, "utilities_unavailable", ""),
            ((0, Value::Null), 503, "utilities_unavailable", ""),
        ] {
            office.neighbours.usage_is(status, said);
            for path in ["/bills/preview", "/bills"] {
                let answer = staff.post(path, order(&good)).await;
                assert_eq!(answer.header("retry-after").is_empty(), expected != 503, "{answer}");
                let problem = answer.expect_problem(expected, code);
                assert_eq!(problem["errors"][0]["pointer"].as_str().unwrap_or(""), pointer);
                match code {
                    "missing_readings" => assert_eq!(problem["gaps"], json!([gap])),
                    "tariff_unsupported" => assert_eq!(problem["faults"][0]["pointer"], "/clock"),
                    _ => {}
                }
            }
        }
        assert_eq!(kept(&office).await, (0, 0));
    }

    /// One form or the other: what is missing or does not fit is pointed at, and nobody is asked.
    async fn the_two_forms_of_a_bill_do_not_mix(office: Office) {
        let (staff, alice) = (office.staff(), office.customer());
        let usage = household(&alice.id);
        for (member, value, code) in [
            ("currency", json!("USD"), "field_not_allowed"),
            ("user_id", json!(alice.id), "field_not_allowed"),
            ("provider_id", json!("P"), "field_not_allowed"),
            ("timezone", json!("UTC"), "field_not_allowed"),
            ("basis", json!("actual"), "unknown_field"),
        ] {
            let mut body = order(&usage);
            body[member] = value;
            for path in ["/bills/preview", "/bills"] {
                let problem = staff.post(path, body.clone()).await.expect_problem(422, code);
                assert_eq!(problem["errors"][0]["pointer"], format!("/{member}"));
            }
        }
        let mut body = draft(&alice.id, 5);
        body.as_object_mut().unwrap().remove("currency");
        let problem = staff.post("/bills", body).await.expect_problem(422, "field_required");
        assert_eq!(problem["errors"][0]["pointer"], "/currency");
        let preview = staff.post("/bills/preview", draft(&alice.id, 5)).await.expect(200);
        assert_eq!((&preview["total_minor"], &preview["basis"]), (&json!(5), &json!("manual")));
        for path in ["/bills/preview", "/bills"] {
            alice.post(path, order(&usage)).await.expect_problem(403, "insufficient_scope");
        }
        assert_eq!(office.neighbours.asked("GET /internal/usage"), 0);
    }

    /// A repetition is answered as before, whatever has become of the readings meanwhile.
    async fn a_key_makes_a_rated_draft_repeatable(office: Office) {
        let (staff, alice) = (office.staff(), office.customer());
        let usage = household(&alice.id);
        office.neighbours.usage_is(200, usage.clone());
        let first = staff.keyed("k").post("/bills", order(&usage)).await.expect(201);
        office.neighbours.usage_is(0, Value::Null);
        let again = staff.keyed("k").post("/bills", order(&usage)).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.expect(201), first);
        let mut other = order(&usage);
        other["due_on"] = json!("2099-01-01");
        let other = staff.keyed("k").post("/bills", other).await;
        other.expect_problem(422, "idempotency_key_reused");
    }

    /// What was worked out is not changed by hand; when it is due is.
    async fn a_rated_draft_keeps_what_was_worked_out(office: Office) {
        let (staff, alice) = (office.staff(), office.customer());
        let mut usage = household(&alice.id);
        usage["registers"][0]["readings"][1]["quality"] = json!("estimated");
        usage["provider"]["exactness"] = json!("exact");
        office.neighbours.usage_is(200, usage.clone());
        let bill = staff.post("/bills", order(&usage)).await.expect(201);
        assert_eq!((&bill["basis"], &bill["exactness"]), (&json!("mixed"), &json!("exact")));
        let path = format!("/bills/{}", bill["id"].as_str().unwrap());
        let lines = json!([{"kind": "fixed", "description": "x", "amount_minor": 1}]);
        for (member, value) in [("lines", lines), ("period", order(&usage)["period"].clone())] {
            let refused = staff.patch(&path, json!({member: value})).await;
            let refused = refused.expect_problem(422, "field_not_allowed");
            assert_eq!(refused["errors"][0]["pointer"], format!("/{member}"));
        }
        let changed = staff.patch(&path, json!({"due_on": "2099-01-01"})).await.expect(200);
        assert_eq!((&changed["due_on"], &changed["total_minor"]), (&json!("2099-01-01"), &json!(4496)));
        assert_eq!(changed["lines"], bill["lines"]);
    }
}
