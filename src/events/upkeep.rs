//! Counting what is owed, and forgetting events that are old and owed to nobody.

use crate::storage::StoreError;
use crate::types::ServiceName;

use super::round::Road;
use super::{debts, outbox};

/// Events forgotten in one transaction.
const PRUNE_EVENTS: u32 = 200;
/// Transactions of one run: so that writers never wait long for it.
const PRUNES_MAX: usize = 10;

pub(super) async fn run(road: Road, listeners: Vec<ServiceName>) {
    if let Err(error) = road.keep(&listeners).await {
        log::warn!("upkeep of the outbox of {}: {error}", road.source);
    }
}

/// What a process that has died had claimed in a database of ours alone is free at once.
pub(super) async fn recover(road: Road) {
    if !road.database.is_held_alone() {
        return;
    }
    let released = road.database.transaction(async |tx| debts::release_others(tx).await).await;
    if let Err(error) = released {
        log::warn!("leases of an earlier process were not ended: {error}");
    }
}

impl Road {
    async fn keep(&self, listeners: &[ServiceName]) -> Result<(), StoreError> {
        let backlog = debts::backlog(&self.database).await?;
        self.meters.observe(listeners, &backlog);
        let before = self.clock.now().minus(self.rule.retention);
        for _ in 0..PRUNES_MAX {
            if !outbox::is_old(&self.database, before).await? {
                break;
            }
            self.database
                .transaction(async |tx| outbox::prune(tx, before, PRUNE_EVENTS).await)
                .await?;
        }
        Ok(())
    }
}
