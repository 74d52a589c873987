//! `GET /admin/actors`: the tree as it is now.

use actix_web::web::Data;
use busbar_actors::mailbox::Reading;
use busbar_actors::{ChildKind, ChildRecord, Household, PastExit, ServiceRecord};
use busbar_http::Found;
use serde::Serialize;
use utoipa::ToSchema;

use crate::types::Timestamp;

use super::Admin;

/// The tree, from this process down.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TreeView {
    /// The machine.
    node: String,
    process_id: u32,
    version: &'static str,
    uptime_s: u64,
    actors: Vec<ActorView>,
}

/// An actor or a task, and what is below it.
#[derive(Debug, Serialize, ToSchema)]
struct ActorView {
    id: String,
    path: String,
    /// `actor`, `task`, `supervisor` or `incarnation`.
    kind: &'static str,
    state: &'static str,
    /// When the state began.
    since: Timestamp,
    restarts: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    restarts_in_window: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    /// Whether its incarnation is replaced when it dies for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_essential: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_exit: Option<ExitView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mailbox: Option<MailboxView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread: Option<String>,
    #[schema(no_recursion)]
    children: Vec<ActorView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct MailboxView {
    depth: usize,
    cap: usize,
    /// The deepest it has been.
    high: usize,
    /// Messages turned away.
    rejected: u64,
}

/// How an incarnation or a child ended.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ExitView {
    generation: u64,
    /// `panic`, `error`, `finished`, `hung`, `admin` or `lost`.
    reason: &'static str,
    message: String,
    /// File and line of a panic.
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    at: Timestamp,
}

impl From<&PastExit> for ExitView {
    fn from(end: &PastExit) -> ExitView {
        ExitView {
            generation: end.generation,
            reason: end.exit.reason.as_str(),
            message: end.exit.message.clone(),
            location: end.exit.location.clone(),
            at: end.at.into(),
        }
    }
}

impl From<Reading> for MailboxView {
    fn from(reading: Reading) -> MailboxView {
        let Reading { capacity, depth, high_water, rejected } = reading;
        MailboxView { depth, cap: capacity, high: high_water, rejected }
    }
}

pub(super) async fn show(admin: Data<Admin>) -> Found<TreeView> {
    let registry = admin.tree.registry();
    let root = format!("/{}", Household::ROOT);
    let beside = registry.root_children();
    let beside = beside.iter().map(|child| of_child(child, &root));
    let records = registry.snapshot();
    let services = records.iter().map(|record| of_service(record, &root));
    Found(TreeView {
        node: admin.node.clone(),
        process_id: std::process::id(),
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: admin.clock.now().since(admin.started_at).as_secs(),
        actors: beside.chain(services).collect(),
    })
}

fn of_service(record: &ServiceRecord, root: &str) -> ActorView {
    let path = format!("{root}/services/{}", record.name);
    let incarnation = record.state.is_alive().then(|| of_incarnation(record, &path));
    ActorView {
        id: record.name.to_owned(),
        path,
        kind: "supervisor",
        state: record.state.as_str(),
        since: record.since.into(),
        restarts: record.restarts,
        restarts_in_window: Some(record.restarts_in_window),
        started_at: None,
        is_essential: None,
        last_exit: record.exits.last().map(ExitView::from),
        mailbox: None,
        thread: None,
        children: incarnation.into_iter().collect(),
    }
}

fn of_incarnation(record: &ServiceRecord, above: &str) -> ActorView {
    let path = format!("{above}/{}", record.generation);
    let title = format!("{}#{}", record.name, record.generation);
    ActorView {
        id: title.clone(),
        kind: "incarnation",
        state: record.state.as_str(),
        since: record.since.into(),
        restarts: 0,
        restarts_in_window: None,
        started_at: record.up_at.map(Timestamp::from),
        is_essential: None,
        last_exit: None,
        mailbox: None,
        thread: Some(title),
        children: record.children.iter().map(|child| of_child(child, &path)).collect(),
        path,
    }
}

fn of_child(child: &ChildRecord, above: &str) -> ActorView {
    ActorView {
        id: child.name.clone(),
        path: format!("{above}/{}", child.name),
        kind: match child.kind {
            ChildKind::Actor => "actor",
            ChildKind::Task => "task",
        },
        state: child.state.as_str(),
        since: child.since.into(),
        restarts: child.restarts,
        restarts_in_window: None,
        started_at: None,
        is_essential: Some(child.is_essential),
        last_exit: child.last_exit.as_ref().map(ExitView::from),
        mailbox: child.mailbox.map(MailboxView::from),
        thread: None,
        children: Vec::new(),
    }
}
