//! The course of one request from instance to instance: whom it asks, and whether it goes on.

use std::time::{Duration, Instant};

use actix_rt::time::sleep;
use actix_web::http::header::RETRY_AFTER;
use awc::ClientResponse;
use busbar_http::Deadline;

use super::destination::Destination;
use super::forward::Loss;
use super::retry::{self, Next, Repeat, Tries};
use super::upstream::breaker::Verdict;
use super::upstream::judge;
use super::upstream::member::Leave;
use super::upstream::ring::{Asker, Picked};

/// See the module.
pub(super) struct Course<'a> {
    destination: &'a Destination,
    deadline: Deadline,
    start: Instant,
    asker: Asker,
    tries: Tries,
    /// The instance that is asked.
    pub(super) index: usize,
    /// Moves with the incarnations of a service that is hosted here: as it was when it was asked.
    incarnation: u64,
    /// Those that were asked before.
    tried: Vec<usize>,
}

/// Whose outcome has to be judged, if anybody minds.
type Ask = Option<Leave>;

impl<'a> Course<'a> {
    pub(super) fn start(destination: &'a Destination, asker: Asker) -> Course<'a> {
        let start = Instant::now();
        destination.budget().asked(start);
        Course {
            destination,
            deadline: asker.deadline,
            start,
            asker,
            tries: Tries::new(destination.ring.len(), destination.retries_max),
            index: 0,
            incarnation: 0,
            tried: Vec::new(),
        }
    }

    pub(super) fn first(&mut self) -> Result<Ask, Loss> {
        if self.destination.ring.len() == 0 {
            return Err(Loss::Unreachable("its name has no address yet".into()));
        }
        let picked = self.destination.ring.pick(&[], self.asker, self.start);
        Ok(self.goes_to(picked.map_err(Loss::Rejecting)?))
    }

    fn goes_to(&mut self, (index, leave): Picked) -> Ask {
        self.index = index;
        self.incarnation = self.destination.news.as_ref().map_or(0, |news| news.pool());
        leave
    }

    pub(super) fn judge(&self, leave: Ask, outcome: &Result<ClientResponse, Loss>) {
        let verdict = match outcome {
            Ok(answer) => {
                judge::of_answer(answer.status(), answer.headers(), self.destination.is_ours)
            }
            Err(loss) => {
                if matches!(loss, Loss::Unreachable(_)) {
                    self.destination.ring.refused(self.index, Instant::now());
                }
                judge::of_loss(loss, self.destination.facts(!self.asker.is_timed))
            }
        };
        if verdict == Verdict::Good {
            self.destination.budget().answered_well();
        }
        if let Some(leave) = leave {
            leave.judge(verdict);
        }
    }

    /// Picks the instance to ask next; `None`: the outcome stands.
    pub(super) async fn go_on(
        &mut self,
        outcome: &Result<ClientResponse, Loss>,
        repeat: Repeat,
    ) -> Option<Ask> {
        let answer = outcome.as_ref().ok();
        if let Some(wait) = answer.and_then(|answer| self.time_to_wait(answer, repeat)) {
            sleep(wait).await;
            let picked = self.destination.ring.this(self.index, self.asker, Instant::now()).ok()?;
            return Some(self.goes_to(picked));
        }
        let next = match outcome {
            Ok(answer) => self.tries.after_answer(answer.status(), repeat),
            Err(loss) => self.tries.next(loss, repeat),
        };
        if next == Next::GiveUp {
            return None;
        }
        if next == Next::Again {
            let pause = retry::pause(chance());
            if pause >= self.deadline.left() {
                return None;
            }
            sleep(pause).await;
        }
        // What was sent nowhere loads nobody. Asked after the pause: a supervisor hears of an end a
        // moment after the callers.
        let is_free = next == Next::Elsewhere || self.has_been_replaced(outcome);
        if !is_free && !self.destination.budget().take(Instant::now()) {
            self.destination.meters.exhausted();
            return None;
        }
        if let (Next::Again, Err(loss)) = (next, outcome) {
            log::info!("{}: {loss}; sent once more", self.destination.name);
        }
        let leave = self.step(next)?;
        self.destination.meters.retried(next);
        Some(leave)
    }

    /// To an instance that was not asked yet; to the same one only when there is no other, and what
    /// was sent may be sent there again.
    fn step(&mut self, next: Next) -> Option<Ask> {
        self.tried.push(self.index);
        let (ring, now) = (&self.destination.ring, Instant::now());
        let mut picked = ring.pick(&self.tried, self.asker, now);
        if picked.is_err() && next == Next::Again {
            picked = ring.pick(&[], self.asker, now);
        }
        Some(self.goes_to(picked.ok()?))
    }

    /// Whether the incarnation that was asked is known to have ended. What it had under way is sent
    /// again to the next one, however much it is: the supervisor bounds how often that happens.
    fn has_been_replaced(&self, outcome: &Result<ClientResponse, Loss>) -> bool {
        let Some(news) = &self.destination.news else { return false };
        match outcome {
            Err(Loss::Cut) => true,
            Err(Loss::Broken(_)) => news.is_starting() || news.pool() != self.incarnation,
            _ => false,
        }
    }

    /// For how long a replay waits before it asks again, if it has to.
    fn time_to_wait(&mut self, answer: &ClientResponse, repeat: Repeat) -> Option<Duration> {
        let retry_after = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok();
        let wait = retry::wait_for_the_first(answer.status(), retry_after, self.deadline.left());
        wait.filter(|_| self.tries.waits(repeat))
    }
}

/// From 0 to 1; only drawn when something has gone wrong.
fn chance() -> f64 {
    (uuid::Uuid::new_v4().as_u128() % 1000) as f64 / 1000.0
}
