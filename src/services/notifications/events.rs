//! What is told on hearing others: a message for each channel, and a durable job that sends it.

use busbar_http::Problem;
use serde::Deserialize;

use crate::events::Event;
use crate::jobs;
use crate::storage::Transaction;
use crate::types::{Amount, BillId, Currency, PaymentId, Timestamp, UserId};

use super::deliver;
use super::model::message::{Facts, News, of_event};
use super::model::{Category, Channel, Template};
use super::problem::EVENT_UNREADABLE;
use super::store;

/// What is read of the events of a bill.
#[derive(Deserialize)]
struct OfBill {
    bill_id: BillId,
    user_id: UserId,
    #[serde(default)]
    days: Option<i64>,
}

/// What is read of the events of a payment.
#[derive(Deserialize)]
struct OfPayment {
    payment_id: PaymentId,
    user_id: UserId,
    bill_id: BillId,
    amount_minor: Amount,
    currency: Currency,
    #[serde(default)]
    failure: Option<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    code: String,
}

/// What is read of the events of a person, and of a session of theirs.
#[derive(Deserialize)]
struct OfUser {
    user_id: UserId,
}

/// Queues what an event has to say to somebody.
pub(super) async fn hear(
    tx: &mut Transaction<'_>,
    event: &Event,
    now: Timestamp,
) -> Result<(), Problem> {
    match news(event).map_err(|error| EVENT_UNREADABLE.problem().cause(error))? {
        Some(news) => queue(tx, &news, now).await,
        None => Ok(()),
    }
}

fn news(event: &Event) -> Result<Option<News>, serde_json::Error> {
    let (template, category) = match event.name() {
        "bill.issued" => (Template::BillIssued, Category::Billing),
        "bill.became_overdue" => (Template::BillOverdue, Category::Billing),
        "bill.paid" => (Template::BillPaid, Category::Billing),
        "payment.succeeded" => (Template::PaymentSucceeded, Category::Receipt),
        "payment.failed" => (Template::PaymentFailed, Category::Payment),
        "user.verification_requested" => (Template::EmailVerification, Category::Security),
        "user.password_reset_requested" => (Template::PasswordReset, Category::Security),
        "user.password_changed" => (Template::PasswordChanged, Category::Security),
        "session.compromised" => (Template::SessionEnded, Category::Security),
        _ => return Ok(None),
    };
    let (user_id, facts) = match category {
        Category::Billing => of_bill(event.read()?),
        Category::Receipt | Category::Payment => of_payment(event.read()?),
        Category::Security | Category::Announcement => {
            (event.read::<OfUser>()?.user_id, of_account(template))
        }
    };
    let (correlation, occurred_at) = (event.correlationid.clone(), event.time);
    let source = of_event(event.id);
    Ok(Some(News { source, user_id, template, category, facts, correlation, occurred_at }))
}

fn of_bill(bill: OfBill) -> (UserId, Facts) {
    (bill.user_id, Facts::Bill { bill_id: bill.bill_id, days: bill.days })
}

fn of_payment(payment: OfPayment) -> (UserId, Facts) {
    let OfPayment { payment_id, user_id, bill_id, amount_minor, currency, failure } = payment;
    let reason = failure.map(|failure| failure.code);
    (user_id, Facts::Payment { payment_id, bill_id, amount_minor, currency, reason })
}

/// What a message about an account rests on.
fn of_account(template: Template) -> Facts {
    match template {
        Template::EmailVerification | Template::PasswordReset => Facts::Proof,
        _ => Facts::Notice,
    }
}

/// A message for each channel, unless its source was told there before, and the job that sends it.
pub(super) async fn queue(
    tx: &mut Transaction<'_>,
    news: &News,
    now: Timestamp,
) -> Result<(), Problem> {
    let facts = serde_json::to_string(&news.facts).map_err(Problem::internal)?;
    for channel in Channel::ALL {
        if let Some(id) = store::message::insert(tx, news, *channel, &facts, now).await? {
            let job = deliver::job(id, *channel, (news.category, news.template), now)?;
            jobs::enqueue(tx, &job, now).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::panic, clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn event(name: &str, data: Value) -> Event {
        let id = crate::types::EventId::new();
        serde_json::from_value(json!({
            "specversion": "1.0", "id": id, "source": "/busbar/billing",
            "type": format!("busbar.{name}.v1"), "subject": "s", "time": "2026-11-01T00:00:00Z",
            "datacontenttype": "application/json", "dataschema": "/", "sequence": "1",
            "partitionkey": "s", "correlationid": "c", "actor": "system", "data": data,
        }))
        .unwrap()
    }

    #[test]
    fn an_event_says_what_to_whom() {
        let (user, bill) = (UserId::new(), BillId::new());
        let data = json!({"bill_id": bill, "user_id": user, "days": 3, "more": [1]});
        let told = news(&event("bill.became_overdue", data.clone())).unwrap().unwrap();
        assert_eq!((told.user_id, told.template), (user, Template::BillOverdue));
        assert_eq!(told.facts, Facts::Bill { bill_id: bill, days: Some(3) });
        assert!(news(&event("bill.voided", data)).unwrap().is_none());
        assert!(news(&event("bill.paid", json!({"bill_id": bill}))).is_err());
    }

    #[test]
    fn only_what_bears_a_code_waits_for_a_proof() {
        let user = UserId::new();
        for (name, template, facts) in [
            ("user.verification_requested", Template::EmailVerification, Facts::Proof),
            ("user.password_reset_requested", Template::PasswordReset, Facts::Proof),
            ("user.password_changed", Template::PasswordChanged, Facts::Notice),
            ("session.compromised", Template::SessionEnded, Facts::Notice),
        ] {
            let data = json!({"user_id": user, "session_id": UserId::new(), "how": "reset"});
            let told = news(&event(name, data)).unwrap().unwrap();
            assert_eq!((told.user_id, told.template, told.facts), (user, template, facts));
            assert!(told.category.is_mandatory(), "{name}");
        }
    }

    #[test]
    fn what_was_kept_before_is_read() {
        let bill = BillId::new();
        let of_bill = json!({"about": "bill", "bill_id": bill, "days": null});
        for (kept, facts) in [
            (of_bill, Facts::Bill { bill_id: bill, days: None }),
            (json!({"about": "proof"}), Facts::Proof),
            (json!({"about": "notice"}), Facts::Notice),
        ] {
            assert_eq!(serde_json::from_value::<Facts>(kept).unwrap(), facts);
        }
    }

    #[test]
    fn why_a_payment_failed_is_kept() {
        let data = json!({"payment_id": PaymentId::new(), "user_id": UserId::new(),
            "bill_id": BillId::new(), "amount_minor": 4496, "currency": "USD",
            "failure": {"code": "card_declined", "message": "…", "retryable": false}});
        let told = news(&event("payment.failed", data)).unwrap().unwrap();
        let Facts::Payment { reason, .. } = told.facts else { panic!("{:?}", told.facts) };
        assert_eq!(reason.as_deref(), Some("card_declined"));
    }
}
