//! Settings that change while requests are under way: SIGHUP.

mod kept;
mod load;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use busbar::types::ServiceName;

use super::{PATIENT, QUIET, port, tables, tunnels};
use crate::support::launch::{PATIENCE, Process};
use crate::support::wire::{Scripted, Then, Wire, pause, reply, say};
use crate::support::{Engine, TestSystem};

const PAGE: &str = "https://app.example";
const LIMIT: &str = "\"peraddress\";q=100000;w=60";
const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                      cache-control: no-store\r\ntransfer-encoding: chunked\r\n\r\n";

/// A gateway with a settings file of its own, before one service.
async fn gateway_of(service: &Scripted, name: ServiceName, lines: &str, more: &str) -> TestSystem {
    let system = TestSystem::prepare(Engine::Sqlite);
    system.set_gateway(lines, more);
    let (url, at) = (format!("{}_URL", name.variable_prefix()), service.url());
    system.spawn(&[ServiceName::Gateway], &[QUIET, PATIENT, (&url, &at)]);
    system.ready(&[ServiceName::Gateway]).await;
    system
}

/// What the gateway says of the limit, and of a page.
async fn seen(system: &TestSystem) -> (String, String) {
    let answer = system.anonymous().header("origin", PAGE).get("/api/payments").await;
    let allowed = answer.header("access-control-allow-origin");
    (answer.header("ratelimit-policy").to_owned(), allowed.to_owned())
}

/// A stream of events under way: the service says the next one when it is told to.
struct Events {
    said: Arc<AtomicUsize>,
}

/// Answers openings of WebSockets, streams of events, and whatever else.
fn lasting() -> (Scripted, Events) {
    let said = Arc::<AtomicUsize>::default();
    let asked = said.clone();
    let service = Scripted::start(move |heard, stream| {
        if heard.message.has("upgrade") {
            return tunnels::echo_to(heard, stream);
        }
        if heard.message.target() != "/payments/stream" {
            reply(stream, "ok");
            return Then::Keep;
        }
        say(stream, STREAM);
        for number in 1..=2 {
            while asked.load(SeqCst) < number {
                pause(Duration::from_millis(2));
            }
            say(stream, "9\r\ndata: x\n\n\r\n");
        }
        say(stream, "0\r\n\r\n");
        Then::Keep
    });
    (service, Events { said })
}

impl Events {
    /// The service says one more, and the client sees it.
    fn next(&self, wire: &mut Wire) {
        self.said.fetch_add(1, SeqCst);
        while !wire.line().contains("data: x") {}
    }
}

fn echoes(tunnel: &mut TcpStream, words: &[u8]) {
    tunnel.write_all(words).unwrap();
    let mut back = vec![0; words.len()];
    tunnel.read_exact(&mut back).unwrap();
    assert_eq!(back, words);
}

/// New limits and pages hold; streams and tunnels go on; the log has the difference, no secrets.
#[actix_web::test]
async fn what_is_changed_holds_and_what_lasts_goes_on() {
    let (service, events) = lasting();
    let system = gateway_of(&service, ServiceName::Payments, "", "").await;
    assert_eq!(seen(&system).await, (String::new(), String::new()));
    let mut stream = Wire::to(port(&system));
    stream.send("GET /api/payments/stream HTTP/1.1\r\nhost: busbar\r\n\r\n");
    events.next(&mut stream);
    let mut tunnel = TcpStream::connect(("127.0.0.1", port(&system))).unwrap();
    tunnel.set_read_timeout(Some(PATIENCE)).unwrap();
    tunnels::opened(&mut tunnel, "/api/payments/live");
    echoes(&mut tunnel, b"before");

    let lines = format!("rate_limit = \"100000/60s\"\ncors_origins = [\"{PAGE}\"]");
    system.set_gateway(&lines, "[notifications]\nsmtp_password = \"hunter2\"\n");
    let told = system.hang_up();

    let changed = (LIMIT.to_owned(), PAGE.to_owned());
    system.eventually("both hold", async || seen(&system).await == changed).await;
    events.next(&mut stream);
    assert_eq!(stream.line(), "0\r\n", "it ends where the service ends it");
    echoes(&mut tunnel, b"after");
    let line = system.told_after(told, "setting gateway.rate_limit").await;
    assert!(line.contains("\"off\" is now \"100000/60s\" ("), "{line}");
    assert!(line.contains("settings.toml:"), "{line}");
    let line = system.told_after(told, "setting gateway.cors_origins").await;
    assert!(line.contains(&format!("not set is now {PAGE:?}")), "{line}");
    let line = system.told_after(told, "setting notifications.smtp_password").await;
    assert!(line.contains("not set is now \"***\""), "{line}");
    assert!(!system.log().join("\n").contains("hunter2"));

    system.set_gateway("", "");
    system.hang_up();
    let is_back = async || seen(&system).await == (String::new(), String::new());
    system.eventually("what is not said any more is as by default", is_back).await;
}

/// A file with faults changes nothing, and they are told as `check-config` tells them.
#[actix_web::test]
async fn a_bad_file_changes_nothing() {
    let (service, _) = lasting();
    let limit = "rate_limit = \"100000/60s\"";
    let system = gateway_of(&service, ServiceName::Payments, limit, "").await;
    let lines = format!("rate_limit = \"many\"\ncors_origins = [\"{PAGE}\"]\ncach_ttl_ms = 5");
    system.set_gateway(&lines, "[notifications]\nsmtp_port = 0\n");

    let told = system.hang_up();

    system.told_after(told, "3 faults in the settings, everything stays as it is:").await;
    let file = system.folder().join("settings.toml");
    let arguments = ["check-config", "--config", file.to_str().unwrap()];
    let mut check = Process::start(&arguments, system.environment(), system.folder());
    assert_eq!(check.ended().await.code(), Some(2));
    check.is_told("3 faults").await;
    check.is_told("smtp_port").await;
    let faults = check.log().into_iter().filter(|line| line.starts_with("  "));
    let faults: Vec<String> = faults.collect();
    assert_eq!(faults.len(), 3, "{:?}", check.log());
    for fault in faults {
        system.told_after(told, &fault).await;
    }
    assert_eq!(seen(&system).await, (LIMIT.to_owned(), String::new()));

    std::fs::remove_file(&file).unwrap();
    let told = system.hang_up();
    system.told_after(told, "everything stays as it is").await;
    assert_eq!(seen(&system).await, (LIMIT.to_owned(), String::new()));

    system.set_gateway("rate_limit = \"off\"", "");
    system.hang_up();
    system.eventually("a good one holds", async || seen(&system).await.0.is_empty()).await;
}

/// What is logged changes, too.
#[actix_web::test]
async fn the_level_of_the_log_changes() {
    let service = Scripted::saying("ok");
    let system = gateway_of(&service, ServiceName::Payments, "", "").await;
    let heard = "SIGHUP: the settings are read again";
    let file = system.folder().join("settings.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let set = |filter: &str| {
        std::fs::write(&file, text.replace("warn,busbar=info", filter)).unwrap();
        system.hang_up()
    };
    let told = set("error");
    // Told as the last thing at the old level.
    system.told_after(told, "setting log.filter").await;
    let is_silent = async || {
        // A fault is told at every level, after whatever else there is to tell.
        let told = set("loud");
        system.told_after(told, "everything stays as it is").await;
        !system.log().iter().skip(told).any(|line| line.contains(heard))
    };
    system.eventually("it is silent", is_silent).await;
    let told = set("warn,busbar=info");
    let speaks = async || {
        system.hang_up();
        system.log().iter().skip(told).any(|line| line.contains(heard))
    };
    system.eventually("it speaks again", speaks).await;
}

/// The file of a pipe is gone when it has been read.
#[actix_web::test]
async fn a_file_that_cannot_be_read_again_changes_nothing() {
    let system = TestSystem::prepare(Engine::Sqlite);
    let pipe = system.folder().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let arguments = ["start", "--config", "pipe", "--services", "gateway", "--data", "data"];
    let mut process = Process::start(&arguments, system.environment(), system.folder());
    let words = "[gateway]\nrate_limit = \"7/60s\"\n";
    std::thread::spawn(move || std::fs::write(&pipe, words).unwrap()).join().unwrap();
    system.ready(&[ServiceName::Gateway]).await;

    process.signal("HUP");

    process.wait_for_log("--config pipe: a file, so that it can be read again").await;
    let answer = system.anonymous().get("/api/payments").await;
    assert_eq!(answer.header("ratelimit-policy"), "\"peraddress\";q=7;w=60");
}
