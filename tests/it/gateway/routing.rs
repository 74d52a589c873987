//! Which service answers what, and what nobody answers.

use busbar::types::ServiceName::{
    self, Analytics, Billing, Documents, Notifications, Payments, Users, Utilities, Webhooks,
};

use super::{before, gateway, port};
use crate::support::wire::{Scripted, exchange};
use crate::support::{Engine, TestSystem};

/// A service that answers with its name and the target that it was asked for.
fn named(name: ServiceName) -> Scripted {
    Scripted::start(move |heard, stream| {
        let said = format!("{} {}", name.as_str(), heard.message.target());
        crate::support::wire::reply(stream, &said);
        crate::support::wire::Then::Keep
    })
}

/// Each prefix leads to its service, `/api` cut off, the query kept.
#[actix_web::test]
async fn each_prefix_reaches_its_service() {
    let names: Vec<ServiceName> = ServiceName::domain().collect();
    let services: Vec<Scripted> = names.iter().map(|name| named(*name)).collect();
    let pairs: Vec<_> = names.iter().copied().zip(&services).collect();
    let system = gateway(&pairs, &[]).await;
    let prefixes: [(ServiceName, &[&str]); 8] = [
        (Users, &["users", "auth", "audit"]),
        (
            Payments,
            &[
                "payments",
                "payment-methods",
                "refunds",
                "disputes",
                "mandates",
                "ledger",
                "connectors",
                "sim",
                "payouts",
                "admin/invariants",
            ],
        ),
        (Billing, &["bills", "bill-runs", "billing", "coupons"]),
        (Notifications, &["notifications"]),
        (Documents, &["documents"]),
        (
            Utilities,
            &[
                "utilities",
                "providers",
                "service-accounts",
                "meters",
                "readings",
                "tariffs",
                "calendars",
                "bill-fetches",
                "complaints",
            ],
        ),
        (Analytics, &["analytics"]),
        (Webhooks, &["webhooks"]),
    ];
    for (service, paths) in prefixes {
        for path in paths {
            let answer = system.anonymous().get(&format!("/api/{path}/a%20b?x=%2F..&y")).await;
            let said = format!("{} /{path}/a%20b?x=%2F..&y", service.as_str());
            assert_eq!((answer.status, answer.text()), (200, said));
            assert_eq!(answer.header("x-cache"), "MISS");
        }
    }
    let keys = system.anonymous().get("/.well-known/jwks.json").await;
    assert_eq!(keys.text(), "users /.well-known/jwks.json");
    system.wait_for_log("routes to webhooks (GET, HEAD, POST").await;
}

/// What no service answers is a problem of the gateway, and reaches nobody.
#[actix_web::test]
async fn unknown_paths_and_methods_are_problems() {
    let service = Scripted::saying("here");
    let system = before(&service, &[]).await;
    for path in ["/", "/api", "/payments", "/api/paymentss", "/api/nothing", "/admin/invariants"] {
        system.anonymous().get(path).await.expect_problem(404, "not_found");
    }
    for line in [
        "TRACE /api/payments",
        "CONNECT localhost:80",
        "BREW /api/payments",
        "TRACE /nowhere",
        "POST /.well-known/jwks.json",
        "POST /health",
    ] {
        let request = format!("{line} HTTP/1.1\r\nhost: busbar\r\nconnection: close\r\n\r\n");
        let answer = exchange(port(&system), request);
        assert_eq!(answer.status(), 405, "{line}: {answer:?}");
        assert!(answer.field("allow").starts_with("GET"), "{line}: {answer:?}");
        assert!(answer.text().contains("\"code\":\"method_not_allowed\""), "{answer:?}");
        assert_eq!(answer.field("content-type"), "application/problem+json");
    }
    assert!(service.heard().is_empty());
}

/// No way of writing a path leads from the gateway to what is meant for services alone.
#[actix_web::test]
async fn internal_paths_are_out_of_reach() {
    let service = Scripted::saying("inside");
    let system = before(&service, &[]).await;
    for target in [
        "/internal/events",
        "/Internal/events",
        "//internal/events",
        "/api/internal/events",
        "/api//internal/events",
        "/api/payments/../internal/events",
        "/api/payments/..//internal/events",
        "/api/payments/./../internal/events",
        "/api/payments/%2e%2e/internal/events",
        "/api/payments/%2E%2e/internal/events",
        "/api/payments/.%2e/internal/events",
        "/api/payments/%252e%252e/internal/events",
        "/api/payments/..%2finternal/events",
        "/api/payments%2f..%2finternal%2fevents",
        "/api/payments/..%5c..%5cinternal/events",
        "/api/payments/..\\internal/events",
        "/api/payments/..;/internal/events",
        "/api/payments/..;a=b/internal/events",
        "/api/payments/../../internal/events",
        "/api/../internal/events",
        "/api/%2e%2e/internal/events",
        "http://busbar/internal/events",
        "http://busbar/api/payments/../internal/events",
        "/internal/fault",
        "/api/payments/../metrics",
    ] {
        let answer = exchange(
            port(&system),
            format!(
                "POST {target} HTTP/1.1\r\nhost: busbar\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}"
            ),
        );
        assert!(matches!(answer.status(), 400 | 404), "{target}: {answer:?}");
    }
    assert!(service.heard().is_empty(), "{:?}", service.heard());
}

/// With the real services behind, a service token changes nothing about that.
#[actix_web::test]
async fn a_service_token_opens_nothing_at_the_gateway() {
    let system = TestSystem::prepare(Engine::Sqlite);
    system.spawn(&[Users, ServiceName::Gateway], &[]);
    system.ready(&[Users, ServiceName::Gateway]).await;
    let inside = system.internal(Users);
    let fault = serde_json::json!({"fault": {"kind": "fail_start"}, "count": 0});
    inside.post("/internal/fault", fault.clone()).await.expect(204);

    let outside = inside.at(&system.url());
    for path in ["/internal/fault", "/api/users/../internal/fault", "/api/internal/fault"] {
        let answer = outside.post(path, fault.clone()).await;
        assert!(matches!(answer.status, 400 | 404), "{answer}");
    }
}
