//! What every service has been over the last day; it survives the process.
//!
//! `track` is one service's day, `book` all of them and the lines that they are written in, `keeper`
//! the file. What is read here comes from memory; the file is for the next process.

mod book;
mod keeper;
mod track;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use busbar_http::Status;

use crate::types::{Clock, ServiceName, Timestamp};

use self::book::{Book, News};
use self::keeper::{Folder, Keeper};
pub(super) use self::track::Past;

/// See the module.
pub struct History {
    /// Written by whoever publishes health; read by whoever asks, and by the keeper's thread.
    book: Arc<Mutex<Book>>,
    /// `None`: in memory alone.
    keeper: Option<Keeper>,
    // The machine's time, as in the logs: the file is read after the process.
    clock: Clock,
}

impl History {
    /// In memory alone.
    pub fn forgetful() -> History {
        History { book: Arc::default(), keeper: None, clock: Clock::system() }
    }

    /// With what the process before has left. Where nothing can be kept, that is told, and the
    /// history begins with this process.
    pub fn kept_in(data_dir: &Path) -> History {
        let folder = keeper::folder_in(data_dir);
        let clock = Clock::system();
        match open(&folder, clock.now()) {
            Ok((book, keeper)) => History { book, keeper: Some(keeper), clock },
            Err(error) => {
                let folder = folder.display();
                log::warn!("the health history is kept in memory alone: {folder}: {error}");
                History::forgetful()
            }
        }
    }

    /// Whether it would survive the process now.
    pub fn is_kept(&self) -> bool {
        self.keeper.as_ref().is_some_and(Keeper::is_kept)
    }

    /// What everybody is now.
    pub(super) fn observe(&self, statuses: &[(ServiceName, Status)]) {
        let now = self.clock.now();
        // Handed over under the lock: lines stand in the file in the order in which things happened.
        let mut book = self.book();
        let news = book.observe(statuses, now);
        let Some(keeper) = &self.keeper else { return };
        match news {
            News::Anew => keeper.all_anew(),
            News::Lines(lines) if lines.is_empty() => {}
            News::Lines(lines) => keeper.keep(lines),
        }
    }

    pub(super) fn past(&self, service: ServiceName) -> Past {
        self.book().past(service, self.clock.now())
    }

    pub(super) fn strip(&self, service: ServiceName) -> String {
        self.book().strip(service, self.clock.now())
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(folder: &Path, now: Timestamp) -> io::Result<(Arc<Mutex<Book>>, Keeper)> {
    let folder = Folder::take(folder.to_owned())?;
    let (lines, unread) = folder.lines()?;
    if unread > 0 {
        log::warn!("{unread} lines of the health history cannot be read and are left out");
    }
    let book = Arc::new(Mutex::new(Book::read(lines.into_iter(), now)));
    let keeper = Keeper::start(folder, book.clone())?;
    Ok((book, keeper))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ServiceName::Billing;
    use Status::{Down, Up};

    fn data_dir() -> std::path::PathBuf {
        std::env::temp_dir().join(format!("busbar-history-{}", uuid::Uuid::new_v4()))
    }

    /// Waits until the file says so.
    fn file_has(data_dir: &Path, text: &str) {
        let file = data_dir.join("health/history.jsonl");
        let start = std::time::Instant::now();
        while !std::fs::read_to_string(&file).unwrap_or_default().contains(text) {
            assert!(start.elapsed().as_secs() < 30, "`{text}` does not come");
            std::thread::yield_now();
        }
    }

    #[test]
    fn it_survives_and_one_process_keeps_it_at_a_time() {
        let data = data_dir();
        let first = History::kept_in(&data);
        [Up, Down, Up].into_iter().for_each(|status| first.observe(&[(Billing, status)]));
        assert!(first.is_kept());
        file_has(&data, "\"DOWN\"");
        assert!(!History::kept_in(&data).is_kept(), "the other one holds it");
        drop(first);
        let start = std::time::Instant::now();
        // The thread lets go when it has written what it was given.
        let second = loop {
            let second = History::kept_in(&data);
            if second.is_kept() || start.elapsed().as_secs() > 30 {
                break second;
            }
        };
        let past = serde_json::to_value(second.past(Billing)).unwrap();
        assert_eq!(past["changes24h"], 2, "{past}");
        std::fs::remove_dir_all(data).unwrap();
    }

    #[test]
    fn a_line_that_was_cut_is_left_out() {
        let data = data_dir();
        std::fs::create_dir_all(data.join("health")).unwrap();
        let now = Clock::system().now();
        let line =
            |status: &str| format!(r#"{{"at":"{now}","service":"billing","status":"{status}"}}"#);
        let text = format!("{}\n{}\n{{\"at\":\"20", line("UP"), line("DOWN"));
        std::fs::write(data.join("health/history.jsonl"), text).unwrap();
        let history = History::kept_in(&data);
        assert!(history.is_kept());
        history.observe(&[(Billing, Up)]);
        let past = serde_json::to_value(history.past(Billing)).unwrap();
        assert_eq!(past["changes24h"], 2, "{past}");
        file_has(&data, "\"UNKNOWN\"");
        std::fs::remove_dir_all(data).unwrap();
    }

    /// A folder that cannot be one: nothing is kept, everything goes on.
    #[test]
    fn without_a_place_it_is_kept_in_memory() {
        let file = data_dir();
        std::fs::write(&file, "").unwrap();
        let history = History::kept_in(&file);
        assert!(!history.is_kept());
        history.observe(&[(Billing, Up)]);
        history.observe(&[(Billing, Down)]);
        let past = serde_json::to_value(history.past(Billing)).unwrap();
        assert_eq!(past["changes24h"], 1, "{past}");
        std::fs::remove_file(file).unwrap();
    }

    /// What stood in the way is gone: the whole is there again, not only what came after.
    #[test]
    fn what_could_not_be_written_is_written_when_it_can() {
        let data = data_dir();
        let history = History::kept_in(&data);
        let folder = data.join("health");
        let away = data.join("away");
        std::fs::rename(&folder, &away).unwrap();
        history.keeper.as_ref().unwrap().all_anew();
        history.observe(&[(Billing, Up)]);
        let start = std::time::Instant::now();
        while history.is_kept() {
            assert!(start.elapsed().as_secs() < 30, "it says that it is kept");
            std::thread::yield_now();
        }
        std::fs::rename(&away, &folder).unwrap();
        history.observe(&[(Billing, Down)]);
        file_has(&data, "\"DOWN\"");
        file_has(&data, "\"UP\"");
        std::fs::remove_dir_all(data).unwrap();
    }
}
