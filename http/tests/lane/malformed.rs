//! Answers that break the rules of HTTP are failures, or visibly cut; the next request is unharmed.

use crate::support::{Caller, Outcome, Script, in_time};

async fn assert_refused(answer: String) {
    let shown: String = answer.chars().take(80).collect();
    let script = Script::start(move |mut connection| {
        let answer = answer.clone();
        async move {
            if connection.number == 1 {
                connection.request().await;
                connection.send(&answer).await;
                return;
            }
            connection.behave().await;
        }
    })
    .await;
    let caller = Caller::new(&script);

    let outcome = in_time(caller.get("/a")).await;

    assert!(outcome.is_failure(), "{shown:?}: {outcome:?}");
    assert_eq!(in_time(caller.get("/b")).await, Outcome::ok("/b"), "{shown:?}");
    assert_eq!(script.requests(), ["GET /a", "GET /b"], "{shown:?}: not tried again");
}

#[actix_web::test]
async fn malformed_status_lines_are_failures() {
    for line in [
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 000 OK",
        "HTTP/1.1 abc OK",
        "HTTP/1.1",
        "HTTP/9.9 200 OK",
        "HTP/1.1 200 OK",
        "hello",
        "GET / HTTP/1.1",
        "\u{0}\u{1}",
    ] {
        assert_refused(format!("{line}\r\ncontent-length: 0\r\n\r\n")).await;
    }
}

#[actix_web::test]
async fn malformed_lengths_are_failures() {
    for fields in [
        "content-length: -1",
        "content-length: +5",
        "content-length: 5,5",
        "content-length: 0x5",
        "content-length: 5 5",
        "content-length: ",
        "content-length: 99999999999999999999999",
        "content-length: 5\r\ncontent-length: 5",
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5\r\nupgrade: websocket",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: xchunked",
    ] {
        assert_refused(format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\nhello")).await;
    }
    let chunked_1_0 = "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
    assert_refused(chunked_1_0.to_owned()).await;
}

#[actix_web::test]
async fn malformed_chunks_are_failures() {
    for chunks in [
        "xyz\r\n",
        "\r\nhello",
        "-5\r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhello!\r\n0\r\n\r\n",
        "5\r\nhelloxx0\r\n\r\n",
        "fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "5 5\r\nhello\r\n0\r\n\r\n",
        "5;a=\u{1}\r\nhello\r\n0\r\n\r\n",
    ] {
        assert_refused(format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"))
            .await;
    }
}

#[actix_web::test]
async fn malformed_and_excessive_fields_are_failures() {
    let many: String = (0..10_000).map(|n| format!("x-{n}: a\r\n")).collect();
    for fields in [
        "no colon\r\n".to_owned(),
        ": no name\r\n".to_owned(),
        "a name: x\r\n".to_owned(),
        "name: a\u{0}b\r\n".to_owned(),
        format!("big: {}\r\n", "x".repeat(1024 * 1024)),
        many,
    ] {
        assert_refused(format!("HTTP/1.1 200 OK\r\n{fields}content-length: 0\r\n\r\n")).await;
    }
}

/// A head that ends in the middle is no answer, and it is not asked for again: not even on a kept
/// connection.
#[actix_web::test]
async fn half_a_head_is_a_failure() {
    for half in ["HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-le", "H"] {
        assert_refused(half.to_owned()).await;

        let script = Script::start(move |mut connection| async move {
            connection.request().await;
            connection.answer("first").await;
            connection.request().await;
            connection.send(half).await;
        })
        .await;
        let caller = Caller::new(&script);
        assert_eq!(in_time(caller.get("/a")).await, Outcome::ok("first"));
        assert!(in_time(caller.get("/b")).await.is_failure());
        assert_eq!(script.requests(), ["GET /a", "GET /b"]);
    }
}
