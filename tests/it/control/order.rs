//! The same from the command line: `busbar services`, `busbar restart NAME`.

use std::process::{Command, Output};

use busbar::types::ServiceName;
use serde_json::Value;

use crate::support::{Engine, TestSystem, postgres};

async fn run(
    system: &TestSystem,
    arguments: &[&str],
    more: &[(&str, &str)],
) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_busbar"));
    command
        .args(arguments)
        .env_clear()
        .env("BUSBAR_ADMIN_ADDR", system.admin_address())
        .envs(more.iter().copied())
        .current_dir(system.folder());
    // Waited for elsewhere: the process that is asked has its log read by threads of its own.
    let output: Output = actix_web::web::block(move || command.output()).await.unwrap().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

#[actix_web::test]
async fn services_are_shown_and_restarted_from_the_command_line() {
    let system = TestSystem::start(Engine::Sqlite).await;
    let (code, shown, err) = run(&system, &["restart", "payments"], &[]).await;
    assert_eq!((code, shown.trim()), (0, "payments: restart done: generation 2 serves"), "{err}");
    let (code, shown, _) = run(&system, &["service", "stop", "analytics"], &[]).await;
    assert_eq!((code, shown.trim()), (0, "analytics: stop done"));

    let (code, shown, err) = run(&system, &["services"], &[]).await;
    println!("{shown}");
    assert_eq!(code, 0, "{err}");
    let row = |name: ServiceName| {
        let rows = shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        rows.into_iter().find(|row| row[0] == name.as_str()).unwrap()
    };
    let port = |name: ServiceName| system.port(name).to_string();
    let payments = port(ServiceName::Payments);
    assert_eq!(row(ServiceName::Payments)[..5], ["payments", "running", &payments, "2", "1"]);
    assert!(row(ServiceName::Payments).ends_with(&["admin:", "replaced"]));
    let analytics = port(ServiceName::Analytics);
    let stopped = ["analytics", "stopped", &analytics, "1", "0", "-", "admin:", "stopped"];
    assert_eq!(row(ServiceName::Analytics), stopped);
    assert_eq!(row(ServiceName::Users).last(), Some(&"-"));

    let (code, shown, _) = run(&system, &["services", "--json"], &[]).await;
    let told: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((code, told["services"].as_array().unwrap().len()), (0, 10));

    let (code, _, err) = run(&system, &["restart", "paymnets"], &[]).await;
    assert!(code == 1 && err.contains("hosts no service of that name"), "{err}");
    let (code, _, err) = run(&system, &["restart", "analytics"], &[]).await;
    assert!(code == 1 && err.contains("it is not running: start it first"), "{err}");
    let (code, _, err) = run(&system, &["service", "start", "analytics"], &[]).await;
    assert_eq!(code, 0, "{err}");
    system.finish().await;
}

/// Whoever is not there, or does not let one in, is told in words that help.
#[actix_web::test]
async fn what_stands_in_the_way_is_told() {
    let token = [("BUSBAR_ADMIN_TOKEN", "a token that nobody guesses")];
    let system = TestSystem::prepare(Engine::Sqlite);
    let (code, _, err) = run(&system, &["services"], &[]).await;
    assert!(code == 1 && err.contains("is it running"), "{err}");
    assert!(err.contains(&system.admin_address()) && err.contains("BUSBAR_ADMIN_ADDR"), "{err}");
    let (code, _, err) = run(&system, &["services"], &[("BUSBAR_ADMIN_ADDR", "off")]).await;
    assert!(code == 1 && err.contains("there is no admin port"), "{err}");

    let hosted = [ServiceName::Gateway];
    system.spawn(&hosted, &token);
    system.ready(&hosted).await;
    let (code, _, err) = run(&system, &["services"], &[]).await;
    assert!(code == 1 && err.contains("BUSBAR_ADMIN_TOKEN"), "{err}");
    let (code, shown, err) = run(&system, &["services"], &token).await;
    assert!(code == 0 && shown.contains("gateway"), "{err}");

    let stranger = format!("127.0.0.1:{}", system.port(ServiceName::Gateway));
    let other = [("BUSBAR_ADMIN_ADDR", stranger.as_str())];
    let (code, _, err) = run(&system, &["services"], &other).await;
    assert!(code == 1 && !err.is_empty(), "{err}");
    let nobody = format!("127.0.0.1:{}", postgres::free_port());
    let (code, _, _) = run(&system, &["restart", "users"], &[("BUSBAR_ADMIN_ADDR", &nobody)]).await;
    assert_eq!(code, 1);
}
