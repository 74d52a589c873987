//! Taking an incarnation out of service, without losing what can still be answered.
//!
//! These run as tasks of their own: they wait, and they call foreign code.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_rt::time::{sleep, timeout};
use futures_util::future::join_all;
use socket2::Socket;
use tokio::sync::{Notify, oneshot};

use crate::incarnation::{Ending, Serving};
use crate::socket;
use crate::upstream::Upstream;

/// A pause waits for the incarnation's own thread, which may be busy.
const PAUSE_WAIT_MAX: Duration = Duration::from_secs(1);

/// How long after its server has stopped a thread may take to end: it closes its files by then.
const END_WAIT_MAX: Duration = Duration::from_secs(3);

/// How long something is waited for that was cut.
const CUT_WAIT_MAX: Duration = Duration::from_secs(1);

/// What is taken out of service, and the times it gets.
pub(crate) struct Retirement {
    pub(crate) title: String,
    pub(crate) serving: Arc<dyn Serving>,
    pub(crate) draining: Arc<AtomicBool>,
    pub(crate) gone: oneshot::Receiver<()>,
    /// Told when a thread of it is found blocked: nothing is waited for any more.
    pub(crate) hangs: Arc<Notify>,
    pub(crate) settle: Duration,
    pub(crate) soft_drain: Duration,
    pub(crate) drain: Duration,
}

impl Retirement {
    /// It was replaced and works: nothing that reached it is lost.
    pub(crate) async fn replaced(self, upstream: Arc<Upstream>) {
        // 1. Every answer now asks its client to leave.
        self.draining.store(true, Ordering::SeqCst);
        // 2. No new connections. This returns before the acceptor has really stopped.
        let _ = timeout(PAUSE_WAIT_MAX, self.serving.pause()).await;
        // 3. Callers within leave their kept connections.
        upstream.swap_pool();
        // 4. Queued connections reach a worker, busy ones move away.
        sleep(self.settle + self.soft_drain).await;
        // 5. What is under way finishes; idle connections are closed.
        self.finish().await;
    }

    /// It was replaced, and a thread of it does not answer: whoever waits for that is told to give up.
    pub(crate) async fn hung(self, upstream: Arc<Upstream>) {
        self.draining.store(true, Ordering::SeqCst);
        upstream.swap_pool();
        let paused = timeout(PAUSE_WAIT_MAX, self.serving.pause()).await;
        // Its other threads, if it has any, finish what they have in hand.
        sleep(self.settle + self.soft_drain).await;
        if paused.is_ok() {
            upstream.cut_off();
            spawn_stop(self.serving, Ending::Now);
        } else {
            // The main thread is the one. Its workers answer: they are left to it until it returns.
            actix_rt::spawn(leave(self.serving, self.settle + self.soft_drain));
        }
        if timeout(CUT_WAIT_MAX, self.gone).await.is_err() {
            log::warn!("{} hangs: its thread is left until it returns", self.title);
        }
    }

    /// The service ends: the port closes, then what is under way finishes.
    pub(crate) async fn stopped(self, socket: Option<Arc<Socket>>) {
        self.draining.store(true, Ordering::SeqCst);
        let _ = timeout(PAUSE_WAIT_MAX, self.serving.pause()).await;
        sleep(self.settle).await;
        // Open any longer, it would let new connections hang through the drain.
        close(socket);
        self.finish().await;
    }

    /// The service ends at once.
    pub(crate) async fn cut(self, socket: Option<Arc<Socket>>) {
        let _ = timeout(CUT_WAIT_MAX, self.serving.stop(Ending::Now)).await;
        close(socket);
        let _ = timeout(CUT_WAIT_MAX, self.gone).await;
    }

    async fn finish(self) {
        let drained = tokio::select! {
            drained = timeout(self.drain, self.serving.stop(Ending::Graceful)) => drained,
            () = self.hangs.notified() => {
                log::warn!("{} hangs while it drains: its thread is left", self.title);
                return spawn_stop(self.serving, Ending::Now);
            }
        };
        if drained.is_err() {
            let limit = self.drain;
            log::warn!("{} did not drain within {limit:?}: cutting what is left", self.title);
            let _ = timeout(CUT_WAIT_MAX, self.serving.stop(Ending::Now)).await;
        }
        if timeout(END_WAIT_MAX, self.gone).await.is_err() {
            log::warn!("{} has stopped serving, but its thread has not ended", self.title);
        }
    }
}

/// Not merely dropped: a thread that hangs may hold another handle.
pub(crate) fn close(socket: Option<Arc<Socket>>) {
    if let Some(socket) = socket {
        socket::close(&socket);
    }
}

/// Ends what nobody waits for, whenever it can be ended, without cutting what it has in hand.
async fn leave(serving: Arc<dyn Serving>, soft_drain: Duration) {
    serving.pause().await;
    sleep(soft_drain).await;
    serving.stop(Ending::Graceful).await;
}

/// Stops something nobody waits for.
pub(crate) fn spawn_stop(serving: Arc<dyn Serving>, ending: Ending) {
    actix_rt::spawn(async move { serving.stop(ending).await });
}

pub(crate) fn spawn_pause(serving: Arc<dyn Serving>) {
    actix_rt::spawn(async move { serving.pause().await });
}

pub(crate) fn spawn_resume(serving: Arc<dyn Serving>) {
    actix_rt::spawn(async move { serving.resume().await });
}

/// Returns when no new connection is taken any more.
pub(crate) async fn paused(serving: Arc<dyn Serving>, settle: Duration) {
    let _ = timeout(PAUSE_WAIT_MAX, serving.pause()).await;
    // It returns before the acceptor has really stopped.
    sleep(settle).await;
}

/// Waits for incarnations that are on their way out already.
pub(crate) async fn others_gone(
    others: Vec<oneshot::Receiver<()>>,
    ending: Ending,
    drain: Duration,
) {
    let limit = if ending == Ending::Graceful { drain } else { CUT_WAIT_MAX };
    let _ = timeout(limit, join_all(others)).await;
}
