//! The settings as a whole: layers, faults, warnings.
#![allow(clippy::unwrap_used, reason = "tests")]

mod complete;
mod named;
mod routes;
mod upkeep;
mod waits;

use std::path::PathBuf;

use super::*;
use crate::types::ServiceName;

type Outcome = Result<(Config, Vec<Warning>), Faults>;

fn load(overrides: &Overrides, variables: &[(&str, &str)]) -> Outcome {
    let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let check = |url: &str| {
        if url.contains("socket_timeout") { Err("no socket_timeout".to_owned()) } else { Ok(()) }
    };
    Config::load(overrides, owned, check)
}

fn with(variables: &[(&str, &str)]) -> Outcome {
    load(&Overrides::default(), variables)
}

/// The faults' lines, without the heading.
fn fault_lines(outcome: Outcome) -> Vec<String> {
    outcome.unwrap_err().iter().map(ToString::to_string).collect()
}

fn warnings(outcome: Outcome) -> Vec<String> {
    outcome.unwrap().1.iter().map(ToString::to_string).collect()
}

/// A settings file that is gone at the end of the test.
struct File(PathBuf);

impl File {
    fn new(text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{}.toml", crate::types::EventId::new()));
        std::fs::write(&path, text).unwrap();
        File(path)
    }

    fn load(&self, variables: &[(&str, &str)]) -> Outcome {
        load(&Overrides { file: Some(self.0.clone()), ..Overrides::default() }, variables)
    }

    fn line(&self, line: usize) -> String {
        format!("{}:{line}", self.0.display())
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let (config, warnings) = with(&[]).unwrap();
    let gateway = &config.gateway;
    assert_eq!(gateway.request_timeout_ms, 4000);
    assert_eq!((gateway.cache_ttl_ms, gateway.cache_max_entries), (10_000, 1_000));
    assert_eq!((gateway.max_sockets, gateway.max_free_sockets), (2_048, 256));
    assert_eq!((gateway.keep_alive_ms, gateway.slow_request_threshold_ms), (5_000, 500));
    assert_eq!(gateway.cdn_base_url, None);
    let database = &config.database;
    assert_eq!((database.connection_limit, database.pool_timeout_seconds), (20, 15));
    assert_eq!((database.connect_timeout_seconds, database.use_pgbouncer), (10, false));
    for service in ServiceName::ALL {
        let port = service.default_port();
        assert_eq!(config.services.get(service).port, port);
        let url = format!("http://127.0.0.1:{port}/");
        assert_eq!(config.services.get(service).urls[0].url().as_str(), url);
    }
    assert_eq!(config.process.services, ServiceName::ALL);
    assert_eq!(warnings, []);
}

#[test]
fn the_command_line_wins_over_the_environment_over_the_file_over_the_defaults() {
    let file = File::new(
        "[process]\nservices = [\"users\"]\ndata_dir = \"from-file\"\n[log]\nfilter = \"warn\"\n",
    );
    let (config, _) = file.load(&[("BUSBAR_DATA_DIR", "from-environment")]).unwrap();
    assert_eq!(config.process.services, [ServiceName::Users]);
    assert_eq!(config.process.data_dir, PathBuf::from("from-environment"));
    assert_eq!(config.log.filter, "warn");

    let overrides = Overrides {
        file: Some(file.0.clone()),
        services: Some("payments,gateway".to_owned()),
        data_dir: Some("from-option".into()),
    };
    let (config, _) = load(&overrides, &[("BUSBAR_DATA_DIR", "from-environment")]).unwrap();
    assert_eq!(config.process.services, [ServiceName::Gateway, ServiceName::Payments]);
    assert_eq!(config.process.data_dir, PathBuf::from("from-option"));

    let table = config.settings.to_string();
    let origin_of = |key: &str| {
        let row = table.lines().find(|line| line.split_whitespace().next() == Some(key)).unwrap();
        row.split_whitespace().last().unwrap().to_owned()
    };
    assert_eq!(origin_of("process.data_dir"), "--data");
    assert_eq!(origin_of("process.services"), "--services");
    assert_eq!(origin_of("log.filter"), file.line(5));
    assert_eq!(origin_of("gateway.cache_ttl_ms"), "default");
}

#[test]
fn all_faults_come_at_once_each_with_its_origin() {
    let file = File::new("[gateway]\n\ncach_ttl_ms = 5\n");
    let faults = fault_lines(file.load(&[
        ("GATEWAY_CACHE_TTL_MS", "ten"),
        ("DB_USE_PGBOUNCER", "maybe"),
        ("GATEWAY_MAX_FREE_SOCKETS", "4096"),
    ]));
    let expected = [
        format!(
            "{}: gateway.cach_ttl_ms = \"5\": unknown setting; did you mean gateway.cache_ttl_ms?",
            file.line(3)
        ),
        "GATEWAY_CACHE_TTL_MS: gateway.cache_ttl_ms = \"ten\": a whole number from 0 to 31536000000"
            .to_owned(),
        "DB_USE_PGBOUNCER: database.use_pgbouncer = \"maybe\": true or false (or 1 or 0)".to_owned(),
        "GATEWAY_MAX_FREE_SOCKETS: gateway.max_free_sockets = \"4096\": \
         at most gateway.max_sockets, which is 2048 (default)"
            .to_owned(),
    ];
    assert_eq!(faults, expected);
}

#[test]
fn what_follows_from_a_fault_is_not_said_too() {
    let faults = fault_lines(with(&[
        ("GATEWAY_MAX_SOCKETS", "many"),
        ("GATEWAY_MAX_FREE_SOCKETS", "60000"),
    ]));
    assert_eq!(faults.len(), 1, "{faults:?}");
}

#[test]
fn zero_means_what_is_written_about_it() {
    for name in ["GATEWAY_REQUEST_TIMEOUT_MS", "GATEWAY_MAX_SOCKETS", "DB_CONNECTION_LIMIT"] {
        assert!(with(&[(name, "0")]).is_err(), "{name}");
    }
    for name in [
        "GATEWAY_CACHE_TTL_MS",
        "GATEWAY_CACHE_MAX_ENTRIES",
        "GATEWAY_MAX_FREE_SOCKETS",
        "GATEWAY_SLOW_REQUEST_THRESHOLD_MS",
    ] {
        assert!(with(&[(name, "0")]).is_ok(), "{name}");
    }
}

#[test]
fn ports_that_clash_are_named_with_both_variables() {
    let clash = [("PAYMENT_SERVICE_PORT", "3001")];
    let faults = fault_lines(with(&clash));
    assert_eq!(faults.len(), 1);
    assert!(faults[0].contains("USER_SERVICE_PORT and PAYMENT_SERVICE_PORT"), "{}", faults[0]);

    let only = Overrides { services: Some("payments,gateway".to_owned()), ..Overrides::default() };
    assert!(load(&only, &clash).is_ok(), "users is hosted elsewhere");
}

#[test]
fn instances_are_separated_by_commas() {
    let (config, _) =
        with(&[("PAYMENT_SERVICE_URL", "http://10.0.0.7:3002, http://10.0.0.8:3002")]).unwrap();
    let urls = &config.services.get(ServiceName::Payments).urls;
    assert_eq!(
        urls.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["http://10.0.0.7:3002/", "http://10.0.0.8:3002/"]
    );
    let (config, _) = with(&[("PAYMENT_SERVICE_URL", "dns+http://payments:3002")]).unwrap();
    let names = &config.services.get(ServiceName::Payments).urls;
    assert_eq!(names.iter().map(|place| place.name()).collect::<Vec<_>>(), [Some("payments")]);
    let faults = fault_lines(with(&[("PAYMENT_SERVICE_URL", "dns+http://10.0.0.7:3002")]));
    assert!(faults[0].contains("dns+http://payments:3002 for every address"), "{faults:?}");
    assert!(with(&[("PAYMENT_SERVICE_URL", "https://10.0.0.7")]).is_err());
    assert!(with(&[("CDN_BASE_URL", "cdn.example.com")]).is_err());
}

#[test]
fn secrets_are_never_shown() {
    let file = File::new("[users]\nadmin_pasword = \"hunter2\"\n");
    let outcome = file.load(&[
        ("BUSBAR_ADMIN_PASSWORD", "hunter2"),
        ("PAYMENT_SERVICE_URL", "http://ada:hunter2@host:1"),
        ("DATABASE_URL", "postgres://ada:hunter2@host/db"),
    ]);
    let faults = outcome.unwrap_err();
    assert_eq!(faults.iter().count(), 4, "{faults}");
    assert!(!faults.to_string().contains("hunter2"), "{faults}");

    let (config, _) = with(&[("BUSBAR_ADMIN_PASSWORD", "hunter2 hunter2 hunter2")]).unwrap();
    assert!(!format!("{config:?} {}", config.settings).contains("hunter2"));
}

#[test]
fn unknown_variables_are_warned_about_with_the_nearest_name() {
    let found = warnings(with(&[
        ("GATEWAY_FOO", "1"),
        ("GATEWAY_CACHE_TTL", "1"),
        ("PAYMENTS_SERVICE_PORT", "1"),
        ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
        ("HOME", "/root"),
    ]));
    assert_eq!(
        found,
        [
            "GATEWAY_FOO: unknown variable, ignored",
            "GATEWAY_CACHE_TTL: unknown variable, ignored; did you mean GATEWAY_CACHE_TTL_MS?",
            "PAYMENTS_SERVICE_PORT: unknown variable, ignored; did you mean PAYMENT_SERVICE_PORT?",
        ]
    );
}

#[test]
fn an_empty_variable_is_not_set() {
    let file = File::new("[gateway]\ncdn_base_url = \"https://cdn.example.com\"\n");
    let (config, _) = file.load(&[("GATEWAY_CACHE_TTL_MS", ""), ("CDN_BASE_URL", "")]).unwrap();
    assert_eq!((config.gateway.cache_ttl_ms, config.gateway.cdn_base_url), (10_000, None));
}

#[test]
fn a_bare_database_url_is_for_a_single_service() {
    let url = [("DATABASE_URL", "postgres://db/one")];
    let hosting =
        |services: &str| Overrides { services: Some(services.into()), ..Overrides::default() };
    let (config, _) = load(&hosting("gateway,payments"), &url).unwrap();
    let given = config.services.get(ServiceName::Payments).database_url.as_ref().unwrap();
    assert_eq!(given.expose(), "postgres://db/one");

    let faults = fault_lines(load(&hosting("users,payments"), &url));
    assert!(faults[0].contains("USER_SERVICE_DATABASE_URL, PAYMENT_SERVICE_DATABASE_URL"));
    assert!(load(&hosting("gateway"), &url).is_ok());
}

#[test]
fn pgbouncer_needs_the_way_past_it() {
    let url = ("USER_SERVICE_DATABASE_URL", "postgres://pool:6432/users");
    let faults = fault_lines(with(&[("DB_USE_PGBOUNCER", "1"), url]));
    assert!(faults[0].contains("USER_SERVICE_DIRECT_URL"), "{faults:?}");
    let direct = ("USER_SERVICE_DIRECT_URL", "postgres://db:5432/users");
    assert!(with(&[("DB_USE_PGBOUNCER", "1"), url, direct]).is_ok());
    assert!(with(&[("DB_USE_PGBOUNCER", "true")]).is_ok(), "nothing is on PostgreSQL");
    let url = "postgres://pool:6432/users?pgbouncer=true";
    assert!(with(&[("USER_SERVICE_DATABASE_URL", url)]).is_err(), "the URL wins");
}

#[test]
fn what_storage_does_not_understand_is_a_fault_of_its_variable() {
    let url = ("USER_SERVICE_DATABASE_URL", "postgres://u:hunter2@db/x?socket_timeout=1");
    let faults = fault_lines(with(&[url, ("GATEWAY_CACHE_TTL_MS", "ten")]));
    let line =
        "USER_SERVICE_DATABASE_URL: services.users.database_url = \"***\": no socket_timeout";
    assert_eq!((faults.len(), faults[1].as_str()), (2, line));
}

#[test]
fn databases_are_warned_about() {
    let found = warnings(with(&[
        ("USER_SERVICE_DATABASE_URL", "postgres://a:x@db/one"),
        ("BILLING_SERVICE_DATABASE_URL", "postgresql://b:y@db:5432/one?sslmode=disable"),
        ("PAYMENT_SERVICE_DATABASE_URL", "postgres://db/two?connection_limit=70"),
    ]));
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("DB_POOL_TIMEOUT_SECONDS is 15000 ms"), "{found:?}");
    assert!(found[1].starts_with("USER_SERVICE_DATABASE_URL, BILLING_SERVICE_DATABASE_URL lead"));
    assert!(found[2].contains("110 connections to PostgreSQL at db:5432"), "{found:?}");
}

#[test]
fn the_gateway_is_the_one_to_close_connections() {
    let (config, _) = with(&[("GATEWAY_KEEP_ALIVE_MS", "20000")]).unwrap();
    assert_eq!(config.server.keep_alive_ms, 40_000);
    assert_eq!(config.settings.get("server.keep_alive_ms").unwrap().text, "40000");
    assert_eq!(with(&[]).unwrap().0.server.keep_alive_ms, 15_000);
}

#[test]
fn a_file_that_cannot_be_read_is_a_fault() {
    let missing = Overrides { file: Some("/nowhere/busbar.toml".into()), ..Overrides::default() };
    let faults = fault_lines(load(&missing, &[]));
    assert!(faults[0].starts_with("--config /nowhere/busbar.toml: "), "{faults:?}");
    let file = File::new("[gateway]\nmax_sockets == 1\n");
    assert!(fault_lines(file.load(&[]))[0].starts_with(&file.line(2)));
    let file = File::new("gateway = 5\n[log]\nfilter = [[1]]\n");
    let faults = fault_lines(file.load(&[]));
    assert!(faults[0].contains("gateway = \"5\": a section"), "{faults:?}");
    assert!(faults[1].contains("log.filter: a plain value or a list"), "{faults:?}");
}
