//! Threads that no longer turn, and servers that take nothing any more: found without a question
//! being put by luck, replaced without help.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use awc::http::Method;
use busbar::types::ServiceName;
use serde_json::{Value, json};

use super::asked;
use super::faults::generation;
use super::rounds::RULES;
use crate::support::launch::{PATIENCE, Process};
use crate::support::wire::Wire;
use crate::support::{Engine, TestSystem};

/// Longer than any test.
const FOR_GOOD_MS: u64 = 100_000_000;
const READ: &str =
    "GET /.well-known/jwks.json HTTP/1.1\r\nhost: busbar\r\nconnection: close\r\n\r\n";

/// The status of a read of the users service, if it comes within so long.
fn read(port: u16, wait: Duration) -> Option<u16> {
    let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let answer = Wire::over(stream, wait).send(READ).try_answer();
    answer.map(|answer| answer.status())
}

/// The fault hits the users service, which is replaced, and answers.
async fn is_replaced(workers: &str, fault: Value, said: &str) {
    let workers = [("USER_SERVICE_WORKERS", workers)];
    let system = TestSystem::start_with(Engine::Sqlite, &[&RULES[..], &workers].concat()).await;
    let port = system.port(ServiceName::Users);
    system.inject(ServiceName::Users, fault, 1).await;
    // It may hit this request, or none.
    let _ = read(port, Duration::from_millis(100));
    system.wait_for_log(said).await;
    let back = async || generation(&system, ServiceName::Users) == 2;
    system.eventually("the next incarnation serves", back).await;
    // Those that the old one took before it was paused wait with it.
    let answers = async || read(port, Duration::from_secs(1)) == Some(200);
    system.eventually("it answers", answers).await;
    for name in ServiceName::ALL.into_iter().filter(|name| *name != ServiceName::Users) {
        assert_eq!(generation(&system, name), 1, "{name} was restarted too");
    }
    system.finish().await;
}

/// Two of three go on answering: no question from outside would find the third.
#[actix_web::test]
async fn one_blocked_worker_of_three() {
    let fault = json!({"kind": "block", "milliseconds": FOR_GOOD_MS});
    is_replaced("3", fault, "users: its thread worker-").await;
}

/// The workers answer, and the service behind them is dead.
#[actix_web::test]
async fn a_blocked_main_thread() {
    let fault = json!({"kind": "block_thread", "milliseconds": 8_000});
    is_replaced("1", fault, "users: its thread main is blocked").await;
}

/// Its threads have ended, its server has not.
#[actix_web::test]
async fn a_system_that_is_half_dead() {
    is_replaced("1", json!({"kind": "stop_system"}), "users: its thread worker-0 is blocked").await;
}

/// All threads turn, and nobody takes connections.
#[actix_web::test]
async fn a_server_that_is_deaf() {
    is_replaced("1", json!({"kind": "deaf"}), "users takes no connections any more").await;
}

/// A loop that has more to do than it can is slow, and alive: between two looks at its timers it takes
/// up as many requests as there are tasks in a turn, and each of these keeps it busy for a while.
#[actix_web::test]
async fn a_loop_that_is_busy_is_not_taken_for_blocked() {
    const REQUESTS: usize = 120;
    const BUSY_MS: u64 = 60;
    let workers = [("USER_SERVICE_WORKERS", "1")];
    let system = TestSystem::start_with(Engine::Sqlite, &[&RULES[..], &workers].concat()).await;
    let port = system.port(ServiceName::Users);
    let busy = json!({"kind": "block", "milliseconds": BUSY_MS});
    system.inject(ServiceName::Users, busy, REQUESTS as u32).await;
    let start = Instant::now();
    let asking = || std::thread::spawn(move || read(port, PATIENCE));
    let asking: Vec<_> = std::iter::repeat_with(asking).take(REQUESTS).collect();
    let answers: Vec<_> = asking.into_iter().map(|asked| asked.join().unwrap()).collect();
    assert_eq!(answers, [Some(200); REQUESTS]);
    let least = Duration::from_millis(BUSY_MS * REQUESTS as u64);
    assert!(start.elapsed() >= least, "{:?}: they were not one after the other", start.elapsed());
    for name in ServiceName::ALL {
        assert_eq!(generation(&system, name), 1, "{name} was replaced");
    }
    system.finish().await;
}

/// Whoever stops a process waits for what can still be answered, not for what never will be.
#[actix_web::test]
async fn a_stop_does_not_wait_for_a_thread_that_is_blocked() {
    let workers = [("USER_SERVICE_WORKERS", "1")];
    let system = TestSystem::start_with(Engine::Sqlite, &[&RULES[..], &workers].concat()).await;
    let (port, mut process) = (system.port(ServiceName::Users), system.take_process());
    let fault = json!({"kind": "block", "milliseconds": FOR_GOOD_MS});
    system.inject(ServiceName::Users, fault, 1).await;
    assert_eq!(read(port, Duration::from_millis(100)), None, "it is blocked");
    let start = Instant::now();
    process.signal("TERM");
    process.ended().await;
    let (drain, took) = (Duration::from_millis(20_000), start.elapsed());
    assert!(took < drain, "{took:?}\n{}", process.log().join("\n"));
    assert!(process.log().iter().any(|line| line.contains("hangs while it drains")));
}

/// What a process holds of what may run out.
#[derive(Clone, Copy, Debug)]
struct Held {
    threads: usize,
    files: usize,
}

fn held(process: &Process) -> Held {
    let id = process.id();
    let count = |folder: &str| std::fs::read_dir(format!("/proc/{id}/{folder}")).unwrap().count();
    Held { threads: count("task"), files: count("fd") }
}

/// A handler that never returns, on every worker, again and again: each time the service is back
/// without help. The threads are lost, until there are too many: then the process begins anew, under
/// the same id. `BUSBAR_TEST_PROOF_BLOCKS` says how often, `BUSBAR_TEST_PROOF_BACK_MS` within what time.
#[actix_web::test]
async fn a_service_that_is_blocked_for_good_comes_back_each_time() {
    let bounds = [
        ("USER_SERVICE_WORKERS", "2"),
        ("BUSBAR_HEALTH_LOST_THREADS_MAX", "5"),
        ("BUSBAR_HEALTH_INTERVAL_MS", "600000"),
    ];
    let system = TestSystem::start_with(Engine::Sqlite, &[&RULES[..], &bounds].concat()).await;
    let (port, process) = (system.port(ServiceName::Users), system.take_process());
    let (before, mut most, mut took) = (held(&process), held(&process), Vec::new());
    let blocks = asked("BUSBAR_TEST_PROOF_BLOCKS", 6);
    for _ in 0..blocks {
        let start = block(&system, port).await;
        let answers = async || read(port, Duration::from_millis(200)) == Some(200);
        system.eventually("it answers without help", answers).await;
        took.push(start.elapsed());
        let now = held(&process);
        most.threads = most.threads.max(now.threads);
        most.files = most.files.max(now.files);
    }
    took.sort_unstable();
    let (longest, sum) = (took[blocks - 1], took.iter().sum::<Duration>());
    let (mean, usual) = (sum / u32::try_from(blocks).unwrap(), took[blocks / 2]);
    println!("{blocks} times blocked for good: back after {longest:.1?} at most");
    println!("{mean:.1?} in the mean, {usual:.1?} as a rule");
    println!("before {before:?}, at most {most:?}");
    let within = Duration::from_millis(asked("BUSBAR_TEST_PROOF_BACK_MS", 30_000));
    assert!(longest < within, "{took:?}");
    let begun = process.log().iter().filter(|line| line.contains("begins anew")).count();
    assert!(begun >= blocks / 6, "{begun} times in {blocks}");
    // Two incarnations at a time, and what six blocked threads hold: each a system of its own.
    assert!(most.threads < before.threads + 60, "{before:?} {most:?}");
    assert!(most.files < before.files + 250, "{before:?} {most:?}");
}

/// Blocks both workers of the users service for good; since when.
async fn block(system: &TestSystem, port: u16) -> Instant {
    let order = json!({"fault": {"kind": "block", "milliseconds": FOR_GOOD_MS}, "count": 2});
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < PATIENCE, "it cannot be blocked");
        let door = system.internal(ServiceName::Users);
        let sent = door.try_send(Method::POST, "/internal/fault", Some(order.to_string())).await;
        if sent.is_ok_and(|answer| answer.status == 204) {
            let start = Instant::now();
            // Each takes one of them. A process that began anew meanwhile knows of no fault.
            let silent = [(); 2].map(|()| read(port, Duration::from_millis(150)).is_none());
            if silent == [true; 2] {
                return start;
            }
        }
    }
}
