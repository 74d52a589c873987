//! The faults of a proof, each waited for until the next incarnation serves.

use std::fmt;
use std::time::{Duration, Instant};

use busbar::types::ServiceName;
use serde_json::json;

use super::load::{Sent, Span};
use crate::support::TestSystem;

/// Longer than it takes to find it; then the thread returns, and what it held is told.
const BLOCKED_MS: u64 = 6_000;
/// What a fault leaves behind may show a moment later.
const AFTERMATH: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The thread of the incarnation panics.
    Crash,
    /// A worker thread is blocked.
    Hang,
    /// Who keeps the incarnation panics: it is replaced while it serves.
    Fall,
    /// Somebody tells it to be replaced, at the admin port.
    Restart,
}

/// A fault that has happened, and was got over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    pub(super) service: ServiceName,
    pub(super) span: Span,
}

impl Kind {
    pub(super) const ALL: [Kind; 4] = [Kind::Crash, Kind::Hang, Kind::Fall, Kind::Restart];

    async fn strike(self, system: &TestSystem, service: ServiceName) {
        let fault = match self {
            Kind::Crash => json!({"kind": "panic_thread"}),
            Kind::Hang => json!({"kind": "block", "milliseconds": BLOCKED_MS}),
            Kind::Fall => json!({"kind": "panic_life"}),
            Kind::Restart => return restart(system, service).await,
        };
        system.inject(service, fault, 1).await;
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Crash => "crash",
            Kind::Hang => "hang",
            Kind::Fall => "fall",
            Kind::Restart => "restart",
        })
    }
}

/// The newest incarnation that has come up.
pub(super) fn generation(system: &TestSystem, service: ServiceName) -> usize {
    let up = format!("{service}#");
    let is_up = |line: &String| line.contains(&up) && line.contains(" is up on ");
    system.log().iter().filter(|line| is_up(line)).count()
}

async fn restart(system: &TestSystem, service: ServiceName) {
    let path = format!("/admin/services/{service}/restart?wait=60");
    let told = system.caretaker().post(&path, json!({})).await.expect(200);
    assert_eq!(told["state"], "done", "{told}");
}

/// Has it happen to a service, and waits until that serves again.
pub(super) async fn happen(system: &TestSystem, service: ServiceName, kind: Kind) -> Fault {
    let (before, from) = (generation(system, service), Instant::now());
    kind.strike(system, service).await;
    let what = format!("{service} is back after a {kind}");
    system.eventually(&what, async || generation(system, service) > before).await;
    Fault { kind, service, span: Span { from, to: Instant::now() } }
}

impl Fault {
    /// Whether something may have happened while this lasted.
    pub(super) fn meets(&self, span: Span) -> bool {
        // The connections of a blocked thread are its own until it returns.
        let held = match self.kind {
            Kind::Hang => Duration::from_millis(BLOCKED_MS),
            _ => Duration::ZERO,
        };
        let over = self.span.to.max(self.span.from + held) + AFTERMATH;
        span.from <= over && span.to >= self.span.from
    }

    /// Whether it concerns requests of a service: all of them pass the gateway.
    pub(super) fn concerns(&self, sent: &Sent) -> bool {
        self.service == ServiceName::Gateway || self.service == sent.service
    }

    /// The longest time without an answer to the requests that it concerns.
    pub(super) fn gap(&self, sent: &[Sent]) -> Duration {
        let concerned = sent.iter().filter(|sent| self.concerns(sent) && sent.bad.is_none());
        let mut answered: Vec<Instant> = concerned.map(|sent| sent.at + sent.took).collect();
        answered.sort_unstable();
        let gaps =
            answered.windows(2).filter(|pair| pair[1] >= self.span.from && pair[0] <= self.span.to);
        gaps.map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
    }
}
