//! The databases of hosted services: where they are, and how they are opened.

use std::time::{Duration, Instant};

use crate::services::{OpenError, Service};
use crate::storage::{Database, Durability, Script, Settings, StoreError, Target};
use crate::types::ServiceName;

use super::Host;

/// The common part of every service's schema.
const COMMON: &[Script] = &[
    Script {
        version: 1,
        name: "common/0001_events",
        text: include_str!("../../migrations/common/0001_events.sql"),
    },
    Script {
        version: 2,
        name: "common/0002_jobs",
        text: include_str!("../../migrations/common/0002_jobs.sql"),
    },
    Script {
        version: 3,
        name: "common/0003_own_keys",
        text: include_str!("../../migrations/common/0003_own_keys.sql"),
    },
    Script {
        version: 4,
        name: "common/0004_lanes",
        text: include_str!("../../migrations/common/0004_lanes.sql"),
    },
    Script {
        version: 5,
        name: "common/0005_write_trials",
        text: include_str!("../../migrations/common/0005_write_trials.sql"),
    },
];

/// How long a start waits for a database that is not there, as a part of the start's own limit.
const DATABASE_WAIT_PART: f64 = 0.6;
/// How often it is tried meanwhile.
const DATABASE_RETRY: Duration = Duration::from_millis(250);

impl Host {
    /// Where a service keeps its data.
    pub fn target(&self, name: ServiceName) -> Result<Target, OpenError> {
        let service = self.config.services.get(name);
        match &service.database_url {
            None => Ok(Target::file(&self.config.process.data_dir, name.as_str())),
            Some(url) => {
                let direct = service.direct_url.as_ref().map(|direct| direct.expose());
                Ok(Target::parse(url.expose(), direct)?)
            }
        }
    }

    /// Opens a service's database and brings its schema up to date. One that is not there yet is
    /// waited for, within the time of a start.
    pub async fn database<S: Service>(&self) -> Result<Database, OpenError> {
        let target = self.target(S::NAME)?;
        let settings = self.database_settings(S::IS_DURABLE);
        let scripts = [COMMON, S::MIGRATIONS].concat();
        let wait = Duration::from_millis(self.config.supervision.of(S::NAME).start_timeout_ms)
            .mul_f64(DATABASE_WAIT_PART);
        let start = Instant::now();
        loop {
            let opened = async {
                let database = Database::open(S::NAME.as_str(), &target, &settings).await?;
                database.migrate(&scripts).await?;
                Ok::<_, StoreError>(database)
            };
            match opened.await {
                Ok(database) => return Ok(database),
                Err(error) if error.is_unavailable() && start.elapsed() < wait => {
                    log::warn!("{} waits for its database", S::NAME);
                    actix_rt::time::sleep(DATABASE_RETRY).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(super) fn database_settings(&self, is_durable: bool) -> Settings {
        let database = &self.config.database;
        Settings {
            connection_limit: database.connection_limit,
            pool_timeout: Duration::from_secs(database.pool_timeout_seconds),
            connect_timeout: Duration::from_secs(database.connect_timeout_seconds),
            use_pgbouncer: database.use_pgbouncer,
            durability: if is_durable { Durability::Full } else { Durability::Normal },
            ..Settings::default()
        }
    }
}
