//! What faces the client: tokens, ended sessions, rate limits, other web pages, packed answers.

mod auth;
mod bodies;
mod compress;
mod cors;
mod ended;
mod rates;

use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use busbar_http::Role;
use busbar_http::caller::{AUDIENCE_API, ISSUER, UserClaims};
use busbar_http::token::{KeySet, PrivateKey};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{before, gateway, port, routed};
use crate::support::wire::{Scripted, Then, reply, say};

/// A users service that shows its keys, and tells what has ended.
pub(super) struct Keeper {
    pub(super) service: Scripted,
    pub(super) key: PrivateKey,
    ended: Arc<Mutex<Vec<Value>>>,
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

impl Keeper {
    pub(super) fn start() -> Keeper {
        let key = PrivateKey::from_seed(&[7; 32]).unwrap();
        let keys = serde_json::to_string(&KeySet { keys: vec![key.public()] }).unwrap();
        let ended: Arc<Mutex<Vec<Value>>> = Arc::default();
        let told = ended.clone();
        let service = Scripted::start(move |heard, stream| {
            let target = heard.message.target();
            if target == "/.well-known/jwks.json" {
                reply(stream, &keys);
            } else if target.starts_with("/internal/sessions/ended") {
                let ended = told.lock().unwrap().clone();
                let page = json!({
                    "ended": ended, "keep_seconds": 600, "resume": "here", "is_more": false,
                });
                reply(stream, &page.to_string());
            } else {
                reply(stream, "users");
            }
            Then::Keep
        });
        Keeper { service, key, ended }
    }

    pub(super) fn url(&self) -> String {
        self.service.url()
    }

    /// A token that is good for ten minutes.
    pub(super) fn token(&self) -> String {
        self.key.sign(&claims()).unwrap()
    }
}

/// Of somebody new.
pub(super) fn claims() -> UserClaims {
    UserClaims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE_API.to_owned(),
        sub: Uuid::new_v4(),
        sid: Uuid::new_v4(),
        role: Role::Operator,
        ver: 0,
        iat: now(),
        exp: now() + 600,
        jti: Uuid::new_v4(),
    }
}

/// Answers every request with this head and body; the length is added.
fn answering(head: &'static str, body: impl Into<Vec<u8>>) -> Scripted {
    let body = body.into();
    Scripted::start(move |heard, stream| {
        let length = body.len();
        say(stream, format!("HTTP/1.1 {head}content-length: {length}\r\n\r\n"));
        if heard.message.method() != "HEAD" {
            say(stream, &body);
        }
        Then::Keep
    })
}
