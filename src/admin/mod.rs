//! Port 3009: what somebody who looks after the process sees of it, and what they can tell it to do.
//!
//! `door` says who may come in: on this machine's loopback whoever is there, or, when a token is set,
//! who shows it. `actors`, `services` and `requests` are what is seen, `commands` what is done, as `operations` that
//! can be waited for, each of them on the `trail`. `settings` and `gateway` are about those,
//! `letters` about events and jobs that were given up.

mod actors;
mod commands;
mod door;
mod gateway;
mod letters;
mod operations;
mod problem;
mod requests;
mod services;
mod settings;
mod trail;

use std::sync::Arc;

use actix_rt::ArbiterHandle;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpMessage, HttpRequest};
use busbar_actors::TreeHandle;
use busbar_http::access::AtOnce;
use busbar_http::{RequestId, Routes, about};

use crate::config::Difference;
use crate::gateway::Gateway;
use crate::host::{Host, ShownSettings};
use crate::types::{Clock, Timestamp};

use self::actors::TreeView;
pub(crate) use self::commands::ADMIN;
use self::door::Door;
use self::gateway::BreakersView;
use self::letters::LettersView;
use self::operations::{OperationView, Operations};
use self::requests::RequestsView;
use self::services::ServicesView;
use self::settings::{LevelOrder, LevelsView};
use self::trail::Trail;

/// What the port is made of; it outlives its incarnations.
pub struct Admin {
    host: Arc<Host>,
    tree: TreeHandle,
    gateway: Option<Arc<Gateway>>,
    door: Door,
    operations: Arc<Operations>,
    trail: Arc<Trail>,
    /// What was begun goes on there when a server of this port ends.
    root: ArbiterHandle,
    clock: Clock,
    started_at: Timestamp,
    node: String,
}

impl Admin {
    /// `root` is where the tree lives.
    pub fn new(
        host: Arc<Host>,
        tree: TreeHandle,
        gateway: Option<Arc<Gateway>>,
        root: ArbiterHandle,
    ) -> Arc<Admin> {
        // Whoever looks after a machine goes by its time: a test may move the services' own.
        let clock = Clock::system();
        Arc::new(Admin {
            door: Door::new(host.config.admin.token.as_ref()),
            trail: Arc::new(Trail::new(host.config.process.data_dir.join("audit"))),
            operations: Arc::default(),
            started_at: clock.now(),
            node: node(),
            host,
            tree,
            gateway,
            root,
            clock,
        })
    }

    /// What is seen and done here, a line each.
    pub fn routes() -> Routes {
        Routes::new()
            .get(
                "/admin/actors",
                about("The tree of actors as it is now").gives::<TreeView>(),
                actors::show,
            )
            .get(
                "/admin/services",
                about("All services, and how their last incarnations ended")
                    .gives::<ServicesView>(),
                services::list,
            )
            .get(
                "/admin/requests",
                about("What the services of this process work on now, the oldest first")
                    .gives::<RequestsView>()
                    .query(&[("limit", "How many are shown: 1 to 100, 20 if not said")]),
                requests::list,
            )
            .post("/admin/services/{name}/start", command("Start a service"), commands::start)
            .post(
                "/admin/services/{name}/stop",
                command("Stop it, and close its port"),
                commands::stop,
            )
            .post(
                "/admin/services/{name}/restart",
                command("Replace its incarnation; no request is lost"),
                commands::restart,
            )
            .post(
                "/admin/services/{name}/pause",
                command("Let its new connections wait"),
                commands::pause,
            )
            .post("/admin/services/{name}/resume", command("Take them again"), commands::resume)
            .get(
                "/admin/operations/{id}",
                about("What has become of a command").gives::<OperationView>(),
                commands::show,
            )
            .get(
                "/admin/config",
                about(
                    "Every setting with its origin, without secrets, and who waits for a restart",
                )
                .gives::<ShownSettings>(),
                settings::show,
            )
            .post(
                "/admin/config/reload",
                about("Read the settings again; one that is wrong changes nothing")
                    .gives::<Difference>(),
                settings::reload,
            )
            .get(
                "/admin/log-level",
                about("The levels of the log").gives::<LevelsView>(),
                settings::levels,
            )
            .post(
                "/admin/log-level",
                about("Change a level until the process ends")
                    .takes::<LevelOrder>()
                    .gives::<LevelsView>(),
                settings::change_level,
            )
            .and(Admin::letters())
            .get(
                "/admin/breakers",
                about("The gateway's breakers").gives::<BreakersView>(),
                gateway::breakers,
            )
            .post("/admin/breakers/{upstream}/open", decision("Let nobody through"), gateway::open)
            .post(
                "/admin/breakers/{upstream}/close",
                decision("Let everybody through"),
                gateway::close,
            )
            .post("/admin/breakers/{upstream}/auto", decision("Let it decide again"), gateway::auto)
            .post(
                "/admin/cache/purge",
                about("Forget kept answers: of all addresses, or of those whose paths begin so")
                    .takes::<gateway::Purge>()
                    .status(204),
                gateway::purge,
            )
    }

    /// Events and jobs that were given up, and what is to become of them.
    fn letters() -> Routes {
        Routes::new()
            .get(
                "/admin/dead-letters",
                about("Events that were refused and jobs that failed too often")
                    .gives::<LettersView>()
                    .query(&[
                        ("service", "Those of one service"),
                        ("limit", "How many of each service: 1 to 100, 20 if not said"),
                    ]),
                letters::list,
            )
            .post(
                "/admin/dead-letters/{service}/events/{id}/{listener}/retry",
                about("Send it again, and then what it held back").status(204),
                letters::retry_event,
            )
            .post(
                "/admin/dead-letters/{service}/events/{id}/{listener}/discard",
                about("Never send it; send what it held back").status(204),
                letters::discard_event,
            )
            .post(
                "/admin/dead-letters/{service}/jobs/{id}/retry",
                about("Try it again").status(204),
                letters::retry_job,
            )
            .post(
                "/admin/dead-letters/{service}/jobs/{id}/discard",
                about("Never do it").status(204),
                letters::discard_job,
            )
    }

    /// The endpoints of one worker thread.
    pub fn configure(self: &Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::from(self.clone()));
        Admin::routes().register(config);
    }

    /// Asked before each request: whom the door turns away has their answer.
    pub fn turned_away(self: &Arc<Self>) -> AtOnce {
        let admin = self.clone();
        Arc::new(move |request: &HttpRequest, _| {
            let problem = admin.door.ask(request).err()?;
            log::warn!("admin: {} is turned away: {}", door::peer(request), problem.code());
            let id = RequestId::of_headers(request.headers());
            let id = request.extensions().get::<RequestId>().cloned().unwrap_or(id);
            Some(problem.response(Some((request.path(), id.id()))))
        })
    }
}

fn command(summary: &'static str) -> busbar_http::About {
    about(summary)
        .status(202)
        .gives::<OperationView>()
        .query(&[("wait", "Seconds to wait for the outcome, 30 if not said; then it is 200")])
}

fn decision(summary: &'static str) -> busbar_http::About {
    about(summary).gives::<BreakersView>()
}

/// The name of this machine.
fn node() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "unknown".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the description shows as a request is one that is understood.
    #[test]
    fn examples_are_understood() {
        let misleading = Admin::routes().misleading_examples();
        assert!(misleading.is_empty(), "{}", misleading.join("\n"));
    }
}
