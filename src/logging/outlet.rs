//! The way out of lines. Whoever reads them may stop reading: nobody who logs waits for that.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::Builder;
use std::time::Duration;

/// Lines that wait; further ones are lost, and counted.
const LINES_MAX: usize = 4096;
/// For what waits, when the process ends.
const FLUSH_WAIT_MAX: Duration = Duration::from_secs(1);

enum Item {
    Line(Vec<u8>),
    /// Asks for a word when all before it is written.
    Flush(SyncSender<()>),
}

/// Clones lead to one sink.
#[derive(Clone)]
pub(super) struct Outlet {
    items: SyncSender<Item>,
    lost: Arc<AtomicU64>,
}

impl Outlet {
    /// `sink` is written to on a thread of its own, and may block there.
    pub(super) fn to(sink: impl Write + Send + 'static) -> Outlet {
        let (items, waiting) = sync_channel(LINES_MAX);
        let lost = Arc::<AtomicU64>::default();
        let counted = lost.clone();
        let writer = Builder::new().name("log".to_owned());
        // Without a thread lines are lost; who cannot have one has other worries.
        drop(writer.spawn(move || write_all(&waiting, sink, &counted)));
        Outlet { items, lost }
    }

    /// Waits until what was logged before is written, for a while.
    pub(super) fn flush(&self) {
        let (done, ended) = sync_channel(1);
        if self.items.try_send(Item::Flush(done)).is_ok() {
            let _ = ended.recv_timeout(FLUSH_WAIT_MAX);
        }
    }
}

impl Write for Outlet {
    /// One line, whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Err(TrySendError::Full(_)) = self.items.try_send(Item::Line(line.to_vec())) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_all(items: &Receiver<Item>, mut sink: impl Write, lost: &AtomicU64) {
    while let Ok(item) = items.recv() {
        match item {
            // A reader that has gone misses nothing.
            Item::Line(line) => drop(sink.write_all(&line)),
            Item::Flush(done) => drop(done.try_send(())),
        }
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            log::warn!("{lost} lines of the log are lost: they were not read in time");
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Gives each line to the test, which may be slow to take it.
    struct Given(SyncSender<Vec<u8>>);

    impl Write for Given {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.send(line.to_vec()).map_err(io::Error::other)?;
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nobody_waits_for_a_reader_and_what_is_lost_is_counted() {
        let (taken, reader) = sync_channel(0);
        let mut outlet = Outlet::to(Given(taken));
        let sent = LINES_MAX as u64 + 100;
        for number in 0..sent {
            outlet.write_all(format!("{number}\n").as_bytes()).unwrap();
        }
        let lost = outlet.lost.load(Ordering::Relaxed);
        // One may be in the writer's hand.
        assert!((99..=100).contains(&lost), "{lost}");

        let lines: Vec<Vec<u8>> = reader.iter().take((sent - lost) as usize).collect();
        assert_eq!((lines[0].as_slice(), lines[4000].as_slice()), (&b"0\n"[..], &b"4000\n"[..]));
    }

    #[test]
    fn a_flush_comes_behind_what_was_logged() {
        let (taken, reader) = sync_channel(1);
        let outlet = Outlet::to(Given(taken));
        outlet.clone().write_all(b"last\n").unwrap();
        Outlet::flush(&outlet);
        assert_eq!(reader.try_recv().unwrap(), b"last\n");
    }
}
