//! The lines of a bill, in their order.
use crate::storage::{
    Database, FromValue, StoreError, ToValue, Transaction, Value, params, record, sql,
};
use crate::types::BillId;

use super::super::model::line::Line;
use super::super::model::trace::Trace;

sql! {
    OF_BILL = "SELECT id, kind, description, quantity, unit, rate, amount_minor, tax_code, tax_minor,
                   trace
               FROM bill_lines WHERE bill_id = $1 ORDER BY position";
    INSERT = "INSERT INTO bill_lines (id, bill_id, position, kind, description, quantity, unit,
                  rate, amount_minor, tax_code, tax_minor, trace)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    DELETE = "DELETE FROM bill_lines WHERE bill_id = $1";
}

record! {
    Line { id, kind, description, quantity, unit, rate, amount_minor, tax_code, tax_minor, trace }
}

impl ToValue for Trace {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self.0.to_string().into())
    }
}

impl FromValue for Trace {
    fn from_value(value: Value<'_>) -> Option<Self> {
        let Value::Text(text) = value else { return None };
        serde_json::from_str(&text).ok().map(Trace)
    }
}

pub(crate) async fn of_bill(database: &Database, bill: BillId) -> Result<Vec<Line>, StoreError> {
    database.all(OF_BILL, params![bill]).await
}

/// The lines as the transaction sees them.
pub(crate) async fn seen(tx: &mut Transaction<'_>, bill: BillId) -> Result<Vec<Line>, StoreError> {
    tx.all(OF_BILL, params![bill]).await
}

/// A draft has few lines, and there is no portable statement for many rows.
pub(crate) async fn insert(
    tx: &mut Transaction<'_>,
    bill: BillId,
    lines: &[Line],
) -> Result<(), StoreError> {
    for (position, line) in (1_i64..).zip(lines) {
        let Line { id, kind, description, quantity, unit, rate, .. } = line;
        let (amount, tax_code, tax) = (line.amount_minor, &line.tax_code, line.tax_minor);
        let trace = &line.trace;
        let values = params![
            id,
            bill,
            position,
            kind,
            description,
            quantity,
            unit,
            rate,
            amount,
            tax_code,
            tax,
            trace
        ];
        tx.execute(INSERT, values).await?;
    }
    Ok(())
}

/// In place of those that were there.
pub(crate) async fn replace(
    tx: &mut Transaction<'_>,
    bill: BillId,
    lines: &[Line],
) -> Result<(), StoreError> {
    tx.execute(DELETE, params![bill]).await?;
    insert(tx, bill, lines).await
}
