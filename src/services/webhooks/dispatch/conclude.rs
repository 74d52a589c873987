//! After an attempt: what becomes of the delivery, and of its endpoint. One transaction.
use std::time::Duration;

use busbar_http::Problem;

use crate::storage::Transaction;
use crate::types::Timestamp;

use super::super::model::attempt::{Ended, Outcome};
use super::super::model::delivery::Claimed;
use super::super::model::endpoint::{DisabledReason, EndpointStatus};
use super::super::{Webhooks, events, schedule, store};
use super::send::{chance, milliseconds};

/// Why deliveries of a disabled endpoint have failed.
pub(in super::super) const ENDPOINT_DISABLED: &str = "endpoint_disabled";

pub(super) async fn conclude(
    webhooks: &Webhooks,
    claimed: &Claimed,
    ended: &Ended,
    took: Duration,
) -> Result<(), Problem> {
    let (now, chance) = (webhooks.clock.now(), chance());
    let concluded = webhooks.database.transaction(async |tx| {
        store::attempt::end(tx, claimed, ended, now, milliseconds(took)).await?;
        match ended.outcome {
            Outcome::Interrupted => {
                store::claim::give_back(tx, claimed.id, &claimed.holder).await?;
                give_up(tx, claimed, now).await
            }
            Outcome::Delivered => {
                if store::claim::delivered(tx, claimed, now).await? {
                    store::endpoint::mended(tx, claimed.endpoint_id).await?;
                }
                Ok(())
            }
            _ => {
                if fail(tx, claimed, ended, now, chance).await? {
                    judge(webhooks, tx, claimed, ended.outcome, now).await?;
                }
                give_up(tx, claimed, now).await
            }
        }
    });
    concluded.await
}

/// Later, or never. False when it is ours no more.
async fn fail(
    tx: &mut Transaction<'_>,
    claimed: &Claimed,
    ended: &Ended,
    now: Timestamp,
    chance: u64,
) -> Result<bool, Problem> {
    let asked = ended.retry_after.as_deref();
    let asked = asked.and_then(|value| schedule::retry_after(value, now));
    let wait = schedule::wait(claimed.failures.saturating_add(1), chance, asked);
    let error = ended.outcome.as_str();
    Ok(match wait {
        Some(wait) if ended.outcome != Outcome::Gone => {
            store::claim::later(tx, claimed, now.plus(wait), error).await?
        }
        _ => store::claim::failed(tx, claimed, now, error).await?,
    })
}

/// Nothing waits for an endpoint that was disabled, by this attempt or while it was made.
async fn give_up(
    tx: &mut Transaction<'_>,
    claimed: &Claimed,
    now: Timestamp,
) -> Result<(), Problem> {
    let endpoint = store::endpoint::seen(tx, claimed.endpoint_id).await?;
    if endpoint.is_some_and(|endpoint| endpoint.status == EndpointStatus::Disabled) {
        store::delivery::give_up(tx, claimed.endpoint_id, ENDPOINT_DISABLED, now).await?;
    }
    Ok(())
}

/// Disables an endpoint that wants nothing any more, or has failed for too long.
async fn judge(
    webhooks: &Webhooks,
    tx: &mut Transaction<'_>,
    claimed: &Claimed,
    outcome: Outcome,
    now: Timestamp,
) -> Result<(), Problem> {
    let id = claimed.endpoint_id;
    let Some(endpoint) = store::endpoint::seen(tx, id).await? else { return Ok(()) };
    let failing = endpoint.failing.again(now);
    store::endpoint::failed(tx, id, failing).await?;
    let reason = match outcome {
        Outcome::Gone => DisabledReason::Gone,
        _ if failing.is_too_long(now, webhooks.disable_after) => DisabledReason::Failing,
        _ => return Ok(()),
    };
    if store::endpoint::disable(tx, id, reason, now).await? {
        events::disabled(tx, id, reason, failing.first_at, now).await?;
        log::warn!("webhook {id} is disabled: {reason}");
    }
    Ok(())
}
