//! Pages of lists: how many, and from where on.
use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, de};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Refused, Text, Timestamp, text_form};

/// How many rows a page has: 1 to 100, 20 if not said.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ToSchema)]
#[schema(value_type = u32, minimum = 1, maximum = 100, default = 20)]
pub struct Limit(u32);

impl Limit {
    pub const MAX: u32 = 100;

    pub fn new(rows: u64) -> Result<Self, Refused> {
        let rows = u32::try_from(rows).ok().filter(|rows| (1..=Self::MAX).contains(rows));
        rows.map(Limit).ok_or(Refused::new("limit_invalid", "a limit is 1 to 100"))
    }

    pub fn rows(self) -> usize {
        self.0 as usize
    }

    /// One row more than the page shows: its presence says that there is more.
    pub fn rows_and_one(self) -> i64 {
        i64::from(self.0) + 1
    }
}

impl Default for Limit {
    fn default() -> Self {
        Limit(20)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Rows)
    }
}

/// Query strings bring text, bodies bring numbers.
struct Rows;

impl de::Visitor<'_> for Rows {
    type Value = Limit;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number from 1 to 100")
    }

    fn visit_u64<E: de::Error>(self, rows: u64) -> Result<Limit, E> {
        Limit::new(rows).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, rows: i64) -> Result<Limit, E> {
        self.visit_u64(rows.try_into().unwrap_or(0))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Limit, E> {
        self.visit_u64(text.parse().unwrap_or(0))
    }
}

/// The last row of a page, in the order (created_at, id); opaque to clients.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cursor {
    pub created_at: Timestamp,
    pub id: Uuid,
}

impl Cursor {
    pub fn new(created_at: Timestamp, id: impl Into<Uuid>) -> Self {
        Cursor { created_at, id: id.into() }
    }

    fn read(text: &str) -> Option<Self> {
        let bytes: [u8; 24] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (micros, id) = bytes.split_first_chunk::<8>()?;
        let micros = i64::from_be_bytes(*micros);
        let created_at = Timestamp::from_micros(micros);
        let id = Uuid::from_slice(id).ok()?;
        (created_at.micros() == micros).then_some(Cursor { created_at, id })
    }
}

impl Text for Cursor {
    fn text(&self) -> Cow<'_, str> {
        let micros = self.created_at.micros().to_be_bytes();
        URL_SAFE_NO_PAD.encode([&micros[..], self.id.as_bytes()].concat()).into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        Cursor::read(text)
            .ok_or(Refused::new("cursor_invalid", "a cursor is taken from `next_cursor`"))
    }
}
text_form!(Cursor);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::types::BillId;

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        let cursor = Cursor::new(Timestamp::from_micros(1_793_000_000_123_456), BillId::new());
        assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        assert!(
            cursor.to_string().bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        );
    }

    #[test]
    fn a_forged_cursor_is_refused() {
        for bad in
            ["", "abc", "!!!!", &"/".repeat(32), &"A".repeat(33), &"_".repeat(32).replace('_', "f")]
        {
            assert_eq!(bad.parse::<Cursor>().unwrap_err().code(), "cursor_invalid", "{bad}");
        }
    }

    #[test]
    fn a_limit_is_text_or_number_within_its_bounds() {
        for (json, rows) in [("1", 1), ("\"100\"", 100)] {
            assert_eq!(serde_json::from_str::<Limit>(json).unwrap().rows(), rows);
        }
        for bad in ["0", "101", "-1", "\"ten\"", "\"\""] {
            let fault = serde_json::from_str::<Limit>(bad).unwrap_err().to_string();
            assert!(fault.starts_with("limit_invalid: "), "{bad} gave {fault}");
        }
        assert_eq!(Limit::default().rows_and_one(), 21);
    }
}
