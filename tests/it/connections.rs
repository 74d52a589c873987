//! Clients of one service that hold connections and say nothing.

use std::net::TcpStream;
use std::process::Stdio;

use busbar::types::ServiceName;

use crate::payments::bill_is;
use crate::support::bare::Bare;
use crate::support::orders::order;
use crate::support::{Engine, TestSystem};

/// Where few files may be open, a crowd at one service's door leaves enough of them for the others.
#[actix_web::test]
async fn a_crowd_at_one_door_keeps_nobody_from_the_others() {
    let system = TestSystem::prepare(Engine::Sqlite);
    let running = Bare::start(&system, "ulimit -n 600;", Stdio::null());
    system.ready(&ServiceName::ALL).await;
    let alice = system.person("alice").await;
    let bill = system.issued_bill(&alice, 4496).await;

    let door = ("127.0.0.1", system.port(ServiceName::Webhooks));
    let crowd: Vec<TcpStream> = (0..500).map(|_| TcpStream::connect(door).unwrap()).collect();
    for _ in 0..20 {
        alice.get(&format!("/api/bills/{bill}")).await.expect(200);
        system.anonymous().get("/api/analytics/dashboard").await.expect(401);
    }
    let paid = alice.keyed("beside").post("/api/payments", order(&bill, 4496, "tok_ok")).await;
    paid.expect(201);
    bill_is(&system, &alice, &bill, "paid").await;
    drop((crowd, running));
}
