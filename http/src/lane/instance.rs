//! One upstream instance as all threads of the process see it: bounds, waiting line, counters.
//!
//! Two semaphores hold the bound exactly. `exchanges` admits requests, first come first served;
//! `sockets` has one permit for each open socket, busy or idle. Whoever holds an exchange and finds
//! no socket permit knows that another thread keeps an idle socket: it rings `reclaim`, and that
//! thread closes one.

use std::{
    sync::{
        Arc,
        atomic::{
            AtomicU64, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::Duration,
};

use actix_http::Uri;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::timeout,
};

use super::{Base, BaseError, Busy, Limits};

/// See the module. One for each base address, made once and shared by all threads.
pub struct Instance {
    pub(super) base: Base,
    pub(super) limits: Limits,
    /// Moved by whoever replaces the process behind the address; read here.
    epoch: Arc<AtomicU64>,
    /// Moved when what was asked before will never be answered. `None`: nobody would know.
    cut: Option<watch::Receiver<u64>>,
    exchanges: Arc<Semaphore>,
    sockets: Arc<Semaphore>,
    /// Stand in line for an exchange.
    waiting: AtomicUsize,
    /// Hold an exchange and wait for a socket that another thread keeps idle.
    wanting: AtomicUsize,
    reclaim: watch::Sender<u64>,
    idle: AtomicUsize,
    opened: AtomicU64,
    reused: AtomicU64,
    retried: AtomicU64,
    refused: AtomicU64,
}

/// A look at the counters. Totals only grow; the others are of this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub open: usize,
    pub idle: usize,
    pub busy: usize,
    pub waiting: usize,
    pub opened_total: u64,
    pub reused_total: u64,
    pub retried_total: u64,
    pub refused_total: u64,
}

impl Instance {
    pub fn new(base: Base, limits: Limits) -> Arc<Instance> {
        Instance::with_epoch(base, limits, Arc::default())
    }

    /// Connections made before `epoch` moved are not used again.
    pub fn with_epoch(base: Base, limits: Limits, epoch: Arc<AtomicU64>) -> Arc<Instance> {
        Instance::hosted(base, limits, epoch, None)
    }

    /// As `with_epoch`; when `cut` changes, whoever waits for [`Instance::cut`] is told.
    pub fn hosted(
        base: Base,
        limits: Limits,
        epoch: Arc<AtomicU64>,
        cut: Option<watch::Receiver<u64>>,
    ) -> Arc<Instance> {
        let busy_max = limits.busy_max.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Instance {
            base,
            limits: Limits { busy_max, ..limits },
            epoch,
            cut,
            exchanges: Arc::new(Semaphore::new(busy_max)),
            sockets: Arc::new(Semaphore::new(busy_max)),
            waiting: AtomicUsize::new(0),
            wanting: AtomicUsize::new(0),
            reclaim: watch::Sender::new(0),
            idle: AtomicUsize::new(0),
            opened: AtomicU64::new(0),
            reused: AtomicU64::new(0),
            retried: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        })
    }

    pub fn base(&self) -> &Base {
        &self.base
    }

    /// The full address of a path (with its query) here.
    ///
    /// # Errors
    /// When the two do not make a valid path.
    pub fn uri(&self, path_and_query: &str) -> Result<Uri, BaseError> {
        self.base.uri(path_and_query)
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn counts(&self) -> Counts {
        let busy_max = self.limits.busy_max;
        Counts {
            open: busy_max - self.sockets.available_permits().min(busy_max),
            idle: self.idle.load(Relaxed),
            busy: busy_max - self.exchanges.available_permits().min(busy_max),
            waiting: self.waiting.load(Relaxed),
            opened_total: self.opened.load(Relaxed),
            reused_total: self.reused.load(Relaxed),
            retried_total: self.retried.load(Relaxed),
            refused_total: self.refused.load(Relaxed),
        }
    }

    /// Ends when what was asked before will never be answered.
    pub async fn cut(&self) {
        if let Some(mut cut) = self.cut.clone() {
            cut.mark_unchanged();
            if cut.changed().await.is_ok() {
                return;
            }
        }
        std::future::pending().await
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(SeqCst)
    }

    /// The right to one exchange, at once or from the line.
    pub(super) async fn admit(&self) -> Result<OwnedSemaphorePermit, Busy> {
        if let Ok(permit) = self.exchanges.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let place = Place::take(&self.waiting, self.limits.waiting_max);
        let place = place.ok_or_else(|| self.refuse())?;
        let permit = within(self.limits.wait, &self.exchanges).await;
        drop(place);
        permit.ok_or_else(|| self.refuse())
    }

    /// The right to one more open socket. Only for holders of an exchange: so when no permit is
    /// left, some thread keeps an idle socket and will be asked to close it.
    pub(super) async fn socket(&self) -> Result<OwnedSemaphorePermit, Busy> {
        if let Ok(permit) = self.sockets.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let place = Place::take(&self.wanting, usize::MAX);
        self.reclaim.send_modify(|rung| *rung = rung.wrapping_add(1));
        let permit = within(self.limits.wait, &self.sockets).await;
        drop(place);
        permit.ok_or_else(|| self.refuse())
    }

    /// How many wait for a socket that is kept idle somewhere.
    pub(super) fn wanting(&self) -> usize {
        self.wanting.load(SeqCst)
    }

    /// Changes when somebody wants an idle socket closed.
    pub(super) fn reclaims(&self) -> watch::Receiver<u64> {
        self.reclaim.subscribe()
    }

    /// Room for one more idle socket in the process, if there is.
    pub(super) fn idle_place(self: &Arc<Self>) -> Option<IdlePlace> {
        let max = self.limits.idle_max;
        let taken = self.idle.fetch_update(SeqCst, SeqCst, |n| (n < max).then_some(n + 1));
        taken.is_ok().then(|| IdlePlace(self.clone()))
    }

    pub(super) fn count_opened(&self) {
        self.opened.fetch_add(1, Relaxed);
    }

    pub(super) fn count_reused(&self) {
        self.reused.fetch_add(1, Relaxed);
    }

    pub(super) fn count_retried(&self) {
        self.retried.fetch_add(1, Relaxed);
    }

    fn refuse(&self) -> Busy {
        self.refused.fetch_add(1, Relaxed);
        Busy
    }
}

/// One of `idle_max`, given back on drop.
pub(super) struct IdlePlace(Arc<Instance>);

impl Drop for IdlePlace {
    fn drop(&mut self) {
        self.0.idle.fetch_sub(1, SeqCst);
    }
}

/// One place in a bounded line, given back on drop: also when the waiting request is abandoned.
struct Place<'a>(&'a AtomicUsize);

impl Place<'_> {
    fn take(line: &AtomicUsize, max: usize) -> Option<Place<'_>> {
        let taken = line.fetch_update(SeqCst, SeqCst, |n| (n < max).then_some(n + 1));
        // Made only when taken: its drop gives back.
        taken.is_ok().then(|| Place(line))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

async fn within(limit: Duration, permits: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    timeout(limit, permits.clone().acquire_owned()).await.ok()?.ok()
}
