//! What the gateway answers itself: the health of all services, assets, the API page.

use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use busbar_http::{Body, Caller, NoContent, Problem, Query, Routes, Status, about};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Gateway, assets, docs};

/// A health answer that fails when a service is down, instead of saying so alone.
const STRICT: (&str, &str) = ("strict", "1: answer 503 when a service is down");

pub(super) fn routes() -> Routes {
    Routes::new()
        .get("/health", about("State of all services").public().query(&[STRICT]), health)
        .post(
            "/api/gateway/cache/purge",
            about("Forget kept answers: of all addresses, or of those whose paths begin so")
                .admin()
                .takes::<Purge>(),
            purge,
        )
        .get("/assets/{path:.*}", about("Static files").public(), assets::redirect)
        .get("/docs", about("This description as a page").public(), docs::enter)
        .get("/docs/{file:.*}", about("A file of that page").public(), docs::file)
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    strict: Option<String>,
}

/// What is to be forgotten.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Purge {
    /// What the paths begin with, such as `/api/utilities`; all paths when it is left out.
    #[schema(example = "/api/utilities")]
    prefix: Option<String>,
}

async fn purge(
    caller: Caller,
    request: HttpRequest,
    gateway: Data<Gateway>,
    Body(purge): Body<Purge>,
) -> Result<NoContent, Problem> {
    // Its session may have ended since.
    gateway.edge.claims(request.headers()).await?;
    caller.require_admin()?;
    gateway.purge(purge.prefix.as_deref());
    Ok(NoContent)
}

/// The last snapshot: asking often costs the services nothing.
async fn health(
    gateway: Data<Gateway>,
    Query(asked): Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let report = gateway.board.report();
    let is_strict = matches!(asked.strict.as_deref(), Some("1" | "true"));
    let is_lacking = report.services().any(|status| status == Status::Down);
    let is_bad = report.overall() == Status::Down || (is_strict && is_lacking);
    let status = if is_bad { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    Ok(HttpResponse::build(status).insert_header((CACHE_CONTROL, "no-store")).json(report))
}
