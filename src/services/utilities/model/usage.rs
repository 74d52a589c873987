//! What was used in a period: for billing.
use serde::Serialize;
use utoipa::ToSchema;

use crate::types::tariff::TariffContent;
use crate::types::{
    Currency, Date, MeterId, Name, ReadingId, RegisterId, ServiceAccountId, TariffId, Timestamp,
    UserId, Zone, words,
};

use super::account::AccountStatus;
use super::count::Count;
use super::provider::ProviderKey;
use super::reading::ReadingStatus;
use super::words::{Direction, Exactness, Label, Quality, RegisterUnit};

words! {
    /// Which end of a period a reading is for.
    pub(crate) enum ReadingRole: "role_unknown" {
        Start = "start",
        End = "end",
    }
}

words! {
    /// Why it is not known what a register counted.
    pub(crate) enum GapReason: "reason_unknown" {
        NoReadingAtStart = "no_reading_at_start",
        NoReadingAtEnd = "no_reading_at_end",
        /// There is one, and it waits for somebody's word.
        ReadingHeld = "reading_held",
    }
}

/// A reading near an end of a period.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Sighting {
    pub(crate) id: ReadingId,
    pub(crate) at: Timestamp,
    pub(crate) value: Count,
    pub(crate) quality: Quality,
    pub(crate) status: ReadingStatus,
}

/// A reading that usage was made from.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct UsedReading {
    pub(crate) id: ReadingId,
    pub(crate) at: Timestamp,
    pub(crate) value: Count,
    pub(crate) quality: Quality,
    pub(crate) role: ReadingRole,
}

/// What one register counted.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RegisterUsage {
    pub(crate) register_id: RegisterId,
    pub(crate) meter_id: MeterId,
    pub(crate) serial: Label,
    pub(crate) unit: RegisterUnit,
    pub(crate) direction: Direction,
    /// The multiplier is in it.
    pub(crate) quantity: Count,
    pub(crate) multiplier: Count,
    pub(crate) readings: [UsedReading; 2],
    pub(crate) rolled_over: bool,
}

/// A register of which it is not known.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Gap {
    pub(crate) register_id: RegisterId,
    pub(crate) reason: GapReason,
    /// The reading that comes nearest.
    pub(crate) near: Option<Sighting>,
}

/// A version of the account's tariff, and from when on it holds for the account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TariffInForce {
    pub(crate) tariff_id: TariffId,
    pub(crate) version: i64,
    /// The later of two days: of the version, and of the account's change to its tariff.
    pub(crate) effective_from: Date,
    pub(crate) content: TariffContent,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct UsageAccount {
    pub(crate) id: ServiceAccountId,
    pub(crate) user_id: UserId,
    pub(crate) provider_id: ProviderKey,
    pub(crate) status: AccountStatus,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct UsageProvider {
    pub(crate) id: ProviderKey,
    pub(crate) name: Name,
    pub(crate) currency: Currency,
    pub(crate) timezone: Zone,
    pub(crate) exactness: Exactness,
}

/// What was used in a period, and by which prices.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct UsageView {
    pub(crate) service_account: UsageAccount,
    pub(crate) provider: UsageProvider,
    /// Ascending.
    pub(crate) tariffs: Vec<TariffInForce>,
    pub(crate) registers: Vec<RegisterUsage>,
    /// A register stands here or above.
    pub(crate) gaps: Vec<Gap>,
}
