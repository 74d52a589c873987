//! Readings as they are delivered, one or many: each is checked by itself.
use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::{ReadingId, RegisterId, Timestamp};

use super::count::Count;
use super::meter::Register;
use super::reading::{NewReading, Reading, ReadingStatus, Suspicion};
use super::words::Quality;

/// Readings of one delivery.
pub(crate) const READINGS_MAX: usize = 10_000;
/// Readings of one delivery that take the place of others.
pub(crate) const CORRECTIONS_MAX: usize = 500;
/// Clocks of meters may be ahead by so much.
pub(crate) const AHEAD_MAX: Duration = Duration::from_secs(300);

/// Several readings in one body.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReadingBatch)]
pub(crate) struct Batch {
    /// 1 to 10 000.
    #[schema(value_type = Vec<NewReading>)]
    pub(crate) readings: Vec<serde_json::Value>,
}

/// One reading, or several.
// Only for the description: the body is read by its form.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = ReadingDelivery)]
#[allow(dead_code, reason = "read by the description alone")]
pub(crate) enum Delivery {
    One(NewReading),
    Many(Batch),
}

/// What is wrong with one reading of a delivery.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = RejectedReading)]
pub(crate) struct Rejected {
    /// Its place in the delivery, from 0.
    pub(crate) index: usize,
    /// Where in the reading.
    pub(crate) pointer: String,
    #[schema(value_type = String)]
    pub(crate) code: Cow<'static, str>,
    #[schema(value_type = String)]
    pub(crate) detail: Cow<'static, str>,
}

/// A reading of the delivery that is held.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = HeldReading)]
pub(crate) struct HeldView {
    pub(crate) index: usize,
    pub(crate) reading_id: ReadingId,
    pub(crate) register_id: RegisterId,
    pub(crate) at: Timestamp,
    /// `suspect_reading`.
    pub(crate) code: &'static str,
    pub(crate) suspicion: Suspicion,
}

/// What became of a delivery.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct IntakeView {
    pub(crate) accepted: usize,
    /// Known already, with the same value.
    pub(crate) duplicates: usize,
    /// Kept, but suspect: they count when staff approve them.
    pub(crate) held: Vec<HeldView>,
    pub(crate) rejected: Vec<Rejected>,
    /// The reading itself, where one alone was delivered and is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reading: Option<Reading>,
}

/// What a delivered reading is held against.
#[derive(Clone, Copy)]
pub(crate) struct Against<'a> {
    pub(crate) registers: &'a [Register],
    pub(crate) installed_at: Option<Timestamp>,
    pub(crate) retired_at: Option<Timestamp>,
    pub(crate) now: Timestamp,
}

/// A reading that can be one of its register.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) index: usize,
    pub(crate) reading: Reading,
}

impl Rejected {
    pub(crate) fn new(
        index: usize,
        pointer: &str,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Rejected {
        Rejected { index, pointer: pointer.to_owned(), code: code.into(), detail: detail.into() }
    }
}

impl Item {
    /// Checks what can be checked without knowing the other readings.
    pub(crate) fn new(
        index: usize,
        new: NewReading,
        Against { registers, installed_at, retired_at, now }: Against<'_>,
    ) -> Result<Item, Rejected> {
        let register = register_of(&new, registers).ok_or_else(|| {
            Rejected::new(index, "/register_id", "register_unknown", "no register of the meter")
        })?;
        if new.at > now.plus(AHEAD_MAX) {
            let detail = "a reading is at most five minutes ahead";
            return Err(Rejected::new(index, "/at", "reading_in_future", detail));
        }
        if installed_at.is_some_and(|installed| new.at < installed) {
            let detail = "before the meter was installed";
            return Err(Rejected::new(index, "/at", "reading_before_installation", detail));
        }
        if retired_at.is_some_and(|retired| new.at > retired) {
            let detail = "after the meter was retired";
            return Err(Rejected::new(index, "/at", "meter_retired", detail));
        }
        if !fits(new.value, register) {
            let detail = format!("the register has {} digits", register.digits);
            return Err(Rejected::new(index, "/value", "value_out_of_range", detail));
        }
        let reading = Reading {
            id: ReadingId::new(),
            meter_id: register.meter_id,
            register_id: register.id,
            at: new.at,
            value: new.value,
            quality: new.quality.unwrap_or(Quality::Actual),
            status: ReadingStatus::Accepted,
            suspicion: None,
            source: new.source,
            external_id: new.external_id,
            supersedes: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        Ok(Item { index, reading })
    }
}

/// Whether a register can show this.
pub(crate) fn fits(value: Count, register: &Register) -> bool {
    value < register.beyond()
}

/// The register that is named, or the only one.
fn register_of<'a>(new: &NewReading, registers: &'a [Register]) -> Option<&'a Register> {
    match (new.register_id, registers) {
        (Some(id), _) => registers.iter().find(|register| register.id == id),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}
