//! What is told of a tariff.
use busbar_http::Problem;
use serde::Serialize;
use serde_json::{Value, json};

use crate::audit;
use crate::events::{Kind, Origin, Published, kinds, outbox};
use crate::storage::Transaction;
use crate::types::{Date, TariffId};

use super::super::model::provider::ProviderKey;
use super::super::model::tariff::{Tariff, Version};

#[derive(Debug, Serialize)]
struct Created {
    tariff_id: TariffId,
    provider_id: ProviderKey,
}

impl Published for Created {
    const KIND: Kind = kinds::TARIFF_CREATED;
    fn subject(&self) -> String {
        subject_of(self.tariff_id)
    }
}

#[derive(Debug, Serialize)]
struct VersionPublished {
    tariff_id: TariffId,
    version: i64,
    effective_from: Date,
    provider_id: ProviderKey,
}

impl Published for VersionPublished {
    const KIND: Kind = kinds::TARIFF_VERSION_PUBLISHED;
    fn subject(&self) -> String {
        subject_of(self.tariff_id)
    }
}

fn subject_of(id: TariffId) -> String {
    format!("tariff/{id}")
}

pub(crate) async fn created(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    tariff: &Tariff,
) -> Result<(), Problem> {
    let told = Created { tariff_id: tariff.id, provider_id: tariff.provider_id };
    outbox::publish(tx, origin, &told).await?;
    let details = json!({"provider_id": tariff.provider_id});
    audited(tx, origin, tariff.id, "tariff.created", details).await
}

pub(crate) async fn published(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    tariff: &Tariff,
    version: &Version,
) -> Result<(), Problem> {
    let Version { tariff_id, version, effective_from, .. } = version;
    let (tariff_id, version, effective_from) = (*tariff_id, *version, *effective_from);
    let told =
        VersionPublished { tariff_id, version, effective_from, provider_id: tariff.provider_id };
    outbox::publish(tx, origin, &told).await?;
    let details = json!({"version": version, "effective_from": effective_from});
    audited(tx, origin, tariff_id, "tariff.version_published", details).await
}

async fn audited(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    id: TariffId,
    action: &'static str,
    details: Value,
) -> Result<(), Problem> {
    let entry = audit::Entry {
        actor: origin.actor.clone(),
        action,
        subject: subject_of(id),
        request_id: Some(origin.correlation.clone()),
        at: origin.at,
        details,
    };
    audit::record(tx, &entry).await?;
    Ok(())
}
