//! A bound on what one metric shows. Labels come from closed sets, so it is not reached; should a
//! set turn out to be open, the series beyond the bound are counted instead of shown.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use prometheus::IntCounterVec;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{LabelPair, Metric, MetricFamily};

/// Series of one metric of one server.
pub(super) const SERIES_MAX: usize = 2_000;

/// A collector that shows the first [`SERIES_MAX`] series of each of its metrics, always the same.
pub(super) struct Capped<C> {
    inner: C,
    dropped: IntCounterVec,
    /// The series that are shown and those that have been counted as dropped, by the hash of their
    /// name and labels. Written by `collect` alone; empty until a metric has too many.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    shown: HashSet<u64>,
    dropped: HashSet<u64>,
}

impl<C> Capped<C> {
    pub(super) fn new(inner: C, dropped: IntCounterVec) -> Capped<C> {
        Capped { inner, dropped, known: Mutex::default() }
    }

    fn cut(&self, family: &mut MetricFamily) {
        let name = family.name().to_owned();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { shown, dropped } = &mut *known;
        let mut kept = Vec::with_capacity(SERIES_MAX);
        let mut late = Vec::new();
        for metric in family.take_metric() {
            let hash = hash(&name, &metric);
            if shown.contains(&hash) { kept.push(metric) } else { late.push((hash, metric)) }
        }
        for (hash, metric) in late {
            if kept.len() < SERIES_MAX {
                shown.insert(hash);
                kept.push(metric);
            } else if dropped.len() < SERIES_MAX && dropped.insert(hash) {
                self.dropped.with_label_values(&[&*name]).inc();
            }
        }
        family.set_metric(kept);
    }
}

impl<C: Collector> Collector for Capped<C> {
    fn desc(&self) -> Vec<&Desc> {
        self.inner.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = self.inner.collect();
        for family in &mut families {
            if family.get_metric().len() > SERIES_MAX {
                self.cut(family);
            }
        }
        families
    }
}

fn hash(name: &str, metric: &Metric) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    let pairs = metric.get_label().iter();
    pairs.map(|pair: &LabelPair| (pair.name(), pair.value())).for_each(|p| p.hash(&mut hasher));
    hasher.finish()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use prometheus::Opts;

    #[test]
    fn what_is_beyond_the_bound_is_counted_and_what_is_shown_stays_shown() {
        let opts = |name| Opts::new(name, "for the test");
        let dropped = IntCounterVec::new(opts("dropped_total"), &["metric"]).unwrap();
        let open = IntCounterVec::new(opts("open_total"), &["path"]).unwrap();
        let capped = Capped::new(open.clone(), dropped.clone());
        let shown = || -> HashSet<String> {
            let families = capped.collect();
            let series = families.iter().flat_map(|family| family.get_metric());
            series.map(|metric| metric.get_label()[0].value().to_owned()).collect()
        };
        (0..SERIES_MAX).for_each(|path| open.with_label_values(&[&path.to_string()]).inc());
        assert_eq!((shown().len(), dropped.collect()[0].get_metric().len()), (SERIES_MAX, 0));

        (0..SERIES_MAX + 7).for_each(|path| open.with_label_values(&[&path.to_string()]).inc());
        let first = shown();
        assert_eq!(first.len(), SERIES_MAX);
        open.with_label_values(&["one more"]).inc();
        assert_eq!(shown(), first);
        assert_eq!(dropped.with_label_values(&["open_total"]).get(), 8);
    }
}
