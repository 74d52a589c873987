//! A gateway, and two processes with all services behind it.

use std::cell::RefCell;
use std::sync::{Mutex, MutexGuard, PoisonError};

use busbar::types::ServiceName;
use serde_json::Value;

use crate::support::caretaker::ADMIN_ADDR;
use crate::support::launch::{self, Process};
use crate::support::{Engine, Person, TestSystem, postgres};

/// Where the second process keeps its data.
const OTHER_DATA: &str = "other";

/// Sixteen services on one server are much for a small machine: one house at a time.
static TURN: Mutex<()> = Mutex::new(());

pub(super) struct Twins {
    /// The gateway, and the first instance of each service.
    pub(super) system: TestSystem,
    /// The second instances.
    ports: Vec<(ServiceName, u16)>,
    urls: Vec<(String, String)>,
    second: RefCell<Option<Process>>,
    _turn: MutexGuard<'static, ()>,
}

impl Twins {
    pub(super) async fn start() -> Twins {
        Twins::start_with(&[], &[]).await
    }

    /// With these variables for all, and these for the second instances alone.
    pub(super) async fn start_with(all: &[(&str, &str)], second: &[(&str, &str)]) -> Twins {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let system = TestSystem::prepare_apart(Engine::Postgres);
        system.share_a_key();
        // What documents hold is in one folder that both reach.
        let [own, other] = ["data", OTHER_DATA].map(|name| system.folder().join(name));
        std::fs::create_dir_all(own.join("documents")).unwrap();
        std::fs::create_dir_all(&other).unwrap();
        std::os::unix::fs::symlink(own.join("documents"), other.join("documents")).unwrap();
        let ports: Vec<_> =
            ServiceName::domain().map(|name| (name, postgres::free_port())).collect();
        let url = |(name, port): &(ServiceName, u16)| {
            let urls = format!("{},http://127.0.0.1:{port}", system.service_url(*name));
            (format!("{}_URL", name.variable_prefix()), urls)
        };
        let urls = ports.iter().map(url).collect();
        let twins = Twins { system, ports, urls, second: RefCell::default(), _turn: turn };
        let urls = twins.urls.iter().map(|(name, urls)| (name.as_str(), urls.as_str()));
        let first: Vec<_> = urls.chain(all.iter().copied()).collect();
        let services: Vec<ServiceName> = ServiceName::domain().collect();
        twins.system.spawn(&services, &first);
        twins.spawn_second(&[all, second].concat());
        twins.system.spawn(&[ServiceName::Gateway], &first);
        twins.system.ready(&ServiceName::ALL).await;
        twins.second_is_ready().await;
        twins
    }

    pub(super) fn spawn_second(&self, more: &[(&str, &str)]) {
        let mut environment = self.system.environment().to_vec();
        environment.retain(|(name, _)| name != ADMIN_ADDR);
        environment.extend(self.urls.iter().cloned());
        let port = |(name, port): &(ServiceName, u16)| {
            (format!("{}_PORT", name.variable_prefix()), port.to_string())
        };
        environment.extend(self.ports.iter().map(port));
        environment.push(("BUSBAR_SERVICE_KEY_FILE".into(), "data/keys/service.key".into()));
        environment.extend(more.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        let names: Vec<&str> = self.ports.iter().map(|(name, _)| name.as_str()).collect();
        let config = concat!(env!("CARGO_MANIFEST_DIR"), "/config/test.toml");
        let services = names.join(",");
        let arguments =
            ["start", "--config", config, "--services", &services, "--data", OTHER_DATA];
        let process = Process::start(&arguments, &environment, self.system.folder());
        *self.second.borrow_mut() = Some(process);
    }

    pub(super) async fn second_is_ready(&self) {
        for (name, _) in &self.ports {
            let asker = Person::anonymous(&self.urls_of(*name)[1]);
            let get = awc::http::Method::GET;
            launch::eventually(&format!("the second {name} is ready"), async || {
                let running = self.second.borrow_mut().as_mut().unwrap().is_running();
                assert!(running, "it ended:\n{}", self.second_log().join("\n"));
                let answer = asker.try_send(get.clone(), "/health/ready", None).await;
                answer.is_ok_and(|answer| answer.status == 200)
            })
            .await;
        }
    }

    /// Both instances of a service.
    pub(super) fn urls_of(&self, name: ServiceName) -> [String; 2] {
        let port = self.ports.iter().find(|(known, _)| *known == name).unwrap().1;
        [self.system.service_url(name), format!("http://127.0.0.1:{port}")]
    }

    /// Somebody at an instance itself, past the gateway.
    pub(super) fn at(&self, person: &Person, name: ServiceName, instance: usize) -> Person {
        person.at(&self.urls_of(name)[instance % 2])
    }

    pub(super) fn second_log(&self) -> Vec<String> {
        self.second.borrow().as_ref().map(Process::log).unwrap_or_default()
    }

    #[allow(clippy::await_holding_refcell_ref, reason = "one test, one task")]
    pub(super) async fn second_has_told(&self, text: &str) {
        self.second.borrow_mut().as_mut().unwrap().wait_for_log(text).await;
    }

    pub(super) fn kill_second(&self) {
        self.second.borrow_mut().take().unwrap().kill();
    }

    /// Asks it to stop; it finishes what it has.
    pub(super) fn take_second(&self) -> Process {
        self.second.borrow_mut().take().unwrap()
    }

    /// Books in balance, all events arrived, nothing answered with 500, no matter by whom.
    pub(super) async fn finish(self) {
        let invariants = self.system.admin().await.get("/api/admin/invariants").await.expect(200);
        all_true(&invariants);
        for line in self.second_log() {
            assert!(!line.contains("panicked"), "{line}");
        }
        self.system.finish().await;
    }
}

/// Every invariant holds, each by itself.
fn all_true(invariants: &Value) {
    assert_eq!(invariants["ok"], true, "{invariants}");
    let all = invariants.as_object().unwrap();
    assert!(all.values().filter(|value| value.is_boolean()).all(|value| value == true));
}
