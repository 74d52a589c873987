//! How the shared words are stored. A column is named like its field, with two exceptions:
//! money `total` is `total_minor` and `currency` (`money` is `amount_minor`), and a period
//! `period` is `period_start` and `period_end`.

use super::{Field, FromValue, Row, StoreError, ToValue, Value};
use crate::types;
use crate::types::{Amount, Money, Period, Timestamp};

/// `stored_as_text!(BillStatus, NoteId)` stores what has one written form (`types::Text`) as it.
#[macro_export]
macro_rules! stored_as_text {
    ($($type:ty),+ $(,)?) => {$(
        impl $crate::storage::ToValue for $type {
            fn to_value(&self) -> $crate::storage::Value<'_> {
                $crate::storage::Value::Text($crate::types::Text::text(self))
            }
        }
        impl $crate::storage::FromValue for $type {
            fn from_value(value: $crate::storage::Value<'_>) -> Option<Self> {
                let $crate::storage::Value::Text(text) = value else { return None };
                $crate::types::Text::parse(&text).ok()
            }
        }
    )+};
}

stored_as_text!(
    types::AccountId,
    types::AttemptId,
    types::AuditId,
    types::BillId,
    types::BillLineId,
    types::DocumentId,
    types::EventId,
    types::JobId,
    types::KeyId,
    types::MeterId,
    types::PaymentId,
    types::ProviderId,
    types::ReadingId,
    types::RegisterId,
    types::ReservationId,
    types::ServiceAccountId,
    types::SessionId,
    types::TariffId,
    types::TransferId,
    types::UserId,
);
stored_as_text!(types::Currency, types::Date, types::Email, types::HttpUrl, types::Name);
stored_as_text!(types::Locale, types::Quantity, types::Rate, types::ServiceName, types::Zone);

impl ToValue for Timestamp {
    fn to_value(&self) -> Value<'_> {
        Value::Int(self.micros())
    }
}

impl FromValue for Timestamp {
    fn from_value(value: Value<'_>) -> Option<Self> {
        i64::from_value(value).map(Timestamp::from_micros)
    }
}

impl ToValue for Amount {
    fn to_value(&self) -> Value<'_> {
        Value::Int(self.minor())
    }
}

impl FromValue for Amount {
    fn from_value(value: Value<'_>) -> Option<Self> {
        i64::from_value(value).and_then(|minor| Amount::new(minor).ok())
    }
}

impl Field for Money {
    fn read(row: &Row<'_>, name: &str) -> Result<Self, StoreError> {
        let prefix = if name == "money" { "amount" } else { name };
        let amount: Amount = row.get(&format!("{prefix}_minor"))?;
        Ok(amount.in_currency(row.get("currency")?))
    }
}

impl Field for Period {
    fn read(row: &Row<'_>, name: &str) -> Result<Self, StoreError> {
        let (start, end) = (format!("{name}_start"), format!("{name}_end"));
        Period::new(row.get(&start)?, row.get(&end)?).map_err(|refused| row.fault(&end, refused))
    }
}

/// All or nothing, as a bill without a period has neither of the two columns.
impl Field for Option<Period> {
    fn read(row: &Row<'_>, name: &str) -> Result<Self, StoreError> {
        let start: Option<types::Date> = row.get(&format!("{name}_start"))?;
        start.map(|_| row.get(name)).transpose()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::storage::{Database, Settings, Statement, Target, params, record};
    use crate::types::{BillId, Date, Email};

    const ALL_KINDS: Statement = Statement::new(
        "ALL_KINDS",
        "SELECT $1 AS id, $2 AS email, $3 AS at, $4 AS amount_minor, $5 AS total_minor,
                $6 AS currency, $7 AS period_start, $8 AS period_end",
    );

    #[derive(Debug, PartialEq)]
    struct Kinds {
        id: BillId,
        email: Email,
        at: Timestamp,
        money: Money,
        total: Money,
        period: Option<Period>,
    }
    record! { Kinds { id, email, at, money, total, period } }

    async fn through_the_database(kinds: &Kinds) -> Result<Kinds, StoreError> {
        let folder = std::env::temp_dir().join(BillId::new().to_string());
        let target = Target::Sqlite(folder.join("types.sqlite3"));
        let database = Database::open("types", &target, &Settings::default()).await.unwrap();
        let (money, total, period) = (kinds.money, kinds.total, kinds.period);
        let (start, end) = (period.map(Period::start), period.map(Period::end));
        let (amount, total, currency) = (money.amount(), total.amount(), money.currency());
        let values = params![kinds.id, kinds.email, kinds.at, amount, total, currency, start, end];
        let back = database.one(ALL_KINDS, values).await;
        std::fs::remove_dir_all(folder).unwrap();
        back
    }

    fn kinds(period: Option<Period>) -> Kinds {
        let usd = |minor| Money::new(minor, "USD".parse().unwrap()).unwrap();
        Kinds {
            id: BillId::new(),
            email: "ada@example.org".parse().unwrap(),
            at: Timestamp::from_micros(1_793_000_000_123_456),
            money: usd(4496),
            total: usd(-12),
            period,
        }
    }

    #[actix_rt::test]
    async fn the_shared_words_come_back_as_they_went() {
        let date = |text: &str| text.parse::<Date>().unwrap();
        let november = Period::new(date("2026-11-01"), date("2026-12-01")).unwrap();
        for kinds in [kinds(Some(november)), kinds(None)] {
            assert_eq!(through_the_database(&kinds).await.unwrap(), kinds);
        }
    }

    #[test]
    fn a_stored_word_that_is_none_is_no_value() {
        assert_eq!(BillId::from_value(Value::Text("nonsense".into())), None);
        assert_eq!(BillId::from_value(Value::Int(1)), None);
        assert_eq!(Amount::from_value(Value::Int(i64::MAX)), None);
    }
}
