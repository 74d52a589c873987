//! From what other services say to what stands on paper. Pure.
use busbar_http::Problem;
use serde::Deserialize;
use serde_json::Value;

use crate::types::{PaymentId, Timestamp, Zone};

use super::super::events::PaymentSucceeded;
use super::super::render::{Charge, Invoice, Measured, Party, Receipt, Shown};
use super::facts::{Bill, Contact, Facts, Line};

/// Letters of a payment's id in the number of its receipt.
const NUMBER_LETTERS: usize = 10;
/// Meters on one invoice; more of them are left to the lines.
const MEASURED_MAX: usize = 100;

pub(super) fn invoice(facts: Facts) -> Result<Invoice, Problem> {
    let Facts { bill, customer, provider } = facts;
    let absent = |what: &str| Problem::internal(format!("an issued bill without its {what}"));
    let readings = readings(&bill);
    Ok(Invoice {
        number: bill.number.ok_or_else(|| absent("number"))?,
        provider,
        customer: party(customer),
        account: bill.service_account_id,
        currency: bill.currency,
        period: bill.period,
        issued_on: bill.issued_on.ok_or_else(|| absent("date"))?,
        due_on: bill.due_on.ok_or_else(|| absent("due date"))?,
        basis: match bill.basis.as_str() {
            "estimated" => Some("Estimated"),
            "mixed" => Some("Partly estimated"),
            _ => None,
        },
        lines: bill.lines.into_iter().map(charge).collect(),
        readings,
        subtotal: bill.subtotal_minor,
        tax: bill.tax_minor,
        total: bill.total_minor,
    })
}

pub(super) fn receipt(
    facts: Facts,
    payment: &PaymentSucceeded,
    number: String,
    at: Timestamp,
) -> Receipt {
    let Facts { bill, customer, provider } = facts;
    // A payment is the payer's: the bill may be another person's.
    let customer = if bill.user_id == payment.user_id { customer } else { Contact::default() };
    Receipt {
        number,
        invoice_number: bill.number.unwrap_or_default(),
        provider,
        customer: party(customer),
        currency: payment.currency,
        period: bill.period,
        paid_on: bill.timezone.date_of(at),
        method: method(payment),
        payment: payment.payment_id.to_string(),
        invoice_total: bill.total_minor,
        amount: payment.amount_minor,
    }
}

/// Short enough to be read aloud: the last letters of an id are its random ones.
pub(super) fn receipt_number(id: PaymentId) -> String {
    let id = id.uuid().simple().to_string().to_ascii_uppercase();
    format!("R-{}", &id[id.len() - NUMBER_LETTERS..])
}

fn party(contact: Contact) -> Party {
    Party { name: contact.name, email: contact.email }
}

fn charge(line: Line) -> Charge {
    Charge {
        description: line.description,
        quantity: line.quantity,
        unit: line.unit,
        rate: line.rate,
        tax_code: line.tax_code,
        amount: line.amount_minor,
        tax: line.tax_minor,
    }
}

fn method(payment: &PaymentSucceeded) -> String {
    let method = payment.method.as_deref().unwrap_or(&payment.connector);
    match method {
        "sim" => "Simulated payment".to_owned(),
        other => {
            let words = other.replace('_', " ");
            let mut letters = words.chars();
            let first = letters.next().map(|letter| letter.to_uppercase().to_string());
            format!("{}{}", first.unwrap_or_default(), letters.as_str())
        }
    }
}

/// What is read of a line's trace.
#[derive(Deserialize)]
struct Trace {
    #[serde(default)]
    registers: Vec<Register>,
}

#[derive(Deserialize)]
struct Register {
    serial: String,
    unit: String,
    quantity: String,
    #[serde(default)]
    readings: Vec<Reading>,
}

#[derive(Deserialize)]
struct Reading {
    at: Timestamp,
    value: String,
    quality: String,
    role: String,
}

/// The meters behind the lines, each once. A trace of another shape says nothing here.
fn readings(bill: &Bill) -> Vec<Measured> {
    let read = |trace: &Value| Trace::deserialize(trace).ok();
    let traces = bill.lines.iter().filter_map(|line| line.trace.as_ref().and_then(read));
    let mut all: Vec<Measured> = Vec::new();
    for register in traces.flat_map(|trace| trace.registers) {
        let measured = measured(register, &bill.timezone);
        if all.len() < MEASURED_MAX && !all.contains(&measured) {
            all.push(measured);
        }
    }
    all
}

fn measured(register: Register, zone: &Zone) -> Measured {
    let shown = |role: &str| {
        let reading = register.readings.iter().find(|reading| reading.role == role)?;
        Some(Shown {
            on: zone.date_of(reading.at),
            value: reading.value.clone(),
            is_estimated: reading.quality.starts_with("estimated"),
        })
    };
    let (start, end) = (shown("start"), shown("end"));
    Measured {
        serial: register.serial,
        start,
        end,
        quantity: register.quantity,
        unit: register.unit,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::json;

    fn bill(trace: Value) -> Bill {
        let line = json!({"description": "a", "amount_minor": 1, "tax_minor": 0, "trace": trace});
        serde_json::from_value(json!({"number": "N-1", "provider_id": "acme",
            "user_id": "0190f2c4-7a51-7c7c-9d0e-1f2a3b4c5d6e", "currency": "USD",
            "period": {"start": "2026-03-01", "end": "2026-04-01"}, "timezone": "America/Chicago",
            "basis": "actual", "lines": [line.clone(), line],
            "subtotal_minor": 2, "tax_minor": 0, "total_minor": 2}))
        .unwrap()
    }

    #[test]
    fn the_meters_of_all_lines_stand_once_and_on_their_own_days() {
        let reading = |at: &str, value: &str, quality: &str, role: &str| json!({"id": "x", "at": at, "value": value, "quality": quality, "role": role});
        let trace = json!({"registers": [{"serial": "A-1", "unit": "kWh", "quantity": "355",
            "readings": [reading("2026-03-01T06:00:00Z", "1000", "actual", "start"),
                         reading("2026-04-01T04:00:00Z", "1355", "estimated", "end")]}]});
        let found = readings(&bill(trace));
        assert_eq!(found.len(), 1);
        let end = found[0].end.clone().unwrap();
        assert_eq!((end.on.to_string().as_str(), end.is_estimated), ("2026-03-31", true));
        for other in [json!(null), json!({}), json!({"registers": "none"}), json!([1])] {
            assert!(readings(&bill(other)).is_empty());
        }
    }

    #[test]
    fn a_method_is_told_in_words() {
        let payment = |connector: &str, method: Option<&str>| {
            method_of(json!({"connector": connector, "method": method}))
        };
        assert_eq!(payment("sim", None), "Simulated payment");
        assert_eq!(payment("acquirer", Some("bank_transfer")), "Bank transfer");
    }

    fn method_of(mut facts: Value) -> String {
        let id = "0190f2c4-7a51-7c7c-9d0e-1f2a3b4c5d6e";
        let more = json!({"payment_id": id, "user_id": id, "bill_id": id, "provider_id": null,
            "amount_minor": 1, "currency": "USD"});
        facts.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        method(&serde_json::from_value(facts).unwrap())
    }
}
