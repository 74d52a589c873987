//! What documents counts.
use busbar_http::Metrics;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts};

use super::model::document::DocumentKind;

#[derive(Clone)]
pub(crate) struct Meters {
    stored: IntCounterVec,
    bytes: IntCounter,
    renders: IntCounterVec,
    removed: IntCounter,
    kept: IntGauge,
}

impl Meters {
    pub(crate) fn new() -> Result<Meters, prometheus::Error> {
        let stored = Opts::new("busbar_documents_stored_total", "Documents stored, by kind");
        let bytes = Opts::new("busbar_documents_bytes_total", "Bytes of the documents stored");
        let renders = Opts::new(
            "busbar_documents_renders_total",
            "Invoices and receipts, by what came of them",
        );
        let removed = Opts::new(
            "busbar_documents_contents_removed_total",
            "Contents that nobody used any more",
        );
        let kept = Opts::new(
            "busbar_documents_content_bytes",
            "Bytes of all contents, as of the last upkeep",
        );
        Ok(Meters {
            stored: IntCounterVec::new(stored, &["kind"])?,
            bytes: IntCounter::with_opts(bytes)?,
            renders: IntCounterVec::new(renders, &["kind", "result"])?,
            removed: IntCounter::with_opts(removed)?,
            kept: IntGauge::with_opts(kept)?,
        })
    }

    pub(crate) fn register(&self, metrics: &Metrics) -> Result<(), prometheus::Error> {
        metrics.register(self.stored.clone())?;
        metrics.register(self.bytes.clone())?;
        metrics.register(self.renders.clone())?;
        metrics.register(self.removed.clone())?;
        metrics.register(self.kept.clone())
    }

    pub(crate) fn stored(&self, kind: DocumentKind, bytes: u64) {
        self.stored.with_label_values(&[kind.as_str()]).inc();
        self.bytes.inc_by(bytes);
    }

    /// `made`, `repeated` (it was there already) or `failed`.
    pub(crate) fn rendered(&self, kind: DocumentKind, result: &'static str) {
        self.renders.with_label_values(&[kind.as_str(), result]).inc();
    }

    pub(crate) fn removed(&self) {
        self.removed.inc();
    }

    pub(crate) fn kept(&self, bytes: i64) {
        self.kept.set(bytes);
    }
}
