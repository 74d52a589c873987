//! What a client, or a service, could do to the gateway or past it, and cannot.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use busbar::types::ServiceName;

use super::{before, gateway, port, routed};
use crate::support::launch::PATIENCE;
use crate::support::wire::{Message, Scripted, Then, Wire, exchange, say};
use crate::support::{Engine, TestSystem};

fn get(target: &str, more: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nhost: busbar\r\nconnection: close\r\n{more}\r\n")
}

/// Whoever announces a body sends no more than that, whatever other protocol is asked for besides.
#[actix_web::test]
async fn an_announced_body_has_its_end_beside_an_upgrade() {
    let service = Scripted::saying("ok");
    let system = routed(&[("/added", &service, "")], &[]).await;
    for target in ["/added", "/.well-known/jwks.json", "/api/auth/login"] {
        let mut client = TcpStream::connect(("127.0.0.1", port(&system))).unwrap();
        client.set_write_timeout(Some(PATIENCE)).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "POST {target} HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\nupgrade: websocket\r\n\r\nhel"
        );
        client.write_all(head.as_bytes()).unwrap();
        let mut answer = [0; 12];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 400", "{target}");
        // Nobody listens any more.
        let flood = vec![b'x'; 1 << 20];
        let ended = loop {
            if let Err(error) = client.write_all(&flood) {
                break error.kind();
            }
        };
        assert!(!matches!(ended, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{ended:?}");
    }
    // Nothing was announced: it is answered, and does not wait for what will never come.
    let empty =
        "POST /added HTTP/1.1\r\nhost: t\r\ncontent-length: 0\r\nupgrade: websocket\r\n\r\n";
    assert_eq!(exchange(port(&system), empty).status(), 200);
}

/// An address of this machine where nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// Nothing was sent to the one that is away, so all of it is sent to the other, with no guard on.
#[actix_web::test]
async fn one_of_two_that_is_away_costs_no_request() {
    let service = Scripted::saying("ok");
    let system = TestSystem::prepare(Engine::Sqlite);
    let (away, there) = (nobody(), service.url());
    system.add_settings(&format!(
        "[[gateway.routes]]\nprefix = \"/two\"\nupstreams = [\"{away}\", \"{there}\"]\n"
    ));
    system.spawn(&[ServiceName::Gateway], &[]);
    system.ready(&[ServiceName::Gateway]).await;
    let mut wire = Wire::to(port(&system));
    for number in 0..300 {
        assert_eq!(wire.get("/two/a").status(), 200, "{number}");
    }
    assert_eq!(service.heard().len(), 300);
}

/// A body that is not held is still with its client when nobody took the connection. Each route learns
/// for itself who is away.
#[actix_web::test]
async fn a_large_body_passes_by_an_instance_that_is_away() {
    let service = Scripted::saying("ok");
    let system = TestSystem::prepare(Engine::Sqlite);
    let (away, there) = (nobody(), service.url());
    let upstreams = format!("upstreams = [\"{away}\", \"{there}\"]");
    let tables = (0..20)
        .map(|number| format!("[[gateway.routes]]\nprefix = \"/two/{number}\"\n{upstreams}\n"));
    system.add_settings(&tables.collect::<String>());
    system.spawn(&[ServiceName::Gateway], &[]);
    system.ready(&[ServiceName::Gateway]).await;
    let large = "x".repeat(200_000);
    let framed = [
        format!("content-length: {}\r\n\r\n{large}", large.len()),
        format!("transfer-encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n", large.len()),
    ];
    let mut wire = Wire::to(port(&system));
    for number in 0..20 {
        wire.send(format!("POST /two/{number} HTTP/1.1\r\nhost: t\r\n{}", framed[number % 2]));
        assert_eq!(wire.answer().status(), 200, "{number}");
        assert_eq!(service.last().body.len(), large.len());
    }
}

const CONFLICT: &str = "HTTP/1.1 409 Conflict\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n";

/// A service that loses the first request, and answers the others with this.
fn losing_the_first(answer: &'static str) -> Scripted {
    let count = AtomicUsize::new(0);
    Scripted::start(move |_, stream| {
        if count.fetch_add(1, SeqCst) == 0 {
            return Then::Close;
        }
        say(stream, answer);
        Then::Keep
    })
}

/// 409 with `Retry-After` makes nobody ask again who has no key.
#[actix_web::test]
async fn an_answer_is_not_asked_for_again_and_again() {
    let service = losing_the_first(CONFLICT);
    let system = routed(&[("/added", &service, "retry = \"on\"")], &[]).await;
    assert_eq!(exchange(port(&system), get("/added", "")).status(), 409);
    assert_eq!(service.heard().len(), 2, "lost once, answered once");
}

/// With a key it waits for the first, a few times.
#[actix_web::test]
async fn a_replay_waits_a_few_times() {
    let service = losing_the_first(CONFLICT);
    let system = before(&service, &[]).await;
    let request = "POST /api/payments HTTP/1.1\r\nhost: busbar\r\nconnection: close\r\n\
                   idempotency-key: k1\r\ncontent-length: 2\r\n\r\n{}";
    assert_eq!(exchange(port(&system), request).status(), 409);
    let heard = service.heard().len();
    assert!((3..=8).contains(&heard), "{heard}");
}

/// What honours a key is sent again under it when its answer was lost.
#[actix_web::test]
async fn whatever_honours_a_key_is_sent_again() {
    for (service_name, path) in [
        (ServiceName::Utilities, "/api/providers"),
        (ServiceName::Utilities, "/api/meters"),
        (ServiceName::Notifications, "/api/notifications"),
        (ServiceName::Webhooks, "/api/webhooks/1/replay"),
    ] {
        let service = losing_the_first("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nmade");
        let system = gateway(&[(service_name, &service)], &[]).await;
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: busbar\r\nconnection: close\r\n\
             idempotency-key: k1\r\ncontent-length: 2\r\n\r\n{{}}"
        );
        let answer = exchange(port(&system), request);
        assert_eq!((answer.status(), answer.text().as_str()), (200, "made"), "{path}");
    }
}

/// One protocol among several is none: the request goes on without.
#[actix_web::test]
async fn a_choice_of_protocols_is_no_opening() {
    let service = Scripted::saying("plain");
    let system = before(&service, &[]).await;
    for upgrade in ["upgrade: foo, websocket", "upgrade: websocket, foo"] {
        let more = format!(
            "upgrade: {}\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            upgrade.trim_start_matches("upgrade: ")
        );
        let request = format!(
            "GET /api/payments HTTP/1.1\r\nhost: busbar\r\nconnection: upgrade\r\n{more}\r\n"
        );
        let answer = exchange(port(&system), request);
        assert_eq!((answer.status(), answer.text().as_str()), (200, "plain"), "{answer:?}");
        assert!(!service.last().has("upgrade"));
    }
}

/// Many an upstream reads `_` and `-` as one (RFC 3875, section 4.1.18).
#[actix_web::test]
async fn nobody_says_who_they_are_with_underscores() {
    let service = Scripted::saying("ok");
    let system = routed(&[("/added", &service, "")], &[]).await;
    let names =
        ["X_User_Id", "x-user_role", "x_busbar_any", "x_forwarded_for", "transfer_encoding"];
    let lines: String = names.iter().map(|name| format!("{name}: 1\r\n")).collect();
    let answer = exchange(port(&system), get("/added", &format!("{lines}my_own: 1\r\n")));
    assert_eq!(answer.status(), 200);
    let heard = service.last();
    for name in names {
        assert!(!heard.has(&name.to_ascii_lowercase()), "{name}: {heard:?}");
    }
    assert_eq!(heard.field("my_own"), "1");
}

/// What one route asks for is not passed by where another one takes the same path, spelled otherwise.
#[actix_web::test]
async fn a_path_of_another_route_in_disguise_is_refused() {
    let service = Scripted::saying("ok");
    let routes =
        [("/req", &service, "auth = \"required\""), ("/", &service, ""), ("/strip", &service, "")];
    let system = routed(&routes, &[]).await;
    let status = |target: &str| exchange(port(&system), get(target, "")).status();
    assert_eq!(status("/req/x"), 401);
    for target in [
        "/%72eq/x",
        "//req/x",
        "/%2572eq",
        "/x/..%252freq",
        "/strip/..;/x",
        "/req;a=1/x",
        "/re%71;a/x",
        "/x/%2e%2e/",
        "/req%3fx",
        "/req%23",
        "/req%253fx",
        "/%72eq%00x",
    ] {
        assert_eq!(status(target), 400, "{target}");
    }
    for target in
        ["/other//x", "/a%20b", "/re%71uest", "/x;y=1/z", "/strip/a%2Fb", "/a%3fb", "/x/%3freq"]
    {
        assert_eq!(status(target), 200, "{target}");
    }
}

/// A token is one whatever stands before it.
#[actix_web::test]
async fn a_bad_token_does_not_pass_in_disguise() {
    let service = Scripted::saying("ok");
    let system = routed(&[("/added", &service, "auth = \"optional\"")], &[]).await;
    for field in [&b"Bearer bad"[..], b"Bearer\tbad", b"Bearer bad\xff", b"bearer  bad"] {
        let mut request = b"GET /added HTTP/1.1\r\nhost: t\r\nauthorization: ".to_vec();
        request.extend_from_slice(field);
        request.extend_from_slice(b"\r\n\r\n");
        let answer: Message = exchange(port(&system), request);
        // No keys are known here, so a token that could be one cannot be looked at.
        assert!(matches!(answer.status(), 401 | 503), "{answer:?}");
    }
    assert!(service.heard().is_empty());
}
