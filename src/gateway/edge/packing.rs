//! A body that is packed as it passes: in small parts, so that no other request of the thread waits
//! for long; and what is there is handed out whenever nothing more comes for the moment.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use brotli::CompressorWriter;
use brotli::enc::BrotliEncoderParams;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::coding::Coding;

/// What is packed without a look at anything else, in bytes.
const PART_BYTES: usize = 8 * 1024;
/// What is packed before another request of the thread has its turn, in bytes.
pub(in crate::gateway) const WORK_BYTES_MAX: usize = 64 * 1024;

/// A good part of what could be won, at a tenth of the time that the best would take.
const BROTLI_QUALITY: i32 = 4;
/// How far back brotli looks, as a power of two: it holds so many bytes of each answer.
const BROTLI_WINDOW_BITS: std::ops::RangeInclusive<u32> = 12..=18;
/// Of the writer in between.
const BROTLI_BUFFER_BYTES: usize = 4 * 1024;
const GZIP_LEVEL: u32 = 4;

/// A body on its way, in another coding than it came.
pub(super) struct Packed {
    source: BoxBody,
    packer: Option<Packer>,
    /// What has come and is not packed yet.
    rest: Bytes,
    /// Something went in that has not come out.
    holds_back: bool,
}

enum Packer {
    Brotli(Box<CompressorWriter<Vec<u8>>>),
    Gzip(Box<GzEncoder<Vec<u8>>>),
}

impl Packed {
    /// `length`: of the source, when it is known.
    pub(super) fn new(source: BoxBody, coding: Coding, length: Option<u64>) -> Packed {
        let packer = Some(Packer::new(coding, length));
        Packed { source, packer, rest: Bytes::new(), holds_back: false }
    }

    /// Packs the next part, and takes what has come out.
    fn pack_part(&mut self) -> io::Result<Vec<u8>> {
        let part = self.rest.split_to(self.rest.len().min(PART_BYTES));
        let Some(packer) = &mut self.packer else { return Ok(Vec::new()) };
        packer.write(&part)?;
        let out = packer.take();
        self.holds_back = true;
        Ok(out)
    }

    fn flush(&mut self) -> io::Result<Vec<u8>> {
        self.holds_back = false;
        let Some(packer) = &mut self.packer else { return Ok(Vec::new()) };
        packer.flush()?;
        Ok(packer.take())
    }
}

impl MessageBody for Packed {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let ready = |out: Vec<u8>| Poll::Ready(Some(Ok(Bytes::from(out))));
        let mut worked = 0;
        while self.packer.is_some() {
            if self.rest.is_empty() {
                match Pin::new(&mut self.source).poll_next(cx) {
                    Poll::Ready(Some(piece)) => self.rest = piece?,
                    Poll::Ready(None) => {
                        let packer = self.packer.take();
                        return ready(packer.map_or(Ok(Vec::new()), Packer::finish)?);
                    }
                    Poll::Pending if self.holds_back => return ready(self.flush()?),
                    Poll::Pending => return Poll::Pending,
                }
                continue;
            }
            if worked >= WORK_BYTES_MAX {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            worked += self.rest.len().min(PART_BYTES);
            let out = self.pack_part()?;
            if !out.is_empty() {
                return ready(out);
            }
        }
        Poll::Ready(None)
    }
}

impl Packer {
    fn new(coding: Coding, length: Option<u64>) -> Packer {
        match coding {
            Coding::Brotli => {
                let params = BrotliEncoderParams {
                    quality: BROTLI_QUALITY,
                    lgwin: window_bits(length),
                    size_hint: length.and_then(|length| length.try_into().ok()).unwrap_or(0),
                    ..BrotliEncoderParams::default()
                };
                let writer =
                    CompressorWriter::with_params(Vec::new(), BROTLI_BUFFER_BYTES, &params);
                Packer::Brotli(Box::new(writer))
            }
            Coding::Gzip => {
                Packer::Gzip(Box::new(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL))))
            }
        }
    }

    fn write(&mut self, part: &[u8]) -> io::Result<()> {
        match self {
            Packer::Brotli(writer) => writer.write_all(part),
            Packer::Gzip(writer) => writer.write_all(part),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Packer::Brotli(writer) => writer.flush(),
            Packer::Gzip(writer) => writer.flush(),
        }
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(match self {
            Packer::Brotli(writer) => writer.get_mut(),
            Packer::Gzip(writer) => writer.get_mut(),
        })
    }

    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Packer::Brotli(writer) => Ok(writer.into_inner()),
            Packer::Gzip(writer) => writer.finish(),
        }
    }
}

/// No larger a window than the body needs.
fn window_bits(length: Option<u64>) -> i32 {
    let (smallest, largest) = (*BROTLI_WINDOW_BITS.start(), *BROTLI_WINDOW_BITS.end());
    let needed = length.map_or(largest, |length| u64::BITS - length.leading_zeros());
    i32::try_from(needed.clamp(smallest, largest)).unwrap_or(18)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::future::poll_fn;
    use std::io::Read;

    use actix_web::body::{BodyStream, to_bytes};
    use futures_util::{FutureExt, StreamExt, stream};

    use super::*;

    fn unpacked(coding: Coding, packed: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        match coding {
            Coding::Gzip => {
                flate2::read::GzDecoder::new(packed).read_to_end(&mut plain).unwrap();
            }
            Coding::Brotli => {
                brotli::Decompressor::new(packed, 4_096).read_to_end(&mut plain).unwrap();
            }
        }
        plain
    }

    #[actix_web::test]
    async fn what_goes_in_comes_out() {
        let text = |length: usize| (0..length).map(|at| (at * at % 251) as u8).collect::<Vec<_>>();
        for coding in [Coding::Brotli, Coding::Gzip] {
            for pieces in [vec![], vec![1], vec![1_024, 1], vec![300_000, 0, 7], vec![70_000; 9]] {
                let whole: Vec<u8> = pieces.iter().flat_map(|length| text(*length)).collect();
                let source = pieces
                    .into_iter()
                    .map(move |length| Ok::<_, io::Error>(Bytes::from(text(length))));
                let source = BodyStream::new(stream::iter(source)).boxed();
                let packed = to_bytes(Packed::new(source, coding, None)).await.unwrap();
                assert_eq!(unpacked(coding, &packed), whole, "{coding:?}");
            }
        }
    }

    #[actix_web::test]
    async fn what_has_come_is_handed_out_while_the_rest_is_waited_for() {
        for coding in [Coding::Brotli, Coding::Gzip] {
            let first = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"first"))]);
            let source = BodyStream::new(first.chain(stream::pending())).boxed();
            let mut packed = Packed::new(source, coding, None);
            let mut seen = Vec::new();
            let mut next = || poll_fn(|cx| Pin::new(&mut packed).poll_next(cx)).now_or_never();
            while let Some(Some(Ok(piece))) = next() {
                seen.extend(piece);
            }
            let mut plain = [0; 5];
            match coding {
                Coding::Gzip => {
                    flate2::read::GzDecoder::new(&*seen).read_exact(&mut plain).unwrap()
                }
                Coding::Brotli => {
                    brotli::Decompressor::new(&*seen, 64).read_exact(&mut plain).unwrap();
                }
            }
            assert_eq!(&plain, b"first", "{coding:?}");
        }
    }

    #[test]
    fn a_small_body_needs_a_small_window() {
        assert_eq!(window_bits(Some(1_024)), 12);
        assert_eq!(window_bits(Some(100_000)), 17);
        assert_eq!((window_bits(Some(u64::MAX)), window_bits(None)), (18, 18));
    }
}
