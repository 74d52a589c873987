//! A provider: its states and the moves between them, who sees it.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::{Currency, Name, Timestamp, UserId, Zone, id, words};

use super::words::{Commodity, Exactness};

id! {
    /// A provider of this directory. Elsewhere any plain word names a provider (`ProviderId`);
    /// those that are kept here have a UUID.
    ProviderKey,
}

words! {
    /// Where a provider stands.
    pub(crate) enum ProviderStatus: "status_unknown" {
        Draft = "draft",
        /// Waits for the approval of somebody who did not make it.
        PendingReview = "pending_review",
        Active = "active",
        /// Takes no new accounts; what there is goes on.
        Paused = "paused",
        Retired = "retired",
    }
}

words! {
    /// In which state a provider begins.
    pub(crate) enum FirstStatus: "status_not_first" {
        Draft = "draft",
        /// At once, without a review: administrators alone.
        Active = "active",
    }
}

impl ProviderStatus {
    /// The states that may follow.
    pub(crate) fn next(self) -> &'static [ProviderStatus] {
        use ProviderStatus::{Active, Draft, Paused, PendingReview, Retired};
        match self {
            Draft => &[PendingReview, Retired],
            PendingReview => &[Active, Retired],
            Active => &[Paused, Retired],
            Paused => &[Active, Retired],
            Retired => &[],
        }
    }

    pub(crate) fn may_become(self, next: ProviderStatus) -> bool {
        self.next().contains(&next)
    }

    /// Whether everybody may see it.
    pub(crate) fn is_public(self) -> bool {
        matches!(self, ProviderStatus::Active | ProviderStatus::Paused)
    }

    /// Whether nobody is supplied yet: then all of it may be changed.
    pub(crate) fn is_unused(self) -> bool {
        matches!(self, ProviderStatus::Draft | ProviderStatus::PendingReview)
    }
}

/// A provider as it is kept and shown.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Provider {
    pub(crate) id: ProviderKey,
    pub(crate) name: Name,
    pub(crate) kind: Commodity,
    pub(crate) currency: Currency,
    pub(crate) timezone: Zone,
    pub(crate) exactness: Exactness,
    pub(crate) status: ProviderStatus,
    #[serde(skip)]
    pub(crate) created_by: UserId,
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// A provider to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewProvider {
    pub(crate) name: Name,
    pub(crate) kind: Commodity,
    pub(crate) currency: Currency,
    /// Where its days begin.
    pub(crate) timezone: Zone,
    /// Which amounts of its bills may be paid; `exact_down` if not said.
    #[serde(default)]
    pub(crate) exactness: Option<Exactness>,
    /// `draft` if not said. Administrators may begin with `active`.
    #[serde(default)]
    pub(crate) status: Option<FirstStatus>,
}

/// What is changed; what is not said stays. Kind, currency and time zone only before it is active.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderChange {
    #[serde(default)]
    name: Option<Name>,
    #[serde(default)]
    exactness: Option<Exactness>,
    #[serde(default)]
    kind: Option<Commodity>,
    #[serde(default)]
    currency: Option<Currency>,
    #[serde(default)]
    timezone: Option<Zone>,
    /// The version that is changed, as in `If-Match`.
    #[serde(default)]
    pub(crate) version: Option<i64>,
}

impl Provider {
    pub(crate) fn new(new: NewProvider, created_by: UserId, at: Timestamp) -> Provider {
        let status = match new.status {
            Some(FirstStatus::Active) => ProviderStatus::Active,
            Some(FirstStatus::Draft) | None => ProviderStatus::Draft,
        };
        Provider {
            id: ProviderKey::new(),
            name: new.name,
            kind: new.kind,
            currency: new.currency,
            timezone: new.timezone,
            exactness: new.exactness.unwrap_or(Exactness::ExactDown),
            status,
            created_by,
            version: 1,
            created_at: at,
            updated_at: at,
        }
    }

    /// The provider as it is after a change.
    pub(crate) fn changed(self, change: ProviderChange) -> Provider {
        Provider {
            name: change.name.unwrap_or(self.name),
            exactness: change.exactness.unwrap_or(self.exactness),
            kind: change.kind.unwrap_or(self.kind),
            currency: change.currency.unwrap_or(self.currency),
            timezone: change.timezone.unwrap_or(self.timezone),
            ..self
        }
    }

    /// Whether bills that were made by it would read otherwise.
    pub(crate) fn is_other_business_than(&self, other: &Provider) -> bool {
        self.kind != other.kind
            || self.currency != other.currency
            || self.timezone != other.timezone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table: every move that is not named here is forbidden.
    #[test]
    fn only_these_moves_are_allowed() {
        use ProviderStatus::{Active, Draft, Paused, PendingReview, Retired};
        let allowed = [
            (Draft, PendingReview),
            (Draft, Retired),
            (PendingReview, Active),
            (PendingReview, Retired),
            (Active, Paused),
            (Active, Retired),
            (Paused, Active),
            (Paused, Retired),
        ];
        for from in ProviderStatus::ALL {
            for to in ProviderStatus::ALL {
                assert_eq!(from.may_become(*to), allowed.contains(&(*from, *to)), "{from} to {to}");
            }
        }
    }
}
