//! Watches over what lasts longer than a request: ends it when it is silent for too long, or when
//! this server is about to go.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::Waker;
use std::time::{Duration, Instant};

use actix_rt::task::JoinHandle;
use actix_rt::time::sleep;

/// How often it is looked whether this server is about to go.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// When to end something.
#[derive(Clone)]
pub(in crate::gateway) struct Terms {
    pub(in crate::gateway) idle_max: Duration,
    /// Set when this incarnation is about to go.
    pub(in crate::gateway) draining: Arc<AtomicBool>,
}

/// Why something was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) enum End {
    Idle,
    Drain,
}

/// What is watched, and who watches.
pub(in crate::gateway) struct Vigil {
    watched: Rc<Watched>,
    watch: JoinHandle<()>,
}

/// What a second task may touch, too.
pub(in crate::gateway) struct Watched {
    moved: Cell<Instant>,
    end: Cell<Option<End>>,
    /// Who is to look at `end`.
    reader: RefCell<Option<Waker>>,
}

impl End {
    pub(in crate::gateway) fn name(self) -> &'static str {
        match self {
            End::Idle => "idle",
            End::Drain => "drain",
        }
    }
}

impl Vigil {
    pub(in crate::gateway) fn keep(terms: Terms) -> Vigil {
        let watched = Rc::new(Watched {
            moved: Cell::new(Instant::now()),
            end: Cell::new(None),
            reader: RefCell::default(),
        });
        let watch = actix_rt::spawn(watch(Rc::downgrade(&watched), terms));
        Vigil { watched, watch }
    }

    pub(in crate::gateway) fn watched(&self) -> Rc<Watched> {
        self.watched.clone()
    }

    pub(in crate::gateway) fn moved(&self) {
        self.watched.moved();
    }

    /// Whether it is over; if not, `reader` is woken when it is.
    pub(in crate::gateway) fn ended(&self, reader: &Waker) -> Option<End> {
        let end = self.watched.end.get();
        if end.is_none() {
            let mut known = self.watched.reader.borrow_mut();
            if !known.as_ref().is_some_and(|known| known.will_wake(reader)) {
                *known = Some(reader.clone());
            }
        }
        end
    }
}

impl Watched {
    /// Bytes have come or gone.
    pub(in crate::gateway) fn moved(&self) {
        self.moved.set(Instant::now());
    }
}

impl Drop for Vigil {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

async fn watch(watched: Weak<Watched>, terms: Terms) {
    loop {
        let Some(known) = watched.upgrade() else { return };
        let end = due(&terms, known.moved.get().elapsed());
        if let Some(end) = end {
            known.end.set(Some(end));
            if let Some(reader) = known.reader.borrow_mut().take() {
                reader.wake();
            }
            return;
        }
        let left = terms.idle_max.saturating_sub(known.moved.get().elapsed());
        drop(known);
        sleep(left.clamp(Duration::from_millis(1), LOOK_EVERY)).await;
    }
}

fn due(terms: &Terms, silent_for: Duration) -> Option<End> {
    if terms.draining.load(Relaxed) {
        Some(End::Drain)
    } else {
        (silent_for >= terms.idle_max).then_some(End::Idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_and_leaving_are_ends() {
        let draining = Arc::new(AtomicBool::new(false));
        let terms = Terms { idle_max: Duration::from_secs(60), draining: draining.clone() };
        assert_eq!(due(&terms, Duration::from_secs(59)), None);
        assert_eq!(due(&terms, Duration::from_secs(60)), Some(End::Idle));
        draining.store(true, Relaxed);
        assert_eq!(due(&terms, Duration::ZERO), Some(End::Drain));
    }
}
