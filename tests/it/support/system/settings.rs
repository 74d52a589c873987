//! The settings file of a system, and the word to read it again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::JoinHandle;
use std::time::Duration;

use super::TestSystem;
use crate::support::folder;
use crate::support::launch::{self, Process};

/// Lines of the gateway's section, one after the other: what is swapped, what has connections made
/// anew, what changes while it is used.
const FIGURES: [&str; 3] = [
    "retry_budget_ratio = 0.3\nbreaker_failures = 7\nslow_request_threshold_ms = 0",
    "connect_timeout_ms = 900\nmax_requests = 8000",
    "cache_max_entries = 500\nmax_body_bytes = 2_000_000",
];
/// Between two changes.
const PACE: Duration = Duration::from_millis(50);

/// A key that nobody uses elsewhere.
const SHARED_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";

impl TestSystem {
    /// Makes the key that services share, before anything runs: where some of them have names, no
    /// process makes one by itself.
    pub(crate) fn share_a_key(&self) {
        let keys = self.folder().join("data/keys");
        std::fs::create_dir_all(&keys).unwrap();
        std::fs::write(keys.join("service.key"), SHARED_KEY).unwrap();
    }

    /// Puts this behind the settings that all tests have, for what is spawned from now on.
    pub(crate) fn add_settings(&self, more: &str) {
        folder::write_settings(self.folder(), "", more);
    }

    /// As `add_settings`, with these lines in the section of the gateway.
    pub(crate) fn set_gateway(&self, lines: &str, more: &str) {
        folder::write_settings(self.folder(), lines, more);
    }

    /// Puts a line into the section of the users in the file that is there.
    pub(crate) fn change_users(&self, line: &str) {
        let file = self.folder().join("settings.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("[users]\n", &format!("[users]\n{line}\n"))).unwrap();
    }

    /// Has the newest process read its settings again. What comes of it is in the log, after what was
    /// there when this returns.
    pub(crate) fn hang_up(&self) -> usize {
        let told = self.log().len();
        self.0.processes.borrow().last().unwrap().signal("HUP");
        told
    }

    /// Waits for a line that was logged after the first so many.
    pub(crate) async fn told_after(&self, told: usize, text: &str) -> String {
        let mut found = String::new();
        let later = async || {
            let line = self.log().into_iter().skip(told).find(|line| line.contains(text));
            found = line.unwrap_or_default();
            !found.is_empty()
        };
        self.eventually(&format!("`{text}` is logged"), later).await;
        found
    }
}

/// Changes the settings of a process again and again, until it is stopped.
pub(crate) struct Reloading {
    is_over: Arc<AtomicBool>,
    changing: JoinHandle<usize>,
}

impl Reloading {
    /// What the file of a system in this folder has behind its gateway's section is `more`, and now
    /// and then another route.
    pub(crate) fn start(folder: &Path, process: &Process, more: &str) -> Reloading {
        let is_over = Arc::<AtomicBool>::default();
        let (ended, id, folder) = (is_over.clone(), process.id(), folder.to_owned());
        let extra = format!(
            "{more}\n[[gateway.routes]]\nprefix = \"/extra\"\nupstreams = [\"http://127.0.0.1:1\"]\n"
        );
        let more = more.to_owned();
        let changing = std::thread::spawn(move || {
            let mut count = 0;
            while !ended.load(SeqCst) {
                let routes = if count % 2 == 0 { &extra } else { &more };
                folder::write_settings(&folder, FIGURES[count % FIGURES.len()], routes);
                launch::signal(id, "HUP");
                count += 1;
                std::thread::sleep(PACE);
            }
            count
        });
        Reloading { is_over, changing }
    }

    /// How often they were changed.
    pub(crate) fn stop(self) -> usize {
        self.is_over.store(true, SeqCst);
        self.changing.join().unwrap()
    }
}
