//! One request goes for many, and the many are let go safely.

use std::time::Duration;

use super::{Kept, port};
use crate::support::wire::{Message, Scripted, Then, Wire, pause, say};

/// Sends the same request on so many connections at once; each has this nonce.
fn at_once(port: u16, count: usize, request: impl Fn(usize) -> String) -> Vec<Message> {
    let mut wires: Vec<Wire> = (0..count).map(|_| Wire::to(port)).collect();
    for (number, wire) in wires.iter_mut().enumerate() {
        wire.send(request(number));
    }
    wires.iter_mut().map(Wire::answer).collect()
}

fn get(path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: busbar\r\nconnection: close\r\n{more}\r\n")
}

/// A service that takes its time, and says this in its head.
fn slow(fields: &'static str) -> Scripted {
    Scripted::start(move |heard, stream| {
        pause(Duration::from_millis(300));
        let body = format!("for {}", heard.message.field("x-nonce"));
        let length = body.len();
        say(stream, format!("HTTP/1.1 200 OK\r\n{fields}content-length: {length}\r\n\r\n{body}"));
        Then::Keep
    })
}

#[actix_web::test]
async fn two_hundred_cold_requests_are_one() {
    let service = slow("cache-control: max-age=60\r\n");
    let system = super::routed(&[("/kept", &service, "cache = \"shared\"")], &[]).await;
    let gateway = port(&system);
    let answers = at_once(gateway, 200, |number| get("/kept/a", &format!("x-nonce: {number}\r\n")));
    let first = answers[0].text();
    assert!(answers.iter().all(|answer| (answer.status(), answer.text()) == (200, first.clone())));
    assert_eq!(service.heard().len(), 1);
    let told = |word: &str| {
        answers.iter().filter(|answer| answer.field("cache-status").contains(word)).count()
    };
    assert_eq!(told("; stored"), 1);
    assert_eq!(told("collapsed") + told("; hit"), 199);
}

/// Nobody gets what is another's, and nobody waits for long for what cannot be shared.
#[actix_web::test]
async fn what_cannot_be_kept_is_fetched_for_each() {
    let service = slow("cache-control: no-store\r\n");
    let system = super::routed(&[("/kept", &service, "cache = \"shared\"")], &[]).await;
    let gateway = port(&system);
    let answers = at_once(gateway, 50, |number| get("/kept/a", &format!("x-nonce: {number}\r\n")));
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!((answer.status(), answer.text()), (200, format!("for {number}")));
    }
    assert_eq!(service.heard().len(), 50);
}

/// When the one that went fails, or leaves, the next one goes.
#[actix_web::test]
async fn the_next_one_goes_when_the_first_fails() {
    let kept = Kept::start().await;
    let mut leaves = Wire::to(port(&kept.system));
    leaves.send(get("/kept/a", "x-say: never\r\n"));
    kept.system.eventually("the first has gone", async || kept.seen() == 1).await;
    let gateway = port(&kept.system);
    let wait = std::thread::spawn(move || {
        let mut wire = Wire::to(gateway);
        wire.send(get("/kept/a", "x-say: cache-control: max-age=60\r\n"));
        wire.answer()
    });
    // It may wait already or not yet: both times it has its answer only once the first is over.
    drop(leaves);
    let answer = wait.join().unwrap();
    assert_eq!((answer.status(), answer.text().as_str()), (200, "answer 2"));
}

/// Requests with credentials are not answered by what another's brought, unless it is for all.
#[actix_web::test]
async fn credentials_do_not_wait_for_others() {
    let service = slow("cache-control: max-age=60\r\n");
    let system = super::routed(&[("/kept", &service, "cache = \"shared\"")], &[]).await;
    let request = |number: usize| {
        get("/kept/a", &format!("x-nonce: {number}\r\nauthorization: Basic {number}\r\n"))
    };
    let answers = at_once(port(&system), 20, request);
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(answer.text(), format!("for {number}"));
        assert_eq!(answer.field("x-cache"), "BYPASS");
        assert_eq!(answer.field("cache-status"), "busbar; fwd=bypass; detail=authorization");
    }
}

/// Twenty at once, before a service that needs so long for it and says this in its head: all have their
/// answers in six seconds, and nothing is held against the service.
async fn twenty_wait(needs: Duration, fields: &'static str) {
    let service = Scripted::start(move |heard, stream| {
        if heard.message.target().ends_with("slow") {
            pause(needs);
        }
        say(stream, format!("HTTP/1.1 200 OK\r\n{fields}content-length: 2\r\n\r\nok"));
        Then::Keep
    });
    let lines = "cache = \"shared\"\ntimeout_ms = 6_000\nbreaker = \"on\"";
    let system = super::routed(&[("/kept", &service, lines)], &[]).await;
    let answers = at_once(port(&system), 20, |_| get("/kept/slow", ""));
    let statuses: Vec<u16> = answers.iter().map(Message::status).collect();
    assert_eq!(statuses, [200; 20]);
    assert_eq!(system.anonymous().get("/kept/other").await.status, 200);
}

/// Who waits for another keeps time for a way of its own.
#[actix_web::test]
async fn nobody_waits_until_there_is_no_time_left() {
    twenty_wait(Duration::from_millis(3_000), "cache-control: no-store\r\n").await;
}

/// An answer that takes longer than one waits for, and is kept in the end, is for all who are under way.
#[actix_web::test]
async fn who_has_gone_beside_another_takes_its_answer_if_that_comes_first() {
    twenty_wait(Duration::from_millis(4_700), "cache-control: max-age=60\r\n").await;
}
