//! OpenMetrics 1.0, for those who ask for it: as the older text, with exemplars and an end.

use std::borrow::Cow;
use std::fmt::Write;
use std::time::UNIX_EPOCH;

use actix_web::HttpRequest;
use actix_web::http::header::{Accept, Header};
use prometheus::proto::{Metric, MetricFamily, MetricType};

use super::exemplars::Exemplar;
use super::{DURATIONS, UNMATCHED};

/// Its content type.
pub(super) const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const ESSENCE: &str = "application/openmetrics-text";

/// Whether a client would rather have this than the older text.
pub(super) fn is_preferred(request: &HttpRequest) -> bool {
    let accepted = Accept::parse(request).map(|accept| accept.ranked()).unwrap_or_default();
    let known = |essence: &&str| matches!(*essence, ESSENCE | "text/plain" | "text/*" | "*/*");
    accepted.iter().map(|mime| mime.essence_str()).find(known) == Some(ESSENCE)
}

/// `exemplars`: by the bucket of [`DURATIONS`].
pub(super) fn encode(families: &[MetricFamily], exemplars: &[Option<Exemplar>]) -> String {
    let mut text = String::new();
    for family in families {
        // The name of a counter is without what its samples end in.
        let name = family.name().strip_suffix("_total").unwrap_or(family.name());
        let kind = match family.get_field_type() {
            MetricType::COUNTER if name.len() < family.name().len() => "counter",
            MetricType::GAUGE => "gauge",
            MetricType::HISTOGRAM => "histogram",
            _ => "unknown",
        };
        let name = if kind == "counter" { name } else { family.name() };
        let _ = writeln!(text, "# HELP {name} {}", escaped(family.help()));
        let _ = writeln!(text, "# TYPE {name} {kind}");
        for metric in family.get_metric() {
            match family.get_field_type() {
                MetricType::COUNTER => {
                    sample(
                        &mut text,
                        family.name(),
                        metric,
                        None,
                        metric.get_counter().get_value(),
                    );
                }
                MetricType::HISTOGRAM => histogram(&mut text, name, metric, exemplars),
                _ => sample(&mut text, name, metric, None, metric.get_gauge().get_value()),
            }
            if !text.ends_with('\n') {
                text.push('\n');
            }
        }
    }
    text.push_str("# EOF\n");
    text
}

fn histogram(text: &mut String, name: &str, metric: &Metric, exemplars: &[Option<Exemplar>]) {
    let histogram = metric.get_histogram();
    let edges = histogram.get_bucket().iter().map(|b| (b.upper_bound(), b.cumulative_count()));
    let infinite = (f64::INFINITY, histogram.get_sample_count());
    let bucket = format!("{name}_bucket");
    for (place, (edge, count)) in
        edges.filter(|(edge, _)| edge.is_finite()).chain([infinite]).enumerate()
    {
        sample(text, &bucket, metric, Some(edge), count as f64);
        let exemplar = exemplars.get(place).and_then(Option::as_ref);
        if let Some(exemplar) = exemplar.filter(|found| name == DURATIONS && is_of(metric, found)) {
            let at = exemplar.at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
            let (trace, seconds) = (exemplar.id.trace(), exemplar.seconds);
            let _ = write!(text, " # {{trace_id=\"{trace}\"}} {seconds} {at:.3}");
        }
        text.push('\n');
    }
    sample(text, &format!("{name}_sum"), metric, None, histogram.get_sample_sum());
    text.push('\n');
    sample(text, &format!("{name}_count"), metric, None, histogram.get_sample_count() as f64);
}

/// Whether the exemplar was counted in this series.
fn is_of(metric: &Metric, exemplar: &Exemplar) -> bool {
    metric.get_label().iter().all(|pair| match pair.name() {
        "route" => pair.value() == exemplar.route.as_deref().unwrap_or(UNMATCHED),
        "method" => pair.value() == exemplar.method,
        _ => true,
    })
}

/// One sample, without the end of its line.
fn sample(text: &mut String, name: &str, metric: &Metric, edge: Option<f64>, value: f64) {
    text.push_str(name);
    let mut separator = '{';
    for pair in metric.get_label() {
        let _ = write!(text, "{separator}{}=\"{}\"", pair.name(), escaped(pair.value()));
        separator = ',';
    }
    if let Some(edge) = edge {
        // Numbers in labels are canonical: `1.0`, not `1`.
        let edge = if edge.is_finite() { format!("{edge:?}") } else { "+Inf".to_owned() };
        let _ = write!(text, "{separator}le=\"{edge}\"");
        separator = ',';
    }
    if separator == ',' {
        text.push('}');
    }
    match value {
        value if value == f64::INFINITY => text.push_str(" +Inf"),
        value if value == f64::NEG_INFINITY => text.push_str(" -Inf"),
        value => {
            let _ = write!(text, " {value}");
        }
    }
}

fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['\\', '"', '\n']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use prometheus::{GaugeVec, HistogramOpts, HistogramVec, IntCounter, Opts, Registry};

    #[test]
    fn the_forms_differ_as_the_standard_says() {
        let registry = Registry::new();
        let counter = IntCounter::new("x_total", "Of \"x\"").unwrap();
        let gauge = GaugeVec::new(Opts::new("y", "Of y"), &["z"]).unwrap();
        let opts = HistogramOpts::new(DURATIONS, "Of time").buckets(vec![0.5, 1.0]);
        let durations = HistogramVec::new(opts, &["route"]).unwrap();
        counter.inc_by(3);
        gauge.with_label_values(&["a\\b\n\"c\""]).set(0.25);
        durations.with_label_values(&["/a"]).observe(0.7);
        registry.register(Box::new(counter)).unwrap();
        registry.register(Box::new(gauge)).unwrap();
        registry.register(Box::new(durations)).unwrap();
        let headers = actix_web::http::header::HeaderMap::new();
        let id = crate::trace::RequestId::of_headers(&headers);
        let (at, route) = (UNIX_EPOCH + std::time::Duration::from_millis(1_500), Some("/a".into()));
        let note = Exemplar { route, method: "GET", id: id.clone(), seconds: 0.7, at };

        let text = encode(&registry.gather(), &[None, Some(note), None]);

        let expected = format!(
            "# HELP busbar_http_request_duration_seconds Of time\n\
             # TYPE busbar_http_request_duration_seconds histogram\n\
             busbar_http_request_duration_seconds_bucket{{route=\"/a\",le=\"0.5\"}} 0\n\
             busbar_http_request_duration_seconds_bucket{{route=\"/a\",le=\"1.0\"}} 1 \
             # {{trace_id=\"{}\"}} 0.7 1.500\n\
             busbar_http_request_duration_seconds_bucket{{route=\"/a\",le=\"+Inf\"}} 1\n\
             busbar_http_request_duration_seconds_sum{{route=\"/a\"}} 0.7\n\
             busbar_http_request_duration_seconds_count{{route=\"/a\"}} 1\n\
             # HELP x Of \\\"x\\\"\n# TYPE x counter\nx_total 3\n\
             # HELP y Of y\n# TYPE y gauge\n\
             y{{z=\"a\\\\b\\n\\\"c\\\"\"}} 0.25\n# EOF\n",
            id.trace()
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn it_is_for_those_who_would_rather_have_it() {
        let prefers = |accept: &str| {
            is_preferred(&TestRequest::get().insert_header(("accept", accept)).to_http_request())
        };
        let of_prometheus = "application/openmetrics-text;version=1.0.0,\
            application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert!(prefers(of_prometheus) && prefers(ESSENCE));
        for other in ["", "*/*", "text/html", "text/plain, application/openmetrics-text;q=0.5"] {
            assert!(!prefers(other), "{other}");
        }
        assert!(!is_preferred(&TestRequest::get().to_http_request()));
    }
}
