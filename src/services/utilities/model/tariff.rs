//! A tariff and its versions, which never change.
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::types::tariff::{ComponentContent, MeterClock, Season, TariffContent, Tax, TouPeriod};
use crate::types::{Currency, Date, Name, TariffId, Timestamp, Zone};

use super::provider::ProviderKey;

/// A tariff as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tariff {
    pub(crate) id: TariffId,
    pub(crate) provider_id: ProviderKey,
    pub(crate) name: Name,
    /// The number of the newest version; 0 while there is none.
    pub(crate) versions: i64,
    pub(crate) created_at: Timestamp,
}

/// A version as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Version {
    pub(crate) tariff_id: TariffId,
    pub(crate) version: i64,
    pub(crate) effective_from: Date,
    /// JSON.
    pub(crate) content: String,
    pub(crate) created_at: Timestamp,
}

/// A version in the list of its tariff.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = TariffEdition)]
pub(crate) struct Edition {
    pub(crate) version: i64,
    pub(crate) effective_from: Date,
    pub(crate) created_at: Timestamp,
}

/// A tariff as it is shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TariffView {
    pub(crate) id: TariffId,
    provider_id: ProviderKey,
    name: Name,
    /// In the order in which they hold; lists leave them out.
    #[serde(skip_serializing_if = "Option::is_none")]
    versions: Option<Vec<Edition>>,
    pub(crate) created_at: Timestamp,
}

/// A version as it is shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct VersionView {
    pub(crate) tariff_id: TariffId,
    pub(crate) version: i64,
    pub(crate) effective_from: Date,
    pub(crate) content: TariffContent,
    pub(crate) created_at: Timestamp,
}

/// Whose tariff it is, and what it is called.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TariffHead {
    pub(crate) provider_id: ProviderKey,
    pub(crate) name: Name,
}

/// A tariff to be made: all but the first two is the content of its first version, if it has one
/// already.
// Only for the description: `TariffHead` and `TariffContent` read it.
#[derive(ToSchema)]
#[allow(dead_code, reason = "read by the description alone")]
#[schema(example = json!({"provider_id": "0190a3e2-7c1d-7b3a-9f10-6c2f4d8e5a01", "name": "Home",
    "currency": "USD", "timezone": "America/Chicago", "clock": "wall",
    "effective_from": "2026-01-01", "components": [
        {"id": "fix", "kind": "fixed", "per": "day", "rate": "0.25", "tax": "std"},
        {"id": "en", "kind": "energy", "unit": "kWh", "tax": "std", "tier_scope": "bill_period",
            "tiers": [{"upto": "100", "rate": "0.067"}, {"upto": null, "rate": "0.123"}]}],
    "taxes": [{"code": "std", "rate_bps": 750}]}))]
pub(crate) struct NewTariff {
    provider_id: ProviderKey,
    name: Name,
    currency: Option<Currency>,
    timezone: Option<Zone>,
    clock: Option<MeterClock>,
    effective_from: Option<Date>,
    seasons: Option<Vec<Season>>,
    tou: Option<Vec<TouPeriod>>,
    components: Option<Vec<ComponentContent>>,
    taxes: Option<Vec<Tax>>,
}

impl TariffView {
    pub(crate) fn whole(tariff: Tariff, versions: Vec<Edition>) -> TariffView {
        TariffView { versions: Some(versions), ..TariffView::short(tariff) }
    }

    /// Without the versions.
    pub(crate) fn short(tariff: Tariff) -> TariffView {
        let Tariff { id, provider_id, name, created_at, .. } = tariff;
        TariffView { id, provider_id, name, versions: None, created_at }
    }
}

impl TryFrom<Version> for VersionView {
    type Error = serde_json::Error;

    fn try_from(kept: Version) -> Result<VersionView, serde_json::Error> {
        let Version { tariff_id, version, effective_from, content, created_at } = kept;
        let content = serde_json::from_str(&content)?;
        Ok(VersionView { tariff_id, version, effective_from, content, created_at })
    }
}

/// Takes the members that make the head out of a body; what is left is the first version.
pub(crate) fn take_head(body: &mut serde_json::Map<String, Value>) -> Value {
    let names = ["provider_id", "name"];
    Value::Object(names.iter().filter_map(|name| body.remove_entry(*name)).collect())
}
