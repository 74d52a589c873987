//! Service accounts: who sees them, and by which tariff they are billed from when.

use busbar::types::{ServiceAccountId, TariffId, UserId};
use serde_json::json;

use super::office::{Household, Office, id_of, on_both, provider, tariff};

on_both! {
    /// Linking is told; the owner sees the account, another person finds nothing by any verb.
    async fn an_account_is_its_owners(office: Office) {
        let household = Household::supplied(&office).await;
        let path = format!("/service-accounts/{}", household.account);
        let told = office.said("service_account.linked").await;
        assert_eq!(told, [json!({"service_account_id": household.account,
            "provider_id": household.provider, "user_id": household.owner.id})]);

        let seen = household.owner.get(&path).await.expect(200);
        assert_eq!((&seen["reference"], &seen["address"]), (&json!("C-17"), &json!("12 River Road")));
        assert_eq!(seen["tariffs"], json!([{"tariff_id": household.tariff, "from": "0001-01-01"}]));
        let victor = office.customer();
        let choice = json!({"tariff_id": household.tariff, "from": "2026-01-01"});
        for (person, status, code) in
            [(&victor, 404, "service_account_not_found"), (&household.owner, 403, "insufficient_scope")]
        {
            person.put(&format!("{path}/tariff"), choice.clone()).await.expect_problem(status, code);
            person.post(&format!("{path}/close"), json!({})).await.expect_problem(status, code);
        }
        victor.get(&path).await.expect_problem(404, "service_account_not_found");
        let order = json!({"provider_id": household.provider, "user_id": victor.id});
        victor.post("/service-accounts", order).await.expect_problem(403, "insufficient_scope");

        let own = household.owner.get("/service-accounts").await.expect(200);
        assert_eq!(own["data"][0]["id"], json!(household.account));
        assert!(own["data"][0].get("tariffs").is_none());
        for asked in ["/service-accounts".to_owned(), format!("/service-accounts?user_id={}", household.owner.id)] {
            assert_eq!(victor.get(&asked).await.expect(200)["data"], json!([]));
        }
        let found = office.staff().get(&format!("/service-accounts?user_id={}", household.owner.id)).await;
        assert_eq!(found.expect(200)["data"].as_array().unwrap().len(), 1);
    }

    /// Only an active provider takes accounts, and only with tariffs of its own.
    async fn a_place_is_supplied_by_an_active_provider(office: Office) {
        let (admin, owner) = (office.admin(), office.customer());
        let order = |provider: &str| json!({"provider_id": provider, "user_id": owner.id});
        let active = id_of(&admin.post("/providers", provider()).await.expect(201));
        let mut draft = provider();
        draft["status"] = json!("draft");
        let draft = id_of(&admin.post("/providers", draft).await.expect(201));

        let refused = admin.post("/service-accounts", order(&draft)).await;
        refused.expect_problem(409, "provider_not_active");
        let unknown = admin.post("/service-accounts", order(&UserId::new().to_string())).await;
        assert_eq!(unknown.expect_problem(422, "provider_unknown")["errors"][0]["pointer"], "/provider_id");
        let mut foreign = tariff();
        foreign["provider_id"] = json!(draft);
        foreign["name"] = json!("Foreign");
        let foreign = id_of(&admin.post("/tariffs", foreign).await.expect(201));
        for tariff in [foreign, TariffId::new().to_string()] {
            let mut order = order(&active);
            order["tariff_id"] = json!(tariff);
            let refused = admin.post("/service-accounts", order).await;
            assert_eq!(refused.expect_problem(422, "tariff_unknown")["errors"][0]["pointer"], "/tariff_id");
        }
        admin.post(&format!("/providers/{active}/pause"), json!({})).await.expect(200);
        let paused = admin.post("/service-accounts", order(&active)).await;
        paused.expect_problem(409, "provider_paused");
        assert_eq!(admin.get("/service-accounts").await.expect(200)["data"], json!([]));
        assert_eq!(office.said("service_account.linked").await.len(), 0);
    }

    /// Tariffs have their days; the same day again is another choice for it.
    async fn an_account_changes_its_tariff_on_a_day(office: Office) {
        let household = Household::supplied(&office).await;
        let admin = &household.admin;
        let path = format!("/service-accounts/{}/tariff", household.account);
        let order = json!({"provider_id": household.provider, "name": "Night"});
        let night = id_of(&admin.post("/tariffs", order).await.expect(201));
        let choice = |tariff: &str| json!({"tariff_id": tariff, "from": "2026-03-01"});
        let set = admin.put(&path, choice(&household.tariff)).await.expect(200);
        assert_eq!(set["version"], 2);
        let set = admin.header("if-match", "\"v2\"").put(&path, choice(&night)).await.expect(200);
        assert_eq!(set["tariffs"], json!([{"tariff_id": household.tariff, "from": "0001-01-01"},
            {"tariff_id": night, "from": "2026-03-01"}]));
        let stale = admin.header("if-match", "\"v2\"").put(&path, choice(&night)).await;
        stale.expect_problem(412, "version_mismatch");
        let wrong = json!({"tariff_id": night, "from": "2026-02-30"});
        admin.put(&path, wrong).await.expect_problem(422, "date_invalid");
    }

    /// A closed account stays as it is.
    async fn a_closed_account_gets_nothing_more(office: Office) {
        let household = Household::supplied(&office).await;
        let admin = &household.admin;
        let path = format!("/service-accounts/{}", household.account);
        let closed = admin.post(&format!("{path}/close"), json!({})).await.expect(200);
        assert_eq!(closed["status"], "closed");
        let again = admin.post(&format!("{path}/close"), json!({})).await;
        again.expect_problem(409, "service_account_closed");
        let choice = json!({"tariff_id": household.tariff, "from": "2026-03-01"});
        let set = admin.put(&format!("{path}/tariff"), choice).await;
        set.expect_problem(409, "service_account_closed");
        let mut meter = json!({"service_account_id": household.account, "serial": "M-2",
            "registers": [{"unit": "kWh", "digits": 5}]});
        let made = admin.post("/meters", meter.clone()).await;
        made.expect_problem(409, "service_account_closed");
        meter["service_account_id"] = json!(ServiceAccountId::new());
        admin.post("/meters", meter).await.expect_problem(422, "service_account_unknown");
        // The last reading often comes after the end.
        assert_eq!(household.read("2026-11-01T00:00:00Z", "1000").await["accepted"], 1);
    }
}
