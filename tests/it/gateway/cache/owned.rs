//! What belongs to one person, or to what one proxy says, is given to nobody else.

use std::net::{SocketAddr, TcpStream};

use busbar::types::ServiceName;
use busbar_http::Role;
use socket2::{Domain, Socket, Type};

use super::{Kept, obedient, port, routed};
use crate::gateway::edge::{Keeper, claims};
use crate::support::Person;
use crate::support::launch::PATIENCE;
use crate::support::wire::{Scripted, Then, Wire, say};

const FRESH: &str = "x-say: cache-control: max-age=60";

/// As a proxy that is trusted would connect.
fn from_proxy(port: u16) -> Wire {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 2], 0)).into()).unwrap();
    socket.connect(&SocketAddr::from(([127, 0, 0, 1], port)).into()).unwrap();
    Wire::over(TcpStream::from(socket), PATIENCE)
}

async fn behind_a_proxy() -> Kept {
    let variables = [("GATEWAY_TRUSTED_PROXIES", "127.0.0.2/32"), ("API_GATEWAY_WORKERS", "1")];
    Kept::with("", &variables).await
}

fn words(path: &str, field: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: busbar\r\n{FRESH}\r\n{field}\r\n\r\n")
}

/// The same words from a proxy that is believed and from somebody else ask for two things.
#[actix_web::test]
async fn what_a_proxy_says_is_believed_of_the_proxy_alone() {
    let kept = behind_a_proxy().await;
    let port = port(&kept.system);
    for (path, proxy_first) in [("/kept/a", false), ("/kept/b", true)] {
        let ask = |is_proxy: bool| {
            let mut wire = if is_proxy { from_proxy(port) } else { Wire::to(port) };
            // So often that it is given again to the same words.
            let answers: Vec<String> = (0..4)
                .map(|_| wire.send(words(path, "x-forwarded-proto: https")).answer().text())
                .collect();
            assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
            answers[0].clone()
        };
        let (one, other) = (ask(proxy_first), ask(!proxy_first));
        assert_ne!(one, other, "{path}");
        assert_eq!((ask(proxy_first), ask(!proxy_first)), (one, other), "{path}");
    }
    assert_eq!(kept.seen(), 4);
}

/// Whatever a proxy says of how it was asked may have made the answer what it is.
#[actix_web::test]
async fn what_a_proxy_says_is_part_of_what_is_asked() {
    let kept = behind_a_proxy().await;
    let ask =
        |field: &str| from_proxy(port(&kept.system)).send(words("/kept/a", field)).answer().text();
    let plain = ask("x-forwarded-for: 203.0.113.1");
    assert_eq!(ask("x-forwarded-for: 203.0.113.2"), plain, "nothing of who asks");
    for field in [
        "x-forwarded-scheme: https",
        "x-forwarded-port: 1337",
        "x-forwarded-prefix: /evil",
        "x-forwarded-ssl: on",
        "forwarded: proto=https",
    ] {
        assert_ne!(ask(field), plain, "{field}");
    }
    assert_eq!(ask("x-forwarded-for: 203.0.113.3"), plain);
}

/// Where each person has answers of their own, one who is somebody else now has others.
#[actix_web::test]
async fn a_person_with_another_role_has_other_answers() {
    let (keeper, service) = (Keeper::start(), obedient());
    let users = keeper.url();
    let lines = "cache = \"principal\"\nauth = \"required\"";
    let system = routed(&[("/own", &service, lines)], &[("USER_SERVICE_URL", &users)]).await;
    let operator = claims();
    let mut customer = claims();
    (customer.sub, customer.sid, customer.role) = (operator.sub, operator.sid, Role::Customer);
    let ask = async |claims| {
        let person = Person::with_token(&system.url(), &keeper.key.sign(claims).unwrap());
        let person = person.header("x-say", "cache-control: private, max-age=60");
        person.get("/own/a").await.text()
    };
    let first = ask(&operator).await;
    assert_eq!(ask(&operator).await, first);
    let then = ask(&customer).await;
    assert_ne!(then, first);
    assert_eq!((ask(&customer).await, ask(&operator).await), (then, first));
    assert_eq!(service.last().field("x-user-role"), "customer");
    assert!(system.hosts(ServiceName::Gateway));
}

/// `default_ttl_ms` holds for each person's own answers as well.
#[actix_web::test]
async fn a_person_s_own_answers_have_their_default_time() {
    let (keeper, service) = (Keeper::start(), obedient());
    let users = keeper.url();
    let lines = "cache = \"principal\"\nauth = \"required\"\ndefault_ttl_ms = 60_000";
    let system = routed(&[("/own", &service, lines)], &[("USER_SERVICE_URL", &users)]).await;
    let (one, other) = (keeper.token(), keeper.token());
    let ask =
        async |token: &str| Person::with_token(&system.url(), token).get("/own/a").await.text();
    let first = ask(&one).await;
    assert_eq!(ask(&one).await, first);
    assert_ne!(ask(&other).await, first);
    assert_eq!(service.heard().len(), 2);
}

/// A service that greets whoever comes with a cookie of their own; a tag lets it say that nothing has
/// changed.
fn greeter(fields: &'static str, greets_again: bool) -> Scripted {
    Scripted::start(move |heard, stream| {
        let cookie = format!("set-cookie: sid={}\r\n", heard.message.field("cookie"));
        let is_known = heard.message.has("if-none-match");
        let cookie = if is_known == greets_again { cookie.as_str() } else { "" };
        let head = format!("etag: \"1\"\r\n{fields}\r\n{cookie}");
        say(
            stream,
            match is_known {
                true => format!("HTTP/1.1 304 Not Modified\r\n{head}\r\n"),
                false => format!("HTTP/1.1 200 OK\r\n{head}content-length: 4\r\n\r\npage"),
            },
        );
        Then::Keep
    })
}

/// A cookie is given to others only with an answer that says that it is fresh for a time, and is that
/// of the answer itself.
#[actix_web::test]
async fn a_cookie_that_was_meant_for_one_is_given_to_no_other() {
    let greeters = [
        ("cache-control: max-age=0, must-revalidate", false),
        ("cache-control: no-cache, max-age=60", false),
        ("expires: Thu, 01 Jan 1970 00:00:00 GMT", false),
        ("x-nothing: 1", true),
    ];
    for (fields, greets_again) in greeters {
        let service = greeter(fields, greets_again);
        let system = routed(&[("/kept", &service, "cache = \"shared\"")], &[]).await;
        let ask = |cookie: &str| {
            let request =
                format!("GET /kept/a HTTP/1.1\r\nhost: busbar\r\ncookie: {cookie}\r\n\r\n");
            let answer = Wire::to(port(&system)).send(request).answer();
            assert_eq!((answer.status(), answer.text().as_str()), (200, "page"), "{fields}");
            let cookies = answer.fields.iter().filter(|(name, _)| name == "set-cookie");
            cookies.map(|(_, value)| value.clone()).collect::<Vec<_>>()
        };
        for cookie in ["alice", "bob", "carol"] {
            let own = format!("sid={cookie}");
            assert!(ask(cookie).iter().all(|given| *given == own), "{fields}: {cookie}");
        }
    }
}

/// What a person with a cookie was given is not guessed to be for everybody.
#[actix_web::test]
async fn nothing_is_guessed_of_answers_to_cookies() {
    let kept = Kept::start().await;
    let old = "x-say: last-modified: Thu, 01 Jan 2015 00:00:00 GMT";
    let alice = kept.get("/kept/a", &[old, "cookie: alice"]).text();
    assert_ne!(kept.get("/kept/a", &[old, "cookie: bob"]).text(), alice);
    let nobody = kept.get("/kept/b", &[old]).text();
    assert_eq!(kept.get("/kept/b", &[old]).text(), nobody);
    assert_ne!(kept.get("/kept/b", &[old, "cookie: bob"]).text(), nobody);
}
