//! The codecs of heads and bodies: actix's own, but for what a proxy takes and sends otherwise.

use std::io;

use actix_codec::{Decoder, Encoder};
use actix_http::error::{ParseError, PayloadError};
use actix_http::h1::{ClientCodec, ClientPayloadCodec, Message, MessageType};
use actix_http::header::{DATE, HeaderMap};
use actix_http::{ResponseHead, ServiceConfig};
use bytes::{Bytes, BytesMut};

use super::framing::Follows;
use super::upload::Item;

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
    pub(super) fn into_body(self, follows: Follows) -> BodyCodec {
        BodyCodec { codec: Some(self.0.into_payload_codec()), follows }
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

impl Encoder<Item> for HeadCodec {
    type Error = io::Error;

    fn encode(&mut self, item: Item, bytes: &mut BytesMut) -> io::Result<()> {
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

/// Behind the head of an answer: reads its body, and still writes that of the request.
pub(super) struct BodyCodec {
    /// As `None` it is away being the one that writes.
    codec: Option<ClientPayloadCodec>,
    follows: Follows,
}

impl BodyCodec {
    pub(super) fn is_until_close(&self) -> bool {
        self.follows == Follows::UntilClose
    }

    /// When the body is over.
    pub(super) fn into_head(self) -> Option<HeadCodec> {
        self.codec.map(|codec| HeadCodec(codec.into_message_codec()))
    }
}

impl Decoder for BodyCodec {
    /// `None` is the end of a body that says where it ends.
    type Item = Option<Bytes>;
    type Error = PayloadError;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<Option<Bytes>>, PayloadError> {
        match &mut self.codec {
            Some(codec) if self.follows != Follows::UntilClose => codec.decode(bytes),
            _ => Ok((!bytes.is_empty()).then(|| Some(bytes.split().freeze()))),
        }
    }
}

impl Encoder<Item> for BodyCodec {
    type Error = io::Error;

    fn encode(&mut self, item: Item, bytes: &mut BytesMut) -> io::Result<()> {
        let Some(codec) = self.codec.take() else { return Err(io::ErrorKind::NotConnected.into()) };
        let mut codec = codec.into_message_codec();
        let encoded = codec.encode(item, bytes);
        self.codec = Some(codec.into_payload_codec());
        encoded
    }
}
