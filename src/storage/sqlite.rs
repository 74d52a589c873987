//! SQLite: one writer and several readers on one file, and its errors.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{
    Column, Connection, Executor, SqlSafeStr, Sqlite, SqliteConnection, SqlitePool, Statement as _,
};

use super::file::DatabaseFile;
use super::{
    BEGIN, Durability, FromRow, Meters, PoolStatus, Prepared, Row, Settings, Statement, StoreError,
    Value,
};

const READERS: u32 = 4;
const STATEMENTS_CACHED: usize = 256;
/// For the moment in which two generations of a service write, and for a checkpoint.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// "No limit" of the settings; the pool knows none.
const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
const SQLITE_BUSY: i32 = 5;
const SQLITE_LOCKED: i32 = 6;
const SQLITE_READONLY: i32 = 8;
/// Its file cannot be written or read at the moment: it is there for reading only, the disk has a fault or
/// no room, there is no way to it.
const SQLITE_WITHOUT_DISK: [i32; 4] = [SQLITE_READONLY, 10, 13, 14];

#[derive(Clone)]
pub(super) struct Pools {
    /// One connection: writers queue here rather than in the engine.
    writer: SqlitePool,
    readers: SqlitePool,
    waiting: Arc<AtomicUsize>,
    file: Arc<DatabaseFile>,
    meters: Meters,
}

/// Counts one who waits for a connection, for as long as it lives.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn in_line(count: &Arc<AtomicUsize>) -> Waiting {
        count.fetch_add(1, Ordering::Relaxed);
        Waiting(count.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pools {
    /// Connects lazily.
    pub(super) fn new(file: DatabaseFile, settings: &Settings, meters: Meters) -> Pools {
        let wait = match settings.pool_timeout {
            Duration::ZERO => WAIT_MAX,
            limit => limit,
        };
        // Without ages no task of the pool is bound to the runtime that opened it, and an idle
        // connection to a file costs nothing.
        let pool = |size| {
            SqlitePoolOptions::new()
                .max_connections(size)
                .acquire_timeout(wait)
                .idle_timeout(None)
                .max_lifetime(None)
                .test_before_acquire(false)
        };
        let options = options(&file.path, settings.durability);
        let writer = pool(1).after_release(|connection, _| Box::pin(is_at_rest(connection)));
        Pools {
            writer: writer.connect_lazy_with(options.clone()),
            readers: pool(READERS).connect_lazy_with(options.read_only(true)),
            waiting: Arc::default(),
            file: Arc::new(file),
            meters,
        }
    }

    pub(super) async fn writer(
        &self,
        statement: Statement,
    ) -> Result<PoolConnection<Sqlite>, StoreError> {
        self.got(self.writer.acquire(), statement).await
    }

    async fn reader(&self, statement: Statement) -> Result<PoolConnection<Sqlite>, StoreError> {
        self.got(self.readers.acquire(), statement).await
    }

    /// A transaction that may write from its first moment: one that became a writer later could
    /// only fail when another had been faster.
    pub(super) async fn begin(&self) -> Result<sqlx::Transaction<'static, Sqlite>, StoreError> {
        self.file.check()?;
        self.got(self.writer.begin_with(BEGIN.text), BEGIN).await
    }

    /// What is waited for, and counted while it is.
    async fn got<T>(
        &self,
        wait: impl Future<Output = Result<T, sqlx::Error>>,
        statement: Statement,
    ) -> Result<T, StoreError> {
        let (_waiting, _wait) = (Waiting::in_line(&self.waiting), self.meters.wait());
        let got = wait.await.map_err(|error| fault(statement, error));
        if matches!(got, Err(StoreError::PoolTimeout)) {
            self.meters.no_place.inc();
        }
        got
    }

    pub(super) async fn all<T: FromRow>(
        &self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<Vec<T>, StoreError> {
        let mut reader = self.reader(statement).await?;
        let rows = bind(statement, values).fetch_all(&mut *reader).await;
        made_of(&rows.map_err(|error| reader_fault(statement, error))?, statement)
    }

    pub(super) async fn prepare(&self, statement: Statement) -> Result<Prepared, StoreError> {
        let mut connection = self.writer(statement).await?;
        let prepared = (&mut *connection)
            .prepare(statement.text.into_sql_str())
            .await
            .map_err(|error| fault(statement, error))?;
        Ok(Prepared {
            placeholders: prepared.parameters().map_or(0, |known| known.right_or(0)),
            columns: prepared.columns().iter().map(|column| column.name().to_owned()).collect(),
        })
    }

    pub(super) fn status(&self) -> PoolStatus {
        let sum = |of: fn(&SqlitePool) -> usize| of(&self.writer) + of(&self.readers);
        PoolStatus {
            max: READERS as usize + 1,
            size: sum(|pool| pool.size() as usize),
            // The pool's own count may run below zero for a moment.
            idle: sum(|pool| pool.num_idle().min(pool.size() as usize)),
            waiting: self.waiting.load(Ordering::Relaxed),
        }
    }

    /// Readers first: the last connection to close empties the write-ahead log into the file.
    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Whether a connection that comes back has left its transaction; else it is closed. SQLite ends one by
/// itself when the disk is full or fails, and the driver, which could not end it any more, would begin no
/// other.
async fn is_at_rest(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        // Behind a rollback that is on its way.
        connection.ping().await?;
    }
    let is_at_rest = !connection.is_in_transaction();
    if !is_at_rest {
        log::warn!("SQLite gave a transaction up (is the disk full?): its connection is closed");
    }
    Ok(is_at_rest)
}

fn options(path: &Path, durability: Durability) -> SqliteConnectOptions {
    let synchronous = match durability {
        Durability::Full => SqliteSynchronous::Full,
        Durability::Normal => SqliteSynchronous::Normal,
    };
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS_CACHED)
}

pub(super) async fn all<T: FromRow>(
    connection: &mut SqliteConnection,
    statement: Statement,
    values: &[Value<'_>],
) -> Result<Vec<T>, StoreError> {
    let rows: Vec<SqliteRow> = bind(statement, values)
        .fetch_all(connection)
        .await
        .map_err(|error| fault(statement, error))?;
    made_of(&rows, statement)
}

fn made_of<T: FromRow>(rows: &[SqliteRow], statement: Statement) -> Result<Vec<T>, StoreError> {
    rows.iter().map(|row| T::from_row(&Row::sqlite(row, statement))).collect()
}

pub(super) async fn execute(
    connection: &mut SqliteConnection,
    statement: Statement,
    values: &[Value<'_>],
) -> Result<u64, StoreError> {
    let done = bind(statement, values).execute(connection).await;
    done.map(|done| done.rows_affected()).map_err(|error| fault(statement, error))
}

fn bind<'q>(statement: Statement, values: &[Value<'_>]) -> Query<'q, Sqlite, SqliteArguments> {
    values.iter().fold(sqlx::query(statement.text), |query, value| match value {
        Value::Null => query.bind(None::<i64>),
        Value::Bool(flag) => query.bind(*flag),
        Value::Int(number) => query.bind(*number),
        Value::Real(number) => query.bind(*number),
        Value::Text(text) => query.bind(text.as_ref().to_owned()),
    })
}

pub(super) fn fault(statement: Statement, error: sqlx::Error) -> StoreError {
    let statement = statement.name;
    let what = error.to_string();
    match &error {
        sqlx::Error::Database(database) => {
            let kind = code(database.as_ref()) & 0xff;
            // "UNIQUE constraint failed: users.email"
            let constraint = database.message().rsplit(": ").next().unwrap_or_default().to_owned();
            if database.is_unique_violation() {
                StoreError::Unique { statement, constraint }
            } else if database.is_foreign_key_violation() {
                StoreError::ForeignKey { statement, constraint }
            } else if database.is_check_violation() {
                StoreError::Check { statement, constraint }
            } else if matches!(kind, SQLITE_BUSY | SQLITE_LOCKED) {
                StoreError::Conflict { statement, what }
            } else if SQLITE_WITHOUT_DISK.contains(&kind) {
                StoreError::refused(what)
            } else {
                StoreError::Other { statement, what }
            }
        }
        sqlx::Error::PoolTimedOut => StoreError::PoolTimeout,
        sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => {
            StoreError::unavailable(what)
        }
        _ => StoreError::Other { statement, what },
    }
}

/// A reader is opened for that alone: what is no read is a mistake of ours, whatever the disk is like.
fn reader_fault(statement: Statement, error: sqlx::Error) -> StoreError {
    match error.as_database_error().map(code) {
        Some(SQLITE_READONLY) => {
            StoreError::Other { statement: statement.name, what: error.to_string() }
        }
        _ => fault(statement, error),
    }
}

/// With what SQLite says beyond its kind; zero is none.
fn code(error: &dyn DatabaseError) -> i32 {
    error.code().and_then(|code| code.parse().ok()).unwrap_or(0)
}
