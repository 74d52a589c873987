//! What a change of the settings leaves as it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use busbar::types::ServiceName;

use super::{PATIENT, QUIET, port, tables};
use crate::support::wire::{Scripted, Then, Wire, pause, say};
use crate::support::{Engine, TestSystem};

/// One thread, so that connections and breakers are easy to count.
const ONE_WORKER: (&str, &str) = ("API_GATEWAY_WORKERS", "1");

fn route(prefix: &str, service: &Scripted, more: &str) -> String {
    tables(&[(prefix, service, more)])
}

async fn routed(lines: &str, routes: &[String]) -> TestSystem {
    let system = TestSystem::prepare(Engine::Sqlite);
    system.set_gateway(lines, &routes.concat());
    system.spawn(&[ServiceName::Gateway], &[QUIET, PATIENT, ONE_WORKER]);
    system.ready(&[ServiceName::Gateway]).await;
    system
}

async fn status(system: &TestSystem, path: &str) -> u16 {
    system.anonymous().get(path).await.status
}

/// Routes come and go; the others keep their connections.
#[actix_web::test]
async fn routes_come_and_go_and_the_others_keep_their_connections() {
    let (stays, goes, comes) =
        (Scripted::saying("stays"), Scripted::saying("goes"), Scripted::saying("comes"));
    let first = [route("/goes", &goes, ""), route("/stays", &stays, "")];
    let system = routed("keep_alive_ms = 60_000", &first).await;
    for path in ["/goes", "/stays", "/stays"] {
        system.anonymous().get(path).await.expect(200);
    }
    assert_eq!(stays.opened(), 1, "on the same connection");
    let second = [route("/stays", &stays, ""), route("/comes", &comes, "strip_prefix = true")];
    system.set_gateway("keep_alive_ms = 60_000\nretry_max = 1", &second.concat());
    let told = system.hang_up();

    system.eventually("one is gone", async || status(&system, "/goes").await == 404).await;
    assert_eq!(system.anonymous().get("/comes/x").await.text(), "comes");
    assert_eq!(comes.last().target(), "/x");
    assert_eq!(system.anonymous().get("/stays").await.text(), "stays");
    assert_eq!((stays.opened(), stays.heard().len()), (1, 3), "on the same connection");
    system.told_after(told, "setting gateway.routes[1].strip_prefix: not set is now").await;
    let shown = system.anonymous().get("/metrics/prometheus").await.text();
    let of = |name: &str| {
        shown
            .lines()
            .any(|line| line.starts_with("busbar_gateway_pool_connections") && line.contains(name))
    };
    assert!(of("\"/comes\"") && of("\"/stays\"") && !of("\"/goes\""), "{shown}");
}

/// What was kept of another upstream is not given in the name of this one.
#[actix_web::test]
async fn where_a_prefix_leads_elsewhere_nothing_of_before_is_given() {
    let fresh = |text: &'static str| {
        Scripted::start(move |_, stream| {
            let head = "HTTP/1.1 200 OK\r\ncache-control: max-age=600\r\ncontent-length: 3\r\n\r\n";
            say(stream, format!("{head}{text}"));
            Then::Keep
        })
    };
    let (old, new) = (fresh("old"), fresh("new"));
    let system = routed("", &[route("/moves", &old, "cache = \"shared\"")]).await;
    let text = async || system.anonymous().get("/moves").await.text();
    for _ in 0..4 {
        assert_eq!(text().await, "old");
    }
    assert_eq!(old.heard().len(), 1);
    system.set_gateway("", &route("/moves", &new, "cache = \"shared\""));
    system.hang_up();
    system.eventually("it has moved", async || text().await == "new").await;
    for _ in 0..4 {
        assert_eq!(text().await, "new");
    }
}

/// Nor what is on its way from there meanwhile, whoever waits for it.
#[actix_web::test]
async fn what_comes_from_where_a_prefix_led_before_is_not_kept() {
    let is_over = Arc::new(AtomicBool::new(false));
    let (over, is_first) = (is_over.clone(), AtomicBool::new(true));
    let head = "HTTP/1.1 200 OK\r\ncache-control: max-age=600\r\ncontent-length: 3\r\n\r\n";
    let old = Scripted::start(move |_, stream| {
        if is_first.swap(false, SeqCst) {
            while !over.load(SeqCst) {
                pause(Duration::from_millis(2));
            }
            return Then::Close;
        }
        say(stream, format!("{head}old"));
        Then::Keep
    });
    let new = Scripted::start(move |_, stream| {
        say(stream, format!("{head}new"));
        Then::Keep
    });
    let lines = "cache = \"shared\"\nretry = \"off\"";
    let system = routed("", &[route("/moves", &old, lines)]).await;
    let ask = || {
        let mut wire = Wire::to(port(&system));
        wire.send("GET /moves/a HTTP/1.1\r\nhost: busbar\r\n\r\n");
        wire
    };
    let mut leader = ask();
    system.eventually("it is asked", async || old.heard().len() == 1).await;
    let mut follower = ask();
    let both_wait = async || {
        let told = system.caretaker().get("/admin/requests?limit=100").await.expect(200);
        let all = told["requests"].as_array().unwrap();
        all.iter().filter(|request| request["route"] == "/moves").count() == 2
    };
    system.eventually("both wait", both_wait).await;
    system.set_gateway("", &route("/moves", &new, lines));
    system.hang_up();
    let text = async |path: &str| system.anonymous().get(path).await.text();
    system.eventually("it has moved", async || text("/moves/b").await == "new").await;
    is_over.store(true, SeqCst);
    leader.answer();
    assert_eq!(follower.answer().text(), "old");
    for _ in 0..4 {
        assert_eq!(ask().answer().text(), "new");
    }
}

/// What was kept for a time that the settings no longer give is not given.
#[actix_web::test]
async fn a_shorter_time_holds_for_what_is_kept() {
    let service = Scripted::saying("kept");
    let public = ("UTILITY_SERVICE_URL", service.url());
    let system = TestSystem::prepare(Engine::Sqlite);
    system.set_gateway("cache_ttl_ms = 3_600_000", "");
    let variables = [QUIET, PATIENT, ONE_WORKER, (public.0, public.1.as_str())];
    system.spawn(&[ServiceName::Gateway], &variables);
    system.ready(&[ServiceName::Gateway]).await;
    let ask = async || system.anonymous().get("/api/providers").await.header("x-cache").to_owned();
    ask().await;
    assert_eq!(ask().await, "HIT");
    system.set_gateway("cache_ttl_ms = 0", "");
    system.hang_up();
    system.eventually("nothing is given of before", async || ask().await != "HIT").await;
    assert_ne!(ask().await, "HIT");
}

/// An instance that is left alone stays so under other figures, also when its connections are made
/// anew; and what a breaker knows is not mixed up when routes change their order.
#[actix_web::test]
async fn a_breaker_stays_what_it_is() {
    let sick = Scripted::start(|_, stream| {
        say(stream, "HTTP/1.1 503 Sick\r\ncontent-length: 0\r\n\r\n");
        Then::Keep
    });
    let well = Scripted::saying("well");
    let (one, other) =
        (route("/sick", &sick, "breaker = \"on\""), route("/well", &well, "breaker = \"on\""));
    let long = "breaker_open_ms = 60_000";
    let system = routed(long, &[one.clone(), other.clone()]).await;
    let refused = async || {
        let answer = system.anonymous().get("/sick").await;
        answer.header("x-busbar-reason") == "breaker_rejecting"
    };
    system.eventually("it is left alone", refused).await;
    let asked = sick.heard().len();

    let figures =
        "breaker_failures = 9\nconnect_timeout_ms = 900\nmax_sockets = 50\nmax_free_sockets = 50";
    system.set_gateway(&format!("{long}\n{figures}"), &[other.clone(), one.clone()].concat());
    let told = system.hang_up();
    system.told_after(told, "setting gateway.breaker_failures").await;
    let holds = async || {
        let figures = system.anonymous().get("/metrics").await.json;
        figures["connections"]["maxSockets"] == 50
    };
    system.eventually("the change holds", holds).await;

    assert!(refused().await);
    assert_eq!(sick.heard().len(), asked, "it was not asked");
    assert_eq!(status(&system, "/well").await, 200);

    system.set_gateway(&format!("{long}\nbreaker_failures = 0"), &[other, one].concat());
    system.hang_up();
    system.eventually("nobody is left alone any more", async || !refused().await).await;
    assert!(sick.heard().len() > asked, "it is asked again");
}

/// Kept answers stay; how many may be kept changes.
#[actix_web::test]
async fn kept_answers_stay_until_there_is_no_room() {
    let service = Scripted::start(|_, stream| {
        say(stream, "HTTP/1.1 200 OK\r\ncache-control: max-age=600\r\ncontent-length: 2\r\n\r\nok");
        Then::Keep
    });
    let shared = [route("/kept", &service, "cache = \"shared\"")];
    let system = routed("", &shared).await;
    let way = async |path: &str| system.anonymous().get(path).await.header("x-cache").to_owned();
    for path in ["/kept/a", "/kept/b"] {
        assert_eq!((way(path).await, way(path).await), ("MISS".to_owned(), "HIT".to_owned()));
    }
    let entries = async || {
        let figures = system.anonymous().get("/metrics").await.json;
        figures["cache"]["entries"].as_u64().unwrap()
    };

    system.set_gateway("cache_swr_ms = 5\nrequest_timeout_ms = 19_000", &shared.concat());
    let told = system.hang_up();
    system.told_after(told, "setting gateway.cache_swr_ms").await;
    assert_eq!((way("/kept/a").await.as_str(), entries().await), ("HIT", 2));

    system.set_gateway("cache_max_entries = 0", &shared.concat());
    system.hang_up();
    system.eventually("nothing is kept", async || entries().await == 0).await;
    assert_eq!(
        (way("/kept/a").await.as_str(), way("/kept/a").await.as_str()),
        ("BYPASS", "BYPASS")
    );

    system.set_gateway("", &shared.concat());
    system.hang_up();
    system.eventually("it is kept again", async || way("/kept/a").await == "HIT").await;
}

/// The connections of a route that has gone are closed.
#[actix_web::test]
async fn nobody_keeps_connections_to_what_has_gone() {
    let service = Scripted::saying("ok");
    let system = routed("", &[route("/goes", &service, "")]).await;
    let mut wire = Wire::to(port(&system));
    assert_eq!(wire.get("/goes").status(), 200);
    assert_eq!(service.open(), 1);
    system.set_gateway("", "");
    system.hang_up();
    system.eventually("it is closed", async || service.open() == 0).await;
    assert_eq!(wire.get("/goes").status(), 404, "on the client's connection");
}
