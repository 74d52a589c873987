//! One process of the program: started with an environment of its own, its log read, killed by id.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long anything in a test may take to come true.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(10);

pub(crate) struct Process {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

impl Process {
    /// Starts `busbar` with these arguments and nothing but these variables.
    pub(crate) fn start(
        arguments: &[&str],
        environment: &[(String, String)],
        folder: &Path,
    ) -> Process {
        let mut child = Command::new(env!("CARGO_BIN_EXE_busbar"))
            .args(arguments)
            .env_clear()
            .envs(environment.iter().cloned())
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("busbar starts");
        let log = Arc::new(Mutex::new(Vec::new()));
        follow(child.stdout.take().unwrap(), log.clone());
        follow(child.stderr.take().unwrap(), log.clone());
        Process { child, log }
    }

    /// What it has printed and logged so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    pub(crate) async fn wait_for_log(&mut self, text: &str) -> String {
        let start = Instant::now();
        loop {
            if let Some(line) = self.log().into_iter().find(|line| line.contains(text)) {
                return line;
            }
            let ended = self.child.try_wait().unwrap();
            let shown = || self.log().join("\n");
            assert!(start.elapsed() < PATIENCE, "`{text}` was never logged:\n{}", shown());
            assert!(ended.is_none(), "it ended ({ended:?}) before `{text}`:\n{}", shown());
            actix_rt::time::sleep(LOOK).await;
        }
    }

    /// Its last words may come a moment after its end.
    pub(crate) async fn is_told(&self, text: &str) {
        let told = async || self.log().iter().any(|line| line.contains(text));
        eventually(&format!("`{text}` is printed"), told).await;
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it holds of memory, in KiB.
    pub(crate) fn resident_kib(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Sends a signal by name, as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.id(), name);
    }

    /// `kill -9`, and gone.
    pub(crate) fn kill(&mut self) {
        drop(self.child.kill());
        self.child.wait().unwrap();
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "it does not end:\n{}", self.log().join("\n"));
            actix_rt::time::sleep(LOOK).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Sends a signal to a process that this one has started.
pub(crate) fn signal(id: u32, name: &str) {
    // The shell's own word: not every machine has a program of that name.
    let words = format!("kill -{name} {id}");
    let sent = Command::new("sh").args(["-c", &words]).status().unwrap();
    assert!(sent.success(), "{words}");
}

fn follow(source: impl std::io::Read + Send + 'static, log: Arc<Mutex<Vec<String>>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(source).lines().map_while(Result::ok) {
            log.lock().unwrap().push(line);
        }
    });
}

/// Waits until the condition holds, and says which one never did.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < PATIENCE, "it never came true: {what}");
        actix_rt::time::sleep(LOOK).await;
    }
}
