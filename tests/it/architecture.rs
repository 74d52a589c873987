//! The rules of the house, read from the sources: who may import whom, and what a file looks like.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use busbar::types::ServiceName;

/// Module: what it may import of this crate. What is not in the table may import everything.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("keys", &[]),
    ("config", &["types"]),
    ("storage", &["types"]),
    ("chronicle", &["types"]),
    ("logging", &["config", "types"]),
    ("admin", &["config", "gateway", "host", "logging", "types"]),
    ("agreed", &["storage", "types"]),
    ("audit", &["storage", "types"]),
    ("events", &["storage", "types"]),
    ("jobs", &["storage", "types"]),
    ("requests", &["storage", "types"]),
    ("faults", &["types"]),
    ("health", &["config", "types"]),
    ("gateway", &["config", "health", "types"]),
    ("demo", &["config", "storage", "types"]),
    (
        "services",
        &[
            "agreed", "audit", "config", "events", "faults", "jobs", "requests", "services",
            "storage", "types",
        ],
    ),
];

/// What a service may use of `services`: the contract, never a sibling.
const CONTRACT: &[&str] = &["OpenError", "Peers", "Service", "Setup"];

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a folder: its path from the root, and its text.
pub(crate) fn sources(folder: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    assert!(!found.is_empty(), "no sources below {folder}");
    found
}

fn all_sources() -> BTreeMap<String, String> {
    ["src", "actors", "http", "tests"].into_iter().flat_map(sources).collect()
}

/// The code without comments: a comment may speak of anything.
fn code(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The names that follow `path` in the code: `crate::types::X` and `crate::{types::X, jobs}`.
fn names_after(code: &str, path: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(path) {
        let rest = &code[at + path.len()..];
        match rest.strip_prefix('{') {
            Some(list) => names.extend(first_words_of_list(list)),
            None => names.extend(first_word(rest)),
        }
    }
    names
}

fn first_word(text: &str) -> Option<String> {
    let word: String =
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some(word)
}

/// The first word of each item of a brace list that has just been opened.
fn first_words_of_list(list: &str) -> Vec<String> {
    let (mut depth, mut items, mut item) = (0, Vec::new(), String::new());
    for character in list.chars() {
        match character {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => items.push(std::mem::take(&mut item)),
            _ => {}
        }
        if depth > 0 || character != ',' {
            item.push(character);
        }
    }
    items.push(item);
    items.iter().filter_map(|item| first_word(item)).collect()
}

fn module_of(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap();
    inside.split('/').next().unwrap().trim_end_matches(".rs")
}

#[test]
fn modules_import_only_what_they_may() {
    let rules: BTreeMap<_, _> = MAY_IMPORT.iter().copied().collect();
    let modules: BTreeSet<String> =
        sources("src").keys().map(|path| module_of(path).to_owned()).collect();
    for (path, text) in sources("src") {
        let module = module_of(&path);
        let Some(allowed) = rules.get(module) else { continue };
        for name in names_after(&code(&text), "crate::") {
            let is_fine =
                !modules.contains(&name) || name == module || allowed.contains(&name.as_str());
            assert!(is_fine, "{path} imports crate::{name}, which `{module}` may not");
        }
    }
}

#[test]
fn a_service_never_imports_another_one() {
    for (path, text) in sources("src/services") {
        let parts: Vec<&str> = path.split('/').collect();
        let ["src", "services", own, ..] = parts.as_slice() else { panic!("{path}") };
        if parts.len() == 3 {
            continue; // The contract itself.
        }
        for name in names_after(&code(&text), "crate::services::") {
            let is_fine = name == *own || CONTRACT.contains(&name.as_str());
            assert!(is_fine, "{path} imports crate::services::{name}");
        }
    }
}

#[test]
fn only_storage_names_the_engines() {
    for (path, text) in sources("src") {
        let code = code(&text);
        for driver in ["sqlx::", "tokio_postgres::", "deadpool_postgres::", "deadpool::"] {
            let is_fine = path.starts_with("src/storage/") || !code.contains(driver);
            assert!(is_fine, "{path} names {driver}");
        }
        for second_driver in ["sqlx::postgres", "PgConnection"] {
            let is_fine = path == "src/storage/migrate.rs" || !code.contains(second_driver);
            assert!(is_fine, "{path} uses {second_driver}: queries go through deadpool");
        }
    }
}

#[test]
fn the_tree_is_built_and_signals_are_handled_in_one_place() {
    for (path, text) in sources("src") {
        let code = code(&text);
        assert!(path == "src/tree.rs" || !code.contains("Tree::new"), "{path} builds a tree");
        let installs = code.contains("signals::install") || code.contains("signal::unix");
        assert!(path == "src/commands.rs" || !installs, "{path} handles signals");
    }
}

#[test]
fn the_lists_of_the_eight_services_agree() {
    let services = fs::read_to_string(root().join("src/services/mod.rs")).unwrap();
    let tree = fs::read_to_string(root().join("src/tree.rs")).unwrap();
    for name in ServiceName::domain() {
        assert!(services.contains(&format!("pub mod {name};")), "services/mod.rs: {name}");
        let starts = format!("host.spec::<{name:?}>");
        assert!(tree.contains(&starts), "tree.rs starts no {name}");
    }
    let modules = services.lines().filter(|line| line.starts_with("pub mod ")).count();
    assert_eq!(modules, ServiceName::domain().count());
    assert_eq!(tree.matches("host.spec::<").count(), ServiceName::domain().count());
}

/// A panic must unwind: a handler's panic is one answer, not the end of the process.
#[test]
fn no_profile_aborts_on_a_panic() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    for (name, profile) in manifest["profile"].as_table().unwrap() {
        let panic = profile.get("panic").and_then(toml::Value::as_str);
        let inherits = profile.get("inherits").is_some();
        assert!(panic == Some("unwind") || (panic.is_none() && inherits), "profile {name}");
    }
    let caught = std::panic::catch_unwind(|| panic!("on purpose"));
    assert!(caught.is_err(), "this very build unwinds");
}

#[test]
fn every_file_says_what_it_is_for_and_is_short_or_explained() {
    let explained = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for (path, text) in all_sources() {
        assert!(text.starts_with("//!"), "{path} does not begin with what it is for");
        let lines = text.lines().count();
        assert!(
            lines <= 300 || explained.contains(&format!("`{path}`")),
            "{path} has {lines} lines and no reason in ARCHITECTURE.md"
        );
    }
}

/// Nothing in the project leads outside of it.
#[test]
fn no_source_names_a_path_of_a_machine() {
    let own = Path::new(file!()).file_name().unwrap().to_str().unwrap();
    for (path, text) in all_sources() {
        if path.ends_with(own) {
            continue;
        }
        for foreign in ["root", "home"].map(|folder| format!("/{folder}/")) {
            assert!(!text.contains(&foreign), "{path} names {foreign}");
        }
    }
}
