//! Many readings in one body: JSON or a table.

use awc::http::Method;
use busbar::types::Timestamp;
use serde_json::{Value, json};

use super::office::{Household, Office, on_both};
use crate::support::{Answer, Person};

/// Sends a table.
async fn post_table(person: &Person, path: &str, text: &str) -> Answer {
    let client = awc::Client::builder().timeout(std::time::Duration::from_secs(40)).finish();
    let request = client.post(format!("{}{path}", person.base));
    let request = request.bearer_auth(person.token.as_ref().unwrap()).content_type("text/csv");
    let mut answer = request.send_body(text.to_owned()).await.unwrap();
    let body = answer.body().limit(64 << 20).await.unwrap();
    Answer {
        asked: format!("POST {path}"),
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        json: serde_json::from_slice(&body).unwrap_or(Value::Null),
        body: body.to_vec(),
    }
}

/// The n-th quarter of an hour of 2026.
fn quarter(number: i64) -> Timestamp {
    Timestamp::from_seconds(1_767_225_600 + number * 900)
}

on_both! {
    /// Of a batch, what is in order is kept; each of the others is named by its place.
    async fn what_is_in_order_is_kept(office: Office) {
        let household = Household::supplied(&office).await;
        household.used_until(4, 50_000).await;
        let batch = json!({"readings": [
            {"at": "2026-04-03T12:00:00Z", "value": "50016"},
            {"at": "2026-04-02T12:00:00Z", "value": "50008", "external_id": "x-1"},
            {"at": "2026-04-02T12:00:00Z", "value": "50009"},
            {"at": "2026-04-01T12:00:00Z", "value": "50000"},
            {"at": "2026-04-05T12:00:00Z", "value": "120"},
            {"at": "2026-12-31T12:00:00Z", "value": "50016"},
            {"at": "2026-04-06T12:00:00Z", "value": 1},
            {"at": "2026-03-01T12:00:00Z", "value": "49770", "quality": "corrected"}]});
        let taken = household.admin.post(&household.readings(), batch.clone()).await.expect(200);
        assert_eq!((&taken["accepted"], &taken["duplicates"]), (&json!(3), &json!(1)), "{taken}");
        let wrong = |member: &str, place: usize, name: &str| taken[member][place][name].clone();
        assert_eq!(wrong("held", 0, "index"), 4);
        let rejected: Vec<_> = (0..3)
            .map(|place| ["index", "pointer", "code"].map(|name| wrong("rejected", place, name)))
            .collect();
        assert_eq!(json!(rejected), json!([[2, "/value", "reading_conflict"],
            [5, "/at", "reading_in_future"], [6, "/value", "type_mismatch"]]));
        assert!(taken.get("reading").is_none());

        let told = office.said("reading.recorded").await;
        let last = told.last().unwrap();
        assert_eq!((&last["count"], &last["value"]), (&json!(2), &json!("50016")));
        assert_eq!(last["first_at"], "2026-04-02T12:00:00.000Z");
        assert_eq!(office.said("reading.corrected").await.len(), 1);

        let again = household.admin.post(&household.readings(), batch).await.expect(200);
        assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(0), &json!(5)), "{again}");
    }

    /// Ten thousand readings come in one table: one event, and the same again has no effect.
    async fn ten_thousand_readings_come_in_one_table(office: Office) {
        let household = Household::supplied(&office).await;
        let row = |number: i64| format!("{},{}.{}\n", quarter(number), number / 10, number % 10);
        let table: String = (0..10_000).map(row).collect();
        let table = format!("at,value\n{table}");
        let path = household.readings();
        let taken = post_table(&household.admin, &path, &table).await.expect(200);
        assert_eq!((&taken["accepted"], &taken["held"]), (&json!(10_000), &json!([])));
        let told = office.said("reading.recorded").await;
        assert_eq!(told.len(), 1);
        assert_eq!((&told[0]["count"], &told[0]["value"]), (&json!(10_000), &json!("999.9")));
        let again = post_table(&household.admin, &path, &table).await.expect(200);
        assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(0), &json!(10_000)));

        let many = post_table(&household.admin, &path, &format!("{table}{}", row(10_000))).await;
        many.expect_problem(422, "reading_count_invalid");
    }

    /// A table names its columns; rows are refused by their number.
    async fn a_table_names_its_columns(office: Office) {
        let household = Household::supplied(&office).await;
        let (register, path) = (&household.register, household.readings());
        let table = format!("register_id,at,value,quality,external_id\n\
            {register},2026-03-01T06:00:00Z,1000,actual,a-1\n\
            {register},2026-03-02T06:00:00Z,x,,\n\
            {register},2026-03-03T06:00:00Z\n\
            {register},2026-03-04T06:00:00Z,1024,estimated,\n");
        let taken = post_table(&household.admin, &path, &table).await.expect(200);
        assert_eq!(taken["accepted"], 2);
        assert_eq!((&taken["rejected"][0]["index"], &taken["rejected"][0]["code"]),
            (&json!(1), &json!("decimal_invalid")));
        assert_eq!((&taken["rejected"][1]["index"], &taken["rejected"][1]["code"]),
            (&json!(2), &json!("csv_row_invalid")));
        for (text, code) in [("at,value,colour\n", "csv_column_unknown"), ("at\n", "csv_column_missing"),
            ("at,value,at\n", "csv_column_repeated"), ("at,value\n", "reading_count_invalid")]
        {
            post_table(&household.admin, &path, text).await.expect_problem(422, code);
        }
    }

    /// Bodies have a bound, a form and a count.
    async fn a_body_has_its_bounds(office: Office) {
        let household = Household::supplied(&office).await;
        let (admin, path) = (&household.admin, household.readings());
        let large = format!("at,value\n{}", " ".repeat(1 << 20));
        post_table(admin, &path, &large).await.expect_problem(413, "body_too_large");
        admin.post(&path, json!({"readings": []})).await.expect_problem(422, "reading_count_invalid");
        let beside = json!({"readings": [], "at": "x"});
        admin.post(&path, beside).await.expect_problem(422, "unknown_field");
        let broken = admin.send(Method::POST, &path, Some("{".into())).await;
        broken.expect_problem(400, "invalid_json");
        let typeless = admin.send(Method::POST, &path, None).await;
        typeless.expect_problem(415, "unsupported_media_type");
    }

    /// A reading and its correction may come together, in this order.
    async fn a_reading_may_come_with_its_correction(office: Office) {
        let household = Household::supplied(&office).await;
        let mut readings: Vec<Value> = (0..13)
            .map(|number| json!({"at": quarter(number), "value": number.to_string()}))
            .collect();
        readings.insert(6, json!({"at": quarter(5), "value": "5.5", "quality": "corrected"}));
        let batch = json!({"readings": readings});
        let taken = household.admin.post(&household.readings(), batch).await.expect(200);
        assert_eq!((&taken["accepted"], &taken["rejected"]), (&json!(14), &json!([])));
        let path = format!("{}?status=superseded", household.readings());
        let was = household.owner.get(&path).await.expect(200);
        assert_eq!((&was["data"][0]["value"], was["data"].as_array().unwrap().len()), (&json!("5"), 1));
        let told = office.said("reading.corrected").await;
        assert_eq!((&told[0]["supersedes"], &told[0]["value"]), (&was["data"][0]["id"], &json!("5.5")));
    }

    /// Corrections of one delivery are bounded: the ones too many are told, and can come again.
    async fn corrections_of_one_delivery_are_bounded(office: Office) {
        let household = Household::supplied(&office).await;
        let batch = |value: &str, quality: &str| {
            let reading = |number: i64| json!({"at": quarter(number), "value": value, "quality": quality});
            json!({"readings": (0..501).map(reading).collect::<Vec<_>>()})
        };
        let path = household.readings();
        household.admin.post(&path, batch("1", "actual")).await.expect(200);
        let taken = household.admin.post(&path, batch("2", "corrected")).await.expect(200);
        assert_eq!(taken["accepted"], 500);
        assert_eq!((&taken["rejected"][0]["index"], &taken["rejected"][0]["code"]),
            (&json!(500), &json!("corrections_too_many")));
        let again = household.admin.post(&path, batch("2", "corrected")).await.expect(200);
        assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(1), &json!(500)));
    }
}
