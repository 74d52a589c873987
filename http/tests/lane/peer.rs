//! One service calls another.

use std::{sync::Arc, time::Duration};

use actix_web::test::TestRequest;
use awc::http::{Method, StatusCode, header::HeaderMap};
use busbar_http::{
    Deadline, Peer, PeerError, RequestId,
    client::{Authorization, REPLY_BYTES_MAX},
    headers::traced,
    lane::{Base, Instance, Limits},
};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};

use crate::{
    bounds::closed_port,
    support::{Script, eventually, in_time, limits},
};

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sum {
    pub(crate) amount_minor: i64,
}

pub(crate) fn token() -> Authorization {
    Arc::new(|| Ok("Bearer service".to_owned()))
}

fn peer(bases: Vec<Base>) -> Peer {
    Peer::new("billing", bases, &limits(), token())
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(5))
}

fn nowhere() -> Base {
    format!("http://127.0.0.1:{}", closed_port()).parse().unwrap()
}

async fn answering(status: &str, body: &str) -> Script {
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
    Script::start(move |mut connection| {
        let answer = answer.clone();
        async move {
            while connection.request().await.is_some() {
                connection.send(&answer).await;
            }
        }
    })
    .await
}

pub(crate) async fn get(peer: &Peer) -> Result<Sum, PeerError> {
    in_time(peer.get_json("/sum", &HeaderMap::new(), soon())).await
}

/// The request carries token, request id, trace, time left and a JSON body; the answer is typed.
#[actix_web::test]
async fn a_call_carries_what_the_other_side_needs() {
    let script = Script::start(|mut connection| async move {
        while let Some(request) = connection.request().await {
            let is_whole = [
                "POST /reserve?a=b HTTP/1.1\r\n",
                "authorization: Bearer service\r\n",
                "x-request-id: r-1\r\n",
                "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n",
                "x-request-deadline-ms: ",
                "content-type: application/json\r\n",
                "\r\n\r\n{\"amount_minor\":4496}",
            ]
            .iter()
            .all(|part| request.contains(part));
            assert!(is_whole, "{request}");
            connection.answer(r#"{"amount_minor":1}"#).await;
        }
    })
    .await;
    let peer = peer(vec![script.base()]);
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let came = TestRequest::default()
        .insert_header(("x-request-id", "r-1"))
        .insert_header(("traceparent", traceparent))
        .to_http_request();
    let headers = traced(&RequestId::of_headers(came.headers()));

    for _ in 0..3 {
        let sum = Sum { amount_minor: 4496 };
        let answer = in_time(peer.post_json("/reserve?a=b", &sum, &headers, soon())).await;
        assert_eq!(answer, Ok(Sum { amount_minor: 1 }));
    }
    assert_eq!(script.connections(), 1);
}

/// Instances that cannot be reached are passed over, whichever is asked first.
#[actix_web::test]
async fn the_next_instance_is_asked_when_one_is_down() {
    let script = answering("200 OK", r#"{"amount_minor":1}"#).await;
    let peer = peer(vec![nowhere(), script.base(), nowhere()]);

    for _ in 0..6 {
        assert_eq!(get(&peer).await, Ok(Sum { amount_minor: 1 }));
    }
}

#[actix_web::test]
async fn nobody_there_means_nothing_was_sent() {
    let error = get(&peer(vec![nowhere(), nowhere()])).await.unwrap_err();

    assert!(matches!(error, PeerError::Unreachable { peer: "billing", .. }), "{error}");
}

#[actix_web::test]
async fn no_free_connection_means_nothing_was_sent() {
    let script = Script::answering_once("").await;
    let bounds = Limits { busy_max: 1, waiting_max: 0, ..limits() };
    let peer = Peer::new("billing", vec![script.base()], &bounds, token());

    let second = async {
        eventually(1, || script.requests().len()).await;
        get(&peer).await.unwrap_err()
    };
    let error = in_time(async {
        tokio::select! {
            first = get(&peer) => panic!("{first:?}"),
            error = second => error,
        }
    })
    .await;

    assert!(matches!(error, PeerError::Unreachable { .. }), "{error}");
}

/// A call that broke half-way may have been carried out: no other instance is asked.
#[actix_web::test]
async fn a_broken_exchange_is_not_tried_elsewhere() {
    let script = Script::start(|mut connection| async move {
        connection.request().await;
    })
    .await;
    let peer = peer(vec![script.base(), script.base()]);
    let headers = HeaderMap::new();

    let outcome: Result<Sum, _> =
        in_time(peer.post_json("/pay", &Sum { amount_minor: 1 }, &headers, soon())).await;

    assert!(matches!(outcome, Err(PeerError::Broken { .. })), "{outcome:?}");
    assert_eq!(script.requests(), ["POST /pay"]);
}

/// The deadline covers the body too; whoever stalls inside it is cut off.
#[actix_web::test]
async fn one_deadline_covers_head_and_body() {
    for stalled in ["", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"am"] {
        let script = Script::answering_once(stalled).await;
        let peer = peer(vec![script.base()]);
        let deadline = Deadline::after(Duration::from_millis(50));

        let outcome: Result<Sum, _> =
            in_time(peer.get_json("/", &HeaderMap::new(), deadline)).await;

        assert_eq!(outcome, Err(PeerError::Timeout { peer: "billing" }));
        eventually(0, || script.sockets()).await;
    }
}

/// A problem's code and body reach the caller.
#[actix_web::test]
async fn other_answers_than_success_are_told_by_status_and_code() {
    let problem = r#"{"type":"/problems/bill_not_open","code":"bill_not_open","status":409}"#;
    let script = answering("409 Conflict", problem).await;
    let plain = answering("502 Bad Gateway", "oops").await;

    let error = get(&peer(vec![script.base()])).await.unwrap_err();
    let other = get(&peer(vec![plain.base()])).await.unwrap_err();

    assert_eq!(error.code(), Some("bill_not_open"));
    assert!(matches!(error, PeerError::Status { status: StatusCode::CONFLICT, .. }));
    assert_eq!(other.code(), None);
    let raw = peer(vec![plain.base()]);
    let headers = HeaderMap::new();
    let reply = in_time(raw.raw(Method::GET, "/", &headers, None, soon())).await.unwrap();
    assert_eq!(reply.body, "oops");
}

#[actix_web::test]
async fn answers_that_are_not_what_was_expected_or_too_long_are_errors() {
    let long = format!(r#"{{"amount_minor":1{}}}"#, " ".repeat(REPLY_BYTES_MAX));
    for body in ["[]", "{", "", &long] {
        let script = answering("200 OK", body).await;

        let error = get(&peer(vec![script.base()])).await.unwrap_err();

        assert!(matches!(error, PeerError::Body { .. }), "{error}");
    }
}

/// One handle serves all threads; a token that cannot be made stops the call before it is sent.
#[actix_web::test]
async fn a_peer_may_be_held_by_any_thread() {
    fn is_shared<T: Clone + Send + Sync>(_: &T) {}
    let script = answering("200 OK", r#"{"amount_minor":1}"#).await;
    let peer = peer(vec![script.base()]);
    is_shared(&peer);

    let (tell, told) = tokio::sync::oneshot::channel();
    let elsewhere = peer.clone();
    std::thread::spawn(move || {
        let outcome = actix_rt::System::new().block_on(async { get(&elsewhere).await });
        tell.send(outcome).unwrap();
    });
    assert_eq!(in_time(told).await.unwrap(), Ok(Sum { amount_minor: 1 }));
    assert_eq!(get(&peer).await, Ok(Sum { amount_minor: 1 }));
    assert_eq!(peer.counts().into_iter().map(|(_, counts)| counts.opened_total).sum::<u64>(), 2);
}

/// What its supervisor has cut off is not waited for; what is asked afterwards is.
#[actix_web::test]
async fn a_call_to_what_was_cut_off_is_given_up() {
    let (asked, cut) = (Arc::new(Notify::new()), watch::Sender::new(3));
    let signal = asked.clone();
    let script = Script::start(move |mut connection| {
        let signal = signal.clone();
        async move {
            let is_first = connection.number == 1;
            while connection.request().await.is_some() {
                if is_first {
                    signal.notify_one();
                    std::future::pending::<()>().await;
                }
                connection
                    .send("HTTP/1.1 200 OK\r\ncontent-length: 18\r\n\r\n{\"amount_minor\":1}")
                    .await;
            }
        }
    })
    .await;
    let instance = Instance::hosted(script.base(), limits(), Arc::default(), Some(cut.subscribe()));
    let peer = Peer::of("billing", vec![instance], token());
    cut.send_replace(4);

    let cutting = async {
        asked.notified().await;
        cut.send_replace(5);
    };
    let (outcome, ()) = tokio::join!(get(&peer), cutting);
    assert!(matches!(outcome, Err(PeerError::Broken { .. })), "{outcome:?}");
    assert_eq!(get(&peer).await.unwrap(), Sum { amount_minor: 1 });
}
