//! Each move of the breaker, with a clock that the tests drive.
#![allow(clippy::unwrap_used)]

use super::*;

const RULE: Rule = Rule { failures_max: 5, open_min: Duration::from_secs(10) };

struct Driven {
    breaker: Breaker,
    now: Instant,
}

impl Driven {
    fn new() -> Driven {
        let now = Instant::now();
        Driven { breaker: Breaker::new(RULE, now), now }
    }

    fn tripped() -> Driven {
        let mut driven = Driven::new();
        driven.see(&[Verdict::Failed; 5]);
        assert_eq!(driven.breaker.state().name(), "rejecting");
        driven
    }

    fn passes(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn leave(&mut self) -> Result<Ticket, Duration> {
        self.breaker.leave(self.now, true)
    }

    fn judge(&mut self, ticket: Ticket, verdict: Verdict) {
        self.breaker.judge(ticket, verdict, self.now);
    }

    /// One after the other.
    fn see(&mut self, verdicts: &[Verdict]) {
        for verdict in verdicts {
            let ticket = self.leave().unwrap();
            self.judge(ticket, *verdict);
        }
    }

    fn name(&self) -> &'static str {
        self.breaker.state().name()
    }
}

#[test]
fn failures_in_a_row_trip_it() {
    let mut driven = Driven::new();
    driven.see(&[Verdict::Failed; 4]);
    driven.see(&[Verdict::Good]);
    driven.see(&[Verdict::Failed; 4]);
    driven.see(&[Verdict::Nothing]);
    assert_eq!(driven.name(), "passing");
    driven.see(&[Verdict::Failed]);
    assert_eq!(driven.name(), "rejecting");
    assert_eq!(driven.leave(), Err(Duration::from_secs(10)));
    driven.passes(4);
    assert_eq!(driven.leave(), Err(Duration::from_secs(6)));
}

#[test]
fn errors_trip_it_when_they_are_half_of_many() {
    let mut driven = Driven::new();
    driven.see(&[Verdict::Errored; 19]);
    assert_eq!(driven.name(), "passing", "few answers say little");
    driven.passes(10);
    (0..100).for_each(|_| driven.see(&[Verdict::Good, Verdict::Good, Verdict::Errored]));
    assert_eq!(driven.name(), "passing");
    driven.passes(10);
    (0..10).for_each(|_| driven.see(&[Verdict::Good, Verdict::Errored]));
    assert_eq!(driven.name(), "rejecting");
}

#[test]
fn one_probe_decides() {
    let mut driven = Driven::tripped();
    driven.passes(10);
    let probe = driven.leave().unwrap();
    assert_eq!(driven.name(), "probing");
    assert!((0..100).all(|_| driven.leave().is_err()));
    driven.judge(probe, Verdict::Good);
    assert_eq!(driven.name(), "passing");
    driven.see(&[Verdict::Failed; 4]);
    assert_eq!(driven.name(), "passing", "it begins anew");
}

#[test]
fn it_rejects_twice_as_long_each_time_up_to_a_minute() {
    let mut driven = Driven::tripped();
    for (waited, next) in [(10, 20), (20, 40), (40, 60), (60, 60), (60, 60)] {
        driven.passes(waited - 1);
        assert!(driven.leave().is_err());
        driven.passes(1);
        driven.see(&[Verdict::Failed]);
        assert_eq!(driven.leave(), Err(Duration::from_secs(next)));
    }
    driven.passes(60);
    driven.see(&[Verdict::Good]);
    driven.see(&[Verdict::Failed; 5]);
    assert_eq!(driven.leave(), Err(Duration::from_secs(10)), "it had passed in between");
}

#[test]
fn a_probe_that_comes_to_nothing_makes_room_for_the_next() {
    let mut driven = Driven::tripped();
    driven.passes(10);
    driven.see(&[Verdict::Nothing]);
    assert_eq!(driven.name(), "probing");
    driven.see(&[Verdict::Good]);
    assert_eq!(driven.name(), "passing");
}

#[test]
fn a_probe_that_takes_long_is_not_waited_for() {
    let mut driven = Driven::tripped();
    driven.passes(10);
    let slow = driven.leave().unwrap();
    driven.passes(9);
    assert!(driven.leave().is_err());
    driven.passes(1);
    let second = driven.leave().unwrap();
    assert!(driven.leave().is_err());
    driven.judge(second, Verdict::Good);
    driven.judge(slow, Verdict::Failed);
    assert_eq!(driven.name(), "passing");
}

/// A client that is slow with its body keeps nobody else out, and there is one of its kind at a time.
#[test]
fn a_probe_whose_client_is_slow_keeps_nobody_out() {
    let mut driven = Driven::tripped();
    driven.passes(10);
    let slow = driven.breaker.leave(driven.now, false).unwrap();
    assert!(driven.breaker.leave(driven.now, false).is_err());
    assert_eq!(driven.breaker.wait(driven.now), None);
    let probe = driven.leave().unwrap();
    assert!(driven.leave().is_err());
    driven.judge(probe, Verdict::Good);
    driven.judge(slow, Verdict::Failed);
    assert_eq!(driven.name(), "passing");
}

#[test]
fn an_answer_from_before_proves_nothing() {
    let mut driven = Driven::new();
    let early = driven.leave().unwrap();
    driven.see(&[Verdict::Failed; 5]);
    driven.judge(early, Verdict::Good);
    assert_eq!(driven.name(), "rejecting");
    driven.passes(10);
    let probe = driven.leave().unwrap();
    driven.judge(early, Verdict::Good);
    assert_eq!(driven.name(), "probing");
    driven.judge(probe, Verdict::Good);
    (0..9).for_each(|_| driven.judge(early, Verdict::Failed));
    assert_eq!(driven.name(), "passing");
}

#[test]
fn another_incarnation_is_asked_at_once() {
    let mut driven = Driven::tripped();
    driven.breaker.renew();
    assert_eq!(driven.name(), "probing");
    driven.see(&[Verdict::Failed]);
    assert_eq!(driven.leave(), Err(Duration::from_secs(20)));

    let mut passing = Driven::new();
    let early = passing.leave().unwrap();
    passing.see(&[Verdict::Failed; 4]);
    passing.breaker.renew();
    passing.judge(early, Verdict::Failed);
    assert_eq!(passing.name(), "passing");
}

#[test]
fn it_can_be_off() {
    let now = Instant::now();
    let breaker = Breaker::new(Rule { failures_max: 0, ..RULE }, now);
    let mut driven = Driven { breaker, now };
    driven.see(&[Verdict::Failed; 1000]);
    assert_eq!(driven.name(), "passing");
}

#[test]
fn what_somebody_has_decided_holds_until_they_let_go() {
    let now = Instant::now();
    let rule = Rule { failures_max: 1, open_min: Duration::from_secs(10) };
    let mut breaker = Breaker::new(rule, now);

    breaker.hold(Some(Hold::Passing));
    let ticket = breaker.leave(now, true).unwrap();
    breaker.judge(ticket, Verdict::Failed, now);
    assert_eq!((breaker.state(), breaker.wait(now)), (State::Passing, None));

    breaker.hold(Some(Hold::Rejecting));
    breaker.renew();
    assert!(breaker.leave(now, true).is_err());

    breaker.hold(None);
    let ticket = breaker.leave(now, true).unwrap();
    breaker.judge(ticket, Verdict::Failed, now);
    assert!(breaker.leave(now, true).is_err(), "it decides by itself again");
}
