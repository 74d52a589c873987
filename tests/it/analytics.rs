//! Reports: facts from events, sums that equal the ledger.

mod access;
mod crowd;
mod facts;
mod forms;
mod ledger;
mod periods;
mod plans;
mod rebuild;

use busbar::types::{EventId, ServiceName};
use serde_json::{Value, json};

use crate::support::{Person, TestSystem};

/// An event that a service tells, made by hand.
pub(crate) struct Tale {
    source: &'static str,
    event: Value,
}

impl Tale {
    /// `about` is its subject, such as `bill/0190…`; `sequence` the place among its events.
    fn new(name: &str, about: &str, sequence: u32, at: &str, data: Value) -> Tale {
        let source = match name.split_once('.').unwrap().0 {
            "bill" => "billing",
            "payment" => "payments",
            _ => "users",
        };
        let event = json!({
            "specversion": "1.0", "id": EventId::new(), "source": format!("/busbar/{source}"),
            "type": format!("busbar.{name}.v1"), "subject": about, "time": at,
            "datacontenttype": "application/json", "dataschema": format!("/schemas/{name}/v1"),
            "sequence": format!("{sequence:020}"), "partitionkey": about,
            "correlationid": "r-1", "actor": "system", "data": data
        });
        Tale { source, event }
    }

    /// `bill.issued`, due on a day.
    pub(crate) fn issued(bill: &str, provider: &str, minor: i64, due_on: &str, at: &str) -> Tale {
        let data = json!({"bill_id": bill, "number": "N-1", "user_id": EventId::new(),
            "provider_id": provider, "total_minor": minor, "currency": "USD", "due_on": due_on,
            "basis": "manual", "version": 2});
        Tale::new("bill.issued", &format!("bill/{bill}"), 1, at, data)
    }

    /// Another event of a bill.
    pub(crate) fn of_bill(what: &str, bill: &str, sequence: u32, minor: i64, at: &str) -> Tale {
        let data = json!({"bill_id": bill, "number": "N-1", "user_id": EventId::new(),
            "provider_id": "river", "amount_minor": minor, "balance_minor": minor,
            "currency": "USD", "payment_id": EventId::new(), "version": sequence, "days": 1,
            "due_on": "2025-01-31"});
        Tale::new(&format!("bill.{what}"), &format!("bill/{bill}"), sequence, at, data)
    }

    /// An event of a payment of a bill.
    pub(crate) fn of_payment(what: &str, payment: &Paying<'_>, at: &str) -> Tale {
        let Paying { id, bill, minor, provider, method, currency } = *payment;
        let failure = json!({"code": "card_declined", "message": "no", "retryable": true});
        let failure = if what == "failed" { failure } else { Value::Null };
        let sequence = if what == "created" { 1 } else { 2 };
        let data = json!({"payment_id": id, "user_id": EventId::new(), "bill_id": bill,
            "provider_id": provider, "allocations": [{"bill_id": bill, "amount_minor": minor}],
            "amount_minor": minor, "currency": currency, "connector": "sim", "method": method,
            "version": sequence, "failure": failure});
        Tale::new(&format!("payment.{what}"), &format!("payment/{id}"), sequence, at, data)
    }

    pub(crate) fn of_user(what: &str, user: &str, sequence: u32) -> Tale {
        let data = json!({"user_id": user, "locale": "en", "timezone": "UTC"});
        let about = format!("user/{user}");
        Tale::new(&format!("user.{what}"), &about, sequence, "2025-01-01T00:00:00Z", data)
    }
}

/// A payment as events tell of it.
#[derive(Clone, Copy)]
pub(crate) struct Paying<'a> {
    pub(crate) id: &'a str,
    pub(crate) bill: &'a str,
    pub(crate) minor: i64,
    pub(crate) provider: &'a str,
    pub(crate) method: &'a str,
    pub(crate) currency: &'a str,
}

impl Default for Paying<'_> {
    fn default() -> Self {
        let (id, bill) = ("01900000-0000-7000-8000-00000000000a", BILL);
        Paying { id, bill, minor: 100, provider: "river", method: "sim", currency: "USD" }
    }
}

pub(crate) const BILL: &str = "01900000-0000-7000-8000-00000000000b";

pub(crate) fn fresh() -> String {
    EventId::new().to_string()
}

/// Tells events to analytics, each in the name of its service, again while it has no time for it;
/// what became of each.
pub(crate) async fn tell(system: &TestSystem, tales: &[Tale]) -> Vec<String> {
    let mut results = Vec::new();
    for tale in tales {
        let service = system.internal_as(tale.source, ServiceName::Analytics);
        let mut result = String::new();
        system
            .eventually("an event is taken in or refused", async || {
                let heard = service.post("/internal/events", json!([tale.event])).await.expect(200);
                result = heard["results"][0]["result"].as_str().unwrap_or("failed").to_owned();
                result != "failed"
            })
            .await;
        results.push(result);
    }
    results
}

/// Few enough to be taken in at once on a busy machine.
const BATCH: usize = 20;

/// Tells events of one service in batches, until all are taken in.
pub(crate) async fn tell_many(system: &TestSystem, tales: &[Tale]) {
    for batch in tales.chunks(BATCH) {
        let service = system.internal_as(batch[0].source, ServiceName::Analytics);
        let events: Vec<&Value> = batch.iter().map(|tale| &tale.event).collect();
        system
            .eventually("a batch is taken in", async || {
                let heard = service.post("/internal/events", json!(events)).await.expect(200);
                let results = heard["results"].as_array().unwrap();
                let is_in = |item: &Value| item["result"] != "failed";
                results.len() == batch.len() && results.iter().all(is_in)
            })
            .await;
    }
}

/// A report, as JSON.
pub(crate) async fn report(person: &Person, what: &str) -> Value {
    person.get(&format!("/api/analytics/{what}")).await.expect(200)
}

/// A report without what tells when it was made.
pub(crate) async fn figures(person: &Person, what: &str) -> Value {
    let mut report = report(person, what).await;
    for member in ["as_of", "lag_s", "heard_at", "newest_event_at"] {
        report.as_object_mut().unwrap().remove(member);
    }
    report
}

/// The figures of one currency.
pub(crate) fn of_currency<'a>(list: &'a Value, currency: &str) -> &'a Value {
    let all = list.as_array().unwrap();
    all.iter().find(|one| one["currency"] == currency).unwrap_or(&Value::Null)
}
