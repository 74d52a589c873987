//! Documents (3005): keeps invoices, receipts and what people upload.
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

/// The documents service.
pub struct Documents;

/// What the service needs to know.
#[derive(Clone)]
pub struct Settings {
    pub section: config::Documents,
    /// Where content is kept.
    pub folder: PathBuf,
    /// Links are signed with it. Several instances share it.
    pub secret: [u8; 32],
}

impl Service for Documents {
    const NAME: ServiceName = ServiceName::Documents;
    const IS_DURABLE: bool = false;
    const MIGRATIONS: &'static [Script] = &[];
    type Settings = Settings;

    async fn open(_: Setup<Settings>) -> Result<Documents, OpenError> {
        Ok(Documents)
    }

    fn routes() -> Routes {
        Routes::new()
    }

    async fn on_event(&self, _: &mut Transaction<'_>, _: &Event) -> Result<(), Problem> {
        Ok(())
    }
}
