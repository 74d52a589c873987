//! The actor that asks every instance how it is, listens to the supervisors, and has a hosted
//! service replaced of which a thread is blocked, or that takes no connections any more.
//!
//! One question at a time for each instance, a fresh connection for each question: so questions
//! come round to all workers of a server in turn.

mod targets;

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::fut::{ActorFutureExt, WrapFuture};
use actix::{Actor, AsyncContext, Context, StreamHandler};
use busbar_actors::{Registry, State, TreeHandle};
use busbar_http::client::Authorization;
use busbar_http::lane::Limits;
use busbar_http::pulse::BEAT;
use futures_util::stream::unfold;
use tokio::sync::{Notify, watch};

use crate::config;
use crate::types::Clock;

use super::target::{Look, Target, look, look_inside};
use super::threads::Threads;
use super::verdict::Rule;
use super::watched::Watched;
use super::{Board, Inside};

/// Looks in a row without a word until a hosted service is replaced.
const SILENCES_MAX: u32 = 3;
/// One that was missed is looked at again after this part of the interval, until it is known to be
/// down: three looks, as many as ever, but an outage is known within seconds.
const DOUBT_PART: u32 = 4;
/// Part of the interval that chance adds or takes, so that questions spread out.
const JITTER: f64 = 0.1;

/// What a collector is made of.
#[derive(Clone)]
pub struct Watch {
    pub settings: config::Health,
    /// Who is watched; it may change.
    pub watched: watch::Receiver<Vec<Watched>>,
    pub tree: TreeHandle,
    pub board: Arc<Board>,
    /// For what services tell each other alone.
    pub authorization: Authorization,
    /// Told when so many threads are lost that only a new process helps.
    pub worn_out: Arc<Notify>,
}

/// The actor. It belongs to the root system: what it watches must not take it along.
pub struct HealthCollector {
    interval: Duration,
    wait: Duration,
    rule: Rule,
    watched: watch::Receiver<Vec<Watched>>,
    targets: Vec<Target>,
    /// So many targets there have been.
    known: u64,
    threads: Threads,
    lost_max: usize,
    worn_out: Arc<Notify>,
    tree: TreeHandle,
    registry: Arc<Registry>,
    board: Arc<Board>,
    authorization: Authorization,
    clock: Clock,
}

/// The supervisors have something new to tell.
struct News;

/// The bounds of the connections that questions are asked on: none is kept.
pub fn limits(settings: &config::Health) -> Limits {
    let wait = Duration::from_millis(settings.timeout_ms);
    Limits { idle_max: 0, connect_timeout: wait, head_timeout: Some(wait), ..Limits::default() }
}

impl HealthCollector {
    pub fn new(watch: Watch) -> HealthCollector {
        let Watch { settings, watched, tree, board, authorization, worn_out } = watch;
        let blocked_after = Duration::from_millis(settings.blocked_after_ms);
        // Those that are hosted here never change.
        let threads = Threads::new(&watched.borrow(), blocked_after);
        HealthCollector {
            interval: Duration::from_millis(settings.interval_ms),
            wait: Duration::from_millis(settings.timeout_ms),
            rule: Rule {
                down_after: settings.down_after,
                up_after: settings.up_after,
                hold_down: Duration::from_millis(settings.hold_down_ms),
            },
            threads,
            lost_max: settings.lost_threads_max,
            worn_out,
            watched,
            targets: Vec::new(),
            known: 0,
            registry: tree.registry(),
            tree,
            board,
            authorization,
            // Health is about the machine's time: a test may move the services' own.
            clock: Clock::system(),
        }
    }

    fn now(&self) -> (Instant, crate::types::Timestamp) {
        (Instant::now(), self.clock.now())
    }

    /// Looks at an instance, unless it is being asked already.
    fn ask(&mut self, id: u64, ctx: &mut Context<Self>) {
        let record = self.record(id);
        let (now, rule, wait) = (self.now(), self.rule, self.wait);
        let Some(target) = self.target(id) else { return };
        if target.is_being_asked {
            return;
        }
        match record {
            // Not started for the first time yet: that is no outage.
            Some(record) if record.generation == 0 => {}
            Some(record) if matches!(record.state, State::Failed | State::Stopped) => {
                target.is_gone(&record, now);
                self.publish();
            }
            Some(record) if !record.state.is_serving() => {
                if let Some(look) = Look::at_record(&record) {
                    target.looked(look, now, &rule);
                    self.publish();
                }
            }
            _ => {
                target.is_being_asked = true;
                let asked = look(target.upstream(), target.path(), wait).into_actor(self);
                ctx.spawn(asked.map(move |look, this, ctx| this.told(id, look, ctx)));
            }
        }
    }

    fn told(&mut self, id: u64, look: Look, ctx: &mut Context<Self>) {
        let (now, rule, soon) = (self.now(), self.rule, self.interval / DOUBT_PART);
        let record = self.record(id);
        let Some(target) = self.target(id) else { return };
        target.is_being_asked = false;
        target.looked(look, now, &rule);
        if target.is_missed() {
            ctx.run_later(soon, move |this, ctx| this.ask(id, ctx));
        }
        if let Some(record) = record {
            match record.state {
                State::Failed | State::Stopped => target.is_gone(&record, now),
                State::Running if target.is_deaf(SILENCES_MAX) => {
                    log::error!("{} takes no connections any more: it is replaced", record.name);
                    self.have_replaced(record.name, ctx);
                }
                _ => {}
            }
        }
        self.look_inside(id, ctx);
        self.publish();
    }

    /// For the status page, while somebody looks at it: what a service tells of its inside. Of one
    /// that is hosted here it is known also when it does not answer.
    fn look_inside(&mut self, id: u64, ctx: &mut Context<Self>) {
        let record = self.record(id);
        let (wait, authorization) = (self.wait, self.authorization.clone());
        let has_audience = self.board.has_audience();
        let Some(target) = self.target(id) else { return };
        if !has_audience || target.is_inside_asked {
            return;
        }
        if let (Some(record), Some(metrics)) = (record, &target.watched.hosted) {
            target.inside = Some((Instant::now(), Arc::new(Inside::of(&record, metrics))));
        } else {
            target.is_inside_asked = true;
            let asked = look_inside(target.upstream(), authorization, wait).into_actor(self);
            ctx.spawn(asked.map(move |inside, this, _| {
                let Some(target) = this.target(id) else { return };
                target.is_inside_asked = false;
                if let Some(inside) = inside {
                    target.inside = Some((Instant::now(), Arc::new(inside)));
                    this.publish();
                }
            }));
        }
    }

    fn have_replaced(&self, name: &'static str, ctx: &mut Context<Self>) {
        let tree = self.tree.clone();
        let replaced = async move {
            if let Err(refused) = tree.hung(name).await {
                log::warn!("{name} was not replaced: {refused}");
            }
        };
        ctx.spawn(replaced.into_actor(self));
    }

    fn look_at_threads(&mut self, ctx: &mut Context<Self>) {
        // Not `run_interval`: that would catch up on what it has missed, all at once.
        ctx.run_later(BEAT, Self::look_at_threads);
        for blocked in self.threads.look(&self.registry) {
            log::error!("{blocked}: it is replaced");
            self.have_replaced(blocked.service.as_str(), ctx);
        }
        let lost = self.threads.lost();
        if lost > self.lost_max {
            log::error!("{lost} threads are blocked for good: this process is worn out");
            self.worn_out.notify_one();
        }
    }

    /// Asks now, and again and again, for as long as it is watched.
    fn watch(&mut self, id: u64, ctx: &mut Context<Self>) {
        if self.target(id).is_none() {
            return;
        }
        self.ask(id, ctx);
        let chance = (uuid::Uuid::new_v4().as_u128() % 1000) as f64 / 1000.0;
        let pause = self.interval.mul_f64(1.0 + JITTER * (2.0 * chance - 1.0));
        ctx.run_later(pause, move |this, ctx| this.watch(id, ctx));
    }

    fn publish(&self) {
        let shown = self.targets.iter().filter(|target| target.is_shown());
        self.board.publish(shown.map(Target::health).collect());
    }
}

impl Actor for HealthCollector {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.take_up(ctx);
        let changes = unfold(self.registry.changes(), async |mut changes| {
            changes.changed().await.ok().map(|()| (News, changes))
        });
        ctx.add_stream(Box::pin(changes));
        self.follow(ctx);
        self.look_at_threads(ctx);
    }
}

impl StreamHandler<News> for HealthCollector {
    fn handle(&mut self, _: News, ctx: &mut Context<Self>) {
        let ids: Vec<u64> = self.targets.iter().map(|target| target.id).collect();
        for id in ids {
            let Some(record) = self.record(id) else { continue };
            self.look_inside(id, ctx);
            let now = self.now();
            let Some(target) = self.target(id) else { continue };
            match record.state {
                _ if record.generation == 0 => {}
                State::Failed | State::Stopped => target.is_gone(&record, now),
                state if state.is_serving() && record.generation != target.generation => {
                    target.begins_anew(record.generation, now.0);
                    self.ask(id, ctx);
                }
                _ => {}
            }
        }
        self.publish();
    }

    /// The registry is gone, and the process with it.
    fn finished(&mut self, _: &mut Context<Self>) {}
}
