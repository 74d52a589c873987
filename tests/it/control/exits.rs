//! How incarnations ended is known for longer than the process.

use busbar::types::ServiceName;
use serde_json::{Value, json};

use crate::support::{Engine, TestSystem};

async fn exits(system: &TestSystem, name: ServiceName) -> Vec<Value> {
    system.service(name).await["exits"].as_array().unwrap().clone()
}

fn reasons(exits: &[Value]) -> Vec<&str> {
    exits.iter().map(|exit| exit["reason"].as_str().unwrap()).collect()
}

async fn crash(system: &TestSystem, name: ServiceName, generation: u64) {
    system.inject(name, json!({"kind": "panic_thread"}), 1).await;
    let back = async || {
        let service = system.service(name).await;
        service["generation"] == generation && service["state"] == "running"
    };
    system.eventually("it is back", back).await;
}

/// Also after `kill -9`: what has no end was lost with the process.
#[actix_web::test]
async fn the_last_ends_are_known_after_the_process_was_killed() {
    let system = TestSystem::start(Engine::Sqlite).await;
    crash(&system, ServiceName::Payments, 2).await;
    let before = exits(&system, ServiceName::Payments).await;
    assert_eq!(reasons(&before), ["panic"]);
    assert_eq!(before[0]["message"], "an injected panic of the incarnation");
    assert!(before[0]["location"].as_str().unwrap().contains("src/faults/"), "{}", before[0]);
    // Written by a thread of its own: the line is there soon.
    let path = system.folder().join("data/exits/payments.jsonl");
    let written = async || {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        text.contains("an injected panic") && text.contains("\"up\":2")
    };
    system.eventually("it is written down", written).await;

    system.kill();
    system.start_again().await;
    let recalled = async || exits(&system, ServiceName::Payments).await.len() == 2;
    system.eventually("what was written down is told", recalled).await;
    let after = exits(&system, ServiceName::Payments).await;
    assert_eq!(reasons(&after), ["lost", "panic"], "newest first");
    assert_eq!(after[1], before[0]);
    assert_eq!(after[0]["generation"], 2);
    assert_eq!(system.service(ServiceName::Payments).await["restarts"], 0, "of this process");
    system.finish().await;
}

/// A stop that was asked for is told as one.
#[actix_web::test]
async fn a_process_that_was_stopped_has_lost_nothing() {
    let system = TestSystem::start(Engine::Sqlite).await;
    let mut process = system.take_process();
    process.signal("TERM");
    assert!(process.ended().await.success());
    system.start_again().await;
    for name in ServiceName::ALL {
        let recalled = async || !exits(&system, name).await.is_empty();
        system.eventually("what was written down is told", recalled).await;
        let exits = exits(&system, name).await;
        assert_eq!(reasons(&exits), ["admin"], "{name}");
        assert_eq!(exits[0]["message"], "stopped");
    }
    system.finish().await;
}

/// It hurts nobody: what happens in this process is told all the same.
#[actix_web::test]
async fn a_disk_that_takes_nothing_costs_nothing_but_the_memory_of_it() {
    let system = TestSystem::prepare(Engine::Sqlite);
    std::fs::create_dir_all(system.folder().join("data")).unwrap();
    // Nothing can be written below a file.
    std::fs::write(system.folder().join("data/exits"), "").unwrap();
    system.start_again().await;
    crash(&system, ServiceName::Payments, 2).await;
    system.wait_for_log("ends are not written down").await;
    assert_eq!(reasons(&exits(&system, ServiceName::Payments).await), ["panic"]);
    system.finish().await;
}
