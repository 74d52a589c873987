//! `TestSystem`: the real program on free ports with throwaway databases.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use busbar::types::ServiceName;
use serde_json::json;

mod settings;

pub(crate) use self::settings::Reloading;
use super::caretaker::ADMIN_ADDR;
pub(crate) use super::engine::Engine;
use super::folder;
pub(crate) use super::folder::fresh_folder;
use super::launch::{self, Process};
use super::orders::draft;
use super::person::{PASSWORD, Person};
use super::postgres;

pub(crate) const ADMIN_EMAIL: &str = "admin@example.org";

/// The program as its users have it; clones are the same one.
#[derive(Clone)]
pub(crate) struct TestSystem(Rc<Inner>);

struct Inner {
    folder: PathBuf,
    ports: BTreeMap<ServiceName, u16>,
    hosted: Vec<ServiceName>,
    environment: Vec<(String, String)>,
    processes: RefCell<Vec<Process>>,
    expects_faults: RefCell<bool>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.processes.borrow_mut().clear();
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

impl TestSystem {
    /// All nine services in one process, ready.
    pub(crate) async fn start(engine: Engine) -> TestSystem {
        let system = TestSystem::prepare(engine);
        system.start_again().await;
        system
    }

    /// As `start`, with further variables.
    pub(crate) async fn start_with(engine: Engine, more: &[(&str, &str)]) -> TestSystem {
        let system = TestSystem::prepare(engine);
        system.launch_with(more).await;
        system
    }

    /// With this URL for each of these services, or none.
    pub(super) fn with_databases(
        services: &[ServiceName],
        database: impl Fn(ServiceName) -> Option<String>,
    ) -> TestSystem {
        let is_hosted =
            |name: &ServiceName| *name == ServiceName::Gateway || services.contains(name);
        let hosted: Vec<ServiceName> = ServiceName::ALL.into_iter().filter(is_hosted).collect();
        let ports: BTreeMap<_, _> =
            ServiceName::ALL.into_iter().map(|name| (name, postgres::free_port())).collect();
        let mut environment = vec![
            ("BUSBAR_ADMIN_EMAIL".into(), ADMIN_EMAIL.into()),
            ("BUSBAR_ADMIN_PASSWORD".into(), PASSWORD.into()),
            ("BUSBAR_FAULT_INJECTION".into(), "true".into()),
            (ADMIN_ADDR.into(), format!("127.0.0.1:{}", postgres::free_port())),
        ];
        for (name, port) in &ports {
            environment.push((format!("{}_PORT", name.variable_prefix()), port.to_string()));
        }
        for name in ServiceName::domain().filter(is_hosted) {
            if let Some(url) = database(name) {
                environment.push((format!("{}_DATABASE_URL", name.variable_prefix()), url));
            }
        }
        TestSystem(Rc::new(Inner {
            folder: fresh_folder(),
            ports,
            hosted,
            environment,
            processes: RefCell::default(),
            expects_faults: RefCell::default(),
        }))
    }

    /// Starts (again) what was prepared, and waits until it is ready.
    pub(crate) async fn start_again(&self) {
        self.launch_with(&[]).await;
    }

    pub(crate) async fn launch_with(&self, more: &[(&str, &str)]) {
        self.spawn(&self.0.hosted, more);
        self.ready(&self.0.hosted).await;
    }

    /// A process with these services, which may not be ready yet.
    pub(crate) fn spawn(&self, services: &[ServiceName], more: &[(&str, &str)]) {
        let config = folder::settings(&self.0.folder);
        self.spawn_with(config.to_str().unwrap(), services, more);
    }

    /// As `spawn`, with other settings than those of tests.
    pub(crate) fn spawn_with(&self, config: &str, services: &[ServiceName], more: &[(&str, &str)]) {
        let mut environment = self.0.environment.clone();
        // Of several processes the one with the gateway has this port.
        let has_admin = services.contains(&ServiceName::Gateway);
        environment.retain(|(name, _)| has_admin || name != ADMIN_ADDR);
        environment.extend(more.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        let names = services.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(",");
        let arguments = ["start", "--config", config, "--services", &names, "--data", "data"];
        let process = Process::start(&arguments, &environment, &self.0.folder);
        self.0.processes.borrow_mut().push(process);
    }

    pub(crate) async fn ready(&self, services: &[ServiceName]) {
        for name in services {
            let asker = Person::anonymous(&self.service_url(*name));
            let mut last = String::new();
            let what = format!("{} is ready", name.as_str());
            let ready = launch::eventually(&what, async || {
                assert!(self.is_running(), "it ended:\n{}\n{last}", self.log().join("\n"));
                match asker.try_send(awc::http::Method::GET, "/health/ready", None).await {
                    Ok(answer) => {
                        last = answer.to_string();
                        answer.status == 200
                    }
                    Err(error) => {
                        last = error;
                        false
                    }
                }
            });
            ready.await;
        }
    }

    pub(crate) fn hosts(&self, name: ServiceName) -> bool {
        self.0.hosted.contains(&name)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.0.processes.borrow_mut().iter_mut().all(Process::is_running)
    }

    /// What all its processes have logged.
    pub(crate) fn log(&self) -> Vec<String> {
        self.0.processes.borrow().iter().flat_map(Process::log).collect()
    }

    #[allow(clippy::await_holding_refcell_ref, reason = "one test, one task")]
    pub(crate) async fn wait_for_log(&self, text: &str) -> String {
        self.0.processes.borrow_mut().last_mut().unwrap().wait_for_log(text).await
    }

    /// `kill -9`, all of it.
    pub(crate) fn kill(&self) {
        self.0.processes.borrow_mut().iter_mut().for_each(Process::kill);
        self.0.processes.borrow_mut().clear();
    }

    /// Hands out the newest process, for signals and its end.
    pub(crate) fn take_process(&self) -> Process {
        self.0.processes.borrow_mut().pop().unwrap()
    }

    /// What its processes are started with.
    pub(crate) fn environment(&self) -> &[(String, String)] {
        &self.0.environment
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0.folder
    }

    pub(crate) fn port(&self, name: ServiceName) -> u16 {
        self.0.ports[&name]
    }

    /// The gateway.
    pub(crate) fn url(&self) -> String {
        self.service_url(ServiceName::Gateway)
    }

    pub(crate) fn service_url(&self, name: ServiceName) -> String {
        format!("http://127.0.0.1:{}", self.port(name))
    }

    pub(crate) fn anonymous(&self) -> Person {
        Person::anonymous(&self.url())
    }

    pub(crate) async fn admin(&self) -> Person {
        Person::logged_in(&self.url(), ADMIN_EMAIL, PASSWORD).await
    }

    /// Signed up and logged in.
    pub(crate) async fn person(&self, name: &str) -> Person {
        Person::signed_up(&self.url(), name).await
    }

    /// This test causes panics or 5xx by intention.
    pub(crate) fn expect_faults(&self) {
        *self.0.expects_faults.borrow_mut() = true;
    }

    /// A bill of one line in USD, issued for the person.
    pub(crate) async fn issued_bill(&self, person: &Person, minor: i64) -> String {
        let admin = self.admin().await;
        let draft = admin.post("/api/bills", draft(&person.id, minor)).await.expect(201);
        let id = draft["id"].as_str().unwrap().to_owned();
        let issue = format!("/api/bills/{id}/issue");
        admin.keyed(&format!("issue-{id}")).post(&issue, json!({})).await.expect(200);
        id
    }

    pub(crate) async fn eventually(&self, what: &str, holds: impl AsyncFnMut() -> bool) {
        launch::eventually(what, holds).await;
    }

    /// One figure of a service, summed over its labels (those after the first ones, where these are
    /// given); 0 when it is not there.
    pub(crate) async fn figure(&self, name: ServiceName, metric: &str) -> f64 {
        let asker = Person::anonymous(&self.service_url(name));
        let text = asker.get("/metrics/prometheus").await.text();
        let lines = text.lines().filter(|line| {
            line.strip_prefix(metric).is_some_and(|rest| rest.starts_with([' ', '{', ',', '}']))
        });
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// What every test leaves behind: a ledger that sums to zero, events that arrived, no panic,
    /// no 500.
    pub(crate) async fn finish(self) {
        if !self.is_running() || self.0.processes.borrow().is_empty() {
            return;
        }
        self.is_settled().await;
        if *self.0.expects_faults.borrow() {
            return;
        }
        for name in self.0.hosted.iter().copied() {
            let asker = Person::anonymous(&self.service_url(name));
            let metrics = asker.get("/metrics/prometheus").await.text();
            let bad = |line: &&str| {
                let is_500 =
                    line.starts_with("busbar_http_requests_total") && line.contains("code=\"500\"");
                is_500 || line.starts_with("busbar_http_panics_total{")
            };
            let bad: Vec<&str> = metrics.lines().filter(bad).collect();
            assert!(bad.is_empty(), "{name}: {bad:?}\n{}", self.log().join("\n"));
        }
    }

    /// Who is not hosted gets no events.
    async fn is_settled(&self) {
        let money = [ServiceName::Users, ServiceName::Payments, ServiceName::Billing];
        for name in money.into_iter().filter(|name| self.hosts(*name)) {
            let what = format!("{}'s events have arrived", name.as_str());
            let arrived = async || {
                let mut pending = 0.0;
                for listener in &self.0.hosted {
                    let figure = format!("busbar_outbox_pending{{listener=\"{listener}\"");
                    pending += self.figure(name, &figure).await;
                }
                pending == 0.0
            };
            launch::eventually(&what, arrived).await;
        }
        if money.iter().all(|name| self.hosts(*name)) {
            let invariants = self.admin().await.get("/api/admin/invariants").await;
            assert_eq!(invariants.json["ok"], true, "{invariants}");
        }
    }
}
