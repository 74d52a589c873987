//! Facts about actix-web's servers, sockets and connections.

use std::future::poll_fn;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use actix_rt::time::timeout;
use actix_web::dev::{Server, ServerHandle};
use actix_web::http::{ConnectionType, header};
use actix_web::{App, HttpResponse, HttpServer, web};
use busbar_actors::socket;

use crate::support::{Connection, LOCAL, PATIENCE, get, on_a_system};

/// A server that tells its name, and panics or closes when asked to.
fn server(name: &'static str, listener: TcpListener) -> Server {
    let app = move || {
        App::new()
            .route("/", web::get().to(move || async move { name }))
            .route("/thread", web::get().to(async || format!("{:?}", std::thread::current().id())))
            .route("/panic", web::get().to(async || -> &'static str { panic!("in a handler") }))
            .route("/close", web::get().to(closing))
            .route(
                "/header",
                web::get().to(async || {
                    HttpResponse::Ok().insert_header((header::CONNECTION, "close")).body("header")
                }),
            )
    };
    let server = HttpServer::new(app).workers(1).disable_signals();
    server.listen(listener).unwrap().run()
}

async fn closing() -> HttpResponse {
    let mut answer = HttpResponse::Ok().body("closing");
    answer.head_mut().set_connection_type(ConnectionType::Close);
    answer
}

fn spawn(name: &'static str, listener: TcpListener) -> ServerHandle {
    let server = server(name, listener);
    let handle = server.handle();
    actix_rt::spawn(server);
    handle
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = socket::listen((LOCAL, 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn the_first_poll_starts_workers_and_acceptor() {
    on_a_system(async {
        let (listener, address) = listener();
        let mut server = pin!(server("one", listener));
        let ready = poll_fn(|task| Poll::Ready(server.as_mut().poll(task).is_ready())).await;
        assert!(!ready);
        // Not polled again: what follows is done by its threads.
        assert_eq!(get(address, "/").await.unwrap().body, "one");
    });
}

#[test]
fn two_servers_accept_on_handles_of_one_socket() {
    on_a_system(async {
        let (listener, address) = listener();
        let one = spawn("one", listener.try_clone().unwrap());
        assert_eq!(get(address, "/").await.unwrap().body, "one");
        let _two = spawn("two", listener);
        let seen_two = async { while get(address, "/").await.unwrap().body != "two" {} };
        one.pause().await;
        timeout(PATIENCE, seen_two).await.unwrap();
        one.stop(false).await;
        for _ in 0..20 {
            assert_eq!(get(address, "/").await.unwrap().body, "two");
        }
    });
}

#[test]
fn a_paused_server_leaves_connections_in_the_backlog() {
    on_a_system(async {
        let (listener, address) = listener();
        let handle = spawn("one", listener);
        let mut kept = Connection::open(address).await.unwrap();
        assert_eq!(kept.get("/").await.unwrap().body, "one");
        handle.pause().await;
        // The acceptor stops a moment after `pause` returns: hence the supervisor's `settle`.
        let mut waiting = loop {
            let mut connection = Connection::open(address).await.expect("not refused");
            connection.send("/").await.unwrap();
            let early = timeout(Duration::from_millis(200), connection.answer()).await;
            if early.is_err() {
                break connection;
            }
        };
        assert_eq!(kept.get("/").await.unwrap().status, 200, "those it has are served on");
        handle.resume().await;
        assert_eq!(waiting.answer().await.unwrap().body, "one");
    });
}

#[test]
fn resuming_a_server_that_is_not_paused_does_nothing() {
    on_a_system(async {
        let (listener, address) = listener();
        let handle = spawn("one", listener);
        handle.resume().await;
        assert_eq!(get(address, "/").await.unwrap().body, "one");
    });
}

#[test]
fn a_dropped_server_accepts_no_more_and_its_socket_stays_open() {
    on_a_system(async {
        let (listener, address) = listener();
        {
            let mut server = pin!(server("one", listener.try_clone().unwrap()));
            poll_fn(|task| Poll::Ready(server.as_mut().poll(task).is_ready())).await;
        }
        let mut waiting = Connection::open(address).await.expect("not refused");
        waiting.send("/").await.unwrap();
        let _two = spawn("two", listener);
        assert_eq!(waiting.answer().await.unwrap().body, "two");
    });
}

/// Only the connection type counts; a header of that name is dropped by the encoder.
#[test]
fn an_answer_closes_by_its_connection_type_and_not_by_a_header() {
    on_a_system(async {
        let (listener, address) = listener();
        let _server = spawn("one", listener);
        let mut connection = Connection::open(address).await.unwrap();
        assert!(!connection.get("/header").await.unwrap().close);
        assert!(connection.get("/close").await.unwrap().close);
        assert!(connection.get("/").await.is_err(), "the server has closed it");
    });
}

#[test]
fn a_panicking_handler_closes_its_connection_and_the_worker_lives() {
    on_a_system(async {
        let (listener, address) = listener();
        let _server = spawn("one", listener);
        let mut kept = Connection::open(address).await.unwrap();
        let thread = kept.get("/thread").await.unwrap().body;
        assert!(get(address, "/panic").await.is_err(), "closed without an answer");
        assert_eq!(kept.get("/thread").await.unwrap().body, thread);
        assert_eq!(get(address, "/thread").await.unwrap().body, thread, "the only worker");
    });
}

/// Nine servers with handlers of their own would each end the process after their own drain.
#[test]
#[cfg(target_os = "linux")]
fn a_server_with_signals_disabled_catches_none() {
    on_a_system(async {
        let (listener, address) = listener();
        let _server = spawn("one", listener);
        get(address, "/").await.unwrap();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:\t")).unwrap();
        let caught = u64::from_str_radix(caught, 16).unwrap();
        for signal in [2, 3, 15] {
            assert_eq!(caught & (1 << (signal - 1)), 0, "signal {signal} is caught");
        }
    });
}
