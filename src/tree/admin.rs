//! The admin port as a service of the tree.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use busbar_actors::{Failure, Incarnation, Registry, ServiceSpec, StartFaults, factory, socket};
use busbar_http::{Health, Kit, Limits, Metrics};

use crate::admin::{ADMIN, Admin};
use crate::config::AdminAddress;
use crate::faults::Faults;
use crate::host::{Host, RecordCollector, Told, serve_incarnation};
use crate::types::ServiceName;

/// Open connections: few people look after a process at a time.
const CONNECTIONS_MAX: usize = 64;

/// Nobody else could start it again.
const COOL_DOWN: Duration = Duration::from_secs(60);

/// What the settings call for: one, or none.
pub(super) fn spec(
    host: &Arc<Host>,
    admin: &Arc<Admin>,
    registry: &Arc<Registry>,
) -> Result<Option<ServiceSpec>, Failure> {
    let Some(address) = host.config.admin_address().filter(|address| is_free(host, *address))
    else {
        return Ok(None);
    };
    let metrics = Metrics::new(ADMIN)?;
    metrics.register(RecordCollector::new(ADMIN, registry.clone())?)?;
    let (host, admin) = (host.clone(), admin.clone());
    let document: Arc<str> = Admin::routes().document(ADMIN, "").to_string().into();
    let run = factory(move |incarnation| {
        serve(incarnation, host.clone(), admin.clone(), metrics.clone(), document.clone())
    });
    let cool_down = Some(COOL_DOWN);
    Ok(Some(ServiceSpec { cool_down, ..ServiceSpec::new(ADMIN, address, run) }))
}

/// The usual port may be another process's: that is no reason not to start. One that was asked for is.
fn is_free(host: &Host, address: SocketAddr) -> bool {
    if host.config.admin.address != AdminAddress::Usual {
        return true;
    }
    let reserved = socket::reserve(address);
    if let Err(error) = &reserved {
        log::warn!(
            "{address} is not free ({error}): this process has no admin port; \
             BUSBAR_ADMIN_ADDR gives it one, or says \"off\""
        );
    }
    reserved.is_ok()
}

/// With what to do about the admin port.
pub(super) fn explained(faults: StartFaults) -> Failure {
    let is_ours = faults.0.iter().any(|fault| fault.name == ADMIN);
    let hint =
        if is_ours { "; BUSBAR_ADMIN_ADDR says where the admin port is, or \"off\"" } else { "" };
    format!("{faults}{hint}").into()
}

/// One life of the port.
async fn serve(
    incarnation: Incarnation,
    host: Arc<Host>,
    admin: Arc<Admin>,
    metrics: Metrics,
    document: Arc<str>,
) -> Result<(), Failure> {
    let (generation, draining) = (incarnation.generation, incarnation.draining.clone());
    let health = Health::new(ADMIN, generation, draining.clone(), Vec::new());
    let kit = Kit {
        metrics,
        health: web::Data::new(health.until(host.leaving.clone())),
        draining,
        verifier: None,
        service_key: None,
        before: None,
        at_once: Some(admin.turned_away()),
        document,
        figures: None,
    };
    let usual = host.limits(ServiceName::Gateway);
    let limits = Limits { workers: 1, connections_max: CONNECTIONS_MAX, ..usual };
    let told = Told { incarnation: &incarnation, faults: &Faults::default(), service: None };
    let configure = move |config: &mut web::ServiceConfig| admin.configure(config);
    // It has no children.
    serve_incarnation(told, &limits, kit, configure, std::future::pending()).await
}
