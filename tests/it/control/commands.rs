//! What a process that runs can be told: start, stop, restart, pause and resume, each put on record.

use std::io::ErrorKind;
use std::net::TcpStream;

use awc::http::Method;
use busbar::types::ServiceName;
use serde_json::{Value, json};

use crate::support::{Answer, Engine, TestSystem};

async fn tell(system: &TestSystem, name: &str, command: &str) -> Answer {
    system.caretaker().post(&format!("/admin/services/{name}/{command}?wait=60"), json!({})).await
}

async fn done(system: &TestSystem, name: &str, command: &str) -> Value {
    let told = tell(system, name, command).await.expect(200);
    assert_eq!(told["state"], "done", "{told}");
    told
}

/// The port closes, nobody else notices, and it opens again.
#[actix_web::test]
async fn a_service_is_stopped_and_started_again() {
    let system = TestSystem::start(Engine::Sqlite).await;
    done(&system, "billing", "stop").await;
    let billing = system.service(ServiceName::Billing).await;
    assert_eq!((&billing["state"], &billing["uptime_s"]), (&json!("stopped"), &Value::Null));
    let refused = TcpStream::connect(("127.0.0.1", system.port(ServiceName::Billing))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    let admin = system.admin().await;
    admin.get("/api/payments").await.expect(200);

    assert_eq!(done(&system, "billing", "start").await["generation"], 2);
    let serves = async || admin.get("/api/bills").await.status == 200;
    system.eventually("bills are answered through the gateway", serves).await;
    system.finish().await;
}

/// Without a wait it is a promise, which can be looked at.
#[actix_web::test]
async fn a_command_is_an_operation_that_can_be_followed_and_is_put_on_record() {
    let system = TestSystem::start(Engine::Sqlite).await;
    let caretaker = system.caretaker();
    let asked = caretaker.post("/admin/services/payments/restart", json!({})).await;
    let place = asked.header("location").to_owned();
    let begun = asked.expect(202);
    assert_eq!(place, format!("/admin/operations/{}", begun["id"].as_str().unwrap()));
    let over = async || caretaker.get(&place).await.expect(200)["state"] == "done";
    system.eventually("the operation is over", over).await;
    assert_eq!(caretaker.get(&place).await.expect(200)["generation"], 2);
    let payments = system.service(ServiceName::Payments).await;
    assert_eq!(payments["exits"][0]["message"], "replaced");

    let lines = system.trail();
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line["command"].as_str().unwrap(), line["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("restart", "asked"), ("restart", "done")]);
    for line in &lines {
        assert_eq!((&line["subject"], &line["by"]), (&json!("payments"), &json!("loopback")));
        assert_eq!(line["operation"], begun["id"]);
        assert!(line["from"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
    }
    system.finish().await;
}

/// New connections wait, they are not refused; a restart in between changes nothing about it.
#[actix_web::test]
async fn connections_of_a_paused_service_wait() {
    let system = TestSystem::start(Engine::Sqlite).await;
    done(&system, "utilities", "pause").await;
    assert_eq!(system.service(ServiceName::Utilities).await["state"], "paused");
    let direct = system.anonymous().at(&system.service_url(ServiceName::Utilities));
    let waiting = actix_rt::spawn(async move {
        direct.try_send(Method::GET, "/health/live", None).await.map(|answer| answer.status)
    });
    let told = async || {
        let health = system.anonymous().get("/health").await.expect(200);
        let services = health["services"].as_array().unwrap().clone();
        services.iter().any(|known| known["service"] == "utility" && known["status"] == "DOWN")
    };
    system.eventually("the gateway knows", told).await;
    assert!(!waiting.is_finished(), "neither answered nor refused");

    done(&system, "utilities", "resume").await;
    assert_eq!(waiting.await.unwrap(), Ok(200));
    let utilities = system.service(ServiceName::Utilities).await;
    assert_eq!((&utilities["state"], &utilities["generation"]), (&json!("running"), &json!(1)));
    system.finish().await;
}

/// Everything that is not a command is told as such, with nothing done.
#[actix_web::test]
async fn what_cannot_be_done_is_told() {
    let system = TestSystem::start(Engine::Sqlite).await;
    let caretaker = system.caretaker();
    let unknown = tell(&system, "paymnets", "restart").await.expect_problem(404, "service_unknown");
    assert!(unknown["detail"].as_str().unwrap().contains("payments"), "{unknown}");
    tell(&system, "admin", "stop").await.expect_problem(409, "not_for_admin");
    tell(&system, "payments", "explode").await.expect_problem(404, "not_found");
    let wait = "/admin/services/payments/restart?wait=soon";
    caretaker.post(wait, json!({})).await.expect_problem(422, "wait_invalid");
    let gone = format!("/admin/operations/{}", uuid::Uuid::nil());
    caretaker.get(&gone).await.expect_problem(404, "operation_unknown");
    caretaker
        .post("/admin/breakers/nobody/open", json!({}))
        .await
        .expect_problem(404, "upstream_unknown");
    done(&system, "billing", "stop").await;
    let failed = tell(&system, "billing", "restart").await.expect(200);
    assert_eq!(failed["state"], "failed");
    assert_eq!(failed["error"], "it is not running: start it first");
    let lines = system.trail();
    let last = lines.last().unwrap()["outcome"].as_str().unwrap().to_owned();
    assert_eq!(last, "failed: it is not running: start it first");
    done(&system, "billing", "start").await;
    system.finish().await;
}

/// More at a time than is sensible.
#[actix_web::test]
async fn too_many_commands_at_once_are_turned_away() {
    let system = TestSystem::start(Engine::Sqlite).await;
    let caretaker = system.caretaker();
    let restart = "/admin/services/documents/restart";
    let asked = (0..60).map(|_| caretaker.post(restart, json!({})));
    let answers = futures_util::future::join_all(asked).await;
    let refused = answers.iter().find(|answer| answer.status == 503).expect("one was turned away");
    assert_eq!((refused.code(), refused.header("retry-after")), ("too_many_operations", "1"));
    let quiet = async || {
        let state = system.service(ServiceName::Documents).await;
        state["state"] == "running" && caretaker.post(restart, json!({})).await.status == 202
    };
    system.eventually("there is room again", quiet).await;
    system.finish().await;
}

/// The door can be replaced while somebody stands in it.
#[actix_web::test]
async fn the_admin_port_can_be_restarted_through_itself() {
    let system = TestSystem::start(Engine::Sqlite).await;
    let begun =
        system.caretaker().post("/admin/services/admin/restart", json!({})).await.expect(202);
    let place = format!("/admin/operations/{}", begun["id"].as_str().unwrap());
    let over = async || {
        let answer = system.caretaker().try_send(Method::GET, &place, None).await;
        answer.is_ok_and(|answer| answer.json["state"] == "done")
    };
    system.eventually("it is over", over).await;
    system.finish().await;
}
