//! What a server counts, and its forms: Prometheus text (0.0.4), OpenMetrics and JSON.
//!
//! Labels come from closed sets: route patterns, known methods, status codes. A path that matches
//! no route counts as `unmatched`, so a scanner adds no series.

mod capped;
mod exemplars;
mod labels;
mod openmetrics;
mod process;
mod series;

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse};
use prometheus::core::Collector;
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder,
};
use serde_json::{Value, json};

use self::capped::Capped;
use self::exemplars::Exemplars;
use self::labels::{decimal, known_method};
use self::process::Process;
pub(crate) use self::series::{AtHand, Series};
use crate::guard::RoutePattern;
use crate::latency::Latency;
use crate::pulse::{Pulse, PulseCollector};
use crate::trace::RequestId;
use crate::underway::Underway;

/// The route of a request that matched none.
pub(crate) const UNMATCHED: &str = "unmatched";
const DURATIONS: &str = "busbar_http_request_duration_seconds";
/// Seconds.
const DURATION_BUCKETS: [f64; 12] =
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0];
/// The content type of the Prometheus text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The metrics of one server; clones share them. They outlive the server's incarnations.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    service: &'static str,
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
    panics: IntCounterVec,
    refused: IntCounterVec,
    in_flight: IntGauge,
    errors: IntCounter,
    /// Series that are not shown, by metric.
    dropped: IntCounterVec,
    exemplars: Exemplars,
    latency: Latency,
    pulse: Pulse,
    underway: Underway,
}

impl Metrics {
    /// A registry of its own, with the server's own metrics and those of the process.
    pub fn new(service: &'static str) -> Result<Metrics, prometheus::Error> {
        let label = |opts: Opts| opts.const_label("service", service);
        let requests = IntCounterVec::new(
            label(Opts::new("busbar_http_requests_total", "Requests answered")),
            &["route", "method", "code"],
        )?;
        let durations = HistogramVec::new(
            HistogramOpts::from(label(Opts::new(
                DURATIONS,
                "Time from the request's head to the answer's head",
            )))
            .buckets(DURATION_BUCKETS.to_vec()),
            &["route", "method"],
        )?;
        let panics = IntCounterVec::new(
            label(Opts::new("busbar_http_panics_total", "Handlers that panicked")),
            &["route"],
        )?;
        let refused = IntCounterVec::new(
            label(Opts::new(
                "busbar_http_refused_total",
                "Requests refused before they were one, by the code of the problem",
            )),
            &["reason"],
        )?;
        let in_flight = IntGauge::with_opts(label(Opts::new(
            "busbar_http_requests_in_flight",
            "Requests being answered",
        )))?;
        let errors = IntCounter::with_opts(label(Opts::new(
            "busbar_http_server_errors_total",
            "Answers with a status of 500 or above",
        )))?;
        let dropped = IntCounterVec::new(
            label(Opts::new(
                "busbar_metrics_dropped_series_total",
                "Series that are not shown because their metric has too many",
            )),
            &["metric"],
        )?;
        let registry = Registry::new();
        let (latency, pulse) = (Latency::default(), Pulse::default());
        let inner = Inner {
            service,
            registry,
            requests,
            durations,
            panics,
            refused,
            in_flight,
            errors,
            dropped,
            exemplars: Exemplars::default(),
            latency,
            pulse,
            underway: Underway::default(),
        };
        let metrics = Metrics(Arc::new(inner));
        metrics.register(metrics.0.requests.clone())?;
        metrics.register(metrics.0.durations.clone())?;
        metrics.register(metrics.0.panics.clone())?;
        metrics.register(metrics.0.refused.clone())?;
        metrics.register(metrics.0.in_flight.clone())?;
        metrics.register(metrics.0.errors.clone())?;
        metrics.register(metrics.0.dropped.clone())?;
        metrics.register(Process::new()?)?;
        metrics.register(PulseCollector::new(service, metrics.0.pulse.clone())?)?;
        Ok(metrics)
    }

    /// What a connection counts by itself: requests that came to no handler.
    pub(crate) fn refused(&self) -> prometheus::IntCounterVec {
        self.0.refused.clone()
    }

    pub fn service(&self) -> &'static str {
        self.0.service
    }

    /// Adds a metric of a service's own, in the place of one of the same name and labels: the next
    /// incarnation counts anew, as a new process would.
    ///
    /// # Errors
    /// When the metric is malformed, or its name is taken by one with other labels.
    pub fn register<C>(&self, collector: C) -> Result<(), prometheus::Error>
    where
        C: Collector + Clone + 'static,
    {
        let capped = || Box::new(Capped::new(collector.clone(), self.0.dropped.clone()));
        match self.0.registry.register(capped()) {
            Err(prometheus::Error::AlreadyReg) => {
                self.0.registry.unregister(capped())?;
                self.0.registry.register(capped())
            }
            outcome => outcome,
        }
    }

    pub(crate) fn started(&self) {
        self.0.in_flight.inc();
    }

    /// A request whose access line is written may be the exemplar of its duration.
    pub(crate) fn traced(
        &self,
        route: Option<&RoutePattern>,
        method: &Method,
        took: Duration,
        id: &RequestId,
    ) {
        self.0.exemplars.note(route.map(|route| &route.0), known_method(method), took, id);
    }

    /// A request whose future was dropped: the client has gone.
    pub(crate) fn abandoned(&self) {
        self.0.in_flight.dec();
    }

    /// A panic that was caught where `route` was answered.
    pub fn panicked(&self, route: &str) {
        self.0.panics.with_label_values(&[route]).inc();
    }

    /// Whether the server's threads turn.
    pub fn pulse(&self) -> &Pulse {
        &self.0.pulse
    }

    /// What it works on now.
    pub fn underway(&self) -> &Underway {
        &self.0.underway
    }

    pub fn latency(&self) -> &Latency {
        &self.0.latency
    }

    /// Requests answered.
    pub fn requests_total(&self) -> u64 {
        self.0.latency.count()
    }

    /// Answers with a status of 500 or above.
    pub fn server_errors_total(&self) -> u64 {
        self.0.errors.get()
    }

    /// Requests being answered.
    pub fn under_way(&self) -> u64 {
        u64::try_from(self.0.in_flight.get()).unwrap_or(0)
    }

    /// All metrics as they are now.
    pub fn families(&self) -> Vec<prometheus::proto::MetricFamily> {
        self.0.registry.gather()
    }

    /// The Prometheus text format.
    pub fn text(&self) -> String {
        let mut buffer = Vec::new();
        let families = self.0.registry.gather();
        if let Err(error) = TextEncoder::new().encode(&families, &mut buffer) {
            log::error!("metrics of {} could not be written: {error}", self.0.service);
        }
        String::from_utf8(buffer).unwrap_or_default()
    }

    /// OpenMetrics, with exemplars.
    pub fn open_metrics(&self) -> String {
        openmetrics::encode(&self.0.registry.gather(), &self.0.exemplars.all())
    }

    /// The answer to a scrape, in the form that is preferred.
    pub fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let (format, text) = match openmetrics::is_preferred(request) {
            true => (openmetrics::FORMAT, self.open_metrics()),
            false => (TEXT_FORMAT, self.text()),
        };
        let mut answer = HttpResponse::Ok();
        answer.insert_header(("cache-control", "no-store")).insert_header(("vary", "accept"));
        answer.content_type(format).body(text)
    }

    /// The figures in JSON, in milliseconds.
    pub fn json(&self) -> Value {
        let latency = &self.0.latency;
        json!({
            "service": self.0.service,
            "requests": {
                "total": self.requests_total(),
                "inFlight": self.0.in_flight.get(),
                "serverErrors": self.server_errors_total(),
            },
            "latencyMs": latency_json(latency),
        })
    }
}

/// `{average, p50, p95, p99}` in milliseconds, two decimals.
pub fn latency_json(latency: &Latency) -> Value {
    let round = |value: f64| (value * 100.0).round() / 100.0;
    json!({
        "average": round(latency.average_ms()),
        "p50": round(latency.percentile_ms(0.5)),
        "p95": round(latency.percentile_ms(0.95)),
        "p99": round(latency.percentile_ms(0.99)),
    })
}
