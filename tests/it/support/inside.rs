//! What a test does inside the house: speak as a service, move the clock, ask for faults.

use std::time::Duration;

use awc::http::Method;
use busbar::keys::SecretKey;
use busbar::types::ServiceName;
use busbar_http::ServiceKey;
use busbar_http::token::PrivateKey;
use serde_json::{Value, json};

use super::person::Person;
use super::system::TestSystem;

impl TestSystem {
    /// A service of the house, speaking to another one.
    pub(crate) fn internal(&self, name: ServiceName) -> Person {
        self.internal_as("payments", name)
    }

    pub(crate) fn internal_as(&self, from: &str, name: ServiceName) -> Person {
        let secret = SecretKey::read(&self.folder().join("data/keys/service.key")).unwrap();
        let key = PrivateKey::from_seed(secret.bytes()).unwrap();
        let now = || {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            i64::try_from(since.unwrap().as_secs()).unwrap()
        };
        let token = ServiceKey::new(key, std::sync::Arc::new(now)).issue(from).unwrap();
        Person::with_token(&self.service_url(name), &token)
    }

    /// Moves the clock of the process forward.
    pub(crate) async fn advance(&self, by: Duration) {
        let door =
            [ServiceName::Payments, ServiceName::Users].into_iter().find(|name| self.hosts(*name));
        self.advance_of(door.unwrap(), by).await;
    }

    /// The same where payments is elsewhere.
    pub(crate) async fn advance_of(&self, name: ServiceName, by: Duration) {
        let order = json!({"milliseconds": u64::try_from(by.as_millis()).unwrap()});
        self.internal(name).post("/internal/clock", order).await.expect(204);
    }

    /// Injects a fault into a service; the system may then answer with a 500.
    pub(crate) async fn inject(&self, name: ServiceName, fault: Value, count: u32) {
        self.expect_faults();
        // The gateway has no door for this: another service of its process has.
        let door = if name == ServiceName::Gateway { ServiceName::Users } else { name };
        let falls_at_once = fault["kind"] == "panic_thread";
        let order = json!({"service": name.as_str(), "fault": fault, "count": count}).to_string();
        let path = "/internal/fault";
        let sent = self.internal(door).try_send(Method::POST, path, Some(order)).await;
        match sent {
            // The thread may be gone before its answer is out.
            Err(_) if falls_at_once => {}
            sent => drop(sent.unwrap().expect(204)),
        }
    }
}
