//! Interim answers (RFC 9110, section 15.2): what can be said before the answer.

use std::io;
use std::rc::Rc;

use actix_http::header::{CONTENT_LENGTH, HeaderMap};
use actix_web::HttpRequest;
use actix_web::http::StatusCode;

use super::{Answer, Connection};
use crate::headers;

/// The largest interim answer that is passed on, in bytes.
const INTERIM_BYTES_MAX: usize = 16 * 1024;

/// The right to say something to a client before its request is answered.
///
/// It is bound to one request: once the answer has begun, nothing is said any more.
#[derive(Clone)]
pub struct Interim {
    connection: Rc<Connection>,
    turn: u32,
}

impl Interim {
    /// For the client of this request, if it understands interim answers: one of HTTP/1.0 does not.
    pub fn of(request: &HttpRequest) -> Option<Interim> {
        Interim::on(request.conn_data::<Rc<Connection>>()?)
    }

    pub(super) fn on(connection: &Rc<Connection>) -> Option<Interim> {
        let takes = connection.takes_interim.get();
        takes.then(|| Interim { connection: connection.clone(), turn: connection.turn.get() })
    }

    /// Passes an interim answer on, without the fields that were for one connection. It is left out
    /// when the client does not read fast enough: an interim answer is a kindness.
    ///
    /// 100 and 101 are about one connection, and not passed on.
    pub fn pass_on(&self, status: StatusCode, fields: &HeaderMap) {
        let is_for_all = status.is_informational()
            && !matches!(status, StatusCode::CONTINUE | StatusCode::SWITCHING_PROTOCOLS);
        if !is_for_all || !self.is_possible() {
            return;
        }
        let written = written(status, fields);
        if written.len() > INTERIM_BYTES_MAX {
            return;
        }
        match self.connection.socket.borrow().try_write(&written) {
            Ok(length) => self.rest(&written[length..]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => log::debug!("an interim answer was not written: {error}"),
        }
    }

    /// Asks for the body that the client holds back (RFC 9110, section 10.1.1).
    pub(super) fn go_on(&self) {
        if self.is_possible() && !self.connection.has_body_come.get() {
            self.rest(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
    }

    fn is_possible(&self) -> bool {
        self.connection.turn.get() == self.turn
            && self.connection.answer.get() == Answer::Awaited
            && !self.connection.is_refused.get()
            && self.connection.unsent.borrow().is_empty()
    }

    /// What must not be left out, and what a socket took half of.
    fn rest(&self, bytes: &[u8]) {
        let written = self.connection.socket.borrow().try_write(bytes).unwrap_or(0);
        if let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            self.connection.unsent.borrow_mut().extend_from_slice(rest);
            self.connection.wake();
        }
    }
}

fn written(status: StatusCode, fields: &HeaderMap) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {} {}\r\n", status.as_u16(), reason(status)).into_bytes();
    for (name, value) in &headers::for_client(fields) {
        if *name != CONTENT_LENGTH {
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// The library's list ends before the newest of them.
fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or(match status.as_u16() {
        103 => "Early Hints",
        _ => "",
    })
}

#[cfg(test)]
mod tests {
    use actix_http::header::{CONNECTION, HeaderName, HeaderValue, LINK};

    use super::*;

    /// RFC 9110, section 7.6.1: in interim answers, too.
    #[test]
    fn fields_for_one_connection_are_left_out() {
        let mut fields = HeaderMap::new();
        fields.append(LINK, HeaderValue::from_static("</a.css>; rel=preload"));
        fields.append(CONNECTION, HeaderValue::from_static("x-hop"));
        fields.append(HeaderName::from_static("x-hop"), HeaderValue::from_static("1"));
        fields.append(CONTENT_LENGTH, HeaderValue::from_static("5"));

        let text = written(StatusCode::from_u16(103).unwrap_or_default(), &fields);

        let wanted = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n";
        assert_eq!(String::from_utf8_lossy(&text), wanted);
    }
}
