//! What the next bytes of a connection are. Pure.

use tokio::time::Instant;

use super::chunks::ChunkReader;
use super::head::{Follows, HeadReader};
use super::refusal::Refusal;

pub(super) enum Incoming {
    Head(HeadReader),
    /// A body of a length, and what is left of it.
    Length(u64),
    Chunks(ChunkReader),
    Everything,
    /// The next request's, whose turn it is not.
    Ahead,
    /// Of a refused client: nobody's, until then.
    Refused(Instant),
}

impl Incoming {
    /// After a head.
    pub(super) fn body(follows: Follows) -> Incoming {
        match follows {
            Follows::Nothing => Incoming::Ahead,
            Follows::Length(length) => Incoming::Length(length),
            Follows::Chunks => Incoming::Chunks(ChunkReader::new()),
            Follows::Everything => Incoming::Everything,
        }
    }

    /// How many of these bytes belong to the body.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        match self {
            Incoming::Length(left) => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= taken as u64;
                if *left == 0 {
                    *self = Incoming::Ahead;
                }
                Ok(taken)
            }
            Incoming::Chunks(chunks) => {
                let taken = chunks.read(bytes)?;
                if chunks.is_over() {
                    *self = Incoming::Ahead;
                }
                Ok(taken)
            }
            Incoming::Everything => Ok(bytes.len()),
            Incoming::Head(_) | Incoming::Ahead | Incoming::Refused(_) => Ok(0),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_body_takes_what_is_its_own() {
        let mut length = Incoming::body(Follows::Length(5));
        assert_eq!(length.take(b"hel"), Ok(3));
        assert_eq!(length.take(b"loGET"), Ok(2));
        assert_eq!(length.take(b"GET"), Ok(0));

        let mut chunks = Incoming::body(Follows::Chunks);
        assert_eq!(chunks.take(b"1\r\nx\r\n0\r\n\r\nGET"), Ok(11));
        assert!(matches!(chunks, Incoming::Ahead));
        assert_eq!(Incoming::body(Follows::Everything).take(b"any"), Ok(3));
        assert_eq!(Incoming::body(Follows::Nothing).take(b"GET"), Ok(0));
    }
}
