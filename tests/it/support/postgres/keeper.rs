//! A server of a test, kept by a shell that cleans up when the test process has gone.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A shell that does what it is told through a pipe, as a user who is not root, and that cleans
/// up when the pipe closes.
pub(crate) struct Keeper {
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    child: Child,
}

impl Keeper {
    pub(crate) fn start(script: &str, arguments: &[&str]) -> Keeper {
        let mut command = as_nobody_special();
        // A group of its own: an interrupt at the terminal goes to the test process alone.
        command.args(["sh", "-c", script, "sh"]).args(arguments).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a shell");
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        Keeper { orders, answers, child }
    }

    /// The next line it prints.
    pub(crate) fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        assert!(!line.is_empty(), "the keeper of a server has ended; its errors are above");
        line.trim_end().to_owned()
    }

    /// Sends a line and waits until it is done.
    pub(crate) fn order(&mut self, order: &str) {
        let pipe = self.orders.as_mut().expect("open until dropped");
        writeln!(pipe, "{order}").expect("a keeper that listens");
        let answer = self.answer();
        assert!(order.starts_with(&answer), "{order}: {answer}");
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.child.wait();
    }
}

/// PostgreSQL and PgBouncer refuse to run as root.
fn as_nobody_special() -> Command {
    let is_root = std::fs::metadata("/proc/self").expect("/proc").uid() == 0;
    if !is_root {
        return Command::new("env");
    }
    let users = std::fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    let ids: BTreeMap<&str, (&str, &str)> = users
        .lines()
        .filter_map(|line| {
            let mut parts = line.split(':');
            Some((parts.next()?, (parts.nth(1)?, parts.next()?)))
        })
        .collect();
    let (user, group) = ids.get("postgres").or(ids.get("nobody")).expect("a user beside root");
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", group, "--clear-groups", "--"]);
    command
}
