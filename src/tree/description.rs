//! The API of all services in one document.

use serde_json::{Value, json};

use crate::types::ServiceName;

use super::by_name::routes;

/// The OpenAPI description of the whole, as the gateway serves it.
pub fn document() -> Value {
    let mut whole = json!({
        "openapi": "3.1.0",
        "info": {"title": "Busbar", "version": env!("CARGO_PKG_VERSION"),
            "description": "Utility bills and their payment"},
        "paths": {},
        "components": {},
    });
    for name in ServiceName::domain() {
        let part = routes(name).document(name.as_str(), "");
        merge(&mut whole["components"], &part["components"]);
        let Some(paths) = part["paths"].as_object() else { continue };
        for (path, item) in paths {
            let prefix = if path.starts_with("/.well-known/") { "" } else { "/api" };
            whole["paths"][format!("{prefix}{path}")] = item.clone();
        }
    }
    whole
}

/// Adds the members of one object to another, however deep; what is there stays.
fn merge(into: &mut Value, from: &Value) {
    let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) else { return };
    for (name, value) in from {
        match into.get_mut(name) {
            Some(known) => merge(known, value),
            None => drop(into.insert(name.clone(), value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the description shows as a request is one that the service understands.
    #[test]
    fn examples_are_understood() {
        let misleading: Vec<String> =
            ServiceName::domain().flat_map(|name| routes(name).misleading_examples()).collect();
        assert!(misleading.is_empty(), "{}", misleading.join("\n"));
    }
}
