//! What goes into a statement and what comes out of a row, the same for both engines.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Write;

use bytes::BytesMut;
use tokio_postgres::types::{Format, FromSql, IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

/// One value of the portable set.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Real(f64),
    Text(Cow<'a, str>),
}

/// A type that fills one placeholder.
pub trait ToValue {
    fn to_value(&self) -> Value<'_>;
}

/// A type that is read from one column. `None`: the value cannot be such a thing.
pub trait FromValue: Sized {
    fn from_value(value: Value<'_>) -> Option<Self>;
}

/// `params![id, amount]` is `&[id.to_value(), amount.to_value()]`, the values of `$1, $2`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::storage::ToValue::to_value(&$value)),*] as &[$crate::storage::Value<'_>]
    };
}

impl Value<'_> {
    /// The value for an error's text: what people wrote stays out of logs, single words do not.
    pub(super) fn shown(&self) -> String {
        const WORD_BYTES_MAX: usize = 24;
        match self {
            Value::Text(text)
                if text.len() <= WORD_BYTES_MAX
                    && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') =>
            {
                format!("{text:?}")
            }
            Value::Text(text) => format!("a text of {} bytes", text.len()),
            other => format!("{other:?}"),
        }
    }
}

impl ToValue for Value<'_> {
    fn to_value(&self) -> Value<'_> {
        self.clone()
    }
}

impl ToValue for bool {
    fn to_value(&self) -> Value<'_> {
        Value::Bool(*self)
    }
}

impl ToValue for i64 {
    fn to_value(&self) -> Value<'_> {
        Value::Int(*self)
    }
}

impl ToValue for i32 {
    fn to_value(&self) -> Value<'_> {
        Value::Int(i64::from(*self))
    }
}

impl ToValue for u32 {
    fn to_value(&self) -> Value<'_> {
        Value::Int(i64::from(*self))
    }
}

impl ToValue for u16 {
    fn to_value(&self) -> Value<'_> {
        Value::Int(i64::from(*self))
    }
}

impl ToValue for f64 {
    fn to_value(&self) -> Value<'_> {
        Value::Real(*self)
    }
}

impl ToValue for str {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self.into())
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self.as_str().into())
    }
}

impl ToValue for Cow<'_, str> {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self.as_ref().into())
    }
}

impl ToValue for Uuid {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self.to_string().into())
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value<'_> {
        (**self).to_value()
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, T::to_value)
    }
}

impl FromValue for bool {
    /// SQLite keeps flags as 0 and 1.
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Bool(flag) => Some(flag),
            Value::Int(0) => Some(false),
            Value::Int(1) => Some(true),
            _ => None,
        }
    }
}

impl FromValue for i64 {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Int(number) => Some(number),
            _ => None,
        }
    }
}

impl FromValue for i32 {
    fn from_value(value: Value<'_>) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

impl FromValue for u32 {
    fn from_value(value: Value<'_>) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

impl FromValue for u16 {
    fn from_value(value: Value<'_>) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

impl FromValue for f64 {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Real(number) => Some(number),
            _ => None,
        }
    }
}

impl FromValue for String {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.into_owned()),
            _ => None,
        }
    }
}

impl FromValue for Uuid {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Text(text) => Uuid::parse_str(&text).ok(),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// To PostgreSQL every parameter goes as text of unspecified type: the server infers it, so the
/// same slice serves prepared and unnamed statements.
impl ToSql for Value<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Send + Sync>> {
        match self {
            Value::Null => return Ok(IsNull::Yes),
            Value::Bool(flag) => out.extend_from_slice(if *flag { b"t" } else { b"f" }),
            Value::Int(number) => write!(out, "{number}")?,
            Value::Real(number) => write!(out, "{number}")?,
            Value::Text(text) => out.extend_from_slice(text.as_bytes()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// Results come in binary and are decoded by the column's type.
impl<'a> FromSql<'a> for Value<'a> {
    fn from_sql(column: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(match *column {
            Type::BOOL => Value::Bool(bool::from_sql(column, raw)?),
            Type::INT8 => Value::Int(i64::from_sql(column, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(column, raw)?.into()),
            Type::FLOAT8 => Value::Real(f64::from_sql(column, raw)?),
            Type::TEXT | Type::VARCHAR => Value::Text(std::str::from_utf8(raw)?.into()),
            ref other => return Err(not_portable(other.name()).into()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Value::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Whether a PostgreSQL column of this type can be read.
pub(super) fn is_portable(column: &Type) -> bool {
    matches!(
        *column,
        Type::BOOL | Type::INT8 | Type::INT4 | Type::FLOAT8 | Type::TEXT | Type::VARCHAR
    )
}

pub(super) fn not_portable(kind: &str) -> String {
    format!("type {kind} is outside the portable set, CAST it")
}

#[cfg(test)]
mod tests {
    use super::{FromValue, Value};

    #[test]
    fn a_number_that_does_not_fit_is_refused() {
        assert_eq!(u32::from_value(Value::Int(-1)), None);
        assert_eq!(u16::from_value(Value::Int(65_536)), None);
        assert_eq!(i32::from_value(Value::Int(7)), Some(7));
        assert_eq!(bool::from_value(Value::Int(2)), None);
    }

    #[test]
    fn texts_of_people_are_not_shown() {
        assert_eq!(Value::Text("half_paid".into()).shown(), "\"half_paid\"");
        assert_eq!(Value::Text("alice@example.org".into()).shown(), "a text of 17 bytes");
        assert_eq!(Value::Int(4496).shown(), "Int(4496)");
    }
}
