//! Utilities (3006): knows providers, service accounts, meters, readings and tariffs.
//!
//! Staff keep the directory and deliver readings; a suspect one is held until somebody decides.
//! Billing asks what was used in a period (`/internal/usage`) and says which readings a bill was
//! made from. Reading order: `model/provider`, `model/account`, `model/meter`, `model/reading`
//! (the words), `rollover` (can a reading be true), `verdict` (what becomes of a delivery),
//! `boundary` (which reading stands for a local midnight), `handlers`, `events`, `store`.
//!
//! Not here yet: interval data, estimation, calendars, fetched bills,
//! complaints.

mod boundary;
mod events;
mod handlers;
mod meters;
mod model;
mod problem;
mod rollover;
mod routes;
mod store;
mod verdict;

use busbar_http::{Kind, Metrics, Problem, Routes};

use crate::events::Event;
use crate::services::{OpenError, Service, Setup};
use crate::storage::{Database, Script, Statement, StoreError, Transaction};
use crate::types::{Clock, ServiceName};

use self::meters::Meters;

/// The utilities service.
pub struct Utilities {
    database: Database,
    clock: Clock,
    meters: Meters,
}

impl Utilities {
    /// How many readings wait, read anew: it is told to those who watch.
    async fn look_at_held(&self) -> Result<(), StoreError> {
        self.meters.observe_held(store::reading::held_count(&self.database).await?);
        Ok(())
    }
}

impl Service for Utilities {
    const NAME: ServiceName = ServiceName::Utilities;
    /// Bills are made from readings: one that was taken in is not lost.
    const IS_DURABLE: bool = true;
    const MIGRATIONS: &'static [Script] = &[
        Script {
            version: 100,
            name: "utilities/0100_providers",
            text: include_str!("../../../migrations/utilities/0100_providers.sql"),
        },
        Script {
            version: 101,
            name: "utilities/0101_accounts",
            text: include_str!("../../../migrations/utilities/0101_accounts.sql"),
        },
        Script {
            version: 102,
            name: "utilities/0102_meters",
            text: include_str!("../../../migrations/utilities/0102_meters.sql"),
        },
        Script {
            version: 103,
            name: "utilities/0103_boundaries",
            text: include_str!("../../../migrations/utilities/0103_boundaries.sql"),
        },
    ];
    type Settings = ();

    async fn open(setup: Setup<()>) -> Result<Utilities, OpenError> {
        let Setup { database, clock, .. } = setup;
        let utilities = Utilities { database, clock, meters: Meters::new()? };
        utilities.look_at_held().await?;
        Ok(utilities)
    }

    fn routes() -> Routes {
        routes::all()
    }

    /// It keeps what it hears in its inbox, and acts on nothing yet.
    async fn on_event(&self, _: &mut Transaction<'_>, _: &Event) -> Result<(), Problem> {
        Ok(())
    }

    fn measure(&self, metrics: &Metrics) -> Result<(), prometheus::Error> {
        self.meters.register(metrics)
    }

    fn problems() -> &'static [Kind] {
        problem::PROBLEMS
    }

    fn statements() -> Vec<&'static [Statement]> {
        store::statements()
    }
}
