//! One endpoint that is slow, or dead, delays no other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use super::house::{Receiver, id, may_call_home, publish, webhook};
use crate::support::wire::{Scripted, Then, pause, reply};

/// What waits for the slow endpoint.
const QUEUED: usize = 10_000;
/// As many as on SQLite would take half a minute to bring in.
const QUEUED_ON_POSTGRES: usize = 2_000;
/// `webhooks.endpoint_parallel`, if not set.
const PARALLEL: usize = 4;
/// A little less than an attempt may take.
const SLOW: Duration = Duration::from_secs(14);

may_call_home! {
    /// With thousands queued for an endpoint that takes its time, another gets everything, while
    /// the slow one has no more than its few calls under way.
    async fn a_slow_endpoint_starves_nobody(system: TestSystem) {
        let staff = system.admin().await;
        let is_over = Arc::new(AtomicBool::new(false));
        let (now, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
        let (over, at_once) = (is_over.clone(), most.clone());
        let slow = Scripted::start(move |_, stream| {
            let start = Instant::now();
            at_once.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            while start.elapsed() < SLOW && !over.load(SeqCst) {
                pause(Duration::from_millis(20));
            }
            now.fetch_sub(1, SeqCst);
            reply(stream, "at last");
            Then::Close
        });
        let slow_one = webhook(&staff, &slow.url(), &["bill.voided"]).await;
        let quick = Receiver::answering(&["200 OK"]);
        webhook(&staff, &quick.url(), &["bill.paid"]).await;
        let queued = match system.engine() {
            Engine::Sqlite => QUEUED,
            Engine::Postgres => QUEUED_ON_POSTGRES,
        };
        publish(&system, "bill.voided", queued).await;
        system.eventually("it is called", async || slow.heard().len() >= PARALLEL).await;
        let before = slow.heard().len();
        publish(&system, "bill.paid", 50).await;
        quick.hears(&system, 50).await;
        // Each call takes 14 s, and there are four at a time: what came meanwhile is a few rounds.
        let calls = slow.heard().len();
        assert!(calls - before <= 4 * PARALLEL, "{before} {calls}");
        assert_eq!(most.load(SeqCst), PARALLEL);
        is_over.store(true, SeqCst);
        let path = format!("/api/webhooks/{}", id(&slow_one));
        staff.delete(&path).await.expect(204);
    }
}
