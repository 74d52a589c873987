//! Names of things: UUIDv7 as hyphenated text, one type for each kind of thing.
use std::borrow::Cow;

use super::{Refused, Text, text_form};

/// `id! { /// A payment. PaymentId }` makes the type with `new`, `uuid`, its [`Text`] form and
/// the conversions from and to `Uuid`.
macro_rules! id {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name($crate::types::expansion::Uuid);

        #[allow(clippy::new_without_default, dead_code, reason = "two defaults would differ")]
        impl $name {
            /// A fresh one; later ones of this process sort behind it.
            #[allow(clippy::disallowed_methods, reason = "the one source of ids")]
            pub fn new() -> Self {
                $name($crate::types::expansion::Uuid::now_v7())
            }
            pub fn uuid(self) -> $crate::types::expansion::Uuid {
                self.0
            }
        }
        impl From<$crate::types::expansion::Uuid> for $name {
            fn from(uuid: $crate::types::expansion::Uuid) -> Self {
                $name(uuid)
            }
        }
        impl From<$name> for $crate::types::expansion::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
        impl $crate::types::Text for $name {
            const FORMAT: Option<&'static str> = Some("uuid");
            fn text(&self) -> std::borrow::Cow<'_, str> {
                self.0.hyphenated().to_string().into()
            }
            fn parse(text: &str) -> Result<Self, $crate::types::Refused> {
                $crate::types::parse_uuid(text).map($name)
            }
        }
        $crate::types::text_form!($name);
    )+};
}
pub(crate) use id;

id! {
    /// A person or a machine with an account.
    UserId,
    /// A login and all tokens that come from it.
    SessionId,
    /// A key that signs tokens, or one that an integrator uses.
    KeyId,
    /// A bill.
    BillId,
    /// A line of a bill.
    BillLineId,
    /// A part of a bill's balance that is held for one payment.
    ReservationId,
    /// A payment.
    PaymentId,
    /// One try to carry out a payment at a connector.
    AttemptId,
    /// An account of the ledger.
    AccountId,
    /// A movement between accounts of the ledger.
    TransferId,
    /// An event between services.
    EventId,
    /// A durable job.
    JobId,
    /// A row of the audit trail.
    AuditId,
    /// A place that is supplied by a provider, and paid for by a person.
    ServiceAccountId,
    /// A device that measures.
    MeterId,
    /// One counter of a meter.
    RegisterId,
    /// What a register showed at an instant.
    ReadingId,
    /// A price list; its versions have dates.
    TariffId,
    /// A document.
    DocumentId,
}

/// A utility company. Any id of 1 to 64 letters, digits, `.`, `_`, `:` or `-` is good.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ProviderId(String);

const PROVIDER_ID_LENGTH_MAX: usize = 64;

impl Text for ProviderId {
    fn example() -> Option<&'static str> {
        Some("river-power")
    }

    fn text(&self) -> Cow<'_, str> {
        self.0.as_str().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let fits = (1..=PROVIDER_ID_LENGTH_MAX).contains(&text.len());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        if fits && text.bytes().all(plain) {
            return Ok(ProviderId(text.to_owned()));
        }
        Err(Refused::new("id_invalid", "1 to 64 letters, digits, `.`, `_`, `:` or `-`"))
    }
}
text_form!(ProviderId);

/// The hyphenated form only: one thing has one address.
pub(crate) fn parse_uuid(text: &str) -> Result<uuid::Uuid, Refused> {
    const HYPHENATED: usize = uuid::fmt::Hyphenated::LENGTH;
    let parsed = if text.len() == HYPHENATED { uuid::Uuid::try_parse(text).ok() } else { None };
    parsed.ok_or(Refused::new("id_invalid", "an id is a UUID with hyphens"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn later_ids_sort_behind_earlier_ones() {
        let ids: Vec<String> = (0..1_000).map(|_| PaymentId::new().to_string()).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn an_id_has_one_written_form() {
        let id = BillId::new();
        assert_eq!(id.to_string().parse::<BillId>().unwrap(), id);
        assert_eq!(id.to_string().to_uppercase().parse::<BillId>().unwrap(), id);
        for other in [id.uuid().simple().to_string(), id.uuid().braced().to_string()] {
            assert_eq!(other.parse::<BillId>().unwrap_err().code(), "id_invalid");
        }
    }

    #[test]
    fn a_provider_is_any_plain_word() {
        assert_eq!("acme.power:eu-1".parse::<ProviderId>().unwrap().to_string(), "acme.power:eu-1");
        for bad in ["", "a b", "a/b", "é", &"x".repeat(65)] {
            assert!(bad.parse::<ProviderId>().is_err(), "{bad}");
        }
    }
}
