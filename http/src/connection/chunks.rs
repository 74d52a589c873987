//! Reads along where a chunked body ends (RFC 9112, section 7.1). Pure.
//!
//! Trailers are counted and passed to the parser behind, which drops them.

use super::line::is_in_token;
use super::refusal::Refusal;

/// The longest line with a chunk's size and its extensions, in bytes.
const SIZE_LINE_MAX: usize = 256;
/// All trailers together, in bytes.
const TRAILER_BYTES_MAX: usize = 8 * 1024;
/// Digits of the largest size that is taken: 2^60 bytes.
const DIGITS_MAX: usize = 15;

/// Where in a chunked body the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// With the number of digits so far.
    Size(usize),
    /// Spaces before a semicolon.
    BeforeExtension,
    /// Spaces before the name of an extension, after the semicolon.
    BeforeName,
    Name,
    /// Spaces before the sign between name and value, or before a semicolon.
    AfterName,
    BeforeValue,
    Value,
    Quoted,
    QuotedPair,
    AfterQuoted,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// The first byte of a trailer, or of the last empty line.
    TrailerStart,
    TrailerName,
    Trailer,
    TrailerLf,
    EndLf,
    Over,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ChunkReader {
    at: At,
    /// Of the chunk that is coming.
    left: u64,
    /// Of this line, or of the trailers.
    bytes: usize,
}

impl ChunkReader {
    pub(super) fn new() -> ChunkReader {
        ChunkReader { at: At::Size(0), left: 0, bytes: 0 }
    }

    pub(super) fn is_over(&self) -> bool {
        self.at == At::Over
    }

    /// Takes the next bytes, and says how many of them belong to the body.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        let mut read = 0;
        while read < bytes.len() && !self.is_over() {
            if self.at == At::Data {
                let there = bytes.len() - read;
                let taken = usize::try_from(self.left).unwrap_or(usize::MAX).min(there);
                self.left -= taken as u64;
                read += taken;
                if self.left == 0 {
                    self.at = At::DataCr;
                }
            } else {
                self.at = self.step(bytes[read])?;
                read += 1;
            }
        }
        Ok(read)
    }

    fn step(&mut self, byte: u8) -> Result<At, Refusal> {
        self.bytes += 1;
        match (self.at, byte) {
            (At::Size(digits), _) if byte.is_ascii_hexdigit() => self.digit(digits, byte),
            (At::Size(1..) | At::Name | At::Value | At::AfterQuoted, b'\r') => Ok(At::SizeLf),
            (At::SizeLf, b'\n') => {
                self.bytes = 0;
                Ok(if self.left == 0 { At::TrailerStart } else { At::Data })
            }
            (At::DataCr, b'\r') => Ok(At::DataLf),
            (At::DataLf, b'\n') => {
                self.bytes = 0;
                Ok(At::Size(0))
            }
            (At::TrailerStart, b'\r') => Ok(At::EndLf),
            (At::Trailer, b'\r') => Ok(At::TrailerLf),
            (At::TrailerLf, b'\n') => Ok(At::TrailerStart),
            (At::TrailerStart, b' ' | b'\t') => Err(Refusal::FoldedLine),
            (At::TrailerStart | At::TrailerName, _) if is_in_token(byte) => {
                self.within(TRAILER_BYTES_MAX, At::TrailerName)
            }
            (At::TrailerName, b':') => self.within(TRAILER_BYTES_MAX, At::Trailer),
            (At::Trailer, b'\t' | 0x20..=0x7e | 0x80..) => {
                self.within(TRAILER_BYTES_MAX, At::Trailer)
            }
            (At::EndLf, b'\n') => Ok(At::Over),
            (at, _) => self.within(SIZE_LINE_MAX, extension(at, byte)?),
        }
    }

    fn digit(&mut self, digits: usize, byte: u8) -> Result<At, Refusal> {
        let value = char::from(byte).to_digit(16).ok_or(Refusal::ChunkInvalid)?;
        if digits == 0 {
            self.left = 0;
        }
        if digits >= DIGITS_MAX {
            return Err(Refusal::ChunkInvalid);
        }
        self.left = self.left * 16 + u64::from(value);
        Ok(At::Size(digits + 1))
    }

    fn within(&self, bytes_max: usize, then: At) -> Result<At, Refusal> {
        if self.bytes > bytes_max { Err(Refusal::ChunkInvalid) } else { Ok(then) }
    }
}

/// What stands between a size and the end of its line (RFC 9112, section 7.1.1).
fn extension(at: At, byte: u8) -> Result<At, Refusal> {
    Ok(match (at, byte) {
        (At::Size(1..) | At::BeforeExtension | At::Name | At::AfterName, b';') => At::BeforeName,
        (At::Value | At::AfterQuoted, b';') => At::BeforeName,
        (At::Size(1..) | At::BeforeExtension, b' ' | b'\t') => At::BeforeExtension,
        (At::Value | At::AfterQuoted, b' ' | b'\t') => At::BeforeExtension,
        (At::BeforeName | At::BeforeValue, b' ' | b'\t') => at,
        (At::Name | At::AfterName, b' ' | b'\t') => At::AfterName,
        (At::Name | At::AfterName, b'=') => At::BeforeValue,
        (At::BeforeName | At::Name, _) if is_in_token(byte) => At::Name,
        (At::BeforeValue | At::Value, _) if is_in_token(byte) => At::Value,
        (At::BeforeValue, b'"') => At::Quoted,
        (At::Quoted, b'"') => At::AfterQuoted,
        (At::Quoted, b'\\') => At::QuotedPair,
        (At::Quoted | At::QuotedPair, b'\t' | 0x20..=0x7e | 0x80..) => At::Quoted,
        _ => return Err(Refusal::ChunkInvalid),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read_in_pieces(bytes: &[u8], size: usize) -> Result<(usize, bool), Refusal> {
        let mut reader = ChunkReader::new();
        let mut read = 0;
        for piece in bytes.chunks(size) {
            read += reader.read(piece)?;
        }
        Ok((read, reader.is_over()))
    }

    #[test]
    fn a_body_ends_after_its_last_empty_line_however_it_comes() {
        for body in [
            "0\r\n\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            "5;a=b\r\nhello\r\n0;last\r\n\r\n",
            "5 ; name=\"x\"\r\nhello\r\n000\r\n\r\n",
            "5;a;b = c ;\td=\"\\\"; \\\\\"\r\nhello\r\n0;e=\"\"\r\n\r\n",
            "a\r\n0\r\n\r\n12345\r\n0\r\n\r\n",
            "1\r\nx\r\n0\r\nx-sum: 1\r\nx-more: 2\r\n\r\n",
        ] {
            let with_more = format!("{body}GET / HTTP/1.1\r\n");
            for size in [1, 2, 3, 7, 1000] {
                let read = read_in_pieces(with_more.as_bytes(), size);
                assert_eq!(read, Ok((body.len(), true)), "{body:?} by {size}");
            }
        }
    }

    /// RFC 9112, section 7.1: whatever is not exactly this grammar has no place to end.
    #[test]
    fn what_is_not_a_chunk_is_refused() {
        let long_extension = format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(300));
        for body in [
            "\r\n\r\n",
            "-5\r\nhello\r\n0\r\n\r\n",
            "+5\r\nhello\r\n0\r\n\r\n",
            " 5\r\nhello\r\n0\r\n\r\n",
            "0x5\r\nhello\r\n0\r\n\r\n",
            "5g\r\nhello\r\n0\r\n\r\n",
            "5 \r\nhello\r\n0\r\n\r\n",
            "5;\r\nhello\r\n0\r\n\r\n",
            "5;a \r\nhello\r\n0\r\n\r\n",
            "5;a=\r\nhello\r\n0\r\n\r\n",
            "5;a=b c\r\nhello\r\n0\r\n\r\n",
            "5;a[=b\r\nhello\r\n0\r\n\r\n",
            "5;a=\"b\r\nhello\r\n0\r\n\r\n",
            "5;a=\"b\"c\r\nhello\r\n0\r\n\r\n",
            "5 5\r\nhello\r\n0\r\n\r\n",
            "5\nhello\r\n0\r\n\r\n",
            "5;a\nhello\r\n0\r\n\r\n",
            "5;a\0\r\nhello\r\n0\r\n\r\n",
            "5\r\nhello0\r\n\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "5\r\nhello\r0\r\n\r\n",
            "ffffffffffffffff\r\nhello",
            "10000000000000000\r\nhello",
            "0\r\nx: 1\n\r\n\r\n",
            "0\r\n x: 1\r\n\r\n",
            "0\r\nx\r\n\r\n",
            "0\r\nx : 1\r\n\r\n",
            "0\r\n: 1\r\n\r\n",
            "0\r\nx[: 1\r\n\r\n",
            "0\r\n\n",
            &long_extension,
        ] {
            assert!(read_in_pieces(body.as_bytes(), 4).is_err(), "{body:?}");
        }
    }
}
