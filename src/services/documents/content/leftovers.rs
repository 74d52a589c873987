//! What processes that were killed have left beside.
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use super::Vault;

impl Vault {
    /// Deletes files that nobody has under lock any more. How many it were.
    pub(crate) fn sweep_leftovers(&self) -> io::Result<u64> {
        let mut swept = 0;
        for entry in fs::read_dir(self.beside())? {
            swept += u64::from(sweep(&entry?.path())?);
        }
        if swept > 0 {
            log::info!("{swept} uploads that were cut off are thrown away");
        }
        Ok(swept)
    }
}

/// A file that is gone by now has found its place, or its end.
fn sweep(path: &Path) -> io::Result<bool> {
    let swept = File::open(path).and_then(|file| match file.try_lock() {
        Ok(()) => fs::remove_file(path).map(|()| true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    });
    match swept {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        swept => swept,
    }
}
