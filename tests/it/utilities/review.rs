//! What staff decide on readings.

use busbar::types::ReadingId;
use serde_json::json;

use super::office::{Household, Office, first_of, id_of, on_both};

on_both! {
    /// An approved reading counts, as a register that began again.
    async fn an_approved_reading_counts(office: Office) {
        let household = Household::supplied(&office).await;
        household.used_until(4, 50_000).await;
        let held = household.read(&first_of(5), "120").await["reading"].clone();
        let path = format!("/readings/{}/approve", id_of(&held));
        let stale = household.admin.header("if-match", "\"v7\"").post(&path, json!({})).await;
        stale.expect_problem(412, "version_mismatch");
        let approved = household.admin.post(&path, json!({})).await.expect(200);
        assert_eq!((&approved["status"], &approved["version"]), (&json!("accepted"), &json!(2)));
        let again = household.admin.post(&path, json!({})).await.expect_problem(409, "invalid_state");
        assert_eq!((&again["current"], &again["allowed"]), (&json!("accepted"), &json!(["held"])));

        let usage = office.billing().get(&household.usage("2026-04-01", "2026-05-01")).await;
        let usage = usage.expect(200);
        assert_eq!((&usage["registers"][0]["quantity"], &usage["gaps"]), (&json!("50120"), &json!([])));
        let told = office.said("reading.recorded").await;
        assert_eq!(told.last().unwrap()["reading_id"], held["id"]);
        assert_eq!(office.figure("busbar_utilities_readings_held", ""), 0.0);
    }

    /// A held reading is corrected: what it really showed counts in its place.
    async fn a_corrected_reading_counts_in_its_place(office: Office) {
        let household = Household::supplied(&office).await;
        household.used_until(4, 50_000).await;
        let held = household.read(&first_of(5), "120").await["reading"].clone();
        let path = format!("/readings/{}/correct", id_of(&held));
        let order = json!({"value": "50240", "source": "photo"});
        let corrected = household.admin.post(&path, order).await.expect(200);
        assert_eq!((&corrected["status"], &corrected["quality"]), (&json!("accepted"), &json!("corrected")));
        assert_eq!((&corrected["supersedes"], &corrected["at"]), (&held["id"], &held["at"]));
        let usage = office.billing().get(&household.usage("2026-04-01", "2026-05-01")).await;
        assert_eq!(usage.expect(200)["registers"][0]["quantity"], "240");
        for step in ["correct", "void"] {
            let path = format!("/readings/{}/{step}", id_of(&held));
            let again = household.admin.post(&path, json!({"value": "1"})).await;
            assert_eq!(again.expect_problem(409, "invalid_state")["current"], "superseded");
        }
        let path = format!("/readings/{}/correct", id_of(&corrected));
        let wide = household.admin.post(&path, json!({"value": "100000"})).await;
        wide.expect_problem(422, "value_out_of_range");
        assert_eq!(office.figure("busbar_utilities_readings_held", ""), 0.0);
    }

    /// A void reading counts for nothing, and its instant is free again.
    async fn a_void_reading_counts_for_nothing(office: Office) {
        let household = Household::supplied(&office).await;
        let at = first_of(4);
        let taken = household.read(&at, "50000").await["reading"].clone();
        let path = format!("/readings/{}/void", id_of(&taken));
        assert_eq!(household.admin.post(&path, json!({})).await.expect(200)["status"], "void");
        household.admin.post(&path, json!({})).await.expect_problem(409, "invalid_state");
        let told = office.said("reading.corrected").await;
        assert_eq!((&told[0]["supersedes"], &told[0]["value"]), (&taken["id"], &json!(null)));
        assert_eq!(household.read(&at, "5000").await["accepted"], 1);
        let unknown = format!("/readings/{}/void", ReadingId::new());
        household.admin.post(&unknown, json!({})).await.expect_problem(404, "reading_not_found");
    }
}
