//! Who may come in at the admin port, and who is kept out.

use std::net::TcpListener;

use awc::http::Method;
use busbar::admin::Admin;
use busbar::types::ServiceName;

use crate::support::launch::Process;
use crate::support::{Engine, Person, TestSystem, postgres};

const TOKEN: &str = "a token that nobody guesses";

fn showing(system: &TestSystem, token: &str) -> Person {
    Person::with_token(&system.caretaker().base, token)
}

/// Whatever is asked: without the token there is no answer, on loopback neither.
#[actix_web::test]
async fn with_a_token_every_door_asks_for_it() {
    let system = TestSystem::start_with(Engine::Sqlite, &[("BUSBAR_ADMIN_TOKEN", TOKEN)]).await;
    let doors = Admin::routes().listing();
    assert!(doors.len() >= 15, "{doors:?}");
    let others = ["GET /metrics", "GET /metrics/prometheus", "GET /openapi.json", "GET /nowhere"];
    for door in doors.iter().map(String::as_str).chain(others) {
        let (method, path) = door.split_once(' ').unwrap();
        let path = path.replace("{name}", "payments").replace("{upstream}", "billing");
        let path = path.replace("{id}", &uuid::Uuid::nil().to_string());
        let method: Method = method.parse().unwrap();
        let send =
            async |person: Person| person.send(method.clone(), &path, Some("{}".into())).await;
        let answer = send(system.caretaker()).await;
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{answer}");
        answer.expect_problem(401, "unauthenticated");
        let wrong = showing(&system, "another one");
        send(wrong).await.expect_problem(401, "token_invalid");
    }
    system.caretaker().get("/health/live").await.expect(200);
    let known = showing(&system, TOKEN);
    known.get("/admin/services").await.expect(200);
    assert!(!system.log().join("\n").contains(TOKEN), "it is in the log");
    let config = known.get("/admin/config").await;
    assert!(
        !config.text().contains(TOKEN) && config.text().contains("\"admin.token\""),
        "{config}"
    );
    system.finish().await;
}

/// A page that a person of this machine has open cannot ask, whatever its name leads to.
#[actix_web::test]
async fn without_a_token_web_pages_are_kept_out() {
    let system = TestSystem::start(Engine::Sqlite).await;
    let own = system.caretaker();
    own.get("/admin/services").await.expect(200);
    let tricked = own.header("host", "rebound.example.org");
    tricked.get("/admin/services").await.expect_problem(421, "host_not_allowed");
    let foreign = own.header("origin", "https://example.org");
    let stop = "/admin/services/payments/stop";
    let answer = foreign.send(Method::POST, stop, None).await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
    answer.expect_problem(403, "origin_not_allowed");
    assert_eq!(system.service(ServiceName::Payments).await["state"], "running");
    system.finish().await;
}

fn started(system: &TestSystem, more: &[(&str, &str)]) -> Process {
    let mut environment = system.environment().to_vec();
    environment.extend(more.iter().map(|(name, value)| ((*name).into(), (*value).into())));
    Process::start(
        &["start", "--services", "gateway", "--data", "data"],
        &environment,
        system.folder(),
    )
}

/// A door that others can reach needs a lock, and one that is worth it.
#[actix_web::test]
async fn an_address_that_others_can_reach_needs_a_token() {
    let system = TestSystem::prepare(Engine::Sqlite);
    let open = [("BUSBAR_ADMIN_ADDR", "0.0.0.0:3009")];
    let mut process = started(&system, &open);
    assert_eq!(process.ended().await.code(), Some(2));
    process.is_told("BUSBAR_ADMIN_ADDR: admin.address = \"0.0.0.0:3009\": ").await;
    process.is_told("BUSBAR_ADMIN_TOKEN").await;

    let mut process = started(&system, &[open[0], ("BUSBAR_ADMIN_TOKEN", "short")]);
    assert_eq!(process.ended().await.code(), Some(2));
    process.is_told("BUSBAR_ADMIN_TOKEN: admin.token = \"***\": 16 characters or more").await;

    let mut process = started(&system, &[("BUSBAR_ADMIN_TOKEN_FILE", "nowhere")]);
    assert_eq!(process.ended().await.code(), Some(2));
    process.is_told("BUSBAR_ADMIN_TOKEN_FILE: admin.token_file = \"nowhere\": ").await;
}

/// From a file, as containers have it.
#[actix_web::test]
async fn the_token_may_stand_in_a_file() {
    let system = TestSystem::prepare(Engine::Sqlite);
    std::fs::write(system.folder().join("token"), format!("{TOKEN}\n")).unwrap();
    let hosted = [ServiceName::Gateway];
    system.spawn(&hosted, &[("BUSBAR_ADMIN_TOKEN_FILE", "token")]);
    system.ready(&hosted).await;
    system.caretaker().get("/admin/services").await.expect_problem(401, "unauthenticated");
    let known = showing(&system, TOKEN);
    known.get("/admin/services").await.expect(200);
}

/// A port that was asked for and cannot be had is said with the name of the setting; the process with
/// none of the gateway has no such port by itself.
#[actix_web::test]
async fn a_port_that_is_taken_is_told_with_the_name_of_the_setting() {
    let system = TestSystem::prepare(Engine::Sqlite);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut process = started(&system, &[("BUSBAR_ADMIN_ADDR", &address)]);
    assert_eq!(process.ended().await.code(), Some(1));
    process.is_told(&format!("admin cannot listen on {address}")).await;
    process.is_told("BUSBAR_ADMIN_ADDR").await;

    let free = format!("127.0.0.1:{}", postgres::free_port());
    let hosted = [ServiceName::Utilities];
    system.spawn(&hosted, &[]);
    system.ready(&hosted).await;
    assert!(!system.log().join("\n").contains("admin#1 is up"));
    system.kill();
    system.spawn(&hosted, &[("BUSBAR_ADMIN_ADDR", &free)]);
    system.ready(&hosted).await;
    let caretaker = Person::anonymous(&format!("http://{free}"));
    let services = caretaker.get("/admin/services").await.expect(200);
    let names: Vec<_> =
        services["services"].as_array().unwrap().iter().map(|s| &s["name"]).collect();
    assert_eq!(names, ["admin", "utilities"]);
    caretaker.get("/admin/breakers").await.expect_problem(404, "no_gateway");
}
