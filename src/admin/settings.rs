//! The settings in effect with their origins, and the levels of the log.

use actix_rt::task::spawn_blocking;
use actix_web::HttpRequest;
use actix_web::web::Data;
use busbar_http::{Body, Found, Problem};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::config::Difference;
use crate::host::ShownSettings;
use crate::logging;

use super::Admin;
use super::problem::SETTINGS_INVALID;
use super::trail::Entry;

/// More than any path of a module.
const TARGET_CHARACTERS_MAX: usize = 200;

/// The levels in effect, as `log.filter` has them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LevelsView {
    filter: String,
}

/// A level to be changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LevelOrder {
    level: Level,
    /// A target and what is below it; all that have no level of their own when it is left out.
    #[schema(example = "busbar::gateway")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Level {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Level::Off => "off",
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        }
    }
}

pub(super) async fn show(admin: Data<Admin>) -> Found<ShownSettings> {
    Found(admin.host.settings())
}

pub(super) async fn reload(
    request: HttpRequest,
    admin: Data<Admin>,
) -> Result<Found<Difference>, Problem> {
    let entry = Entry::new(admin.door.operator(&request), "reload");
    admin.trail.note(&entry, "asked", admin.clock.now()).await;
    let host = admin.host.clone();
    let read = spawn_blocking(move || host.reload()).await.map_err(Problem::internal)?;
    let outcome = if read.is_ok() { "done" } else { "refused" };
    admin.trail.note(&entry, outcome, admin.clock.now()).await;
    read.map(Found).map_err(|faults| {
        let problem = SETTINGS_INVALID.problem().with("faults", json!(faults));
        problem.detail(faults.list("everything stays as it is"))
    })
}

pub(super) async fn levels() -> Found<LevelsView> {
    Found(LevelsView { filter: logging::filter() })
}

pub(super) async fn change_level(
    request: HttpRequest,
    admin: Data<Admin>,
    Body(order): Body<LevelOrder>,
) -> Result<Found<LevelsView>, Problem> {
    if order.target.as_deref().is_some_and(|target| !is_target(target)) {
        let detail = "the path of a module, such as busbar::gateway";
        return Err(Problem::field("/target", "target_invalid", detail));
    }
    let entry = Entry::new(admin.door.operator(&request), "log_level").details(json!(order));
    admin.trail.note(&entry, "asked", admin.clock.now()).await;
    let filter = logging::set_level(order.target.as_deref(), order.level.as_str());
    log::warn!("admin: the log's levels are {filter} until the process ends");
    admin.trail.note(&entry, "done", admin.clock.now()).await;
    Ok(Found(LevelsView { filter }))
}

/// What cannot be taken for another directive of the filter.
fn is_target(target: &str) -> bool {
    let is_of_it = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    (1..=TARGET_CHARACTERS_MAX).contains(&target.len()) && target.chars().all(is_of_it)
}
