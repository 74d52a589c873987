//! What is done to services: begun here, carried on where the tree lives, whatever becomes of this port.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use busbar_actors::{Ending, Hold, Refused, TreeHandle};
use busbar_http::{Found, Path, Problem, Query};
use serde::Deserialize;

use super::Admin;
use super::operations::{Command, OperationId, OperationState, OperationView};
use super::problem::{NOT_FOR_ADMIN, OPERATION_UNKNOWN, SERVICE_UNKNOWN, TOO_MANY_OPERATIONS};
use super::trail::Entry;

/// The name of this port in the tree.
pub(crate) const ADMIN: &str = "admin";

/// When it is said that somebody waits, but not for how long.
const WAIT: Duration = Duration::from_secs(30);
const WAIT_SECONDS_MAX: u64 = 120;
const RETRY_AFTER_SECONDS: u64 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    wait: Option<String>,
}

impl Asked {
    fn wait(&self) -> Result<Option<Duration>, Problem> {
        let refused =
            || Problem::field("/wait", "wait_invalid", format!("0 to {WAIT_SECONDS_MAX} seconds"));
        match self.wait.as_deref() {
            None => Ok(None),
            Some("") => Ok(Some(WAIT)),
            Some(text) => {
                let seconds = text.parse().ok().filter(|seconds| *seconds <= WAIT_SECONDS_MAX);
                seconds.map(|seconds| Some(Duration::from_secs(seconds))).ok_or_else(refused)
            }
        }
    }
}

macro_rules! commands {
    ($($name:ident $command:ident),+) => { $(
        pub(super) async fn $name(
            request: HttpRequest,
            admin: Data<Admin>,
            Path(service): Path<String>,
            Query(asked): Query<Asked>,
        ) -> Result<HttpResponse, Problem> {
            command(&admin, &request, &service, Command::$command, &asked).await
        }
    )+ };
}
commands! { start Start, stop Stop, restart Restart, pause Pause, resume Resume }

pub(super) async fn show(
    admin: Data<Admin>,
    Path(id): Path<OperationId>,
) -> Result<Found<OperationView>, Problem> {
    admin.operations.get(id).map(Found).ok_or_else(|| OPERATION_UNKNOWN.problem())
}

async fn command(
    admin: &Admin,
    request: &HttpRequest,
    service: &str,
    command: Command,
    asked: &Asked,
) -> Result<HttpResponse, Problem> {
    let wait = asked.wait()?;
    let known = admin.tree.registry().snapshot();
    if !known.iter().any(|record| record.name == service) {
        let names: Vec<&str> = known.iter().map(|record| record.name).collect();
        let hosted = format!("the services here are {}", names.join(", "));
        return Err(SERVICE_UNKNOWN.problem().detail(hosted));
    }
    if service == ADMIN && matches!(command, Command::Stop | Command::Pause) {
        return Err(NOT_FOR_ADMIN.problem());
    }
    let begun = admin.operations.begin(service, command, admin.clock.now());
    let begun =
        begun.ok_or_else(|| TOO_MANY_OPERATIONS.problem().retry_after(RETRY_AFTER_SECONDS))?;
    let entry = Entry::new(admin.door.operator(request), command.as_str())
        .subject(service)
        .operation(begun.id);
    admin.trail.note(&entry, "asked", admin.clock.now()).await;
    carry_out(admin, begun.id, service.to_owned(), command, entry);
    let operation = match wait {
        Some(wait) => admin.operations.wait(begun.id, wait).await.unwrap_or(begun),
        None => begun,
    };
    Ok(answer(&operation))
}

fn carry_out(admin: &Admin, id: OperationId, service: String, command: Command, entry: Entry) {
    let (tree, clock) = (admin.tree.clone(), admin.clock.clone());
    let (operations, trail) = (admin.operations.clone(), admin.trail.clone());
    admin.root.spawn(async move {
        let outcome = perform(&tree, &service, command).await.map_err(|why| why.to_string());
        let words = match &outcome {
            Ok(_) => "done".to_owned(),
            Err(why) => format!("failed: {why}"),
        };
        log::info!("admin: {} {service}: {words}", command.as_str());
        trail.note(&entry, &words, clock.now()).await;
        operations.end(id, clock.now(), &outcome);
    });
}

/// The incarnation that serves then; 0: none.
async fn perform(tree: &TreeHandle, service: &str, command: Command) -> Result<u64, Refused> {
    match command {
        Command::Start => tree.start_again(service).await,
        Command::Stop => tree.stop_one(service, Ending::Graceful).await.map(|()| 0),
        Command::Restart => tree.replace(service).await,
        Command::Pause => tree.hold(service, Hold::Pause).await,
        Command::Resume => tree.hold(service, Hold::Resume).await,
    }
}

fn answer(operation: &OperationView) -> HttpResponse {
    let is_over = operation.state != OperationState::Running;
    let status = if is_over { StatusCode::OK } else { StatusCode::ACCEPTED };
    HttpResponse::build(status)
        .insert_header((LOCATION, format!("/admin/operations/{}", operation.id)))
        .insert_header(("cache-control", "no-store"))
        .json(operation)
}
