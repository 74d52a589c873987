//! Settings of the services that change in a running process: who goes by them, and from when.

use busbar::types::ServiceName::{self, Analytics, Users};
use serde_json::{Value, json};

use crate::support::{Engine, Person, TestSystem};

/// Of seventeen characters.
const PASSWORD: &str = "seventeen letters";

async fn signs_up(system: &TestSystem, name: &str) -> u16 {
    let asker = Person::anonymous(&system.service_url(Users));
    let account: Value =
        json!({"email": format!("{name}@example.org"), "password": PASSWORD, "name": name});
    asker.post("/users", account).await.status
}

async fn incarnation(system: &TestSystem, name: ServiceName) -> u64 {
    let asker = Person::anonymous(&system.service_url(name));
    let metrics = asker.get("/metrics/prometheus").await.text();
    let line = metrics.lines().find(|line| line.starts_with("busbar_actor_restarts_total"));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
}

/// What a service was built from holds until it is built anew, without the process; what the process
/// was started with, to its end. Both are told as long as they wait.
#[actix_web::test]
async fn what_waits_for_a_restart_is_told_until_it_has_come() {
    let system = TestSystem::prepare(Engine::Sqlite);
    system.add_settings("");
    let hosted = [Users, Analytics];
    system.spawn(&hosted, &[]);
    system.ready(&hosted).await;
    assert_eq!(signs_up(&system, "alice").await, 201);
    let file = system.folder().join("settings.toml");
    let common = std::fs::read_to_string(&file).unwrap();
    let change = |more: &str| {
        let users = format!("[users]\npassword_length_min = 20\n{more}");
        let text = common.replace("[users]\n", &users);
        std::fs::write(&file, format!("{text}\n[metrics]\nlegacy_names = false\n")).unwrap();
        system.hang_up()
    };

    let told = change("");
    let of_users = "setting users.password_length_min waits for a restart of users";
    let of_process = "setting metrics.legacy_names waits for a restart of the process";
    system.told_after(told, of_users).await;
    system.told_after(told, of_process).await;
    assert_eq!(signs_up(&system, "bob").await, 201, "it goes by what it was built from");

    let before = incarnation(&system, Users).await;
    system.inject(Users, json!({"kind": "panic_life"}), 1).await;
    system
        .eventually("it was built anew", async || incarnation(&system, Users).await > before)
        .await;
    let mut tries = 0;
    let holds = async || {
        tries += 1;
        signs_up(&system, &format!("carol-{tries}")).await == 422
    };
    system.eventually("the change holds", holds).await;

    let told = change("refresh_grace_seconds = 30\n");
    let next = "setting users.refresh_grace_seconds waits for a restart of users";
    system.told_after(told, next).await;
    system.told_after(told, of_process).await;
    assert!(!system.log().iter().skip(told).any(|line| line.contains(of_users)), "it has come");
    let foreign = system.log().into_iter().filter(|line| line.contains("restart of analytics"));
    assert_eq!(foreign.count(), 0, "nothing of it was changed");
}
