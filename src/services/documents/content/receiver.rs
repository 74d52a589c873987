//! Writes a content that comes piece by piece, on threads that may wait for the disk. Never more
//! than a few pieces of it are in memory.
use std::io;

use actix_web::web::block;
use bytes::{Bytes, BytesMut};

use super::{Incoming, Received, Vault};

/// Pieces are gathered up to this before they are written, in bytes.
const GATHERED_MAX: usize = 256 * 1024;

/// A content on its way to the disk.
pub(crate) struct Receiver {
    incoming: Incoming,
    gathered: BytesMut,
    /// Bytes that may still come.
    left: u64,
}

/// Why a content was not received.
#[derive(Debug)]
pub(crate) enum Unreceived {
    TooLarge,
    Disk(io::Error),
}

impl Receiver {
    pub(crate) async fn begin(vault: &Vault, bytes_max: u64) -> Result<Receiver, Unreceived> {
        let vault = vault.clone();
        let incoming = waited(move || Incoming::begin(&vault)).await?;
        Ok(Receiver { incoming, gathered: BytesMut::new(), left: bytes_max })
    }

    /// Takes the next piece.
    pub(crate) async fn push(mut self, piece: Bytes) -> Result<Receiver, Unreceived> {
        let size = piece.len() as u64;
        self.left = self.left.checked_sub(size).ok_or(Unreceived::TooLarge)?;
        self.gathered.extend_from_slice(&piece);
        if self.gathered.len() < GATHERED_MAX { Ok(self) } else { self.write().await }
    }

    async fn write(self) -> Result<Receiver, Unreceived> {
        let Receiver { mut incoming, mut gathered, left } = self;
        waited(move || {
            incoming.write(&gathered)?;
            gathered.clear();
            Ok(Receiver { incoming, gathered, left })
        })
        .await
    }

    /// The last piece was taken.
    pub(crate) async fn finish(self) -> Result<Received, Unreceived> {
        let Receiver { mut incoming, gathered, .. } = self;
        waited(move || {
            incoming.write(&gathered)?;
            incoming.finish()
        })
        .await
    }
}

/// Off the event loop.
async fn waited<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Unreceived> {
    let done = block(work).await.map_err(|error| Unreceived::Disk(io::Error::other(error)))?;
    done.map_err(Unreceived::Disk)
}
