//! The receipt: who has paid what, when, and for which invoice.
use super::figures::{amount, day, money, period};
use super::frame::{Highlight, Sum};
use super::pdf::{self, About};
use super::sheet::{Ink, Sheet};
use super::table::{Column, Row};
use super::{Receipt, RenderError};

const COLOUR: Ink = Ink(0x14, 0x5c, 0x4a);

/// The receipt as PDF.
pub(crate) fn receipt(receipt: &Receipt) -> Result<Vec<u8>, RenderError> {
    let Receipt { number, provider, currency, .. } = receipt;
    let heading = (provider.clone(), format!("Receipt {number}"));
    let mut sheet = Sheet::new(COLOUR, heading)?;
    sheet.band(provider, "RECEIPT", number);
    let facts = [
        ("Receipt number", number.clone()),
        ("Payment date", day(receipt.paid_on)),
        ("Paid with", receipt.method.clone()),
        ("For invoice", receipt.invoice_number.clone()),
    ];
    sheet.parties("RECEIVED FROM", &receipt.customer, &facts);
    let (paid, on) = (money(receipt.amount, *currency), day(receipt.paid_on));
    let highlight =
        Highlight { label: "AMOUNT PAID", value: &paid, aside_label: "PAID ON", aside: &on };
    sheet.highlight(&highlight);
    let columns =
        [Column { title: "INVOICE TOTAL", width: 110.0 }, Column { title: "PAID", width: 110.0 }];
    let row = Row {
        description: format!("Payment of invoice {}", receipt.invoice_number),
        note: Some(format!("Billing period {}", period(receipt.period))),
        cells: vec![amount(receipt.invoice_total, *currency), amount(receipt.amount, *currency)],
    };
    sheet.table("DESCRIPTION", &columns, &[row])?;
    let sum = Sum { label: "Amount paid".to_owned(), value: paid.clone(), is_total: true };
    sheet.sums(&[sum]);
    let thanks = format!(
        "Thank you. {paid} was received on {on} and put towards invoice {}. This receipt confirms \
         the payment; nothing is to be done. When you write to us about it, please quote the \
         payment {}.",
        receipt.invoice_number, receipt.payment
    );
    sheet.note("Payment received", &thanks)?;
    sheet.number_pages(&format!(
        "{provider}  \u{b7}  Receipt {number}  \u{b7}  All amounts in {currency}"
    ));
    pdf::write(
        &sheet,
        &About {
            title: format!("Receipt {number}"),
            author: provider.clone(),
            id: format!("receipt/{}", receipt.payment),
            date: receipt.paid_on,
        },
    )
}
