//! The file that the history is kept in, written on a thread of its own: a disk that is slow, full
//! or read-only costs the history its memory of restarts, and nobody else anything.
//!
//! One line after the other is added; now and then, and after whatever went wrong, the whole is
//! written anew beside it and takes its place. A line that was cut by a crash is not read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::book::{Book, Line};

const FILE: &str = "history.jsonl";
const DRAFT: &str = "history.draft";
const LOCK: &str = "history.lock";
/// After so much more the whole is written anew: a day's beats are 300 kB.
const ADDED_BYTES_MAX: usize = 256 * 1024;
/// What is read at most: many times what is ever written.
const READ_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Lines that may wait for the disk, in bundles; with more, the whole is written when it is back.
const BUNDLES_MAX: usize = 64;

/// Hands lines to the thread.
pub(super) struct Keeper {
    bundles: SyncSender<Vec<Line>>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Written by the thread: what was handed over is on the disk.
    is_kept: AtomicBool,
    /// What is on the disk is not all, or not true any more.
    is_behind: AtomicBool,
}

/// The folder, held for as long as the lock is.
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// # Errors
    /// When it cannot be written to, or another process keeps its history in it.
    pub(super) fn take(path: PathBuf) -> io::Result<Folder> {
        fs::create_dir_all(&path)?;
        let lock = OpenOptions::new().create(true).append(true).open(path.join(LOCK))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => io::Error::other("another process keeps its own there"),
            fs::TryLockError::Error(error) => error,
        })?;
        Ok(Folder { path, _lock: lock })
    }

    /// The lines that can be read, and how many cannot.
    pub(super) fn lines(&self) -> io::Result<(Vec<Line>, usize)> {
        let file = match File::open(self.path.join(FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
            opened => opened?,
        };
        let (mut lines, mut unread) = (Vec::new(), 0);
        for text in BufReader::new(file.take(READ_BYTES_MAX)).split(b'\n') {
            match serde_json::from_slice(&text?) {
                Ok(line) => lines.push(line),
                Err(_) => unread += 1,
            }
        }
        Ok((lines, unread))
    }

    /// The whole in the place of what is there; whoever reads sees the one or the other.
    fn write_anew(&self, book: &Mutex<Book>) -> io::Result<File> {
        let lines = book.lock().unwrap_or_else(PoisonError::into_inner).lines();
        let draft = self.path.join(DRAFT);
        let written = (|| {
            let mut file = File::create(&draft)?;
            file.write_all(&text(&lines)?)?;
            file.sync_all()?;
            fs::rename(&draft, self.path.join(FILE))?;
            File::open(&self.path)?.sync_all()?;
            OpenOptions::new().append(true).open(self.path.join(FILE))
        })();
        if written.is_err() {
            // It would only take up room.
            drop(fs::remove_file(&draft));
        }
        written
    }
}

impl Keeper {
    /// # Errors
    /// When the first writing fails, or the thread does not start.
    pub(super) fn start(folder: Folder, book: Arc<Mutex<Book>>) -> io::Result<Keeper> {
        let file = folder.write_anew(&book)?;
        let (bundles, coming) = sync_channel(BUNDLES_MAX);
        let state = Arc::new(State { is_kept: true.into(), ..State::default() });
        let desk = Desk { folder, file, added: 0, book, state: state.clone() };
        let thread = std::thread::Builder::new().name("health-history".into());
        thread.spawn(move || desk.work(&coming))?;
        Ok(Keeper { bundles, state })
    }

    pub(super) fn is_kept(&self) -> bool {
        self.state.is_kept.load(Relaxed)
    }

    /// Never waits.
    pub(super) fn keep(&self, lines: Vec<Line>) {
        if self.bundles.try_send(lines).is_err() {
            self.all_anew();
        }
    }

    /// The whole is written with the next lines.
    pub(super) fn all_anew(&self) {
        self.state.is_behind.store(true, Relaxed);
    }
}

/// What the thread works with.
struct Desk {
    folder: Folder,
    file: File,
    added: usize,
    book: Arc<Mutex<Book>>,
    state: Arc<State>,
}

impl Desk {
    /// Until nobody hands over lines any more.
    fn work(mut self, coming: &Receiver<Vec<Line>>) {
        while let Ok(lines) = coming.recv() {
            let is_behind = self.state.is_behind.swap(false, Relaxed);
            let written = match is_behind || self.added > ADDED_BYTES_MAX {
                true => self.write_anew(),
                false => self.add(&lines),
            };
            let was_kept = self.state.is_kept.swap(written.is_ok(), Relaxed);
            match written {
                Ok(()) if !was_kept => log::info!("the health history is written down again"),
                Ok(()) => {}
                Err(error) => {
                    self.state.is_behind.store(true, Relaxed);
                    if was_kept {
                        let folder = self.folder.path.display();
                        log::warn!(
                            "the health history cannot be written to {folder}, and would not \
                             survive a restart now: {error}"
                        );
                    }
                }
            }
        }
    }

    fn add(&mut self, lines: &[Line]) -> io::Result<()> {
        let text = text(lines)?;
        self.file.write_all(&text)?;
        self.added += text.len();
        // Losing a beat costs seconds of what is known, losing a change would tell a lie.
        if lines.iter().any(Line::is_change) { self.file.sync_data() } else { Ok(()) }
    }

    fn write_anew(&mut self) -> io::Result<()> {
        self.file = self.folder.write_anew(&self.book)?;
        self.added = 0;
        Ok(())
    }
}

fn text(lines: &[Line]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
    }
    Ok(text)
}

/// Where a process keeps its history.
pub(super) fn folder_in(data_dir: &Path) -> PathBuf {
    data_dir.join("health")
}
