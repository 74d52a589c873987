//! What is shipped beside the program speaks of it as it is: the containers' settings, the targets
//! of Prometheus, the figures that alerts and dashboards show.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use busbar::types::ServiceName;
use serde_json::Value;

use crate::architecture::{root, sources};

/// What stands in for a secret of `deploy/.env`.
const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// The metric of a histogram is `…_seconds`; what it is made of is asked for by these names.
const PARTS_OF_A_HISTOGRAM: [&str; 3] = ["_bucket", "_sum", "_count"];

const BOARDS: [&str; 5] = ["overview", "gateway", "service", "runtime", "money"];
const RULES: [&str; 3] = ["recording", "slo", "alerts"];

/// Texts in the sources that look like names of metrics.
const NO_METRICS: [&str; 1] = ["busbar_device"];

type Variables = BTreeMap<String, String>;

fn shipped(name: &str) -> String {
    fs::read_to_string(root().join("deploy").join(name)).unwrap()
}

/// The variables of each container and of each anchor (`x-…`) of `compose.yml`. Enough of YAML for
/// that file, which writes one variable on a line.
fn environments() -> BTreeMap<String, Variables> {
    let mut found: BTreeMap<String, Variables> = BTreeMap::new();
    let mut holder = String::new();
    for line in shipped("compose.yml").lines() {
        let entry = line.trim_start();
        let depth = line.len() - entry.len();
        let (name, value) = entry.split_once(':').unwrap_or((entry, ""));
        let value = value.trim();
        if (depth == 0 && name.starts_with("x-")) || (depth == 2 && value.is_empty()) {
            holder = name.trim_start_matches("x-").to_owned();
        } else if let Some(anchor) = value.strip_prefix('*').filter(|_| name == "<<") {
            let inherited = found.get(anchor).cloned().unwrap_or_default();
            found.entry(holder.clone()).or_default().extend(inherited);
        } else if name.len() > 1 && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
            found.entry(holder.clone()).or_default().insert(name.to_owned(), substituted(value));
        }
    }
    found
}

/// `${NAME:-default}` is the default, `${NAME:?why}` a secret.
fn substituted(value: &str) -> String {
    let Some((before, rest)) = value.split_once("${") else { return value.to_owned() };
    let (inner, after) = rest.split_once('}').unwrap();
    let known = inner.split_once(":-").map_or(SECRET, |(_, default)| default);
    format!("{before}{known}{}", substituted(after))
}

/// The variables that an image of the service brings along.
fn image(service: ServiceName) -> Variables {
    let text = shipped("Dockerfile").replace("${SERVICE}", service.as_str());
    let pairs = text.split_whitespace().filter_map(|word| word.split_once('='));
    let ours = pairs.filter(|(name, _)| name.starts_with("BUSBAR_"));
    ours.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Exit code and everything printed.
fn check_config(variables: &Variables) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_busbar"));
    let output = command.arg("check-config").env_clear().envs(variables).output().unwrap();
    let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap_or(-1), printed)
}

/// The database setting of a service, as `check-config` shows it.
fn database_line(printed: &str, service: ServiceName) -> &str {
    let key = format!("services.{service}.database_url ");
    printed.lines().find(|line| line.starts_with(&key)).unwrap_or_default()
}

#[test]
fn containers_are_set_by_names_that_the_program_knows() {
    let environments = environments();
    for service in ServiceName::ALL {
        let mut variables = image(service);
        assert_eq!(variables["BUSBAR_SERVICES"], service.as_str());
        variables.extend(environments[service.as_str()].clone());
        let (code, printed) = check_config(&variables);
        assert_eq!(code, 0, "{service}: {printed}");
        assert!(!printed.contains("unknown variable"), "{service}: {printed}");
        for other in ServiceName::domain() {
            let is_set = !database_line(&printed, other).contains("(not set)");
            assert_eq!(is_set, other == service, "{service} and {other}'s database");
            let way = format!("http://{other}:{}", other.default_port());
            assert!(printed.contains(&way), "{service} does not know {other}: {printed}");
        }
    }
}

#[test]
fn every_service_is_published_scraped_and_has_a_database() {
    let (compose, prometheus) = (shipped("compose.yml"), shipped("prometheus.yml"));
    let (init, images) = (shipped("postgres/init.sql"), shipped("build-images.sh"));
    for service in ServiceName::ALL {
        let port = service.default_port();
        assert!(compose.contains(&format!("image: busbar-{service}\n")), "{service}");
        assert!(compose.contains(&format!(":{port}:{port}\"]")), "{service}");
        assert!(prometheus.contains(&format!("- {service}:{port}\n")), "{service}");
        assert!(images.contains(service.as_str()), "{service}");
        let own = format!("CREATE DATABASE {service} OWNER {service};");
        assert_eq!(init.contains(&own), service.is_domain(), "{service}");
    }
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
