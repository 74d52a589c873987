//! Sockets, idle connections and the waiting line have bounds, and they hold.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use busbar_http::lane::{Counts, Failure, Limits};
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use crate::support::{Caller, Connection, Outcome, Script, eventually, in_time, limits};

/// An upstream that answers only as often as it is allowed to; remembers the most requests that it
/// held at once.
struct Gated {
    script: Script,
    gate: Rc<Semaphore>,
    held_most: Rc<Cell<usize>>,
}

impl Gated {
    async fn start() -> Gated {
        let gate = Rc::new(Semaphore::new(0));
        let (held, held_most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let (pass, most) = (gate.clone(), held_most.clone());
        let script = Script::start(move |mut connection: Connection| {
            let (pass, held, most) = (pass.clone(), held.clone(), most.clone());
            async move {
                while connection.request().await.is_some() {
                    held.set(held.get() + 1);
                    most.set(most.get().max(held.get()));
                    pass.acquire().await.unwrap().forget();
                    held.set(held.get() - 1);
                    connection.answer("served").await;
                }
            }
        })
        .await;
        Gated { script, gate, held_most }
    }
}

/// Four sockets, a line of three, ten requests at once: four and three are served, three refused
/// at once, and there are never more than four sockets.
#[actix_web::test]
async fn beyond_the_line_requests_are_refused_at_once() {
    let upstream = Gated::start().await;
    let bounds = Limits { busy_max: 4, waiting_max: 3, ..limits() };
    let caller = Caller::with(&upstream.script, bounds);

    let requests = join_all((0..10).map(|_| caller.get("/")));
    let open_the_gate = async {
        eventually(3, || caller.instance().counts().refused_total).await;
        eventually(4, || upstream.script.requests().len()).await;
        assert_eq!(caller.instance().counts().waiting, 3);
        assert_eq!(upstream.script.sockets(), 4);
        upstream.gate.add_permits(10);
    };
    let (outcomes, ()) = in_time(async { tokio::join!(requests, open_the_gate) }).await;

    let served = outcomes.iter().filter(|outcome| **outcome == Outcome::ok("served")).count();
    let refused = outcomes.iter().filter(|o| **o == Outcome::Failed(Failure::Busy)).count();
    assert_eq!((served, refused), (7, 3));
    assert_eq!(upstream.held_most.get(), 4);
    assert_eq!(upstream.script.connections(), 4);
    let counts = Counts { opened_total: 4, reused_total: 3, refused_total: 3, ..Counts::default() };
    assert_eq!(caller.instance().counts(), Counts { open: 4, idle: 4, ..counts });
}

/// When nothing comes free the wait has an end, and the place in line is given back.
#[actix_web::test]
async fn the_wait_has_an_end() {
    let upstream = Gated::start().await;
    let wait = Duration::from_millis(100);
    let caller = Caller::with(&upstream.script, Limits { busy_max: 1, wait, ..limits() });

    let second = async {
        eventually(1, || upstream.script.requests().len()).await;
        let start = Instant::now();
        assert_eq!(caller.get("/").await, Outcome::Failed(Failure::Busy));
        assert!(start.elapsed() >= wait);
        assert_eq!(caller.instance().counts().waiting, 0);
        upstream.gate.add_permits(1);
    };
    let (first, ()) = in_time(async { tokio::join!(caller.get("/"), second) }).await;

    assert_eq!(first, Outcome::ok("served"));
}

/// Who leaves the line leaves no hole in it.
#[actix_web::test]
async fn an_abandoned_wait_gives_its_place_back() {
    let upstream = Gated::start().await;
    let bounds = Limits { busy_max: 1, waiting_max: 1, ..limits() };
    let caller = Caller::with(&upstream.script, bounds);

    let others = async {
        eventually(1, || upstream.script.requests().len()).await;
        for _ in 0..5 {
            tokio::select! {
                outcome = caller.get("/") => panic!("{outcome:?}"),
                () = eventually(1, || caller.instance().counts().waiting) => {}
            }
            assert_eq!(caller.instance().counts().waiting, 0);
        }
        upstream.gate.add_permits(2);
    };
    let (first, ()) = in_time(async { tokio::join!(caller.get("/"), others) }).await;

    assert_eq!(first, Outcome::ok("served"));
    assert_eq!(in_time(caller.get("/")).await, Outcome::ok("served"));
}

#[actix_web::test]
async fn a_burst_leaves_no_more_idle_connections_than_allowed() {
    let upstream = Gated::start().await;
    let caller = Caller::with(&upstream.script, Limits { idle_max: 5, ..limits() });

    let requests = join_all((0..20).map(|_| caller.get("/")));
    let open_the_gate = async {
        eventually(20, || upstream.script.requests().len()).await;
        upstream.gate.add_permits(20);
    };
    in_time(async { tokio::join!(requests, open_the_gate) }).await;

    assert_eq!(caller.instance().counts().idle, 5);
    assert_eq!(upstream.script.sockets(), 5);
    eventually(5, || upstream.script.open()).await;
}

#[actix_web::test]
async fn no_connection_is_kept_when_none_may_be() {
    let script = Script::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let caller = Caller::with(&script, Limits { idle_max: 0, ..limits() });

    for _ in 0..3 {
        assert_eq!(in_time(caller.get("/")).await, Outcome::ok(""));
        assert_eq!(script.sockets(), 0);
    }
    assert_eq!(script.connections(), 3);
}

/// After the idle time (and at most half as much again) there is no idle connection left, without
/// any further request.
#[actix_web::test]
async fn idle_connections_are_swept() {
    let upstream = Gated::start().await;
    let idle_for = Duration::from_millis(200);
    let caller = Caller::with(&upstream.script, Limits { idle_for, ..limits() });
    upstream.gate.add_permits(10);
    in_time(join_all((0..10).map(|_| caller.get("/")))).await;
    let start = Instant::now();
    assert_eq!(upstream.script.sockets(), 10);

    eventually(0, || upstream.script.sockets()).await;

    assert!(start.elapsed() >= idle_for / 2, "not at once: {:?}", start.elapsed());
    let none = Counts { opened_total: 10, ..Counts::default() };
    assert_eq!(caller.instance().counts(), none);
}

/// A connection that the upstream has hung up does not stay half-closed until the next request.
#[actix_web::test]
async fn hung_up_connections_are_swept_before_their_time() {
    let script = Script::start(|mut connection| async move {
        connection.request().await;
        connection.answer("bye").await;
    })
    .await;
    let idle_for = Duration::from_secs(2);
    let caller = Caller::with(&script, Limits { idle_for, ..limits() });
    let start = Instant::now();

    in_time(caller.get("/")).await;

    assert_eq!(caller.instance().counts().idle, 1);
    eventually(0, || caller.instance().counts().open).await;
    assert!(start.elapsed() < idle_for);
}

/// Nobody listens there: nothing was sent, and no place is lost.
#[actix_web::test]
async fn an_unreachable_upstream_costs_no_place() {
    let base = format!("http://127.0.0.1:{}", closed_port()).parse().unwrap();
    let bounds = Limits { busy_max: 1, ..limits() };
    let caller = Caller::on(busbar_http::lane::Instance::new(base, bounds));

    for _ in 0..3 {
        assert_eq!(in_time(caller.get("/")).await, Outcome::Failed(Failure::Unreachable));
    }
    assert_eq!(caller.instance().counts(), Counts::default());
}

/// A port that was free a moment ago.
pub(crate) fn closed_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
