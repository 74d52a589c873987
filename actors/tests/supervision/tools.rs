//! The smaller tools: monitored tasks and actors, bounded mailboxes.

use std::rc::Rc;

use actix::{Actor, ActorContext, Context, Handler, Message, ResponseFuture};
use busbar_actors::mailbox::{Bounded, Letter, Undelivered};
use busbar_actors::{Reason, monitor};
use tokio::sync::Notify;

use crate::support::{eventually, on_a_system};

struct Worker(Rc<Notify>);

impl Actor for Worker {
    type Context = Context<Self>;
}

#[derive(Message)]
#[rtype(result = "u32")]
struct Work(u32);

impl Handler<Letter<Work>> for Worker {
    type Result = ResponseFuture<u32>;

    fn handle(&mut self, letter: Letter<Work>, _: &mut Context<Self>) -> Self::Result {
        let done = self.0.clone();
        Box::pin(async move {
            let (Work(number), _place) = letter.open();
            done.notified().await;
            number
        })
    }
}

#[derive(Message)]
#[rtype(result = "()")]
enum End {
    Stop,
    Panic,
}

impl Handler<End> for Worker {
    type Result = ();

    fn handle(&mut self, how: End, context: &mut Context<Self>) {
        match how {
            End::Stop => context.stop(),
            End::Panic => panic!("the worker panics"),
        }
    }
}

#[test]
fn a_bounded_mailbox_turns_away_what_it_has_no_place_for() {
    on_a_system(async {
        let done = Rc::new(Notify::new());
        let address = Worker(done.clone()).start();
        let mailbox = Bounded::new(2);
        let sent = [1, 2].map(|number| {
            let (mailbox, address) = (mailbox.clone(), address.clone());
            actix_rt::spawn(async move { mailbox.send(&address, Work(number)).await })
        });
        eventually("both are under way", async || mailbox.reading().depth == 2).await;
        assert_eq!(mailbox.send(&address, Work(3)).await, Err(Undelivered::Full));
        done.notify_waiters();
        done.notify_one();
        for (task, number) in sent.into_iter().zip([1, 2]) {
            assert_eq!(task.await.unwrap(), Ok(number));
        }
        let reading = mailbox.reading();
        assert_eq!((reading.depth, reading.high_water, reading.rejected), (0, 2, 1));
        address.do_send(End::Stop);
        assert_eq!(mailbox.send(&address, Work(4)).await, Err(Undelivered::Closed));
        assert_eq!(mailbox.reading().depth, 0, "its place is given back");
    });
}

#[test]
fn the_end_of_a_task_is_told_however_it_comes() {
    on_a_system(async {
        assert_eq!(monitor::spawn(async {}).await.reason, Reason::Finished);
        let failed = monitor::spawn(async { Err::<(), _>("no luck") }).await;
        assert_eq!((failed.reason, failed.message.as_str()), (Reason::Error, "no luck"));
        let panicked = monitor::spawn(panics(7)).await;
        assert_eq!((panicked.reason, panicked.message.as_str()), (Reason::Panic, "no 7"));
        let endless = monitor::spawn(std::future::pending::<()>());
        endless.abort();
        assert_eq!(endless.await.reason, Reason::Error);
    });
}

async fn panics(number: u32) {
    panic!("no {number}")
}

#[test]
fn the_end_of_an_actor_is_told_however_it_comes() {
    on_a_system(async {
        let (address, end) = monitor::actor(Worker(Rc::default()));
        address.do_send(End::Panic);
        assert_eq!(end.await.message, "the worker panics");
        let (address, end) = monitor::actor(Worker(Rc::default()));
        address.do_send(End::Stop);
        assert_eq!(end.await.reason, Reason::Finished);
    });
}
