//! Services that find each other by names.

use busbar::types::ServiceName;

use super::{FILE, OFTEN};
use crate::support::orders::order;
use crate::support::{Engine, TestSystem};

fn lead_all(system: &TestSystem, names: impl Iterator<Item = ServiceName>) {
    let lines: String = names.map(|name| format!("127.0.0.1 {name}.invalid\n")).collect();
    std::fs::write(system.folder().join("hosts.new"), lines).unwrap();
    std::fs::rename(system.folder().join("hosts.new"), system.folder().join("hosts")).unwrap();
}

/// Calls and events between services go to what the names lead to; one that leads nowhere yet is waited
/// for.
#[actix_web::test]
async fn a_bill_is_paid_among_services_with_names() {
    let system = TestSystem::prepare(Engine::Sqlite);
    let url = |name: ServiceName| {
        let (variable, port) = (format!("{}_URL", name.variable_prefix()), system.port(name));
        (variable, format!("dns+http://{name}.invalid:{port}"))
    };
    let urls: Vec<(String, String)> = ServiceName::domain().map(url).collect();
    let mut more = vec![FILE, OFTEN];
    more.extend(urls.iter().map(|(name, url)| (name.as_str(), url.as_str())));
    system.share_a_key();
    lead_all(&system, ServiceName::domain().filter(|name| *name != ServiceName::Billing));
    system.launch_with(&more).await;
    let alice = system.person("alice").await;
    let refused = alice.get("/api/bills").await;
    refused.expect_problem(503, "service_unavailable");

    lead_all(&system, ServiceName::domain());
    system
        .eventually("billing is found", async || alice.get("/api/bills").await.status == 200)
        .await;
    let bill = system.issued_bill(&alice, 4496).await;
    let paid = alice.keyed("pay").post("/api/payments", order(&bill, 4496, "tok_ok")).await;
    paid.expect(201);
    system
        .eventually("the bill is paid", async || {
            alice.get(&format!("/api/bills/{bill}")).await.expect(200)["status"] == "paid"
        })
        .await;
    system.finish().await;
}
