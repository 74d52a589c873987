//! The Python packages that tests measure the program against; `tests/python.sh` installs them.

use std::path::Path;
use std::process::Command;

/// Python with those packages, to be given its arguments.
pub(crate) fn python() -> Command {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let python = built.join("tools/python/bin/python3");
    assert!(python.is_file(), "Python's packages are missing: `sh tests/python.sh` installs them");
    Command::new(python)
}
