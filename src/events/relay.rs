//! The relay: carries what is owed to each listener, one request in flight for each, so that a
//! dead one holds up nobody else.
//!
//! It can be killed at any point: what it had claimed comes free when the lease runs out, is
//! carried again, and the listener's inbox knows it. Nothing here is remembered but the pace.

use std::collections::HashMap;
use std::time::Duration;

use actix::prelude::*;
use busbar_http::Check;
use futures_util::StreamExt;
use tokio::sync::watch;
use tokio::task::JoinError;

use crate::types::ServiceName;

use super::judge::Pace;
use super::round::{self, Road, Round};
use super::upkeep;

/// For giving back what was claimed, when the incarnation ends.
const RELEASE_WAIT_MAX: Duration = Duration::from_secs(1);

/// The relay of one incarnation of a service.
pub struct Relay {
    road: Road,
    /// One for each listener of this service's events; there is no other.
    lanes: HashMap<ServiceName, Lane>,
    /// Rounds under way.
    rounds: watch::Sender<usize>,
    /// Turns true when they must give back what they have claimed.
    cut: watch::Sender<bool>,
    is_draining: bool,
    is_kept: bool,
}

/// Where the relay is with one listener.
struct Lane {
    pace: Pace,
    state: LaneState,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum LaneState {
    /// Waits for a look.
    Idle,
    /// A round is under way; `looks_again`: something was committed meanwhile.
    Busy { looks_again: bool },
    /// Waits after a failure.
    Resting,
}

/// From the watch on commits to the relay: see what is owed.
#[derive(Message)]
#[rtype(result = "()")]
struct Look;

/// From the incarnation to its relay, before it ends: finish the rounds under way, but give back
/// what is not answered within the drain time, then stop.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Drain;

impl Relay {
    /// A relay for the events of `road.source`; it begins when it is started as an actor.
    pub fn new(road: Road) -> Relay {
        let pace = Pace::new(road.rule.batch_events);
        let listeners = super::kinds::listeners_of(road.source);
        let lane = |listener| (listener, Lane { pace, state: LaneState::Idle });
        let lanes = listeners.into_iter().map(lane).collect();
        Relay {
            road,
            lanes,
            rounds: watch::Sender::new(0),
            cut: watch::Sender::new(false),
            is_draining: false,
            is_kept: false,
        }
    }

    /// Whether someone should see to what is owed.
    pub fn check(&self) -> Check {
        self.road.meters.check()
    }

    fn look_at_all(&mut self, context: &mut Context<Self>) {
        let listeners: Vec<ServiceName> = self.lanes.keys().copied().collect();
        for listener in listeners {
            self.look(listener, context);
        }
    }

    /// Begins a round with a listener, unless one is under way or the lane rests.
    fn look(&mut self, listener: ServiceName, context: &mut Context<Self>) {
        let Some(lane) = self.lanes.get_mut(&listener) else { return };
        if self.is_draining {
            return;
        }
        match &mut lane.state {
            LaneState::Resting => {}
            LaneState::Busy { looks_again } => *looks_again = true,
            LaneState::Idle => {
                lane.state = LaneState::Busy { looks_again: false };
                self.rounds.send_modify(|rounds| *rounds += 1);
                let road = self.road.clone();
                let round = round::run(road, listener, lane.pace.batch, self.cut.subscribe());
                // A task of its own: when the relay falls, its rounds give back what they hold.
                let round = actix_rt::spawn(round).into_actor(self);
                context.spawn(round.map(move |round, relay, context| {
                    let fallen = |error: JoinError| Round::Failed { why: error.to_string() };
                    relay.ended(listener, round.unwrap_or_else(fallen), context);
                }));
            }
        }
    }

    fn ended(&mut self, listener: ServiceName, round: Round, context: &mut Context<Self>) {
        self.rounds.send_modify(|rounds| *rounds = rounds.saturating_sub(1));
        let batch_events = self.road.rule.batch_events;
        let Some(lane) = self.lanes.get_mut(&listener) else { return };
        let looks_again = lane.state == LaneState::Busy { looks_again: true };
        lane.state = LaneState::Idle;
        match round {
            Round::Nothing if looks_again => self.look(listener, context),
            Round::Nothing => {}
            Round::Answered => {
                lane.pace = lane.pace.answered(batch_events);
                self.look(listener, context);
            }
            Round::Failed { why } => self.rest(listener, &why, context),
        }
    }

    /// Leaves a listener alone for a while.
    fn rest(&mut self, listener: ServiceName, why: &str, context: &mut Context<Self>) {
        let Some(lane) = self.lanes.get_mut(&listener) else { return };
        lane.pace = lane.pace.failed();
        lane.state = LaneState::Resting;
        let failures = lane.pace.failures;
        let source = self.road.source.as_str();
        log::warn!("events of {source} wait for {listener} ({failures} in a row): {why}");
        let wait = self.road.rule.rest.wait(failures, round::chance());
        context.run_later(wait, move |relay, context| {
            if let Some(lane) = relay.lanes.get_mut(&listener) {
                lane.state = LaneState::Idle;
            }
            relay.look(listener, context);
        });
    }

    /// Counts what is owed and forgets what is old, one at a time.
    fn keep(&mut self, context: &mut Context<Self>) {
        if self.is_kept || self.is_draining {
            return;
        }
        self.is_kept = true;
        let listeners = self.lanes.keys().copied().collect();
        let kept = upkeep::run(self.road.clone(), listeners).into_actor(self);
        context.spawn(kept.map(|(), relay, _| relay.is_kept = false));
    }
}

impl Actor for Relay {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let commits = self.road.database.commits();
        context.add_message_stream(looks(commits));
        context.run_interval(self.road.rule.poll, |relay, context| relay.look_at_all(context));
        context.run_interval(self.road.rule.upkeep, |relay, context| relay.keep(context));
        let recovered = upkeep::recover(self.road.clone()).into_actor(self);
        context.spawn(recovered.map(|(), relay, context| {
            relay.look_at_all(context);
            relay.keep(context);
        }));
    }
}

impl Handler<Look> for Relay {
    type Result = ();

    fn handle(&mut self, _: Look, context: &mut Self::Context) {
        self.look_at_all(context);
    }
}

impl Handler<Drain> for Relay {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        self.is_draining = true;
        let (mut rounds, drain) = (self.rounds.subscribe(), self.road.rule.drain);
        let none = |rounds: &usize| *rounds == 0;
        let cut = self.cut.clone();
        let drained = async move {
            if tokio::time::timeout(drain, rounds.wait_for(none)).await.is_err() {
                cut.send_replace(true);
                // Giving back needs the database; if that is gone too, the leases run out.
                let _ = tokio::time::timeout(RELEASE_WAIT_MAX, rounds.wait_for(none)).await;
            }
        };
        Box::pin(drained.into_actor(self).map(|(), _, context| context.stop()))
    }
}

/// A look for each change of the number of commits.
fn looks(commits: watch::Receiver<u64>) -> impl Stream<Item = Look> {
    futures_util::stream::unfold(commits, |mut commits| async move {
        commits.changed().await.ok()?;
        Some((Look, commits))
    })
    .boxed_local()
}
