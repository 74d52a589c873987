//! What utilities tells of an account and a period: the prices that hold, what was used, and the
//! readings that say so. Fields that billing does not need are let pass.
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::types::tariff::{TariffContent, Unit};
use crate::types::{
    Currency, Date, MeterId, Name, Period, ProviderId, Quantity, ReadingId, RegisterId,
    ServiceAccountId, TariffId, Timestamp, UserId, Zone, words,
};

use super::words::{Basis, Exactness};

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Usage {
    pub(crate) service_account: Account,
    pub(crate) provider: Provider,
    /// All that hold on some day of the period, in the order in which they do.
    pub(crate) tariffs: Vec<TariffVersion>,
    pub(crate) registers: Vec<RegisterUsage>,
    /// Why it is not known what was used; told to the client as they are.
    pub(crate) gaps: Vec<Value>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Account {
    pub(crate) id: ServiceAccountId,
    /// Who is billed.
    pub(crate) user_id: UserId,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Provider {
    pub(crate) id: ProviderId,
    pub(crate) name: Option<Name>,
    pub(crate) currency: Currency,
    pub(crate) timezone: Zone,
    exactness: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TariffVersion {
    pub(crate) tariff_id: TariffId,
    pub(crate) version: i64,
    /// For this account: an account may come to a tariff later than its version begins.
    pub(crate) effective_from: Date,
    pub(crate) content: TariffContent,
}

/// What one register counted in the period.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RegisterUsage {
    pub(crate) register_id: RegisterId,
    pub(crate) meter_id: MeterId,
    pub(crate) serial: String,
    pub(crate) unit: Unit,
    pub(crate) direction: Direction,
    /// With the multiplier in it.
    pub(crate) quantity: Quantity,
    pub(crate) multiplier: Quantity,
    pub(crate) rolled_over: bool,
    pub(crate) readings: Vec<Reading>,
}

/// What a register showed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub(crate) struct Reading {
    pub(crate) id: ReadingId,
    pub(crate) at: Timestamp,
    pub(crate) value: Quantity,
    pub(crate) quality: String,
    role: ReadingRole,
}

words! {
    /// Which end of what is counted it stands for.
    pub(crate) enum ReadingRole: "role_unknown" {
        Start = "start",
        End = "end",
    }
}

words! {
    /// Which way it flows.
    pub(crate) enum Direction: "direction_unknown" {
        /// To the customer.
        Import = "import",
        /// From the customer. No tariff has a price for it yet.
        Export = "export",
    }
}

const ESTIMATED: &str = "estimated";

impl Provider {
    /// As far as bills know it: where more than the balance may be paid, the balance is.
    pub(crate) fn exactness(&self) -> Exactness {
        match self.exactness.as_deref() {
            Some("exact" | "exact_up") => Exactness::Exact,
            _ => Exactness::ExactDown,
        }
    }
}

impl Reading {
    /// The day of the period at whose start it was looked for.
    pub(crate) fn boundary(&self, period: Period) -> Date {
        match self.role {
            ReadingRole::Start => period.start(),
            ReadingRole::End => period.end(),
        }
    }
}

impl Usage {
    /// What flowed to the customer: what is rated.
    pub(crate) fn imports(&self) -> impl Iterator<Item = &RegisterUsage> {
        self.registers.iter().filter(|register| register.direction == Direction::Import)
    }

    pub(crate) fn readings(&self) -> impl Iterator<Item = &Reading> {
        self.imports().flat_map(|register| &register.readings)
    }

    /// Whether it was measured.
    pub(crate) fn basis(&self) -> Basis {
        let is_estimated = |reading: &&Reading| reading.quality == ESTIMATED;
        match (self.readings().count(), self.readings().filter(is_estimated).count()) {
            (_, 0) => Basis::Actual,
            (all, estimated) if all == estimated => Basis::Estimated,
            _ => Basis::Mixed,
        }
    }
}
