//! Webhooks (3008): tells other systems what happened.
//!
//! It has no endpoints yet. It listens, tells how it is, and its inbox keeps the events it hears,
//! so that nothing said today is lost to it.

use busbar_http::{Problem, Routes};

use crate::config;
use crate::events::Event;
use crate::services::{OpenError, Service, Setup};
use crate::storage::{Script, Transaction};
use crate::types::ServiceName;

/// The webhooks service.
pub struct Webhooks;

/// What the service needs to know.
#[derive(Clone)]
pub struct Settings {
    pub section: config::Webhooks,
    /// What is kept of endpoints' secrets is encrypted under it. Several instances share it.
    pub secret: [u8; 32],
}

impl Service for Webhooks {
    const NAME: ServiceName = ServiceName::Webhooks;
    const IS_DURABLE: bool = false;
    const MIGRATIONS: &'static [Script] = &[];
    type Settings = Settings;

    async fn open(_: Setup<Settings>) -> Result<Webhooks, OpenError> {
        Ok(Webhooks)
    }

    fn routes() -> Routes {
        Routes::new()
    }

    async fn on_event(&self, _: &mut Transaction<'_>, _: &Event) -> Result<(), Problem> {
        Ok(())
    }
}
