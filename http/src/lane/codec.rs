//! The codec of heads: actix's own, but for what a proxy takes and sends otherwise.

use std::io;

use actix_codec::{Decoder, Encoder};
use actix_http::body::BodySize;
use actix_http::error::ParseError;
use actix_http::h1::{ClientCodec, ClientPayloadCodec, Message, MessageType};
use actix_http::header::{DATE, HeaderMap};
use actix_http::{RequestHeadType, ResponseHead, ServiceConfig};
use bytes::BytesMut;

/// What a head begins with, and the minor version that follows.
const VERSION: &[u8] = b"HTTP/1.";

/// The end of a head that a date was added to.
const DATED: &[u8] = b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";

/// A later version than 1.1 is taken for that (RFC 9110, section 2.5), and no date is added to requests.
pub(super) struct HeadCodec(ClientCodec);

impl HeadCodec {
    pub(super) fn new(config: ServiceConfig) -> HeadCodec {
        HeadCodec(ClientCodec::new(config))
    }

    pub(super) fn message_type(&self) -> MessageType {
        self.0.message_type()
    }

    pub(super) fn keep_alive(&self) -> bool {
        self.0.keep_alive()
    }

    /// For the body that follows.
    pub(super) fn into_payload_codec(self) -> ClientPayloadCodec {
        self.0.into_payload_codec()
    }

    /// When the body is over.
    pub(super) fn of_payload_codec(codec: ClientPayloadCodec) -> HeadCodec {
        HeadCodec(codec.into_message_codec())
    }
}

impl Decoder for HeadCodec {
    type Item = ResponseHead;
    type Error = ParseError;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<ResponseHead>, ParseError> {
        // The parser would clear a table of fields first.
        if bytes.is_empty() {
            return Ok(None);
        }
        if bytes.starts_with(VERSION)
            && let Some(minor @ b'2'..=b'9') = bytes.get_mut(VERSION.len())
        {
            *minor = b'1';
        }
        self.0.decode(bytes)
    }
}

impl Encoder<Message<(RequestHeadType, BodySize)>> for HeadCodec {
    type Error = io::Error;

    fn encode(
        &mut self,
        item: Message<(RequestHeadType, BodySize)>,
        bytes: &mut BytesMut,
    ) -> io::Result<()> {
        let has_date = |fields: &HeaderMap| fields.contains_key(DATE);
        let is_undated = matches!(&item, Message::Item((head, _))
            if !has_date(&head.as_ref().headers) && !head.extra_headers().is_some_and(has_date));
        self.0.encode(item, bytes)?;
        let date = bytes.len().saturating_sub(DATED.len());
        if is_undated && bytes[date..].starts_with(b"date: ") {
            bytes.truncate(date);
            bytes.extend_from_slice(b"\r\n");
        }
        Ok(())
    }
}
