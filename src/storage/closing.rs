//! How a database is let go of.

use std::time::Duration;

use super::{Database, Engine};

/// After a life that fell, before its connections are ended: its other threads end by themselves,
/// and until then tell nobody of a lost connection.
const FALL: Duration = Duration::from_secs(2);

/// Ends the connections to a server when it is dropped, a while later; see [`Database::closing`].
pub struct Closing(Database);

impl Database {
    /// Closes what is idle and refuses new work. Waits for SQLite connections that are in use; those to a
    /// server are ended, and what is open on them is rolled back.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite(pools) => pools.close().await,
            Engine::Postgres(connections) => connections.close(),
        }
    }

    /// For a life that may fall before it closes anything: a thread of it that is blocked would keep
    /// its connections, and the locks of what is open on them.
    pub fn closing(&self) -> Closing {
        Closing(self.clone())
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        if let Engine::Postgres(connections) = &self.0.engine {
            connections.end_after(FALL);
        }
    }
}
