//! A service account: a place that a provider supplies and a person pays for.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::{Date, Refused, ServiceAccountId, TariffId, Timestamp, UserId, words};

use super::provider::ProviderKey;
use super::words::Label;

words! {
    /// Whether the place is still supplied.
    pub(crate) enum AccountStatus: "status_unknown" {
        Active = "active",
        Closed = "closed",
    }
}

/// A service account as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Account {
    pub(crate) id: ServiceAccountId,
    pub(crate) provider_id: ProviderKey,
    pub(crate) user_id: UserId,
    pub(crate) reference: Option<Label>,
    pub(crate) address: Option<Label>,
    pub(crate) status: AccountStatus,
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// From which day on which tariff holds.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = TariffAssignment)]
pub(crate) struct Assignment {
    pub(crate) tariff_id: TariffId,
    /// The first tariff of an account holds from the beginning of the calendar.
    #[serde(rename = "from")]
    pub(crate) from_date: Date,
}

/// A service account as it is shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AccountView {
    pub(crate) id: ServiceAccountId,
    provider_id: ProviderKey,
    user_id: UserId,
    reference: Option<Label>,
    address: Option<Label>,
    status: AccountStatus,
    /// Oldest first; lists leave them out.
    #[serde(skip_serializing_if = "Option::is_none")]
    tariffs: Option<Vec<Assignment>>,
    version: i64,
    pub(crate) created_at: Timestamp,
    updated_at: Timestamp,
}

/// A service account to be linked.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAccount {
    pub(crate) provider_id: ProviderKey,
    /// Who pays.
    pub(crate) user_id: UserId,
    /// What the provider calls it.
    #[serde(default)]
    pub(crate) reference: Option<Label>,
    #[serde(default)]
    pub(crate) address: Option<Label>,
    /// Holds from the beginning, until another one is set.
    #[serde(default)]
    pub(crate) tariff_id: Option<TariffId>,
}

/// From a day on another tariff holds.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TariffChoice {
    pub(crate) tariff_id: TariffId,
    /// A day of the provider's time zone.
    pub(crate) from: Date,
}

impl Account {
    pub(crate) fn new(new: &NewAccount, at: Timestamp) -> Account {
        Account {
            id: ServiceAccountId::new(),
            provider_id: new.provider_id,
            user_id: new.user_id,
            reference: new.reference.clone(),
            address: new.address.clone(),
            status: AccountStatus::Active,
            version: 1,
            created_at: at,
            updated_at: at,
        }
    }
}

impl AccountView {
    pub(crate) fn whole(account: Account, tariffs: Vec<Assignment>) -> AccountView {
        AccountView { tariffs: Some(tariffs), ..AccountView::short(account) }
    }

    /// Without the tariffs.
    pub(crate) fn short(account: Account) -> AccountView {
        AccountView {
            id: account.id,
            provider_id: account.provider_id,
            user_id: account.user_id,
            reference: account.reference,
            address: account.address,
            status: account.status,
            tariffs: None,
            version: account.version,
            created_at: account.created_at,
            updated_at: account.updated_at,
        }
    }
}

/// The day from which the first tariff of an account holds.
pub(crate) fn beginning() -> Result<Date, Refused> {
    Date::new(1, 1, 1)
}
