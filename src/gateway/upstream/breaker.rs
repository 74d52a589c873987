//! Whether an instance is worth asking. Pure: the caller brings the time.
//!
//! Passing, it lets everybody through, until failures in a row or a large part of errors trip it.
//! Rejecting, it lets nobody through for a while. Probing, it lets one request through, whose
//! outcome decides: back to passing, or rejecting for twice as long.

use std::time::{Duration, Instant};

use serde::Serialize;
use utoipa::ToSchema;

use super::recent::Recent;

/// The longest time of rejecting.
const OPEN_MAX: Duration = Duration::from_secs(60);
/// Errors trip when they are this part of the last ten seconds' answers, if these are so many.
const ERRORS_SHARE: f64 = 0.5;
const ANSWERS_MIN: u32 = 20;
/// A probe that takes longer (a large file, say) makes room for another one.
const PROBE_MAX: Duration = Duration::from_secs(10);

/// When an instance is left alone, and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::gateway) struct Rule {
    /// Failures in a row; 0: never.
    pub(in crate::gateway) failures_max: u32,
    /// The first time.
    pub(in crate::gateway) open_min: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) enum State {
    Passing,
    Rejecting {
        until: Instant,
        /// Times it has been rejecting before, without having passed in between.
        round: u32,
    },
    Probing {
        round: u32,
        /// Since when the one request is under way.
        out_since: Option<Instant>,
        /// Its client decides how long it takes: it keeps no other one from probing.
        is_slow: bool,
    },
}

/// What somebody has decided, for as long as they want it so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    Passing,
    Rejecting,
}

/// What those are told to wait who meet a breaker that somebody holds.
const HELD_WAIT: Duration = Duration::from_secs(10);

/// What an outcome says about an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Verdict {
    Good,
    /// It was not there, or answered as if it were not.
    Failed,
    /// It answered with an error of its own.
    Errored,
    /// No word about it.
    Nothing,
}

/// What was let through, and when: an answer counts only in the state that let its request through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) struct Ticket {
    term: u64,
}

/// See the module.
pub(in crate::gateway) struct Breaker {
    rule: Rule,
    state: State,
    /// Moves with each change of state.
    term: u64,
    /// In a row.
    failures: u32,
    answers: Recent,
    held: Option<Hold>,
}

/// Whether a request that went out then is still waited for.
fn is_probe(since: Instant, now: Instant) -> bool {
    now.saturating_duration_since(since) < PROBE_MAX
}

impl Breaker {
    pub(in crate::gateway) fn new(rule: Rule, now: Instant) -> Breaker {
        let (state, answers) = (State::Passing, Recent::new(now));
        Breaker { rule, state, term: 0, failures: 0, answers, held: None }
    }

    pub(in crate::gateway) fn state(&self) -> State {
        self.state
    }

    pub(in crate::gateway) fn held(&self) -> Option<Hold> {
        self.held
    }

    /// Let go of, it begins anew.
    pub(in crate::gateway) fn hold(&mut self, hold: Option<Hold>) {
        self.held = hold;
        self.enter(State::Passing);
    }

    /// For how long nobody would be let through; `None`: somebody would be now.
    pub(in crate::gateway) fn wait(&self, now: Instant) -> Option<Duration> {
        if let Some(held) = self.held {
            return (held == Hold::Rejecting).then_some(HELD_WAIT);
        }
        match self.state {
            State::Passing => None,
            State::Probing { is_slow: true, .. } => None,
            State::Probing { out_since, .. } => {
                out_since.filter(|since| is_probe(*since, now)).map(|_| Duration::ZERO)
            }
            State::Rejecting { until, .. } => {
                Some(until.saturating_duration_since(now)).filter(|left| !left.is_zero())
            }
        }
    }

    /// Lets a request through, or says how long to wait. `is_timed`: how long it takes is up to the
    /// instance.
    pub(in crate::gateway) fn leave(
        &mut self,
        now: Instant,
        is_timed: bool,
    ) -> Result<Ticket, Duration> {
        if let Some(wait) = self.wait(now) {
            return Err(wait);
        }
        let is_slow = !is_timed;
        match self.state {
            State::Passing => {}
            State::Rejecting { round, .. } => {
                self.enter(State::Probing { round, out_since: Some(now), is_slow });
            }
            State::Probing { out_since: Some(since), .. } if is_slow && is_probe(since, now) => {
                return Err(Duration::ZERO);
            }
            State::Probing { round, .. } => {
                self.state = State::Probing { round, out_since: Some(now), is_slow };
            }
        }
        Ok(Ticket { term: self.term })
    }

    /// What became of a request that was let through.
    pub(in crate::gateway) fn judge(&mut self, ticket: Ticket, verdict: Verdict, now: Instant) {
        if ticket.term != self.term || self.held.is_some() {
            return; // What was sent before the state changed proves nothing about it now.
        }
        match self.state {
            State::Passing => self.judge_passing(verdict, now),
            State::Probing { round, .. } => match verdict {
                Verdict::Good => self.enter(State::Passing),
                Verdict::Failed | Verdict::Errored => self.reject(round.saturating_add(1), now),
                Verdict::Nothing => {
                    self.state = State::Probing { round, out_since: None, is_slow: false };
                }
            },
            State::Rejecting { .. } => {}
        }
    }

    fn judge_passing(&mut self, verdict: Verdict, now: Instant) {
        match verdict {
            Verdict::Nothing => return,
            Verdict::Good => self.failures = 0,
            Verdict::Errored => {}
            Verdict::Failed => self.failures += 1,
        }
        let is_error = matches!(verdict, Verdict::Failed | Verdict::Errored);
        self.answers.add(now, 1, u32::from(is_error));
        if is_error && self.rule.failures_max > 0 && self.is_too_much(now) {
            self.reject(0, now);
        }
    }

    fn is_too_much(&mut self, now: Instant) -> bool {
        let seen = self.answers.sums(now);
        let errs = f64::from(seen.marked) >= f64::from(seen.all) * ERRORS_SHARE;
        self.failures >= self.rule.failures_max || (seen.all >= ANSWERS_MIN && errs)
    }

    /// Another rule holds from now on.
    pub(in crate::gateway) fn set_rule(&mut self, rule: Rule) {
        self.rule = rule;
        if rule.failures_max == 0 && self.state != State::Passing {
            self.enter(State::Passing);
        }
    }

    /// Another incarnation: what was held of the one before counts for nothing.
    pub(in crate::gateway) fn renew(&mut self) {
        if self.held.is_some() {
            return;
        }
        match self.state {
            State::Passing => self.enter(State::Passing),
            State::Rejecting { .. } | State::Probing { .. } => {
                self.enter(State::Probing { round: 0, out_since: None, is_slow: false });
            }
        }
    }

    fn reject(&mut self, round: u32, now: Instant) {
        let factor = 1_u32.checked_shl(round).unwrap_or(u32::MAX);
        let open = self.rule.open_min.saturating_mul(factor).min(OPEN_MAX);
        self.enter(State::Rejecting { until: now + open, round });
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.term += 1;
        self.failures = 0;
        self.answers.clear();
    }
}

impl State {
    pub(in crate::gateway) fn name(self) -> &'static str {
        match self {
            State::Passing => "passing",
            State::Probing { .. } => "probing",
            State::Rejecting { .. } => "rejecting",
        }
    }

    /// As the metric has it.
    pub(in crate::gateway) fn number(self) -> i64 {
        match self {
            State::Passing => 0,
            State::Probing { .. } => 1,
            State::Rejecting { .. } => 2,
        }
    }
}

#[cfg(test)]
mod tests;
