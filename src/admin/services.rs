//! `GET /admin/services`: each service with its last ends, newest first.

use std::net::SocketAddr;

use actix_web::web::Data;
use busbar_actors::ServiceRecord;
use busbar_http::Found;
use serde::Serialize;
use utoipa::ToSchema;

use crate::types::Timestamp;

use super::Admin;
use super::actors::ExitView;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ServicesView {
    services: Vec<ServiceView>,
}

/// A service of this process.
#[derive(Debug, Serialize, ToSchema)]
struct ServiceView {
    name: &'static str,
    /// `running`, `starting`, `backoff`, `draining`, `degraded`, `paused`, `stopped` or `failed`.
    state: &'static str,
    /// When the state began.
    since: Timestamp,
    #[schema(value_type = String)]
    address: SocketAddr,
    port: u16,
    generation: u64,
    /// For how long the incarnation serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    uptime_s: Option<u64>,
    /// Incarnations built after the first, in this process.
    restarts: u64,
    /// Failures that count against it now.
    restarts_in_window: usize,
    /// How its last incarnations ended, also in earlier processes; newest first.
    exits: Vec<ExitView>,
}

pub(super) async fn list(admin: Data<Admin>) -> Found<ServicesView> {
    let now = admin.clock.now();
    let services = admin.tree.registry().snapshot();
    Found(ServicesView { services: services.iter().map(|record| view(record, now)).collect() })
}

fn view(record: &ServiceRecord, now: Timestamp) -> ServiceView {
    let up_at = record.up_at.filter(|_| record.state.is_alive()).map(Timestamp::from);
    ServiceView {
        name: record.name,
        state: record.state.as_str(),
        since: record.since.into(),
        address: record.address,
        port: record.address.port(),
        generation: record.generation,
        uptime_s: up_at.map(|at| now.since(at).as_secs()),
        restarts: record.restarts,
        restarts_in_window: record.restarts_in_window,
        exits: record.exits.iter().rev().map(ExitView::from).collect(),
    }
}
