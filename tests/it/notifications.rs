//! What people are told: once, by mail and in their inbox, as they wish, whatever happens on the way.

mod announcements;
mod away;
mod crash;
mod events;
mod failures;
mod inbox;
pub(crate) mod letters;
mod login;
mod passwords;
mod preferences;
mod preview;
mod security;
mod server;
mod stalled;

use busbar::types::{EventId, ServiceName};
use serde_json::{Value, json};

use crate::support::{Answer, Person, TestSystem};

use self::letters::{Letter, mailbox};

/// Makes a test for each engine of a function that takes one.
macro_rules! each_engine {
    ($($(#[$meta:meta])* $name:ident;)+) => { $(
        $(#[$meta])*
        mod $name {
            #[actix_web::test]
            async fn sqlite() {
                super::check::$name($crate::support::Engine::Sqlite).await;
            }

            #[actix_web::test]
            async fn postgres() {
                super::check::$name($crate::support::Engine::Postgres).await;
            }
        }
    )+ };
}
use each_engine;

/// An event as `from` would say it.
fn event(from: &str, name: &str, subject: &str, data: &Value) -> Value {
    json!({
        "specversion": "1.0", "id": EventId::new(), "source": format!("/busbar/{from}"),
        "type": format!("busbar.{name}.v1"), "subject": subject, "time": "2026-11-01T20:05:00Z",
        "datacontenttype": "application/json", "dataschema": format!("/schemas/{name}/v1"),
        "sequence": "00000000000000000099", "partitionkey": subject, "correlationid": "by-hand",
        "actor": "system", "data": data,
    })
}

/// Says events to the service by hand, in the name of another one.
async fn tell(system: &TestSystem, from: &str, events: &[&Value]) -> Answer {
    let to = system.internal_as(from, ServiceName::Notifications);
    to.post("/internal/events", json!(events)).await
}

/// The messages of a person on a channel, the newest first, as staff see them.
async fn messages(admin: &Person, user: &str, channel: &str) -> Vec<Value> {
    let path = format!("/api/notifications?user_id={user}&channel={channel}&limit=100");
    let listed = admin.get(&path).await.expect(200);
    listed["data"].as_array().unwrap().clone()
}

/// The only message of a template to a person on a channel, once it is there and in this state.
async fn message(
    system: &TestSystem,
    admin: &Person,
    (user, channel): (&str, &str),
    template: &str,
    status: &str,
) -> Value {
    let mut found = Value::Null;
    let what = format!("{template} by {channel} is {status}");
    let path =
        format!("/api/notifications?user_id={user}&channel={channel}&status={status}&limit=100");
    let reached = async || {
        let listed = admin.get(&path).await.expect(200);
        let listed = listed["data"].as_array().unwrap();
        let mut of_it = listed.iter().filter(|message| message["template"] == template);
        found = of_it.next().cloned().unwrap_or_default();
        assert!(of_it.next().is_none(), "more than one: {listed:?}");
        !found.is_null()
    };
    system.eventually(&what, reached).await;
    found
}

/// The mails to an address, once there are so many.
async fn mails(system: &TestSystem, address: &str, count: usize) -> Vec<Letter> {
    let mut found = Vec::new();
    let reached = async || {
        found = mailbox(system).into_iter().filter(|letter| letter.is_to(address)).collect();
        found.len() >= count
    };
    system.eventually(&format!("{count} mails to {address}"), reached).await;
    assert_eq!(found.len(), count, "{found:#?}");
    found
}

/// The mail of the template whose subject begins so.
fn of_subject<'a>(letters: &'a [Letter], begin: &str) -> &'a Letter {
    let mut found = letters.iter().filter(|letter| letter.header("subject").starts_with(begin));
    let letter = found.next().unwrap_or_else(|| panic!("no `{begin}` in {letters:#?}"));
    assert!(found.next().is_none(), "more than one `{begin}`");
    letter
}
