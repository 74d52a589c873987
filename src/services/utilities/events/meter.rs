//! What is put on record of a meter. It concerns no other service.
use busbar_http::Problem;
use serde_json::json;

use crate::audit;
use crate::events::Origin;
use crate::storage::Transaction;

use super::super::model::meter::Meter;

pub(crate) async fn audited(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    meter: &Meter,
    action: &'static str,
) -> Result<(), Problem> {
    let entry = audit::Entry {
        actor: origin.actor.clone(),
        action,
        subject: format!("meter/{}", meter.id),
        request_id: Some(origin.correlation.clone()),
        at: origin.at,
        details: json!({"service_account_id": meter.service_account_id, "status": meter.status}),
    };
    audit::record(tx, &entry).await?;
    Ok(())
}
