//! Facts about actors, supervisors, mailboxes and systems.

use std::cell::Cell;
use std::panic::catch_unwind;
use std::rc::Rc;

use actix::prelude::*;

use crate::support::on_a_system;

/// An actor that counts what happens to this very value.
#[derive(Default)]
struct Counter {
    value: u64,
    starts: Rc<Cell<u64>>,
    /// Stops in `started` until it has been started so often.
    stop_until: u64,
}

impl Actor for Counter {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        self.starts.set(self.starts.get() + 1);
        if self.starts.get() < self.stop_until {
            context.stop();
        }
    }
}

impl Supervised for Counter {}

#[derive(Message)]
#[rtype(result = "u64")]
enum Ask {
    Add,
    Stop,
    Panic,
}

impl Handler<Ask> for Counter {
    type Result = u64;

    fn handle(&mut self, ask: Ask, context: &mut Context<Self>) -> u64 {
        match ask {
            Ask::Add => self.value += 1,
            Ask::Stop => context.stop(),
            Ask::Panic => panic!("on request"),
        }
        self.value
    }
}

#[derive(Message)]
#[rtype(result = "()")]
enum PanicLater {
    InFuture,
    InActorFuture,
}

impl Handler<PanicLater> for Counter {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, how: PanicLater, _: &mut Context<Self>) -> Self::Result {
        match how {
            PanicLater::InFuture => {
                let task = actix_rt::spawn(async { panic!("in a task") });
                Box::pin(async move { task.await.unwrap_or(()) }.into_actor(self))
            }
            PanicLater::InActorFuture => {
                Box::pin(async { panic!("in the context") }.into_actor(self))
            }
        }
    }
}

/// Services survive panics only if panics unwind.
#[test]
fn panics_unwind() {
    const { assert!(cfg!(panic = "unwind")) };
    assert!(catch_unwind(|| panic!("caught")).is_err());
}

#[test]
fn a_stopped_actor_is_restarted_as_the_same_value() {
    on_a_system(async {
        let address = actix::Supervisor::start(|_| Counter::default());
        address.send(Ask::Add).await.unwrap();
        let _ = address.send(Ask::Stop).await;
        assert_eq!(address.send(Ask::Add).await, Ok(2), "its state has survived");
    });
}

#[test]
fn a_panicking_actor_is_not_restarted_and_nobody_is_told() {
    on_a_system(async {
        let starts = Rc::new(Cell::new(0));
        let seen = starts.clone();
        let address = actix::Supervisor::start(|_| Counter { starts, ..Counter::default() });
        assert_eq!(address.send(Ask::Panic).await, Err(MailboxError::Closed));
        assert_eq!(address.send(Ask::Add).await, Err(MailboxError::Closed));
        assert!(!address.connected());
        assert_eq!(seen.get(), 1);
    });
}

#[test]
fn a_restart_loop_neither_waits_nor_yields() {
    on_a_system(async {
        let starts = Rc::new(Cell::new(0));
        let (seen, stop_until) = (starts.clone(), 1_000);
        let _address = actix::Supervisor::start(move |_| Counter { starts, stop_until, value: 0 });
        tokio::task::yield_now().await;
        assert_eq!(seen.get(), 1_000, "all within one turn of the thread");
    });
}

#[test]
fn a_supervised_actor_ends_only_when_its_last_address_is_gone() {
    on_a_system(async {
        let address = actix::Supervisor::start(|_| Counter::default());
        let weak = address.downgrade();
        let _ = address.send(Ask::Stop).await;
        assert!(address.send(Ask::Add).await.is_ok(), "stopped, and back again");
        drop(address);
        crate::support::eventually("it is gone", async || weak.upgrade().is_none()).await;
    });
}

#[test]
fn a_mailbox_takes_more_than_its_capacity() {
    on_a_system(async {
        let address = Counter::default().start();
        // The default capacity is 16, and the actor has had no turn yet.
        for _ in 0..100 {
            address.do_send(Ask::Add);
        }
        assert_eq!(address.send(Ask::Add).await, Ok(101));
    });
}

#[test]
fn a_panic_in_a_spawned_task_leaves_the_actor_alive() {
    on_a_system(async {
        let address = Counter::default().start();
        assert!(address.send(PanicLater::InFuture).await.is_ok());
        assert!(address.send(Ask::Add).await.is_ok());
    });
}

#[test]
fn a_panic_in_an_actor_future_takes_the_actor_along() {
    on_a_system(async {
        let address = Counter::default().start();
        assert!(address.send(PanicLater::InActorFuture).await.is_err());
        assert!(address.send(Ask::Add).await.is_err());
    });
}

#[test]
fn stopping_a_system_does_not_end_what_it_blocks_on() {
    on_a_system(async {
        System::current().stop();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(Counter::default().start().send(Ask::Add).await.is_ok());
    });
}

#[test]
fn a_dropped_request_is_not_handled() {
    on_a_system(async {
        let address = Counter::default().start();
        let queued_and_given_up = address.send(Ask::Add);
        drop(queued_and_given_up);
        assert_eq!(address.send(Ask::Add).await, Ok(1));
    });
}
