//! One instance of a destination as all threads see it: its breaker, and when it came back.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use busbar_actors::Upstream as News;
use busbar_http::Deadline;
use busbar_http::lane::Instance;

use super::breaker::{Breaker, Hold, Rule, State, Ticket, Verdict};
use crate::gateway::control::BreakerView;
use crate::gateway::meters::BreakerMeters;

/// As the metric has it.
const REJECTING: i64 = 2;
/// For how long one that took no connection is asked last, in milliseconds.
const REFUSED_MS: u64 = 1_000;

/// See the module.
pub(in crate::gateway) struct Member {
    title: Title,
    instance: Arc<Instance>,
    /// What its supervisor tells, when it is hosted in this process.
    news: Option<Arc<News>>,
    standing: Arc<Standing>,
    meters: BreakerMeters,
}

/// What it is called.
pub(in crate::gateway) struct Title {
    pub(in crate::gateway) upstream: Arc<str>,
    /// Among the instances of its destination: it keeps it, whatever becomes of the others.
    pub(in crate::gateway) number: usize,
}

/// What is known of an instance; it outlives what the settings say about it.
struct Standing {
    breaker: Mutex<Kept>,
    /// Milliseconds from `start` to when it came back the last time; 0: it has not been away.
    back_at: AtomicU64,
    /// Likewise to when it took no connection; 0: it never did not.
    refused_at: AtomicU64,
    was_down: AtomicBool,
    start: Instant,
}

/// What the lock is around.
struct Kept {
    breaker: Breaker,
    /// The incarnation that is spoken of, when it is hosted.
    incarnation: u64,
}

/// A request that was let through to an instance. It has to be judged; dropped without, it says
/// nothing, unless it had waited to the end of its time.
pub(in crate::gateway) struct Leave {
    member: Arc<Member>,
    ticket: Ticket,
    deadline: Deadline,
    /// Whether running out of time is the instance's fault.
    is_timed: bool,
    is_judged: bool,
}

impl Member {
    pub(in crate::gateway) fn new(
        title: Title,
        instance: Arc<Instance>,
        news: Option<Arc<News>>,
        rule: Rule,
        meters: BreakerMeters,
    ) -> Member {
        let start = Instant::now();
        let incarnation = news.as_ref().map_or(0, |news| news.pool());
        let breaker = Mutex::new(Kept { breaker: Breaker::new(rule, start), incarnation });
        meters.state.set(State::Passing.number());
        let (back_at, refused_at) = (AtomicU64::new(0), AtomicU64::new(0));
        let was_down = AtomicBool::new(false);
        let standing = Arc::new(Standing { breaker, back_at, refused_at, was_down, start });
        Member { title, instance, news, standing, meters }
    }

    /// The same instance under another rule: what is known of it stays.
    pub(in crate::gateway) fn after(self, earlier: &Member, rule: Rule) -> Member {
        let member = Member { standing: earlier.standing.clone(), ..self };
        let mut kept = member.kept();
        let before = kept.breaker.state();
        kept.breaker.set_rule(rule);
        member.meters.state.set(before.number());
        member.tell(before, kept.breaker.state(), Instant::now());
        drop(kept);
        member
    }

    pub(super) fn number(&self) -> usize {
        self.title.number
    }

    /// Requests under way and in line.
    pub(super) fn load(&self) -> usize {
        let counts = self.instance.counts();
        counts.busy + counts.waiting
    }

    /// Somebody decides for the breaker, or lets it decide again.
    pub(in crate::gateway) fn hold(&self, hold: Option<Hold>, now: Instant) {
        let mut kept = self.kept();
        let before = kept.breaker.state();
        kept.breaker.hold(hold);
        self.tell(before, kept.breaker.state(), now);
        let is_rejecting = hold == Some(Hold::Rejecting);
        self.meters.state.set(if is_rejecting { REJECTING } else { State::Passing.number() });
        match hold {
            Some(hold) => log::warn!("{}: its breaker is held {hold:?}", self.title),
            None => log::info!("{}: its breaker decides by itself", self.title),
        }
    }

    pub(in crate::gateway) fn view(&self, now: Instant) -> BreakerView {
        let wait = self.wait(now).map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        let kept = self.kept();
        BreakerView {
            upstream: self.title.upstream.to_string(),
            instance: self.title.number,
            state: match kept.breaker.held() {
                Some(Hold::Rejecting) => "rejecting",
                _ => kept.breaker.state().name(),
            },
            wait_ms: wait,
            load: self.load(),
            held: kept.breaker.held(),
        }
    }

    /// For how long nobody would be let through; `None`: somebody would be now.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let mut kept = self.kept();
        self.renew(&mut kept, now);
        kept.breaker.wait(now)
    }

    /// For people: its state, and for how long it will reject.
    pub(super) fn standing(&self, now: Instant) -> (&'static str, Duration) {
        let wait = self.wait(now).unwrap_or_default();
        (self.kept().breaker.state().name(), wait)
    }

    /// Lets a request through, or says how long to wait.
    pub(super) fn leave(
        self: &Arc<Self>,
        now: Instant,
        deadline: Deadline,
        is_timed: bool,
    ) -> Result<Leave, Duration> {
        let mut kept = self.kept();
        self.renew(&mut kept, now);
        let before = kept.breaker.state();
        let ticket = kept.breaker.leave(now, is_timed)?;
        self.tell(before, kept.breaker.state(), now);
        drop(kept);
        Ok(Leave { member: self.clone(), ticket, deadline, is_timed, is_judged: false })
    }

    /// What the watch over all services says of it.
    pub(super) fn is_said_to_be(&self, is_down: bool, now: Instant) {
        if self.standing.was_down.swap(is_down, Relaxed) && !is_down {
            self.has_come_back(now);
        }
    }

    /// For how long it has been back, if it was away.
    pub(super) fn back_for(&self, now: Instant) -> Option<Duration> {
        let back_at = self.standing.back_at.load(Relaxed);
        let since = now.saturating_duration_since(self.standing.start);
        (back_at > 0).then(|| since.saturating_sub(Duration::from_millis(back_at)))
    }

    pub(super) fn refused(&self, now: Instant) {
        self.standing.refused_at.store(self.age_ms(now), Relaxed);
    }

    /// A connection was refused a moment ago.
    pub(super) fn has_just_refused(&self, now: Instant) -> bool {
        let at = self.standing.refused_at.load(Relaxed);
        at > 0 && self.age_ms(now).saturating_sub(at) < REFUSED_MS
    }

    /// Never zero.
    fn age_ms(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.standing.start).as_millis();
        u64::try_from(since).unwrap_or(u64::MAX).max(1)
    }

    fn has_come_back(&self, now: Instant) {
        self.standing.back_at.store(self.age_ms(now), Relaxed);
    }

    fn judge(&self, ticket: Ticket, verdict: Verdict, now: Instant) {
        let mut kept = self.kept();
        self.renew(&mut kept, now);
        let before = kept.breaker.state();
        kept.breaker.judge(ticket, verdict, now);
        let after = kept.breaker.state();
        self.tell(before, after, now);
        drop(kept);
        if before != State::Passing && after == State::Passing {
            self.has_come_back(now);
        }
    }

    /// A supervisor's new incarnation is not to answer for the one before.
    fn renew(&self, kept: &mut Kept, now: Instant) {
        let Some(news) = &self.news else { return };
        let current = news.pool();
        if current != kept.incarnation {
            kept.incarnation = current;
            let before = kept.breaker.state();
            kept.breaker.renew();
            self.tell(before, kept.breaker.state(), now);
        }
    }

    /// Once for each change: under the lock.
    fn tell(&self, before: State, after: State, now: Instant) {
        if before.number() == after.number() {
            return;
        }
        self.meters.changed(after);
        match after {
            State::Rejecting { until, .. } => log::warn!(
                "{}: breaker {} -> {} for {} ms",
                self.title,
                before.name(),
                after.name(),
                until.saturating_duration_since(now).as_millis()
            ),
            _ => log::info!("{}: breaker {} -> {}", self.title, before.name(), after.name()),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.standing.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Leave {
    pub(in crate::gateway) fn judge(mut self, verdict: Verdict) {
        self.is_judged = true;
        self.member.judge(self.ticket, verdict, Instant::now());
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        if self.is_judged {
            return;
        }
        let is_late = self.is_timed && self.deadline.left().is_zero();
        let verdict = if is_late { Verdict::Failed } else { Verdict::Nothing };
        self.member.judge(self.ticket, verdict, Instant::now());
    }
}

impl std::fmt::Display for Title {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.upstream, self.number)
    }
}

#[cfg(test)]
mod tests;
