//! Utilities and documents as billing meets them: what each is asked, and what it answers.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use busbar::types::{MeterId, ReadingId, RegisterId, ServiceAccountId, TariffId};
use serde_json::{Value, json};

use crate::support::wire::{Message, Scripted, Then, pause, say};

/// Utilities and documents at one address.
pub(crate) struct Neighbours {
    scripted: Scripted,
    state: Arc<Mutex<State>>,
    /// The next question for usage waits as long as this is set.
    is_held: Arc<AtomicBool>,
}

/// The next answers: status and body. Status 0 is none: the connection is closed.
struct State {
    usage: (u16, Value),
    link: (u16, Value),
    pin: u16,
    /// Readings by bill.
    pins: BTreeMap<String, Value>,
}

impl Neighbours {
    pub(crate) fn start() -> Neighbours {
        let state = Arc::new(Mutex::new(State {
            usage: (404, problem("service_account_not_found")),
            link: (404, problem("document_not_found")),
            pin: 200,
            pins: BTreeMap::new(),
        }));
        let (answering, is_held) = (state.clone(), Arc::new(AtomicBool::new(false)));
        let (held, waits) = (is_held.clone(), AtomicBool::new(false));
        let scripted = Scripted::start(move |heard, stream| {
            let asks = heard.message.target().starts_with("/internal/usage?");
            if asks && held.load(SeqCst) && !waits.swap(true, SeqCst) {
                while held.load(SeqCst) {
                    pause(Duration::from_millis(2));
                }
            }
            let (status, body) = answering.lock().unwrap().answer(&heard.message);
            answer(stream, status, &body)
        });
        Neighbours { scripted, state, is_held }
    }

    pub(crate) fn url(&self) -> String {
        self.scripted.url()
    }

    /// The first question for usage from now on is answered when this is taken back.
    pub(crate) fn hold_usage(&self, is_held: bool) {
        self.is_held.store(is_held, SeqCst);
    }

    pub(crate) fn usage_is(&self, status: u16, body: Value) {
        self.state.lock().unwrap().usage = (status, body);
    }

    pub(crate) fn link_is(&self, status: u16, body: Value) {
        self.state.lock().unwrap().link = (status, body);
    }

    pub(crate) fn pinning_is(&self, status: u16) {
        self.state.lock().unwrap().pin = status;
    }

    /// The readings that are pinned for a bill.
    pub(crate) fn pinned(&self, bill: &str) -> Option<Value> {
        self.state.lock().unwrap().pins.get(bill).cloned()
    }

    /// How often somebody asked for something that begins so: `POST /internal/usage/pins`.
    pub(crate) fn asked(&self, begin: &str) -> usize {
        let heard = self.scripted.heard();
        heard.iter().filter(|heard| heard.message.line.starts_with(begin)).count()
    }
}

impl State {
    fn answer(&mut self, message: &Message) -> (u16, Value) {
        let body: Value = serde_json::from_slice(&message.body).unwrap_or(Value::Null);
        match (message.method(), message.target()) {
            ("GET", target) if target.starts_with("/internal/usage?") => self.usage.clone(),
            ("POST", "/internal/usage/pins") => {
                if self.pin == 200 {
                    let bill = body["bill_id"].as_str().unwrap().to_owned();
                    self.pins.insert(bill, body["readings"].clone());
                }
                (self.pin, body)
            }
            ("DELETE", target) => {
                let bill = target.rsplit('/').next().unwrap();
                self.pins.remove(bill);
                (200, Value::Null)
            }
            ("POST", "/internal/documents/links") => self.link.clone(),
            ("POST", "/internal/events") => {
                let events = body.as_array().unwrap().iter();
                let taken = events.map(|event| json!({"id": event["id"], "result": "accepted"}));
                (200, json!({"results": taken.collect::<Vec<_>>()}))
            }
            _ => (404, problem("not_found")),
        }
    }
}

fn answer(stream: &mut TcpStream, status: u16, body: &Value) -> Then {
    if status == 0 {
        return Then::Close;
    }
    let text = body.to_string();
    let head = format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        text.len()
    );
    say(stream, format!("{head}{text}"));
    Then::Keep
}

pub(crate) fn problem(code: &str) -> Value {
    json!({"type": format!("/problems/{code}"), "code": code, "title": code})
}

/// A household in Chicago that used 355 kWh in March 2026, and its prices.
pub(crate) fn household(user_id: &str) -> Value {
    let reading = |at: &str, value: &str, role: &str| {
        json!({"id": ReadingId::new(), "at": at, "value": value, "quality": "actual",
            "role": role})
    };
    json!({
        "service_account": {"id": ServiceAccountId::new(), "user_id": user_id,
            "provider_id": "P", "status": "active"},
        "provider": {"id": "P", "name": "Prairie Power", "currency": "USD",
            "timezone": "America/Chicago", "exactness": "exact_down"},
        "tariffs": [{"tariff_id": TariffId::new(), "version": 3, "effective_from": "2026-01-01",
            "content": {
                "currency": "USD", "timezone": "America/Chicago", "clock": "wall",
                "effective_from": "2026-01-01",
                "components": [
                    {"id": "fix", "kind": "fixed", "per": "day", "rate": "0.25", "tax": "std"},
                    {"id": "en", "kind": "energy", "unit": "kWh", "tax": "std",
                     "by": {"season": "*", "tou": "*"}, "tier_scope": "bill_period",
                     "tiers": [{"upto": "100", "rate": "0.067"}, {"upto": "300", "rate": "0.1043"},
                               {"upto": null, "rate": "0.123"}]}],
                "taxes": [{"code": "std", "rate_bps": 750}]}}],
        "registers": [{"register_id": RegisterId::new(), "meter_id": MeterId::new(),
            "serial": "A-1", "unit": "kWh", "direction": "import", "quantity": "355",
            "multiplier": "1", "rolled_over": false,
            "readings": [reading("2026-03-01T06:00:00Z", "1000", "start"),
                         reading("2026-03-31T05:00:00Z", "1355", "end")]}],
        "gaps": []
    })
}

/// An order for the bill of a household's March.
pub(crate) fn order(household: &Value) -> Value {
    json!({"service_account_id": household["service_account"]["id"],
        "period": {"start": "2026-03-01", "end": "2026-03-31"}})
}
