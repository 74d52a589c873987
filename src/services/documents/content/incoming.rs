//! A content while it comes in: a locked file beside, hashed as it is written.
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};

use crate::types::DocumentId;

use super::super::media::HEAD_BYTES;
use super::super::model::digest::Sha256;
use super::Vault;

/// Tries to make a file that nobody sweeps away before it is locked.
const TRIES_MAX: u32 = 8;

/// A file that goes with its owner, unless it was moved.
#[derive(Debug)]
struct Beside {
    file: File,
    path: PathBuf,
    is_moved: bool,
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.is_moved {
            drop(fs::remove_file(&self.path));
        }
    }
}

/// A content that is being written.
pub(crate) struct Incoming {
    beside: Beside,
    hash: Context,
    head: Vec<u8>,
    size: u64,
}

/// A content that is whole and on the disk, and has no place yet.
#[derive(Debug)]
pub(crate) struct Received {
    beside: Beside,
    sha256: Sha256,
    head: Vec<u8>,
    size: u64,
}

impl Incoming {
    /// The lock tells others that the file is being written; it ends with the process.
    pub(crate) fn begin(vault: &Vault) -> io::Result<Incoming> {
        for _ in 0..TRIES_MAX {
            let path = vault.beside().join(DocumentId::new().to_string());
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            let beside = Beside { file, path, is_moved: false };
            beside.file.lock()?;
            if beside.path.exists() {
                let hash = Context::new(&SHA256);
                return Ok(Incoming { beside, hash, head: Vec::new(), size: 0 });
            }
        }
        Err(io::Error::other("what is made is swept away at once"))
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.beside.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        let room = HEAD_BYTES - self.head.len();
        self.head.extend_from_slice(&bytes[..room.min(bytes.len())]);
        Ok(())
    }

    /// Waits for the disk.
    pub(crate) fn finish(self) -> io::Result<Received> {
        let Incoming { beside, hash, head, size } = self;
        beside.file.sync_all()?;
        let digest = hash.finish();
        let bytes = digest.as_ref().try_into().map_err(io::Error::other)?;
        Ok(Received { beside, sha256: Sha256::new(bytes), head, size })
    }
}

impl Received {
    pub(crate) fn sha256(&self) -> Sha256 {
        self.sha256
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Its first bytes.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    pub(super) fn move_to(mut self, place: &Path) -> io::Result<()> {
        fs::rename(&self.beside.path, place)?;
        self.beside.is_moved = true;
        Ok(())
    }
}
