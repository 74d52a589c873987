//! Interim answers (1xx) are skipped, never taken for the answer, and leave nothing behind.

use std::{rc::Rc, time::Duration};

use tokio::sync::Notify;

use crate::support::{Caller, Outcome, Script, eventually, in_time};
use busbar_http::lane::Failure;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone";
const HINTS: &str = "HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n";

/// 103 and then 200: the client gets the 200, and the connection stays good.
#[actix_web::test]
async fn early_hints_are_skipped() {
    let script = Script::answering(
        "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone",
    )
    .await;
    let caller = Caller::new(&script);

    assert_eq!(in_time(caller.get("/a")).await, Outcome::ok("done"));
    assert_eq!(in_time(caller.get("/b")).await, Outcome::ok("done"));
    assert_eq!(script.connections(), 1);
}

/// 103 now and the 200 later, the next request at once: each gets its own answer.
#[actix_web::test]
async fn a_late_answer_behind_early_hints_reaches_nobody_else() {
    let (hinted, release) = (Rc::new(Notify::new()), Rc::new(Notify::new()));
    let (hint, wait) = (hinted.clone(), release.clone());
    let script = Script::start(move |mut connection| {
        let (hint, wait) = (hint.clone(), wait.clone());
        async move {
            if connection.number == 1 {
                connection.request().await;
                connection.send(HINTS).await;
                hint.notify_one();
                wait.notified().await;
                connection.send(OK).await;
            }
            connection.behave().await;
        }
    })
    .await;
    let caller = Caller::new(&script);

    let second = async {
        hinted.notified().await;
        let outcome = caller.get("/second").await;
        release.notify_one();
        outcome
    };
    let (first, second) = in_time(async { tokio::join!(caller.get("/first"), second) }).await;

    assert_eq!(first, Outcome::ok("done"));
    assert_eq!(second, Outcome::ok("/second"));
    assert_eq!(in_time(caller.get("/third")).await, Outcome::ok("/third"));
}

/// Whoever gives up after a 103 takes the connection with it: the late answer reaches nobody.
#[actix_web::test]
async fn an_abandoned_request_behind_early_hints_leaves_nothing() {
    let hinted = Rc::new(Notify::new());
    let hint = hinted.clone();
    let script = Script::start(move |mut connection| {
        let hint = hint.clone();
        async move {
            if connection.number == 1 {
                connection.request().await;
                connection.send(HINTS).await;
                hint.notify_one();
                connection.hang_up_seen().await;
            }
            connection.behave().await;
        }
    })
    .await;
    let caller = Caller::new(&script);

    in_time(async {
        tokio::select! {
            outcome = caller.get("/first") => panic!("{outcome:?}"),
            () = hinted.notified() => {}
        }
    })
    .await;

    assert_eq!(in_time(caller.get("/second")).await, Outcome::ok("/second"));
    assert_eq!(script.connections(), 2);
    eventually(1, || script.open()).await;
}

#[actix_web::test]
async fn a_continue_nobody_asked_for_is_skipped() {
    let script = Script::answering(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone",
    )
    .await;
    let caller = Caller::new(&script);

    assert_eq!(in_time(caller.get("/")).await, Outcome::ok("done"));
    assert_eq!(in_time(caller.post("/", "body")).await, Outcome::ok("done"));
    assert_eq!(script.connections(), 1);
}

/// A protocol nobody asked to switch to is an error, not an answer.
#[actix_web::test]
async fn switching_protocols_unasked_is_an_error() {
    let script = Script::answering_once(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n",
    )
    .await;
    let caller = Caller::new(&script);

    assert_eq!(in_time(caller.get("/a")).await, Outcome::Failed(Failure::Broken));
    assert_eq!(in_time(caller.get("/b")).await, Outcome::ok("/b"));
    assert_eq!(script.connections(), 2);
}

#[actix_web::test]
async fn interim_answers_have_an_end_and_no_body() {
    let endless = "HTTP/1.1 102 Processing\r\n\r\n".repeat(101) + OK;
    let with_body = "HTTP/1.1 103 Early Hints\r\ncontent-length: 3\r\n\r\nabc".to_owned() + OK;
    for answer in [endless, with_body] {
        let script = Script::answering_once(answer).await;
        let caller = Caller::new(&script);

        assert_eq!(in_time(caller.get("/")).await, Outcome::Failed(Failure::Broken));
    }
    let many = "HTTP/1.1 102 Processing\r\n\r\n".repeat(16) + OK;
    let script = Script::answering_once(many).await;

    assert_eq!(in_time(Caller::new(&script).get("/")).await, Outcome::ok("done"));
}

/// After an interim answer the request is known to have arrived: it is not sent again.
#[actix_web::test]
async fn a_connection_that_dies_after_an_interim_answer_is_no_case_for_a_retry() {
    let script = Script::start(|mut connection| async move {
        connection.request().await;
        connection.answer("first").await;
        connection.request().await;
        connection.send(HINTS).await;
    })
    .await;
    let caller = Caller::new(&script);
    assert_eq!(in_time(caller.get("/a")).await, Outcome::ok("first"));

    assert_eq!(in_time(caller.get("/b")).await, Outcome::Failed(Failure::Broken));
    assert_eq!(script.requests(), ["GET /a", "GET /b"]);
}

/// An upstream that never comes to its final answer is given up in time.
#[actix_web::test]
async fn the_time_for_the_head_has_an_end() {
    let script = Script::answering_once(HINTS).await;
    let head_timeout = Duration::from_millis(50);
    let limits =
        busbar_http::lane::Limits { head_timeout: Some(head_timeout), ..crate::support::limits() };
    let caller = Caller::with(&script, limits);

    assert_eq!(in_time(caller.get("/")).await, Outcome::Failed(Failure::Timeout));
    eventually(0, || caller.instance().counts().open).await;
}
