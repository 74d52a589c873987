//! The panic hook: a panic is logged once with thread, place and message, and counted.
//!
//! Panics are caught in many places (handlers, tasks, incarnations). Only the hook sees every one
//! of them, and only the hook knows where it happened.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{PanicHookInfo, set_hook};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Written by the hook, on whichever thread panics; read by the metrics.
static COUNT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Where this thread panicked last. The catcher runs on the same thread, right after.
    static LAST_LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Replaces the process's panic hook by one that logs and counts. Call it once, in `main`.
pub fn install() {
    set_hook(Box::new(|info| {
        note(info);
        let place = info.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
        let name = thread::current().name().unwrap_or("unnamed").to_owned();
        log::error!("panic in thread {name} at {place}: {}", message(info.payload()));
    }));
}

/// Counts a panic and keeps its place, without a word: for a hook of one's own.
pub fn note(info: &PanicHookInfo<'_>) {
    COUNT.fetch_add(1, Ordering::Relaxed);
    let place = info.location().map(ToString::to_string);
    // A thread that is being torn down has no locals left; its panic has no place then.
    let _ = LAST_LOCATION.try_with(|last| {
        if let Ok(mut last) = last.try_borrow_mut() {
            *last = place;
        }
    });
}

/// Panics since the process began, caught or not. Zero if no hook of ours is installed.
pub fn count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

/// What a panic said.
pub fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

/// Takes where this thread panicked last.
pub(crate) fn last_location() -> Option<String> {
    LAST_LOCATION.try_with(|last| last.try_borrow_mut().ok()?.take()).ok().flatten()
}
