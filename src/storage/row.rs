//! Rows read by column name; every fault names statement and column.

use std::error::Error;

use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row as _, Sqlite, TypeInfo, ValueRef};

use super::value::not_portable;
use super::{FromValue, Statement, StoreError, Value};

/// One row of either engine.
pub struct Row<'r> {
    cells: Cells<'r>,
    statement: Statement,
}

enum Cells<'r> {
    Sqlite(&'r SqliteRow),
    Postgres(&'r tokio_postgres::Row),
}

/// A type that is read from a whole row; see [`record!`](crate::storage::record).
pub trait FromRow: Sized {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError>;
}

/// A field of a record: one column of its name, unless the type says otherwise (as money does,
/// which is read from two).
pub trait Field: Sized {
    fn read(row: &Row<'_>, name: &str) -> Result<Self, StoreError>;
}

impl<T: FromValue> Field for T {
    fn read(row: &Row<'_>, name: &str) -> Result<T, StoreError> {
        let value = row.value(name)?;
        let shown = value.shown();
        T::from_value(value).ok_or_else(|| {
            let wanted = std::any::type_name::<T>();
            row.fault(name, format!("{shown} is no {wanted}"))
        })
    }
}

impl<'r> Row<'r> {
    pub(super) fn sqlite(row: &'r SqliteRow, statement: Statement) -> Self {
        Row { cells: Cells::Sqlite(row), statement }
    }

    pub(super) fn postgres(row: &'r tokio_postgres::Row, statement: Statement) -> Self {
        Row { cells: Cells::Postgres(row), statement }
    }

    /// The field of that name.
    pub fn get<T: Field>(&self, name: &str) -> Result<T, StoreError> {
        T::read(self, name)
    }

    /// An error about one column of this row.
    pub fn fault(&self, column: &str, what: impl ToString) -> StoreError {
        let statement = self.statement.name;
        StoreError::Column { statement, column: column.to_owned(), what: what.to_string() }
    }

    fn value(&self, name: &str) -> Result<Value<'_>, StoreError> {
        match self.cells {
            Cells::Postgres(row) => row.try_get(name).map_err(|error| {
                let cause = error.source().map(ToString::to_string);
                self.fault(name, cause.unwrap_or_else(|| error.to_string()))
            }),
            Cells::Sqlite(row) => self.sqlite_value(row, name),
        }
    }

    fn sqlite_value(&self, row: &'r SqliteRow, name: &str) -> Result<Value<'_>, StoreError> {
        let raw = row.try_get_raw(name).map_err(|error| self.fault(name, error))?;
        if raw.is_null() {
            return Ok(Value::Null);
        }
        let kind = raw.type_info().name().to_owned();
        match kind.as_str() {
            "INTEGER" => <i64 as Decode<Sqlite>>::decode(raw).map(Value::Int),
            "REAL" => <f64 as Decode<Sqlite>>::decode(raw).map(Value::Real),
            "TEXT" => <&str as Decode<Sqlite>>::decode(raw).map(|text| Value::Text(text.into())),
            other => return Err(self.fault(name, not_portable(other))),
        }
        .map_err(|error| self.fault(name, error))
    }
}

/// A single value, from the column `value`:
/// `let (count,): (i64,) = database.one(COUNT, params![]).await?`.
impl<T: FromValue> FromRow for (T,) {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok((row.get("value")?,))
    }
}

/// `record! { Bill { id, money } }` reads each field of `Bill` by its name:
///
/// ```text
/// impl FromRow for Bill {
///     fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
///         Ok(Bill { id: row.get("id")?, money: row.get("money")? })
///     }
/// }
/// ```
#[macro_export]
macro_rules! record {
    ($record:ident { $($field:ident),+ $(,)? }) => {
        impl $crate::storage::FromRow for $record {
            fn from_row(
                row: &$crate::storage::Row<'_>,
            ) -> Result<Self, $crate::storage::StoreError> {
                Ok($record { $($field: row.get(stringify!($field))?),+ })
            }
        }
    };
}
