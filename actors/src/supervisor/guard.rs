//! Ends the process when a supervisor is lost: what it kept running would run on unwatched.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// `EX_SOFTWARE` of sysexits: an internal error. The container's restart policy takes over.
pub(crate) const EXIT_CODE: i32 = 70;

/// A field of each supervisor.
pub(crate) struct Guard {
    name: &'static str,
    /// Set when the tree begins to stop, or its owner lets go of it.
    stopping: Arc<AtomicBool>,
}

impl Guard {
    pub(crate) fn new(name: &'static str, stopping: Arc<AtomicBool>) -> Self {
        Guard { name, stopping }
    }

    pub(crate) fn tree_is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}

impl Drop for Guard {
    #[expect(clippy::disallowed_methods, reason = "nobody is left who could drain")]
    fn drop(&mut self) {
        if !self.tree_is_stopping() {
            log::error!("the supervisor of {} is gone: the process ends", self.name);
            log::logger().flush();
            std::process::exit(EXIT_CODE);
        }
    }
}
