//! One thread's connections to one upstream instance.
//!
//! Nothing in here is shared between threads; no borrow lives across an await. Connections are
//! taken newest first, so that the surplus of a burst grows old and is swept.

use std::{
    cell::RefCell,
    collections::VecDeque,
    rc::{Rc, Weak},
    sync::Arc,
    time::Duration,
};

use actix_codec::Framed;
use actix_http::{RequestHead, ServiceConfig, uri::Scheme};
use awc::{
    error::{ConnectError, SendRequestError},
    http::Method,
};
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};

use super::codec::HeadCodec;
use super::{
    Instance,
    instance::IdlePlace,
    wire::{Lease, Wire, dial},
};

/// The sweep of a very short idle time does not spin.
const SWEEP_EVERY_MIN: Duration = Duration::from_millis(10);

pub(super) struct Pool {
    pub(super) instance: Arc<Instance>,
    codec: ServiceConfig,
    idle: RefCell<VecDeque<Idle>>,
}

/// A connection that has been taken, with the right to use it.
pub(super) struct Taken {
    pub(super) wire: Wire,
    pub(super) exchange: OwnedSemaphorePermit,
    /// It has served another request before: it may have died unseen.
    pub(super) is_reused: bool,
}

struct Idle {
    wire: Wire,
    since: Instant,
    _place: IdlePlace,
}

/// How sure a taken connection must be alive.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// The request can be sent again: trust what the reactor has reported.
    Replayable,
    /// It cannot: one system call more finds the connection that was hung up a moment ago.
    Once,
}

impl Pool {
    /// Must run on the thread that uses the pool: it starts the sweep there.
    pub(super) fn new(instance: Arc<Instance>, codec: ServiceConfig) -> Rc<Pool> {
        let pool = Rc::new(Pool { instance, codec, idle: RefCell::default() });
        let every = (pool.instance.limits.idle_for / 2).max(SWEEP_EVERY_MIN);
        actix_rt::spawn(tend(Rc::downgrade(&pool), pool.instance.reclaims(), every));
        pool
    }

    /// Whether a request is for the instance this pool is made for.
    pub(super) fn serves(&self, head: &RequestHead) -> bool {
        head.uri.scheme() == Some(&Scheme::HTTP)
            && head.uri.authority() == Some(&self.instance.base.authority)
            && head.method != Method::CONNECT
    }

    pub(super) async fn take(&self, care: Care) -> Result<Taken, SendRequestError> {
        let exchange = self.instance.admit().await?;
        if let Some(wire) = self.newest_alive(care) {
            self.instance.count_reused();
            return Ok(Taken { wire, exchange, is_reused: true });
        }
        self.open(exchange).await
    }

    /// A fresh connection.
    pub(super) async fn open(
        &self,
        exchange: OwnedSemaphorePermit,
    ) -> Result<Taken, SendRequestError> {
        let epoch = self.instance.epoch();
        let socket = self.instance.socket().await?;
        let limits = &self.instance.limits;
        let dialling = dial(&self.instance.base.address, limits.keep_alive_probe);
        let stream = timeout(limits.connect_timeout, dialling).await;
        let stream = stream.map_err(|_| ConnectError::Timeout)?.map_err(ConnectError::Io)?;
        self.instance.count_opened();
        let framed = Framed::new(stream, self.fresh_codec());
        let wire = Wire { framed, lease: Lease { epoch, _socket: socket } };
        Ok(Taken { wire, exchange, is_reused: false })
    }

    /// Takes back a connection whose exchange is over. The right to an exchange goes last: who
    /// waits for it finds the connection.
    pub(super) fn put(&self, wire: Wire, exchange: OwnedSemaphorePermit) {
        // Another thread that waits for a socket gets one by the closing of this.
        let is_welcome = wire.is_clean()
            && wire.lease.epoch == self.instance.epoch()
            && self.instance.wanting() == 0;
        if is_welcome {
            self.keep(wire);
        }
        drop(exchange);
    }

    fn keep(&self, wire: Wire) {
        let mut idle = self.idle.borrow_mut();
        let place = self.instance.idle_place().or_else(|| {
            idle.pop_front()?;
            self.instance.idle_place()
        });
        if let Some(place) = place {
            idle.push_back(Idle { wire, since: Instant::now(), _place: place });
        }
    }

    pub(super) fn fresh_codec(&self) -> HeadCodec {
        HeadCodec::new(self.codec.clone())
    }

    pub(super) fn clear_idle(&self) {
        self.idle.borrow_mut().clear();
    }

    fn newest_alive(&self, care: Care) -> Option<Wire> {
        let epoch = self.instance.epoch();
        let mut idle = self.idle.borrow_mut();
        while let Some(newest) = idle.pop_back() {
            if newest.is_over(epoch, self.instance.limits.idle_for) {
                idle.clear(); // The others are older.
                return None;
            }
            let is_alive = match care {
                Care::Replayable => newest.wire.is_silent(),
                Care::Once => newest.wire.is_surely_silent(),
            };
            if is_alive {
                return Some(newest.wire);
            }
        }
        None
    }

    /// Closes what is old or was hung up, so that no socket stays half-closed.
    fn sweep(&self) {
        let epoch = self.instance.epoch();
        let idle_for = self.instance.limits.idle_for;
        self.idle
            .borrow_mut()
            .retain(|idle| !idle.is_over(epoch, idle_for) && idle.wire.is_surely_silent());
    }

    /// Closes the oldest idle connections for those who wait for a socket on other threads.
    fn give_way(&self) {
        let mut idle = self.idle.borrow_mut();
        let surplus = self.instance.wanting().min(idle.len());
        idle.drain(..surplus);
    }
}

impl Idle {
    fn is_over(&self, epoch: u64, idle_for: Duration) -> bool {
        self.wire.lease.epoch != epoch || self.since.elapsed() >= idle_for
    }
}

/// Sweeps now and then, and gives way when asked, for as long as the pool lives.
async fn tend(pool: Weak<Pool>, mut reclaims: watch::Receiver<u64>, every: Duration) {
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_asked = tokio::select! {
            _ = ticks.tick() => false,
            rung = reclaims.changed() => match rung {
                Ok(()) => true,
                Err(_) => return,
            },
        };
        match pool.upgrade() {
            Some(pool) if is_asked => pool.give_way(),
            Some(pool) => pool.sweep(),
            None => return,
        }
    }
}
