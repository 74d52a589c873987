//! Papers as wholes: the same facts give the same bytes, nothing leaves the page, long ones go on.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::types::ProviderId;

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn amount(minor: i64) -> Amount {
    Amount::new(minor).unwrap()
}

fn charge(description: &str, minor: i64) -> Charge {
    Charge {
        description: description.to_owned(),
        quantity: Some("355".to_owned()),
        unit: Some("kWh".to_owned()),
        rate: Some("0.123".to_owned()),
        tax_code: Some("VAT".to_owned()),
        amount: amount(minor),
        tax: amount(minor / 5),
    }
}

fn sample(lines: Vec<Charge>) -> Invoice {
    let subtotal = amount(lines.iter().map(|line| line.amount.minor()).sum());
    let tax = amount(lines.iter().map(|line| line.tax.minor()).sum());
    Invoice {
        number: "NORTHWIND-2026-000042".to_owned(),
        provider: "Northwind Energy".to_owned(),
        customer: Party {
            name: Some("Ada Lovelace".to_owned()),
            email: Some("ada@example.org".to_owned()),
        },
        account: Some("0190f2c4-7a51-7c7c-9d0e-1f2a3b4c5d6e".to_owned()),
        currency: "USD".parse().unwrap(),
        period: Period::new(date("2026-03-01"), date("2026-04-01")).unwrap(),
        issued_on: date("2026-04-02"),
        due_on: date("2026-04-16"),
        basis: Some("Estimated"),
        lines,
        readings: vec![Measured {
            serial: "A-1042".to_owned(),
            start: Some(Shown {
                on: date("2026-03-01"),
                value: "1000".to_owned(),
                is_estimated: false,
            }),
            end: Some(Shown {
                on: date("2026-04-01"),
                value: "1355".to_owned(),
                is_estimated: true,
            }),
            quantity: "355".to_owned(),
            unit: "kWh".to_owned(),
        }],
        subtotal,
        tax,
        total: amount(subtotal.minor() + tax.minor()),
    }
}

fn few() -> Invoice {
    let mut lines = vec![
        charge("Standing charge", 1_200),
        charge("Energy, first 200 kWh", 2_460),
        charge(
            "Energy, beyond 200 kWh, off-peak hours between eleven at night and seven in the morning",
            1_860,
        ),
        charge("Loyalty discount", -250),
    ];
    lines[0].quantity = None;
    lines[0].unit = None;
    lines[0].rate = None;
    sample(lines)
}

fn paid() -> Receipt {
    Receipt {
        number: "R-7C7C9D0E".to_owned(),
        invoice_number: "NORTHWIND-2026-000042".to_owned(),
        provider: "Northwind Energy".to_owned(),
        customer: Party {
            name: Some("Δημήτρης Παπαδόπουλος".to_owned()), email: None
        },
        currency: "EUR".parse().unwrap(),
        period: Period::new(date("2026-03-01"), date("2026-04-01")).unwrap(),
        paid_on: date("2026-04-10"),
        method: "Card".to_owned(),
        payment: "0190f2c4-7a51-7c7c-9d0e-1f2a3b4c5d6e".to_owned(),
        invoice_total: amount(6_324),
        amount: amount(6_324),
    }
}

/// Where to look at them: only when somebody asks for it.
fn show(name: &str, pdf: &[u8]) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/papers");
    if folder.is_dir() {
        std::fs::write(folder.join(name), pdf).unwrap();
    }
}

fn pages(pdf: &[u8]) -> usize {
    pdf.windows(b"/Type/Page/".len()).filter(|window| *window == b"/Type/Page/").count()
}

#[test]
fn the_same_facts_give_the_same_bytes() {
    let (first, again) = (invoice(&few()).unwrap(), invoice(&few()).unwrap());
    assert!(first == again && first.starts_with(b"%PDF-1.7"));
    show("invoice.pdf", &first);
    let receipts = (receipt(&paid()).unwrap(), receipt(&paid()).unwrap());
    assert!(receipts.0 == receipts.1);
    show("receipt.pdf", &receipts.0);
    let other = Invoice { number: "NORTHWIND-2026-000043".to_owned(), ..few() };
    assert!(invoice(&other).unwrap() != first);
}

#[test]
fn a_bill_of_two_hundred_lines_goes_on_over_pages() {
    let lines = (1..=200).map(|n| charge(&format!("Meter point {n}"), 1_000 + n)).collect();
    let pdf = invoice(&sample(lines)).unwrap();
    show("long.pdf", &pdf);
    assert!(pages(&pdf) >= 6, "{} pages", pages(&pdf));
}

#[test]
fn whatever_people_are_called_it_can_be_written() {
    let provider: ProviderId = "n".repeat(64).parse().unwrap();
    let mut odd = few();
    odd.provider = format!("{provider} Öffentliche Elektrizitätsversorgungsgesellschaft 水道局");
    odd.customer.name = Some("Їжаченко-Щербина ".repeat(11));
    odd.customer.email = Some(format!("{}@example.org", "x".repeat(64)));
    odd.number = "N".repeat(200);
    odd.account = None;
    odd.currency = "KWD".parse().unwrap();
    odd.lines[0].description = "W".repeat(200);
    odd.lines[1].description = "\u{202e}\u{0}\u{fffd} مرحبا".to_owned();
    odd.lines[2].amount = amount(-9_007_199_254_740_991);
    odd.total = amount(9_007_199_254_740_991);
    let pdf = invoice(&odd).unwrap();
    show("odd.pdf", &pdf);
    assert!(pages(&pdf) <= 2);
}
