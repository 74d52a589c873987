//! The words that two or more services share. No I/O, no engine, no HTTP.
//!
//! A type moves here when a second service needs it, not before. Whatever has one written form
//! implements [`Text`]; JSON, storage and the API description all follow from that form.
mod backoff;
mod calendar;
mod clock;
mod currency;
mod decimal;
mod id;
mod lease;
mod locale;
mod money;
mod nearest;
mod number_pattern;
mod page;
mod service;
pub mod tariff;
mod text;
mod written;
mod zone;

pub use backoff::Backoff;
pub use calendar::{Date, Period};
pub use clock::{Clock, Timestamp};
pub use currency::Currency;
pub use decimal::{BasisPoints, Exact, Fixed, Quantity, Rate, round_half_even, split};
pub use id::{
    AccountId, AttemptId, AuditId, BillId, BillLineId, DocumentId, EventId, JobId, KeyId, MeterId,
    PaymentId, ProviderId, ReadingId, RegisterId, ReservationId, ServiceAccountId, SessionId,
    TariffId, TransferId, UserId,
};
pub use lease::Holder;
pub use locale::Locale;
pub use money::{Amount, MINOR_MAX, Money};
pub use nearest::nearest;
pub use number_pattern::NumberPattern;
pub use page::{Cursor, Limit};
pub use service::ServiceName;
pub use text::{Email, HttpUrl, Name};
pub use written::{Refused, Text};
pub use zone::Zone;

#[allow(unused_imports, reason = "for ids of one service")]
pub(crate) use id::{id, parse_uuid};
#[allow(unused_imports, reason = "for states of one service")]
pub(crate) use written::{text_form, words};

// What the macros above expand to; not meant to be called by hand.
#[doc(hidden)]
pub mod expansion {
    pub use super::written::{deserialize_text, text_schema};
    pub use uuid::Uuid;
}
