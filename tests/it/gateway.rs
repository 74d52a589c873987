//! Port 3000 on the real program: before services that follow a script, and before the real ones.

mod added;
mod bodies;
mod breaker;
mod cache;
mod crash;
mod deadline;
mod drain;
mod edge;
mod events;
mod expect;
mod fields;
mod interim;
mod mailbox;
mod misused;
mod names;
mod pages;
mod pipelined;
mod reload;
mod retries;
mod routing;
mod settings;
mod several;
mod shedding;
mod slow;
mod soak;
mod strict;
mod tunnels;
mod upstreams;

use std::thread::JoinHandle;
use std::time::Duration;

use busbar::types::ServiceName;

use crate::support::wire::{Scripted, Wire, pause};
use crate::support::{Engine, TestSystem};

/// Questions about health are none of a test's business.
const QUIET: (&str, &str) = ("BUSBAR_HEALTH_INTERVAL_MS", "600000");
/// Longer than any machine that does ten things at once needs.
const PATIENT: (&str, &str) = ("GATEWAY_REQUEST_TIMEOUT_MS", "20000");

/// A gateway alone, before scripted services. Later variables win.
async fn gateway(services: &[(ServiceName, &Scripted)], more: &[(&str, &str)]) -> TestSystem {
    let urls: Vec<(String, String)> = services
        .iter()
        .map(|(name, service)| (format!("{}_URL", name.variable_prefix()), service.url()))
        .collect();
    let mut variables = vec![QUIET, PATIENT];
    variables.extend(urls.iter().map(|(name, url)| (name.as_str(), url.as_str())));
    variables.extend(more);
    let system = TestSystem::prepare(Engine::Sqlite);
    system.spawn(&[ServiceName::Gateway], &variables);
    system.ready(&[ServiceName::Gateway]).await;
    system
}

/// A gateway before one service, at `/api/payments`.
async fn before(service: &Scripted, more: &[(&str, &str)]) -> TestSystem {
    gateway(&[(ServiceName::Payments, service)], more).await
}

fn port(system: &TestSystem) -> u16 {
    system.port(ServiceName::Gateway)
}

/// A gateway before what these routes name; each is `prefix`, its upstream, and more lines.
async fn routed(routes: &[(&str, &Scripted, &str)], more: &[(&str, &str)]) -> TestSystem {
    let system = TestSystem::prepare(Engine::Sqlite);
    system.add_settings(&tables(routes));
    let variables: Vec<(&str, &str)> = [QUIET, PATIENT].iter().chain(more).copied().collect();
    // A service beside it, for its clock: the gateway itself has nothing inside that can be reached.
    let services = [ServiceName::Gateway, ServiceName::Analytics];
    system.spawn(&services, &variables);
    system.ready(&services).await;
    system
}

/// Routes as the settings name them.
fn tables(routes: &[(&str, &Scripted, &str)]) -> String {
    let table = |(prefix, upstream, lines): &(&str, &Scripted, &str)| {
        let url = upstream.url();
        format!("[[gateway.routes]]\nprefix = \"{prefix}\"\nupstreams = [\"{url}\"]\n{lines}\n")
    };
    routes.iter().map(table).collect()
}

/// Clients that ask at `/api/payments` for their own nonces, each on one connection that is kept
/// throughout, with reads and with writes that cannot be repeated. Whether all answers were 200 and theirs.
fn all_get_their_own(gateway: u16, clients: usize, requests: usize, pace: Duration) -> bool {
    let client = |client: usize| {
        std::thread::spawn(move || {
            let mut wire = Wire::to(gateway);
            for number in 0..requests {
                let nonce = format!("{client}-{number}");
                let method = if number % 2 == 0 { "POST" } else { "GET" };
                wire.send(format!(
                    "{method} /api/payments HTTP/1.1\r\nhost: busbar\r\nx-nonce: {nonce}\r\n\
                     content-length: 0\r\n\r\n"
                ));
                let answer = wire.answer();
                assert_eq!((answer.status(), answer.text()), (200, nonce), "{answer:?}");
                pause(pace);
            }
        })
    };
    let clients: Vec<JoinHandle<()>> = (0..clients).map(client).collect();
    // All of them are waited for: none may ask on when the gateway goes.
    let outcomes: Vec<_> = clients.into_iter().map(JoinHandle::join).collect();
    outcomes.iter().all(Result::is_ok)
}
