//! Before the services themselves: nobody gets what is another's.

use busbar::types::ServiceName;
use serde_json::json;

use super::super::{before, gateway};
use crate::support::orders::order;
use crate::support::wire::{Scripted, Then, say};
use crate::support::{MONEY, Person, both_engines};

both_engines! {
    /// Two people ask for their own at one address, a hundred times each.
    async fn each_gets_their_own(system: TestSystem) {
        let (alice, bob) = (system.person("alice").await, system.person("bob").await);
        for _ in 0..100 {
            for person in [&alice, &bob] {
                let answer = person.get("/api/users/me").await;
                assert_eq!(answer.json["id"], json!(person.id));
                assert_eq!(answer.header("x-cache"), "BYPASS");
                assert!(!answer.header("cache-status").contains("stored"), "{answer}");
            }
        }
    }
}

both_engines! {
    with &MONEY;
    /// As soon as billing knows that it is paid.
    async fn a_paid_bill_is_paid_at_the_next_look(system: TestSystem) {
        let alice = system.person("alice").await;
        let bill = system.issued_bill(&alice, 4_200).await;
        let page = format!("/api/bills/{bill}");
        let beside = alice.at(&system.service_url(ServiceName::Billing));
        let status = async |person: &Person, path: &str| {
            person.get(path).await.expect(200)["status"].as_str().unwrap().to_owned()
        };
        for _ in 0..3 {
            assert_eq!(status(&alice, &page).await, "issued");
        }
        let order = order(&bill, 4_200, "tok_ok");
        alice.keyed("pay").post("/api/payments", order).await.expect(201);
        let is_paid = async || status(&beside, &format!("/bills/{bill}")).await == "paid";
        system.eventually("billing knows that it is paid", is_paid).await;
        assert_eq!(status(&alice, &page).await, "paid");
    }
}

both_engines! {
    /// An administrator has it forgotten, as a whole or below a path; nobody else.
    async fn what_is_kept_can_be_purged(system: TestSystem) {
        let keys = "/.well-known/jwks.json";
        let word = async || system.anonymous().get(keys).await.header("x-cache").to_owned();
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let purge = "/api/gateway/cache/purge";
        alice.post(purge, json!({})).await.expect_problem(403, "insufficient_scope");
        system.anonymous().post(purge, json!({})).await.expect_problem(401, "unauthenticated");
        admin.post(purge, json!({"prefx": "/"})).await.expect_problem(422, "unknown_field");
        for (body, is_gone) in [
            (json!({"prefix": "/api"}), false),
            (json!({"prefix": "/.well-known"}), true),
            (json!({}), true),
        ] {
            word().await;
            assert_eq!(word().await, "HIT");
            admin.post(purge, body.clone()).await.expect(204);
            assert_eq!(word().await == "MISS", is_gone, "{body}");
        }
    }
}

/// What a service says is for all is for those with a token too.
#[actix_web::test]
async fn what_is_public_is_for_all() {
    let service = Scripted::start(|_, stream| {
        say(
            stream,
            "HTTP/1.1 200 OK\r\ncache-control: public, max-age=30\r\ncontent-length: 2\r\n\r\n{}",
        );
        Then::Keep
    });
    let system = before(&service, &[]).await;
    let asked = async || {
        let basic = ("authorization", "Basic eA==");
        system.anonymous().header(basic.0, basic.1).get("/api/payments/rates").await
    };
    assert_eq!(asked().await.header("x-cache"), "MISS");
    let second = asked().await;
    assert_eq!((second.header("x-cache"), second.header("age")), ("HIT", "0"));
}

/// The lists that a changed thing stands in are fresh at once, whatever their query.
#[actix_web::test]
async fn a_write_to_one_is_a_write_to_its_list() {
    let service = Scripted::start(|heard, stream| {
        let fresh =
            if heard.message.method() == "GET" { "cache-control: max-age=600\r\n" } else { "" };
        say(stream, format!("HTTP/1.1 200 OK\r\n{fresh}content-length: 2\r\n\r\n{{}}"));
        Then::Keep
    });
    let system = before(&service, &[]).await;
    let paths = ["/api/payments", "/api/payments?limit=5", "/api/payments/1", "/api/payments/2"];
    let kept = async || {
        let mut words = Vec::new();
        for path in paths {
            words.push(system.anonymous().get(path).await.header("x-cache").to_owned());
        }
        words
    };
    assert_eq!(kept().await, ["MISS"; 4]);
    assert_eq!(kept().await, ["HIT"; 4]);
    system.anonymous().post("/api/payments/1/resolve", json!({})).await.expect(200);
    assert_eq!(kept().await, ["MISS", "MISS", "MISS", "HIT"]);
}

/// The figures of the Node.js system, and its variable.
#[actix_web::test]
async fn the_time_of_an_answer_without_a_word_is_set_by_its_variable() {
    let service = Scripted::saying("{}");
    let variables = [("GATEWAY_CACHE_TTL_MS", "500000"), ("METRICS_LEGACY_NAMES", "true")];
    let services = [(ServiceName::Utilities, &service), (ServiceName::Payments, &service)];
    let system = gateway(&services, &variables).await;
    let get = async |path: &str| system.anonymous().get(path).await.header("x-cache").to_owned();
    let word = async || get("/api/providers").await;
    assert_eq!((word().await, word().await), ("MISS".into(), "HIT".into()));
    // Only where answers are the same for everybody.
    assert_eq!(
        (get("/api/payments").await, get("/api/payments").await),
        ("MISS".into(), "MISS".into())
    );
    let figures = system.anonymous().get("/metrics").await.json;
    assert_eq!(figures["cache"], json!({"entries": 1, "hitRatio": 25.0, "ttlMs": 500000}));
    let legacy = async |name: &str| system.figure(ServiceName::Gateway, name).await;
    assert_eq!(legacy("gateway_cache_hits_total").await, 1.0);
    assert_eq!(legacy("gateway_cache_misses_total").await, 3.0);
}
