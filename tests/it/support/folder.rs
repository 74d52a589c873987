//! Files of the tests.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Memory, where Linux has it as a folder.
const MEMORY: &str = "/dev/shm";
/// Thousands of databases are made, and none is taken away before the end.
const MEMORY_FREE_MIN: u64 = 12 << 30;

/// Where tests keep what they make: in memory when there is plenty, as a disk is slow to make files.
pub(crate) fn scratch() -> &'static Path {
    static SCRATCH: OnceLock<PathBuf> = OnceLock::new();
    SCRATCH.get_or_init(|| {
        let free = rustix::fs::statvfs(MEMORY).map_or(0, |disk| disk.f_bavail * disk.f_frsize);
        let is_plenty = free >= MEMORY_FREE_MIN && std::env::var_os("TMPDIR").is_none();
        if is_plenty { MEMORY.into() } else { std::env::temp_dir() }
    })
}

/// A folder of its own for one test.
pub(crate) fn fresh_folder() -> PathBuf {
    let folder = scratch().join(format!("busbar-test-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The settings of a system whose folder this is: its own, or those that all tests have.
pub(crate) fn settings(folder: &Path) -> PathBuf {
    let own = folder.join("settings.toml");
    if own.exists() { own } else { common() }
}

/// Puts this behind the settings that all tests have, and these lines into the section of the gateway.
pub(crate) fn write_settings(folder: &Path, gateway: &str, more: &str) {
    let common = std::fs::read_to_string(common()).unwrap();
    let keys: Vec<&str> =
        gateway.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key).collect();
    let is_set = |line: &&str| !keys.iter().any(|key| line.starts_with(&format!("{key} = ")));
    let common = common.lines().filter(is_set).collect::<Vec<_>>().join("\n");
    let common = common.replace("[gateway]\n", &format!("[gateway]\n{gateway}\n"));
    // At once: the process may be reading it.
    std::fs::write(folder.join("settings.new"), format!("{common}\n{more}")).unwrap();
    std::fs::rename(folder.join("settings.new"), folder.join("settings.toml")).unwrap();
}

fn common() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/test.toml")
}
