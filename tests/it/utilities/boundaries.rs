//! Where bills meet, and meters that came and went within a period: everything is billed once.

use busbar::types::BillId;
use serde_json::json;

use super::office::{Household, Office, id_of, on_both};
use super::usage::{only, pins};

const MARCH: [(&str, &str); 2] =
    [("2026-03-01T06:00:00Z", "1000"), ("2026-03-31T05:00:00Z", "1355")];

/// What a period's bill comes to, which is made: all registers together.
async fn billed(office: &Office, household: &Household, (start, end): (&str, &str)) -> i64 {
    let billing = office.billing();
    let usage = billing.get(&household.usage(start, end)).await.expect(200);
    assert_eq!(usage["gaps"], json!([]), "{start} to {end}: {usage}");
    let (mut used, mut pinned) = (0, Vec::new());
    for register in usage["registers"].as_array().unwrap() {
        used += register["quantity"].as_str().unwrap().parse::<i64>().unwrap();
        for (place, day) in [(0, start), (1, end)] {
            pinned.push(json!({"id": register["readings"][place]["id"], "boundary": day}));
        }
    }
    let pins = json!({"bill_id": BillId::new(), "readings": pinned});
    billing.post("/internal/usage/pins", pins).await.expect(200);
    used
}

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

    /// Bills that meet nowhere leave nothing to each other, whatever comes late: what lies between them
    /// is what neither has.
    async fn bills_that_do_not_meet_bill_nothing_twice(office: Office) {
        for later_first in [false, true] {
            let household = Household::supplied(&office).await;
            for (at, value) in [("2026-03-01T06:00:00Z", "1000"), ("2026-05-01T05:00:00Z", "1700"),
                if later_first { ("2026-03-31T20:00:00Z", "1350") } else { ("2026-04-02T10:00:00Z", "1400") }]
            {
                household.read(at, value).await;
            }
            let (march, rest) = (("2026-03-01", "2026-04-01"), ("2026-04-02", "2026-05-01"));
            let (first, second) = if later_first { (rest, march) } else { (march, rest) };
            let mut used = billed(&office, &household, first).await;
            let late = if later_first { ("2026-04-01T10:00:00Z", "1380") } else { ("2026-04-02T04:00:00Z", "1390") };
            household.read(late.0, late.1).await;
            used += billed(&office, &household, second).await;
            used += billed(&office, &household, ("2026-04-01", "2026-04-02")).await;
            assert_eq!(used, 700, "the later one first: {later_first}");
        }
    }

    /// What one reading has settled on both sides is nothing, and no gap.
    async fn a_day_that_its_neighbours_have_billed_is_empty(office: Office) {
        let household = Household::supplied(&office).await;
        let only_one = household.read("2026-04-01T17:00:00Z", "1300").await["reading"]["id"].clone();
        household.read("2026-03-01T06:00:00Z", "1000").await;
        household.read("2026-05-01T05:00:00Z", "1600").await;
        let billing = office.billing();
        for day in ["2026-04-01", "2026-04-02"] {
            billing.post("/internal/usage/pins", pins(BillId::new(), &only_one, day)).await.expect(200);
        }
        assert_eq!(billed(&office, &household, ("2026-04-01", "2026-04-02")).await, 0);
        assert_eq!(billed(&office, &household, ("2026-04-02", "2026-05-01")).await, 300);
    }

    /// Bills of an earlier release have not said at which day they end.
    async fn a_bill_of_an_earlier_release_is_met_as_well(office: Office) {
        let household = Household::supplied(&office).await;
        household.read("2026-03-01T06:00:00Z", "1000").await;
        let end = household.read("2026-04-01T15:00:00Z", "1303").await["reading"]["id"].clone();
        household.read("2026-05-01T05:00:00Z", "1600").await;
        let earlier = json!({"bill_id": BillId::new(), "readings": [{"id": end}]});
        office.billing().post("/internal/usage/pins", earlier).await.expect(200);
        household.read("2026-04-01T05:00:00Z", "1300").await;
        assert_eq!(billed(&office, &household, ("2026-04-01", "2026-05-01")).await, 297);
    }

    /// Read and taken away some hours after bills meet, or put up some hours before: the bill on the
    /// other side has taken it in, and this one goes by the meter that is there.
    async fn an_exchange_beside_a_day_at_which_bills_meet_blocks_nothing(office: Office) {
        for (exchanged, first, second) in [
            ("2026-04-01T15:00:00Z", ("2026-03-01", "2026-04-01"), ("2026-04-01", "2026-05-01")),
            ("2026-03-31T23:00:00Z", ("2026-04-01", "2026-05-01"), ("2026-03-01", "2026-04-01")),
        ] {
            let household = Household::supplied(&office).await;
            let admin = &household.admin;
            for (at, value) in [("2026-03-01T06:00:00Z", "1000"), (exchanged, "1300")] {
                household.read(at, value).await;
            }
            let retire = format!("/meters/{}/retire", household.meter);
            admin.post(&retire, json!({"retired_at": exchanged})).await.expect(200);
            let order = json!({"service_account_id": household.account, "serial": "M-2",
                "installed_at": exchanged, "registers": [{"unit": "kWh", "digits": 5}]});
            let new = id_of(&admin.post("/meters", order).await.expect(201));
            for (at, value) in [(exchanged, "0"), ("2026-05-01T05:00:00Z", "270")] {
                let reading = json!({"at": at, "value": value});
                admin.post(&format!("/meters/{new}/readings"), reading).await.expect(200);
            }
            let used = billed(&office, &household, first).await + billed(&office, &household, second).await;
            assert_eq!(used, 570, "{exchanged}");
        }
    }

    /// A bill that was made stays whole: a meter is neither put into its days nor ends before what it
    /// was made from.
    async fn what_is_billed_is_not_changed_by_meters(office: Office) {
        let household = Household::supplied(&office).await;
        let admin = &household.admin;
        household.read("2026-03-01T06:00:00Z", "1000").await;
        let end = household.read("2026-04-01T05:00:00Z", "1300").await;
        assert_eq!(billed(&office, &household, ("2026-03-01", "2026-04-01")).await, 300);
        let order = |installed: &str| json!({"service_account_id": household.account, "serial": "M-2",
            "installed_at": installed, "registers": [{"unit": "kWh", "digits": 5}]});
        let refused = admin.post("/meters", order("2026-03-10T00:00:00Z")).await;
        let refused = refused.expect_problem(409, "period_billed");
        assert_eq!((&refused["billed_until"], &refused["errors"][0]["pointer"]),
            (&json!("2026-04-01"), &json!("/installed_at")));
        admin.post("/meters", order("2026-03-31T00:00:00Z")).await.expect(201);
        let void = format!("/readings/{}/void", id_of(&end["reading"]));
        admin.post(&void, json!({})).await.expect(200);
        let retire = format!("/meters/{}/retire", household.meter);
        let early = json!({"retired_at": "2026-03-20T00:00:00Z"});
        admin.post(&retire, early).await.expect_problem(409, "reading_after_retirement");
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
