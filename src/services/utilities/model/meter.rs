//! A meter with its registers.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::{MeterId, Refused, RegisterId, ServiceAccountId, Timestamp, UserId, words};

use super::count::Count;
use super::words::{Direction, Label, RegisterUnit};

/// Meters of one account that measure at a time.
pub(crate) const METERS_MAX: i64 = 50;
/// Meters of one account that one period is made from, with those that were retired in it.
pub(crate) const METERS_OF_PERIOD_MAX: i64 = 100;
/// A meter has at least one register and at most so many.
const REGISTERS_MAX: usize = 16;
const DIGITS_MAX: u32 = 9;
/// The first multiplier that is too large.
const MULTIPLIER_DIGITS_MAX: u32 = 6;

words! {
    /// Whether it still measures.
    pub(crate) enum MeterStatus: "status_unknown" {
        Active = "active",
        Retired = "retired",
    }
}

/// A meter as it is kept, without its registers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Meter {
    pub(crate) id: MeterId,
    pub(crate) service_account_id: ServiceAccountId,
    /// Who pays for what it measures.
    pub(crate) user_id: UserId,
    pub(crate) serial: Label,
    pub(crate) status: MeterStatus,
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
    /// From when on it measures; not said of one that measured before it was known here.
    pub(crate) installed_at: Option<Timestamp>,
    pub(crate) retired_at: Option<Timestamp>,
}

/// One counter of a meter.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Register {
    pub(crate) id: RegisterId,
    #[serde(skip)]
    pub(crate) meter_id: MeterId,
    pub(crate) unit: RegisterUnit,
    /// It shows numbers below ten to this power, then begins again.
    pub(crate) digits: u32,
    /// What a unit of the register stands for.
    pub(crate) multiplier: Count,
    pub(crate) direction: Direction,
}

/// A meter as it is shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct MeterView {
    pub(crate) id: MeterId,
    service_account_id: ServiceAccountId,
    serial: Label,
    status: MeterStatus,
    registers: Vec<Register>,
    version: i64,
    pub(crate) created_at: Timestamp,
    installed_at: Option<Timestamp>,
    retired_at: Option<Timestamp>,
}

/// A meter to be put up.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMeter {
    pub(crate) service_account_id: ServiceAccountId,
    /// The number on the device.
    pub(crate) serial: Label,
    /// 1 to 16.
    pub(crate) registers: Vec<NewRegister>,
    /// From when on it measures here, as after an exchange: periods in which it was put up are
    /// counted from then on. Not later than five minutes from now.
    #[serde(default)]
    pub(crate) installed_at: Option<Timestamp>,
}

/// Up to when a meter measured.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retirement {
    /// Now if not said. No reading that counts or waits is later. A meter that was put up by mistake
    /// is retired as of an instant before all periods that are not billed yet.
    #[serde(default)]
    pub(crate) retired_at: Option<Timestamp>,
}

/// A register of a new meter.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRegister {
    unit: RegisterUnit,
    /// 1 to 9 before the point.
    digits: u32,
    /// 1 if not said.
    #[serde(default)]
    multiplier: Option<Count>,
    /// `import` if not said.
    #[serde(default)]
    direction: Option<Direction>,
}

impl NewMeter {
    /// The registers of a meter, or all that is wrong with them: where, and why.
    pub(crate) fn registers(&self, meter_id: MeterId) -> Result<Vec<Register>, Faults> {
        if !(1..=REGISTERS_MAX).contains(&self.registers.len()) {
            let detail = format!("a meter has 1 to {REGISTERS_MAX} registers");
            return Err(vec![(
                "/registers".to_owned(),
                Refused::new("register_count_invalid", detail),
            )]);
        }
        let (mut registers, mut faults) = (Vec::new(), Vec::new());
        for (index, new) in self.registers.iter().enumerate() {
            match new.check(meter_id) {
                Ok(register) => registers.push(register),
                Err((field, refused)) => {
                    faults.push((format!("/registers/{index}/{field}"), refused));
                }
            }
        }
        if faults.is_empty() { Ok(registers) } else { Err(faults) }
    }
}

/// Everything that is wrong with a body.
pub(crate) type Faults = Vec<(String, Refused)>;

impl NewRegister {
    fn check(&self, meter_id: MeterId) -> Result<Register, (&'static str, Refused)> {
        if !(1..=DIGITS_MAX).contains(&self.digits) {
            let detail = format!("a register has 1 to {DIGITS_MAX} digits");
            return Err(("digits", Refused::new("digits_invalid", detail)));
        }
        let multiplier = self.multiplier.unwrap_or(Count::beyond(0));
        if multiplier == Count::ZERO || multiplier >= Count::beyond(MULTIPLIER_DIGITS_MAX) {
            let detail = "more than zero and less than a million";
            return Err(("multiplier", Refused::new("multiplier_invalid", detail)));
        }
        Ok(Register {
            id: RegisterId::new(),
            meter_id,
            unit: self.unit.clone(),
            digits: self.digits,
            multiplier,
            direction: self.direction.unwrap_or(Direction::Import),
        })
    }
}

impl Register {
    /// The first number that it cannot show.
    pub(crate) fn beyond(&self) -> Count {
        Count::beyond(self.digits)
    }
}

impl MeterView {
    pub(crate) fn new(meter: Meter, registers: Vec<Register>) -> MeterView {
        MeterView {
            id: meter.id,
            service_account_id: meter.service_account_id,
            serial: meter.serial,
            status: meter.status,
            registers,
            version: meter.version,
            created_at: meter.created_at,
            installed_at: meter.installed_at,
            retired_at: meter.retired_at,
        }
    }
}
