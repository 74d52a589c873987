//! `config/default.toml` has every setting, documented, under its promised name.
use super::super::effect::{Effect, effect};
use super::super::reader::Reader;
use super::super::{Config, Overrides, environment, load};

const DEFAULT_FILE: &str = include_str!("../../../config/default.toml");

#[test]
fn the_files_that_come_with_it_are_valid() {
    for name in ["default", "production", "test"] {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let file = Some(root.join(format!("config/{name}.toml")));
        let loaded = super::load(&Overrides { file, ..Overrides::default() }, &[]);
        assert!(loaded.is_ok(), "{name}: {}", loaded.unwrap_err());
    }
}

/// No default is hidden in the code, and no key is without use.
#[test]
fn every_key_of_the_default_file_is_read_and_every_setting_has_a_key() {
    let collected = load::collect(&Overrides::default(), std::iter::empty()).unwrap();
    let mut reader = Reader::new(&collected.settings, &collected.defaults);
    Config::read(&mut reader, collected.settings.clone());
    let mut read = reader.finish().1;
    read.sort_unstable();
    let known: Vec<&str> = collected.defaults.keys().collect();
    assert_eq!(read, known);
}

#[test]
fn every_key_of_the_default_file_has_a_comment_and_names_its_variable() {
    let mut section = String::new();
    let mut before = "";
    for line in DEFAULT_FILE.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        }
        let key = line.split_once(" = ").map(|(key, _)| key).filter(|key| !key.starts_with('#'));
        if let Some(key) = key {
            // What the keys of services mean is said once for all of them.
            let about = format!("# - {key}: ");
            let in_services = section.starts_with("services.") && DEFAULT_FILE.contains(&about);
            assert!(before.starts_with("# ") || in_services, "{section}.{key} has no comment");
            let variable = environment::variable_of(&format!("{section}.{key}"));
            let is_by_rule =
                variable == format!("BUSBAR_{section}_{key}").replace('.', "_").to_uppercase();
            let named = line.rsplit_once(" # ").map(|(_, name)| name);
            assert_eq!(named, (!is_by_rule).then_some(variable.as_str()), "{section}.{key}");
        }
        before = line;
    }
}

/// The comments say when a change of a setting holds, and so does the program.
#[test]
fn every_key_of_the_default_file_says_when_a_change_holds() {
    let (mut comments, mut of_section, mut section) = (String::new(), String::new(), "");
    for line in DEFAULT_FILE.lines() {
        if let Some(comment) = line.strip_prefix('#') {
            comments = format!("{comments} {}", comment.trim());
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            (section, of_section) = (name.trim_end_matches(']'), comments.clone());
        }
        if let Some((key, _)) = line.split_once(" = ") {
            let of_services = of_section_of_services(key);
            let said = match section.starts_with("services.") {
                true => of_services,
                false if comments.contains("Changes hold") => comments.as_str(),
                false => of_section.as_str(),
            };
            let said = said.rsplit("Changes hold").next().unwrap_or_default();
            let expected = match effect(&format!("{section}.{key}")) {
                Effect::AtOnce => "at once.",
                Effect::Service => "after a restart of the service.",
                Effect::Process => "after a restart of the process.",
            };
            assert!(said.contains(expected), "{section}.{key}: `{said}`, not `{expected}`");
        }
        comments.clear();
    }
}

/// What is said of a key of all services.
fn of_section_of_services(key: &str) -> &'static str {
    let about = DEFAULT_FILE.split(&format!("# - {key}: ")).nth(1).unwrap_or_default();
    about.split("# - ").next().and_then(|about| about.split("\n\n").next()).unwrap_or_default()
}

/// The names and defaults that were promised, to the letter.
#[test]
fn the_promised_variables_are_known() {
    let promised = [
        ("GATEWAY_REQUEST_TIMEOUT_MS", "4000"),
        ("GATEWAY_CACHE_TTL_MS", "10000"),
        ("GATEWAY_CACHE_MAX_ENTRIES", "1000"),
        ("GATEWAY_MAX_SOCKETS", "2048"),
        ("GATEWAY_MAX_FREE_SOCKETS", "256"),
        ("GATEWAY_KEEP_ALIVE_MS", "5000"),
        ("GATEWAY_MAX_REQUESTS", "8192"),
        ("GATEWAY_CONSOLE", "on"),
        ("GATEWAY_RETRY_MAX", "2"),
        ("GATEWAY_RETRY_BUDGET_RATIO", "0.2"),
        ("GATEWAY_RETRY_MIN_PER_SEC", "10"),
        ("GATEWAY_BREAKER_FAILURES", "5"),
        ("GATEWAY_BREAKER_OPEN_MS", "10000"),
        ("GATEWAY_SLOW_REQUEST_THRESHOLD_MS", "500"),
        ("CDN_BASE_URL", ""),
        ("DB_CONNECTION_LIMIT", "20"),
        ("DB_POOL_TIMEOUT_SECONDS", "15"),
        ("DB_CONNECT_TIMEOUT_SECONDS", "10"),
        ("DB_USE_PGBOUNCER", "false"),
        ("USER_SERVICE_PORT", "3001"),
        ("PAYMENT_SERVICE_PORT", "3002"),
        ("BILLING_SERVICE_PORT", "3003"),
        ("NOTIFICATION_SERVICE_PORT", "3004"),
        ("DOCUMENT_SERVICE_PORT", "3005"),
        ("UTILITY_SERVICE_PORT", "3006"),
        ("ANALYTICS_SERVICE_PORT", "3007"),
        ("WEBHOOK_SERVICE_PORT", "3008"),
        ("API_GATEWAY_PORT", "3000"),
    ];
    let defaults = load::collect(&Overrides::default(), std::iter::empty()).unwrap().defaults;
    let variables = environment::variables(defaults.keys());
    for (name, value) in promised {
        let variable = variables.iter().find(|variable| variable.name == name);
        let key = &variable.unwrap_or_else(|| unreachable!("{name}")).key;
        assert_eq!(defaults.get(key).unwrap().text, value, "{name}");
    }
    let mut names: Vec<_> = variables.iter().map(|variable| &variable.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), variables.len(), "two settings share a variable");
}
