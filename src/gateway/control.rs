//! What somebody who looks after the gateway sees and decides: breakers, and what is kept.

use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Gateway;
use super::destination::Destination;
pub use super::upstream::breaker::Hold;

/// The breaker of one instance.
#[derive(Debug, Serialize, ToSchema)]
pub struct BreakerView {
    /// A service, or the prefix of an added route.
    pub upstream: String,
    /// Its number among the instances.
    pub instance: usize,
    /// `passing`, `rejecting` or `probing`.
    pub state: &'static str,
    /// For how long nobody is let through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
    /// Requests under way and in line.
    pub load: usize,
    /// Set when somebody has decided for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Hold>,
}

/// What is decided for a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Nobody is let through.
    Open,
    /// Everybody is.
    Close,
    /// It decides by itself.
    Auto,
}

impl Gateway {
    pub fn breakers(&self) -> Vec<BreakerView> {
        let now = Instant::now();
        let of_destination = |destination: &Arc<Destination>| {
            let members = destination.ring.members().iter();
            members.map(|member| member.view(now)).collect::<Vec<_>>()
        };
        self.now().destinations.iter().flat_map(of_destination).collect()
    }

    /// Decides for the breakers of all instances of an upstream; how many these are.
    pub fn decide(&self, upstream: &str, decision: Decision) -> usize {
        let hold = match decision {
            Decision::Open => Some(Hold::Rejecting),
            Decision::Close => Some(Hold::Passing),
            Decision::Auto => None,
        };
        let live = self.now();
        let of_name = live.destinations.iter().filter(|known| &*known.name == upstream);
        let members = of_name.flat_map(|destination| destination.ring.members());
        members.map(|member| member.hold(hold, Instant::now())).count()
    }

    /// Forgets what is kept: of all addresses, or of those whose paths begin so.
    pub fn purge(&self, prefix: Option<&str>) {
        self.cache.purge(prefix);
        log::info!("kept answers below {} are forgotten", prefix.unwrap_or("/"));
    }
}
