//! Every message of a supervisor, with who sends it.

use std::fmt;
use std::sync::Arc;

use actix::Message;

use crate::exit::Exit;
use crate::incarnation::{Ending, Serving};

/// From the tree, or an administrator: run. Answered when it is up, or with why it is not; after a
/// failure the supervisor goes on trying. Sent to a service that was given up, it begins anew.
#[derive(Message)]
#[rtype(result = "Result<u64, Refused>")]
pub struct Start;

/// Answered when the next incarnation serves and the old one is gone, or with why that failed.
#[derive(Message, Clone, Copy, Debug, PartialEq, Eq)]
#[rtype(result = "Result<u64, Refused>")]
pub enum Replace {
    /// From an administrator: no request is lost.
    Planned,
    /// From who probes it: it no longer answers, so it is cut off and not waited for.
    Hung,
}

/// From an administrator. Answered with the incarnation that it is about.
#[derive(Message, Clone, Copy, Debug, PartialEq, Eq)]
#[rtype(result = "Result<u64, Refused>")]
pub enum Hold {
    /// New connections wait in the socket's queue; those that are there are served on. So it stays
    /// over incarnations, until it is resumed, started or stopped.
    Pause,
    Resume,
}

/// From the tree, or an administrator: end it, and close its socket. Answered when it is gone.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Stop(pub Ending);

/// From the incarnation: it serves.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Up {
    pub(crate) generation: u64,
    pub(crate) serving: Arc<dyn Serving>,
}

/// From the incarnation: an essential part has died, but it still serves.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Failing {
    pub(crate) generation: u64,
    pub(crate) exit: Exit,
}

/// From the incarnation's thread: it has ended.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Exited {
    pub(crate) generation: u64,
    pub(crate) exit: Exit,
}

/// Why a command was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no service of that name.
    Unknown,
    /// It is being stopped, or the whole tree is.
    Stopping,
    /// It is stopped or was given up: start it first.
    NotRunning,
    /// The new incarnation did not come up.
    Failed(Exit),
    /// The port could not be taken again.
    Bind(String),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Unknown => f.write_str("there is no such service"),
            Refused::Stopping => f.write_str("it is being stopped"),
            Refused::NotRunning => f.write_str("it is not running: start it first"),
            Refused::Failed(exit) => write!(f, "the new incarnation did not come up: {exit}"),
            Refused::Bind(error) => write!(f, "its port could not be taken: {error}"),
        }
    }
}

impl std::error::Error for Refused {}
