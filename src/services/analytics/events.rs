//! What is read of the events of others. Nothing is said to others.

use busbar_http::Problem;
use serde::Deserialize;

use crate::events::Event;
use crate::types::{Amount, BillId, Currency, Date, PaymentId, ProviderId, Text, UserId};

use super::model::fact::{BillFact, BillNews, Fact, PaymentFact, PaymentNews, Told, UserNews};
use super::problem::EVENT_UNREADABLE;

/// The longest word that is kept of a method or a reason.
const WORD_CHARS_MAX: usize = 64;

/// What is read of every event of a bill.
#[derive(Deserialize)]
struct Bill {
    bill_id: BillId,
    #[serde(default)]
    provider_id: Option<ProviderId>,
    currency: Currency,
}

#[derive(Deserialize)]
struct Issued {
    total_minor: Amount,
    due_on: Option<Date>,
}

#[derive(Deserialize)]
struct Voided {
    amount_minor: Amount,
}

/// What is read of every event of a payment.
#[derive(Deserialize)]
struct Payment {
    payment_id: PaymentId,
    #[serde(default)]
    provider_id: Option<ProviderId>,
    allocations: Vec<Allocation>,
    amount_minor: Amount,
    currency: Currency,
    connector: String,
    /// Not told by earlier releases, which had one method for each connector, of its name.
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    failure: Option<Failure>,
}

#[derive(Deserialize)]
struct Allocation {
    bill_id: BillId,
    amount_minor: Amount,
}

#[derive(Deserialize)]
struct Failure {
    code: String,
}

#[derive(Deserialize)]
struct User {
    user_id: UserId,
}

/// The fact that an event tells; `None` for kinds that no report is made of.
pub(super) fn fact(event: &Event) -> Result<Option<Fact>, Problem> {
    let unreadable = |error: serde_json::Error| EVENT_UNREADABLE.problem().cause(error);
    let name = event.name();
    match name.split_once('.') {
        Some(("bill", what)) => bill(event, what).map_err(unreadable),
        Some(("payment", what)) => payment(event, what).map_err(unreadable),
        Some(("user", what)) => user(event, what).map_err(unreadable),
        _ => Ok(None),
    }
}

/// When it happened, by the producer's clock.
pub(super) fn told(event: &Event) -> Told {
    let sequence = event.number().unwrap_or_default();
    Told { event_id: event.id, at: event.time, sequence }
}

fn bill(event: &Event, what: &str) -> Result<Option<Fact>, serde_json::Error> {
    let news = match what {
        "issued" => {
            let Issued { total_minor, due_on } = event.read()?;
            BillNews::Issued { total: total_minor, due_on }
        }
        "voided" => BillNews::Voided { owed: event.read::<Voided>()?.amount_minor },
        "partially_paid" => BillNews::PartiallyPaid,
        "paid" => BillNews::Paid,
        "reopened" => BillNews::Reopened,
        "became_overdue" => BillNews::Overdue,
        _ => return Ok(None),
    };
    let Bill { bill_id, provider_id, currency } = event.read()?;
    let provider_id = text(provider_id.as_ref());
    Ok(Some(Fact::Bill(BillFact { bill_id, currency, provider_id, news })))
}

fn payment(event: &Event, what: &str) -> Result<Option<Fact>, serde_json::Error> {
    if !["created", "outcome_unknown", "succeeded", "failed", "cancelled"].contains(&what) {
        return Ok(None);
    }
    let read: Payment = event.read()?;
    let reason = read.failure.map(|failure| word(&failure.code)).unwrap_or_default();
    let news = match what {
        "created" => PaymentNews::Created,
        "outcome_unknown" => PaymentNews::OutcomeUnknown,
        "succeeded" => {
            let parts = read.allocations.iter().map(|part| (part.bill_id, part.amount_minor));
            PaymentNews::Succeeded { parts: parts.collect() }
        }
        "failed" => PaymentNews::Failed { reason },
        _ => PaymentNews::Cancelled { reason },
    };
    Ok(Some(Fact::Payment(PaymentFact {
        payment_id: read.payment_id,
        currency: read.currency,
        amount: read.amount_minor,
        provider_id: text(read.provider_id.as_ref()),
        method: word(read.method.as_deref().unwrap_or(&read.connector)),
        news,
    })))
}

fn user(event: &Event, what: &str) -> Result<Option<Fact>, serde_json::Error> {
    let news = match what {
        "registered" => UserNews::Registered,
        "verified" => UserNews::Verified,
        "suspended" => UserNews::Suspended,
        _ => return Ok(None),
    };
    let User { user_id } = event.read()?;
    Ok(Some(Fact::User { user_id, news }))
}

fn text(id: Option<&ProviderId>) -> String {
    id.map(|id| id.text().into_owned()).unwrap_or_default()
}

fn word(text: &str) -> String {
    text.chars().take(WORD_CHARS_MAX).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn event(name: &str, data: Value) -> Event {
        serde_json::from_value(json!({
            "specversion": "1.0", "id": "01900000-0000-7000-8000-000000000001",
            "source": "/busbar/payments", "type": format!("busbar.{name}.v1"),
            "subject": "s", "time": "2026-11-01T00:00:00.000Z",
            "datacontenttype": "application/json", "dataschema": "/schemas/s/v1",
            "sequence": "00000000000000000003", "partitionkey": "s", "correlationid": "r-1",
            "actor": "system", "data": data
        }))
        .unwrap()
    }

    fn paid(method: Value) -> Value {
        json!({"payment_id": PaymentId::new(), "provider_id": null, "allocations": [],
            "amount_minor": 5, "currency": "USD", "connector": "sim", "method": method})
    }

    #[test]
    fn a_payment_without_a_method_was_made_by_the_one_of_its_connector() {
        for (method, due) in [(Value::Null, "sim"), (json!("card_token"), "card_token")] {
            let read = fact(&event("payment.failed", paid(method))).unwrap();
            let kept = format!("{read:?}");
            assert!(kept.contains(&format!("method: \"{due}\"")), "{kept}");
            assert!(kept.contains("provider_id: \"\""), "{kept}");
        }
    }

    #[test]
    fn what_no_report_is_made_of_is_let_pass_and_what_cannot_be_read_is_not() {
        assert_eq!(fact(&event("bill.reserved", json!({}))).unwrap(), None);
        assert_eq!(fact(&event("reading.recorded", json!({}))).unwrap(), None);
        let refused = fact(&event("bill.issued", json!({"total_minor": 1.5}))).unwrap_err();
        assert_eq!(refused.code(), "event_unreadable");
        assert_eq!(told(&event("bill.paid", json!({}))).sequence, 3);
    }
}
