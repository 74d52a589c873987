//! When there is more than enough to do, the less urgent is turned away first.

use busbar::types::ServiceName;

use super::edge::Keeper;
use super::settings::Gated;
use super::{before, gateway, port};
use crate::support::TestSystem;
use crate::support::wire::{Message, Scripted, Wire};

fn send(system: &TestSystem, method: &str, path: &str) -> Wire {
    let mut wire = Wire::to(port(system));
    wire.send(format!("{method} {path} HTTP/1.1\r\nhost: busbar\r\ncontent-length: 0\r\n\r\n"));
    wire
}

/// A payment by somebody who is known.
fn pay(system: &TestSystem, keeper: &Keeper) -> Wire {
    let (mut wire, token) = (Wire::to(port(system)), keeper.token());
    let head =
        format!("POST /api/payments HTTP/1.1\r\nhost: busbar\r\nauthorization: Bearer {token}");
    wire.send(format!("{head}\r\ncontent-length: 0\r\n\r\n"));
    wire
}

fn is_overloaded(answer: &Message) -> bool {
    let is_told = answer.field("x-busbar-reason") == "overloaded"
        && answer.text().contains(r#""code":"overloaded""#);
    answer.status() == 503 && is_told && answer.field("retry-after") == "1"
}

/// `GATEWAY_MAX_REQUESTS`: analytics go first, other reads then; payments of people who are known
/// are written to the end, and the gateway's own pages always answer.
#[actix_web::test]
async fn the_less_urgent_is_turned_away_first() {
    let (gated, other, keeper) = (Gated::start(), Scripted::saying("other"), Keeper::start());
    let behind = [
        (ServiceName::Payments, &gated.service),
        (ServiceName::Analytics, &other),
        (ServiceName::Users, &keeper.service),
    ];
    let system = gateway(&behind, &[("GATEWAY_MAX_REQUESTS", "10")]).await;
    let under_way = async |count: usize| {
        system.eventually("they are under way", async || gated.service.open() == count).await;
    };
    let mut held = Gated::ask(&system, 8);
    under_way(8).await;

    assert!(is_overloaded(&send(&system, "GET", "/api/analytics/x").answer()));
    assert_eq!(send(&system, "GET", "/api/users").answer().status(), 200);
    held.extend(Gated::ask(&system, 1));
    under_way(9).await;
    assert!(is_overloaded(&send(&system, "GET", "/api/users").answer()));
    assert!(is_overloaded(&send(&system, "POST", "/api/payments").answer()), "by nobody");
    held.push(pay(&system, &keeper));
    under_way(10).await;
    assert!(is_overloaded(&pay(&system, &keeper).answer()));
    for page in ["/health/live", "/metrics", "/metrics/prometheus"] {
        assert_eq!(Wire::to(port(&system)).get(page).status(), 200, "{page}");
    }
    let under_way = "busbar_gateway_requests_under_way";
    assert_eq!(system.figure(ServiceName::Gateway, under_way).await, 10.0);

    gated.let_go(&mut held);
    system
        .eventually("there is room again", async || {
            send(&system, "GET", "/api/analytics/x").answer().status() == 200
        })
        .await;
}

/// `GATEWAY_MAX_SOCKETS` and `GATEWAY_MAX_PENDING`: the next one after both overflows, which is not
/// the same as an overloaded gateway or a late answer.
#[actix_web::test]
async fn what_has_no_place_overflows() {
    let gated = Gated::start();
    let bounds = [
        ("GATEWAY_MAX_SOCKETS", "10"),
        ("GATEWAY_MAX_FREE_SOCKETS", "10"),
        ("GATEWAY_MAX_PENDING", "10"),
    ];
    let system = before(&gated.service, &bounds).await;
    let mut held = Gated::ask(&system, 10);
    system.eventually("ten are under way", async || gated.service.open() == 10).await;
    let _in_line = Gated::ask(&system, 10);

    let next = send(&system, "GET", "/api/payments").answer();

    assert_eq!((next.status(), next.field("retry-after")), (503, "1".to_owned()), "{next:?}");
    assert_eq!(next.field("x-busbar-reason"), "upstream_overflow");
    for page in ["/health", "/health/live", "/metrics"] {
        assert!(Wire::to(port(&system)).get(page).status() != 504, "{page}");
    }
    assert_eq!(gated.service.opened(), 10);
    gated.let_go(&mut held);
}
