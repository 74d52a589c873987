//! Answers that are kept (RFC 9111), before a service that says what its client told it to say.

mod bounds;
mod changed;
mod coalescing;
mod freshness;
mod guarded;
mod invalidation;
mod ours;
mod owned;
mod repeated;
mod stale;
mod validation;
mod variants;

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use busbar::types::ServiceName;

use super::{port, routed};
use crate::support::TestSystem;
use crate::support::wire::{Message, Scripted, Then, say, wait_for_close};

/// A service that answers with the fields that `x-say` names (separated by `|`), the status that
/// `x-status` names, and the number of the request as its body; `x-say: cut` closes instead.
fn obedient() -> Scripted {
    let count = AtomicUsize::new(0);
    Scripted::start(move |heard, stream| {
        let number = count.fetch_add(1, SeqCst) + 1;
        let (said, status) = (heard.message.field("x-say"), heard.message.field("x-status"));
        match said.as_str() {
            "cut" => return Then::Close,
            "never" => {
                wait_for_close(stream);
                return Then::Close;
            }
            _ => {}
        }
        let status = if status.is_empty() { "200".to_owned() } else { status };
        let fields: String = said
            .split('|')
            .filter(|line| !line.is_empty())
            .map(|line| format!("{line}\r\n"))
            .collect();
        let answer = format!("answer {number}");
        let length = format!("content-length: {}\r\n", answer.len());
        let is_bare = status == "304" || heard.message.method() == "HEAD";
        let body = if is_bare { "" } else { answer.as_str() };
        let length = if status == "304" { "" } else { &length };
        say(stream, format!("HTTP/1.1 {status} Said\r\n{fields}{length}\r\n{body}"));
        Then::Keep
    })
}

/// A gateway that keeps the answers of such a service, and its client.
struct Kept {
    system: TestSystem,
    service: Scripted,
}

impl Kept {
    async fn start() -> Kept {
        Kept::with("", &[]).await
    }

    async fn with(lines: &str, variables: &[(&str, &str)]) -> Kept {
        let service = obedient();
        let lines = format!("cache = \"shared\"\n{lines}");
        let system = routed(&[("/kept", &service, &lines)], variables).await;
        Kept { system, service }
    }

    /// The answer to a request with these fields, each a line.
    fn ask(&self, method: &str, path: &str, fields: &[&str]) -> Message {
        let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: busbar\r\nconnection: close\r\n{fields}\r\n"
        );
        let mut wire = crate::support::wire::Wire::to(port(&self.system));
        wire.send(request);
        if method == "HEAD" { wire.head_only() } else { wire.answer() }
    }

    fn get(&self, path: &str, fields: &[&str]) -> Message {
        self.ask("GET", path, fields)
    }

    /// How many requests the service has seen.
    fn seen(&self) -> usize {
        self.service.heard().len()
    }

    async fn pass(&self, seconds: u64) {
        self.system.advance_of(ServiceName::Analytics, Duration::from_secs(seconds)).await;
    }
}

/// What the client was told: body, `x-cache`, `Cache-Status`.
fn told(answer: &Message) -> (String, String, String) {
    (answer.text(), answer.field("x-cache"), answer.field("cache-status"))
}
