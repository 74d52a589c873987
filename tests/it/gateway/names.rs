//! Instances by a name: one at each of its addresses, which come and go while requests are under way.
//!
//! The names are in a file that the program reads at each look-up; those that are not in it it asks the
//! machine for, which does not know them.

mod calls;
mod swaps;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use busbar::types::ServiceName;
use serde_json::json;

use super::{PATIENT, QUIET};
use crate::support::launch::PATIENCE;
use crate::support::wire::{Scripted, Then, pause, reply, say};
use crate::support::{Engine, Person, TestSystem, postgres};

const NAME: &str = "pay.invalid";
const FILE: (&str, &str) = ("BUSBAR_FAULTS_HOSTS_FILE", "hosts");
const OFTEN: (&str, &str) = ("GATEWAY_RESOLVE_EVERY_MS", "100");

/// An address of this machine alone.
fn address(last: u8, port: u16) -> SocketAddr {
    ([127, 0, 0, last], port).into()
}

/// Answers with its own last number, the moment it is allowed to where the path says `held`.
fn instance(last: u8, port: u16) -> (Scripted, Arc<AtomicBool>) {
    let may_answer = Arc::new(AtomicBool::new(false));
    let allowed = may_answer.clone();
    let script = Scripted::at(address(last, port), move |heard, stream| {
        while heard.message.target().ends_with("/held") && !allowed.load(SeqCst) {
            pause(std::time::Duration::from_millis(2));
        }
        reply(stream, &last.to_string());
        Then::Keep
    });
    (script, may_answer)
}

/// Has the name lead to these addresses from the next look-up on.
fn lead(folder: &Path, name: &str, to: &[u8]) {
    let lines = to.iter().map(|last| format!("127.0.0.{last} {name}\n"));
    std::fs::write(folder.join("hosts.new"), lines.collect::<String>()).unwrap();
    std::fs::rename(folder.join("hosts.new"), folder.join("hosts")).unwrap();
}

/// A gateway before a payments service that has these addresses.
async fn gateway_of(port: u16, to: &[u8], more: &[(&str, &str)]) -> TestSystem {
    let system = TestSystem::prepare(Engine::Sqlite);
    system.share_a_key();
    lead(system.folder(), NAME, to);
    let url = format!("dns+http://{NAME}:{port}");
    let variables = [&[QUIET, PATIENT, FILE, OFTEN, ("PAYMENT_SERVICE_URL", &url)], more].concat();
    system.spawn(&[ServiceName::Gateway], &variables);
    system.ready(&[ServiceName::Gateway]).await;
    system
}

/// Who has answered so many requests.
async fn answered(gateway: &Person, requests: usize) -> Vec<u16> {
    let mut by = Vec::new();
    for _ in 0..requests {
        let answer = gateway.post("/api/payments", json!({})).await;
        by.push(answer.text().parse().unwrap_or(answer.status));
    }
    by.sort_unstable();
    by.dedup();
    by
}

/// Every address has its share; one that is gone gets no new request, and answers what it has.
#[actix_web::test]
async fn every_address_has_its_share_and_one_that_goes_is_drained() {
    let port = postgres::free_port();
    let ((two, may_answer), (_three, is_quick)) = (instance(2, port), instance(3, port));
    is_quick.store(true, SeqCst);
    let system = gateway_of(port, &[2, 3], &[("BUSBAR_HEALTH_INTERVAL_MS", "100")]).await;
    assert_eq!(answered(&system.anonymous(), 20).await, [2, 3]);
    assert_eq!(two.last().field("host"), format!("{NAME}:{port}"), "the name, not the address");
    let shown = async || {
        let health = system.anonymous().get("/health").await.expect(200);
        let of = |service: &&serde_json::Value| service["service"] == "payment";
        let service = health["services"].as_array().unwrap().iter().find(of).unwrap().clone();
        (service["status"].clone(), service["instances"].as_array().unwrap().len())
    };
    system.eventually("both are watched", async || shown().await == ("UP".into(), 2)).await;

    // Whoever has to wait is at the second: the third answers at once.
    let held = || {
        let person = system.anonymous();
        actix_rt::spawn(async move { person.post("/api/payments/held", json!({})).await.text() })
    };
    let (waiting, mut asked) = (two.heard().len(), Vec::new());
    let is_held = || two.heard()[waiting..].iter().any(|it| it.message.target().ends_with("/held"));
    while !is_held() {
        asked.push(held());
        answered(&system.anonymous(), 2).await;
    }
    let told = system.log().len();
    lead(system.folder(), NAME, &[3]);
    let line = system.told_after(told, &format!("the name {NAME}, addresses: 1;")).await;
    assert!(line.ends_with("new: none; gone: 127.0.0.2"), "{line}");
    let alone = async || shown().await == ("UP".into(), 1);
    system.eventually("it is not watched any more", alone).await;
    let before = two.heard().len();
    assert_eq!(answered(&system.anonymous(), 20).await, [3]);
    assert_eq!(two.heard().len(), before, "no new request");
    may_answer.store(true, SeqCst);
    let mut answers = Vec::new();
    for asked in asked {
        answers.push(actix_rt::time::timeout(PATIENCE, asked).await.unwrap().unwrap());
    }
    assert!(answers.contains(&"2".to_owned()) && answers.iter().all(|it| it == "2" || it == "3"));

    lead(system.folder(), NAME, &[3, 2]);
    let back = async || answered(&system.anonymous(), 20).await == [2, 3];
    system.eventually("it is back", back).await;
}

/// The last addresses stay while nobody knows the name, and that is told and counted.
#[actix_web::test]
async fn a_look_up_that_fails_changes_nothing() {
    let port = postgres::free_port();
    let ((_two, _), (_three, _), (_four, _)) =
        (instance(2, port), instance(3, port), instance(4, port));
    let system = gateway_of(port, &[2, 3], &[]).await;
    assert_eq!(answered(&system.anonymous(), 20).await, [2, 3]);
    let failed = async || {
        let text = system.anonymous().get("/metrics/prometheus").await.text();
        let line = format!("busbar_name_lookups_total{{name=\"{NAME}\",result=\"failed\"}} ");
        let count = text.lines().find_map(|shown| shown.strip_prefix(&line));
        assert!(text.contains(&format!("busbar_name_addresses{{name=\"{NAME}\"}} 2")), "{text}");
        count.unwrap().parse::<f64>().unwrap()
    };
    assert_eq!(failed().await, 0.0);

    let told = system.log().len();
    lead(system.folder(), NAME, &[]);
    let line = system.told_after(told, &format!("the name {NAME} is not found (")).await;
    assert!(line.contains("its last addresses stay"), "{line}");
    system.eventually("again and again", async || failed().await >= 3.0).await;
    assert_eq!(answered(&system.anonymous(), 20).await, [2, 3]);
    let times = system.log().iter().filter(|line| line.contains("is not found")).count();
    assert_eq!(times, 1, "told once");

    lead(system.folder(), NAME, &[4]);
    system.told_after(told, &format!("the name {NAME} is found again")).await;
    let moved = async || answered(&system.anonymous(), 20).await == [4];
    system.eventually("the new one has it all", moved).await;
}

/// Whoever is not there yet is no reason not to start.
#[actix_web::test]
async fn a_name_may_come_after_the_start() {
    let port = postgres::free_port();
    let (_two, _) = instance(2, port);
    let often = ("GATEWAY_RESOLVE_EVERY_MS", "600000");
    let system = gateway_of(port, &[], &[often]).await;
    let answer = system.anonymous().get("/api/payments").await;
    assert!(!answer.header("retry-after").is_empty(), "{answer}");
    answer.expect_problem(503, "service_unavailable");
    let told = format!("the name {NAME} is not found");
    assert!(system.wait_for_log(&told).await.contains("nothing is sent there until"));

    lead(system.folder(), NAME, &[2]);
    let comes = async || answered(&system.anonymous(), 1).await == [2];
    system.eventually("it is looked up soon, not in ten minutes", comes).await;
}

/// One that fails is left alone also when others come and go, and is called by the same number.
#[actix_web::test]
async fn what_is_known_of_an_address_stays_known() {
    let port = postgres::free_port();
    let failures = Arc::<AtomicUsize>::default();
    let failed = failures.clone();
    let _sick = Scripted::at(address(3, port), move |_, stream| {
        failed.fetch_add(1, SeqCst);
        say(stream, "HTTP/1.1 502 Sick\r\ncontent-length: 0\r\n\r\n");
        Then::Keep
    });
    let ((_two, _), (_four, _)) = (instance(2, port), instance(4, port));
    let system = gateway_of(port, &[2, 3], &[("GATEWAY_BREAKER_OPEN_MS", "60000")]).await;
    assert_eq!(answered(&system.anonymous(), 60).await, [2, 502]);
    assert_eq!(failures.load(SeqCst), 5);

    lead(system.folder(), NAME, &[3, 4]);
    let moved = async || answered(&system.anonymous(), 1).await == [4];
    system.eventually("the new one has it all", moved).await;
    assert_eq!(answered(&system.anonymous(), 20).await, [4]);
    assert_eq!(failures.load(SeqCst), 5);
    let metrics = system.anonymous().get("/metrics/prometheus").await.text();
    let state = "busbar_gateway_breaker_state{instance=";
    let states = metrics.lines().filter_map(|line| line.strip_prefix(state));
    let states: Vec<&str> = states.filter(|state| state.contains("payments")).collect();
    let said = |number, is| format!("\"{number}\",upstream=\"payments\"}} {is}");
    assert_eq!(states, [said(0, 0), said(1, 2)]);
}
