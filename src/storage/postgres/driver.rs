//! The thread that drives the connections of all pools in this process.
//!
//! A driver that ran on the thread that opened its connection would end with it: when an incarnation
//! falls, its other threads would lose what they have under way, a `COMMIT` among it, and say so to
//! their callers before they end themselves. Here a connection lives as long as somebody uses it. What
//! runs on this thread only moves bytes; it decodes no rows, and a panic in one driver ends that one.

use std::error::Error as _;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::task::{AbortHandle, JoinHandle};
use tokio_postgres::Error;

use super::faults::told;
use crate::storage::StoreError;

/// For the addresses of servers.
const BLOCKING_THREADS_MAX: usize = 4;
const NAME: &str = "postgres";

/// Started with the first pool, and never ended: it is not worth more than a thread.
static RUNTIME: Mutex<Option<Handle>> = Mutex::new(None);

/// The drivers of one pool. Clones share them.
#[derive(Clone)]
pub(super) struct Drivers {
    runtime: Handle,
    /// Written for each connection that is opened.
    open: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Drivers {
    pub(super) fn new() -> Result<Drivers, StoreError> {
        Ok(Drivers { runtime: runtime()?, open: Arc::default() })
    }

    /// Of the thread that polls it, with sockets and timers of the driving one.
    pub(super) fn within<F: Future>(&self, future: F) -> impl Future<Output = F::Output> {
        Within { runtime: self.runtime.clone(), future: Box::pin(future) }
    }

    pub(super) fn drive<C>(&self, connection: C) -> JoinHandle<()>
    where
        C: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let driver = self.runtime.spawn(async move {
            // Whoever has a statement on it is told.
            match connection.await {
                Err(error) if is_silence(&error) => {
                    log::warn!("a database connection is given up: {}", told(&error));
                }
                Err(error) => log::debug!("a database connection ended: {}", told(&error)),
                Ok(()) => {}
            }
        });
        self.keep(driver.abort_handle());
        driver
    }

    /// Ends all connections, also those that are in use: the server rolls back what is open on them.
    pub(super) fn end(&self) {
        self.open().drain(..).for_each(|driver| driver.abort());
    }

    /// The same after a while, for what is over by itself until then.
    pub(super) fn end_after(&self, wait: Duration) {
        let drivers = self.clone();
        self.runtime.spawn(async move {
            tokio::time::sleep(wait).await;
            drivers.end();
        });
    }

    fn keep(&self, driver: AbortHandle) {
        let mut open = self.open();
        open.retain(|driver| !driver.is_finished());
        open.push(driver);
    }

    fn open(&self) -> MutexGuard<'_, Vec<AbortHandle>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Within<F> {
    runtime: Handle,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let _within = this.runtime.enter();
        this.future.as_mut().poll(context)
    }
}

/// Of the watch, or of the system, which waited for an acknowledgement.
fn is_silence(error: &Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::TimedOut)
}

fn runtime() -> Result<Handle, StoreError> {
    let mut known = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = known.as_ref() {
        return Ok(runtime.clone());
    }
    let built = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build()
        .and_then(|runtime| {
            let handle = runtime.handle().clone();
            let drive = move || runtime.block_on(std::future::pending::<()>());
            std::thread::Builder::new().name(NAME.to_owned()).spawn(drive).map(|_| handle)
        });
    let handle =
        built.map_err(|error| StoreError::unavailable(format!("no thread for it: {error}")))?;
    *known = Some(handle.clone());
    Ok(handle)
}
