//! The process begins anew: the only end of threads that are blocked for good.
//!
//! The same program with the same arguments takes this one's place. It keeps the id, so that whoever
//! keeps the process running sees no end of it; every thread and every file of the old one is gone.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// Also where the file of the program has been replaced or removed.
const ITSELF: &str = "/proc/self/exe";

/// Does not return, unless it fails.
pub(crate) fn begin_anew() -> std::io::Error {
    log::warn!("this process begins anew");
    log::logger().flush();
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    Command::new(ITSELF).arg0(name).args(arguments).exec()
}
