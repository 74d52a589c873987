//! Files of the tests.

use std::path::{Path, PathBuf};

/// A folder of its own for one test.
pub(crate) fn fresh_folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("busbar-test-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The settings that all tests have.
pub(crate) fn test_settings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/test.toml")
}
