//! `GET /admin/requests`: what the services of this process work on now.

use actix_web::web::Data;
use busbar_http::underway::Working;
use busbar_http::{Found, Problem, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::{Limit, ServiceName};

use super::Admin;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    limit: Limit,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RequestsView {
    /// Also those that are not shown.
    total: usize,
    /// The oldest first.
    requests: Vec<RequestView>,
}

/// A request that has no answer yet.
#[derive(Debug, Serialize, ToSchema)]
struct RequestView {
    service: &'static str,
    /// Of the incarnation that works on it: also of one that was left because it hangs.
    generation: u64,
    method: String,
    /// As the API's description has it; absent until it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<String>,
    age_ms: u64,
    /// As it stands in the log.
    request_id: String,
}

pub(super) async fn list(
    admin: Data<Admin>,
    Query(asked): Query<Asked>,
) -> Result<Found<RequestsView>, Problem> {
    let mut all: Vec<(ServiceName, Working)> = Vec::new();
    for name in admin.host.config.process.services.iter().copied() {
        let metrics = admin.host.metrics(name).map_err(Problem::internal)?;
        all.extend(metrics.underway().list().into_iter().map(|working| (name, working)));
    }
    all.sort_by_key(|(_, working)| std::cmp::Reverse(working.age));
    let total = all.len();
    all.truncate(asked.limit.rows());
    let requests = all.into_iter().map(|(name, working)| view(name, working)).collect();
    Ok(Found(RequestsView { total, requests }))
}

fn view(name: ServiceName, working: Working) -> RequestView {
    RequestView {
        service: name.as_str(),
        generation: working.generation,
        method: working.method.to_string(),
        route: working.route.map(|route| route.to_string()),
        age_ms: u64::try_from(working.age.as_millis()).unwrap_or(u64::MAX),
        request_id: working.request_id.id().to_owned(),
    }
}
