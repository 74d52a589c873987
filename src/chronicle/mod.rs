//! How the incarnations of services ended, written down so that it is known when the process has ended,
//! too.
//!
//! One file for each service, `exits/payments.jsonl` in the data directory: a line when an incarnation
//! comes up, and one when it ends. An incarnation that came up and has no end was lost with its process.
//! A thread of its own does the writing: a disk that is full, slow or read-only costs lines and nothing
//! else. A file is read, and shortened, when the first news of its service comes: by then it is this
//! process that has the port.

mod file;
mod line;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use busbar_actors::{Chronicle as Told, PastExit, Registry};

use crate::types::Clock;

use self::file::File;
use self::line::Line;

/// News that wait to be written; further ones are lost.
const WAITING_MAX: usize = 256;
/// For what waits, when the process ends.
const CLOSE_WAIT_MAX: Duration = Duration::from_secs(1);

enum News {
    Of(&'static str, Line),
    End,
}

/// Hears of ends, and has them written down.
#[derive(Debug)]
pub struct Chronicle {
    news: SyncSender<News>,
    ended: Mutex<Receiver<()>>,
    /// Where what is read is told.
    registry: Arc<OnceLock<Weak<Registry>>>,
}

impl Chronicle {
    /// `folder` is the data directory. Nothing is read or made yet.
    pub fn new(folder: PathBuf) -> std::io::Result<Chronicle> {
        let (news, heard) = sync_channel(WAITING_MAX);
        let (tell, ended) = sync_channel(1);
        let registry = Arc::<OnceLock<Weak<Registry>>>::default();
        let known = registry.clone();
        std::thread::Builder::new().name("chronicle".to_owned()).spawn(move || {
            write(&heard, &folder.join("exits"), &known);
            // Nobody may wait any more.
            let _ = tell.send(());
        })?;
        Ok(Chronicle { news, ended: Mutex::new(ended), registry })
    }

    /// Where the ends of earlier processes are put.
    pub fn tell(&self, registry: &Arc<Registry>) {
        drop(self.registry.set(Arc::downgrade(registry)));
    }

    /// Writes what waits. What comes after is lost.
    pub fn close(&self) {
        if self.news.try_send(News::End).is_err() {
            return;
        }
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.recv_timeout(CLOSE_WAIT_MAX) == Err(RecvTimeoutError::Timeout) {
            log::warn!("the disk is slow: the last ends of services are not written down");
        }
    }

    fn hear(&self, name: &'static str, line: Line) {
        if self.news.try_send(News::Of(name, line)).is_err() {
            log::warn!("an end of {name} is not written down: too many wait, or it is over");
        }
    }
}

impl Told for Chronicle {
    fn up(&self, name: &'static str, generation: u64) {
        self.hear(name, Line::Up { up: generation, at: Clock::system().now() });
    }

    fn ended(&self, name: &'static str, end: &PastExit) {
        self.hear(name, Line::of(end));
    }
}

fn write(heard: &Receiver<News>, folder: &std::path::Path, registry: &OnceLock<Weak<Registry>>) {
    let mut files: BTreeMap<&'static str, File> = BTreeMap::new();
    while let Ok(News::Of(name, line)) = heard.recv() {
        let file = files.entry(name).or_insert_with(|| {
            let (file, exits) = File::open(folder, name);
            if let Some(registry) = registry.get().and_then(Weak::upgrade) {
                registry.recall(name, exits);
            }
            file
        });
        file.append(line);
    }
}
