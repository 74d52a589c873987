//! What `compose.yml` and `prepare.sh` say, for tests that ask whether they agree with the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::shipped;
use crate::support::system::fresh_folder;

/// Where a container finds its secrets.
const SECRETS: &str = "/run/secrets/";

pub(super) type Variables = BTreeMap<String, String>;

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
        } else if name == "<<" {
            for anchor in words(value).filter_map(|word| word.strip_prefix('*')) {
                let inherited = found.get(anchor).cloned().unwrap_or_default();
                found.entry(holder.clone()).or_default().extend(inherited);
            }
        } else if name.len() > 1 && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
            found.entry(holder.clone()).or_default().insert(name.to_owned(), substituted(value));
        }
    }
    found
}

/// `${NAME:-default}` is the default.
fn substituted(value: &str) -> String {
    let Some((before, rest)) = value.split_once("${") else { return value.to_owned() };
    let (inner, after) = rest.split_once('}').unwrap();
    let (_, default) = inner.split_once(":-").unwrap();
    format!("{before}{default}{}", substituted(after))
}

/// What stands in a list of YAML on one line, or the only word.
fn words(list: &str) -> impl Iterator<Item = &str> {
    list.trim_matches(['[', ']']).split(',').map(str::trim)
}

/// The secrets that each container is given.
fn granted() -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut holder = String::new();
    for line in shipped("compose.yml").lines() {
        let name = line.strip_prefix("  ").and_then(|line| line.strip_suffix(':'));
        if let Some(name) = name.filter(|name| !name.starts_with(' ')) {
            holder = name.to_owned();
        } else if let Some(list) = line.strip_prefix("    secrets: ") {
            found.insert(holder.clone(), words(list).map(str::to_owned).collect());
        }
    }
    found
}

/// The file of each secret, in `secrets/`.
pub(super) fn secrets() -> BTreeMap<String, String> {
    let text = shipped("compose.yml");
    let pairs = text.lines().filter_map(|line| line.trim().split_once(": {file: ./secrets/"));
    pairs.map(|(name, file)| (name.to_owned(), file.trim_end_matches('}').to_owned())).collect()
}

/// What `prepare.sh` makes, in a folder of its own.
pub(super) struct Prepared(pub(super) PathBuf);

impl Prepared {
    pub(super) fn new() -> Prepared {
        let folder = fresh_folder();
        fs::write(folder.join("prepare.sh"), shipped("prepare.sh")).unwrap();
        Prepared(folder)
    }

    /// Whether it went well, and what it said.
    pub(super) fn run(&self) -> (bool, String) {
        let output = Command::new("sh").arg(self.0.join("prepare.sh")).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The lines of `.env` that set something.
    pub(super) fn settings(&self) -> Vec<String> {
        let text = self.read(".env");
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(str::to_owned).collect()
    }

    /// The variables of a container, with its secrets where they are here. It is given no others.
    pub(super) fn variables(&self, container: &str) -> Variables {
        let mut variables = environments()[container].clone();
        let (files, granted) = (secrets(), &granted()[container]);
        let mut asked = BTreeSet::new();
        for value in variables.values_mut() {
            let Some(name) = value.strip_prefix(SECRETS).map(str::to_owned) else { continue };
            *value = self.0.join("secrets").join(&files[&name]).to_string_lossy().into_owned();
            asked.insert(name);
        }
        assert_eq!(&asked, granted, "{container}");
        variables
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

pub(super) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
