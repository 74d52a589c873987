//! A session that has ended is over at the gateway a moment later, for every service behind it.

use busbar::types::ServiceName;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Keeper, claims, gateway};
use crate::support::person::PASSWORD;
use crate::support::system::ADMIN_EMAIL;
use crate::support::wire::Scripted;
use crate::support::{Person, TestSystem, both_engines};

async fn is_refused(system: &TestSystem, what: &str, person: &Person) {
    let at_gateway = person.at(&system.url());
    system.eventually(what, async || at_gateway.get("/api/bills").await.status == 401).await;
    let refused = at_gateway.get("/api/bills").await;
    assert_eq!(refused.header("www-authenticate"), "Bearer error=\"invalid_token\"", "{refused}");
    refused.expect_problem(401, "token_revoked");
    // The service itself knows the keys only.
    person.at(&system.service_url(ServiceName::Billing)).get("/bills").await.expect(200);
}

both_engines! {
    /// However it ends, its access token is refused before another service sees it.
    async fn a_session_that_has_ended_is_over_at_the_gateway(system: TestSystem) {
        let admin = system.admin().await;
        let ada = system.person("ada").await;
        let other = Person::logged_in(&system.url(), "ada@example.org", PASSWORD).await;
        let bea = system.person("bea").await;
        for person in [&ada, &other, &bea] {
            person.get("/api/bills").await.expect(200);
        }

        other.post("/api/auth/logout", json!({})).await.expect(204);
        is_refused(&system, "a logout is known", &other).await;
        ada.get("/api/bills").await.expect(200);

        let third = Person::logged_in(&system.url(), "ada@example.org", PASSWORD).await;
        let change = json!({"current": PASSWORD, "new": "another long sentence"});
        third.post("/api/auth/password/change", change).await.expect(204);
        is_refused(&system, "a change of the password is known", &ada).await;
        third.get("/api/bills").await.expect(200);

        admin.post(&format!("/api/users/{}/suspend", bea.id), json!({})).await.expect(200);
        is_refused(&system, "a suspension is known", &bea).await;
        admin.get("/api/bills").await.expect(200);

        // Also for what the gateway does by itself.
        let gone = Person::logged_in(&system.url(), ADMIN_EMAIL, PASSWORD).await;
        gone.post("/api/gateway/cache/purge", json!({})).await.expect(204);
        gone.post("/api/auth/logout", json!({})).await.expect(204);
        is_refused(&system, "a logout is known", &gone).await;
        let purge = gone.post("/api/gateway/cache/purge", json!({})).await;
        purge.expect_problem(401, "token_revoked");
        let known = system.figure(ServiceName::Gateway, "busbar_gateway_ended_sessions").await;
        assert!(known >= 4.0, "three sessions and one version: {known}");
    }

    /// A role that was taken away is gone behind the gateway too; the session goes on with the one
    /// that is left.
    async fn a_role_that_was_taken_away_is_gone_at_the_gateway(system: TestSystem) {
        const FOR_STAFF: &str = "/api/analytics/dashboard";
        let (admin, ada) = (system.admin().await, system.person("ada").await);
        let path = format!("/api/users/{}/roles", ada.id);
        let give = async |role: &str| admin.put(&path, json!({ "role": role })).await.expect(200);
        give("operator").await;
        let order = json!({"email": "ada@example.org", "password": PASSWORD});
        let given = system.anonymous().post("/api/auth/login", order).await.expect(200);
        let with = |tokens: &Value| {
            Person::with_token(&system.url(), tokens["access_token"].as_str().unwrap())
        };
        let operator = with(&given);
        operator.get(FOR_STAFF).await.expect(200);

        give("customer").await;
        is_refused(&system, "the end of a role is known", &operator).await;
        operator.get(FOR_STAFF).await.expect_problem(401, "token_revoked");
        let order = json!({"refresh_token": given["refresh_token"]});
        let next = system.anonymous().post("/api/auth/refresh", order).await.expect(200);
        assert_eq!(next["session_id"], given["session_id"]);
        let customer = with(&next);
        customer.get("/api/bills").await.expect(200);
        customer.get(FOR_STAFF).await.expect_problem(403, "insufficient_scope");
    }

    /// The list of what has ended is for the gateway, and tells the last moments again.
    async fn what_has_ended_is_told_to_the_gateway(system: TestSystem) {
        const PATH: &str = "/internal/sessions/ended";
        let ada = system.person("ada").await;
        ada.delete("/api/auth/sessions").await.expect(204);
        let admin = system.admin().await;
        admin.post(&format!("/api/users/{}/suspend", ada.id), json!({})).await.expect(200);

        let at_users = system.service_url(ServiceName::Users);
        Person::anonymous(&at_users).get(PATH).await.expect_problem(401, "unauthenticated");
        let refused = system.internal(ServiceName::Users).get(PATH).await;
        refused.expect_problem(403, "insufficient_scope");
        system.anonymous().get(PATH).await.expect_problem(404, "not_found");

        let gateway = system.internal_as("gateway", ServiceName::Users);
        let first = gateway.get(PATH).await.expect(200);
        let told = first["ended"].as_array().unwrap();
        assert_eq!(told.len(), 2, "{first}");
        assert!(Uuid::parse_str(told[0]["id"].as_str().unwrap()).is_ok());
        assert_eq!((&told[0]["kind"], &told[0]["version"]), (&json!("session"), &json!(0)));
        assert_eq!((&told[1]["kind"], &told[1]["version"]), (&json!("user"), &json!(1)));
        assert_eq!(told[1]["id"], json!(ada.id));
        assert_eq!((&first["is_more"], &first["keep_seconds"]), (&json!(false), &json!(600)));

        let after = format!("{PATH}?after={}", first["resume"].as_str().unwrap());
        let again = gateway.get(&after).await.expect(200);
        assert_eq!(again["ended"], first["ended"]);
        let bad = gateway.get(&format!("{PATH}?after=x")).await;
        bad.expect_problem(422, "cursor_invalid");
    }
}

/// A version that is too low is refused as well, and what is known stays known when the users
/// service is gone.
#[actix_web::test]
async fn what_has_ended_stays_known_without_the_users_service() {
    let (keeper, payments) = (Keeper::start(), Scripted::saying("payments"));
    let services = [(ServiceName::Users, &keeper.service), (ServiceName::Payments, &payments)];
    let system = gateway(&services, &[("GATEWAY_KEEP_ALIVE_MS", "100")]).await;
    let (old, ended, good) = (claims(), claims(), claims());
    let [old_token, ended_token, good_token] =
        [&old, &ended, &good].map(|claims| keeper.key.sign(claims).unwrap());
    let asked = async |token: &str| {
        Person::with_token(&system.url(), token).get("/api/payments").await.status
    };
    for token in [&old_token, &ended_token, &good_token] {
        assert_eq!(asked(token).await, 200);
    }
    *keeper.ended.lock().unwrap() = vec![
        json!({"kind": "user", "id": old.sub, "version": 1}),
        json!({"kind": "session", "id": ended.sid, "version": 0}),
    ];
    let is_known = async || asked(&old_token).await == 401 && asked(&ended_token).await == 401;
    system.eventually("it is told", is_known).await;
    let Keeper { service, key, .. } = keeper;
    drop(service);
    system.wait_for_log("which sessions end is not heard for the moment").await;
    assert!(is_known().await);
    assert_eq!(asked(&good_token).await, 200);
    let next = busbar_http::caller::UserClaims { ver: 1, ..old };
    assert_eq!(asked(&key.sign(&next).unwrap()).await, 200, "a newer version is good");
}
