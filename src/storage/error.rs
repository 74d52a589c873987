//! What can go wrong with storage, told apart as far as callers act on it.

/// A failed statement, transaction or connection. Never holds a password or a stored text.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A key is taken. The constraint is named as the engine names it: for people, not for code.
    #[error("{statement}: not unique ({constraint})")]
    Unique { statement: &'static str, constraint: String },
    /// A row refers to one that does not exist, or is still referred to.
    #[error("{statement}: refers to nothing ({constraint})")]
    ForeignKey { statement: &'static str, constraint: String },
    /// A `CHECK` of the table refused the row.
    #[error("{statement}: refused by a check ({constraint})")]
    Check { statement: &'static str, constraint: String },
    /// Another transaction stood in the way, and still did after all tries.
    #[error("{statement}: conflict with another transaction: {what}")]
    Conflict { statement: &'static str, what: String },
    /// The server gave the statement up at its time limit.
    #[error("{statement}: given up by the server: {what}")]
    TooSlow { statement: &'static str, what: String },
    /// A column is missing, or holds what its type cannot be.
    #[error("{statement}: column {column}: {what}")]
    Column { statement: &'static str, column: String, what: String },
    /// `one` found no row.
    #[error("{statement}: one row was due, none came")]
    NoRow { statement: &'static str },
    /// The body of a transaction went on after a failed statement and asked to commit.
    #[error("{statement} had failed, and its transaction was to be committed")]
    Swallowed { statement: &'static str },
    /// No database at the other end.
    #[error("database unavailable: {what}")]
    Unavailable { what: String },
    /// The database is there and cannot: its disk is full or fails, or it only reads.
    #[error("database unavailable: {what}")]
    Refused { what: String },
    /// A connection broke off with a statement under way. A `COMMIT` that ends so may have happened.
    #[error("database unavailable: {what}")]
    Lost { what: String },
    /// Every connection was in use for as long as `DB_POOL_TIMEOUT_SECONDS` allows.
    #[error("no database connection came free in time")]
    PoolTimeout,
    /// The settings contradict each other; the text says what to change.
    #[error("{what}")]
    Misconfigured { what: String },
    /// The schema could not be brought up to date.
    #[error("migration of {database}: {what}")]
    Migration { database: String, what: String },
    /// Anything else, in the driver's words.
    #[error("{statement}: {what}")]
    Other { statement: &'static str, what: String },
}

impl StoreError {
    pub(super) fn unavailable(what: impl ToString) -> Self {
        StoreError::Unavailable { what: what.to_string() }
    }

    pub(super) fn refused(what: impl ToString) -> Self {
        StoreError::Refused { what: what.to_string() }
    }

    /// Whether the database is away or cannot, whatever it was asked.
    pub(crate) fn is_unavailable(&self) -> bool {
        matches!(
            self,
            StoreError::Unavailable { .. } | StoreError::Refused { .. } | StoreError::Lost { .. }
        )
    }

    /// Whether the same may succeed when it is run again at once: another connection was in the way,
    /// or this one is gone.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, StoreError::Conflict { .. } | StoreError::Lost { .. })
    }
}

/// Answers a taken key, where only one key can be meant.
pub trait OnUnique<T> {
    /// Turns [`StoreError::Unique`] into the caller's own error, and others by `From`.
    ///
    /// Into another error only: the transaction has failed and cannot go on. To go on,
    /// say `ON CONFLICT (…) DO NOTHING` and look at the row count.
    fn on_unique<E: From<StoreError>>(self, taken: impl FnOnce() -> E) -> Result<T, E>;
}

impl<T> OnUnique<T> for Result<T, StoreError> {
    fn on_unique<E: From<StoreError>>(self, taken: impl FnOnce() -> E) -> Result<T, E> {
        self.map_err(|error| match error {
            StoreError::Unique { .. } => taken(),
            other => E::from(other),
        })
    }
}
