//! The actor that asks every instance how it is, listens to the supervisors, and has a hosted
//! service replaced of which a thread is blocked, or that takes no connections any more.
//!
//! One question at a time for each instance, a fresh connection for each question: so questions
//! come round to all workers of a server in turn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::fut::{ActorFutureExt, WrapFuture};
use actix::{Actor, AsyncContext, Context, StreamHandler};
use busbar_actors::{Registry, ServiceRecord, State, TreeHandle};
use busbar_http::Metrics;
use busbar_http::client::{Authorization, Upstream, thread_codec};
use busbar_http::lane::{Instance, Limits};
use busbar_http::pulse::BEAT;
use futures_util::stream::unfold;
use tokio::sync::Notify;

use crate::config;
use crate::types::{Clock, ServiceName};

use super::target::{Look, Target, Watched, look, look_inside};
use super::threads::{Blocked, Threads};
use super::verdict::Rule;
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
    pub watched: Vec<Watched>,
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
    watched: Vec<Watched>,
    targets: Vec<Target>,
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
    Limits { idle_max: 0, connect_timeout: wait, head_timeout: wait, ..Limits::default() }
}

impl HealthCollector {
    pub fn new(watch: Watch) -> HealthCollector {
        let Watch { settings, watched, tree, board, authorization, worn_out } = watch;
        let blocked_after = Duration::from_millis(settings.blocked_after_ms);
        HealthCollector {
            interval: Duration::from_millis(settings.interval_ms),
            wait: Duration::from_millis(settings.timeout_ms),
            rule: Rule {
                down_after: settings.down_after,
                up_after: settings.up_after,
                hold_down: Duration::from_millis(settings.hold_down_ms),
            },
            threads: Threads::new(&watched, blocked_after),
            lost_max: settings.lost_threads_max,
            worn_out,
            watched,
            targets: Vec::new(),
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

    /// The supervisor's record of a target that is hosted here.
    fn record(&self, index: usize) -> Option<ServiceRecord> {
        let watched = &self.targets.get(index)?.watched;
        watched.hosted.as_ref()?;
        self.registry.get(watched.service.as_str())
    }

    /// Looks at an instance, unless it is being asked already.
    fn ask(&mut self, index: usize, ctx: &mut Context<Self>) {
        let record = self.record(index);
        let (now, rule, wait) = (self.now(), self.rule, self.wait);
        let Some(target) = self.targets.get_mut(index) else { return };
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
                ctx.spawn(asked.map(move |look, this, ctx| this.told(index, look, ctx)));
            }
        }
    }

    fn told(&mut self, index: usize, look: Look, ctx: &mut Context<Self>) {
        let (now, rule) = (self.now(), self.rule);
        let record = self.record(index);
        let Some(target) = self.targets.get_mut(index) else { return };
        target.is_being_asked = false;
        target.looked(look, now, &rule);
        if target.is_missed() {
            let soon = self.interval / DOUBT_PART;
            ctx.run_later(soon, move |this, ctx| this.ask(index, ctx));
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
        self.look_inside(index, ctx);
        self.publish();
    }

    /// For the status page, while somebody looks at it: what a service tells of its inside. Of one
    /// that is hosted here it is known also when it does not answer.
    fn look_inside(&mut self, index: usize, ctx: &mut Context<Self>) {
        let record = self.record(index);
        let (wait, authorization) = (self.wait, self.authorization.clone());
        let Some(target) = self.targets.get_mut(index) else { return };
        if !self.board.has_audience() || target.is_inside_asked {
            return;
        }
        if let (Some(record), Some(metrics)) = (record, &target.watched.hosted) {
            target.inside = Some((Instant::now(), Arc::new(Inside::of(&record, metrics))));
        } else {
            target.is_inside_asked = true;
            let asked = look_inside(target.upstream(), authorization, wait).into_actor(self);
            ctx.spawn(asked.map(move |inside, this, _| {
                let Some(target) = this.targets.get_mut(index) else { return };
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
        for Blocked { service, thread } in self.threads.look(&self.registry) {
            log::error!("{service}: its thread {thread} is blocked: it is replaced");
            self.have_replaced(service.as_str(), ctx);
        }
        let lost = self.threads.lost();
        if lost > self.lost_max {
            log::error!("{lost} threads are blocked for good: this process is worn out");
            self.worn_out.notify_one();
        }
    }

    /// Asks now, and again and again.
    fn watch(&mut self, index: usize, ctx: &mut Context<Self>) {
        self.ask(index, ctx);
        let chance = (uuid::Uuid::new_v4().as_u128() % 1000) as f64 / 1000.0;
        let pause = self.interval.mul_f64(1.0 + JITTER * (2.0 * chance - 1.0));
        ctx.run_later(pause, move |this, ctx| this.watch(index, ctx));
    }

    fn publish(&self) {
        let shown = self.targets.iter().filter(|target| target.watched.is_shown);
        self.board.publish(shown.map(Target::health).collect());
    }
}

impl Actor for HealthCollector {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let codec = thread_codec();
        let now = Instant::now();
        let open = |watched: Watched| {
            let upstream = Upstream::open(watched.instance.clone(), &codec);
            Target::new(watched, upstream, now)
        };
        self.targets = std::mem::take(&mut self.watched).into_iter().map(open).collect();
        self.publish();
        let changes = unfold(self.registry.changes(), async |mut changes| {
            changes.changed().await.ok().map(|()| (News, changes))
        });
        ctx.add_stream(Box::pin(changes));
        (0..self.targets.len()).for_each(|index| self.watch(index, ctx));
        ctx.run_interval(BEAT, Self::look_at_threads);
    }
}

impl StreamHandler<News> for HealthCollector {
    fn handle(&mut self, _: News, ctx: &mut Context<Self>) {
        for index in 0..self.targets.len() {
            let Some(record) = self.record(index) else { continue };
            self.look_inside(index, ctx);
            let now = self.now();
            let Some(target) = self.targets.get_mut(index) else { continue };
            match record.state {
                _ if record.generation == 0 => {}
                State::Failed | State::Stopped => target.is_gone(&record, now),
                state if state.is_serving() && record.generation != target.generation => {
                    target.begins_anew(record.generation, now.0);
                    self.ask(index, ctx);
                }
                _ => {}
            }
        }
        self.publish();
    }

    /// The registry is gone, and the process with it.
    fn finished(&mut self, _: &mut Context<Self>) {}
}

/// A service that this process hosts, at its own port.
pub struct Hosted {
    pub service: ServiceName,
    pub instance: Arc<Instance>,
    pub metrics: Metrics,
}

/// Whom to watch: the shown instances of the services behind the gateway, if it is hosted here;
/// and each hosted service at its own port, for its supervisor's sake.
pub fn watched(hosted: Vec<Hosted>, shown: Vec<(ServiceName, Arc<Instance>)>) -> Vec<Watched> {
    let is_at = |own: &Hosted, service: ServiceName, instance: &Instance| {
        own.service == service && own.instance.base().to_string() == instance.base().to_string()
    };
    let mut watched: Vec<Watched> = Vec::new();
    for (service, instance) in shown {
        let own = hosted.iter().find(|own| is_at(own, service, &instance));
        let hosted = own.map(|own| own.metrics.clone());
        watched.push(Watched { service, instance, hosted, is_shown: true });
    }
    for own in hosted {
        let is_shown = |known: &Watched| is_at(&own, known.service, &known.instance);
        if !watched.iter().any(is_shown) {
            let Hosted { service, instance, metrics } = own;
            // A gateway shows itself, too.
            let is_shown = !service.is_domain();
            watched.push(Watched { service, instance, hosted: Some(metrics), is_shown });
        }
    }
    watched
}
