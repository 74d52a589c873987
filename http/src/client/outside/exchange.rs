//! One request and its answer on a connection that serves nothing else.

use std::future::poll_fn;
use std::pin::Pin;

use actix_codec::{BytesCodec, Framed};
use actix_http::body::BodySize;
use actix_http::h1::{ClientCodec, Message, MessageType};
use actix_http::{Method, RequestHead, RequestHeadType, ResponseHead};
use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, timeout_at};

use super::dial::Stream;
use super::{Failure, Reply};
use crate::lane::framing::{Follows, framing};

/// Interim answers before the final one.
const INTERIM_MAX: usize = 16;

type Item = Message<(RequestHeadType, BodySize)>;
type Line = Framed<Box<dyn Stream>, ClientCodec>;

/// The head of the answer must be there by `until`; of its body counts what is.
pub(super) async fn exchange(
    stream: Box<dyn Stream>,
    codec: ClientCodec,
    head: RequestHead,
    body: Bytes,
    until: Instant,
    body_bytes_max: usize,
) -> Result<Reply, Failure> {
    let mut line = Framed::new(stream, codec);
    let asked = timeout_at(until, ask(&mut line, head, body)).await;
    let mut answer = asked.map_err(|_| Failure::Timeout)??;
    let is_coded = line.codec_ref().message_type() != MessageType::None;
    let framing = framing(&Method::POST, &mut answer, is_coded).map_err(|_| Failure::Broken)?;
    let mut body = BytesMut::new();
    // A body that breaks, or never ends, changes nothing about what the head has said.
    let _ = timeout_at(until, read(line, framing.follows, &mut body, body_bytes_max)).await;
    body.truncate(body_bytes_max);
    Ok(Reply { status: answer.status, headers: answer.headers.clone(), body: body.freeze() })
}

async fn ask(line: &mut Line, head: RequestHead, body: Bytes) -> Result<ResponseHead, Failure> {
    let size = BodySize::Sized(body.len() as u64);
    let items: [Item; 3] = [
        Message::Item((RequestHeadType::from(head), size)),
        Message::Chunk(Some(body)),
        Message::Chunk(None),
    ];
    for item in items {
        Pin::new(&mut *line).write(item).map_err(|_| Failure::Broken)?;
    }
    // Who refuses early may stop reading: the answer says more than the failure to write.
    let _ = poll_fn(|context| Pin::new(&mut *line).flush::<Item>(context)).await;
    for _ in 0..=INTERIM_MAX {
        let next = poll_fn(|context| Pin::new(&mut *line).next_item(context)).await;
        let answer = next.and_then(Result::ok).ok_or(Failure::Broken)?;
        let is_bare = line.codec_ref().message_type() == MessageType::None;
        match answer.status.as_u16() {
            101 => return Err(Failure::Broken),
            100..=199 if is_bare => {}
            100..=199 => return Err(Failure::Broken),
            _ => return Ok(answer),
        }
    }
    Err(Failure::Broken)
}

/// Reads until the end, or until there is enough.
async fn read(line: Line, follows: Follows, body: &mut BytesMut, bytes_max: usize) {
    match follows {
        Follows::Nothing => {}
        Follows::Coded => {
            let mut line = line.into_map_codec(ClientCodec::into_payload_codec);
            while body.len() < bytes_max {
                let next = poll_fn(|context| Pin::new(&mut line).next_item(context)).await;
                let Some(Ok(Some(piece))) = next else { return };
                body.extend_from_slice(&piece);
            }
        }
        Follows::UntilClose => {
            let mut line = line.replace_codec(BytesCodec);
            while body.len() < bytes_max {
                let next = poll_fn(|context| Pin::new(&mut line).next_item(context)).await;
                let Some(Ok(piece)) = next else { return };
                body.extend_from_slice(&piece);
            }
        }
    }
}
