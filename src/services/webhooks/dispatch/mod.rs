//! Sends what is due: an essential child of the service. Does I/O.
//!
//! Each endpoint has places of its own, so one that is slow or dead fills these and no others. What
//! is claimed lies under a lease in the database: after a crash, whoever comes next goes on.
mod conclude;
mod send;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use busbar_http::client::outside::Outside;
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::storage::StoreError;
use crate::types::{Backoff, Holder};

use super::model::delivery::Claimed;
use super::model::endpoint::EndpointId;
use super::{Webhooks, store};

pub(super) use self::conclude::ENDPOINT_DISABLED;

/// How often is looked at the queue when nothing announces itself.
const POLL: Duration = Duration::from_secs(1);
/// How often is counted what waits.
const COUNT_EVERY: Duration = Duration::from_secs(5);
/// After a failure of the database.
const REST: Backoff = Backoff { floor_ms: 200, ceiling_ms: 5_000 };
/// For what is being sent when the service ends; after it, it is given back.
const DRAIN: Duration = Duration::from_secs(2);

/// What a sending comes back with, however it ended.
type Sending = LocalBoxFuture<'static, EndpointId>;

struct Dispatcher {
    webhooks: Arc<Webhooks>,
    outside: Rc<Outside>,
    sending: FuturesUnordered<Sending>,
    /// How many of `sending` are for which endpoint.
    places: HashMap<EndpointId, u32>,
    /// Turns true when what is being sent must be given back.
    cut: watch::Sender<bool>,
    failures: u32,
    counted_at: Option<Instant>,
}

/// Until `ended` turns true.
pub(super) async fn run(webhooks: Arc<Webhooks>, mut ended: watch::Receiver<bool>) {
    let mut commits = webhooks.database.commits();
    let mut dispatcher = Dispatcher::new(webhooks);
    dispatcher.recover().await;
    loop {
        let wait = dispatcher.look().await;
        tokio::select! {
            _ = ended.wait_for(|is_over| *is_over) => break,
            Some(endpoint) = dispatcher.sending.next() => dispatcher.ended(endpoint),
            // The sender lives as long as the database.
            _ = commits.changed(), if dispatcher.failures == 0 => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
    dispatcher.drain().await;
}

impl Dispatcher {
    fn new(webhooks: Arc<Webhooks>) -> Dispatcher {
        Dispatcher {
            outside: Rc::new(webhooks.outside()),
            webhooks,
            sending: FuturesUnordered::new(),
            places: HashMap::new(),
            cut: watch::Sender::new(false),
            failures: 0,
            counted_at: None,
        }
    }

    /// What a process that has died had claimed in a database of ours alone is free at once.
    async fn recover(&self) {
        let database = &self.webhooks.database;
        if !database.is_held_alone() {
            return;
        }
        match database.transaction(async |tx| store::claim::release_others(tx).await).await {
            Ok(0) => {}
            Ok(released) => log::info!("{released} deliveries of an earlier process go on"),
            Err(error) => log::warn!("leases of an earlier process were not ended: {error}"),
        }
    }

    /// Begins what is due and has a place; returns how long to wait for the next look at most.
    async fn look(&mut self) -> Duration {
        let looked = async {
            self.count().await?;
            self.claim().await
        };
        match looked.await {
            Ok(claimed) => {
                self.failures = 0;
                for delivery in claimed {
                    self.begin(delivery);
                }
                POLL
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                log::warn!("deliveries wait ({} failures in a row): {error}", self.failures);
                REST.wait(self.failures, send::chance())
            }
        }
    }

    /// What is due, for each endpoint as much as it has places left.
    async fn claim(&self) -> Result<Vec<Claimed>, StoreError> {
        let (webhooks, now) = (&self.webhooks, self.webhooks.clock.now());
        let mut waiting = store::claim::waiting(&webhooks.database, now).await?;
        waiting.retain(|endpoint| self.room(*endpoint) > 0);
        if waiting.is_empty() {
            return Ok(Vec::new());
        }
        let claim = webhooks.database.transaction(async |tx| {
            let (holder, mut claimed) = (Holder::unique(), Vec::new());
            // One statement for each: a single one would read the whole queue of each of them.
            for endpoint in &waiting {
                let (room, lease) = (self.room(*endpoint), webhooks.lease);
                let some = store::claim::claim(tx, *endpoint, room, now, &holder, lease).await?;
                claimed.extend(some);
            }
            store::attempt::begin(tx, &holder, now).await?;
            Ok::<_, StoreError>(claimed)
        });
        claim.await
    }

    fn room(&self, endpoint: EndpointId) -> u32 {
        let taken = self.places.get(&endpoint).copied().unwrap_or(0);
        self.webhooks.endpoint_parallel.saturating_sub(taken)
    }

    fn begin(&mut self, claimed: Claimed) {
        let endpoint = claimed.endpoint_id;
        *self.places.entry(endpoint).or_insert(0) += 1;
        let (webhooks, outside) = (self.webhooks.clone(), self.outside.clone());
        // A task of its own: a panic in it is its own, too.
        let task = actix_rt::spawn(send::send(webhooks, outside, claimed, self.cut.subscribe()));
        self.sending.push(Box::pin(async move {
            if let Err(error) = task.await {
                log::error!("a delivery ended unexpectedly: {error}");
            }
            endpoint
        }));
    }

    fn ended(&mut self, endpoint: EndpointId) {
        if let Some(places) = self.places.get_mut(&endpoint) {
            *places = places.saturating_sub(1);
            if *places == 0 {
                self.places.remove(&endpoint);
            }
        }
    }

    async fn count(&mut self) -> Result<(), StoreError> {
        if self.counted_at.is_some_and(|at| at.elapsed() < COUNT_EVERY) {
            return Ok(());
        }
        self.counted_at = Some(Instant::now());
        let webhooks = &self.webhooks;
        let backlog = store::upkeep::backlog(&webhooks.database).await?;
        let endpoints = store::upkeep::endpoints(&webhooks.database).await?;
        webhooks.meters.observe(backlog, &endpoints, webhooks.clock.now());
        Ok(())
    }

    /// Waits for what is being sent, and has the rest given back.
    async fn drain(mut self) {
        let all = async { while self.sending.next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, all).await.is_err() {
            self.cut.send_replace(true);
            while self.sending.next().await.is_some() {}
        }
    }
}
