//! The invoice: who owes what to whom, for what, until when.
use std::collections::BTreeMap;

use crate::types::Amount;

use super::figures::{amount, day, decimal, money, period, short_day};
use super::frame::{Highlight, Sum};
use super::pdf::{self, About};
use super::sheet::{Ink, Sheet};
use super::table::{Column, Row};
use super::{Charge, Invoice, Measured, RenderError, Shown};

const COLOUR: Ink = Ink(0x12, 0x3b, 0x5d);

/// Taxes that fit beside the sums; more of them get a table.
const TAXES_BESIDE_MAX: usize = 4;

/// The invoice as PDF.
pub(crate) fn invoice(invoice: &Invoice) -> Result<Vec<u8>, RenderError> {
    let Invoice { number, provider, currency, .. } = invoice;
    let heading = (provider.clone(), format!("Invoice {number}"));
    let mut sheet = Sheet::new(COLOUR, heading)?;
    sheet.band(provider, "INVOICE", number);
    sheet.parties("BILL TO", &invoice.customer, &facts(invoice));
    let (due, total) = (day(invoice.due_on), money(invoice.total, *currency));
    let highlight =
        Highlight { label: "AMOUNT DUE", value: &total, aside_label: "DUE DATE", aside: &due };
    sheet.highlight(&highlight);
    charges(&mut sheet, invoice)?;
    readings(&mut sheet, &invoice.readings)?;
    let how = format!(
        "Please pay {total} by {due}. Sign in to your account, open invoice {number} and choose \
         Pay; you will find a receipt there as soon as the payment has gone through. When you \
         write to us about this invoice, please quote its number."
    );
    sheet.note("How to pay", &how)?;
    sheet.number_pages(&format!(
        "{provider}  \u{b7}  Invoice {number}  \u{b7}  All amounts in {currency}"
    ));
    pdf::write(
        &sheet,
        &About {
            title: format!("Invoice {number}"),
            author: provider.clone(),
            id: format!("invoice/{number}/{provider}"),
            date: invoice.issued_on,
        },
    )
}

fn facts(invoice: &Invoice) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("Invoice number", invoice.number.clone()),
        ("Invoice date", day(invoice.issued_on)),
        ("Billing period", period(invoice.period)),
    ];
    facts.extend(invoice.account.clone().map(|account| ("Service account", account)));
    facts.extend(invoice.basis.map(|basis| ("Consumption", basis.to_owned())));
    facts
}

/// What is charged, and what it comes to.
fn charges(sheet: &mut Sheet, invoice: &Invoice) -> Result<(), RenderError> {
    let currency = invoice.currency;
    let columns = [
        Column { title: "QUANTITY", width: 92.0 },
        Column { title: "RATE", width: 74.0 },
        Column { title: "TAX", width: 66.0 },
        Column { title: "AMOUNT", width: 88.0 },
    ];
    let row = |line: &Charge| Row {
        description: line.description.clone(),
        note: None,
        cells: vec![
            quantity(line),
            line.rate.as_deref().map(decimal).unwrap_or_default(),
            line.tax_code.clone().unwrap_or_default(),
            amount(line.amount, currency),
        ],
    };
    let rows: Vec<Row> = invoice.lines.iter().map(row).collect();
    sheet.table("DESCRIPTION", &columns, &rows)?;
    let sum = |label: &str, value: Amount, is_total| Sum {
        label: label.to_owned(),
        value: if is_total { money(value, currency) } else { amount(value, currency) },
        is_total,
    };
    let taxes = taxes(invoice)?;
    let fits_beside = taxes.len() <= TAXES_BESIDE_MAX;
    sheet.make_room(120.0)?;
    let below = match fits_beside && !taxes.is_empty() {
        true => sheet.beside(["TAX SUMMARY", "TAXABLE", "TAX"], &taxes),
        false => sheet.y,
    };
    sheet.sums(&[
        sum("Subtotal", invoice.subtotal, false),
        sum("Tax", invoice.tax, false),
        sum("Total", invoice.total, true),
    ]);
    sheet.y = sheet.y.max(below + 12.0);
    if fits_beside { Ok(()) } else { tax_table(sheet, taxes) }
}

fn quantity(line: &Charge) -> String {
    let number = line.quantity.as_deref().map(decimal).unwrap_or_default();
    let unit = line.unit.as_deref().unwrap_or_default();
    format!("{number} {unit}").trim().to_owned()
}

/// What was taxed and by how much, for each tax.
fn taxes(invoice: &Invoice) -> Result<Vec<[String; 3]>, RenderError> {
    let mut taxes: BTreeMap<&str, (i128, i128)> = BTreeMap::new();
    for line in &invoice.lines {
        let Some(code) = line.tax_code.as_deref() else { continue };
        let (taxed, tax) = taxes.entry(code).or_default();
        *taxed += i128::from(line.amount.minor());
        *tax += i128::from(line.tax.minor());
    }
    let written = |minor: i128| {
        let minor = i64::try_from(minor).ok().and_then(|minor| Amount::new(minor).ok());
        let minor = minor.ok_or_else(|| RenderError::new("taxes are out of range"))?;
        Ok(amount(minor, invoice.currency))
    };
    let row = |(code, (taxed, tax)): (&str, (i128, i128))| {
        Ok([code.to_owned(), written(taxed)?, written(tax)?])
    };
    taxes.into_iter().map(row).collect()
}

fn tax_table(sheet: &mut Sheet, taxes: Vec<[String; 3]>) -> Result<(), RenderError> {
    let row = |[code, taxable, tax]: [String; 3]| Row {
        description: code,
        note: None,
        cells: vec![taxable, tax],
    };
    let rows: Vec<Row> = taxes.into_iter().map(row).collect();
    let columns = [Column { title: "TAXABLE", width: 110.0 }, Column { title: "TAX", width: 88.0 }];
    sheet.make_room(96.0)?;
    sheet.title("Tax summary");
    sheet.table("TAX CODE", &columns, &rows)?;
    sheet.y += 26.0;
    Ok(())
}

fn readings(sheet: &mut Sheet, readings: &[Measured]) -> Result<(), RenderError> {
    if readings.is_empty() {
        return Ok(());
    }
    let columns = [
        Column { title: "START", width: 128.0 },
        Column { title: "END", width: 128.0 },
        Column { title: "CONSUMPTION", width: 98.0 },
    ];
    let shown = |shown: &Option<Shown>| match shown {
        Some(Shown { on, value, is_estimated }) => {
            let mark = if *is_estimated { " (est.)" } else { "" };
            format!("{}{mark}, {}", decimal(value), short_day(*on))
        }
        None => String::new(),
    };
    let row = |measured: &Measured| Row {
        description: measured.serial.clone(),
        note: None,
        cells: vec![
            shown(&measured.start),
            shown(&measured.end),
            format!("{} {}", decimal(&measured.quantity), measured.unit),
        ],
    };
    let rows: Vec<Row> = readings.iter().map(row).collect();
    sheet.make_room(96.0)?;
    sheet.title("Meter readings");
    sheet.table("METER", &columns, &rows)?;
    sheet.y += 26.0;
    Ok(())
}
