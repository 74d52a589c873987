//! The proof of the whole. `BUSBAR_TEST_PROOF_ROUNDS` says how often, `BUSBAR_TEST_PROOF_RATE` how
//! many requests a second, `BUSBAR_TEST_PROOF_SECONDS` how long at least, `BUSBAR_TEST_PROOF_LOG` into
//! which file the whole log of a round goes that fails.

use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use busbar::types::ServiceName;

use super::asked;
use super::faults::{Fault, Kind, generation, happen};
use super::load::{Load, Sent, Span};
use crate::support::{Engine, TestSystem};

/// More restarts than usual are wanted here, and a busy machine is nobody's fault.
pub(super) const RULES: [(&str, &str); 4] = [
    ("BUSBAR_SUPERVISION_RESTARTS_MAX", "1000"),
    ("GATEWAY_REQUEST_TIMEOUT_MS", "20000"),
    ("BUSBAR_SERVER_DRAIN_MS", "20000"),
    ("BUSBAR_SHUTDOWN_TIMEOUT_MS", "25000"),
];
const PER_SECOND: usize = 40;
const BAD_SHOWN: usize = 8;
/// Answers between two faults.
const BREATH: usize = 10;

/// Every service crashes, hangs and is restarted in turn, under load. Nobody is refused, everything
/// is answered with success, no payment is lost or made twice.
async fn round(engine: Engine, number: usize) {
    let system = TestSystem::prepare_apart(engine);
    system.launch_with(&RULES).await;
    system.expect_faults();
    let begin = Instant::now();
    let mut load = Load::start(&system, asked("BUSBAR_TEST_PROOF_RATE", PER_SECOND)).await;
    let mut faults = Vec::new();
    for kind in Kind::ALL {
        for service in ServiceName::ALL {
            load.runs_for(BREATH).await;
            faults.push(happen(&system, service, kind).await);
        }
    }
    let least = Duration::from_secs(asked("BUSBAR_TEST_PROOF_SECONDS", 0));
    actix_rt::time::sleep(least.saturating_sub(begin.elapsed())).await;
    load.runs_for(BREATH).await;
    let sent = load.end();

    let told = told(&sent, &faults, begin.elapsed(), load.keys());
    println!("round {number} on {engine:?}: {told}");
    let bad: Vec<_> = sent.iter().filter_map(|sent| sent.bad.as_ref()).collect();
    let some: Vec<_> = bad.iter().take(BAD_SHOWN).collect();
    assert!(bad.is_empty(), "{} bad, such as {some:#?}\n{}", bad.len(), tail(&system));
    assert_eq!(load.refused.load(SeqCst), 0, "connections were refused");
    for service in ServiceName::ALL {
        let lives = generation(&system, service);
        assert_eq!(lives, 1 + Kind::ALL.len(), "{service} was replaced unasked\n{}", tail(&system));
    }
    let gateways = |fault: &&Fault| fault.service == ServiceName::Gateway;
    let of_gateway: Vec<&Fault> = faults.iter().filter(gateways).collect();
    let is_odd = |span: &&Span| !of_gateway.iter().any(|fault| fault.meets(**span));
    let odd: Vec<_> = sent.iter().flat_map(|sent| &sent.cuts).filter(is_odd).collect();
    assert!(odd.is_empty(), "cut though the gateway was well: {odd:?}");
    let odd: Vec<_> = sent.iter().flat_map(|sent| &sent.closed).filter(is_odd).collect();
    assert!(odd.is_empty(), "closed though the gateway was well: {odd:?}");
    load.is_paid_once(&system).await;
    system.finish().await;
}

/// What was seen, in a few lines.
fn told(sent: &[Sent], faults: &[Fault], took: Duration, paid: usize) -> String {
    let cut: usize = sent.iter().map(|sent| sent.cuts.len()).sum();
    let closed: usize = sent.iter().map(|sent| sent.closed.len()).sum();
    let bad = sent.iter().filter(|sent| sent.bad.is_some()).count();
    let mut text = format!(
        "{} requests in {:.0} s, {paid} payments, {bad} bad, {cut} sent again by their clients, \
         {closed} connections found closed",
        sent.len(),
        took.as_secs_f64()
    );
    for kind in Kind::ALL {
        for is_gateway in [false, true] {
            let own = faults.iter().filter(|fault| {
                fault.kind == kind && (fault.service == ServiceName::Gateway) == is_gateway
            });
            let own: Vec<&Fault> = own.collect();
            let gap = own.iter().map(|fault| fault.gap(sent)).max().unwrap_or_default();
            let met =
                |sent: &&Sent| own.iter().any(|it| it.concerns(sent) && it.meets(sent.span()));
            let slowest = sent.iter().filter(met).map(|sent| sent.took).max().unwrap_or_default();
            let whose = if is_gateway { "the gateway" } else { "a service" };
            text += &format!("\n  {kind:8} of {whose:12} longest gap {gap:>8.0?}");
            text += &format!("  slowest answer {slowest:>8.0?}");
        }
    }
    text
}

/// The end of the log, for who has to find out why.
fn tail(system: &TestSystem) -> String {
    let log = system.log();
    let file = asked("BUSBAR_TEST_PROOF_LOG", String::new());
    if !file.is_empty() {
        std::fs::write(file, log.join("\n")).unwrap();
    }
    let worth = |line: &&String| {
        (line.contains("ERROR") || line.contains("WARN")) && !line.contains("slow_request")
    };
    let worth: Vec<&str> = log.iter().filter(worth).map(String::as_str).collect();
    worth[worth.len().saturating_sub(80)..].join("\n")
}

async fn rounds(engine: Engine) {
    for number in 1..=asked("BUSBAR_TEST_PROOF_ROUNDS", 1) {
        round(engine, number).await;
    }
}

#[actix_web::test]
#[ignore = "leaves what runs beside it no time; `make proofs` runs it alone"]
async fn every_service_falls_under_load_sqlite() {
    rounds(Engine::Sqlite).await;
}

#[actix_web::test]
#[ignore = "leaves what runs beside it no time; `make proofs` runs it alone"]
async fn every_service_falls_under_load_postgres() {
    rounds(Engine::Postgres).await;
}
