//! Who goes away takes the upstream connection along; who is slow holds the upstream back.

use std::{cell::Cell, rc::Rc, time::Duration};

use actix_http::body::None as NoBody;
use awc::http::Method;
use busbar_http::lane::{Failure, Limits};
use futures_util::StreamExt;
use tokio::sync::Notify;

use crate::support::{Caller, Outcome, Script, eventually, in_time, limits};

const MIB: usize = 1024 * 1024;

#[actix_web::test]
async fn a_client_gone_before_the_head_closes_the_upstream_connection() {
    let asked = Rc::new(Notify::new());
    let signal = asked.clone();
    let script = Script::start(move |mut connection| {
        let signal = signal.clone();
        async move {
            connection.request().await;
            signal.notify_one();
            connection.hang_up_seen().await;
        }
    })
    .await;
    let caller = Caller::new(&script);

    in_time(async {
        tokio::select! {
            outcome = caller.get("/") => panic!("{outcome:?}"),
            () = asked.notified() => {}
        }
    })
    .await;

    eventually(0, || script.open()).await;
    assert_eq!(caller.instance().counts().open, 0);
    assert_eq!(caller.instance().counts().busy, 0);
}

#[actix_web::test]
async fn a_client_gone_inside_the_body_closes_the_upstream_connection() {
    let script = Script::answering_once("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
    let caller = Caller::new(&script);
    let request = caller.upstream.request(Method::GET, "/").unwrap();

    let mut answer = in_time(request.send_body(NoBody::new())).await.unwrap();
    assert_eq!(in_time(answer.next()).await.unwrap().unwrap(), "half");
    assert_eq!(caller.instance().counts().busy, 1);
    drop(answer);

    eventually(0, || script.sockets()).await;
    assert_eq!(caller.instance().counts().busy, 0);
    assert_eq!(in_time(caller.get("/next")).await, Outcome::ok("/next"));
}

/// A client that sends half a body and goes: the upstream sees the connection end, not a whole
/// request.
#[actix_web::test]
async fn a_request_body_that_breaks_off_is_not_sent_as_whole() {
    let got = Rc::new(Cell::new(None));
    let seen = got.clone();
    let script = Script::start(move |mut connection| {
        let seen = seen.clone();
        async move {
            connection.head().await;
            connection.hang_up_seen().await;
            seen.set(Some(connection.unread().ends_with("0\r\n\r\n")));
        }
    })
    .await;
    let caller = Caller::new(&script);
    let pieces = [Ok("half".into()), Err(std::io::Error::other("gone"))];
    let request = caller.upstream.request(Method::POST, "/").unwrap();

    let sent = request.send_stream(futures_util::stream::iter(pieces));
    let outcome = in_time(async { crate::support::read(sent.await).await }).await;

    assert_eq!(outcome, Outcome::Failed(Failure::RequestBody));
    eventually(0, || script.open()).await;
    assert_ne!(got.get(), Some(true));
}

/// A client that reads nothing of a large answer: the upstream is held back by TCP, nothing piles
/// up in between.
#[actix_web::test]
async fn a_slow_reader_holds_the_upstream_back() {
    const WHOLE: usize = 200 * MIB;
    let sent = Rc::new(Cell::new(0));
    let counter = sent.clone();
    let script = Script::start(move |mut connection| {
        let counter = counter.clone();
        async move {
            connection.request().await;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {WHOLE}\r\n\r\n");
            connection.send(&head).await;
            let piece = vec![b'x'; 64 * 1024];
            while counter.get() < WHOLE && connection.try_send(&piece).await {
                counter.set(counter.get() + piece.len());
            }
        }
    })
    .await;
    let caller = Caller::new(&script);
    let request = caller.upstream.request(Method::GET, "/").unwrap();

    let mut answer = in_time(request.send_body(NoBody::new())).await.unwrap();
    let mut before = usize::MAX;
    while before != sent.get() {
        before = sent.get();
        actix_rt::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(sent.get() < 32 * MIB, "{} bytes were taken", sent.get());

    let mut read = 0;
    while read < 40 * MIB {
        read += in_time(answer.next()).await.unwrap().unwrap().len();
    }
    assert!(sent.get() > before, "reading lets it go on");
}

/// A sender that is faster than the upstream reads is held back too.
#[actix_web::test]
async fn a_slow_upstream_holds_the_sender_back() {
    const PIECE: usize = 64 * 1024;
    let script = Script::start(|mut connection| async move {
        connection.head().await;
        std::future::pending::<()>().await;
    })
    .await;
    let head_timeout = Duration::from_millis(500);
    let caller = Caller::with(&script, Limits { head_timeout: Some(head_timeout), ..limits() });
    let taken = Rc::new(Cell::new(0));
    let counter = taken.clone();
    let pieces = futures_util::stream::repeat_with(move || {
        counter.set(counter.get() + PIECE);
        Ok::<_, std::io::Error>(vec![b'x'; PIECE].into())
    });
    let request = caller.upstream.request(Method::POST, "/").unwrap();

    let sent = request.send_stream(pieces);
    let outcome = in_time(async { crate::support::read(sent.await).await }).await;

    assert_eq!(outcome, Outcome::Failed(Failure::Timeout));
    assert!(taken.get() < 32 * MIB, "{} bytes were taken", taken.get());
}
