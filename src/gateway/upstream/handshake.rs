//! The opening of a WebSocket as it passes through here (RFC 6455, section 4; RFC 9110, section
//! 7.8). Pure.

use actix_web::HttpRequest;
use actix_web::http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use actix_web::http::{Method, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use busbar_http::Problem;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::gateway::problem::{WEBSOCKET_INVALID, WEBSOCKET_VERSION};

/// The protocol's name.
pub(super) const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
/// The version that is spoken everywhere.
const VERSION: HeaderValue = HeaderValue::from_static("13");
/// A key is so many bytes before it is encoded.
const KEY_BYTES: usize = 16;
/// Put behind the key, by RFC 6455, section 1.3.
const SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A client that asks for a WebSocket as it should.
#[derive(Debug, PartialEq)]
pub(in crate::gateway) struct Handshake {
    /// What the answer has to show.
    accept: String,
}

impl Handshake {
    /// `None`: no WebSocket is asked for. Other protocols are not switched to, nor is one chosen among
    /// several: such a field is passed over.
    ///
    /// # Errors
    /// When one is asked for, but not as it should be.
    pub(in crate::gateway) fn of(request: &HttpRequest) -> Result<Option<Handshake>, Problem> {
        if !request.headers().contains_key(UPGRADE) {
            return Ok(None);
        }
        Handshake::read(request.method(), request.version(), request.headers())
    }

    fn read(
        method: &Method,
        version: Version,
        fields: &HeaderMap,
    ) -> Result<Option<Handshake>, Problem> {
        let asks = has_option(fields, CONNECTION, "upgrade")
            && only(fields, UPGRADE).is_some_and(is_websocket)
            && version == Version::HTTP_11;
        if !asks {
            return Ok(None);
        }
        let invalid = |what: &'static str| WEBSOCKET_INVALID.problem().detail(what);
        if *method != Method::GET {
            return Err(invalid("it is opened by GET"));
        }
        let has_length = fields.get(CONTENT_LENGTH).is_some_and(|length| length != "0");
        if has_length || fields.contains_key(TRANSFER_ENCODING) {
            return Err(invalid("it is opened without a body"));
        }
        if only(fields, SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
            let refusal = WEBSOCKET_VERSION.problem();
            return Err(refusal.header(SEC_WEBSOCKET_VERSION, VERSION).header(UPGRADE, WEBSOCKET));
        }
        let key = only(fields, SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
        let is_key = STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == KEY_BYTES);
        if !is_key {
            return Err(invalid("Sec-WebSocket-Key is 16 bytes in base64"));
        }
        Ok(Some(Handshake { accept: accept(key) }))
    }

    /// Asks the service for the same; `Connection` is written by whoever sends.
    pub(in crate::gateway) fn ask(fields: &mut HeaderMap) {
        fields.insert(UPGRADE, WEBSOCKET);
    }

    /// Whether an answer of 101 is one to this.
    pub(super) fn is_answered_by(&self, fields: &HeaderMap) -> bool {
        has_option(fields, UPGRADE, "websocket")
            && has_option(fields, CONNECTION, "upgrade")
            && only(fields, SEC_WEBSOCKET_ACCEPT)
                .is_some_and(|shown| shown.as_bytes() == self.accept.as_bytes())
    }
}

/// As the server's parser has it, which makes a tunnel of it or not.
fn is_websocket(value: &HeaderValue) -> bool {
    value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"websocket")
}

fn accept(key: &[u8]) -> String {
    STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &[key, SUFFIX].concat()))
}

/// The value of a field that may be there only once.
fn only(fields: &HeaderMap, name: HeaderName) -> Option<&HeaderValue> {
    let mut values = fields.get_all(name);
    values.next().filter(|_| values.next().is_none())
}

fn has_option(fields: &HeaderMap, name: HeaderName, option: &str) -> bool {
    let lines = fields.get_all(name).filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|one| one.trim().eq_ignore_ascii_case(option))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    fn fields(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in pairs {
            let name = HeaderName::from_static(name);
            fields.append(name, HeaderValue::from_static(value));
        }
        fields
    }

    fn good() -> HeaderMap {
        fields(&[
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", KEY),
        ])
    }

    fn read(method: Method, fields: &HeaderMap) -> Result<Option<Handshake>, String> {
        let read = Handshake::read(&method, Version::HTTP_11, fields);
        read.map_err(|problem| problem.code().to_owned())
    }

    /// The example of RFC 6455, section 1.3.
    #[test]
    fn the_answer_shows_that_the_key_was_understood() {
        let handshake = read(Method::GET, &good()).unwrap().unwrap();
        assert_eq!(handshake.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let answer = |accept| {
            let pairs = [("connection", "upgrade"), ("upgrade", "websocket")];
            fields(&[pairs[0], pairs[1], ("sec-websocket-accept", accept)])
        };
        assert!(handshake.is_answered_by(&answer("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
        assert!(!handshake.is_answered_by(&answer("bm90IGl0")));
    }

    /// RFC 6455, section 4.2.1.
    #[test]
    fn an_opening_has_all_its_parts() {
        let with = |name: &'static str, value: &'static str| {
            let mut all = good();
            all.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            read(Method::GET, &all)
        };
        let invalid = Err("websocket_invalid".to_owned());
        assert_eq!(read(Method::POST, &good()), invalid);
        assert_eq!(with("content-length", "3"), invalid);
        assert_eq!(with("transfer-encoding", "chunked"), invalid);
        assert_eq!(with("sec-websocket-key", "c2hvcnQ="), invalid);
        assert_eq!(with("sec-websocket-version", "8"), Err("websocket_version".to_owned()));
        let mut twice = good();
        twice.append(SEC_WEBSOCKET_KEY, HeaderValue::from_static(KEY));
        assert_eq!(read(Method::GET, &twice), invalid);
    }

    /// RFC 9110, section 7.8: a server may pass over what it does not switch to.
    #[test]
    fn other_protocols_and_bare_fields_are_passed_over() {
        for pairs in [
            [("connection", "upgrade"), ("upgrade", "h2c")],
            [("connection", "keep-alive"), ("upgrade", "websocket")],
            [("connection", "upgrade"), ("upgrade", "foo, websocket")],
        ] {
            assert_eq!(read(Method::GET, &fields(&pairs)), Ok(None));
        }
        let old = Handshake::read(&Method::GET, Version::HTTP_10, &good());
        assert!(old.is_ok_and(|handshake| handshake.is_none()));
    }
}
