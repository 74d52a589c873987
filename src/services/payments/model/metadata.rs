//! Notes that a client may keep with a payment.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use busbar_http::Invalid;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use utoipa::ToSchema;

use crate::storage::stored_as_text;
use crate::types::{Refused, Text};

use super::card;

const ENTRIES_MAX: usize = 20;
const NAME_CHARS_MAX: usize = 40;
const VALUE_CHARS_MAX: usize = 500;

/// A client's notes, kept as JSON.
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize, ToSchema)]
#[serde(transparent)]
pub(crate) struct PaymentMetadata(BTreeMap<String, String>);

impl PaymentMetadata {
    /// The notes as they came; what is wrong with them is noted.
    pub(crate) fn checked(
        notes: BTreeMap<String, String>,
        invalid: &mut Invalid,
    ) -> PaymentMetadata {
        let entries = notes.len() <= ENTRIES_MAX;
        invalid.check(entries, "/metadata", "metadata_too_many", "at most 20 entries");
        let allowed = "names of 1 to 40 characters, texts of up to 500";
        invalid.check(notes.iter().all(fits), "/metadata", "metadata_too_long", allowed);
        for pointer in notes.iter().take(ENTRIES_MAX).filter_map(place_of_card_number) {
            let refused = card::refused();
            invalid.add(pointer, refused.code(), refused.detail().to_owned());
        }
        PaymentMetadata(notes)
    }
}

fn fits((name, value): (&String, &String)) -> bool {
    (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && value.chars().count() <= VALUE_CHARS_MAX
}

/// Where a note holds a card number, if it does. A name that holds one is not repeated.
fn place_of_card_number((name, value): (&String, &String)) -> Option<String> {
    if card::holds_card_number(name) {
        return Some("/metadata".to_owned());
    }
    let place = || format!("/metadata/{}", name.replace('~', "~0").replace('/', "~1"));
    card::holds_card_number(value).then(place)
}

/// Reads notes of which each has a name of its own: serde would keep the last of several.
pub(super) fn read<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    from.deserialize_map(Notes)
}

struct Notes;

impl<'de> Visitor<'de> for Notes {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut notes = BTreeMap::new();
        while let Some((name, value)) = from.next_entry()? {
            if notes.insert(name, value).is_some() {
                return Err(A::Error::custom("field_repeated: a name comes once"));
            }
        }
        Ok(notes)
    }
}

impl Text for PaymentMetadata {
    fn text(&self) -> Cow<'_, str> {
        serde_json::json!(self.0).to_string().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let read = serde_json::from_str(text).map(PaymentMetadata);
        read.map_err(|error| Refused::new("metadata_invalid", error.to_string()))
    }
}
stored_as_text!(PaymentMetadata);
