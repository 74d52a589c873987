//! The process as the kernel counts it, under the names that Prometheus' own clients use. On other
//! systems than Linux there is nothing to read, and nothing is shown.

use std::fs;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, IntGauge};

/// What the kernel gives times in: a constant of its interface on all common machines.
const TICKS_PER_SECOND: f64 = 100.0;

#[derive(Clone)]
pub(super) struct Process {
    cpu: Counter,
    resident: IntGauge,
    virtual_size: IntGauge,
    threads: IntGauge,
    open_files: IntGauge,
    files_max: IntGauge,
    started: IntGauge,
}

impl Process {
    pub(super) fn new() -> Result<Process, prometheus::Error> {
        Ok(Process {
            cpu: Counter::new("process_cpu_seconds_total", "CPU time of the process")?,
            resident: IntGauge::new("process_resident_memory_bytes", "Memory that is in RAM")?,
            virtual_size: IntGauge::new("process_virtual_memory_bytes", "Memory as addressed")?,
            threads: IntGauge::new("process_threads", "Threads of the process")?,
            open_files: IntGauge::new("process_open_fds", "Open files and sockets")?,
            files_max: IntGauge::new("process_max_fds", "As many files may be open")?,
            started: IntGauge::new(
                "process_start_time_seconds",
                "When the process began, since 1970",
            )?,
        })
    }

    fn all(&self) -> [&dyn Collector; 7] {
        [
            &self.cpu,
            &self.resident,
            &self.virtual_size,
            &self.threads,
            &self.open_files,
            &self.files_max,
            &self.started,
        ]
    }

    fn look(&self) -> Option<()> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        self.resident.set(number_after(&status, "VmRSS:")?.saturating_mul(1024));
        self.virtual_size.set(number_after(&status, "VmSize:")?.saturating_mul(1024));
        self.threads.set(number_after(&status, "Threads:")?);
        let limits = fs::read_to_string("/proc/self/limits").ok()?;
        self.files_max.set(number_after(&limits, "Max open files")?);
        self.open_files.set(open_files()?);

        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // Behind the name, which may hold anything, the third field is the first.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |field: usize| fields.get(field - 3)?.parse::<f64>().ok();
        let cpu = (ticks(14)? + ticks(15)?) / TICKS_PER_SECOND;
        self.cpu.inc_by((cpu - self.cpu.get()).max(0.0));
        let kernel = fs::read_to_string("/proc/stat").ok()?;
        self.started.set(number_after(&kernel, "btime")? + (ticks(22)? / TICKS_PER_SECOND) as i64);
        Some(())
    }
}

/// The first number of the line that begins with `name`.
fn number_after(text: &str, name: &str) -> Option<i64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Newer kernels know the count; elsewhere it is counted.
fn open_files() -> Option<i64> {
    let known = fs::metadata("/proc/self/fd").ok()?.len();
    let count = if known > 0 { known } else { fs::read_dir("/proc/self/fd").ok()?.count() as u64 };
    i64::try_from(count).ok()
}

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        self.all().into_iter().flat_map(|metric| metric.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        match self.look() {
            Some(()) => self.all().into_iter().flat_map(|metric| metric.collect()).collect(),
            None => Vec::new(),
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_known() {
        let process = Process::new().unwrap();
        assert_eq!(process.collect().len(), 7);
        assert!(process.resident.get() > 1 << 20 && process.open_files.get() >= 3);
        assert!(process.threads.get() >= 1 && process.files_max.get() > process.open_files.get());
        assert!(process.started.get() > 1_600_000_000);
        let before = process.cpu.get();
        process.collect();
        assert!(process.cpu.get() >= before);
    }
}
