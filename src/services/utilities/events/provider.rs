//! What is told of a provider.
use busbar_http::Problem;
use serde::Serialize;
use serde_json::json;

use crate::audit;
use crate::events::{Kind, Origin, Published, kinds, outbox};
use crate::storage::Transaction;

use super::super::model::provider::{Provider, ProviderKey, ProviderStatus};

#[derive(Debug, Serialize)]
struct StatusChanged {
    provider_id: ProviderKey,
    /// None where it began so.
    from: Option<ProviderStatus>,
    to: ProviderStatus,
    version: i64,
}

impl Published for StatusChanged {
    const KIND: Kind = kinds::PROVIDER_STATUS_CHANGED;
    fn subject(&self) -> String {
        subject_of(self.provider_id)
    }
}

/// What of it is not its status is other than it was.
#[derive(Debug, Serialize)]
struct Changed {
    provider_id: ProviderKey,
    version: i64,
}

impl Published for Changed {
    const KIND: Kind = kinds::PROVIDER_CHANGED;
    fn subject(&self) -> String {
        subject_of(self.provider_id)
    }
}

pub(crate) fn subject_of(id: ProviderKey) -> String {
    format!("provider/{id}")
}

/// `provider` as it is now.
pub(crate) async fn status_changed(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    provider: &Provider,
    from: Option<ProviderStatus>,
) -> Result<(), Problem> {
    let Provider { id, status, version, .. } = provider;
    let told = StatusChanged { provider_id: *id, from, to: *status, version: *version };
    outbox::publish(tx, origin, &told).await?;
    Ok(())
}

/// `provider` as it is now.
pub(crate) async fn changed(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    provider: &Provider,
) -> Result<(), Problem> {
    let told = Changed { provider_id: provider.id, version: provider.version };
    outbox::publish(tx, origin, &told).await?;
    audited(tx, origin, provider, "provider.changed").await
}

/// Who of the staff did what to which provider.
pub(crate) async fn audited(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    provider: &Provider,
    action: &'static str,
) -> Result<(), Problem> {
    let entry = audit::Entry {
        actor: origin.actor.clone(),
        action,
        subject: subject_of(provider.id),
        request_id: Some(origin.correlation.clone()),
        at: origin.at,
        details: json!({"status": provider.status, "kind": provider.kind,
            "currency": provider.currency, "version": provider.version}),
    };
    audit::record(tx, &entry).await?;
    Ok(())
}
