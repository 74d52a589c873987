//! What only a process of its own can show: signals, and the loss of a supervisor.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use actix_rt::time::timeout;
use busbar_actors::{Ending, Tree, signals};

use crate::stage::{Stage, address};
use crate::support::{Connection, PATIENCE, get, on_a_system};

/// Names the part that a process started by a test plays.
const ROLE: &str = "BUSBAR_ACTORS_TEST_ROLE";

/// Not a test by itself: the others start this binary again with a role, and land here.
#[test]
fn a_process_with_a_role() {
    match std::env::var(ROLE).as_deref() {
        Ok("server") => serve_until_told(),
        Ok("careless") => lose_a_supervisor(),
        _ => {}
    }
}

fn serve_until_told() {
    actix_rt::System::new().block_on(async {
        let mut requests = signals::install().unwrap();
        let tree = Tree::new().tier([Stage::new().spec("shop")]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();
        println!("\nlistening {}", address(&registry, "shop"));
        let mut hangups = requests.clone();
        actix_rt::spawn(async move {
            while hangups.hangup().await {
                println!("\nhangup");
            }
        });
        println!("\nstopping {}", requests.stop().await);
        assert!(requests.is_stopping());
        std::process::exit(if running.stop(Ending::Graceful).await.is_empty() { 0 } else { 3 });
    });
}

fn lose_a_supervisor() {
    let system = actix_rt::System::new();
    let running = system.block_on(Tree::new().tier([Stage::new().spec("shop")]).start());
    // The tree is still held: nobody has asked it to stop.
    drop(system);
    drop(running);
}

struct Process {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(role: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "process::a_process_with_a_role", "--nocapture"])
            .env(ROLE, role)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Process { child, lines }
    }

    /// Waits for a line that begins with `word`; gives the rest of it.
    fn hears(&mut self, word: &str) -> String {
        let found = self.lines.find_map(|line| line.unwrap().strip_prefix(word).map(str::to_owned));
        found.unwrap_or_else(|| panic!("never said {word}")).trim().to_owned()
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let words = format!("kill -s {name} {id}");
        assert!(Command::new("sh").args(["-c", &words]).status().unwrap().success());
    }

    async fn exit_code(&mut self) -> Option<i32> {
        let wait = async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status.code();
                }
                actix_rt::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, wait).await.unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn one_signal_lets_requests_finish() {
    for name in ["TERM", "INT"] {
        let mut process = Process::start("server");
        let to: SocketAddr = process.hears("listening").parse().unwrap();
        on_a_system(async {
            let mut busy = Connection::open(to).await.unwrap();
            busy.get("/").await.unwrap();
            busy.send("/slow/1000").await.unwrap();
            process.signal(name);
            assert_eq!(process.hears("stopping"), format!("SIG{name}"));
            assert_eq!(busy.answer().await.unwrap().status, 200);
            assert_eq!(process.exit_code().await, Some(0));
        });
    }
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let mut process = Process::start("server");
    let to: SocketAddr = process.hears("listening").parse().unwrap();
    on_a_system(async {
        let mut busy = Connection::open(to).await.unwrap();
        busy.get("/").await.unwrap();
        busy.send("/slow/5000").await.unwrap();
        process.signal("TERM");
        process.hears("stopping");
        let second = Instant::now();
        process.signal("INT");
        assert_eq!(process.exit_code().await, Some(1));
        assert!(second.elapsed() < Duration::from_secs(2));
        assert!(busy.answer().await.is_err(), "cut");
    });
}

#[test]
fn a_hangup_is_heard_and_stops_nothing() {
    let mut process = Process::start("server");
    let to: SocketAddr = process.hears("listening").parse().unwrap();
    on_a_system(async {
        process.signal("HUP");
        process.hears("hangup");
        assert_eq!(get(to, "/").await.unwrap().body, "g1");
        process.signal("TERM");
        assert_eq!(process.exit_code().await, Some(0));
    });
}

#[test]
fn the_process_ends_when_a_supervisor_is_lost() {
    on_a_system(async {
        assert_eq!(Process::start("careless").exit_code().await, Some(70));
    });
}
