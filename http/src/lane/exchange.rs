//! The road of one request: connection, conversation, one retry, framing, answer.

use std::{future::poll_fn, rc::Rc, task::Poll};

use actix_http::{
    ConnectionType, HttpMessage, Payload, RequestHead, RequestHeadType, ResponseHead, StatusCode,
    body::{BoxBody, MessageBody},
    h1::MessageType,
    header::{HOST, HeaderMap, UPGRADE},
};
use awc::{ClientResponse, error::SendRequestError, test::TestResponse};

use super::{
    body::Rest,
    converse::{Answer, Sent, converse},
    failure::malformed,
    framing::{Follows, framing},
    pool::{Care, Pool, Taken},
    switched::Switched,
    upload::Outgoing,
};

/// awc's body type cannot be named from outside, but it is a `MessageBody`.
///
/// One is in memory for each request under way: what is large moves as little as it can.
pub(super) fn exchange<B>(
    pool: Rc<Pool>,
    head: RequestHeadType,
    body: B,
) -> impl Future<Output = Result<ClientResponse, SendRequestError>>
where
    B: MessageBody + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error>>,
{
    let request = Request::new(head, &pool);
    let mut outgoing = Outgoing::new(body);
    async move {
        let (taken, answer) = ask(&pool, &request, &mut outgoing).await?;
        if answer.head.status == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(switched(answer.head, taken));
        }
        let has_more = answer.request == Sent::Partly && takes_more(answer.head.status);
        let upload = has_more.then(|| outgoing.boxed());
        let (head, rest) = follow(pool, &request, taken, (answer, upload))?;
        let Some(mut rest) = rest else { return Ok(response(head, Payload::None)) };
        let whole = poll_fn(|cx| Poll::Ready(rest.look_ahead(cx))).await?;
        Ok(response(head, whole.unwrap_or_else(|| rest.into_payload())))
    }
}

/// RFC 9112, section 9.5: who hears that it is refused stops sending.
fn takes_more(answer: StatusCode) -> bool {
    !(answer.is_client_error() || answer.is_server_error())
}

/// A head that can be sent twice, and the fields that were added to it.
struct Request {
    head: Rc<RequestHead>,
    extra: Option<HeaderMap>,
}

impl Request {
    fn new(head: RequestHeadType, pool: &Pool) -> Request {
        let (mut head, mut extra) = match head {
            RequestHeadType::Owned(head) => (Rc::new(head), None),
            RequestHeadType::Rc(head, extra) => (head, extra),
        };
        if head.headers.contains_key(UPGRADE) {
            // The encoder writes `Connection` from this, never from the fields.
            Rc::make_mut(&mut head).set_connection_type(ConnectionType::Upgrade);
        }
        let has_host = head.headers.contains_key(HOST)
            || extra.as_ref().is_some_and(|fields| fields.contains_key(HOST));
        if !has_host {
            let host = pool.instance.base.host.clone();
            extra.get_or_insert_with(HeaderMap::new).insert(HOST, host);
        }
        Request { head, extra }
    }

    fn to_send(&self) -> RequestHeadType {
        RequestHeadType::Rc(self.head.clone(), self.extra.clone())
    }
}

/// Asks; a second time on a fresh connection when the first was a kept one that had died unseen,
/// no byte of an answer had come, and asking twice does no harm (RFC 9110, section 9.2.2).
async fn ask<B>(
    pool: &Pool,
    request: &Request,
    outgoing: &mut Outgoing<B>,
) -> Result<(Taken, Answer), SendRequestError>
where
    B: MessageBody + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error>>,
{
    let is_replayable = outgoing.is_empty() && request.head.method.is_idempotent();
    let care = if is_replayable { Care::Replayable } else { Care::Once };
    let mut taken = pool.take(care).await?;
    // Only now: what can be sent nowhere is not touched.
    outgoing.look().await?;
    let fault = match converse(&mut taken.wire, request.to_send(), outgoing).await {
        Ok(answer) => return Ok((taken, answer)),
        Err(fault) => fault,
    };
    if !(is_replayable && taken.is_reused && fault.is_untouched) {
        return Err(fault.error);
    }
    pool.instance.count_retried();
    let Taken { wire, exchange, .. } = taken;
    drop(wire);
    // Apart: it is rare.
    Box::pin(async move {
        let mut fresh = pool.open(exchange).await?;
        match converse(&mut fresh.wire, request.to_send(), outgoing).await {
            Ok(answer) => Ok((fresh, answer)),
            Err(fault) => Err(fault.error),
        }
    })
    .await
}

/// The answer to a switch, with the connection.
fn switched(head: ResponseHead, taken: Taken) -> ClientResponse {
    let answer = response(head, Payload::None);
    answer.extensions_mut().insert(Switched::new(taken.wire, taken.exchange));
    answer
}

/// What follows the head is decided here, not by the codec.
fn follow(
    pool: Rc<Pool>,
    request: &Request,
    taken: Taken,
    (answer, upload): (Answer, Option<Outgoing<BoxBody>>),
) -> Result<(ResponseHead, Option<Rest>), SendRequestError> {
    let Taken { mut wire, exchange, .. } = taken;
    let mut head = answer.head;
    let is_coded = wire.framed.codec_ref().message_type() != MessageType::None;
    let framing = framing(&request.head.method, &mut head, is_coded).map_err(malformed)?;
    let may_be_kept = framing.is_reusable && wire.framed.codec_ref().keep_alive();
    let is_reusable = may_be_kept && answer.request == Sent::Whole;
    if framing.follows != Follows::Nothing {
        let is_reusable = is_reusable || (may_be_kept && upload.is_some());
        let rest = Rest::new(pool, wire, exchange, (framing.follows, is_reusable), upload);
        return Ok((head, Some(rest)));
    }
    if is_coded {
        // It waits for a body that never comes.
        *wire.framed.codec_mut() = pool.fresh_codec();
    }
    if is_reusable {
        pool.put(wire, exchange);
    }
    Ok((head, None))
}

/// `ClientResponse::new` is private; a test response with another head and payload is the public
/// way to one. A test holds the trick, and awc's minor version is pinned for it.
fn response(head: ResponseHead, payload: Payload) -> ClientResponse {
    TestResponse::default().finish().map_body(|test_head, _| {
        *test_head = head;
        payload
    })
}

#[cfg(test)]
mod tests {
    use actix_http::{Version, header::HeaderValue};

    use super::*;

    /// An upgrade of awc that changes this fails here.
    #[test]
    fn a_test_response_takes_another_head_and_payload() {
        let mut head = ResponseHead::new(StatusCode::IM_A_TEAPOT);
        head.version = Version::HTTP_10;
        head.headers.insert(HOST, HeaderValue::from_static("kettle"));

        let mut answer = response(head, Payload::None);

        assert_eq!(answer.status(), StatusCode::IM_A_TEAPOT);
        assert_eq!(answer.version(), Version::HTTP_10);
        assert_eq!(answer.headers().len(), 1);
        assert!(matches!(answer.take_payload(), Payload::None));
    }
}
