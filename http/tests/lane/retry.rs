//! A kept connection may have died unseen: what can be asked twice is, once; the rest is not.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use awc::http::Method;
use busbar_http::lane::{Failure, Instance};
use futures_util::future::join_all;

use crate::support::{Caller, Outcome, Script, in_time, limits};

/// Answers the first request of each connection and dies on the second.
async fn dying_on_reuse() -> Script {
    Script::start(|mut connection| async move {
        connection.request().await;
        connection.answer("alive").await;
        connection.request().await;
    })
    .await
}

#[actix_web::test]
async fn a_get_on_a_connection_that_dies_is_asked_once_more() {
    let script = dying_on_reuse().await;
    let caller = Caller::new(&script);

    for _ in 0..3 {
        assert_eq!(in_time(caller.get("/")).await, Outcome::ok("alive"));
    }
    // Each one after the first is seen twice: on the kept connection and on a fresh one.
    assert_eq!(script.requests().len(), 5);
    assert_eq!(caller.instance().counts().retried_total, 2);
}

#[actix_web::test]
async fn idempotent_methods_without_a_body_are_asked_once_more_and_no_others() {
    for (method, times) in [
        (Method::HEAD, 2),
        (Method::OPTIONS, 2),
        (Method::DELETE, 2),
        (Method::PUT, 2),
        (Method::POST, 1),
        (Method::PATCH, 1),
    ] {
        let script = dying_on_reuse().await;
        let caller = Caller::new(&script);
        in_time(caller.get("/first")).await;

        let outcome = in_time(caller.bodiless(method.clone(), "/second")).await;

        let seen = script.requests().iter().filter(|line| line.ends_with("/second")).count();
        assert_eq!(seen, times, "{method}");
        assert_eq!(outcome.is_failure(), times == 1, "{method}");
    }
}

/// A fresh connection that dies is no stale one: no retry, or a broken upstream sees everything
/// twice.
#[actix_web::test]
async fn nothing_is_asked_again_after_a_fresh_connection() {
    let script = Script::start(|mut connection| async move {
        connection.request().await;
    })
    .await;
    let caller = Caller::new(&script);

    assert_eq!(in_time(caller.get("/")).await, Outcome::Failed(Failure::Broken));
    assert_eq!(script.requests(), ["GET /"]);
}

/// The retry is one, not a loop.
#[actix_web::test]
async fn a_retry_that_dies_too_is_the_end() {
    let script = Script::start(|mut connection| async move {
        connection.request().await;
        if connection.number == 1 {
            connection.answer("alive").await;
            connection.request().await;
        }
    })
    .await;
    let caller = Caller::new(&script);
    in_time(caller.get("/first")).await;

    assert_eq!(in_time(caller.get("/second")).await, Outcome::Failed(Failure::Broken));
    assert_eq!(script.requests(), ["GET /first", "GET /second", "GET /second"]);
}

/// A payment is never sent twice: dies after a POST, on a kept or a fresh connection, seen once.
#[actix_web::test]
async fn a_post_is_seen_once_and_its_error_is_told() {
    let script = dying_on_reuse().await;
    let caller = Caller::new(&script);
    in_time(caller.get("/first")).await;

    assert_eq!(in_time(caller.post("/pay", "44.96")).await, Outcome::Failed(Failure::Broken));
    assert_eq!(script.requests(), ["GET /first", "POST /pay"]);
}

/// A POST does not take a connection that has been hung up already, however lately: here the
/// thread has had no turn of its reactor since.
#[actix_web::test]
async fn a_post_does_not_use_a_connection_that_was_hung_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let (hang_up, asked) = mpsc::channel();
    let (tell, hung_up) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut bytes = [0; 4096];
            while !String::from_utf8_lossy(&bytes).contains("body") {
                let _ = stream.read(&mut bytes).unwrap();
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
            asked.recv().unwrap();
            drop(stream);
            tell.send(()).unwrap();
        }
    });
    let caller = Caller::on(Instance::new(base, limits()));

    for round in 0..20 {
        assert_eq!(in_time(caller.post("/", "body")).await, Outcome::ok("ok"), "{round}");
        assert_eq!(caller.instance().counts().idle, 1);
        hang_up.send(()).unwrap();
        hung_up.recv().unwrap();
    }
}

/// An early refusal is read although the body is still being sent and can never be.
#[actix_web::test]
async fn an_early_refusal_is_heard_through_a_broken_pipe() {
    let script = Script::start(|mut connection| async move {
        connection.head().await;
        connection.send("HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nbig").await;
    })
    .await;
    let caller = Caller::new(&script);
    let body: &'static str = Box::leak("x".repeat(4 * 1024 * 1024).into_boxed_str());

    for _ in 0..20 {
        let outcome = in_time(caller.post("/", body)).await;
        assert_eq!(outcome, Outcome::Whole(413, "big".into()));
    }
    assert_eq!(caller.instance().counts().idle, 0, "half-written requests are not followed");
}

/// How often an upstream has seen each path.
type Seen = Arc<Mutex<HashMap<String, usize>>>;

/// An upstream on threads of its own that hangs up 1, 2 or 3 ms after an answer.
fn hanging_up() -> (u16, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Seen::default();
    let shared = seen.clone();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let (stream, seen) = (stream.unwrap(), shared.clone());
            let patience = Duration::from_millis(number as u64 % 3 + 1);
            thread::spawn(move || answer_until(patience, stream, &seen));
        }
    });
    (port, seen)
}

/// Waits for the first request as long as it takes, for each further one until it hangs up.
fn answer_until(patience: Duration, mut stream: TcpStream, seen: &Seen) {
    let mut bytes = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut bytes) {
        let head = String::from_utf8_lossy(&bytes[..length]).into_owned();
        let path = head.split(' ').nth(1).unwrap().to_owned();
        *seen.lock().unwrap().entry(path).or_default() += 1;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        if stream.write_all(answer).is_err() {
            return;
        }
        stream.set_read_timeout(Some(patience)).unwrap();
    }
}

async fn hammer(method: Method) -> (usize, Caller, Seen) {
    const LANES: usize = 8;
    const ROUNDS: usize = 100;
    let (port, seen) = hanging_up();
    let base = format!("http://127.0.0.1:{port}").parse().unwrap();
    let caller = Caller::on(Instance::new(base, limits()));
    let lanes = (0..LANES).map(|lane| {
        let (caller, method) = (&caller, &method);
        async move {
            let mut lost = 0;
            for round in 0..ROUNDS {
                let outcome = caller.bodiless(method.clone(), &format!("/{lane}-{round}")).await;
                lost += usize::from(outcome != Outcome::ok("ok"));
                // Longer and longer pauses meet every moment of the hang-up.
                let pause = Duration::from_micros((round * 37 % 2500) as u64);
                actix_rt::time::sleep(pause).await;
            }
            lost
        }
    });
    let lost = join_all(lanes).await.into_iter().sum();
    (lost, caller, seen)
}

/// An upstream that hangs up between requests at the worst moments loses no GET.
#[actix_web::test]
async fn no_get_is_lost_to_an_upstream_that_hangs_up() {
    let (lost, caller, seen) = hammer(Method::GET).await;

    assert_eq!(lost, 0);
    assert!(caller.instance().counts().reused_total > 0, "connections were kept at all");
    assert!(seen.lock().unwrap().values().all(|times| *times <= 2));
}

/// The same upstream sees each POST at most once.
#[actix_web::test]
async fn no_post_is_repeated_to_an_upstream_that_hangs_up() {
    let (_, caller, seen) = hammer(Method::POST).await;

    assert_eq!(caller.instance().counts().retried_total, 0);
    assert!(seen.lock().unwrap().values().all(|times| *times == 1));
}
