//! A tariff and its versions, which never change.
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::types::tariff::TariffContent;
use crate::types::{Date, Name, TariffId, Timestamp};

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

/// A tariff to be made. The content of its first version may stand beside these two.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TariffHead {
    pub(crate) provider_id: ProviderKey,
    pub(crate) name: Name,
}

/// `TariffHead` and, if there is any, `TariffContent` in one body: only for its description.
#[derive(ToSchema)]
#[allow(dead_code, reason = "read by the description alone")]
pub(crate) struct NewTariff {
    #[schema(inline)]
    #[serde(flatten)]
    head: TariffHead,
    #[schema(inline)]
    #[serde(flatten)]
    content: Option<TariffContent>,
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
