//! Bodies that go out while their answers come in.

use std::{cell::Cell, io, rc::Rc};

use awc::http::Method;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::{
    bounds::closed_port,
    support::{Caller, Outcome, Script, in_time, limits, read},
};
use busbar_http::lane::{Failure, Instance};

/// How an answer may tell its end: by chunks or by that of the connection.
const HEADS: [&str; 2] =
    ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"];

type Piece = Result<Bytes, io::Error>;

/// A body of pieces that come when the test gives them; the first one is there, for a head that waits
/// for it.
fn fed() -> (UnboundedSender<Piece>, impl Stream<Item = Piece>) {
    let (pieces, mut body) = unbounded_channel();
    pieces.send(Ok("first".into())).unwrap();
    (pieces, stream::poll_fn(move |cx| body.poll_recv(cx)))
}

/// An upstream that begins its answer with the head of a request and says each piece of the body as
/// it comes.
async fn echoing(head: &'static str) -> Script {
    Script::start(move |mut connection| async move {
        while connection.head().await.is_some() {
            connection.send(head).await;
            let is_chunked = head.contains("chunked");
            loop {
                let Some(piece) = connection.chunk().await else { return };
                let is_over = piece.is_empty();
                let said = match is_chunked {
                    true => format!("{:x}\r\n{piece}\r\n", piece.len()),
                    false => piece,
                };
                connection.send(&said).await;
                match is_over {
                    true if is_chunked => break,
                    true => return,
                    false => {}
                }
            }
        }
    })
    .await
}

/// Each piece is sent only when the one before it has come back. The connection then serves the next.
#[actix_web::test]
async fn a_body_goes_on_behind_the_head_of_its_answer() {
    for (head, connections) in HEADS.into_iter().zip([1, 2]) {
        let script = echoing(head).await;
        let caller = Caller::new(&script);
        for _ in 0..2 {
            let (pieces, body) = fed();
            let request = caller.upstream.request(Method::POST, "/").unwrap();
            let mut answer = in_time(request.send_stream(body)).await.unwrap();
            for (piece, next) in [("first", "second"), ("second", "third"), ("third", "last")] {
                assert_eq!(in_time(answer.next()).await.unwrap().unwrap(), piece);
                pieces.send(Ok(next.into())).unwrap();
            }
            assert_eq!(in_time(answer.next()).await.unwrap().unwrap(), "last");
            drop(pieces);
            assert!(in_time(answer.next()).await.is_none(), "it is over");
        }
        assert_eq!(script.connections(), connections);
    }
}

/// What breaks off is not sent as whole, and its answer is none.
#[actix_web::test]
async fn a_body_that_breaks_off_later_ends_its_answer() {
    for head in HEADS {
        let script = echoing(head).await;
        let caller = Caller::new(&script);
        let (pieces, body) = fed();
        let request = caller.upstream.request(Method::POST, "/").unwrap();
        let answer = in_time(request.send_stream(body)).await.unwrap();
        pieces.send(Err(io::Error::other("gone"))).unwrap();
        assert_eq!(in_time(read(Ok(answer))).await, Outcome::Cut(200));
        assert_eq!(caller.instance().counts().busy, 0);
    }
}

/// An answer that is whole before its request ends the request: nobody waits for the rest.
#[actix_web::test]
async fn an_answer_that_is_over_first_ends_its_request() {
    let script = Script::start(|mut connection| async move {
        connection.head().await;
        connection.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nso").await;
        connection.chunk().await;
        connection.send("on").await;
        connection.hang_up_seen().await;
    })
    .await;
    let caller = Caller::new(&script);
    let (more, body) = fed();
    let request = caller.upstream.request(Method::POST, "/").unwrap();

    let outcome = in_time(async { read(request.send_stream(body).await).await }).await;

    assert_eq!(outcome, Outcome::ok("soon"));
    assert!(more.is_closed());
    assert_eq!(caller.instance().counts().idle, 0);
}

/// Who hears that a request is refused stops sending (RFC 9112, section 9.5), however long the answer.
#[actix_web::test]
async fn what_is_refused_is_sent_no_further() {
    let script = Script::start(|mut connection| async move {
        connection.head().await;
        connection.send("HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nb").await;
        connection.send("ig").await;
        connection.hang_up_seen().await;
    })
    .await;
    let caller = Caller::new(&script);
    let (more, body) = fed();
    let request = caller.upstream.request(Method::POST, "/").unwrap();

    let outcome = in_time(async {
        let answer = request.send_stream(body).await;
        assert!(more.is_closed(), "the body is let go with the head");
        read(answer).await
    });
    assert_eq!(outcome.await, Outcome::Whole(413, "big".into()));
}

/// A body that can be sent nowhere is whole for whoever may be asked next.
#[actix_web::test]
async fn what_reaches_nobody_is_not_touched() {
    let base = format!("http://127.0.0.1:{}", closed_port()).parse().unwrap();
    let caller = Caller::on(Instance::new(base, limits()));
    let is_touched = Rc::new(Cell::new(false));
    let touched = is_touched.clone();
    let body = stream::repeat_with(move || {
        touched.set(true);
        Ok::<_, io::Error>("x".into())
    });
    let request = caller.upstream.request(Method::POST, "/").unwrap();

    let outcome = in_time(async { read(request.send_stream(body).await).await }).await;

    assert_eq!(outcome, Outcome::Failed(Failure::Unreachable));
    assert!(!is_touched.get());
}
