//! The mailboxes are really bounded: under a load that is too much for one, what has no place is told so
//! at once, and everything else is answered.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use busbar::types::ServiceName;

use super::{before, port};
use crate::support::TestSystem;
use crate::support::wire::{Scripted, Wire};

/// Clients that ask at the same time, again and again; the mailbox has room for one message.
const CLIENTS: usize = 64;
const NARROW: [(&str, &str); 2] =
    [("API_GATEWAY_WORKERS", "1"), ("BUSBAR_GATEWAY_MAILBOX_MAX", "1")];
/// What is enough to see that it holds. Where almost all are turned away few come through.
const REFUSED_MIN: u64 = 100;
const ANSWERED_MIN: u64 = 10;

#[derive(Default)]
struct Seen {
    answered: AtomicU64,
    refused: AtomicU64,
    other: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl Seen {
    fn ask_until_it_is_over(&self, port: u16) {
        let mut wire = Wire::to(port);
        let request = "POST /api/payments HTTP/1.1\r\nhost: busbar\r\ncontent-length: 0\r\n\r\n";
        while !self.is_over.load(SeqCst) {
            let answer = wire.send(request).answer();
            let is_told = answer.field("x-busbar-reason") == "mailbox_full"
                && answer.text().contains(r#""code":"mailbox_full""#)
                && answer.field("retry-after") == "1";
            match answer.status() {
                200 => drop(self.answered.fetch_add(1, SeqCst)),
                503 if is_told => drop(self.refused.fetch_add(1, SeqCst)),
                _ => self.other.lock().unwrap().push(answer.line),
            }
        }
    }
}

async fn mailbox(system: &TestSystem, figure: &str) -> f64 {
    system.figure(ServiceName::Gateway, &format!("busbar_actor_mailbox_{figure}")).await
}

#[actix_web::test]
async fn what_has_no_place_in_a_mailbox_is_told_so_at_once() {
    let service = Scripted::saying("ok");
    let system = before(&service, &NARROW).await;
    let seen = Arc::new(Seen::default());
    let (asked, port) = (seen.clone(), port(&system));
    let client = |_| {
        let seen = asked.clone();
        std::thread::spawn(move || seen.ask_until_it_is_over(port))
    };
    let clients: Vec<_> = (0..CLIENTS).map(client).collect();
    let is_enough = async || {
        seen.answered.load(SeqCst) >= ANSWERED_MIN && seen.refused.load(SeqCst) >= REFUSED_MIN
    };
    system.eventually("some are refused and some are answered", is_enough).await;
    seen.is_over.store(true, SeqCst);
    clients.into_iter().for_each(|client| client.join().unwrap());

    let (answered, refused) = (seen.answered.load(SeqCst), seen.refused.load(SeqCst));
    assert_eq!(*seen.other.lock().unwrap(), Vec::<String>::new());
    // Each refusal was one, and what came to the service was what had a place.
    assert_eq!(mailbox(&system, "rejected_total").await, refused as f64);
    assert_eq!(service.heard().len() as u64, answered);
    assert_eq!(mailbox(&system, "high_water").await, 1.0);
    assert_eq!(mailbox(&system, "depth").await, 0.0);
    assert_eq!(mailbox(&system, "wait_seconds_count").await, answered as f64);
    let tree = system.caretaker().get("/admin/actors").await.expect(200);
    let tree = tree.to_string();
    let shown = format!(r#""mailbox":{{"cap":1,"depth":0,"high":1,"rejected":{refused}}}"#);
    assert!(tree.contains(&shown), "{tree}");
}

/// Nobody waits for a place: the answer comes in the time of any answer.
#[actix_web::test]
async fn a_refusal_does_not_wait() {
    let service = Scripted::saying("ok");
    let system = before(&service, &NARROW).await;
    let port = port(&system);
    let request = "POST /api/payments HTTP/1.1\r\nhost: busbar\r\ncontent-length: 0\r\n\r\n";
    // The time is taken beside that of answers which need no actor, in the same burst: a machine that
    // is busy with other tests is slow with both.
    let mut refusals = Vec::new();
    let mut pages = Vec::new();
    let start = Instant::now();
    while refusals.len() < 20 {
        assert!(start.elapsed() < crate::support::launch::PATIENCE, "{} refusals", refusals.len());
        let burst = (0..CLIENTS).map(|number| {
            std::thread::spawn(move || {
                let mut wire = Wire::to(port);
                let begun = Instant::now();
                let is_page = number % 8 == 0;
                let answer =
                    if is_page { wire.get("/health/live") } else { wire.send(request).answer() };
                (is_page, answer.status(), begun.elapsed())
            })
        });
        for client in burst.collect::<Vec<_>>() {
            let (is_page, status, took) = client.join().unwrap();
            match status {
                503 => refusals.push(took),
                _ if is_page => pages.push(took),
                _ => {}
            }
        }
    }
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    let (refused, page) = (median(refusals), median(pages));
    println!("a refusal takes {refused:?}, a page of the gateway's own {page:?}");
    assert!(refused < page * 2 + Duration::from_millis(5), "{refused:?} against {page:?}");
}
