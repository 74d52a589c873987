//! Notifications (3004): tells people what happened to their bills and payments.
//!
//! It has no endpoints yet. It listens, tells how it is, and its inbox keeps the events it hears,
//! so that nothing said today is lost to it.

use std::path::PathBuf;

use busbar_http::{Problem, Routes};

use crate::config;
use crate::events::Event;
use crate::services::{OpenError, Service, Setup};
use crate::storage::{Script, Transaction};
use crate::types::ServiceName;

/// The notifications service.
pub struct Notifications;

/// What the service needs to know.
#[derive(Clone)]
pub struct Settings {
    pub section: config::Notifications,
    /// Where mail is put while there is no mail server.
    pub mailbox: PathBuf,
    /// Where people reach the gateway.
    pub public_url: String,
}

impl Service for Notifications {
    const NAME: ServiceName = ServiceName::Notifications;
    const IS_DURABLE: bool = false;
    const MIGRATIONS: &'static [Script] = &[];
    type Settings = Settings;

    async fn open(_: Setup<Settings>) -> Result<Notifications, OpenError> {
        Ok(Notifications)
    }

    fn routes() -> Routes {
        Routes::new()
    }

    async fn on_event(&self, _: &mut Transaction<'_>, _: &Event) -> Result<(), Problem> {
        Ok(())
    }
}
