//! Somebody who looks after the process with the gateway, from the same machine.

use busbar::types::ServiceName;
use serde_json::Value;

use super::{Person, TestSystem};

/// Where that is.
pub(crate) const ADMIN_ADDR: &str = "BUSBAR_ADMIN_ADDR";

impl TestSystem {
    pub(crate) fn admin_address(&self) -> String {
        let found = self.environment().iter().find(|(name, _)| name == ADMIN_ADDR);
        found.unwrap().1.clone()
    }

    pub(crate) fn caretaker(&self) -> Person {
        Person::anonymous(&format!("http://{}", self.admin_address()))
    }

    /// What the admin port tells of a service.
    pub(crate) async fn service(&self, name: ServiceName) -> Value {
        let told = self.caretaker().get("/admin/services").await.expect(200);
        let services = told["services"].as_array().unwrap();
        services.iter().find(|service| service["name"] == name.as_str()).unwrap().clone()
    }

    /// Whatever was commanded, as it was put on record.
    pub(crate) fn trail(&self) -> Vec<Value> {
        let folder = std::fs::read_dir(self.folder().join("data/audit")).unwrap();
        let files = folder.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
        let lines: String = files.collect();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
