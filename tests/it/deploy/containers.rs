//! The containers' settings, held against the program: names that it knows, secrets as files, and no more
//! ports than there must be.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use busbar::types::ServiceName;

use super::compose::{Prepared, Variables, mode, secrets};
use super::shipped;

/// The variables that an image of the service brings along.
fn image(service: &str) -> Variables {
    let text = shipped("Dockerfile").replace("${SERVICE}", service);
    let pairs = text.split_whitespace().filter_map(|word| word.split_once('='));
    let ours = pairs.filter(|(name, _)| name.starts_with("BUSBAR_"));
    ours.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Exit code and everything printed.
fn check_config(variables: &Variables) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_busbar"));
    let output = command.arg("check-config").env_clear().envs(variables).output().unwrap();
    let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap_or(-1), printed)
}

/// The database setting of a service, as `check-config` shows it.
fn database_line(printed: &str, service: ServiceName) -> &str {
    let key = format!("services.{service}.database_url ");
    printed.lines().find(|line| line.starts_with(&key)).unwrap_or_default()
}

#[test]
fn containers_are_set_by_names_that_the_program_knows() {
    let prepared = Prepared::new();
    assert_eq!(prepared.run(), (true, String::new()));
    for service in ServiceName::ALL {
        let mut variables = image(service.as_str());
        assert_eq!(variables["BUSBAR_SERVICES"], service.as_str());
        variables.extend(prepared.variables(service.as_str()));
        let (code, printed) = check_config(&variables);
        assert_eq!(code, 0, "{service}: {printed}");
        assert!(!printed.contains("unknown variable"), "{service}: {printed}");
        for other in ServiceName::domain() {
            let is_set = !database_line(&printed, other).contains("(not set)");
            assert_eq!(is_set, other == service, "{service} and {other}'s database");
            let way = format!("dns+http://{other}:{}", other.default_port());
            assert!(printed.contains(&way), "{service} does not know {other}: {printed}");
        }
    }
}

/// All in one: nine services, each with a file of its own in the volume, and the prepared password.
#[test]
fn one_container_may_host_all_services() {
    let prepared = Prepared::new();
    prepared.run();
    let mut variables = image("");
    variables.extend(prepared.variables("busbar"));
    let (code, printed) = check_config(&variables);
    assert_eq!(code, 0, "{printed}");
    assert!(!printed.contains("unknown variable"), "{printed}");
    for service in ServiceName::domain() {
        assert!(database_line(&printed, service).contains("(not set)"), "{service}: {printed}");
    }
    let password = printed.lines().find(|line| line.starts_with("users.admin_password ")).unwrap();
    assert!(
        password.contains("*** ") && password.contains("BUSBAR_ADMIN_PASSWORD_FILE"),
        "{printed}"
    );
}

/// Every secret is a file of its own, in a folder that nobody else opens; made once.
#[test]
fn secrets_are_made_once_and_differ() {
    let prepared = Prepared::new();
    prepared.run();
    assert_eq!(
        prepared.settings(),
        ["COMPOSE_PROJECT_NAME=busbar", "COMPOSE_PROFILES=split,observability"]
    );
    let folder = prepared.0.join("secrets");
    assert_eq!((mode(&folder), mode(&prepared.0.join(".env"))), (0o700, 0o600));
    let read = || -> BTreeMap<String, String> {
        let files = secrets().into_values();
        files.map(|file| (file.clone(), prepared.read(&format!("secrets/{file}")))).collect()
    };
    let first = read();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), first.len(), "each has its use");
    let texts: BTreeSet<&String> = first.values().collect();
    assert_eq!(texts.len(), first.len());
    assert!(
        first
            .iter()
            .all(|(name, text)| text.len() > 40 || (name == "smtp_password" && text == "\n"))
    );
    assert_eq!(prepared.run(), (true, String::new()));
    assert_eq!(read(), first);
}

/// An installation whose passwords are in `.env` keeps them.
#[test]
fn passwords_of_an_earlier_version_move_into_files() {
    let prepared = Prepared::new();
    let kept = "COMPOSE_PROJECT_NAME=mine\nPUBLISH_ADDRESS=10.0.0.1";
    let earlier = "COMPOSE_PROFILES=grafana\nPOSTGRES_PASSWORD=one\nUSERS_DB_PASSWORD=two\n\
                   BUSBAR_ADMIN_PASSWORD='three words here'\nGRAFANA_PASSWORD=\"four\"\n";
    fs::write(prepared.0.join(".env"), format!("{kept}\n{earlier}")).unwrap();
    let (went_well, said) = prepared.run();
    assert!(went_well && said.contains("are in deploy/secrets now"), "{said}");
    for (file, text) in [
        ("postgres_password", "one"),
        ("users_database_url", "postgresql://users:two@postgres/users"),
        ("admin_password", "three words here"),
        ("grafana_password", "four"),
    ] {
        assert_eq!(prepared.read(&format!("secrets/{file}")), format!("{text}\n"), "{file}");
    }
    let left = [kept, "COMPOSE_PROFILES=split,grafana"].join("\n");
    assert_eq!(prepared.settings().join("\n"), left);
    assert_eq!(prepared.run(), (true, String::new()));
    assert_eq!(prepared.settings().join("\n"), left);

    // One that comes back is not dropped in silence.
    fs::write(prepared.0.join(".env"), format!("{left}\nGRAFANA_PASSWORD=five\n")).unwrap();
    let (went_well, said) = prepared.run();
    assert!(!went_well && said.contains("GRAFANA_PASSWORD"), "{said}");
    assert!(prepared.settings().contains(&"GRAFANA_PASSWORD=five".to_owned()));
}

#[test]
fn every_service_has_an_image_is_scraped_and_has_a_database() {
    let (compose, prometheus) = (shipped("compose.yml"), shipped("prometheus.yml"));
    let (init, images) = (shipped("postgres/init.sh"), shipped("build-images.sh"));
    let ours = |text: &str| -> BTreeSet<String> {
        let line = text.lines().find_map(|line| line.strip_prefix("for service in ")).unwrap();
        line.trim_end_matches("; do").split(' ').map(str::to_owned).collect()
    };
    let domain: BTreeSet<String> = ServiceName::domain().map(|name| name.to_string()).collect();
    assert_eq!(ours(&init), domain);
    assert_eq!(ours(&images).len(), domain.len() + 1);
    for service in ServiceName::ALL {
        let port = service.default_port();
        assert!(compose.contains(&format!("image: busbar-{service}\n")), "{service}");
        assert!(
            prometheus.contains(&format!("- {{names: [{service}], port: {port},")),
            "{service}"
        );
        assert!(ours(&images).contains(service.as_str()), "{service}");
    }
}

/// Only the gateway is reached from outside, and whoever looks at figures from this machine. What has
/// no port and no name of its own here can be there several times.
#[test]
fn only_the_gateway_is_published() {
    let compose = shipped("compose.yml");
    let published: Vec<&str> =
        compose.lines().filter_map(|line| line.trim().strip_prefix("ports: ")).collect();
    let gateway = r#"["${PUBLISH_ADDRESS:-127.0.0.1}:${PUBLISH_PORT:-3000}:3000"]"#;
    assert_eq!(published[..2], [gateway, gateway], "all in one, and the gateway's own");
    assert_eq!(published.len(), 4);
    assert!(published[2..].iter().all(|port| port.starts_with("[\"127.0.0.1:")), "{published:?}");
    assert!(!compose.contains("container_name"));
}
