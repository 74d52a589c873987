//! What is shipped beside the program speaks of it as it is: the containers' settings, the targets
//! of Prometheus, the figures that alerts and dashboards show.

mod compose;
mod containers;

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::architecture::{root, sources};

/// The metric of a histogram is `…_seconds`; what it is made of is asked for by these names.
const PARTS_OF_A_HISTOGRAM: [&str; 3] = ["_bucket", "_sum", "_count"];

const BOARDS: [&str; 5] = ["overview", "gateway", "service", "runtime", "money"];
const RULES: [&str; 3] = ["recording", "slo", "alerts"];

/// Texts in the sources that look like names of metrics.
const NO_METRICS: [&str; 1] = ["busbar_device"];

fn shipped(name: &str) -> String {
    fs::read_to_string(root().join("deploy").join(name)).unwrap()
}

/// The words of a text that are names of our metrics.
fn metrics(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("busbar_")).map(str::to_owned).collect()
}

/// The names of recording rules: what it is by, the metric, what was done.
fn recorded(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("- record: "));
    lines.map(str::to_owned).collect()
}

#[test]
fn alerts_and_dashboards_show_figures_that_exist() {
    let program: String =
        ["src", "http"].into_iter().flat_map(|folder| sources(folder).into_values()).collect();
    let boards = BOARDS.map(|name| shipped(&format!("grafana/dashboards/{name}.json")));
    let rules = RULES.map(|name| shipped(&format!("rules/{name}.yml")));
    let recorded: BTreeSet<String> = rules.iter().flat_map(|text| recorded(text)).collect();
    let shown = metrics(&[rules.concat(), boards.concat()].concat());
    assert!(shown.len() > 10, "{shown:?}");
    for name in &shown {
        let whole = PARTS_OF_A_HISTOGRAM.iter().find_map(|part| name.strip_suffix(part));
        let is_there = |name: &str| program.contains(&format!("\"{name}\""));
        let is_recorded = recorded.iter().any(|rule| rule.split(':').nth(1) == Some(name));
        let is_measured = is_there(name) || whole.is_some_and(is_there);
        assert!(is_measured || is_recorded, "nothing measures {name}");
    }
}

/// `tests/metrics.py` holds the page against what is scraped; this holds it against the sources.
#[test]
fn every_metric_is_documented() {
    let page = fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let documented: BTreeSet<&str> = rows.collect();
    let program: String =
        ["src", "http"].into_iter().flat_map(|folder| sources(folder).into_values()).collect();
    let is_metric = |text: &str| {
        let begins = ["busbar_", "process_", "gateway_"].iter().any(|part| text.starts_with(part));
        begins && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let named: BTreeSet<&str> = program.split('"').filter(|text| is_metric(text)).collect();
    for name in named.iter().filter(|name| !NO_METRICS.contains(name)) {
        assert!(documented.contains(name), "docs/metrics.md lacks {name}");
    }
    for name in &documented {
        assert!(named.contains(name), "nothing measures {name} of docs/metrics.md");
    }
}

#[test]
fn dashboards_ask_the_source_that_is_provisioned() {
    let sources = shipped("grafana/provisioning/datasources.yml");
    for name in BOARDS {
        let board: Value =
            serde_json::from_str(&shipped(&format!("grafana/dashboards/{name}.json"))).unwrap();
        let panels = board["panels"].as_array().unwrap();
        let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), panels.len(), "{name}: ids repeat");
        for panel in panels.iter().filter(|panel| panel["type"] != "row") {
            let source = panel["datasource"]["uid"].as_str().unwrap();
            assert!(sources.contains(&format!("uid: {source}\n")), "{name}: {panel}");
            assert!(panel["targets"][0]["expr"].is_string(), "{name}: {panel}");
        }
    }
}
