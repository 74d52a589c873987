//! One service behind the gateway, or what an added route leads to: its instances, the places in
//! front of them, its counters.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use busbar_actors::mailbox::{Bounded, Permit};
use busbar_http::Problem;
use busbar_http::lane::Instance;

use super::forward::Loss;
use super::meters::{Meters, UpstreamMeters};
use super::{Behind, balance};
use crate::config;

/// Shared by all worker threads.
pub(super) struct Destination {
    /// For logs and labels.
    pub(super) name: Arc<str>,
    pub(super) instances: Vec<Arc<Instance>>,
    /// What the supervisor tells, when the service is hosted in this process.
    pub(super) news: Option<Arc<busbar_actors::Upstream>>,
    pub(super) meters: UpstreamMeters,
    /// Requests under way and in line, over all instances: actors' mailboxes have no bound of
    /// their own that holds.
    places: Bounded,
    turn: AtomicUsize,
}

impl Destination {
    pub(super) fn new(behind: Behind, settings: &config::Gateway, meters: &Meters) -> Destination {
        let Behind { name, instances, news, .. } = behind;
        let places_each = settings.max_sockets.saturating_add(settings.max_pending);
        let places = Bounded::new(places_each.saturating_mul(instances.len()));
        let meters = meters.of(&name);
        Destination { name, instances, news, meters, places, turn: AtomicUsize::new(0) }
    }

    /// A place for one request, held until its answer has been handed out.
    pub(super) fn enter(&self) -> Result<Permit, Problem> {
        self.places.enter().ok_or_else(|| {
            let loss = Loss::Overflow;
            self.meters.lost(&loss);
            loss.problem(&self.name)
        })
    }

    /// The instance to ask first.
    pub(super) fn first(&self) -> usize {
        let count = self.instances.len();
        if count < 2 {
            return 0;
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        balance::first(turn, count, |index| {
            let counts = self.instances[index].counts();
            counts.busy + counts.waiting
        })
    }
}
