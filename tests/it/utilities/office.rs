//! Utilities alone behind a real HTTP server, on either engine. The test stands for the others: it
//! signs the tokens of people and services.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data};
use busbar::events;
use busbar::faults::Failpoints;
use busbar::jobs;
use busbar::services::utilities::Utilities;
use busbar::services::{Peers, Service, Setup};
use busbar::storage::{self, Database, Statement, Target, params};
use busbar::types::{Clock, ServiceName, UserId};
use busbar_http::caller::{AUDIENCE_API, FetchKeys, ISSUER, UserClaims, Verifier};
use busbar_http::client::in_name_of;
use busbar_http::token::{KeySet, PrivateKey};
use busbar_http::{Health, Kit, Limits, Metrics, Peer, Role, ServiceKey};
use serde_json::{Value, json};

use crate::support::postgres::{self, free_port};
use crate::support::system::fresh_folder;
use crate::support::{Engine, Person};

const SAID: Statement = Statement::new(
    "SAID",
    "SELECT event AS value FROM outbox WHERE kind = $1 ORDER BY occurred_at, id",
);

/// When it is, so that readings of earlier months of the year are past.
pub(crate) const TODAY: &str = "2026-11-25T12:00:00Z";

/// Makes a test for each engine: `on_both! { async fn name(office: Office) { … } }`.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($office:ident: Office) $body:block)+) => { $(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            use $crate::support::Engine;

            async fn check($office: Office) $body

            #[actix_rt::test]
            async fn sqlite() {
                let office = Office::open(Engine::Sqlite).await;
                check(office.clone()).await;
                office.close().await;
            }

            #[actix_rt::test]
            async fn postgres() {
                let office = Office::open(Engine::Postgres).await;
                check(office.clone()).await;
                office.close().await;
            }
        }
    )+ };
}
pub(crate) use on_both;

#[derive(Clone)]
pub(crate) struct Office {
    pub(crate) database: Database,
    pub(crate) metrics: Metrics,
    url: String,
    key: PrivateKey,
    service_key: Arc<ServiceKey>,
    server: ServerHandle,
    folder: PathBuf,
}

fn seconds() -> i64 {
    Clock::system().now().seconds()
}

impl Office {
    pub(crate) async fn open(engine: Engine) -> Office {
        let folder = fresh_folder();
        let target = match engine {
            Engine::Sqlite => Target::file(&folder, "utilities"),
            Engine::Postgres => Target::parse(&postgres::database("utilities"), None).unwrap(),
        };
        let settings = storage::Settings::default();
        let database = Database::open("utilities", &target, &settings).await.unwrap();
        let common = [events::SCRIPT, jobs::SCRIPT, jobs::LANES];
        database.migrate(&[&common, Utilities::MIGRATIONS].concat()).await.unwrap();
        let (key, clock) = (PrivateKey::from_seed(&[7; 32]).unwrap(), Clock::settable());
        assert!(clock.set(TODAY.parse().unwrap()));
        let service_key = Arc::new(ServiceKey::new(key.clone(), Arc::new(seconds)));
        let peers = Peers::new(|_| {
            let name = in_name_of("utilities", service_key.clone());
            Peer::new("nobody", Vec::new(), &busbar_http::lane::Limits::default(), name)
        });
        let setup = Setup {
            database: database.clone(),
            clock,
            settings: (),
            peers,
            failpoints: Failpoints::default(),
        };
        let utilities = Data::new(Utilities::open(setup).await.unwrap());
        let metrics = Metrics::new("utilities").unwrap();
        utilities.measure(&metrics).unwrap();
        let configure = move |config: &mut web::ServiceConfig| {
            config.app_data(utilities.clone());
            Utilities::routes().register(config);
        };
        let port = free_port();
        let socket = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let kit = kit(&key, &service_key, &metrics);
        let running = busbar_http::serve(socket, &limits(), kit, configure).unwrap();
        let server = running.handle();
        actix_rt::spawn(running);
        let url = format!("http://127.0.0.1:{port}");
        Office { database, metrics, url, key, service_key, server, folder }
    }

    pub(crate) async fn close(self) {
        self.server.stop(false).await;
        self.database.close().await;
        std::fs::remove_dir_all(self.folder).unwrap();
    }

    fn somebody(&self, role: Role) -> Person {
        let (id, now) = (UserId::new(), seconds());
        let claims = UserClaims {
            iss: ISSUER.into(),
            aud: AUDIENCE_API.into(),
            sub: id.uuid(),
            sid: UserId::new().uuid(),
            role,
            ver: 0,
            iat: now,
            exp: now + 600,
            jti: UserId::new().uuid(),
        };
        let token = self.key.sign(&claims).unwrap();
        let mut person = Person::with_token(&self.url, &token);
        person.id = id.to_string();
        person
    }

    pub(crate) fn admin(&self) -> Person {
        self.somebody(Role::Admin)
    }

    pub(crate) fn staff(&self) -> Person {
        self.somebody(Role::Operator)
    }

    pub(crate) fn customer(&self) -> Person {
        self.somebody(Role::Customer)
    }

    /// The billing service.
    pub(crate) fn billing(&self) -> Person {
        Person::with_token(&self.url, &self.service_key.issue("billing").unwrap())
    }

    /// The data of all events of a kind, in their order.
    pub(crate) async fn said(&self, kind: &str) -> Vec<Value> {
        let events: Vec<(String,)> = self.database.all(SAID, params![kind]).await.unwrap();
        let data =
            |(event,): &(String,)| serde_json::from_str::<Value>(event).unwrap()["data"].clone();
        events.iter().map(data).collect()
    }

    /// A figure of its own metrics; `label` is a part of its line, as `result="held"`.
    pub(crate) fn figure(&self, name: &str, label: &str) -> f64 {
        let text = self.metrics.text();
        let mut lines = text.lines().filter(|line| line.starts_with(name) && line.contains(label));
        lines.find_map(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0.0)
    }
}

/// A provider in Chicago, active at once.
pub(crate) fn provider() -> Value {
    json!({"name": "Prairie Power", "kind": "electricity", "currency": "USD",
        "timezone": "America/Chicago", "status": "active"})
}

/// The tariff of a household: a charge by the day, energy in three tiers, a tax.
pub(crate) fn tariff() -> Value {
    json!({"currency": "USD", "timezone": "America/Chicago", "clock": "wall",
        "effective_from": "2024-01-01",
        "seasons": [{"id": "all", "from": "01-01", "to": "12-31"}],
        "tou": [{"id": "off", "default": true}],
        "components": [
            {"id": "fix", "kind": "fixed", "per": "day", "rate": "0.25", "tax": "std"},
            {"id": "en", "kind": "energy", "unit": "kWh", "tax": "std",
             "by": {"season": "*", "tou": "*"}, "tier_scope": "bill_period",
             "tiers": [{"upto": "100", "rate": "0.067"}, {"upto": "300", "rate": "0.1043"},
                       {"upto": null, "rate": "0.123"}]}],
        "taxes": [{"code": "std", "rate_bps": 750}]})
}

pub(crate) fn id_of(made: &Value) -> String {
    made["id"].as_str().unwrap().to_owned()
}

/// A household that is supplied: its provider, tariff, account, meter and only register.
pub(crate) struct Household {
    pub(crate) provider: String,
    pub(crate) tariff: String,
    pub(crate) account: String,
    pub(crate) meter: String,
    pub(crate) register: String,
    pub(crate) owner: Person,
    pub(crate) admin: Person,
}

impl Household {
    pub(crate) async fn supplied(office: &Office) -> Household {
        Household::made(office.admin(), office.customer(), "").await
    }

    /// `prefix` is `/api` at the gateway.
    pub(crate) async fn made(admin: Person, owner: Person, prefix: &str) -> Household {
        let path = |rest: &str| format!("{prefix}{rest}");
        let made = admin.post(&path("/providers"), provider()).await.expect(201);
        let provider = id_of(&made);
        let mut order = tariff();
        order["provider_id"] = json!(provider);
        order["name"] = json!("Household");
        let tariff = id_of(&admin.post(&path("/tariffs"), order).await.expect(201));
        let order = json!({"provider_id": provider, "user_id": owner.id, "tariff_id": tariff,
            "reference": "C-17", "address": "12 River Road"});
        let account = id_of(&admin.post(&path("/service-accounts"), order).await.expect(201));
        let order = json!({"service_account_id": account, "serial": "M-1",
            "registers": [{"unit": "kWh", "digits": 5}]});
        let made = admin.post(&path("/meters"), order).await.expect(201);
        let (meter, register) = (id_of(&made), id_of(&made["registers"][0]));
        Household { provider, tariff, account, meter, register, owner, admin }
    }

    pub(crate) fn readings(&self) -> String {
        format!("/meters/{}/readings", self.meter)
    }

    /// Delivers one reading: what became of it.
    pub(crate) async fn read(&self, at: &str, value: &str) -> Value {
        let reading = json!({"register_id": self.register, "at": at, "value": value});
        self.admin.post(&self.readings(), reading).await.expect(200)
    }

    /// Readings of some months at 240 units a month, from January 2026, up to a last one on the
    /// first of `month`.
    pub(crate) async fn used_until(&self, month: u32, last: u32) {
        for earlier in 1..=month {
            let value = last - 240 * (month - earlier);
            let taken = self.read(&first_of(earlier), &value.to_string()).await;
            assert_eq!(taken["accepted"], 1, "{taken}");
        }
    }

    pub(crate) fn usage(&self, start: &str, end: &str) -> String {
        let account = &self.account;
        format!("/internal/usage?service_account_id={account}&start={start}&end={end}")
    }
}

/// The first of a month of 2026, some hours after midnight in Chicago.
pub(crate) fn first_of(month: u32) -> String {
    format!("2026-{month:02}-01T12:00:00Z")
}

fn limits() -> Limits {
    let second = std::time::Duration::from_secs(1);
    Limits {
        workers: 2,
        keep_alive: 5 * second,
        client_request_timeout: 5 * second,
        drain: second,
        connections_max: 1024,
        body_bytes_max: 1 << 20,
    }
}

fn kit(key: &PrivateKey, service_key: &Arc<ServiceKey>, metrics: &Metrics) -> Kit {
    let set = KeySet { keys: vec![key.public()] };
    let fetch: FetchKeys = Arc::new(move || {
        let set = set.clone();
        Box::pin(async move { Ok(set) })
    });
    let health = Health::new(ServiceName::Utilities.origin(), 1, Arc::default(), Vec::new());
    Kit {
        metrics: metrics.clone(),
        health: Data::new(health),
        draining: Arc::default(),
        verifier: Some(Arc::new(Verifier::new(fetch, Arc::new(seconds)))),
        service_key: Some(service_key.clone()),
        before: None,
        document: "{}".into(),
        at_once: None,
        figures: None,
    }
}
