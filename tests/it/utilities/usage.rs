//! Usage of a period, as billing asks for it, and what bills were made from.

use busbar::types::{BillId, ReadingId, ServiceAccountId};
use serde_json::{Value, json};

use super::office::{Household, Office, id_of, on_both, tariff};

const MARCH: [(&str, &str); 2] =
    [("2026-03-01T06:00:00Z", "1000"), ("2026-03-31T05:00:00Z", "1355")];

/// A bill begins or ends with the reading at the start of a day.
pub(crate) fn pins(bill: BillId, reading: &Value, boundary: &str) -> Value {
    json!({"bill_id": bill, "readings": [{"id": reading, "boundary": boundary}]})
}

/// The one register of a usage without gaps.
pub(crate) fn only(usage: &Value) -> &Value {
    assert_eq!(usage["gaps"], json!([]), "{usage}");
    assert_eq!(usage["registers"].as_array().unwrap().len(), 1, "{usage}");
    &usage["registers"][0]
}

on_both! {
    /// Thirty local days with a clock change in them, from midnight to midnight.
    async fn a_period_is_of_local_days(office: Office) {
        let household = Household::supplied(&office).await;
        let mut ids = Vec::new();
        for (at, value) in MARCH {
            ids.push(household.read(at, value).await["reading"]["id"].clone());
        }
        let usage = office.billing().get(&household.usage("2026-03-01", "2026-03-31")).await.expect(200);
        assert_eq!(usage["service_account"], json!({"id": household.account,
            "user_id": household.owner.id, "provider_id": household.provider, "status": "active"}));
        assert_eq!(usage["provider"], json!({"id": household.provider, "name": "Prairie Power",
            "currency": "USD", "timezone": "America/Chicago", "exactness": "exact_down"}));
        assert_eq!(usage["tariffs"], json!([{"tariff_id": household.tariff, "version": 1,
            "effective_from": "2024-01-01", "content": tariff()}]));
        let register = only(&usage);
        for (member, value) in [("quantity", json!("355")), ("multiplier", json!("1")),
            ("unit", json!("kWh")), ("direction", json!("import")), ("serial", json!("M-1")),
            ("rolled_over", json!(false)), ("meter_id", json!(household.meter)),
            ("register_id", json!(household.register))]
        {
            assert_eq!(register[member], value, "{member}");
        }
        let (start, end) = (&register["readings"][0], &register["readings"][1]);
        assert_eq!((&start["id"], &start["role"], &start["value"]), (&ids[0], &json!("start"), &json!("1000")));
        assert_eq!((&end["id"], &end["role"], &end["at"]), (&ids[1], &json!("end"), &json!("2026-03-31T05:00:00.000Z")));
    }

    /// The nearest reading within 36 hours stands for midnight; further away there is a gap.
    async fn the_nearest_reading_stands_for_midnight(office: Office) {
        let household = Household::supplied(&office).await;
        household.read("2026-02-28T06:00:00Z", "990").await;
        household.read("2026-03-01T16:00:00Z", "1000").await;
        let near = household.read("2026-04-02T18:00:00Z", "1300").await;
        let usage = office.billing().get(&household.usage("2026-03-01", "2026-04-01")).await.expect(200);
        assert_eq!(usage["registers"], json!([]));
        let gap = &usage["gaps"][0];
        assert_eq!((&gap["register_id"], &gap["reason"], &gap["near"]["id"]),
            (&json!(household.register), &json!("no_reading_at_end"), &near["reading"]["id"]));
        household.read("2026-04-02T17:00:00Z", "1290").await;
        let usage = office.billing().get(&household.usage("2026-03-01", "2026-04-01")).await.expect(200);
        assert_eq!(only(&usage)["quantity"], "290");
        let usage = office.billing().get(&household.usage("2025-01-01", "2025-02-01")).await.expect(200);
        let reasons = [0, 1].map(|place| usage["gaps"][place]["reason"].clone());
        assert_eq!(reasons, [json!("no_reading_at_start"), json!("no_reading_at_end")]);
    }

    /// The multiplier is in the quantity; a void reading is as if it had never been.
    async fn registers_have_their_multiplier(office: Office) {
        let household = Household::supplied(&office).await;
        let order = json!({"service_account_id": household.account, "serial": "M-2", "registers": [
            {"unit": "kWh", "digits": 6, "multiplier": "40"}, {"unit": "kWh", "digits": 6, "direction": "export"}]});
        let meter = household.admin.post("/meters", order).await.expect(201);
        let path = format!("/meters/{}/readings", id_of(&meter));
        let reading = |place: usize, at: &str, value: &str| {
            json!({"register_id": meter["registers"][place]["id"], "at": at, "value": value})
        };
        let batch = json!({"readings": [reading(0, MARCH[0].0, "10.5"), reading(0, MARCH[1].0, "12.75"),
            reading(1, MARCH[0].0, "0"), reading(1, MARCH[1].0, "7")]});
        assert_eq!(household.admin.post(&path, batch).await.expect(200)["accepted"], 4);
        let taken = household.read(MARCH[0].0, "1000").await;
        household.read(MARCH[1].0, "1355").await;
        let usage = office.billing().get(&household.usage("2026-03-01", "2026-03-31")).await.expect(200);
        let quantities: Vec<_> = usage["registers"].as_array().unwrap().iter()
            .map(|register| (register["serial"].clone(), register["quantity"].clone())).collect();
        assert_eq!(quantities, [(json!("M-1"), json!("355")), (json!("M-2"), json!("90")), (json!("M-2"), json!("7"))]);
        let void = format!("/readings/{}/void", id_of(&taken["reading"]));
        household.admin.post(&void, json!({})).await.expect(200);
        let usage = office.billing().get(&household.usage("2026-03-01", "2026-03-31")).await.expect(200);
        assert_eq!((&usage["gaps"][0]["register_id"], &usage["gaps"][0]["reason"]),
            (&json!(household.register), &json!("no_reading_at_start")));
    }

    /// Every version that holds on some day of the period is named, in the order of days.
    async fn tariffs_have_their_days(office: Office) {
        let household = Household::supplied(&office).await;
        let admin = &household.admin;
        let mut night = tariff();
        night["provider_id"] = json!(household.provider);
        night["name"] = json!("Night");
        let night = id_of(&admin.post("/tariffs", night).await.expect(201));
        for from in ["2026-03-10", "2026-03-31", "2026-05-01"] {
            let mut content = tariff();
            content["effective_from"] = json!(from);
            let path = format!("/tariffs/{}/versions", household.tariff);
            admin.post(&path, content).await.expect(201);
        }
        let choice = json!({"tariff_id": night, "from": "2026-03-20"});
        admin.put(&format!("/service-accounts/{}/tariff", household.account), choice).await.expect(200);
        let usage = office.billing().get(&household.usage("2026-03-01", "2026-03-31")).await.expect(200);
        let named: Vec<_> = usage["tariffs"].as_array().unwrap().iter()
            .map(|tariff| json!([tariff["tariff_id"], tariff["version"], tariff["effective_from"]])).collect();
        assert_eq!(json!(named), json!([[household.tariff, 1, "2024-01-01"],
            [household.tariff, 2, "2026-03-10"], [night, 1, "2026-03-20"]]));
        let early = office.billing().get(&household.usage("2023-12-31", "2024-01-15")).await;
        early.expect_problem(422, "no_tariff");
    }

    /// What cannot be answered is refused; nobody but other services asks.
    async fn usage_is_for_other_services(office: Office) {
        let household = Household::supplied(&office).await;
        let usage = household.usage("2026-03-01", "2026-03-31");
        assert_eq!(household.admin.get(&usage).await.status, 401);
        let billing = office.billing();
        let unknown = usage.replace(&household.account, &ServiceAccountId::new().to_string());
        billing.get(&unknown).await.expect_problem(404, "service_account_not_found");
        let empty = billing.get(&household.usage("2026-03-01", "2026-03-01")).await;
        empty.expect_problem(422, "period_invalid");
        let long = billing.get(&household.usage("2024-03-01", "2026-03-01")).await;
        long.expect_problem(422, "period_too_long");
        let order = json!({"provider_id": household.provider, "user_id": household.owner.id});
        let bare = id_of(&household.admin.post("/service-accounts", order).await.expect(201));
        let bare = billing.get(&usage.replace(&household.account, &bare)).await;
        bare.expect_problem(422, "no_tariff");
    }

    /// A meter that was retired counts up to its end, and not in later periods.
    async fn a_retired_meter_counts_up_to_its_end(office: Office) {
        let household = Household::supplied(&office).await;
        household.read("2026-11-01T05:00:00Z", "1000").await;
        household.read("2026-11-25T10:00:00Z", "1200").await;
        let retire = format!("/meters/{}/retire", household.meter);
        household.admin.post(&retire, json!({})).await.expect(200);
        let usage = office.billing().get(&household.usage("2026-11-01", "2026-12-01")).await.expect(200);
        assert_eq!(only(&usage)["quantity"], "200");
        let usage = office.billing().get(&household.usage("2026-12-01", "2027-01-01")).await.expect(200);
        assert_eq!((&usage["registers"], &usage["gaps"]), (&json!([]), &json!([])));
    }

    /// A bill begins where the one before it ended, also when a better reading has come since.
    async fn a_bill_begins_where_the_last_one_ended(office: Office) {
        let household = Household::supplied(&office).await;
        household.read("2026-03-01T06:00:00Z", "1000").await;
        let end = household.read("2026-04-01T15:00:00Z", "1303").await["reading"]["id"].clone();
        household.read("2026-05-01T05:00:00Z", "1600").await;
        let (billing, bill) = (office.billing(), BillId::new());
        billing.post("/internal/usage/pins", pins(bill, &end, "2026-04-01")).await.expect(200);
        let late = household.read("2026-04-01T05:00:00Z", "1300").await["reading"]["id"].clone();
        let start = async || {
            let usage = billing.get(&household.usage("2026-04-01", "2026-05-01")).await.expect(200);
            (only(&usage)["quantity"].clone(), only(&usage)["readings"][0]["id"].clone())
        };
        assert_eq!(start().await, (json!("297"), end));
        billing.delete(&format!("/internal/usage/pins/{bill}")).await;
        assert_eq!(start().await, (json!("300"), late));
    }

    /// What a bill was made from is corrected later: the next bill goes on from there all the same,
    /// so that both together come to what was used.
    async fn the_next_bill_settles_what_was_corrected(office: Office) {
        let household = Household::supplied(&office).await;
        household.read("2026-03-01T06:00:00Z", "1000").await;
        let end = household.read("2026-04-01T05:00:00Z", "1355").await["reading"]["id"].clone();
        household.read("2026-05-01T05:00:00Z", "1600").await;
        let pins = pins(BillId::new(), &end, "2026-04-01");
        office.billing().post("/internal/usage/pins", pins).await.expect(200);
        let correct = format!("/readings/{}/correct", end.as_str().unwrap());
        household.admin.post(&correct, json!({"value": "1325"})).await.expect(200);
        let usage = household.usage("2026-04-01", "2026-05-01");
        let usage = office.billing().get(&usage).await.expect(200);
        assert_eq!(only(&usage)["quantity"], "245");
        assert_eq!(only(&usage)["readings"][0]["id"], end);
    }

    /// Where a register began again the value that was billed counts, whatever it was corrected to.
    async fn a_lap_is_counted_between_the_values_that_count(office: Office) {
        for (billed, corrected, next, quantity) in
            [("100", "99900", "300", "200"), ("99900", "100", "300", "400")]
        {
            let household = Household::supplied(&office).await;
            let end = household.read("2026-04-01T05:00:00Z", billed).await["reading"]["id"].clone();
            let held = household.read("2026-05-01T05:00:00Z", next).await["reading"].clone();
            if held["status"] == "held" {
                household.admin.post(&format!("/readings/{}/approve", id_of(&held)), json!({})).await.expect(200);
            }
            let pins = pins(BillId::new(), &end, "2026-04-01");
            office.billing().post("/internal/usage/pins", pins).await.expect(200);
            let correct = format!("/readings/{}/correct", end.as_str().unwrap());
            household.admin.post(&correct, json!({"value": corrected})).await.expect(200);
            let usage = office.billing().get(&household.usage("2026-04-01", "2026-05-01")).await.expect(200);
            assert_eq!(only(&usage)["quantity"], quantity, "{billed} corrected to {corrected}");
        }
    }

    /// A day without a price is named, also where an earlier tariff would still have one.
    async fn a_day_without_a_tariff_is_named(office: Office) {
        let household = Household::supplied(&office).await;
        for (at, value) in MARCH {
            household.read(at, value).await;
        }
        let mut later = tariff();
        later["provider_id"] = json!(household.provider);
        later["name"] = json!("Later");
        later["effective_from"] = json!("2026-06-01");
        let later = id_of(&household.admin.post("/tariffs", later).await.expect(201));
        let choice = json!({"tariff_id": later, "from": "2026-03-16"});
        let path = format!("/service-accounts/{}/tariff", household.account);
        household.admin.put(&path, choice).await.expect(200);
        let refused = office.billing().get(&household.usage("2026-03-01", "2026-03-31")).await;
        assert_eq!(refused.expect_problem(422, "no_tariff")["on"], "2026-03-16");
        office.billing().get(&household.usage("2026-03-01", "2026-03-16")).await.expect(200);
    }

    /// Nothing is supplied after the day on which an account was closed.
    async fn a_closed_account_is_not_billed_on(office: Office) {
        let household = Household::supplied(&office).await;
        let close = format!("/service-accounts/{}/close", household.account);
        let stale = household.admin.header("if-match", "\"v99\"").post(&close, json!({})).await;
        stale.expect_problem(412, "version_mismatch");
        household.admin.post(&close, json!({})).await.expect(200);
        let refused = office.billing().get(&household.usage("2098-01-01", "2098-02-01")).await;
        refused.expect_problem(409, "service_account_closed");
        office.billing().get(&household.usage("2026-03-01", "2026-03-31")).await.expect(200);
    }

    /// What nobody could read is not said.
    async fn a_quantity_that_cannot_be_said_is_refused(office: Office) {
        let household = Household::supplied(&office).await;
        let order = json!({"service_account_id": household.account, "serial": "M-9", "registers": [
            {"unit": "kWh", "digits": 9, "multiplier": "999999.999999"}]});
        let meter = household.admin.post("/meters", order).await.expect(201);
        let path = format!("/meters/{}/readings", id_of(&meter));
        for (at, value) in [(MARCH[0].0, "999999999"), ("2026-03-10T06:00:00Z", "0"),
            ("2026-03-15T06:00:00Z", "999999999"), ("2026-03-20T06:00:00Z", "0"), (MARCH[1].0, "999999999")]
        {
            let taken = household.admin.post(&path, json!({"at": at, "value": value})).await.json;
            if taken["reading"]["status"] == "held" {
                let approve = format!("/readings/{}/approve", id_of(&taken["reading"]));
                household.admin.post(&approve, json!({})).await.expect(200);
            }
        }
        let refused = office.billing().get(&household.usage("2026-03-01", "2026-03-31")).await;
        refused.expect_problem(422, "quantity_out_of_range");
    }

    /// A correction of what a bill was made from is told as such, whichever of the two comes first.
    async fn a_correction_of_a_billed_reading_is_told_as_such(office: Office) {
        let household = Household::supplied(&office).await;
        let taken = household.read(MARCH[1].0, "1355").await;
        let (bill, reading) = (BillId::new(), taken["reading"]["id"].clone());
        let pins = pins(bill, &reading, "2026-03-31");
        let billing = office.billing();
        for _ in 0..2 {
            assert_eq!(billing.post("/internal/usage/pins", pins.clone()).await.expect(200), pins);
        }
        let correct = |id: &Value| format!("/readings/{}/correct", id.as_str().unwrap());
        let corrected = household.admin.post(&correct(&reading), json!({"value": "1325"})).await.expect(200);
        // Pinned again it is nothing new; another bill from what was corrected meanwhile is.
        billing.post("/internal/usage/pins", pins.clone()).await.expect(200);
        let late = self::pins(BillId::new(), &reading, "2026-03-31");
        billing.post("/internal/usage/pins", late).await.expect(200);
        let told = office.said("reading.corrected").await;
        assert_eq!(told.len(), 2);
        for told in told {
            assert_eq!((&told["billed"], &told["supersedes"], &told["reading_id"]),
                (&json!(true), &reading, &corrected["id"]));
            assert_eq!((&told["earlier_value"], &told["value"]), (&json!("1355"), &json!("1325")));
        }
        let pinned = self::pins(bill, &corrected["id"], "2026-03-31");
        billing.post("/internal/usage/pins", pinned).await.expect(200);
        for _ in 0..2 {
            assert_eq!(billing.delete(&format!("/internal/usage/pins/{bill}")).await.status, 204);
        }
        household.admin.post(&correct(&corrected["id"]), json!({"value": "1320"})).await.expect(200);
        assert_eq!(office.said("reading.corrected").await[2]["billed"], json!(false));

        let pinned = |id: &Value| json!({"id": id, "boundary": "2026-03-31"});
        let unknown = json!({"bill_id": bill, "readings": [pinned(&reading), pinned(&json!(ReadingId::new()))]});
        let unknown = billing.post("/internal/usage/pins", unknown).await;
        assert_eq!(unknown.expect_problem(422, "reading_unknown")["errors"][0]["pointer"], "/readings/1");
        let many = json!({"bill_id": bill, "readings": vec![pinned(&reading); 4_001]});
        billing.post("/internal/usage/pins", many).await.expect_problem(422, "count_invalid");
        assert_eq!(household.admin.post("/internal/usage/pins", pins).await.status, 401);
    }
}
