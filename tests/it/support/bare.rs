//! One process of the program whose surroundings a test sets: limits, where its log goes.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::TestSystem;

pub(crate) struct Bare(pub(crate) Child);

impl Bare {
    /// Starts all services where no file can grow beyond a limit: as it is on a full disk, a write fails.
    /// In blocks of 512 bytes, as POSIX has it; of 1 KiB in other shells.
    pub(crate) fn limited(system: &TestSystem, blocks: &str) -> Bare {
        let words = format!("trap '' XFSZ; ulimit -S -f {blocks};");
        Bare::start(system, &words, Stdio::null())
    }

    /// From now on no file of the process grows beyond this; `unlimited` is a number, too.
    pub(crate) fn limit_files(&self, bytes: &str) {
        let (id, limit) = (self.0.id().to_string(), format!("--fsize={bytes}:"));
        let done = Command::new("prlimit").args(["--pid", &id, &limit]).status();
        assert!(done.unwrap().success());
    }

    /// Starts all services behind these words of a shell; the log goes there.
    pub(crate) fn start(system: &TestSystem, words: &str, log: Stdio) -> Bare {
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/test.toml");
        let script = format!("{words} exec \"$0\" \"$@\"");
        let started = Command::new("/bin/sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_busbar"), "start", "--data", "data"])
            .arg("--config")
            .arg(config)
            .env_clear()
            .envs(system.environment().iter().cloned())
            .env("BUSBAR_LOG", "info")
            .current_dir(system.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        Bare(started.unwrap())
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
