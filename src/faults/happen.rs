//! The faults, and how each of them happens.

use std::time::Duration;

use serde::Deserialize;
use utoipa::ToSchema;

/// A fault that can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The handler waits before it starts. Not at the gateway.
    Delay { milliseconds: u64 },
    /// The handler panics.
    PanicHandler,
    /// The handler blocks its worker thread.
    Block { milliseconds: u64 },
    /// The handler stops the system of its incarnation: its threads end, its server does not.
    StopSystem,
    /// The handler aborts the process.
    Abort,
    /// The handler calls itself until the stack is full.
    StackOverflow,
    /// The life of the service beside its HTTP server panics.
    PanicLife,
    /// A child of the incarnation panics, such as its relay.
    PanicChild { name: String },
    /// The thread of the incarnation panics.
    PanicThread,
    /// The thread of the incarnation is blocked, its workers answer.
    BlockThread { milliseconds: u64 },
    /// The incarnation takes no connections any more.
    Deaf,
    /// The next incarnation fails to start.
    FailStart,
}

impl Fault {
    /// It hits the incarnation itself rather than one of its requests.
    pub(super) fn is_of_incarnation(&self) -> bool {
        matches!(
            self,
            Fault::PanicLife | Fault::PanicThread | Fault::BlockThread { .. } | Fault::Deaf
        )
    }

    /// Happens before a handler.
    pub(super) async fn hit(self) {
        match self {
            Fault::Delay { milliseconds } => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            }
            fault => fault.strike(),
        }
    }

    /// Happens on this very thread, at once.
    #[expect(clippy::disallowed_methods, reason = "these are the faults")]
    pub fn strike(self) {
        match self {
            #[expect(clippy::panic, reason = "this is the fault")]
            Fault::PanicHandler => panic!("an injected panic"),
            #[expect(clippy::panic, reason = "this is the fault")]
            Fault::PanicThread => panic!("an injected panic of the incarnation"),
            Fault::Block { milliseconds } | Fault::BlockThread { milliseconds } => {
                std::thread::sleep(Duration::from_millis(milliseconds));
            }
            Fault::StopSystem => actix_rt::System::current().stop(),
            Fault::Abort => std::process::abort(),
            Fault::StackOverflow => drop(dig(0)),
            _ => {}
        }
    }
}

/// Never comes back.
#[expect(unconditional_recursion, reason = "this is the fault")]
fn dig(depth: usize) -> usize {
    let held = std::hint::black_box([depth; 128]);
    dig(depth + 1) + held[depth % 128]
}
