//! Readings one by one: what is taken, what is held, what is refused.

use serde_json::json;

use super::office::{Household, Office, first_of, id_of, on_both};

const NAME: &str = "busbar_utilities_readings_total";

on_both! {
    /// The same again has no effect; something else for the same instant is a conflict.
    async fn a_reading_is_taken_once(office: Office) {
        let household = Household::supplied(&office).await;
        let at = "2026-03-01T06:00:00Z";
        let taken = household.read(at, "1000").await;
        assert_eq!((&taken["accepted"], &taken["duplicates"]), (&json!(1), &json!(0)));
        assert_eq!((&taken["held"], &taken["rejected"]), (&json!([]), &json!([])));
        let again = household.read(at, "1000.000").await;
        assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(0), &json!(1)));
        let other = json!({"at": at, "value": "1001"});
        let conflict = household.admin.post(&household.readings(), other).await;
        let conflict = conflict.expect_problem(409, "reading_conflict");
        assert_eq!(conflict["reading_id"], taken["reading"]["id"]);

        let listed = household.owner.get(&household.readings()).await.expect(200);
        assert_eq!(listed["data"], json!([taken["reading"]]));
        let told = office.said("reading.recorded").await;
        assert_eq!(told.len(), 1);
        assert_eq!((&told[0]["value"], &told[0]["count"]), (&json!("1000"), &json!(1)));
        assert_eq!((&told[0]["meter_id"], &told[0]["register_id"]),
            (&json!(household.meter), &json!(household.register)));
        assert_eq!(office.figure(NAME, "result=\"accepted\""), 1.0);
        assert_eq!(office.figure(NAME, "result=\"duplicate\""), 1.0);
    }

    /// Of two that come at the same time with different values, one is taken.
    async fn one_of_two_at_once_is_taken(office: Office) {
        let household = Household::supplied(&office).await;
        let deliver = |value: u32| {
            let (admin, path) = (household.admin.clone(), household.readings());
            let reading = json!({"at": "2026-03-01T06:00:00Z", "value": value.to_string()});
            async move { admin.post(&path, reading).await.status }
        };
        let answers = futures_util::future::join_all((0..8).map(|n| deliver(1000 + n))).await;
        assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|status| **status == 409).count(), 7, "{answers:?}");
    }

    /// What cannot be a reading of the meter is refused, with its place.
    async fn a_wrong_reading_is_refused(office: Office) {
        let household = Household::supplied(&office).await;
        let good = json!({"at": "2026-03-01T06:00:00Z", "value": "1000"});
        for (member, value, code) in [
            ("at", json!("2026-11-25T12:06:00Z"), "reading_in_future"),
            ("at", json!("yesterday"), "timestamp_invalid"),
            ("value", json!("100000"), "value_out_of_range"),
            ("value", json!("-1"), "decimal_invalid"),
            ("value", json!(1000), "type_mismatch"),
            ("register_id", json!(household.meter), "register_unknown"),
            ("quality", json!("guessed"), "quality_unknown"),
            ("status", json!("accepted"), "unknown_field"),
        ] {
            let mut reading = good.clone();
            reading[member] = value;
            let refused = household.admin.post(&household.readings(), reading).await;
            assert_eq!(refused.expect_problem(422, code)["errors"][0]["pointer"], format!("/{member}"));
        }
        let ahead = json!({"at": "2026-11-25T12:04:00Z", "value": "1"});
        household.admin.post(&household.readings(), ahead).await.expect(200);
        let two = json!({"service_account_id": household.account, "serial": "M-2",
            "registers": [{"unit": "kWh", "digits": 5}, {"unit": "kWh", "digits": 5}]});
        let two = household.admin.post("/meters", two).await.expect(201);
        let unnamed = household.admin.post(&format!("/meters/{}/readings", id_of(&two)), good).await;
        unnamed.expect_problem(422, "register_unknown");
    }

    /// A correction takes the place of what was there; both are kept, and it is told.
    async fn a_correction_keeps_both(office: Office) {
        let household = Household::supplied(&office).await;
        let at = "2026-03-01T06:00:00Z";
        let first = household.read(at, "1000").await["reading"].clone();
        let reading = json!({"at": at, "value": "990", "quality": "corrected"});
        let taken = household.admin.post(&household.readings(), reading.clone()).await.expect(200);
        assert_eq!(taken["accepted"], 1);
        assert_eq!(taken["reading"]["supersedes"], first["id"]);
        let again = household.admin.post(&household.readings(), reading).await.expect(200);
        assert_eq!(again["duplicates"], 1);

        let was = household.owner.get(&format!("/readings/{}", id_of(&first))).await.expect(200);
        assert_eq!((&was["status"], &was["value"]), (&json!("superseded"), &json!("1000")));
        let told = office.said("reading.corrected").await;
        assert_eq!(told.len(), 1);
        assert_eq!((&told[0]["supersedes"], &told[0]["value"]), (&first["id"], &json!("990")));
        assert_eq!((&told[0]["earlier_value"], &told[0]["billed"]), (&json!("1000"), &json!(false)));
        assert_eq!(office.figure(NAME, "result=\"corrected\""), 1.0);
    }

    /// 99870 and then 00120 on five digits is 250 counted over the last number.
    async fn a_plausible_rollover_counts(office: Office) {
        let household = Household::supplied(&office).await;
        household.used_until(4, 99_870).await;
        let taken = household.read(&first_of(5), "00120").await;
        assert_eq!((&taken["accepted"], &taken["held"]), (&json!(1), &json!([])));
        let usage = office.billing().get(&household.usage("2026-04-01", "2026-05-01")).await;
        let usage = usage.expect(200);
        let register = &usage["registers"][0];
        assert_eq!((&register["quantity"], &register["rolled_over"]), (&json!("250"), &json!(true)));
    }

    /// 50000 and then 00120 is no rollover: it is held, counts for nothing, and is told.
    async fn a_suspect_reading_is_held(office: Office) {
        let household = Household::supplied(&office).await;
        household.used_until(4, 50_000).await;
        let taken = household.read(&first_of(5), "00120").await;
        assert_eq!(taken["accepted"], 0);
        let held = &taken["held"][0];
        assert_eq!((&held["code"], &held["suspicion"]),
            (&json!("suspect_reading"), &json!("lower_than_before")));
        assert_eq!(taken["reading"]["status"], "held");
        let usage = office.billing().get(&household.usage("2026-04-01", "2026-05-01")).await;
        let usage = usage.expect(200);
        assert_eq!(usage["registers"], json!([]));
        assert_eq!((&usage["gaps"][0]["reason"], &usage["gaps"][0]["near"]["id"]),
            (&json!("reading_held"), &held["reading_id"]));
        let told = office.said("reading.held").await;
        assert_eq!((&told[0]["value"], &told[0]["suspicion"]), (&json!("120"), &json!("lower_than_before")));
        let waiting = household.admin.get("/readings/held").await.expect(200);
        assert_eq!(waiting["data"], json!([taken["reading"]]));
        assert_eq!(office.figure("busbar_utilities_readings_held", ""), 1.0);
        assert_eq!(office.figure(NAME, "result=\"held\""), 1.0);
    }

    /// Three times the usual is held once it is known what is usual; the next one is compared with
    /// what counts.
    async fn far_more_than_usual_is_held(office: Office) {
        let household = Household::supplied(&office).await;
        household.used_until(4, 2_000).await;
        let high = household.read(&first_of(5), "3000").await;
        assert_eq!(high["held"][0]["suspicion"], "higher_than_usual");
        let usual = household.read(&first_of(6), "2480").await;
        assert_eq!((&usual["accepted"], &usual["held"]), (&json!(1), &json!([])));
        // A late one that does not lead to the next one is held too.
        let late = household.read("2026-03-15T12:00:00Z", "2100").await;
        assert_eq!(late["held"][0]["suspicion"], "lower_than_before");
    }

    /// Lists are of a register, from an instant up to another, in pages.
    async fn readings_are_listed(office: Office) {
        let household = Household::supplied(&office).await;
        household.used_until(5, 2_000).await;
        let path = household.readings();
        let of = async |query: &str| {
            let page = household.owner.get(&format!("{path}?{query}")).await.expect(200);
            let readings = page["data"].as_array().unwrap().clone();
            let values = readings.iter().map(|reading| reading["value"].as_str().unwrap().to_owned());
            (values.collect::<Vec<_>>(), page["next_cursor"].as_str().map(str::to_owned))
        };
        let (values, _) = of(&format!("register_id={}", household.register)).await;
        assert_eq!(values, ["2000", "1760", "1520", "1280", "1040"]);
        let (values, _) = of("from=2026-02-01T12:00:00Z&to=2026-04-01T12:00:00Z").await;
        assert_eq!(values, ["1520", "1280"]);
        let (values, cursor) = of("limit=3").await;
        assert_eq!(values, ["2000", "1760", "1520"]);
        let (values, cursor) = of(&format!("cursor={}", cursor.unwrap())).await;
        assert_eq!((values, cursor), (vec!["1280".to_owned(), "1040".to_owned()], None));
        assert_eq!(of("status=held").await.0, Vec::<String>::new());
        let wrong = household.owner.get(&format!("{path}?from=x")).await;
        wrong.expect_problem(422, "timestamp_invalid");
    }
}
