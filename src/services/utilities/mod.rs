//! Utilities (3006): knows providers, meters, readings and tariffs.
//!
//! It has no endpoints yet. It listens, tells how it is, and its inbox keeps the events it hears,
//! so that nothing said today is lost to it.

use busbar_http::{Problem, Routes};

use crate::events::Event;
use crate::services::{OpenError, Service, Setup};
use crate::storage::{Script, Transaction};
use crate::types::ServiceName;

/// The utilities service.
pub struct Utilities;

impl Service for Utilities {
    const NAME: ServiceName = ServiceName::Utilities;
    const IS_DURABLE: bool = false;
    const MIGRATIONS: &'static [Script] = &[];
    type Settings = ();

    async fn open(_: Setup<()>) -> Result<Utilities, OpenError> {
        Ok(Utilities)
    }

    fn routes() -> Routes {
        Routes::new()
    }

    async fn on_event(&self, _: &mut Transaction<'_>, _: &Event) -> Result<(), Problem> {
        Ok(())
    }
}
