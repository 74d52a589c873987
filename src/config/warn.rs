//! What only shows when settings are held against each other: things that are odd but allowed.
use std::collections::BTreeMap;

use url::Url;

use crate::types::ServiceName;

use super::Config;
use super::environment::variable_of;
use super::fault::Warning;
use super::secret::Secret;

/// PostgreSQL's own default for `max_connections`.
const SERVER_CONNECTIONS_USUAL: u64 = 100;

/// The least cost of a password hash that is advised (OWASP).
const ARGON2_MEMORY_ADVISED_KIB: u32 = 19_456;

pub(super) fn warnings(config: &Config) -> Vec<Warning> {
    let mut found = Vec::new();
    found.extend(pool_outlasts_request(config));
    found.extend(payment_outlasts_request(config));
    found.extend(report_outlasts_request(config));
    found.extend(cheap_hashes(config));
    found.extend(test_doors(config));
    found.extend(shared_databases(config));
    found.extend(crowded_servers(config));
    found.into_iter().map(Warning).collect()
}

fn pool_outlasts_request(config: &Config) -> Option<String> {
    let pool_ms = config.database.pool_timeout_seconds * 1_000;
    let request_ms = config.gateway.request_timeout_ms;
    let matters = pool_ms > request_ms && !config.hosted_with_postgres().is_empty();
    matters.then(|| {
        format!(
            "DB_POOL_TIMEOUT_SECONDS is {pool_ms} ms, more than GATEWAY_REQUEST_TIMEOUT_MS \
             ({request_ms}): requests from the gateway wait for a connection until their deadline"
        )
    })
}

fn payment_outlasts_request(config: &Config) -> Option<String> {
    let (wait_ms, request_ms) = (config.payments.wait_ms, config.gateway.request_timeout_ms);
    (wait_ms >= request_ms).then(|| {
        format!(
            "payments.wait_ms is {wait_ms}, not less than gateway.request_timeout_ms \
             ({request_ms}): slow payments are answered 504 although they go on"
        )
    })
}

fn report_outlasts_request(config: &Config) -> Option<String> {
    let report_ms = config.analytics.report_timeout_ms;
    let request_ms = config.gateway.request_timeout_ms;
    (report_ms >= request_ms).then(|| {
        format!(
            "analytics.report_timeout_ms is {report_ms}, not less than gateway.request_timeout_ms \
             ({request_ms}): slow reports are answered 504, without a word on when to ask again"
        )
    })
}

fn cheap_hashes(config: &Config) -> Option<String> {
    let memory_kib = config.users.argon2.memory_kib;
    (memory_kib < ARGON2_MEMORY_ADVISED_KIB).then(|| {
        format!(
            "users.argon2.memory_kib is {memory_kib}, less than the advised \
             {ARGON2_MEMORY_ADVISED_KIB}: passwords are cheaper to guess"
        )
    })
}

fn test_doors(config: &Config) -> Option<String> {
    let faults = &config.faults;
    let open = faults.injection || faults.point.is_some();
    open.then(|| "fault injection is on: this process is for tests only".to_owned())
}

fn shared_databases(config: &Config) -> Vec<String> {
    let mut users_of: BTreeMap<String, Vec<ServiceName>> = BTreeMap::new();
    for service in ServiceName::domain() {
        if let Some(url) = &config.services.get(service).database_url {
            users_of.entry(place(url)).or_default().push(service);
        }
    }
    let shared = users_of.into_values().filter(|services| services.len() > 1);
    let name = |service: &ServiceName| variable_of(&format!("services.{service}.database_url"));
    shared
        .map(|services| {
            let variables = services.iter().map(name).collect::<Vec<_>>().join(", ");
            format!("{variables} lead to the same database: each service should have its own")
        })
        .collect()
}

/// Server, database and schema; for a file its path.
fn place(url: &Secret) -> String {
    let Ok(parsed) = Url::parse(url.expose()) else { return url.expose().to_owned() };
    let schema = parsed.query_pairs().find(|(name, _)| name == "schema").map(|(_, value)| value);
    format!("{}{}?{}", server(&parsed), parsed.path(), schema.unwrap_or_default())
}

fn server(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port().unwrap_or(5432))
}

fn crowded_servers(config: &Config) -> Vec<String> {
    let mut connections: BTreeMap<String, u64> = BTreeMap::new();
    // Behind PgBouncer these are not connections of the server.
    let services = config.hosted_with_postgres();
    for service in services.into_iter().filter(|_| !config.database.use_pgbouncer) {
        let url = config.services.get(service).database_url.as_ref();
        if let Some(url) = url.and_then(|url| Url::parse(url.expose()).ok()) {
            let said = url.query_pairs().find(|(name, _)| name == "connection_limit");
            let said = said.and_then(|(_, limit)| limit.parse().ok());
            let limit = said.unwrap_or(u64::from(config.database.connection_limit));
            *connections.entry(server(&url)).or_default() += limit;
        }
    }
    let crowded = connections.into_iter().filter(|(_, sum)| *sum > SERVER_CONNECTIONS_USUAL);
    crowded
        .map(|(server, sum)| {
            format!(
                "the services here may open {sum} connections to PostgreSQL at {server}, whose \
                 max_connections is {SERVER_CONNECTIONS_USUAL} unless it was raised: \
                 lower DB_CONNECTION_LIMIT"
            )
        })
        .collect()
}
