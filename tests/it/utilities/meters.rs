//! Meters and their registers.

use serde_json::json;

use super::office::{Household, Office, id_of, on_both};

on_both! {
    /// A meter is shown with its registers as they were put up, to its owner and to staff.
    async fn a_meter_has_its_registers(office: Office) {
        let household = Household::supplied(&office).await;
        let order = json!({"service_account_id": household.account, "serial": "W-9", "registers": [
            {"unit": "m3", "digits": 4, "multiplier": "2.5"},
            {"unit": "kL", "digits": 9, "direction": "export"}]});
        let made = household.admin.post("/meters", order).await.expect(201);
        let registers = made["registers"].as_array().unwrap();
        assert_eq!((&registers[0]["multiplier"], &registers[0]["direction"]), (&json!("2.5"), &json!("import")));
        assert_eq!((&registers[1]["multiplier"], &registers[1]["direction"]), (&json!("1"), &json!("export")));
        let path = format!("/meters/{}", id_of(&made));
        assert_eq!(household.owner.get(&path).await.expect(200), made);

        let all = household.owner.get("/meters?limit=1").await.expect(200);
        assert_eq!((&all["data"][0], &all["has_more"]), (&made, &json!(true)));
        let cursor = all["next_cursor"].as_str().unwrap();
        let account = &household.account;
        let next = format!("/meters?service_account_id={account}&cursor={cursor}");
        let rest = office.staff().get(&next).await.expect(200);
        assert_eq!(rest["data"][0]["registers"][0]["id"], json!(household.register));
    }

    /// Whose meter it is not, finds nothing; its owner changes nothing.
    async fn the_meter_of_another_is_not_there(office: Office) {
        let household = Household::supplied(&office).await;
        let taken = household.read("2026-03-01T06:00:00Z", "1000").await;
        let reading = format!("/readings/{}", id_of(&taken["reading"]));
        let (meter, readings) = (format!("/meters/{}", household.meter), household.readings());
        let victor = office.customer();
        victor.get(&meter).await.expect_problem(404, "meter_not_found");
        victor.get(&readings).await.expect_problem(404, "meter_not_found");
        victor.get(&reading).await.expect_problem(404, "reading_not_found");
        assert_eq!(victor.get("/meters").await.expect(200)["data"], json!([]));
        assert_eq!(household.owner.get(&readings).await.expect(200)["data"][0], taken["reading"]);
        assert_eq!(household.owner.get(&reading).await.expect(200), taken["reading"]);
        let value = json!({"at": "2026-03-02T06:00:00Z", "value": "1"});
        for (person, status, meter_code, reading_code) in [
            (&victor, 404, "meter_not_found", "reading_not_found"),
            (&household.owner, 403, "insufficient_scope", "insufficient_scope"),
        ] {
            person.post(&readings, value.clone()).await.expect_problem(status, meter_code);
            person.post(&format!("{meter}/retire"), json!({})).await.expect_problem(status, meter_code);
            for step in ["approve", "void"] {
                let refused = person.post(&format!("{reading}/{step}"), json!({})).await;
                refused.expect_problem(status, reading_code);
            }
            let refused = person.post(&format!("{reading}/correct"), json!({"value": "1"})).await;
            refused.expect_problem(status, reading_code);
        }
        let held = victor.get("/readings/held").await;
        held.expect_problem(403, "insufficient_scope");
    }

    /// Each wrong register is named.
    async fn a_wrong_meter_is_refused(office: Office) {
        let household = Household::supplied(&office).await;
        let good = json!({"unit": "kWh", "digits": 5});
        for (member, value, code) in [
            ("digits", json!(0), "digits_invalid"),
            ("digits", json!(10), "digits_invalid"),
            ("multiplier", json!("0"), "multiplier_invalid"),
            ("multiplier", json!("1000000"), "multiplier_invalid"),
            ("multiplier", json!("-1"), "decimal_invalid"),
            ("multiplier", json!(1.5), "type_mismatch"),
            ("unit", json!("k Wh"), "unit_invalid"),
            ("direction", json!("up"), "direction_unknown"),
        ] {
            let mut wrong = good.clone();
            wrong[member] = value;
            let order = json!({"service_account_id": household.account, "serial": "M-2",
                "registers": [good, wrong]});
            let problem = household.admin.post("/meters", order).await.expect_problem(422, code);
            assert_eq!(problem["errors"][0]["pointer"], format!("/registers/1/{member}"));
        }
        for count in [0, 17] {
            let registers = vec![good.clone(); count];
            let order = json!({"service_account_id": household.account, "serial": "M-2",
                "registers": registers});
            let refused = household.admin.post("/meters", order).await;
            refused.expect_problem(422, "register_count_invalid");
        }
        let meters = household.admin.get("/meters").await.expect(200);
        assert_eq!(meters["data"].as_array().unwrap().len(), 1);
    }

    /// An account has its bound of meters at a time; one that is retired makes room.
    async fn an_account_has_a_bound_of_meters(office: Office) {
        let household = Household::supplied(&office).await;
        let order = json!({"service_account_id": household.account, "serial": "M-2",
            "registers": [{"unit": "kWh", "digits": 5}]});
        for _ in 1..50 {
            household.admin.post("/meters", order.clone()).await.expect(201);
        }
        let many = household.admin.post("/meters", order.clone()).await;
        assert_eq!(many.expect_problem(409, "meters_too_many")["meters_max"], 50);
        let retire = format!("/meters/{}/retire", household.meter);
        household.admin.post(&retire, json!({})).await.expect(200);
        household.admin.post("/meters", order).await.expect(201);
    }

    /// A retired meter takes no readings of later; what it showed stays, and what comes late of it is taken.
    async fn a_retired_meter_takes_no_readings(office: Office) {
        let household = Household::supplied(&office).await;
        household.read("2026-03-01T06:00:00Z", "1000").await;
        let retire = format!("/meters/{}/retire", household.meter);
        let retired = household.admin.post(&retire, json!({})).await.expect(200);
        assert_eq!((&retired["status"], retired["retired_at"].is_string()), (&json!("retired"), true));
        household.admin.post(&retire, json!({})).await.expect_problem(409, "meter_retired");
        let later = json!({"at": "2026-11-25T12:04:00Z", "value": "1008"});
        let refused = household.admin.post(&household.readings(), later.clone()).await;
        refused.expect_problem(409, "meter_retired");
        let early = json!({"at": "2026-03-02T06:00:00Z", "value": "1008"});
        let both = household.admin.post(&household.readings(), json!({"readings": [later, early]})).await;
        let both = both.expect(200);
        assert_eq!((&both["accepted"], &both["rejected"][0]["code"]), (&json!(1), &json!("meter_retired")));
        let kept = household.owner.get(&household.readings()).await.expect(200);
        assert_eq!(kept["data"].as_array().unwrap().len(), 2);
    }
}
