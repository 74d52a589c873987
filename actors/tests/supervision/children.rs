//! What runs in an incarnation besides its server: real panics in one child, and what they cost.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message};
use actix_rt::time::timeout;
use busbar_actors::{
    ChildKind, ChildRecord, ChildSpec, Children, Reason, Registry, Restart, Rule, State, Tree,
};

use crate::stage::Stage;
use crate::support::{PATIENCE, eventually, on_a_system};

/// Falls when it is told to, and notes when it was asked to leave.
struct Part {
    name: &'static str,
    nursery: Nursery,
}

impl Actor for Part {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        self.nursery.addresses.borrow_mut().push((self.name, context.address()));
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Fall;

#[derive(Message)]
#[rtype(result = "()")]
struct Drain;

impl Handler<Fall> for Part {
    type Result = ();

    fn handle(&mut self, _: Fall, _: &mut Context<Self>) {
        panic!("{} falls", self.name);
    }
}

impl Handler<Drain> for Part {
    type Result = ();

    fn handle(&mut self, _: Drain, context: &mut Context<Self>) {
        self.nursery.left.borrow_mut().push(self.name);
        context.stop();
    }
}

type Named = (&'static str, Addr<Part>);

/// Children: the addresses of all that ever were, and the order in which they were asked to leave.
#[derive(Clone, Default)]
struct Nursery {
    left: Rc<RefCell<Vec<&'static str>>>,
    addresses: Rc<RefCell<Vec<Named>>>,
}

impl Nursery {
    fn spec(&self, name: &'static str) -> ChildSpec {
        let nursery = self.clone();
        let make = move || Part { name, nursery: nursery.clone() };
        ChildSpec::actor(name, make, || Drain).within(quick(3))
    }

    /// Makes the newest of this name fall.
    fn fall(&self, name: &str) {
        let addresses = self.addresses.borrow();
        let newest = addresses.iter().rev().find(|(known, _)| *known == name).unwrap();
        newest.1.do_send(Fall);
    }
}

fn quick(failures_max: u32) -> Rule {
    let delay = Duration::from_millis(10);
    Rule { failures_max, delay_min: delay, delay_max: delay, ..Rule::default() }
}

fn child(registry: &Registry, name: &str) -> ChildRecord {
    registry.root_children().into_iter().find(|child| child.name == name).unwrap()
}

fn start(specs: Vec<ChildSpec>) -> (Children, Arc<Registry>) {
    // It sees to the places of panics.
    drop(Stage::new());
    let handle = Tree::new().handle();
    (Children::start(specs, &handle.household()), handle.registry())
}

/// It comes back by itself, and its sibling never notices.
#[test]
fn a_child_that_panics_is_built_afresh_and_its_sibling_lives_on() {
    on_a_system(async {
        let nursery = Nursery::default();
        let (children, registry) = start(vec![nursery.spec("relay"), nursery.spec("worker")]);
        eventually("both live", async || nursery.addresses.borrow().len() == 2).await;
        for fall in 1..=3 {
            nursery.fall("relay");
            eventually("it is back", async || nursery.addresses.borrow().len() == 2 + fall).await;
            let relay = child(&registry, "relay");
            assert_eq!((relay.state, relay.restarts), (State::Running, fall as u64));
            let exit = relay.last_exit.unwrap().exit;
            assert_eq!((exit.reason, exit.message.as_str()), (Reason::Panic, "relay falls"));
            assert!(exit.location.unwrap().contains("children.rs:"));
        }
        let worker = child(&registry, "worker");
        assert_eq!((worker.restarts, worker.kind), (0, ChildKind::Actor));
        assert!(worker.last_exit.is_none());

        children.leave(PATIENCE).await;
        assert_eq!(*nursery.left.borrow(), ["worker", "relay"], "in reverse");
        assert!(registry.root_children().is_empty());
    });
}

/// More often than it may: that is told with the words of its last panic, and it stays down.
#[test]
fn an_essential_child_that_dies_for_good_is_told() {
    on_a_system(async {
        let nursery = Nursery::default();
        let (mut children, registry) = start(vec![nursery.spec("relay"), nursery.spec("worker")]);
        for fall in 0..=3 {
            let built = async || nursery.addresses.borrow().len() == 2 + fall;
            eventually("it is there to fall", built).await;
            nursery.fall("relay");
        }
        let exit = timeout(PATIENCE, children.lost()).await.unwrap();
        assert_eq!(exit.reason, Reason::Panic);
        assert_eq!(exit.message, "relay was given up: relay falls");
        assert_eq!(child(&registry, "relay").state, State::Failed);
        assert_eq!(child(&registry, "worker").state, State::Running);
        children.leave(PATIENCE).await;
    });
}

/// It is never given up, and nobody else falls with it.
#[test]
fn an_unessential_child_falls_alone_and_goes_on_being_tried() {
    on_a_system(async {
        let lives = Rc::new(Cell::new(0));
        let counted = lives.clone();
        let falls = move |_| {
            counted.set(counted.get() + 1);
            async { panic!("no luck") as () }
        };
        let spec = ChildSpec::task("upkeep", falls).unessential().within(quick(1));
        let (mut children, registry) = start(vec![spec]);
        eventually("it has been tried five times", async || lives.get() >= 5).await;
        assert!(timeout(Duration::from_millis(1), children.lost()).await.is_err());
        assert!(!child(&registry, "upkeep").is_essential);
        children.leave(PATIENCE).await;
    });
}

/// A factory that panics is a failure of the child, and of nobody else.
#[test]
fn a_child_that_cannot_be_built_is_lost_like_one_that_dies() {
    on_a_system(async {
        let never = |_| -> std::future::Pending<()> { panic!("no parts") };
        let spec = ChildSpec::task("relay", never).within(quick(2));
        let (mut children, _registry) = start(vec![spec]);
        let exit = timeout(PATIENCE, children.lost()).await.unwrap();
        assert_eq!(exit.message, "relay was given up: no parts");
    });
}

#[test]
fn restarts_follow_the_words_of_otp() {
    on_a_system(async {
        let done = |restart| ChildSpec::task("done", |_| async {}).restarting(restart);
        let fails = |_| async { Err::<(), _>("no luck") };
        let once = ChildSpec::task("once", fails).restarting(Restart::Temporary);
        let (mut children, registry) = start(vec![done(Restart::Transient), once.unessential()]);
        let over = async || {
            ["done", "once"].iter().all(|name| child(&registry, name).state == State::Stopped)
        };
        eventually("both are over", over).await;
        assert!(timeout(Duration::from_millis(1), children.lost()).await.is_err());

        let fails = |_| async { Err::<(), _>("no luck") };
        let once = ChildSpec::task("once", fails).restarting(Restart::Temporary);
        let (mut children, _registry) = start(vec![once]);
        let exit = timeout(PATIENCE, children.lost()).await.unwrap();
        assert_eq!(exit.message, "once was given up: no luck");
    });
}

/// Whoever does not leave is cut when the time is over.
#[test]
fn a_child_that_does_not_leave_is_cut() {
    on_a_system(async {
        let stays = |_| pending::<()>();
        let (children, registry) = start(vec![ChildSpec::task("stays", stays)]);
        let left = timeout(PATIENCE, children.leave(Duration::from_millis(20))).await;
        assert!(left.is_ok());
        eventually("its record is gone", async || registry.root_children().is_empty()).await;
    });
}
