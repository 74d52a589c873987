//! Addresses that are not called: not when a webhook is made, and not when its name has moved.

use busbar::types::ServiceName;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use serde_json::{Value, json};

use super::house::{Receiver, attempted, id, may_call_home, tested, webhook};
use crate::support::{Engine, Person, TestSystem, both_engines};

async fn refused(staff: &Person, url: &str) -> Value {
    let order = json!({"url": url, "events": ["*"]});
    let answer = staff.post("/api/webhooks", order).await;
    let problem = answer.expect_problem(422, "webhook_url_forbidden");
    assert_eq!(problem["errors"][0]["pointer"], "/url", "{url}");
    problem["rule"].clone()
}

both_engines! {
    with &[ServiceName::Users, ServiceName::Webhooks];

    /// Whatever form the address has, the answer names the rule.
    async fn special_addresses_are_refused_in_every_form(system: TestSystem) {
        let staff = system.admin().await;
        for (url, rule) in [
            ("http://127.0.0.1/", "loopback"),
            ("http://localhost", "loopback"),
            ("http://[::1]/", "loopback"),
            ("http://[::ffff:10.0.0.1]/", "private"),
            ("http://169.254.169.254/", "link_local"),
            ("http://0x7f000001/", "loopback"),
            ("http://2130706433/", "loopback"),
            ("http://0177.0.0.1/", "loopback"),
            ("http://10.0.0.5", "private"),
            ("http://100.64.0.1", "carrier_grade_nat"),
            ("http://192.0.2.1", "documentation"),
            ("https://224.0.0.1/", "multicast"),
            ("https://[fd00::1]/", "unique_local"),
            ("https://[64:ff9b::a00:1]/", "translated"),
            ("ftp://x", "scheme"),
            ("https://user:pw@host/", "credentials"),
            ("http://93.184.216.34/", "https_required"),
            ("https://no-such-name.invalid/", "name_unknown"),
            ("not a url", "malformed"),
        ] {
            assert_eq!(refused(&staff, url).await, rule, "{url}");
        }
        let made = webhook(&staff, "https://93.184.216.34/hook", &["*"]).await;
        let path = format!("/api/webhooks/{}", id(&made));
        let moved = staff.patch(&path, json!({"url": "https://10.0.0.5/"})).await;
        assert_eq!(moved.expect_problem(422, "webhook_url_forbidden")["rule"], "private");
    }
}

may_call_home! {
    /// A redirect is a failure, wherever it leads to.
    async fn redirects_are_not_followed(system: TestSystem) {
        let staff = system.admin().await;
        let inside = Receiver::answering(&["200 OK"]);
        let location = format!("302 Found\r\nlocation: {}", inside.url());
        let receiver = Receiver::answering(&[&location]);
        let made = webhook(&staff, &receiver.url(), &["*"]).await;
        let delivery = attempted(&system, &tested(&staff, &made).await, 1).await;
        assert_eq!(delivery["attempts"][0]["outcome"], "redirected");
        assert_eq!(delivery["attempts"][0]["status"], 302);
        assert_eq!(delivery["status"], "pending");
        assert_eq!(inside.heard().len(), 0);
    }
}

/// Counts the connections to a port of this machine.
fn watched() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, count) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = count.clone();
    std::thread::spawn(move || {
        for _ in listener.incoming() {
            counted.fetch_add(1, SeqCst);
        }
    });
    (port, count)
}

/// A name that is public when the webhook is made, and private when it is called.
async fn a_name_that_moves_inside_is_not_dialled(engine: Engine) {
    let system = TestSystem::prepare(engine);
    let hosts = system.folder().join("hosts");
    let name = |address: &str| {
        std::fs::write(&hosts, format!("{address} hook.example\n10.1.2.3 inside.example\n"))
    };
    name("93.184.216.34").unwrap();
    system.launch_with(&[("BUSBAR_FAULTS_HOSTS_FILE", hosts.to_str().unwrap())]).await;
    let staff = system.admin().await;
    assert_eq!(refused(&staff, "https://inside.example/").await, "private");

    let (port, connections) = watched();
    let made = webhook(&staff, &format!("https://hook.example:{port}/"), &["*"]).await;
    name("127.0.0.1").unwrap();
    let delivery = attempted(&system, &tested(&staff, &made).await, 1).await;
    assert_eq!(delivery["attempts"][0]["outcome"], "blocked_ip");
    assert_eq!(delivery["attempts"][0]["address"], "127.0.0.1");
    assert_eq!(delivery["status"], "pending");
    assert_eq!(connections.load(SeqCst), 0);
    system.finish().await;
}

#[actix_web::test]
async fn a_name_that_moves_inside_is_not_dialled_sqlite() {
    a_name_that_moves_inside_is_not_dialled(Engine::Sqlite).await;
}

#[actix_web::test]
async fn a_name_that_moves_inside_is_not_dialled_postgres() {
    a_name_that_moves_inside_is_not_dialled(Engine::Postgres).await;
}
