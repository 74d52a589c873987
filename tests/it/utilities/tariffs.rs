//! Tariffs and their versions.

use busbar::types::TariffId;
use serde_json::{Value, json};

use super::office::{Household, Office, id_of, on_both, provider, tariff};

/// The content with another value at a pointer.
fn with(pointer: &str, value: Value) -> Value {
    let mut content = tariff();
    *content.pointer_mut(pointer).unwrap() = value;
    content
}

on_both! {
    /// A version is kept as it was written, told, and never another one for the same day.
    async fn a_version_is_published_once_for_a_day(office: Office) {
        let household = Household::supplied(&office).await;
        let path = format!("/tariffs/{}", household.tariff);
        let first = household.owner.get(&format!("{path}/versions/1")).await.expect(200);
        assert_eq!((&first["content"], &first["effective_from"]), (&tariff(), &json!("2024-01-01")));
        let versions = format!("{path}/versions");
        let overlap = household.admin.post(&versions, tariff()).await;
        overlap.expect_problem(409, "tariff_overlap");
        let later = with("/effective_from", json!("2026-07-01"));
        let second = household.admin.keyed("v-2").post(&versions, later.clone()).await.expect(201);
        assert_eq!(second["version"], 2);
        let again = household.admin.keyed("v-2").post(&versions, later).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        let shown = household.owner.get(&path).await.expect(200);
        let listed: Vec<_> = shown["versions"].as_array().unwrap().iter()
            .map(|version| (version["version"].clone(), version["effective_from"].clone())).collect();
        assert_eq!(listed, [(json!(1), json!("2024-01-01")), (json!(2), json!("2026-07-01"))]);
        let told = office.said("tariff.version_published").await;
        assert_eq!(told.len(), 2);
        assert_eq!((&told[1]["tariff_id"], &told[1]["version"], &told[1]["effective_from"]),
            (&json!(household.tariff), &json!(2), &json!("2026-07-01")));
        let none = household.owner.get(&format!("{path}/versions/3")).await;
        none.expect_problem(404, "tariff_not_found");
    }

    /// A version that could not be rated is refused with its place, and nothing is stored.
    async fn a_bad_tariff_is_refused(office: Office) {
        let household = Household::supplied(&office).await;
        let versions = format!("/tariffs/{}/versions", household.tariff);
        for (pointer, value, code, at) in [
            ("/components/1/tiers/2/upto", json!("900"), "tier_unbounded_missing", "/components/1/tiers/2/upto"),
            ("/components/1/tiers/0/rate", json!(0.1), "type_mismatch", "/components/1/tiers/0/rate"),
            ("/tou", json!([{"id": "peak", "days": ["mon"], "from": "06:00", "to": "22:00"}]), "tou_gap", "/tou"),
            ("/currency", json!("EUR"), "currency_mismatch", "/currency"),
            ("/timezone", json!("UTC"), "timezone_mismatch", "/timezone"),
        ] {
            let mut content = with(pointer, value);
            content["effective_from"] = json!("2026-07-01");
            let refused = household.admin.post(&versions, content.clone()).await;
            assert_eq!(refused.expect_problem(422, code)["errors"][0]["pointer"], at);
            content["provider_id"] = json!(household.provider);
            content["name"] = json!("New");
            let refused = household.admin.post("/tariffs", content).await;
            assert_eq!(refused.expect_problem(422, code)["errors"][0]["pointer"], at);
        }
        let shown = household.admin.get("/tariffs").await.expect(200);
        assert_eq!(shown["data"].as_array().unwrap().len(), 1);
        let shown = household.admin.get(&format!("/tariffs/{}", household.tariff)).await.expect(200);
        assert_eq!(shown["versions"].as_array().unwrap().len(), 1);
        assert_eq!(office.said("tariff.version_published").await.len(), 1);
    }

    /// A tariff belongs to a provider; it may begin without a version.
    async fn a_tariff_belongs_to_a_provider(office: Office) {
        let household = Household::supplied(&office).await;
        let order = json!({"provider_id": household.provider, "name": "Night"});
        let made = household.admin.post("/tariffs", order.clone()).await.expect(201);
        assert_eq!(made["versions"], json!([]));
        let mut wrong = order.clone();
        wrong["provider_id"] = json!(TariffId::new());
        let unknown = household.admin.post("/tariffs", wrong).await;
        assert_eq!(unknown.expect_problem(422, "provider_unknown")["errors"][0]["pointer"], "/provider_id");
        let mut wrong = order.clone();
        wrong["name"] = json!("");
        let unnamed = household.admin.post("/tariffs", wrong).await;
        assert_eq!(unnamed.expect_problem(422, "name_invalid")["errors"][0]["pointer"], "/name");
        let mut wrong = order;
        wrong["colour"] = json!("green");
        let unknown = household.admin.post("/tariffs", wrong).await;
        assert_eq!(unknown.expect_problem(422, "unknown_field")["errors"][0]["pointer"], "/colour");
    }

    /// Prices of a provider that nobody sees yet are seen by staff alone; only staff set prices.
    async fn prices_are_seen_with_their_provider(office: Office) {
        let (admin, person) = (office.admin(), office.customer());
        let mut draft = provider();
        draft["status"] = json!("draft");
        let provider = id_of(&admin.post("/providers", draft).await.expect(201));
        let mut order = tariff();
        order["provider_id"] = json!(provider);
        order["name"] = json!("Soon");
        let soon = id_of(&admin.post("/tariffs", order.clone()).await.expect(201));
        let path = format!("/tariffs/{soon}");
        person.get(&path).await.expect_problem(404, "tariff_not_found");
        person.get(&format!("{path}/versions/1")).await.expect_problem(404, "tariff_not_found");
        assert_eq!(person.get("/tariffs").await.expect(200)["data"], json!([]));
        let listed = admin.get(&format!("/tariffs?provider_id={provider}")).await.expect(200);
        assert_eq!(listed["data"][0]["id"], json!(soon));
        person.post("/tariffs", order).await.expect_problem(403, "insufficient_scope");
        let hidden = person.post(&format!("{path}/versions"), tariff()).await;
        hidden.expect_problem(404, "tariff_not_found");
        let household = Household::supplied(&office).await;
        let versions = format!("/tariffs/{}/versions", household.tariff);
        person.post(&versions, tariff()).await.expect_problem(403, "insufficient_scope");
    }
}
