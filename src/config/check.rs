//! What only shows when settings are held against each other: faults.
use url::Url;

use crate::types::{ServiceName, nearest};

use super::admin;
use super::environment::variable_of;
use super::fault::Faults;
use super::named;
use super::{Config, Service};

/// The first may not be more than the second.
const ORDERED: [(&str, &str); 5] = [
    ("gateway.max_free_sockets", "gateway.max_sockets"),
    ("users.refresh_idle_seconds", "users.refresh_absolute_seconds"),
    ("users.lockout.wait_first_seconds", "users.lockout.wait_max_seconds"),
    ("events.backoff_min_ms", "events.backoff_max_ms"),
    ("supervision.backoff_min_ms", "supervision.backoff_max_ms"),
];

/// Memory that argon2 needs for each lane, in KiB.
const ARGON2_LANE_KIB: u32 = 8;

/// Adds what is wrong; what follows from a fault that is known already is not said.
pub(super) fn faults(config: &Config, faults: &mut Faults) {
    ordered(config, faults);
    ports(config, faults);
    direct_urls(config, faults);
    users(config, faults);
    admin::faults(config, faults);
    named::faults(config, faults);
    injection(config, faults);
}

/// Whoever reaches a service could take it down: faults are for one's own machine.
fn injection(config: &Config, faults: &mut Faults) {
    if config.server.bind.is_loopback() || faults.names("server.bind") {
        return;
    }
    for key in ["faults.injection", "faults.point"] {
        let is_open = match key {
            "faults.injection" => config.faults.injection,
            _ => config.faults.point.is_some(),
        };
        if is_open {
            let allowed = "only where server.bind is a loopback address: it is for tests";
            faults.push(config.settings.fault(key, allowed.to_owned()));
        }
    }
}

fn ordered(config: &Config, faults: &mut Faults) {
    let number = |key| config.settings.get(key)?.text.parse::<u64>().ok();
    for (low, high) in ORDERED {
        let (Some(low_number), Some(high_number)) = (number(low), number(high)) else { continue };
        if low_number > high_number && !faults.names(low) && !faults.names(high) {
            let origin = &config.settings.get(high).map_or("", |setting| &setting.origin);
            let allowed = format!("at most {high}, which is {high_number} ({origin})");
            faults.push(config.settings.fault(low, allowed));
        }
    }
}

fn ports(config: &Config, faults: &mut Faults) {
    let key = |service: ServiceName| format!("services.{service}.port");
    let hosted = &config.process.services;
    for (position, second) in hosted.iter().enumerate() {
        let port = config.services.get(*second).port;
        let taken = |first: &&ServiceName| config.services.get(**first).port == port;
        let Some(first) = hosted[..position].iter().find(taken) else { continue };
        if faults.names(&key(*first)) || faults.names(&key(*second)) {
            continue;
        }
        let variables = [variable_of(&key(*first)), variable_of(&key(*second))].join(" and ");
        let allowed = format!("another port than that of {first}: {variables} must differ");
        faults.push(config.settings.fault(&key(*second), allowed));
    }
}

/// Every database URL, of services that are not hosted here too: a bad value is a bad value.
pub(super) fn databases(
    config: &Config,
    check: impl Fn(&str) -> Result<(), String>,
    faults: &mut Faults,
) {
    for service in ServiceName::domain() {
        let urls = config.services.get(service);
        for (field, url) in [("database_url", &urls.database_url), ("direct_url", &urls.direct_url)]
        {
            if let Some(Err(why)) = url.as_ref().map(|url| check(url.expose())) {
                faults.push(config.settings.fault(&format!("services.{service}.{field}"), why));
            }
        }
    }
}

/// Migrations cannot go through PgBouncer.
fn direct_urls(config: &Config, faults: &mut Faults) {
    for service in config.hosted_with_postgres() {
        let Service { database_url, direct_url, .. } = config.services.get(service);
        let is_behind = database_url.as_ref().is_some_and(|url| {
            says_pgbouncer(url.expose()).unwrap_or(config.database.use_pgbouncer)
        });
        if is_behind && direct_url.is_none() {
            let key = format!("services.{service}.direct_url");
            let why = "the way to PostgreSQL past PgBouncer, which the database URL leads to";
            faults.push(config.settings.fault(&key, format!("{why} ({})", variable_of(&key))));
        }
    }
}

/// What the URL itself says about PgBouncer; it wins over the setting.
fn says_pgbouncer(url: &str) -> Option<bool> {
    let url = Url::parse(url).ok()?;
    let (_, value) = url.query_pairs().find(|(name, _)| name == "pgbouncer")?;
    Some(value == "true" || value == "1")
}

fn users(config: &Config, faults: &mut Faults) {
    let users = &config.users;
    let short = |secret: &str| secret.chars().count() < users.password_length_min;
    if users.admin_password.as_ref().is_some_and(|secret| short(secret.expose())) {
        let allowed = format!("{} characters or more", users.password_length_min);
        faults.push(config.settings.fault("users.admin_password", allowed));
    }
    if users.argon2.memory_kib < ARGON2_LANE_KIB.saturating_mul(users.argon2.lanes) {
        let allowed = format!("at least {ARGON2_LANE_KIB} for each of users.argon2.lanes");
        faults.push(config.settings.fault("users.argon2.memory_kib", allowed));
    }
}

/// The known setting that an unknown one was probably meant to be: its section may be missing.
pub(super) fn nearest_key<'a>(
    unknown: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    let last = |key: &'a str| key.rsplit('.').next().unwrap_or(key);
    let whole = nearest(unknown, known.clone());
    whole.or_else(|| {
        let name = unknown.rsplit('.').next().unwrap_or(unknown);
        let near = nearest(name, known.clone().map(last))?;
        let mut same = known.filter(|key| last(key) == near);
        // Several sections have one of that name: none of them is a good guess.
        same.next().filter(|_| same.next().is_none())
    })
}
