//! Where bills meet, and meters that came and went within a period: everything is billed once.

use busbar::types::BillId;
use serde_json::json;

use super::office::{Household, Office, id_of, on_both};
use super::usage::{only, pins};

const MARCH: [(&str, &str); 2] =
    [("2026-03-01T06:00:00Z", "1000"), ("2026-03-31T05:00:00Z", "1355")];

on_both! {
    /// Whatever periods are billed, in whatever order: all of them together come to what was used.
    async fn odd_periods_bill_everything_once(office: Office) {
        let household = Household::supplied(&office).await;
        for (at, value) in [("2026-03-01T06:00:00Z", "1000"), ("2026-04-02T06:00:00Z", "1310"),
            ("2026-04-02T15:00:00Z", "1320"), ("2026-04-04T04:00:00Z", "1330"),
            ("2026-05-01T05:00:00Z", "1600")]
        {
            household.read(at, value).await;
        }
        let billing = office.billing();
        let mut used = 0;
        // A month, the end of the next one, and then what lies between them: one and two days.
        for (start, end) in [("2026-03-01", "2026-04-01"), ("2026-04-04", "2026-05-01"),
            ("2026-04-01", "2026-04-02"), ("2026-04-02", "2026-04-04")]
        {
            let usage = billing.get(&household.usage(start, end)).await.expect(200);
            let register = only(&usage);
            used += register["quantity"].as_str().unwrap().parse::<i64>().unwrap();
            let pinned = |place: usize, day: &str| {
                json!({"id": register["readings"][place]["id"], "boundary": day})
            };
            let pins = json!({"bill_id": BillId::new(), "readings": [pinned(0, start), pinned(1, end)]});
            billing.post("/internal/usage/pins", pins).await.expect(200);
        }
        assert_eq!(used, 600);
    }

    /// One reading does not stand for both ends, though bills meet it from both sides.
    async fn a_period_without_a_reading_of_its_own_is_a_gap(office: Office) {
        let household = Household::supplied(&office).await;
        let only_one = household.read("2026-04-01T17:00:00Z", "1300").await["reading"]["id"].clone();
        household.read("2026-03-01T06:00:00Z", "1000").await;
        household.read("2026-05-01T05:00:00Z", "1600").await;
        let billing = office.billing();
        for day in ["2026-04-01", "2026-04-02"] {
            billing.post("/internal/usage/pins", pins(BillId::new(), &only_one, day)).await.expect(200);
        }
        let usage = billing.get(&household.usage("2026-04-01", "2026-04-02")).await.expect(200);
        assert_eq!((&usage["registers"], &usage["gaps"][0]["reason"]), (&json!([]), &json!("no_reading_at_end")));
        let usage = billing.get(&household.usage("2026-04-02", "2026-05-01")).await.expect(200);
        assert_eq!(only(&usage)["quantity"], "300");
    }

    /// A meter is exchanged within a period: both count, each for its time.
    async fn a_meter_is_exchanged(office: Office) {
        let household = Household::supplied(&office).await;
        let (admin, exchanged) = (&household.admin, "2026-03-15T10:00:00Z");
        for (at, value) in [("2026-03-01T06:00:00Z", "99000"), (exchanged, "99170")] {
            household.read(at, value).await;
        }
        let retire = format!("/meters/{}/retire", household.meter);
        let retired = admin.post(&retire, json!({"retired_at": exchanged})).await.expect(200);
        assert_eq!(retired["retired_at"], "2026-03-15T10:00:00.000Z");
        let order = json!({"service_account_id": household.account, "serial": "M-2",
            "installed_at": exchanged, "registers": [{"unit": "kWh", "digits": 5}]});
        let new = admin.post("/meters", order).await.expect(201);
        assert_eq!(new["installed_at"], "2026-03-15T10:00:00.000Z");
        let readings = format!("/meters/{}/readings", id_of(&new));
        for (at, value) in [(exchanged, "3"), ("2026-04-01T05:00:00Z", "188")] {
            admin.post(&readings, json!({"at": at, "value": value})).await.expect(200);
        }
        let billing = office.billing();
        let used = async |start: &str, end: &str| {
            let usage = billing.get(&household.usage(start, end)).await.expect(200);
            assert_eq!(usage["gaps"], json!([]), "{usage}");
            let registers = usage["registers"].as_array().unwrap().iter();
            registers.map(|register| (register["serial"].clone(), register["quantity"].clone())).collect::<Vec<_>>()
        };
        let both = [(json!("M-1"), json!("170")), (json!("M-2"), json!("185"))];
        assert_eq!(used("2026-03-01", "2026-04-01").await, both);
        assert_eq!(used("2026-03-01", "2026-03-15").await.len(), 1, "the new one was not there yet");
        let early = json!({"at": "2026-03-15T09:59:59Z", "value": "2"});
        admin.post(&readings, early).await.expect_problem(422, "reading_before_installation");
    }

    /// A meter that was put up by mistake measures in no period, and stands in the way of none.
    async fn a_mistaken_meter_is_taken_back(office: Office) {
        let household = Household::supplied(&office).await;
        for (at, value) in MARCH {
            household.read(at, value).await;
        }
        let order = |installed: &str| json!({"service_account_id": household.account, "serial": "M-2",
            "installed_at": installed, "registers": [{"unit": "kWh", "digits": 5}]});
        let admin = &household.admin;
        let ahead = admin.post("/meters", order("2026-11-25T12:06:00Z")).await;
        let ahead = ahead.expect_problem(422, "installation_in_future");
        assert_eq!(ahead["errors"][0]["pointer"], "/installed_at");
        let mistaken = id_of(&admin.post("/meters", order("2026-03-05T00:00:00Z")).await.expect(201));
        let billing = office.billing();
        let march = household.usage("2026-03-01", "2026-03-31");
        assert_ne!(billing.get(&march).await.expect(200)["gaps"], json!([]));
        let retire = format!("/meters/{mistaken}/retire");
        for (at, code) in [("2026-11-25T12:06:00Z", "retirement_in_future"),
            ("2026-03-04T23:59:59Z", "retirement_before_installation")]
        {
            let refused = admin.post(&retire, json!({"retired_at": at})).await.expect_problem(422, code);
            assert_eq!(refused["errors"][0]["pointer"], "/retired_at");
        }
        let reading = json!({"at": "2026-03-06T00:00:00Z", "value": "1"});
        let taken = admin.post(&format!("/meters/{mistaken}/readings"), reading).await.expect(200);
        let as_of = json!({"retired_at": "2026-03-05T00:00:00Z"});
        let refused = admin.post(&retire, as_of.clone()).await.expect_problem(409, "reading_after_retirement");
        assert_eq!(refused["reading_id"], taken["reading"]["id"]);
        let void = format!("/readings/{}/void", id_of(&taken["reading"]));
        admin.post(&void, json!({})).await.expect(200);
        admin.post(&retire, as_of).await.expect(200);
        assert_eq!(only(&billing.get(&march).await.expect(200))["quantity"], "355");
    }
}
