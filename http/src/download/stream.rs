//! The bytes of a file, read piece by piece on threads that may wait for a disk.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use actix_web::web;
use bytes::Bytes;
use futures_util::{Stream, stream};

/// So much of a file is in memory at a time.
const PIECE_BYTES: u64 = 64 * 1024;

struct Rest {
    file: File,
    left: u64,
}

/// `length` bytes from `first` on. A file that ends earlier ends the stream with an error: then the
/// connection is closed, and the client sees that something is missing.
pub(super) fn read(
    file: File,
    first: u64,
    length: u64,
) -> impl Stream<Item = Result<Bytes, io::Error>> {
    let start = Rest { file, left: length };
    stream::try_unfold((start, Some(first)), |(rest, seek)| async move {
        if rest.left == 0 {
            return Ok(None);
        }
        let read = web::block(move || piece(rest, seek)).await;
        let (piece, rest) = read.map_err(io::Error::other)??;
        Ok(Some((piece, (rest, None))))
    })
}

fn piece(mut rest: Rest, seek: Option<u64>) -> io::Result<(Bytes, Rest)> {
    if let Some(first) = seek.filter(|first| *first > 0) {
        rest.file.seek(SeekFrom::Start(first))?;
    }
    let size = rest.left.min(PIECE_BYTES);
    let mut piece = vec![0; usize::try_from(size).map_err(io::Error::other)?];
    rest.file.read_exact(&mut piece)?;
    rest.left -= size;
    Ok((piece.into(), rest))
}
