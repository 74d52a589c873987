//! Where an answer ends is decided by RFC 9112, section 6.3; what comes after it reaches nobody.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use actix_http::body::{BodySize, MessageBody, None as NoBody};
use awc::http::Method;
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use crate::support::{Caller, Outcome, Script, in_time, read, turn_of_the_reactor};

/// No length and no chunks: the body is everything up to the end of the connection.
#[actix_web::test]
async fn a_body_without_a_length_comes_whole() {
    let script = Script::start(|mut connection| async move {
        connection.request().await;
        connection.send("HTTP/1.1 200 OK\r\n\r\nup to ").await;
        turn_of_the_reactor().await;
        connection.send("the end").await;
    })
    .await;
    let caller = Caller::new(&script);

    assert_eq!(in_time(caller.get("/a")).await, Outcome::ok("up to the end"));
    assert_eq!(in_time(caller.get("/b")).await, Outcome::ok("up to the end"));
    assert_eq!(script.connections(), 2);
}

/// A 304 may name the length of what it does not send: no wait for a body, connection kept.
#[actix_web::test]
async fn not_modified_with_a_length_keeps_its_connection() {
    let script =
        Script::answering("HTTP/1.1 304 Not Modified\r\ncontent-length: 10\r\netag: \"a\"\r\n\r\n")
            .await;
    let caller = Caller::new(&script);

    for _ in 0..3 {
        assert_eq!(in_time(caller.get("/")).await, Outcome::Whole(304, String::new()));
    }
    assert_eq!(script.connections(), 1);
}

/// Chunks overrule a length beside them: whole body, length not passed on, connection closed.
#[actix_web::test]
async fn chunks_beside_a_length_win() {
    let script = Script::answering_once(
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n\
         6\r\nchunks\r\n0\r\n\r\n",
    )
    .await;
    let caller = Caller::new(&script);
    let request = caller.upstream.request(Method::GET, "/").unwrap();

    let answer = in_time(request.send_body(NoBody::new())).await;

    assert!(!answer.as_ref().unwrap().headers().contains_key("content-length"));
    assert_eq!(read(answer).await, Outcome::ok("chunks"));
    assert_eq!(in_time(caller.get("/b")).await, Outcome::ok("/b"));
    assert_eq!(script.connections(), 2);
}

/// A cut answer never looks whole: not inside a chunk, not before the last, not below its length.
#[actix_web::test]
async fn a_cut_body_is_seen_as_incomplete() {
    for cut in [
        "transfer-encoding: chunked\r\n\r\n6\r\nchu",
        "transfer-encoding: chunked\r\n\r\n6\r\nchunks\r\n",
        "transfer-encoding: chunked\r\n\r\n6\r\nchunks\r\n0\r\n",
        "transfer-encoding: chunked\r\n\r\n",
        "content-length: 10\r\n\r\nshort",
        "content-length: 10\r\n\r\n",
    ] {
        let script = Script::start(move |mut connection| async move {
            connection.request().await;
            connection.send(&format!("HTTP/1.1 200 OK\r\n{cut}")).await;
        })
        .await;
        let caller = Caller::new(&script);

        let outcome = in_time(caller.get("/")).await;

        assert!(outcome.is_failure(), "{cut:?}: {outcome:?}");
        assert_eq!(script.connections(), 1, "an answer had begun: no retry");
    }
}

/// What a HEAD, a 204, a 304 or a whole answer is followed by never reaches the next request:
/// neither when it comes together with the answer nor when it comes later.
#[actix_web::test]
async fn stray_bytes_never_reach_the_next_request() {
    const STRAY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstray";
    for (method, answer) in [
        (Method::HEAD, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"),
        (Method::GET, "HTTP/1.1 204 No Content\r\n\r\n"),
        (Method::GET, "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n"),
        (Method::GET, "HTTP/1.1 304 Not Modified\r\n\r\n"),
        (Method::GET, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirst"),
        (Method::GET, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"),
    ] {
        for is_late in [false, true] {
            let script = Script::start(move |mut connection| async move {
                if connection.number == 1 {
                    connection.request().await;
                    if is_late {
                        connection.send(answer).await;
                        turn_of_the_reactor().await;
                        connection.send(STRAY).await;
                    } else {
                        connection.send(&format!("{answer}{STRAY}")).await;
                    }
                    connection.hang_up_seen().await;
                }
                connection.behave().await;
            })
            .await;
            let caller = Caller::new(&script);
            in_time(caller.bodiless(method.clone(), "/first")).await;
            turn_of_the_reactor().await;
            turn_of_the_reactor().await;

            let next = in_time(caller.get("/next")).await;

            assert_eq!(next, Outcome::ok("/next"), "{method} {answer:?} late: {is_late}");
            assert_eq!(script.connections(), 2);
        }
    }
}

#[actix_web::test]
async fn an_answer_in_http_1_0_ends_its_connection() {
    for answer in [
        "HTTP/1.0 200 OK\r\ncontent-length: 3\r\nconnection: keep-alive\r\n\r\nold",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nold",
    ] {
        let script = Script::answering_once(answer).await;
        let caller = Caller::new(&script);

        assert_eq!(in_time(caller.get("/a")).await, Outcome::ok("old"));
        assert_eq!(in_time(caller.get("/b")).await, Outcome::ok("/b"));
        assert_eq!(script.connections(), 2);
    }
}

/// A head and the first piece of its body are one packet, also when the piece comes a little later.
#[actix_web::test]
async fn a_small_body_travels_with_its_head() {
    let script = Script::start(|mut connection| async move {
        while connection.read().await.is_some() {
            let first_read = connection.unread();
            assert!(
                first_read.ends_with("body\r\n0\r\n\r\n") || first_read.ends_with("\r\n\r\nbody")
            );
            connection.request().await;
            if connection.unread().starts_with("4\r\n") {
                connection.forget_unread();
            }
            connection.answer("seen whole").await;
        }
    })
    .await;
    let caller = Caller::new(&script);

    assert_eq!(in_time(caller.post("/sized", "body")).await, Outcome::ok("seen whole"));
    for turns in 0..3 {
        let piece = async move {
            for _ in 0..turns {
                turn_of_the_reactor().await;
            }
            Ok::<_, io::Error>("body".into())
        };
        let request = caller.upstream.request(Method::POST, "/streamed").unwrap();
        let sent = request.send_stream(Box::pin(stream::once(piece)));
        let outcome = in_time(async { read(sent.await).await }).await;
        assert_eq!(outcome, Outcome::ok("seen whole"));
    }
    assert_eq!(script.connections(), 1);
}

/// An answer may come before its request is over. The connection then is in the middle of a
/// request: nobody else may use it.
#[actix_web::test]
async fn an_early_answer_ends_its_connection() {
    let script = Script::start(|mut connection| async move {
        while connection.head().await.is_some() {
            connection.answer("early").await;
        }
    })
    .await;
    let caller = Caller::new(&script);
    let endless = stream::iter([Ok::<_, io::Error>("a".into())]).chain(stream::pending());
    let request = caller.upstream.request(Method::POST, "/").unwrap();

    let outcome = in_time(async { read(request.send_stream(endless).await).await }).await;

    assert_eq!(outcome, Outcome::ok("early"));
    assert_eq!(in_time(caller.get("/next")).await, Outcome::ok("early"));
    assert_eq!(script.connections(), 2);
}

/// A body whose pieces may be empty: in chunks an empty one would be the end.
struct Pieces(VecDeque<&'static str>);

impl MessageBody for Pieces {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, io::Error>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(piece.into())))
    }
}

#[actix_web::test]
async fn an_empty_piece_is_not_the_end_of_a_body() {
    let script = Script::start(|mut connection| async move {
        connection.head().await;
        while !connection.unread().ends_with("0\r\n\r\n") {
            connection.read().await;
        }
        let body = connection.unread().replace("\r\n", "|");
        connection.answer(&body).await;
    })
    .await;
    let caller = Caller::new(&script);

    for pieces in [["", "a", "b"], ["a", "", "b"], ["a", "b", ""]] {
        let request = caller.upstream.request(Method::POST, "/").unwrap();
        let sent = request.send_body(Pieces(pieces.into()));
        let outcome = in_time(async { read(sent.await).await }).await;
        assert_eq!(outcome, Outcome::ok("1|a|1|b|0||"));
    }
}

/// A stream without a byte is no body, not an empty chunked one; a GET has not even a length.
#[actix_web::test]
async fn no_body_is_sent_as_none() {
    let script = Script::start(|mut connection| async move {
        while let Some(request) = connection.request().await {
            connection.answer(&request.to_lowercase()).await;
        }
    })
    .await;
    let caller = Caller::new(&script);
    let nothing = stream::empty::<Result<Bytes, io::Error>>();
    let request = caller.upstream.request(Method::POST, "/").unwrap();

    let Outcome::Whole(200, posted) =
        in_time(async { read(request.send_stream(nothing).await).await }).await
    else {
        panic!("no answer");
    };
    let Outcome::Whole(200, got) = in_time(caller.get("/")).await else { panic!("no answer") };

    assert!(posted.contains("content-length: 0\r\n") && !posted.contains("transfer-encoding"));
    assert!(!got.contains("content-length") && !got.contains("transfer-encoding"), "{got}");
    assert!(got.contains(&format!("host: 127.0.0.1:{}\r\n", script.port())));
}

/// RFC 9110, section 2.5: a later minor version is taken for the last one known here, also behind an
/// interim answer and in pieces.
#[actix_web::test]
async fn a_later_minor_version_is_understood() {
    let script = Script::answering(
        "HTTP/1.2 103 Early Hints\r\n\r\nHTTP/1.3 200 OK\r\ncontent-length: 4\r\n\r\ndone",
    )
    .await;
    let caller = Caller::new(&script);

    for _ in 0..2 {
        assert_eq!(in_time(caller.get("/")).await, Outcome::ok("done"));
    }
    assert_eq!(script.connections(), 1);
}
