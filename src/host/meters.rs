//! Figures that are read when somebody asks: connection pools and supervised services.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use busbar_actors::{ChildRecord, Reason, Registry, State};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Opts};
use rustix::fs::statvfs;

use crate::build::BUILD;
use crate::storage::Database;

/// Which program this is.
pub(super) fn build_info() -> Result<IntGaugeVec, prometheus::Error> {
    let about = "1, for the program that runs: its version, commit and compiler";
    let opts = Opts::new("busbar_build_info", about);
    let info = IntGaugeVec::new(opts, &["version", "commit", "rustc"])?;
    info.with_label_values(&[BUILD.version, BUILD.commit, BUILD.rustc]).set(1);
    Ok(info)
}

/// The disk under the data directory.
#[derive(Clone)]
pub(super) struct DiskCollector {
    /// As the kernel takes it.
    folder: CString,
    size: IntGauge,
    free: IntGauge,
}

impl DiskCollector {
    pub(super) fn new(folder: &Path) -> Result<DiskCollector, prometheus::Error> {
        let bytes = folder.as_os_str().as_bytes();
        let folder = CString::new(bytes).map_err(|e| prometheus::Error::Msg(e.to_string()))?;
        Ok(DiskCollector {
            folder,
            size: IntGauge::new(
                "busbar_data_disk_size_bytes",
                "The disk that the data directory is on",
            )?,
            free: IntGauge::new("busbar_data_disk_free_bytes", "What is free of it for us")?,
        })
    }
}

impl Collector for DiskCollector {
    fn desc(&self) -> Vec<&Desc> {
        [self.size.desc(), self.free.desc()].concat()
    }

    /// Nothing while there is no such folder yet.
    fn collect(&self) -> Vec<MetricFamily> {
        let Ok(disk) = statvfs(&*self.folder) else { return Vec::new() };
        let bytes =
            |blocks: u64| i64::try_from(blocks.saturating_mul(disk.f_frsize)).unwrap_or(i64::MAX);
        self.size.set(bytes(disk.f_blocks));
        self.free.set(bytes(disk.f_bavail));
        [self.size.collect(), self.free.collect()].concat()
    }
}

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
        [self.connections.desc(), self.database.meters.desc()].concat()
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
        [self.connections.collect(), self.database.meters.collect()].concat()
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
    exits: IntCounterVec,
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
        let exits = Opts::new("busbar_actor_exits_total", "Incarnations that ended, by why");
        Ok(RecordCollector {
            name,
            registry,
            depth: IntGaugeVec::new(depth, &["actor"])?,
            high_water: IntGaugeVec::new(high_water, &["actor"])?,
            rejected: IntCounterVec::new(rejected, &["actor"])?,
            states: IntGaugeVec::new(states, &["actor", "state"])?,
            restarts: IntCounterVec::new(restarts, &["actor"])?,
            exits: IntCounterVec::new(exits, &["actor", "reason"])?,
        })
    }
}

impl Collector for RecordCollector {
    fn desc(&self) -> Vec<&Desc> {
        let services = [self.states.desc(), self.restarts.desc(), self.exits.desc()];
        let mailboxes = [self.depth.desc(), self.high_water.desc(), self.rejected.desc()];
        [services.concat(), mailboxes.concat()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        if let Some(record) = self.registry.get(self.name) {
            for state in State::ALL {
                let is_it = i64::from(state == record.state);
                self.states.with_label_values(&[self.name, state.as_str()]).set(is_it);
            }
            set(&self.restarts, &[self.name], record.restarts);
            for (reason, ends) in Reason::ALL.into_iter().zip(record.ends) {
                set(&self.exits, &[self.name, reason.as_str()], ends);
            }
            record.children.iter().for_each(|child| self.child(child));
        }
        let services = [self.states.collect(), self.restarts.collect(), self.exits.collect()];
        let mailboxes = [self.depth.collect(), self.high_water.collect(), self.rejected.collect()];
        [services.concat(), mailboxes.concat()].concat()
    }
}

impl RecordCollector {
    fn child(&self, child: &ChildRecord) {
        let actor = format!("{}/{}", self.name, child.name);
        set(&self.restarts, &[&actor], child.restarts);
        let Some(mailbox) = child.mailbox else { return };
        let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.depth.with_label_values(&[&actor]).set(gauge(mailbox.depth));
        self.high_water.with_label_values(&[&actor]).set(gauge(mailbox.high_water));
        set(&self.rejected, &[&actor], mailbox.rejected);
    }
}

/// Makes a counter what has been counted elsewhere; there it may have begun anew.
fn set(counters: &IntCounterVec, labels: &[&str], count: u64) {
    let counter = counters.with_label_values(labels);
    if count < counter.get() {
        counter.reset();
    }
    counter.inc_by(count - counter.get());
}
