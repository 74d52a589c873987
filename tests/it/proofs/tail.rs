//! What the restarts of one service cost the others: their slowest answers before and meanwhile,
//! side by side. `BUSBAR_TEST_PROOF_SECONDS` says how long each half is.

use std::time::{Duration, Instant};

use busbar::types::ServiceName;

use super::asked;
use super::faults::{Kind, happen};
use super::load::{Load, Sent};
use super::rounds::RULES;
use crate::support::{Engine, TestSystem};

const PER_SECOND: usize = 40;
const SECONDS: u64 = 4;

/// The time within which so many of a hundred were answered.
fn percentile(sent: &[&Sent], percent: usize) -> Duration {
    let mut took: Vec<Duration> = sent.iter().map(|sent| sent.took).collect();
    took.sort_unstable();
    took.get((took.len() * percent / 100).min(took.len().saturating_sub(1))).copied().unwrap()
}

/// Billing is restarted again and again: whoever asks another service is answered as before.
#[actix_web::test]
async fn a_restart_is_not_noticed_elsewhere() {
    let system = TestSystem::start_with(Engine::Sqlite, &RULES).await;
    system.expect_faults();
    let half = Duration::from_secs(asked("BUSBAR_TEST_PROOF_SECONDS", SECONDS));
    let mut load = Load::start(&system, asked("BUSBAR_TEST_PROOF_RATE", PER_SECOND)).await;
    actix_rt::time::sleep(half).await;
    let (middle, mut restarts) = (Instant::now(), 0);
    while middle.elapsed() < half {
        happen(&system, ServiceName::Billing, Kind::Restart).await;
        restarts += 1;
    }
    let sent = load.end();

    println!("{restarts} restarts of billing in {half:?}; p50 and p99 before, and meanwhile:");
    for service in ServiceName::domain().filter(|name| *name != ServiceName::Billing) {
        let own = sent.iter().filter(|sent| sent.service == service);
        let (before, meanwhile): (Vec<_>, Vec<_>) = own.partition(|sent| sent.at < middle);
        let [p50, p99] = [50, 99].map(|percent| percentile(&before, percent));
        let [then_p50, then_p99] = [50, 99].map(|percent| percentile(&meanwhile, percent));
        println!("  {service:14} {p50:>8.1?} {p99:>8.1?}   {then_p50:>8.1?} {then_p99:>8.1?}");
    }
    let bad: Vec<_> = sent.iter().filter_map(|sent| sent.bad.as_ref()).collect();
    assert!(bad.is_empty(), "{bad:?}");
    assert!(
        sent.iter().all(|sent| sent.cuts.is_empty() && sent.closed.is_empty()),
        "no connection broke"
    );
    load.is_paid_once(&system).await;
    system.finish().await;
}
