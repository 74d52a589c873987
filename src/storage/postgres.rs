//! PostgreSQL: the pool, and statements prepared and kept, or unnamed behind PgBouncer.

mod driver;
mod faults;
mod manager;
mod watch;
mod wire;

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Object, Pool, PoolError, TimeoutType};
use tokio_postgres::config::SslMode;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Config, GenericClient};

use self::driver::Drivers;
pub(super) use self::faults::fault;
use self::faults::not_connected;
use self::manager::Manager;
use super::url::{PostgresTarget, Server};
use super::value::{is_portable, not_portable};
use super::{FromRow, Meters, PoolStatus, Prepared, Row, Settings, Statement, StoreError, Value};

/// A server that lives has given a statement up by then, and said so.
const ANSWER_GRACE: Duration = Duration::from_secs(5);

/// How the server is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Asking {
    /// Prepared once on each connection and kept.
    Prepared,
    /// In one round trip without a name: PgBouncer may give the next one another server.
    Unnamed,
}

#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool<Manager>,
    drivers: Drivers,
    pub(super) asking: Asking,
    pub(super) target: Arc<PostgresTarget>,
    pub(super) settings: Settings,
    meters: Meters,
}

impl Connections {
    /// Connects lazily, so a server may come up later.
    pub(super) fn new(
        service: &str,
        target: &PostgresTarget,
        settings: Settings,
        meters: Meters,
    ) -> Result<Connections, StoreError> {
        if settings.use_pgbouncer && target.direct.is_none() {
            return Err(no_direct_url(service));
        }
        let asking = if settings.use_pgbouncer { Asking::Unnamed } else { Asking::Prepared };
        let config = config(service, &target.server, &settings, asking)?;
        let drivers = Drivers::new()?;
        let manager = Manager {
            server: target.server.clone(),
            config,
            encryption: target.server.encryption.connector().map_err(|what| {
                StoreError::Misconfigured { what: format!("{}: {what}", target.server) }
            })?,
            connect_timeout: settings.connect_timeout,
            answer_timeout: answer_timeout(settings.statement_timeout),
            drivers: drivers.clone(),
        };
        let pool = Pool::builder(manager)
            .max_size(settings.connection_limit.max(1) as usize)
            .wait_timeout(limit(settings.pool_timeout))
            .create_timeout(limit(settings.connect_timeout))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| StoreError::Misconfigured { what: error.to_string() })?;
        let target = Arc::new(target.clone());
        Ok(Connections { pool, drivers, asking, target, settings, meters })
    }

    pub(super) async fn get(&self) -> Result<Object<Manager>, StoreError> {
        let _wait = self.meters.wait();
        self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(TimeoutType::Wait) => {
                self.meters.no_place.inc();
                StoreError::PoolTimeout
            }
            PoolError::Timeout(_) => {
                self.meters.no_connection.inc();
                let limit_ms = self.settings.connect_timeout.as_millis();
                StoreError::unavailable(format!("no connection within {limit_ms} ms"))
            }
            PoolError::Backend(error) => not_connected(&error),
            other => StoreError::unavailable(other),
        })
    }

    /// Once more when its connection is lost: the server may have ended it since its last use. It
    /// only reads.
    pub(super) async fn all<T: FromRow>(
        &self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<Vec<T>, StoreError> {
        match self.try_all(statement, values).await {
            Err(StoreError::Lost { .. }) => self.try_all(statement, values).await,
            done => done,
        }
    }

    async fn try_all<T: FromRow>(
        &self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<Vec<T>, StoreError> {
        let client = self.get().await?;
        let kept = match self.asking {
            Asking::Unnamed => None,
            Asking::Prepared => Some(client.prepare_cached(statement.text).await),
        };
        let kept = kept.transpose().map_err(|error| fault(statement, error))?;
        all(&**client, kept, statement, values).await
    }

    pub(super) async fn prepare(&self, statement: Statement) -> Result<Prepared, StoreError> {
        let client = self.get().await?;
        let prepared = client.prepare(statement.text).await;
        let prepared = prepared.map_err(|error| fault(statement, error))?;
        for column in prepared.columns() {
            if !is_portable(column.type_()) {
                return Err(StoreError::Column {
                    statement: statement.name,
                    column: column.name().to_owned(),
                    what: not_portable(column.type_().name()),
                });
            }
        }
        Ok(Prepared {
            placeholders: prepared.params().len(),
            columns: prepared.columns().iter().map(|column| column.name().to_owned()).collect(),
        })
    }

    pub(super) fn status(&self) -> PoolStatus {
        let status = self.pool.status();
        PoolStatus {
            max: status.max_size,
            size: status.size,
            idle: status.available,
            waiting: status.waiting,
        }
    }

    /// Also of what is still in use: that of a thread that is blocked would stay open with it.
    pub(super) fn close(&self) {
        self.pool.close();
        self.drivers.end();
    }

    pub(super) fn end_after(&self, wait: Duration) {
        self.drivers.end_after(wait);
    }
}

fn no_direct_url(service: &str) -> StoreError {
    StoreError::Misconfigured {
        what: format!(
            "the database of {service} is reached through PgBouncer, and migrations cannot be: \
             give the server's own URL, too (…_SERVICE_DIRECT_URL)"
        ),
    }
}

/// Zero means no limit.
fn limit(duration: Duration) -> Option<Duration> {
    (!duration.is_zero()).then_some(duration)
}

/// How long a server may say nothing while an answer is due; without a limit for statements, for ever.
fn answer_timeout(statement_timeout: Duration) -> Duration {
    limit(statement_timeout).map_or(Duration::ZERO, |limit| limit + ANSWER_GRACE)
}

fn config(
    service: &str,
    server: &Server,
    settings: &Settings,
    asking: Asking,
) -> Result<Config, StoreError> {
    let own_name = format!("busbar-{service}");
    let application_name = server.application_name.as_deref().unwrap_or(&own_name);
    let mut config = Config::new();
    config
        .user(&server.user)
        .dbname(&server.database)
        .application_name(application_name)
        .ssl_mode(SslMode::Disable);
    if let Some(password) = &server.password {
        config.password(password);
    }
    let options = session_options(server, settings, asking)?;
    if !options.is_empty() {
        config.options(options);
    }
    Ok(config)
}

/// What each session starts with. The time limit is the bound on how long the next user of a
/// connection waits for a statement that was abandoned, and on how long others wait for the locks of
/// a transaction whose thread is blocked.
///
/// PgBouncer refuses such options and hands sessions around, so there all are a matter of the
/// server: `ALTER ROLE … SET statement_timeout = …` and `SET search_path = …`.
fn session_options(
    server: &Server,
    settings: &Settings,
    asking: Asking,
) -> Result<String, StoreError> {
    let mut options = String::new();
    let schema = server.schema.as_deref().filter(|schema| *schema != "public");
    match (asking, schema) {
        (Asking::Unnamed, None) => {}
        (Asking::Unnamed, Some(schema)) => {
            return Err(StoreError::Misconfigured {
                what: format!(
                    "{server}: behind PgBouncer a schema cannot be chosen by the URL; remove it \
                     there and run ALTER ROLE {} SET search_path = {schema} on the server",
                    server.user
                ),
            });
        }
        (Asking::Prepared, schema) => {
            let limit_ms = settings.statement_timeout.as_millis();
            let _ = write!(options, "-c statement_timeout={limit_ms}");
            let _ = write!(options, " -c idle_in_transaction_session_timeout={limit_ms}");
            if let Some(schema) = schema {
                let _ = write!(options, " -c search_path={schema}");
            }
        }
    }
    Ok(options)
}

pub(super) async fn all<T: FromRow>(
    client: &impl GenericClient,
    kept: Option<tokio_postgres::Statement>,
    statement: Statement,
    values: &[Value<'_>],
) -> Result<Vec<T>, StoreError> {
    let rows = match kept {
        Some(kept) => client.query(&kept, &plain(values)).await,
        None => client.query_typed(statement.text, &untyped(values)).await,
    };
    let rows = rows.map_err(|error| fault(statement, error))?;
    rows.iter().map(|row| T::from_row(&Row::postgres(row, statement))).collect()
}

pub(super) async fn execute(
    client: &impl GenericClient,
    kept: Option<tokio_postgres::Statement>,
    statement: Statement,
    values: &[Value<'_>],
) -> Result<u64, StoreError> {
    let done = match kept {
        Some(kept) => client.execute(&kept, &plain(values)).await,
        None => client.execute_typed(statement.text, &untyped(values)).await,
    };
    done.map_err(|error| fault(statement, error))
}

fn plain<'a>(values: &'a [Value<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| value as _).collect()
}

fn untyped<'a>(values: &'a [Value<'a>]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    values.iter().map(|value| (value as _, Type::UNKNOWN)).collect()
}
