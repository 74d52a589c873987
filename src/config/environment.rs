//! The names of settings in the environment.
//!
//! Names that differ from the rule stand in one table; all other settings are
//! `BUSBAR_<SECTION>_<KEY>`.
use crate::types::{ServiceName, nearest};

/// A setting's name in the environment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) key: String,
}

/// Variable, setting.
const NAMED: [(&str, &str); 53] = [
    ("BUSBAR_SERVICES", "process.services"),
    ("BUSBAR_DATA_DIR", "process.data_dir"),
    ("BUSBAR_PUBLIC_URL", "process.public_url"),
    ("BUSBAR_BIND", "server.bind"),
    ("BUSBAR_SHUTDOWN_DELAY_MS", "server.shutdown_delay_ms"),
    ("BUSBAR_SHUTDOWN_TIMEOUT_MS", "server.shutdown_timeout_ms"),
    ("GATEWAY_REQUEST_TIMEOUT_MS", "gateway.request_timeout_ms"),
    ("GATEWAY_CONNECT_TIMEOUT_MS", "gateway.connect_timeout_ms"),
    ("GATEWAY_RESOLVE_EVERY_MS", "gateway.resolve_every_ms"),
    ("GATEWAY_CACHE_TTL_MS", "gateway.cache_ttl_ms"),
    ("GATEWAY_CACHE_MAX_ENTRIES", "gateway.cache_max_entries"),
    ("GATEWAY_CACHE_MAX_BYTES", "gateway.cache_max_bytes"),
    ("GATEWAY_CACHE_MAX_ENTRY_BYTES", "gateway.cache_max_entry_bytes"),
    ("GATEWAY_CACHE_SWR_MS", "gateway.cache_swr_ms"),
    ("GATEWAY_CACHE_SIE_MS", "gateway.cache_sie_ms"),
    ("GATEWAY_MAX_SOCKETS", "gateway.max_sockets"),
    ("GATEWAY_MAX_FREE_SOCKETS", "gateway.max_free_sockets"),
    ("GATEWAY_MAX_PENDING", "gateway.max_pending"),
    ("GATEWAY_KEEP_ALIVE_MS", "gateway.keep_alive_ms"),
    ("GATEWAY_SLOW_REQUEST_THRESHOLD_MS", "gateway.slow_request_threshold_ms"),
    ("GATEWAY_MAX_BODY_BYTES", "gateway.max_body_bytes"),
    ("GATEWAY_MAX_LATENCY_SAMPLES", "gateway.max_latency_samples"),
    ("GATEWAY_RATE_LIMIT", "gateway.rate_limit"),
    ("GATEWAY_CORS_ORIGINS", "gateway.cors_origins"),
    ("GATEWAY_MAX_REQUESTS", "gateway.max_requests"),
    ("GATEWAY_CONSOLE", "gateway.console"),
    ("GATEWAY_RETRY_MAX", "gateway.retry_max"),
    ("GATEWAY_RETRY_BUDGET_RATIO", "gateway.retry_budget_ratio"),
    ("GATEWAY_RETRY_MIN_PER_SEC", "gateway.retry_min_per_second"),
    ("GATEWAY_BREAKER_FAILURES", "gateway.breaker_failures"),
    ("GATEWAY_BREAKER_OPEN_MS", "gateway.breaker_open_ms"),
    ("GATEWAY_TUNNEL_IDLE_MS", "gateway.tunnel_idle_ms"),
    ("GATEWAY_EVENTS_IDLE_MS", "gateway.events_idle_ms"),
    ("GATEWAY_TRUSTED_PROXIES", "gateway.trusted_proxies"),
    ("CDN_BASE_URL", "gateway.cdn_base_url"),
    ("DB_CONNECTION_LIMIT", "database.connection_limit"),
    ("DB_POOL_TIMEOUT_SECONDS", "database.pool_timeout_seconds"),
    ("DB_CONNECT_TIMEOUT_SECONDS", "database.connect_timeout_seconds"),
    ("DB_USE_PGBOUNCER", "database.use_pgbouncer"),
    ("BUSBAR_ADMIN_EMAIL", "users.admin_email"),
    ("BUSBAR_ADMIN_PASSWORD", "users.admin_password"),
    ("BUSBAR_ADMIN_ADDR", "admin.address"),
    ("METRICS_LEGACY_NAMES", "metrics.legacy_names"),
    ("BUSBAR_LOG", "log.filter"),
    ("BUSBAR_SERVICE_KEY_FILE", "keys.service_key_file"),
    ("BUSBAR_USERS_KEY_FILE", "keys.users_key_file"),
    ("BUSBAR_DOCUMENTS_KEY_FILE", "keys.documents_key_file"),
    ("BUSBAR_WEBHOOKS_KEY_FILE", "keys.webhooks_key_file"),
    ("BUSBAR_SMTP_PASSWORD", "notifications.smtp_password"),
    ("WEBHOOK_ALLOW_CIDRS", "webhooks.allow_networks"),
    ("BUSBAR_FAULT_INJECTION", "faults.injection"),
    ("BUSBAR_FAILPOINT", "faults.point"),
    ("API_GATEWAY_WORKERS", "services.gateway.workers"),
];

/// What must never be shown, by the last part of the setting's name.
const SECRET: [&str; 5] =
    ["admin_password", "smtp_password", "database_url", "direct_url", "token"];

/// The database of the only service here that needs one.
pub(super) const DATABASE_URL: &str = "DATABASE_URL";

/// What the name of a secret ends with that is in a file.
const IN_FILE: &str = "_FILE";

/// Variables of the tests themselves are none of the program's business.
const TESTS_OWN: &str = "BUSBAR_TEST_";

/// The variable of a setting.
pub(super) fn variable_of(key: &str) -> String {
    let named = NAMED.iter().find(|(_, named)| *named == key).map(|(name, _)| (*name).to_owned());
    named
        .or_else(|| service_variable(key))
        .unwrap_or_else(|| format!("BUSBAR_{}", key.replace('.', "_").to_uppercase()))
}

/// `services.users.port` is `USER_SERVICE_PORT`.
fn service_variable(key: &str) -> Option<String> {
    let (service, field) = key.strip_prefix("services.")?.split_once('.')?;
    let service: ServiceName = service.parse().ok()?;
    let field = if field == "urls" { "url" } else { field };
    Some(format!("{}_{}", service.variable_prefix(), field.to_uppercase()))
}

pub(super) fn variables<'a>(keys: impl Iterator<Item = &'a str>) -> Vec<Variable> {
    keys.map(|key| Variable { name: variable_of(key), key: key.to_owned() }).collect()
}

/// `NAME_FILE` names a file that holds the value of the secret `NAME`: what `NAME` is.
pub(super) fn secret_in_file<'a>(name: &'a str, known: &[Variable]) -> Option<&'a str> {
    let secret = name.strip_suffix(IN_FILE)?;
    let is_secret = |variable: &Variable| variable.name == secret && is_secret(&variable.key);
    let has_setting = known.iter().any(|variable| variable.name == name);
    let is_known = secret == DATABASE_URL || known.iter().any(is_secret);
    (is_known && !has_setting).then_some(secret)
}

/// Whether a setting, or what somebody took for one, may hold a secret.
pub(super) fn is_secret(key: &str) -> bool {
    let name = key.rsplit('.').next().unwrap_or(key).to_lowercase();
    SECRET.contains(&name.as_str())
}

/// Whether an unknown key may hold a secret all the same: a misspelled one does.
pub(super) fn may_be_secret(unknown: &str) -> bool {
    let name = unknown.rsplit('.').next().unwrap_or(unknown).to_lowercase();
    let telling = ["pass", "secret", "token", "key", "url", "credential"];
    telling.iter().any(|word| name.contains(word)) || nearest(&name, SECRET).is_some()
}

/// Whether an unknown variable looks as if it were meant for us, so that it deserves a warning.
pub(super) fn is_ours(name: &str) -> bool {
    let prefixed =
        ["GATEWAY_", "API_GATEWAY_", "DB_", "BUSBAR_"].iter().any(|p| name.starts_with(p));
    (prefixed && !name.starts_with(TESTS_OWN)) || is_nearly_a_service(name)
}

/// `PAYMENTS_SERVICE_PORT` is ours with a slip; `KUBERNETES_SERVICE_PORT` is not.
fn is_nearly_a_service(name: &str) -> bool {
    let Some((word, _)) = name.split_once("_SERVICE_") else { return false };
    let prefixes = ServiceName::domain().map(ServiceName::variable_prefix);
    nearest(word, prefixes.map(|prefix| prefix.trim_end_matches("_SERVICE"))).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_has_one_variable() {
        for (key, name) in [
            ("gateway.cache_ttl_ms", "GATEWAY_CACHE_TTL_MS"),
            ("services.gateway.port", "API_GATEWAY_PORT"),
            ("services.utilities.urls", "UTILITY_SERVICE_URL"),
            ("services.users.database_url", "USER_SERVICE_DATABASE_URL"),
            ("users.argon2.memory_kib", "BUSBAR_USERS_ARGON2_MEMORY_KIB"),
        ] {
            assert_eq!(variable_of(key), name);
        }
    }

    #[test]
    fn only_what_looks_like_ours_is_ours() {
        for name in
            ["GATEWAY_FOO", "DB_POOL", "BUSBAR_X", "USER_SERVICE_PROT", "PAYMENTS_SERVICE_PORT"]
        {
            assert!(is_ours(name), "{name}");
        }
        for name in ["PATH", "KUBERNETES_SERVICE_HOST", "BUSBAR_TEST_POSTGRES_URL", "MY_DB_URL"] {
            assert!(!is_ours(name), "{name}");
        }
    }

    #[test]
    fn a_misspelled_secret_is_taken_for_one() {
        assert!(
            may_be_secret("users.admin_pasword") && may_be_secret("services.users.databse_url")
        );
        assert!(!may_be_secret("gateway.cach_ttl_ms"));
    }
}
