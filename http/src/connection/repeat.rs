//! The answer to a request whose head is, byte by byte, that of one before.
//!
//! Most of what a cache is asked for is asked for in the same words. What was answered then is given
//! again below the server, without a parser, a route or a handler, if whoever answered can still
//! vouch for it ([`Repeat`]). A head is remembered from the second time on that it comes. A worker
//! thread remembers for itself.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use actix_web::http::Version;
use actix_web::http::header::EXPECT;
use ahash::RandomState;
use bytes::Bytes;
use memchr::memmem;

use super::Connection;
use crate::access;
use crate::metrics::{Metrics, Series};
use crate::trace::{REQUEST_ID, REQUEST_ID_NAME, RequestId, TRACEPARENT_NAME};

/// The longest head that is looked up, in bytes.
const HEAD_BYTES_MAX: usize = 2 * 1024;
/// What one of the two generations may hold, in bytes.
const GENERATION_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What a remembered head costs besides its texts, in bytes: a guess on the safe side.
const OVERHEAD_BYTES: usize = 256;
/// Marks of heads that have come once stand in so many sets of a few; in a full one the oldest goes.
const SEEN_SETS: usize = 16 * 1024;
const SEEN_EACH: usize = 4;

/// The end of a head.
static EMPTY_LINE: LazyLock<memmem::Finder<'static>> =
    LazyLock::new(|| memmem::Finder::new(b"\r\n\r\n"));

/// An answer that can be given again.
pub trait Repeat {
    /// Writes the head of the answer as it is now, without its last, empty line, and says which body
    /// follows. `None`: it no longer holds.
    fn again(&self, id: &RequestId, head: &mut Vec<u8>) -> Option<Bytes>;

    /// It was given again, in so long.
    fn given(&self, took: Duration);

    /// What it takes in memory, in bytes.
    fn size(&self) -> usize;
}

/// What is remembered, and what of it that is counted and logged.
struct Remembered {
    repeat: Box<dyn Repeat>,
    series: Series,
    line: access::Line,
}

/// What a worker thread remembers. What is used stays: the older generation goes when the younger
/// one is full.
pub(crate) struct Repeats {
    metrics: Metrics,
    draining: Arc<AtomicBool>,
    heads: RefCell<Generations>,
    written: RefCell<Vec<u8>>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<Box<[u8]>, Rc<Remembered>, RandomState>,
    old: HashMap<Box<[u8]>, Rc<Remembered>, RandomState>,
    young_bytes: usize,
    hasher: RandomState,
    seen: Box<[[u16; SEEN_EACH]]>,
}

/// A head that is worth remembering, and its request.
pub struct Repeatable {
    repeats: Rc<Repeats>,
    head: Box<[u8]>,
}

impl Repeatable {
    /// If the request came once before, and what it is answered with does not hang on more than its
    /// head.
    pub fn of(request: &HttpRequest) -> Option<Repeatable> {
        let connection = request.conn_data::<Rc<Connection>>()?;
        let head = connection.repeated.take()?;
        let own = [REQUEST_ID_NAME, TRACEPARENT_NAME, EXPECT];
        let is_usual = request.version() == Version::HTTP_11
            && !request.head().upgrade()
            && request.head().connection_type() != actix_web::http::ConnectionType::Close
            && own.iter().all(|name| !request.headers().contains_key(name));
        let repeats = connection.repeats.clone().filter(|_| is_usual)?;
        Some(Repeatable { repeats, head })
    }

    /// The same head gets the same from now on. `route` and `status` are what is counted.
    pub fn keep(
        self,
        request: &HttpRequest,
        route: &Arc<str>,
        status: u16,
        repeat: Box<dyn Repeat>,
    ) {
        let metrics = &self.repeats.metrics;
        let remembered = Remembered {
            repeat,
            series: metrics.series(route, request.method(), status),
            line: access::Line::new(metrics, route, request.method(), request.path(), status),
        };
        self.repeats.heads.borrow_mut().keep(self.head, Rc::new(remembered));
    }
}

impl Repeats {
    pub(crate) fn new(metrics: Metrics, draining: Arc<AtomicBool>) -> Rc<Repeats> {
        Rc::new(Repeats {
            metrics,
            draining,
            heads: RefCell::default(),
            written: RefCell::default(),
        })
    }

    /// The head at the start of these bytes, if it may be one that is remembered.
    pub(super) fn head(bytes: &[u8]) -> Option<&[u8]> {
        if !may_begin_so(bytes) {
            return None;
        }
        let bytes = &bytes[..bytes.len().min(HEAD_BYTES_MAX)];
        EMPTY_LINE.find(bytes).map(|end| &bytes[..end + 4])
    }

    /// Gives the answer to a remembered head to `write`, both its parts; also says when that was done.
    pub(super) fn answer<T>(
        &self,
        head: &[u8],
        write: impl FnOnce(&mut Vec<u8>, Bytes) -> T,
    ) -> Option<(T, Instant)> {
        if self.draining.load(Ordering::Relaxed) {
            return None;
        }
        let remembered = self.heads.borrow_mut().find(head)?;
        let start = Instant::now();
        let id = RequestId::made();
        let mut written = self.written.borrow_mut();
        written.clear();
        let Some(body) = remembered.repeat.again(&id, &mut written) else {
            self.heads.borrow_mut().forget(head);
            return None;
        };
        for part in [REQUEST_ID.as_bytes(), b": ", id.id_value().as_bytes(), b"\r\n\r\n"] {
            written.extend_from_slice(part);
        }
        let outcome = write(&mut written, body);
        let end = Instant::now();
        let took = end - start;
        remembered.repeat.given(took);
        remembered.series.count(took);
        remembered.line.log(took, &id);
        Some((outcome, end))
    }

    /// A whole head, if it has come before and is not remembered.
    pub(super) fn known(&self, head: &[u8]) -> Option<Box<[u8]>> {
        let is_usual =
            may_begin_so(head) && head.len() <= HEAD_BYTES_MAX && head.ends_with(b"\r\n\r\n");
        (is_usual && self.heads.borrow_mut().has_come(head)).then(|| head.into())
    }
}

fn may_begin_so(head: &[u8]) -> bool {
    head.starts_with(b"GET /") || head.starts_with(b"HEAD /")
}

impl Generations {
    fn find(&mut self, head: &[u8]) -> Option<Rc<Remembered>> {
        if let Some(remembered) = self.young.get(head) {
            return Some(remembered.clone());
        }
        let (head, remembered) = self.old.remove_entry(head)?;
        self.keep(head, remembered.clone());
        Some(remembered)
    }

    fn keep(&mut self, head: Box<[u8]>, remembered: Rc<Remembered>) {
        let bytes = head.len() + remembered.repeat.size() + OVERHEAD_BYTES;
        if self.young_bytes + bytes > GENERATION_BYTES_MAX {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += bytes;
        self.young.insert(head, remembered);
    }

    fn forget(&mut self, head: &[u8]) {
        if let Some((head, gone)) = self.young.remove_entry(head) {
            self.young_bytes -= head.len() + gone.repeat.size() + OVERHEAD_BYTES;
        }
    }

    /// Whether a head has come before; two may be taken for one, which does no harm.
    fn has_come(&mut self, head: &[u8]) -> bool {
        if self.seen.is_empty() {
            self.seen = vec![[0; SEEN_EACH]; SEEN_SETS].into();
        }
        let [a, b, c, d, ..] = self.hasher.hash_one(head).to_le_bytes();
        let (mark, place) = (u16::from_le_bytes([a, b]) | 1, u16::from_le_bytes([c, d]));
        let set = &mut self.seen[usize::from(place) % SEEN_SETS];
        if set.contains(&mark) {
            return true;
        }
        set.rotate_right(1);
        set[0] = mark;
        false
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use actix_web::http::Method;

    struct Known(usize);

    impl Repeat for Known {
        fn again(&self, _: &RequestId, head: &mut Vec<u8>) -> Option<Bytes> {
            head.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
            Some(Bytes::from_static(b"body"))
        }

        fn given(&self, _: Duration) {}

        fn size(&self) -> usize {
            self.0
        }
    }

    fn remembered(size: usize) -> Rc<Remembered> {
        let (metrics, route) = (Metrics::new("test").unwrap(), "/".into());
        Rc::new(Remembered {
            repeat: Box::new(Known(size)),
            series: metrics.series("/", &Method::GET, 200),
            line: access::Line::new(&metrics, &route, &Method::GET, "/", 200),
        })
    }

    #[test]
    fn a_head_is_found_at_the_start_alone() {
        let head = |bytes: &'static [u8]| Repeats::head(bytes).map(<[u8]>::len);
        assert_eq!(head(b"GET / HTTP/1.1\r\nhost: a\r\n\r\nGET"), Some(27));
        assert_eq!(head(b"GET / HTTP/1.1\r\nhost: a\r\n\r"), None);
        assert_eq!(head(b"POST / HTTP/1.1\r\nhost: a\r\n\r\n"), None);
        assert_eq!(head(b"\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n"), None);
        let long = [b"GET /".as_slice(), &[b'a'; HEAD_BYTES_MAX], b"\r\n\r\n"].concat();
        assert_eq!(Repeats::head(&long), None);
    }

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let mut heads = Generations::default();
        let place = |n: usize| Box::from(n.to_le_bytes().as_slice());
        let size = GENERATION_BYTES_MAX / 8;
        (0..6).for_each(|n| heads.keep(place(n), remembered(size)));
        (6..30).for_each(|n| {
            assert!(heads.find(&place(0)).is_some(), "{n}");
            heads.keep(place(n), remembered(size));
        });
        assert!(heads.find(&place(1)).is_none());
        assert!(heads.young.len() + heads.old.len() <= 16);
    }

    #[test]
    fn a_head_is_worth_remembering_when_it_comes_again() {
        let mut heads = Generations::default();
        assert!(!heads.has_come(b"GET /a"));
        assert!(!heads.has_come(b"GET /b"));
        assert!(heads.has_come(b"GET /a"));
    }

    #[test]
    fn nothing_is_repeated_while_the_server_drains() {
        let draining = Arc::new(AtomicBool::new(false));
        let repeats = Repeats::new(Metrics::new("test").unwrap(), draining.clone());
        repeats.heads.borrow_mut().keep(Box::from(b"GET /".as_slice()), remembered(1));
        let answer = || repeats.answer(b"GET /", |head, body| (head.to_vec(), body));
        let ((head, body), _) = answer().unwrap();
        let head = String::from_utf8(head).unwrap();
        assert!(
            head.starts_with("HTTP/1.1 200 OK\r\nx-request-id: ") && head.ends_with("\r\n\r\n")
        );
        assert_eq!(body, "body");
        draining.store(true, Ordering::Relaxed);
        assert!(answer().is_none());
    }
}
