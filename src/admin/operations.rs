//! What was commanded, and what has become of it. The last ones are remembered.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::types::{Timestamp, id};

/// Operations that are remembered.
const KEPT_MAX: usize = 200;
/// Operations under way at a time.
const UNDER_WAY_MAX: usize = 32;

id! {
    /// Something that was commanded.
    OperationId,
}

/// What can be done to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Command {
    Start,
    Stop,
    Restart,
    Pause,
    Resume,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum OperationState {
    Running,
    Done,
    Failed,
}

/// A command to a service.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct OperationView {
    pub(super) id: OperationId,
    pub(super) service: String,
    pub(super) command: Command,
    pub(super) state: OperationState,
    pub(super) started_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ended_at: Option<Timestamp>,
    /// The incarnation that serves since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) generation: Option<u64>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

impl Command {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Command::Start => "start",
            Command::Stop => "stop",
            Command::Restart => "restart",
            Command::Pause => "pause",
            Command::Resume => "resume",
        }
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Operations {
    /// Oldest first; written by who begins and by who ends one.
    kept: Mutex<VecDeque<OperationView>>,
    ends: watch::Sender<u64>,
}

impl Operations {
    /// `None`: too many are under way.
    pub(super) fn begin(
        &self,
        service: &str,
        command: Command,
        at: Timestamp,
    ) -> Option<OperationView> {
        let operation = OperationView {
            id: OperationId::new(),
            service: service.to_owned(),
            command,
            state: OperationState::Running,
            started_at: at,
            ended_at: None,
            generation: None,
            error: None,
        };
        let mut kept = self.kept();
        let is_running = |known: &OperationView| known.state == OperationState::Running;
        if kept.iter().filter(|known| is_running(known)).count() >= UNDER_WAY_MAX {
            return None;
        }
        while kept.len() >= KEPT_MAX {
            let oldest = kept.iter().position(|known| !is_running(known));
            kept.remove(oldest.unwrap_or_default());
        }
        kept.push_back(operation.clone());
        Some(operation)
    }

    pub(super) fn end(&self, id: OperationId, at: Timestamp, outcome: &Result<u64, String>) {
        let mut kept = self.kept();
        if let Some(operation) = kept.iter_mut().find(|operation| operation.id == id) {
            operation.ended_at = Some(at);
            operation.generation = outcome.as_ref().ok().copied().filter(|number| *number > 0);
            operation.error = outcome.as_ref().err().cloned();
            operation.state = match outcome {
                Ok(_) => OperationState::Done,
                Err(_) => OperationState::Failed,
            };
        }
        drop(kept);
        self.ends.send_modify(|count| *count += 1);
    }

    pub(super) fn get(&self, id: OperationId) -> Option<OperationView> {
        self.kept().iter().find(|operation| operation.id == id).cloned()
    }

    /// Waits for its end, but not for longer than this; then how it stands.
    pub(super) async fn wait(&self, id: OperationId, wait: Duration) -> Option<OperationView> {
        let mut ends = self.ends.subscribe();
        let is_over = |operation: Option<OperationView>| {
            operation.is_none_or(|operation| operation.state != OperationState::Running)
        };
        let over = ends.wait_for(|_| is_over(self.get(id)));
        drop(tokio::time::timeout(wait, over).await);
        self.get(id)
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<OperationView>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_under_way_and_so_many_remembered() {
        let (operations, at) = (Operations::default(), Timestamp::from_seconds(0));
        let begin = || operations.begin("payments", Command::Restart, at);
        let first: Vec<_> = (0..UNDER_WAY_MAX).map(|_| begin().unwrap().id).collect();
        assert!(begin().is_none());
        for id in &first[1..] {
            operations.end(*id, at, &Ok(2));
        }
        for _ in 0..KEPT_MAX {
            let id = begin().unwrap().id;
            operations.end(id, at, &Err("no luck".into()));
        }
        assert_eq!(operations.kept().len(), KEPT_MAX);
        assert!(operations.get(first[0]).is_some(), "one that is under way is not forgotten");
        assert!(operations.get(first[1]).is_none());
    }
}
