//! Analytics (3007): turns events into figures and reports, for staff.
//!
//! Each event that is heard becomes a fact, and is added to sums by quarter hours and days, in the
//! transaction that takes it in. Days are those of the zone that a report asks for. What payments
//! and bills come to is what the ledger says, to the cent: `owed` is issued less voided less paid.
//! Facts happen when their event did, by its producer's clock; `lag_s` says how long after that the
//! last one was heard. All can be built anew from the inbox, which keeps every event.
//!
//! Reading order: `model/fact`, `events` (what is read), `taking` (how it is entered), `fold` (days
//! of zones), `store`, `report` (what is made of it), `chart`, `export`, `handlers`, `rebuild`.

mod chart;
mod events;
mod export;
mod fold;
mod handlers;
mod measure;
mod meters;
mod model;
mod problem;
mod rebuild;
mod report;
mod store;
mod taking;

use std::sync::Arc;
use std::time::Duration;

use busbar_http::{About, Kind, Metrics, Problem, Routes, about};
use tokio::sync::Semaphore;

use crate::events::Event;
use crate::jobs::Handlers;
use crate::services::{OpenError, Service, Setup};
use crate::storage::{Database, Script, Statement, Transaction};
use crate::types::{Clock, ServiceName};

use self::handlers::{aging, collections, dashboard, payments, revenue, seconds};
use self::meters::Meters;
use self::model::generation::RebuildView;
use self::report::aging::AgingReport;
use self::report::collections::CollectionsReport;
use self::report::dashboard::DashboardReport;
use self::report::revenue::RevenueReport;
use self::report::success::SuccessReport;

const FROM: (&str, &str) = ("from", "The first day; thirty days before `to` if not said");
const TO: (&str, &str) = ("to", "The first day after the period; tomorrow if not said");
const TZ: (&str, &str) = ("tz", "The zone of the days, such as America/Chicago; UTC if not said");
const CURRENCY: (&str, &str) = ("currency", "Only of this currency");
const FORMAT: (&str, &str) = ("format", "`json`, `csv` or `svg`; `json` if not said");
const DASHBOARD_QUERY: &[(&str, &str)] = &[TZ, FORMAT];
const REVENUE_QUERY: &[(&str, &str)] = &[
    FROM,
    TO,
    ("granularity", "`day` or `month`; `day` if not said"),
    ("group_by", "`provider` or `method`"),
    CURRENCY,
    TZ,
    FORMAT,
];
const AGING_QUERY: &[(&str, &str)] =
    &[("as_of", "The day at whose end; today, as it is now, if not said"), CURRENCY, TZ, FORMAT];
const SUCCESS_QUERY: &[(&str, &str)] =
    &[FROM, TO, ("group_by", "`method`, `reason` or `provider`"), CURRENCY, TZ, FORMAT];
const COLLECTIONS_QUERY: &[(&str, &str)] = &[FROM, TO, CURRENCY, TZ, FORMAT];
/// Reports made at the same time, and never by more than half of the connections: the other half is
/// for events, rebuilds and questions for health.
const REPORTS_MAX: usize = 4;
/// The forms of a report besides JSON.
const FORMS: &[&str] = &["text/csv", "image/svg+xml"];

/// The analytics service.
pub struct Analytics {
    database: Database,
    clock: Clock,
    settings: Settings,
    meters: Meters,
    /// A place for each report that is being made.
    places: Arc<Semaphore>,
}

/// What may be set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long making one report may take, with the wait for its turn.
    pub report_wait: Duration,
    /// The most rows that one report is made of.
    pub report_rows_max: u32,
}

impl Service for Analytics {
    const NAME: ServiceName = ServiceName::Analytics;
    const IS_DURABLE: bool = false;
    const MIGRATIONS: &'static [Script] = &[Script {
        version: 100,
        name: "analytics/0100_init",
        text: include_str!("../../../migrations/analytics/0100_init.sql"),
    }];
    type Settings = Settings;

    async fn open(setup: Setup<Settings>) -> Result<Analytics, OpenError> {
        let Setup { database, clock, settings, .. } = setup;
        let places = (database.pool_status().max / 2).clamp(1, REPORTS_MAX);
        let places = Arc::new(Semaphore::new(places));
        let analytics = Analytics { database, clock, settings, meters: Meters::new()?, places };
        rebuild::catch_up(&analytics).await?;
        Ok(analytics)
    }

    fn routes() -> Routes {
        report_routes()
            .post(
                "/analytics/rebuild",
                about("Build all figures anew from the events that were heard")
                    .admin()
                    .gives::<RebuildView>()
                    .status(202),
                handlers::rebuild::begin,
            )
            .get(
                "/analytics/rebuild",
                about("How far a rebuild has come").staff().gives::<RebuildView>(),
                handlers::rebuild::show,
            )
    }

    fn jobs(self: &Arc<Self>) -> Handlers {
        rebuild::handlers(self)
    }

    async fn on_event(&self, tx: &mut Transaction<'_>, event: &Event) -> Result<(), Problem> {
        let now = self.clock.now();
        let is_used = taking::hear(tx, event, now).await?;
        let lag_us = now.micros().saturating_sub(event.time.micros()).max(0);
        self.meters.heard(is_used, seconds(lag_us));
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

fn report(what: &'static str, query: &'static [(&'static str, &'static str)]) -> About {
    about(what).staff().query(query).forms(FORMS)
}

fn report_routes() -> Routes {
    Routes::new()
        .get(
            "/analytics/dashboard",
            report("The totals of everything", DASHBOARD_QUERY).gives::<DashboardReport>(),
            dashboard::show,
        )
        .get(
            "/analytics/revenue",
            report("What payments brought in", REVENUE_QUERY).gives::<RevenueReport>(),
            revenue::show,
        )
        .get(
            "/analytics/aging",
            report("What is owed, by how long it has been due", AGING_QUERY).gives::<AgingReport>(),
            aging::show,
        )
        .get(
            "/analytics/payments/success",
            report("How payments ended", SUCCESS_QUERY).gives::<SuccessReport>(),
            payments::success,
        )
        .get(
            "/analytics/collections",
            report("What was billed and what came in", COLLECTIONS_QUERY)
                .gives::<CollectionsReport>(),
            collections::show,
        )
}
