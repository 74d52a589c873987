//! Which instance of a destination is asked: of two that are well, the one with less to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use busbar_http::Deadline;

use super::balance;
use super::member::{Leave, Member};
use super::slow_start;
use crate::health::Board;
use crate::types::ServiceName;

/// The instances of a destination.
pub(in crate::gateway) struct Ring {
    members: Vec<Arc<Member>>,
    /// The service that they are instances of: the watch knows how they are.
    service: Option<ServiceName>,
    board: Arc<Board>,
    turn: AtomicUsize,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(in crate::gateway) struct Asker {
    pub(in crate::gateway) deadline: Deadline,
    /// The breakers are asked.
    pub(in crate::gateway) minds_breakers: bool,
    /// Running out of time is the instance's fault.
    pub(in crate::gateway) is_timed: bool,
}

/// An instance, by its place, and the leave to ask it; `None`: nobody minds what becomes of it.
pub(in crate::gateway) type Picked = (usize, Option<Leave>);

impl Ring {
    pub(in crate::gateway) fn new(
        members: Vec<Arc<Member>>,
        service: Option<ServiceName>,
        board: Arc<Board>,
    ) -> Ring {
        Ring { members, service, board, turn: AtomicUsize::new(0) }
    }

    pub(in crate::gateway) fn members(&self) -> &[Arc<Member>] {
        &self.members
    }

    pub(in crate::gateway) fn member(&self, index: usize) -> Option<&Arc<Member>> {
        self.members.get(index)
    }

    /// Of the members, in their order.
    pub(in crate::gateway) fn numbers(&self) -> impl Iterator<Item = usize> {
        self.members.iter().map(|member| member.number())
    }

    pub(in crate::gateway) fn len(&self) -> usize {
        self.members.len()
    }

    /// The state of each one's breaker, and for how long it will reject.
    pub(in crate::gateway) fn standings(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        let now = Instant::now();
        self.members.iter().map(move |member| member.standing(now))
    }

    /// One of those that were not tried yet. An error says how long all of these reject.
    pub(in crate::gateway) fn pick(
        &self,
        tried: &[usize],
        asker: Asker,
        now: Instant,
    ) -> Result<Picked, Duration> {
        if self.members.len() == 1 && tried.is_empty() {
            return self.this(0, asker, now);
        }
        let mut left: Vec<usize> =
            (0..self.members.len()).filter(|index| !tried.contains(index)).collect();
        let mut shortest = None;
        while !left.is_empty() {
            let index = self.choose(&left, asker, now);
            match self.this(index, asker, now) {
                Ok(picked) => return Ok(picked),
                Err(wait) => {
                    shortest = Some(shortest.map_or(wait, |known: Duration| known.min(wait)))
                }
            }
            left.retain(|other| *other != index);
        }
        Err(shortest.unwrap_or_default())
    }

    /// This one and no other.
    pub(in crate::gateway) fn this(
        &self,
        index: usize,
        asker: Asker,
        now: Instant,
    ) -> Result<Picked, Duration> {
        let Some(member) = self.members.get(index).filter(|_| asker.minds_breakers) else {
            return Ok((index, None));
        };
        let leave = member.leave(now, asker.deadline, asker.is_timed)?;
        Ok((index, Some(leave)))
    }

    /// Each step leaves out who is less well, but never the last one.
    fn choose(&self, left: &[usize], asker: Asker, now: Instant) -> usize {
        let turn = self.turn.fetch_add(1, Relaxed);
        let passing = narrowed(left, |index| {
            !asker.minds_breakers || self.members[index].wait(now).is_none()
        });
        let taking = narrowed(&passing, |index| !self.members[index].has_just_refused(now));
        let up = narrowed(&taking, |index| !self.is_down(index, now));
        let grown =
            narrowed(&up, |index| slow_start::takes_part(self.members[index].back_for(now), turn));
        let load = |place: usize| self.members[grown[place]].load();
        grown[balance::first(turn, grown.len(), load)]
    }

    /// It took no connection: for a moment others are asked, whoever minds its breaker.
    pub(in crate::gateway) fn refused(&self, index: usize, now: Instant) {
        if let Some(member) = self.members.get(index) {
            member.refused(now);
        }
    }

    fn is_down(&self, index: usize, now: Instant) -> bool {
        let member = &self.members[index];
        let is_down =
            self.service.is_some_and(|name| self.board.is_down(name, member.number(), now));
        member.is_said_to_be(is_down, now);
        is_down
    }
}

fn narrowed(all: &[usize], keeps: impl Fn(usize) -> bool) -> Vec<usize> {
    let kept: Vec<usize> = all.iter().copied().filter(|index| keeps(*index)).collect();
    if kept.is_empty() { all.to_vec() } else { kept }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use busbar_http::Metrics;
    use busbar_http::lane::{Instance, Limits};

    use super::super::breaker::{Rule, Verdict};
    use super::super::member::Title;
    use super::*;
    use crate::gateway::meters::Meters;

    const LONG: Duration = Duration::from_secs(9);

    fn ring(count: usize) -> Ring {
        ring_with(count, Duration::from_secs(10))
    }

    fn ring_with(count: usize, open_min: Duration) -> Ring {
        let meters = Meters::register(&Metrics::new("gateway").unwrap()).unwrap();
        let rule = Rule { failures_max: 1, open_min };
        let member = |index: usize| {
            let instance = Instance::new("http://127.0.0.1:1".parse().unwrap(), Limits::default());
            let title = Title { upstream: "test".into(), number: index };
            let meters = meters.breaker("test", index);
            Arc::new(Member::new(title, instance, None, rule, meters))
        };
        let board = Arc::new(Board::new(LONG, LONG));
        Ring::new((0..count).map(member).collect(), None, board)
    }

    fn asker() -> Asker {
        Asker { deadline: Deadline::after(LONG), minds_breakers: true, is_timed: true }
    }

    fn trip(ring: &Ring, index: usize) {
        let (_, leave) = ring.this(index, asker(), Instant::now()).unwrap();
        leave.unwrap().judge(Verdict::Failed);
    }

    fn picked(ring: &Ring, tried: &[usize]) -> Result<usize, Duration> {
        let picked = ring.pick(tried, asker(), Instant::now());
        picked.map(|(index, leave)| {
            leave.unwrap().judge(Verdict::Good);
            index
        })
    }

    #[test]
    fn one_that_rejects_is_passed_over_and_so_is_one_that_was_tried() {
        let ring = ring(3);
        trip(&ring, 1);
        assert!((0..60).all(|_| picked(&ring, &[]).unwrap() != 1));
        assert!((0..60).all(|_| picked(&ring, &[0]).unwrap() == 2));
        assert!(picked(&ring, &[0, 2]).unwrap_err() > LONG);
        assert_eq!(picked(&ring, &[0, 1, 2]), Err(Duration::ZERO));
    }

    /// It was away for a moment: its first tenth of the requests is shared with another.
    #[test]
    fn one_that_has_come_back_gets_its_share_bit_by_bit() {
        let ring = ring_with(2, Duration::ZERO);
        let share = || (0..1000).filter(|_| picked(&ring, &[]).unwrap() == 1).count();
        assert!((400..600).contains(&share()));
        trip(&ring, 1);
        assert_eq!(picked(&ring, &[0]), Ok(1), "the probe");
        let seen = share();
        let back_for = ring.members[1].back_for(Instant::now()).unwrap();
        assert!(seen > 0 && (seen < 200 || back_for > Duration::from_secs(1)), "{seen}");
    }

    #[test]
    fn when_all_reject_the_shortest_wait_is_told_unless_nobody_minds() {
        let ring = ring(2);
        trip(&ring, 0);
        trip(&ring, 1);
        assert!(picked(&ring, &[]).unwrap_err() > LONG);
        let careless = Asker { minds_breakers: false, ..asker() };
        assert!(ring.pick(&[], careless, Instant::now()).is_ok());
    }
}
