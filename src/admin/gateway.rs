//! What is decided for the gateway of this process.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::web::Data;
use busbar_http::{Body, Found, NoContent, Path, Problem};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::gateway::Gateway;
use crate::gateway::control::{BreakerView, Decision};

use super::Admin;
use super::problem::{NO_GATEWAY, UPSTREAM_UNKNOWN};
use super::trail::Entry;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BreakersView {
    breakers: Vec<BreakerView>,
}

/// What is to be forgotten.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Purge {
    /// What the paths begin with, such as `/api/utilities`; all paths when it is left out.
    #[schema(example = "/api/utilities")]
    prefix: Option<String>,
}

fn of(admin: &Admin) -> Result<&Arc<Gateway>, Problem> {
    admin.gateway.as_ref().ok_or_else(|| NO_GATEWAY.problem())
}

pub(super) async fn breakers(admin: Data<Admin>) -> Result<Found<BreakersView>, Problem> {
    Ok(Found(BreakersView { breakers: of(&admin)?.breakers() }))
}

macro_rules! decisions {
    ($($name:ident $decision:ident $command:literal),+) => { $(
        pub(super) async fn $name(
            request: HttpRequest,
            admin: Data<Admin>,
            Path(upstream): Path<String>,
        ) -> Result<Found<BreakersView>, Problem> {
            decide(&admin, &request, &upstream, (Decision::$decision, $command)).await
        }
    )+ };
}
decisions! { open Open "breaker_open", close Close "breaker_close", auto Auto "breaker_auto" }

async fn decide(
    admin: &Admin,
    request: &HttpRequest,
    upstream: &str,
    (decision, command): (Decision, &'static str),
) -> Result<Found<BreakersView>, Problem> {
    let gateway = of(admin)?;
    let all = gateway.breakers();
    let of_name = |breaker: &BreakerView| breaker.upstream == upstream;
    if !all.iter().any(of_name) {
        return Err(UPSTREAM_UNKNOWN.problem());
    }
    let entry = Entry::new(admin.door.operator(request), command).subject(upstream);
    admin.trail.note(&entry, "asked", admin.clock.now()).await;
    gateway.decide(upstream, decision);
    admin.trail.note(&entry, "done", admin.clock.now()).await;
    let decided = gateway.breakers().into_iter().filter(of_name).collect();
    Ok(Found(BreakersView { breakers: decided }))
}

pub(super) async fn purge(
    request: HttpRequest,
    admin: Data<Admin>,
    Body(purge): Body<Purge>,
) -> Result<NoContent, Problem> {
    let gateway = of(&admin)?;
    let entry = Entry::new(admin.door.operator(&request), "cache_purge").details(json!(purge));
    admin.trail.note(&entry, "asked", admin.clock.now()).await;
    gateway.purge(purge.prefix.as_deref());
    admin.trail.note(&entry, "done", admin.clock.now()).await;
    Ok(NoContent)
}
