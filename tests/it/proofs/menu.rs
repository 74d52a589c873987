//! What the clients of a proof ask for: reads of every service, and payments under a key each.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use busbar::types::ServiceName;

use crate::support::TestSystem;
use crate::support::orders::order;

/// One request of so many is a payment.
const PAYMENT_EVERY: usize = 10;
/// People who pay, each a bill of their own.
const PAYERS: usize = 4;
/// Of each bill; payments are of one cent.
pub(super) const BILLED: i64 = 1_000_000;

/// What can be asked for.
pub(super) struct Menu {
    pub(super) port: u16,
    reads: Vec<(ServiceName, String)>,
    pub(super) payers: Vec<Payer>,
}

pub(super) struct Payer {
    token: String,
    pub(super) bill: String,
    pub(super) keys: AtomicUsize,
}

pub(super) struct Request {
    pub(super) service: ServiceName,
    pub(super) text: String,
}

impl Menu {
    pub(super) async fn of(system: &TestSystem) -> Menu {
        let mut payers = Vec::new();
        for number in 0..PAYERS {
            let person = system.person(&format!("payer-{number}")).await;
            let bill = system.issued_bill(&person, BILLED).await;
            let token = person.token.clone().unwrap();
            payers.push(Payer { token, bill, keys: AtomicUsize::default() });
        }
        let admin = system.admin().await.token.unwrap();
        let own = |path: &str| get(path, &payers[0].token);
        let reads = vec![
            (ServiceName::Users, own("/api/users/me")),
            (ServiceName::Payments, own("/api/payments?limit=5")),
            (ServiceName::Billing, own(&format!("/api/bills/{}", payers[0].bill))),
            (ServiceName::Notifications, own("/api/notifications/unread-count")),
            (ServiceName::Documents, own("/api/documents?limit=5")),
            (ServiceName::Utilities, own("/api/service-accounts?limit=5")),
            (ServiceName::Analytics, get("/api/analytics/dashboard", &admin)),
            (ServiceName::Webhooks, get("/api/webhooks?limit=5", &admin)),
        ];
        Menu { port: system.port(ServiceName::Gateway), reads, payers }
    }

    /// The request of a number.
    pub(super) fn request(&self, number: usize) -> Request {
        if !number.is_multiple_of(PAYMENT_EVERY) {
            let (service, text) = &self.reads[number % self.reads.len()];
            return Request { service: *service, text: text.clone() };
        }
        let payer = &self.payers[number / PAYMENT_EVERY % self.payers.len()];
        let (key, body) = (payer.keys.fetch_add(1, SeqCst), order(&payer.bill, 1, "tok_ok"));
        let body = body.to_string();
        let text = format!(
            "{}idempotency-key: pay-{key}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            head("POST /api/payments", &payer.token),
            body.len()
        );
        Request { service: ServiceName::Payments, text }
    }
}

fn head(line: &str, token: &str) -> String {
    format!("{line} HTTP/1.1\r\nhost: busbar\r\nauthorization: Bearer {token}\r\n")
}

fn get(path: &str, token: &str) -> String {
    format!("{}\r\n", head(&format!("GET {path}"), token))
}
