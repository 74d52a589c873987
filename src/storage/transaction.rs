//! A transaction: the same verbs as the database and `execute`. It commits when its body returns
//! `Ok`, and rolls back on `Err`, on a panic and when it is dropped half way.

use super::postgres::{self, Asking};
use super::shared::Shared;
use super::{COMMIT, FromRow, Statement, StoreError, Value, check_count, sqlite};

/// What writes are made in; see [`Database::transaction`](super::Database::transaction).
pub struct Transaction<'c> {
    inner: Inner<'c>,
    shared: &'c Shared,
    /// The first statement that failed. PostgreSQL refuses all that follows, so later failures say
    /// nothing, and the body may not have passed this one on.
    broken: Option<Broken>,
}

enum Inner<'c> {
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    Postgres(deadpool_postgres::Transaction<'c>, Asking),
}

#[derive(Clone, Copy)]
struct Broken {
    statement: &'static str,
    is_passing: bool,
}

/// How a body ended, and whether it is worth running again.
pub(super) struct Ended<T, E> {
    pub(super) outcome: Result<T, E>,
    pub(super) again: bool,
}

impl<T, E: From<StoreError>> Ended<T, E> {
    pub(super) fn failed(error: StoreError) -> Self {
        Ended { again: error.is_passing(), outcome: Err(error.into()) }
    }

    /// At its commit: what was lost there may have happened.
    fn not_committed(error: StoreError) -> Self {
        let is_open = matches!(error, StoreError::Lost { .. });
        Ended { again: error.is_passing() && !is_open, outcome: Err(error.into()) }
    }
}

impl<'c> Transaction<'c> {
    pub(super) fn sqlite(
        begun: sqlx::Transaction<'static, sqlx::Sqlite>,
        shared: &'c Shared,
    ) -> Self {
        Transaction { inner: Inner::Sqlite(begun), shared, broken: None }
    }

    pub(super) fn postgres(
        begun: deadpool_postgres::Transaction<'c>,
        asking: Asking,
        shared: &'c Shared,
    ) -> Self {
        Transaction { inner: Inner::Postgres(begun, asking), shared, broken: None }
    }

    pub(super) async fn run<T, E: From<StoreError>>(
        mut self,
        body: &impl AsyncFn(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Ended<T, E> {
        let outcome = body(&mut self).await;
        match (outcome, self.broken) {
            (Ok(value), None) => match self.commit().await {
                Ok(()) => Ended { outcome: Ok(value), again: false },
                Err(error) => Ended::not_committed(error),
            },
            // PostgreSQL answers the COMMIT of a failed transaction with a rollback and no error,
            // SQLite would keep the half of it. So it is never sent.
            (Ok(_), Some(Broken { statement, is_passing })) => {
                self.rollback().await;
                let swallowed = StoreError::Swallowed { statement };
                Ended { outcome: Err(swallowed.into()), again: is_passing }
            }
            (Err(error), broken) => {
                self.rollback().await;
                let again = broken.is_some_and(|broken| broken.is_passing);
                Ended { outcome: Err(error), again }
            }
        }
    }

    async fn commit(self) -> Result<(), StoreError> {
        let done = match self.inner {
            Inner::Sqlite(begun) => begun.commit().await.map_err(|e| sqlite::fault(COMMIT, e)),
            Inner::Postgres(begun, _) => {
                begun.commit().await.map_err(|e| postgres::fault(COMMIT, e))
            }
        };
        if let Err(error) = &done {
            self.shared.writing.heed(error);
        }
        // When the answer was lost, or the disk failed half way, it may have happened.
        if done.as_ref().err().is_none_or(StoreError::is_unavailable) {
            self.shared.committed();
        }
        done
    }

    /// Where this fails the connection is gone, and the transaction with it.
    async fn rollback(self) {
        let failed = match self.inner {
            Inner::Sqlite(begun) => begun.rollback().await.err().map(|e| e.to_string()),
            Inner::Postgres(begun, _) => begun.rollback().await.err().map(|e| e.to_string()),
        };
        if let Some(error) = failed {
            log::debug!("a rollback ended with its connection: {error}");
        }
    }

    /// All rows.
    pub async fn all<T: FromRow>(
        &mut self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<Vec<T>, StoreError> {
        let rows = self.try_all(statement, values).await;
        self.note(statement, rows)
    }

    /// The row, if there is one.
    pub async fn optional<T: FromRow>(
        &mut self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<Option<T>, StoreError> {
        Ok(self.all(statement, values).await?.pop())
    }

    /// The row that must be there.
    pub async fn one<T: FromRow>(
        &mut self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<T, StoreError> {
        let row = self.optional(statement, values).await?;
        row.ok_or(StoreError::NoRow { statement: statement.name })
    }

    /// The number of rows changed.
    pub async fn execute(
        &mut self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        let changed = self.try_execute(statement, values).await;
        self.note(statement, changed)
    }

    async fn try_all<T: FromRow>(
        &mut self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<Vec<T>, StoreError> {
        check_count(statement, values)?;
        match &mut self.inner {
            Inner::Sqlite(begun) => sqlite::all(begun, statement, values).await,
            Inner::Postgres(begun, asking) => {
                let kept = keep(begun, *asking, statement).await?;
                postgres::all(&**begun, kept, statement, values).await
            }
        }
    }

    async fn try_execute(
        &mut self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        check_count(statement, values)?;
        match &mut self.inner {
            Inner::Sqlite(begun) => sqlite::execute(begun, statement, values).await,
            Inner::Postgres(begun, asking) => {
                let kept = keep(begun, *asking, statement).await?;
                postgres::execute(&**begun, kept, statement, values).await
            }
        }
    }

    fn note<T>(
        &mut self,
        statement: Statement,
        done: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if let Err(error) = &done {
            let is_passing = error.is_passing();
            self.shared.writing.heed(error);
            self.broken.get_or_insert(Broken { statement: statement.name, is_passing });
        }
        done
    }
}

async fn keep(
    begun: &deadpool_postgres::Transaction<'_>,
    asking: Asking,
    statement: Statement,
) -> Result<Option<tokio_postgres::Statement>, StoreError> {
    match asking {
        Asking::Unnamed => Ok(None),
        Asking::Prepared => match begun.prepare_cached(statement.text).await {
            Ok(kept) => Ok(Some(kept)),
            Err(error) => Err(postgres::fault(statement, error)),
        },
    }
}
