//! What is told of a service account.
use busbar_http::Problem;
use serde::Serialize;
use serde_json::{Value, json};

use crate::audit;
use crate::events::{Kind, Origin, Published, kinds, outbox};
use crate::storage::Transaction;
use crate::types::{ServiceAccountId, UserId};

use super::super::model::account::{Account, TariffChoice};
use super::super::model::provider::ProviderKey;

#[derive(Debug, Serialize)]
struct Linked {
    service_account_id: ServiceAccountId,
    provider_id: ProviderKey,
    user_id: UserId,
}

impl Published for Linked {
    const KIND: Kind = kinds::SERVICE_ACCOUNT_LINKED;
    fn subject(&self) -> String {
        subject_of(self.service_account_id)
    }
}

fn subject_of(id: ServiceAccountId) -> String {
    format!("service_account/{id}")
}

pub(crate) async fn linked(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    account: &Account,
) -> Result<(), Problem> {
    let Account { id, provider_id, user_id, .. } = account;
    let told = Linked { service_account_id: *id, provider_id: *provider_id, user_id: *user_id };
    outbox::publish(tx, origin, &told).await?;
    let details = json!({"provider_id": provider_id, "user_id": user_id});
    audited(tx, origin, *id, "service_account.linked", details).await
}

/// Another tariff holds from a day on.
pub(crate) async fn assigned(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    id: ServiceAccountId,
    choice: &TariffChoice,
) -> Result<(), Problem> {
    let details = json!({"tariff_id": choice.tariff_id, "from": choice.from});
    audited(tx, origin, id, "service_account.tariff_set", details).await
}

pub(crate) async fn closed(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    id: ServiceAccountId,
) -> Result<(), Problem> {
    audited(tx, origin, id, "service_account.closed", json!({})).await
}

async fn audited(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    id: ServiceAccountId,
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
