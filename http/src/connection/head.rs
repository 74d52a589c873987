//! Reads along where a request's head ends and what follows it, by RFC 9112 to the letter. Pure.
//!
//! The parser behind reads the same bytes, and forgives more. Whatever two readers could take for
//! two things (smuggling lives of that) is refused here, before anything is sent on.

use memchr::{memchr, memchr2};

use super::line::{Line, Version, is_host, request_line, take_for_known};
use super::refusal::Refusal;

/// The longest request line, in bytes.
const LINE_BYTES_MAX: usize = 8 * 1024;
/// The largest head, in bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// As many as the parser behind takes.
const FIELDS_MAX: usize = 96;
/// Before a request line (RFC 9112, section 2.2: at least one is to be ignored).
const EMPTY_LINES_MAX: usize = 2;

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follows {
    Nothing,
    Length(u64),
    Chunks,
    /// The rest of the connection: another protocol.
    Everything,
}

impl Follows {
    pub(super) fn is_empty(self) -> bool {
        matches!(self, Follows::Nothing | Follows::Length(0))
    }
}

/// What a look at further bytes showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// All of them belong to a head that is not over.
    Part,
    /// The head is over after this many of them.
    End(usize, Follows),
    Refused(Refusal),
}

/// One head on its way in.
#[derive(Debug, Default)]
pub(super) struct HeadReader {
    /// A line that has come in part.
    partial: Vec<u8>,
    bytes: usize,
    empty_lines: usize,
    fields: usize,
    line: Option<Line>,
    hosts: usize,
    length: Option<u64>,
    is_chunked: bool,
    has_coding: bool,
    has_unknown_coding: bool,
}

impl HeadReader {
    /// Some of a head has come.
    pub(super) fn has_begun(&self) -> bool {
        self.bytes > 0
    }

    /// What the request line says, once it has come.
    pub(super) fn request(&self) -> Option<Line> {
        self.line
    }

    /// Takes the next bytes. What the parser behind would not understand of a version, it does then.
    pub(super) fn read(&mut self, bytes: &mut [u8]) -> Seen {
        // An empty line may come before it (RFC 9112, section 2.2), and in two pieces.
        let is_first = matches!(&*self.partial, b"" | b"\r");
        if self.line.is_none() && (is_first || !self.partial.ends_with(b"\r")) {
            let is_before = |byte: &&u8| is_first && matches!(byte, b'\r' | b'\n');
            let start = bytes.iter().take_while(is_before).count();
            let line = bytes.get_mut(start..).unwrap_or_default();
            let end = memchr(b'\r', line).unwrap_or(line.len());
            take_for_known(&self.partial, &mut line[..end]);
        }
        match self.lines(bytes) {
            Ok(Some((at, follows))) => Seen::End(at, follows),
            Ok(None) => Seen::Part,
            Err(refusal) => Seen::Refused(refusal),
        }
    }

    fn lines(&mut self, bytes: &[u8]) -> Result<Option<(usize, Follows)>, Refusal> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let Some((line, next)) = self.line(rest)? else { break };
            at += next;
            self.count(next, rest)?;
            let whole = std::mem::take(&mut self.partial);
            let is_over = match (whole.is_empty(), line) {
                (true, line) => self.take(line)?,
                (false, line) => {
                    let mut whole = whole;
                    whole.extend_from_slice(line);
                    // The end of the line itself may have come in two parts.
                    let end = whole.len() - usize::from(whole.last() == Some(&b'\r'));
                    self.take(&whole[..end])?
                }
            };
            if is_over {
                return self.ends().map(|follows| Some((at, follows)));
            }
        }
        let rest = bytes.get(at..).unwrap_or_default();
        self.count(rest.len(), rest)?;
        self.partial.extend_from_slice(rest);
        Ok(None)
    }

    /// The first line of these bytes, without its end, and where the next begins.
    fn line<'a>(&self, bytes: &'a [u8]) -> Result<Option<(&'a [u8], usize)>, Refusal> {
        if self.partial.last() == Some(&b'\r') {
            // Only the end is missing.
            return if bytes[0] == b'\n' { Ok(Some((&[], 1))) } else { Err(Refusal::BareCr) };
        }
        let Some(end) = memchr2(b'\r', b'\n', bytes) else { return Ok(None) };
        if bytes[end] == b'\n' {
            return Err(Refusal::BareLf);
        }
        match bytes.get(end + 1) {
            None => Ok(None),
            Some(b'\n') => Ok(Some((&bytes[..end], end + 2))),
            Some(_) => Err(Refusal::BareCr),
        }
    }

    /// So many of `rest` belong to the head.
    fn count(&mut self, bytes: usize, rest: &[u8]) -> Result<(), Refusal> {
        self.bytes += bytes;
        if self.line.is_none() && self.bytes > LINE_BYTES_MAX {
            let has_method = self.partial.contains(&b' ') || rest.contains(&b' ');
            return Err(if has_method { Refusal::LineTooLong } else { Refusal::Malformed });
        }
        if self.bytes > HEAD_BYTES_MAX { Err(Refusal::HeadTooLarge) } else { Ok(()) }
    }

    /// Takes one line, and says whether it was the last.
    fn take(&mut self, line: &[u8]) -> Result<bool, Refusal> {
        match (line.first(), self.line) {
            (None, Some(_)) => return Ok(true),
            (None, None) => {
                self.empty_lines += 1;
                if self.empty_lines > EMPTY_LINES_MAX {
                    return Err(Refusal::Malformed);
                }
            }
            (Some(_), None) => self.line = Some(request_line(line)?),
            (Some(first), Some(request)) => self.field(*first, line, request)?,
        }
        Ok(false)
    }

    fn field(&mut self, first: u8, line: &[u8], request: Line) -> Result<(), Refusal> {
        self.fields += 1;
        if self.fields > FIELDS_MAX {
            return Err(Refusal::HeadTooLarge);
        }
        match first {
            // RFC 9112, section 5.2.
            b' ' | b'\t' => Err(Refusal::FoldedLine),
            b'c' | b'C' => match value_of(line, b"content-length") {
                Some(value) => self.length(value),
                None => Ok(()),
            },
            b't' | b'T' => match value_of(line, b"transfer-encoding") {
                Some(value) => self.coding(value, request.version),
                None => Ok(()),
            },
            b'h' | b'H' => match value_of(line, b"host") {
                Some(value) => self.host(value, request),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// RFC 9112, section 6.3, rule 5: not even the same one twice.
    fn length(&mut self, value: &[u8]) -> Result<(), Refusal> {
        let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
        match (is_number, number, self.length) {
            (true, Some(length), None) => self.length = Some(length),
            _ => return Err(Refusal::LengthInvalid),
        }
        Ok(())
    }

    /// RFC 9112, section 6.1: chunks, once, and nothing else.
    fn coding(&mut self, value: &[u8], version: Version) -> Result<(), Refusal> {
        if self.has_coding || version == Version::Http10 {
            return Err(Refusal::CodingInvalid);
        }
        self.has_coding = true;
        let mut codings = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        let is_chunks = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
        let ends_in_chunks = codings.next_back().is_some_and(is_chunks);
        if !ends_in_chunks || codings.clone().any(|coding| coding.is_empty() || is_chunks(coding)) {
            return Err(Refusal::CodingInvalid);
        }
        self.has_unknown_coding = codings.next().is_some();
        self.is_chunked = true;
        Ok(())
    }

    /// RFC 9112, section 3.2. It may be empty where it does not count.
    fn host(&mut self, value: &[u8], request: Line) -> Result<(), Refusal> {
        self.hosts += 1;
        let is_one = is_host(value) || (value.is_empty() && request.names_host);
        if self.hosts > 1 || !is_one { Err(Refusal::HostInvalid) } else { Ok(()) }
    }

    fn ends(&self) -> Result<Follows, Refusal> {
        let version = self.line.map(|line| line.version);
        if version == Some(Version::Http11) && self.hosts == 0 {
            return Err(Refusal::HostInvalid);
        }
        match (self.is_chunked, self.length) {
            (true, Some(_)) => Err(Refusal::TwoLengths),
            (true, None) if self.has_unknown_coding => Err(Refusal::CodingUnknown),
            (true, None) => Ok(Follows::Chunks),
            (false, Some(0) | None) => Ok(Follows::Nothing),
            (false, Some(length)) => Ok(Follows::Length(length)),
        }
    }
}

/// The value of a line, if it is a field of this name. A space before the colon is left to the
/// parser, which refuses it.
fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = line.split_at_checked(name.len())?;
    let value = rest.strip_prefix(b":").filter(|_| start.eq_ignore_ascii_case(name))?;
    Some(value.trim_ascii())
}

#[cfg(test)]
#[path = "head_tests.rs"]
mod tests;
