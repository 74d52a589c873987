//! How often somebody may ask.

use busbar::types::ServiceName;

use super::{Keeper, answering, before, gateway, routed};
use crate::support::wire::Scripted;
use crate::support::{Answer, Person};

/// What is used comes back after twenty minutes: not within a test.
const THREE: (&str, &str) = ("GATEWAY_RATE_LIMIT", "3/3600s");

/// The number behind `name` in a structured field.
fn parameter(answer: &Answer, field: &str, name: &str) -> u64 {
    let value = answer.header(field);
    let found = value.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    found.unwrap_or_else(|| panic!("{name} in {field}: {answer}")).parse().unwrap()
}

/// draft-ietf-httpapi-ratelimit-headers: each answer says what is left; RFC 6585, section 4: the next
/// one is refused, with the time to wait.
#[actix_web::test]
async fn one_request_too_many_is_refused() {
    let service = answering("404 Not Found\r\n", "gone");
    let system = before(&service, &[THREE]).await;
    for left in [2, 1, 0] {
        let answer = system.anonymous().get("/api/payments").await;
        assert_eq!(answer.header("ratelimit-policy"), "\"peraddress\";q=3;w=3600", "{answer}");
        assert_eq!((answer.status, parameter(&answer, "ratelimit", "r")), (404, left), "{answer}");
        assert!((1..=3_600).contains(&parameter(&answer, "ratelimit", "t")), "{answer}");
    }
    let refused = system.anonymous().get("/api/payments").await;
    assert_eq!(parameter(&refused, "ratelimit", "r"), 0, "{refused}");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=1_200).contains(&wait), "{refused}");
    refused.expect_problem(429, "rate_limited");
    assert_eq!(service.heard().len(), 3, "it was not sent on");
    // All of our services are one.
    let elsewhere = system.anonymous().get("/api/bills").await;
    elsewhere.expect_problem(429, "rate_limited");
    // Nobody is told less about the gateway's own health.
    for path in ["/health", "/metrics", "/metrics/prometheus", "/health/live"] {
        let answer = system.anonymous().get(path).await;
        assert_eq!((answer.status, answer.header("ratelimit")), (200, ""), "{answer}");
    }
    assert_eq!(system.figure(ServiceName::Gateway, "busbar_gateway_refused_total").await, 2.0);
}

/// A person is counted apart from the address they come from, and wherever they come from.
#[actix_web::test]
async fn people_are_counted_by_themselves() {
    let (keeper, payments) = (Keeper::start(), Scripted::saying("payments"));
    let services = [(ServiceName::Users, &keeper.service), (ServiceName::Payments, &payments)];
    let trust = ("GATEWAY_TRUSTED_PROXIES", "127.0.0.0/8");
    let system = gateway(&services, &[THREE, trust]).await;
    let one = Person::with_token(&system.url(), &keeper.token());
    for number in 0..3 {
        let from = format!("203.0.113.{number}");
        let answer = one.header("x-forwarded-for", &from).get("/api/payments").await;
        assert_eq!(answer.header("ratelimit-policy"), "\"peruser\";q=3;w=3600", "{answer}");
        answer.expect(200);
    }
    one.get("/api/payments").await.expect_problem(429, "rate_limited");
    Person::with_token(&system.url(), &keeper.token()).get("/api/payments").await.expect(200);
    system.anonymous().get("/api/payments").await.expect(200);
    // Tokens that are not good count for the address, so that guessing comes to an end.
    let guess = Person::with_token(&system.url(), "abc");
    for code in ["token_invalid", "token_invalid", "rate_limited"] {
        assert_eq!(guess.get("/api/payments").await.code(), code);
    }
}

/// An address is what a trusted proxy says it is; a household of IPv6 is one.
#[actix_web::test]
async fn addresses_are_those_of_clients() {
    let service = Scripted::saying("ok");
    let trust = ("GATEWAY_TRUSTED_PROXIES", "127.0.0.0/8");
    let system = before(&service, &[("GATEWAY_RATE_LIMIT", "1/3600s"), trust]).await;
    let from = async |address: &str| {
        system.anonymous().header("x-forwarded-for", address).get("/api/payments").await.status
    };
    assert_eq!((from("203.0.113.1").await, from("203.0.113.1").await), (200, 429));
    assert_eq!((from("203.0.113.2").await, from("9.9.9.9, 203.0.113.2").await), (200, 429));
    assert_eq!((from("2001:db8::1").await, from("2001:db8::ffff").await), (200, 429));
    assert_eq!(from("2001:db8:0:1::1").await, 200);

    // Nobody is believed who is not trusted.
    let system = before(&service, &[("GATEWAY_RATE_LIMIT", "1/3600s")]).await;
    let from = async |address: &str| {
        system.anonymous().header("x-forwarded-for", address).get("/api/payments").await.status
    };
    assert_eq!((from("203.0.113.1").await, from("203.0.113.2").await), (200, 429));
}

/// An added route has a limit of its own, or none.
#[actix_web::test]
async fn an_added_route_has_its_own_limit() {
    let legacy = Scripted::saying("legacy");
    let routes = [("/one", &legacy, "rate_limit = \"1/3600s\""), ("/free", &legacy, "")];
    let system = routed(&routes, &[THREE]).await;
    let asked = async |path: &str| system.anonymous().get(path).await;
    assert_eq!(asked("/one").await.header("ratelimit-policy"), "\"peraddress\";q=1;w=3600");
    asked("/one").await.expect_problem(429, "rate_limited");
    for _ in 0..5 {
        let free = asked("/free").await;
        assert_eq!((free.status, free.header("ratelimit-policy")), (200, ""));
    }
}
