//! The one place that knows two engines: a service's database on SQLite or on PostgreSQL.
//!
//! Reads take `&Database`, writes take `&mut Transaction`. One SQL text serves both engines, in a
//! common dialect; `migrations/README.md` has the rules, `tests/it/storage.rs` prepares every
//! statement on both.

mod closing;
mod encryption;
mod error;
mod file;
mod meters;
mod migrate;
mod postgres;
mod row;
mod shared;
mod sql;
mod sqlite;
mod transaction;
mod types;
mod url;
mod value;
pub mod writing;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

pub use self::closing::Closing;
pub use self::error::{OnUnique, StoreError};
pub use self::meters::Meters;
pub use self::migrate::Script;
pub use self::row::{Field, FromRow, Row};
pub use self::sql::Statement;
pub use self::transaction::Transaction;
pub use self::url::{PostgresTarget, Target, UrlFault};
pub use self::value::{FromValue, ToValue, Value};
pub use crate::{params, record, sql, stored_as_text};

use self::file::DatabaseFile;
use self::shared::Shared;
use self::transaction::Ended;

const BEGIN: Statement = Statement::new("BEGIN", "BEGIN IMMEDIATE");
const COMMIT: Statement = Statement::new("COMMIT", "COMMIT");
const PING: Statement = Statement::new("PING", "SELECT 1 AS value");

/// A body is run this often when others stand in its way, with longer and longer waits between.
const TRIES_MAX: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(10);

/// How a database is used. What the URL says wins.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// PostgreSQL connections of one service; SQLite has one writer and four readers.
    pub connection_limit: u32,
    /// How long to wait for a free connection; zero is for ever.
    pub pool_timeout: Duration,
    /// How long a new connection may take; zero is for ever.
    pub connect_timeout: Duration,
    /// How long PostgreSQL works on one statement; zero is for ever. Behind PgBouncer the server's
    /// own setting holds. A connection that is silent for five seconds longer is given up.
    pub statement_timeout: Duration,
    /// Whether the pool's URL leads to PgBouncer in transaction mode.
    pub use_pgbouncer: bool,
    pub durability: Durability,
}

/// What SQLite does at a commit. PostgreSQL is as its server is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Durability {
    /// Waits for the disk: for money and accounts.
    Full,
    /// The last commits may be lost with the machine's power, never with the process.
    Normal,
}

/// The connections of a pool at this moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PoolStatus {
    pub max: usize,
    pub size: usize,
    pub idle: usize,
    pub waiting: usize,
}

/// What an engine makes of a statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    pub placeholders: usize,
    pub columns: Vec<String>,
}

/// One service's database. Cloned freely; belongs to the runtime that opened it.
#[derive(Clone)]
pub struct Database {
    engine: Engine,
    target: Arc<Target>,
    shared: Arc<Shared>,
    /// For metrics, as is `pool_status`.
    pub meters: Meters,
}

#[derive(Clone)]
enum Engine {
    Sqlite(sqlite::Pools),
    Postgres(postgres::Connections),
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            connection_limit: 20,
            pool_timeout: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(10),
            use_pgbouncer: false,
            durability: Durability::Full,
        }
    }
}

impl Database {
    /// Opens a database: makes and locks the file, or prepares the pool. A server is first spoken
    /// to when it is needed, and may be down now.
    ///
    /// Opened again in this process, as during a planned restart, it has connections of its own
    /// and shares the file's lock and the count of commits.
    pub async fn open(
        service: &str,
        target: &Target,
        settings: &Settings,
    ) -> Result<Database, StoreError> {
        let settings = target.settings(settings);
        let meters = Meters::new(service)?;
        let (engine, shared) = match target {
            Target::Sqlite(path) => {
                let file = DatabaseFile::create(path)?;
                let shared = Shared::of_file(&file.path)?;
                let pools = sqlite::Pools::new(file, &settings, meters.clone());
                // The first connection turns on the write-ahead log, before a reader comes.
                drop(pools.writer(PING).await?);
                (Engine::Sqlite(pools), shared)
            }
            Target::Postgres(postgres) => {
                let connections =
                    postgres::Connections::new(service, postgres, settings, meters.clone())?;
                (Engine::Postgres(connections), Shared::of_server(&target.to_string()))
            }
        };
        Ok(Database { engine, target: Arc::new(target.clone()), shared, meters })
    }

    /// Brings the schema up to date. Safe to run from several processes at once.
    pub async fn migrate(&self, scripts: &[Script]) -> Result<(), StoreError> {
        match &self.engine {
            Engine::Sqlite(pools) => {
                migrate::sqlite(&self.target.to_string(), pools, scripts).await
            }
            Engine::Postgres(connections) => {
                migrate::postgres(&connections.target, &connections.settings, scripts).await
            }
        }
    }

    /// Whether no other process can be at work in it, now or while this one lives.
    pub fn is_held_alone(&self) -> bool {
        matches!(self.engine, Engine::Sqlite(_))
    }

    /// Where the database is, for people: without the password.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// All rows. For reading only: a change belongs into a transaction.
    pub async fn all<T: FromRow>(
        &self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<Vec<T>, StoreError> {
        check_count(statement, values)?;
        match &self.engine {
            Engine::Sqlite(pools) => pools.all(statement, values).await,
            Engine::Postgres(connections) => connections.all(statement, values).await,
        }
    }

    /// The row, if there is one.
    pub async fn optional<T: FromRow>(
        &self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<Option<T>, StoreError> {
        Ok(self.all(statement, values).await?.pop())
    }

    /// The row that must be there.
    pub async fn one<T: FromRow>(
        &self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<T, StoreError> {
        let row = self.optional(statement, values).await?;
        row.ok_or(StoreError::NoRow { statement: statement.name })
    }

    /// Commits when `body` returns `Ok`; rolls back on `Err`, on a panic and when dropped half way.
    ///
    /// After a conflict, and when the connection is lost before the commit, `body` runs again from
    /// the start, so it cannot change or give away what it captures. A body with `?` ends in
    /// `Ok::<_, Problem>(…)`. The future is not `Send`: it runs in handlers and in `actix_rt::spawn`.
    pub async fn transaction<T, E, F>(&self, body: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: AsyncFn(&mut Transaction<'_>) -> Result<T, E>,
    {
        let mut wait = FIRST_WAIT;
        for _ in 1..TRIES_MAX {
            let ended = self.attempt(&body).await;
            if !ended.again {
                return ended.outcome;
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        self.attempt(&body).await.outcome
    }

    async fn attempt<T, E, F>(&self, body: &F) -> Ended<T, E>
    where
        E: From<StoreError>,
        F: AsyncFn(&mut Transaction<'_>) -> Result<T, E>,
    {
        match &self.engine {
            Engine::Sqlite(pools) => match pools.begin().await {
                Ok(begun) => Transaction::sqlite(begun, &self.shared).run(body).await,
                Err(error) => {
                    self.shared.writing.heed(&error);
                    Ended::failed(error)
                }
            },
            Engine::Postgres(connections) => {
                let mut client = match connections.get().await {
                    Ok(client) => client,
                    Err(error) => return Ended::failed(error),
                };
                match client.transaction().await {
                    Ok(begun) => {
                        let asking = connections.asking;
                        Transaction::postgres(begun, asking, &self.shared).run(body).await
                    }
                    Err(error) => Ended::failed(postgres::fault(BEGIN, error)),
                }
            }
        }
    }

    /// A number that changes after each transaction this process commits to this database.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.shared.commits()
    }

    /// Whether the database answers within the limit.
    pub async fn ping(&self, limit: Duration) -> Result<(), StoreError> {
        match tokio::time::timeout(limit, self.one::<(i64,)>(PING, params![])).await {
            Ok(answer) => answer.map(|_| ()),
            Err(_) => {
                let limit_ms = limit.as_millis();
                Err(StoreError::unavailable(format!("no answer within {limit_ms} ms")))
            }
        }
    }

    /// What the engine makes of a statement, or why it is outside the dialect.
    pub async fn prepare(&self, statement: Statement) -> Result<Prepared, StoreError> {
        match &self.engine {
            Engine::Sqlite(pools) => pools.prepare(statement).await,
            Engine::Postgres(connections) => connections.prepare(statement).await,
        }
    }

    /// The connections at this moment, for metrics.
    pub fn pool_status(&self) -> PoolStatus {
        match &self.engine {
            Engine::Sqlite(pools) => pools.status(),
            Engine::Postgres(connections) => connections.status(),
        }
    }
}

/// SQLite would take a missing value for NULL.
fn check_count(statement: Statement, values: &[Value<'_>]) -> Result<(), StoreError> {
    if statement.placeholders() == values.len() {
        return Ok(());
    }
    let what = format!("{} placeholders, {} values", statement.placeholders(), values.len());
    Err(StoreError::Other { statement: statement.name, what })
}
