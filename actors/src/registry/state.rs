//! The words for where a service or a child is in its life.

/// Where a service is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing serves yet; an incarnation is being built.
    Starting,
    Running,
    /// Nothing serves; the next attempt waits.
    Backoff,
    /// On its way down.
    Draining,
    /// It serves, but its next incarnation does not come up, or an essential part is dead.
    Degraded,
    /// It serves the connections that it has; new ones wait, because somebody asked.
    Paused,
    /// Down because somebody asked, or because its end is not answered by a restart.
    Stopped,
    /// It failed too often: given up, its port closed, until somebody starts it.
    Failed,
}

impl State {
    pub const ALL: [State; 8] = [
        State::Starting,
        State::Running,
        State::Backoff,
        State::Draining,
        State::Degraded,
        State::Paused,
        State::Stopped,
        State::Failed,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            State::Starting => "starting",
            State::Running => "running",
            State::Backoff => "backoff",
            State::Draining => "draining",
            State::Degraded => "degraded",
            State::Paused => "paused",
            State::Stopped => "stopped",
            State::Failed => "failed",
        }
    }

    /// Whether there is an incarnation that answers, if only those who are there.
    pub fn is_alive(self) -> bool {
        self.is_serving() || self == State::Paused
    }

    /// Whether an incarnation answers whoever comes.
    pub fn is_serving(self) -> bool {
        matches!(self, State::Running | State::Degraded)
    }
}
