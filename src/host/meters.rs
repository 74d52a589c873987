//! Figures that are read when somebody asks: connection pools and supervised services.

use std::sync::Arc;

use busbar_actors::{ChildRecord, Registry, State};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounterVec, IntGaugeVec, Opts};

use crate::storage::Database;

/// The connections of a service's database.
#[derive(Clone)]
pub(super) struct PoolCollector {
    database: Database,
    connections: IntGaugeVec,
}

impl PoolCollector {
    pub(super) fn new(
        service: &str,
        database: Database,
    ) -> Result<PoolCollector, prometheus::Error> {
        let about = "Connections of the database pool; waiting: requests for one";
        let opts = Opts::new("busbar_db_pool_connections", about).const_label("service", service);
        Ok(PoolCollector { database, connections: IntGaugeVec::new(opts, &["state"])? })
    }
}

impl Collector for PoolCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.connections.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let status = self.database.pool_status();
        let used = status.size.saturating_sub(status.idle);
        let figures = [
            ("used", used),
            ("idle", status.idle),
            ("max", status.max),
            ("waiting", status.waiting),
        ];
        for (state, count) in figures {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.connections.with_label_values(&[state]).set(count);
        }
        self.connections.collect()
    }
}

/// What the supervisor of a service has to tell: state and restarts, its own and of its children, and how
/// deep their mailboxes are.
#[derive(Clone)]
pub struct RecordCollector {
    name: &'static str,
    registry: Arc<Registry>,
    states: IntGaugeVec,
    restarts: IntCounterVec,
    depth: IntGaugeVec,
    high_water: IntGaugeVec,
    rejected: IntCounterVec,
}

impl RecordCollector {
    pub fn new(
        name: &'static str,
        registry: Arc<Registry>,
    ) -> Result<RecordCollector, prometheus::Error> {
        let states = Opts::new("busbar_actor_state", "1 for the state that a service is in");
        let restarts = Opts::new("busbar_actor_restarts_total", "Incarnations that were replaced");
        let depth = Opts::new("busbar_actor_mailbox_depth", "Messages that wait in a mailbox");
        let high_water = Opts::new("busbar_actor_mailbox_high_water", "The most that ever waited");
        let rejected = Opts::new("busbar_actor_mailbox_rejected_total", "Messages turned away");
        Ok(RecordCollector {
            name,
            registry,
            depth: IntGaugeVec::new(depth, &["actor"])?,
            high_water: IntGaugeVec::new(high_water, &["actor"])?,
            rejected: IntCounterVec::new(rejected, &["actor"])?,
            states: IntGaugeVec::new(states, &["actor", "state"])?,
            restarts: IntCounterVec::new(restarts, &["actor"])?,
        })
    }
}

impl Collector for RecordCollector {
    fn desc(&self) -> Vec<&Desc> {
        let mailboxes = [self.depth.desc(), self.high_water.desc(), self.rejected.desc()];
        [self.states.desc(), self.restarts.desc(), mailboxes.concat()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        if let Some(record) = self.registry.get(self.name) {
            for state in State::ALL {
                let is_it = i64::from(state == record.state);
                self.states.with_label_values(&[self.name, state.as_str()]).set(is_it);
            }
            set(&self.restarts, self.name, record.restarts);
            record.children.iter().for_each(|child| self.child(child));
        }
        let mailboxes = [self.depth.collect(), self.high_water.collect(), self.rejected.collect()];
        [self.states.collect(), self.restarts.collect(), mailboxes.concat()].concat()
    }
}

impl RecordCollector {
    fn child(&self, child: &ChildRecord) {
        let actor = format!("{}/{}", self.name, child.name);
        set(&self.restarts, &actor, child.restarts);
        let Some(mailbox) = child.mailbox else { return };
        let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.depth.with_label_values(&[&actor]).set(gauge(mailbox.depth));
        self.high_water.with_label_values(&[&actor]).set(gauge(mailbox.high_water));
        set(&self.rejected, &actor, mailbox.rejected);
    }
}

fn set(counters: &IntCounterVec, actor: &str, count: u64) {
    let counter = counters.with_label_values(&[actor]);
    counter.reset();
    counter.inc_by(count);
}
