//! Utilities through the gateway of the real program, beside the other services.

use busbar::types::ServiceName;
use serde_json::json;

use super::office::Household;
use crate::support::both_engines;

both_engines! {
    /// A reading that was taken in is there after a kill, once, and what was told arrives.
    async fn a_reading_survives_a_kill(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let household = Household::made(admin.clone(), alice.clone(), "/api").await;
        let path = format!("/api{}", household.readings());
        let start = json!({"at": "2024-03-01T06:00:00Z", "value": "1000"});
        let end = json!({"at": "2024-03-31T05:00:00Z", "value": "1355"});
        admin.post(&path, start).await.expect(200);
        let taken = admin.post(&path, end.clone()).await.expect(200);
        system.kill();
        system.start_again().await;

        let kept = alice.get(&path).await.expect(200);
        assert_eq!((&kept["data"][0], kept["data"].as_array().unwrap().len()), (&taken["reading"], 2));
        assert_eq!(admin.post(&path, end).await.expect(200)["duplicates"], 1);
        let billing = system.internal_as("billing", ServiceName::Utilities);
        let usage = billing.get(&household.usage("2024-03-01", "2024-03-31")).await.expect(200);
        assert_eq!(usage["registers"][0]["quantity"], "355");
        let arrived = async || system.figure(ServiceName::Utilities, "busbar_outbox_pending").await == 0.0;
        system.eventually("the events of utilities have arrived", arrived).await;
    }

    /// Nobody finds another person's account, meter or readings, nor right after their owner did;
    /// what services ask each other is not reachable.
    async fn what_is_anothers_is_not_there(system: TestSystem) {
        let (alice, victor) = (system.person("alice").await, system.person("victor").await);
        let household = Household::made(system.admin().await, alice.clone(), "/api").await;
        for (path, code) in [
            (format!("/api/service-accounts/{}", household.account), "service_account_not_found"),
            (format!("/api/meters/{}", household.meter), "meter_not_found"),
            (format!("/api{}", household.readings()), "meter_not_found"),
        ] {
            for _ in 0..2 {
                alice.get(&path).await.expect(200);
                victor.get(&path).await.expect_problem(404, code);
            }
            system.anonymous().get(&path).await.expect_problem(401, "unauthenticated");
        }
        for list in ["/api/utilities", "/api/providers", "/api/tariffs"] {
            assert_eq!(victor.get(list).await.expect(200)["data"].as_array().unwrap().len(), 1);
        }
        let inside = format!("/api{}", household.usage("2024-03-01", "2024-03-31"));
        assert_eq!(alice.get(&inside).await.status, 404);
    }
}
