//! Files of the tests.

use std::path::{Path, PathBuf};

/// A folder of its own for one test.
pub(crate) fn fresh_folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("busbar-test-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The settings of a system whose folder this is: its own, or those that all tests have.
pub(crate) fn settings(folder: &Path) -> PathBuf {
    let own = folder.join("settings.toml");
    if own.exists() { own } else { common() }
}

/// Puts this behind the settings that all tests have.
pub(crate) fn write_settings(folder: &Path, more: &str) {
    let common = std::fs::read_to_string(common()).unwrap();
    std::fs::write(folder.join("settings.toml"), format!("{common}\n{more}")).unwrap();
}

fn common() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/test.toml")
}
