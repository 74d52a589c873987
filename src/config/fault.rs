//! What is wrong with the settings: where each value came from, what it was, what is allowed.
use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

/// Stands where a secret was.
pub(super) const REDACTED: &str = "***";

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Fault {
    /// File and line, environment variable, or option.
    pub origin: String,
    /// The setting, unless the fault is in the file as such.
    pub key: Option<String>,
    /// What was given, without secrets.
    pub value: Option<String>,
    /// What is allowed, or why this is not.
    pub allowed: String,
    /// The known name that was probably meant.
    pub nearest: Option<String>,
}

impl Fault {
    pub(super) fn of_origin(origin: impl Into<String>, allowed: impl Into<String>) -> Self {
        let (origin, allowed) = (origin.into(), allowed.into());
        Fault { origin, key: None, value: None, allowed, nearest: None }
    }

    pub(super) fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    pub(super) fn at(mut self, origin: &str) -> Self {
        origin.clone_into(&mut self.origin);
        self
    }

    pub(super) fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    pub(super) fn nearest(mut self, known: Option<impl Into<String>>) -> Self {
        self.nearest = known.map(Into::into);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)?;
        if let Some(key) = &self.key {
            write!(f, ": {key}")?;
        }
        if let Some(value) = &self.value {
            write!(f, " = {value:?}")?;
        }
        write!(f, ": {}", self.allowed)?;
        self.nearest.as_ref().map_or(Ok(()), |known| write!(f, "; did you mean {known}?"))
    }
}

/// All that is wrong, at once; shown as a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Faults(Vec<Fault>);

impl Faults {
    pub fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As a list below what became of it.
    pub fn list(&self, outcome: &str) -> String {
        let count = self.0.len();
        let noun = if count == 1 { "fault" } else { "faults" };
        let lines = self.0.iter().map(|fault| format!("\n  {fault}"));
        format!("{count} {noun} in the settings, {outcome}:{}", lines.collect::<String>())
    }

    /// Whether a setting is known to be wrong already: what follows from it need not be said.
    pub(super) fn names(&self, key: &str) -> bool {
        self.0.iter().any(|fault| fault.key.as_deref() == Some(key))
    }
}

impl Extend<Fault> for Faults {
    fn extend<I: IntoIterator<Item = Fault>>(&mut self, faults: I) {
        self.0.extend(faults);
    }
}

impl IntoIterator for Faults {
    type Item = Fault;
    type IntoIter = std::vec::IntoIter<Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.list("nothing was started"))
    }
}

impl std::error::Error for Faults {}

/// Something odd that keeps nothing from running.
#[derive(Clone, Debug, PartialEq)]
pub struct Warning(pub(super) String);

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value as it may be shown: without secrets, and without credentials inside of URLs.
pub(super) fn shown(value: &str, is_secret: bool) -> String {
    let has_credentials = value.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
    let hide = (is_secret && !value.is_empty()) || has_credentials;
    if hide { REDACTED.to_owned() } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_where_what_and_what_instead() {
        let fault = Fault::of_origin("busbar.toml:3", "unknown setting")
            .key("gateway.cach_ttl_ms")
            .value("5")
            .nearest(Some("gateway.cache_ttl_ms"));
        let line = "busbar.toml:3: gateway.cach_ttl_ms = \"5\": unknown setting; \
                    did you mean gateway.cache_ttl_ms?";
        assert_eq!(fault.to_string(), line);
    }

    #[test]
    fn credentials_are_never_shown() {
        assert_eq!(shown("hunter2", true), REDACTED);
        assert_eq!(shown("http://u:p@host", false), REDACTED);
        assert_eq!(shown("http://a,http://u:p@host", false), REDACTED);
        assert_eq!(shown("admin@localhost", false), "admin@localhost");
        assert_eq!(shown("", true), "");
    }
}
