//! Many requests with everything going wrong at once: nobody ever gets another's answer, and nothing
//! is left behind. `BUSBAR_TEST_SOAK_REQUESTS` says how many; a million take some minutes.

use std::collections::HashMap;
use std::fs;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use busbar::types::ServiceName;

use super::{port, routed, tables};
use crate::support::launch::Process;
use crate::support::system::Reloading;
use crate::support::wire::{Heard, Scripted, Then, Wire, pause, say};

const REQUESTS: usize = 5_000;
/// More of them when there are many requests: most wait, as the service does on purpose.
const CLIENTS: usize = 16;
const CLIENTS_OF_MANY: usize = 128;
const MANY: usize = 100_000;
/// What the service does with a request, by its number; most are answered as they should be.
const FAULTS: [&str; 24] = [
    "",
    "",
    "",
    "",
    "reset",
    "",
    "",
    "interim",
    "",
    "slow",
    "",
    "cut",
    "",
    "chunks",
    "",
    "double",
    "",
    "goodbye",
    "",
    "stray",
    "",
    "cut-chunks",
    "",
    "late-reset",
];

/// Answers with the nonce of the request, somehow.
fn answer(heard: &Heard, stream: &mut TcpStream) -> Then {
    let nonce = heard.message.field("x-nonce");
    let whole =
        |body: &str| format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    match heard.message.field("x-fault").as_str() {
        "reset" => return Then::Close,
        "interim" => {
            say(stream, format!("HTTP/1.1 103 Early Hints\r\nx-hint: {nonce}\r\n\r\n"));
            say(stream, whole(&nonce));
        }
        "slow" => {
            let (first, second) = nonce.split_at(1);
            say(
                stream,
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{first}", nonce.len()),
            );
            pause(Duration::from_millis(3));
            say(stream, second);
        }
        "cut" => {
            say(stream, format!("HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{nonce}"));
            return Then::Close;
        }
        "chunks" => say(
            stream,
            format!(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{nonce}\r\n0\r\n\r\n",
                nonce.len()
            ),
        ),
        "cut-chunks" => {
            say(
                stream,
                format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{nonce}"),
            );
            return Then::Close;
        }
        // Twice: the second answer belongs to nobody.
        "double" => say(stream, format!("{}{}", whole(&nonce), whole(&nonce))),
        "goodbye" => {
            say(stream, whole(&nonce));
            return Then::Close;
        }
        "stray" => say(stream, format!("{}{nonce}", whole(&nonce))),
        "late-reset" => {
            pause(Duration::from_millis(3));
            return Then::Close;
        }
        _ => say(stream, whole(&nonce)),
    }
    Then::Keep
}

/// What clients saw.
#[derive(Default)]
struct Seen {
    right: AtomicUsize,
    /// Told as a failure, or cut.
    failed: AtomicUsize,
    left: AtomicUsize,
    wrong: Mutex<Vec<String>>,
}

/// One client: a request after the other, on a connection for as long as it holds.
fn ask_for(port: u16, numbers: impl Iterator<Item = usize>, seen: &Seen) {
    let mut wire = Wire::to(port);
    for number in numbers {
        let (nonce, fault) = (format!("nonce-{number}"), FAULTS[number % FAULTS.len()]);
        let method = if number % 3 == 0 { "POST" } else { "GET" };
        let cached = if number % 5 == 0 { "/cached" } else { "" };
        let length = if method == "POST" { "content-length: 0\r\n" } else { "" };
        wire.send(format!(
            "{method} /soak{cached}/{number} HTTP/1.1\r\nhost: busbar\r\nx-nonce: {nonce}\r\nx-fault: {fault}\r\n{length}\r\n"
        ));
        if number % 31 == 0 {
            seen.left.fetch_add(1, SeqCst);
            wire = Wire::to(port);
            continue;
        }
        let answer = std::iter::repeat_with(|| wire.try_answer().unwrap_or_default())
            .find(|answer| !(100..200).contains(&answer.status()))
            .unwrap_or_default();
        match answer.status() {
            200 if answer.is_whole && answer.text() == nonce => seen.right.fetch_add(1, SeqCst),
            // Never a byte of another's.
            200 if !answer.is_whole && (answer.body.is_empty() || answer.text() == nonce) => {
                seen.failed.fetch_add(1, SeqCst)
            }
            0 | 502 | 503 | 504 => seen.failed.fetch_add(1, SeqCst),
            _ => {
                seen.wrong.lock().unwrap().push(format!("{nonce} {fault}: {answer:?}"));
                0
            }
        };
        if !answer.is_whole {
            wire = Wire::to(port);
        }
    }
}

/// Of the process: resident memory in bytes, threads, open files.
fn held(process: &Process) -> HashMap<&'static str, usize> {
    let id = process.id();
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let number = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap()
    };
    let files = fs::read_dir(format!("/proc/{id}/fd")).unwrap().count();
    HashMap::from([
        ("memory", number("VmRSS") * 1024),
        ("threads", number("Threads")),
        ("files", files),
    ])
}

fn clients(requests: usize) -> usize {
    if requests < MANY { CLIENTS } else { CLIENTS_OF_MANY }
}

fn soak(port: u16, requests: usize, clients: usize) -> Arc<Seen> {
    let (seen, count) = (Arc::new(Seen::default()), clients);
    let clients: Vec<_> = (0..count)
        .map(|client| {
            let seen = seen.clone();
            std::thread::spawn(move || ask_for(port, (client..requests).step_by(count), &seen))
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().unwrap());
    seen
}

#[actix_web::test]
async fn no_answer_reaches_the_wrong_client_and_nothing_is_left_behind() {
    #[allow(clippy::disallowed_methods, reason = "how long a test is, not what it tests")]
    let asked = std::env::var("BUSBAR_TEST_SOAK_REQUESTS").ok();
    let requests = asked.map_or(REQUESTS, |text| text.parse().expect("a number"));
    let service = Scripted::start(answer);
    let routes =
        [("/soak", &service, "retry = \"on\""), ("/soak/cached", &service, "cache = \"shared\"")];
    let system = routed(&routes, &[("BUSBAR_LOG", "off")]).await;
    let (gateway, process) = (port(&system), system.take_process());
    // Settings change all the while.
    let reloading = Reloading::start(system.folder(), &process, &tables(&routes));
    // What is made once is made.
    soak(gateway, requests / 5, clients(requests));
    let before = held(&process);

    let seen = soak(gateway, requests, clients(requests));

    let count = |counter: &AtomicUsize| counter.load(SeqCst);
    let wrong = std::mem::take(&mut *seen.wrong.lock().unwrap());
    assert!(wrong.is_empty(), "{} wrong, such as {}", wrong.len(), wrong[0]);
    let all = count(&seen.right) + count(&seen.failed) + count(&seen.left);
    assert_eq!(all, requests);
    assert!(count(&seen.right) > requests / 2, "{} of {requests}", count(&seen.right));
    system
        .eventually("nothing is under way any more", async || {
            let metrics = system.anonymous().get("/metrics/prometheus").await.text();
            let is_idle = |line: &str| line.ends_with(" 0") || line.ends_with(" 0.0");
            let mut busy = metrics.lines().filter(|line| line.contains("state=\"busy\""));
            busy.all(is_idle)
        })
        .await;
    let open = "busbar_http_requests_in_flight";
    assert_eq!(system.figure(ServiceName::Gateway, open).await, 1.0, "the question itself");
    let after = held(&process);
    // One thread may have come that reads settings.
    assert!(after["threads"] <= before["threads"] + 1, "{before:?} {after:?}");
    let reloads = reloading.stop();
    assert!(reloads > 5, "{reloads} reloads");
    system
        .eventually("no connection is left to who is not asked any more", async || {
            held(&process)["files"] <= before["files"] + clients(requests)
        })
        .await;
    // Per request it would show: a hundred bytes each are two megabytes.
    let grown = after["memory"].saturating_sub(before["memory"]);
    assert!(grown < 16_000_000 + requests, "{before:?} {after:?}");
    println!(
        "{requests} requests: {} right, {} told or seen as failed, {} left, {reloads} reloads; memory grew by {grown} bytes",
        count(&seen.right),
        count(&seen.failed),
        count(&seen.left)
    );
}
