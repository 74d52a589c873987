//! How the pool makes a connection, and whether one is still of use.

use std::io;
use std::time::Duration;

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use deadpool_postgres::ClientWrapper;
use tokio_postgres::{Config, Error, NoTls};
use tokio_rustls::TlsConnector;

use super::driver::Drivers;
use super::faults::told;
use super::watch::Watched;
use super::wire;
use crate::storage::url::Server;

pub(in crate::storage) struct Manager {
    pub(super) server: Server,
    pub(super) config: Config,
    pub(super) encryption: Option<TlsConnector>,
    /// Zero is for ever, for both.
    pub(super) connect_timeout: Duration,
    pub(super) answer_timeout: Duration,
    pub(super) drivers: Drivers,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(in crate::storage) enum NotConnected {
    #[error("no connection: {0}")]
    Socket(io::Error),
    #[error("{}", told(.0))]
    Session(Error),
}

impl managed::Manager for Manager {
    type Type = ClientWrapper;
    type Error = NotConnected;

    /// On the caller's thread, who may give up; with the sockets of the driving one.
    async fn create(&self) -> Result<ClientWrapper, NotConnected> {
        let opened = self.drivers.within(async {
            let limit = super::limit(self.connect_timeout);
            let stream = wire::open(&self.server, self.encryption.as_ref(), limit).await;
            let stream = stream.map_err(NotConnected::Socket)?;
            let watched = Watched::new(stream, super::limit(self.answer_timeout));
            self.config.connect_raw(watched, NoTls).await.map_err(NotConnected::Session)
        });
        let (client, connection) = opened.await?;
        Ok(ClientWrapper::new(client, self.drivers.drive(connection)))
    }

    /// What is due on it from before is the watch's.
    async fn recycle(
        &self,
        client: &mut ClientWrapper,
        _: &Metrics,
    ) -> RecycleResult<NotConnected> {
        match client.is_closed() {
            true => Err(RecycleError::message("closed")),
            false => Ok(()),
        }
    }
}
