//! The settings: read at the start, and again when somebody asks for it; each part gets its own section
//! by value. `effect` says which part goes by which setting, `change` what is another than before.
//!
//! They come from `config/default.toml` (compiled in), the file given with `--config`, the
//! environment and the command line; later ones win. All faults are found at once, each with its
//! origin, and then nothing is started.
mod admin;
mod change;
mod check;
mod document;
mod effect;
mod environment;
mod fault;
mod given;
mod load;
mod named;
mod reader;
mod secret;
mod sections;
mod settings;
mod shown;
mod warn;

#[cfg(test)]
mod tests;

pub use change::{
    Change, Difference, Pending, changes, holds_at_once, pending_of, pending_of_process,
};
pub use effect::Effect;
pub use fault::{Fault, Faults, Warning};
pub use load::Overrides;
pub use secret::Secret;
pub use sections::{
    AddedRoute, AddedRoutes, Admin, AdminAddress, Analytics, Argon2, Auth, Billing, Caching,
    Console, Database, Documents, EmailVerification, Events, FaultInjection, Gateway, Health, Jobs,
    Keys, Lockout, Log, LogFormat, Methods, Metrics, Network, Notifications, Origin,
    PaymentConnector, Payments, Place, Process, Rate, Requests, Server, Service, Services,
    SmtpSecurity, Supervision, Supervisions, Users, Webhooks,
};
pub use settings::Settings;
pub use shown::{Row, shown};

use crate::types::ServiceName;

use self::load::Collected;
use self::reader::Reader;

/// All settings, valid.
#[derive(Clone, Debug)]
pub struct Config {
    pub process: Process,
    pub server: Server,
    pub gateway: Gateway,
    pub services: Services,
    pub database: Database,
    pub users: Users,
    pub payments: Payments,
    pub billing: Billing,
    pub notifications: Notifications,
    pub documents: Documents,
    pub analytics: Analytics,
    pub webhooks: Webhooks,
    pub events: Events,
    pub jobs: Jobs,
    pub requests: Requests,
    pub supervision: Supervisions,
    pub admin: Admin,
    pub health: Health,
    pub metrics: Metrics,
    pub log: Log,
    pub keys: Keys,
    pub faults: FaultInjection,
    /// The same as text with their origins: shown by `check-config`, and for faults that are only
    /// found later (`settings.fault(key, allowed)`).
    pub settings: Settings,
    /// What the command line says, for the next time.
    overrides: Overrides,
}

impl Config {
    /// Reads all places. The warnings are for the log.
    ///
    /// What a database URL may say is known to the storage alone: `check_database` says what is
    /// wrong with one.
    pub fn load(
        overrides: &Overrides,
        variables: impl Iterator<Item = (String, String)>,
        check_database: impl Fn(&str) -> Result<(), String>,
    ) -> Result<(Config, Vec<Warning>), Faults> {
        let Collected { settings, defaults, mut faults, mut warnings } =
            load::collect(overrides, variables)?;
        let mut reader = Reader::new(&settings, &defaults);
        let mut config = Config::read(&mut reader, settings.clone());
        config.overrides = overrides.clone();
        faults.extend(reader.finish().0);
        admin::read_token(&mut config.admin, &settings, &mut faults);
        check::faults(&config, &mut faults);
        check::databases(&config, check_database, &mut faults);
        if !faults.is_empty() {
            return Err(faults);
        }
        // The gateway has to be the one that closes, or it may send into a closing connection.
        let twice_ms = 2 * config.gateway.keep_alive_ms;
        if config.server.keep_alive_ms < twice_ms {
            config.server.keep_alive_ms = twice_ms;
            let why = "twice gateway.keep_alive_ms";
            config.settings.set("server.keep_alive_ms", &twice_ms.to_string(), why);
        }
        warnings.extend(warn::warnings(&config));
        Ok((config, warnings))
    }

    /// Reads all places once more. The environment of a process never changes: what is new is in
    /// the file.
    pub fn load_again(
        &self,
        check_database: impl Fn(&str) -> Result<(), String>,
    ) -> Result<(Config, Vec<Warning>), Faults> {
        load::can_be_read_again(&self.overrides)?;
        Config::load(&self.overrides, environment_of_process(), check_database)
    }

    fn read(from: &mut Reader<'_>, settings: Settings) -> Config {
        Config {
            process: Process::read(from, "process"),
            server: Server::read(from, "server"),
            gateway: Gateway::read(from, "gateway"),
            services: Services::read(from),
            database: Database::read(from, "database"),
            users: Users::read(from, "users"),
            payments: Payments::read(from, "payments"),
            billing: Billing::read(from, "billing"),
            notifications: Notifications::read(from, "notifications"),
            documents: Documents::read(from, "documents"),
            analytics: Analytics::read(from, "analytics"),
            webhooks: Webhooks::read(from, "webhooks"),
            events: Events::read(from, "events"),
            jobs: Jobs::read(from, "jobs"),
            requests: Requests::read(from, "requests"),
            supervision: Supervisions::read(from),
            admin: Admin::read(from, "admin"),
            health: Health::read(from, "health"),
            metrics: Metrics::read(from, "metrics"),
            log: Log::read(from, "log"),
            keys: Keys::read(from, "keys"),
            faults: FaultInjection::read(from, "faults"),
            settings,
            overrides: Overrides::default(),
        }
    }

    /// Whether this process hosts a service.
    pub fn hosts(&self, service: ServiceName) -> bool {
        self.process.services.contains(&service)
    }

    /// The hosted services whose database is on PostgreSQL.
    pub fn hosted_with_postgres(&self) -> Vec<ServiceName> {
        let on_postgres = |service: &ServiceName| {
            let url = self.services.get(*service).database_url.as_ref();
            url.is_some_and(|url| url.expose().starts_with("postgres"))
        };
        self.process.services.iter().copied().filter(on_postgres).collect()
    }
}

/// The environment of this process. A value that is no Unicode is passed on with its bad parts
/// marked, so that the setting it belongs to names it.
#[allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn environment_of_process() -> impl Iterator<Item = (String, String)> {
    let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
    std::env::vars_os().map(move |(name, value)| (text(name), text(value)))
}
