//! Billing (3003): bills from the draft to the last payment.
//!
//! Staff draft, issue and void; numbers have no gaps. A payment first holds its part of a bill
//! (`/internal/reservations`), so that no two payments pay the same; its end is heard as an event
//! and settles or releases the part. A bill is stated, or worked out from readings and prices that
//! utilities is asked for; one that is not paid in time becomes overdue. Reading order:
//! `model/bill` (states), `totals`, `numbering`, `rating`, `holding`, `overdue` (the rules),
//! `handlers`, `events`, `pins`, `utilities`, `store`.
//!
//! Not here yet: late fees and dunning, credit notes, runs, coupons, policies of providers.

mod events;
mod handlers;
mod holding;
mod meters;
mod model;
mod numbering;
mod overdue;
mod pins;
mod problem;
mod rating;
mod store;
mod totals;
mod utilities;

use std::sync::Arc;

use busbar_http::client::Peer;
use busbar_http::{Kind, Metrics, Problem, Routes, about};

use crate::events::{Event, Origin};
use crate::faults::Failpoints;
use crate::jobs::{Handlers, Patience};
use crate::services::{OpenError, Peers, Service, Setup};
use crate::storage::{Database, Script, Statement, Transaction};
use crate::types::{Clock, NumberPattern, ServiceName};

use self::events::payment;
use self::handlers::pdf::{self, Rendering};
use self::handlers::{balance, bill, draft, list, reservation};
use self::meters::Meters;
use self::model::draft::BillChange;
use self::model::history::EntryView;
use self::model::order::NewBill;
use self::model::preview::BillPreview;
use self::model::reservation::{ReservationOrder, ReservationView, Unapplied};
use self::model::view::BillView;

const PAGE: &[(&str, &str)] = &[("limit", "1 to 100, 20 if not said"), ("cursor", "next_cursor")];
const BILL_QUERY: &[(&str, &str)] = &[
    ("user_id", "Whose bills"),
    ("status", "In which state"),
    ("due_before", "Due before this day"),
    ("provider_id", "Of which provider"),
    ("limit", "1 to 100, 20 if not said"),
    ("cursor", "The next_cursor of the page before"),
];

/// The billing service.
pub struct Billing {
    database: Database,
    clock: Clock,
    failpoints: Failpoints,
    number_pattern: NumberPattern,
    due_days: u32,
    grace_days: u32,
    peers: Peers,
    meters: Meters,
}

/// What may be set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Days from issue to due date, where a bill does not say.
    pub due_days: u32,
    /// `{prefix}-{year}-{sequence}`.
    pub number_pattern: NumberPattern,
    /// Days after the due date on which a bill is not overdue yet.
    pub grace_days: u32,
}

impl Billing {
    fn utilities(&self) -> Result<&Peer, Problem> {
        let utilities = self.peers.to(ServiceName::Utilities);
        utilities.ok_or_else(|| Problem::internal("no way to utilities"))
    }

    fn documents(&self) -> Result<&Peer, Problem> {
        let documents = self.peers.to(ServiceName::Documents);
        documents.ok_or_else(|| Problem::internal("no way to documents"))
    }
}

impl Service for Billing {
    const NAME: ServiceName = ServiceName::Billing;
    const IS_DURABLE: bool = true;
    const MIGRATIONS: &'static [Script] = &[
        Script {
            version: 100,
            name: "billing/0100_bills",
            text: include_str!("../../../migrations/billing/0100_bills.sql"),
        },
        Script {
            version: 101,
            name: "billing/0101_payments",
            text: include_str!("../../../migrations/billing/0101_payments.sql"),
        },
        Script {
            version: 102,
            name: "billing/0102_rating",
            text: include_str!("../../../migrations/billing/0102_rating.sql"),
        },
        Script {
            version: 103,
            name: "billing/0103_providers",
            text: include_str!("../../../migrations/billing/0103_providers.sql"),
        },
    ];
    type Settings = Settings;

    async fn open(setup: Setup<Settings>) -> Result<Billing, OpenError> {
        let Setup { database, clock, settings, peers, failpoints } = setup;
        let Settings { due_days, number_pattern, grace_days } = settings;
        let meters = Meters::new()?;
        let billing = Billing {
            database,
            clock,
            failpoints,
            number_pattern,
            due_days,
            grace_days,
            peers,
            meters,
        };
        overdue::ensure(&billing).await?;
        Ok(billing)
    }

    fn routes() -> Routes {
        let (by_staff, shown) =
            (|what| about(what).staff(), |what| about(what).gives::<BillView>());
        Routes::new()
            .post(
                "/bills",
                by_staff("Draft a bill").takes::<NewBill>().creates::<BillView>(),
                draft::create,
            )
            .get("/bills", about("List bills").lists::<BillView>().query(BILL_QUERY), list::bills)
            .get(
                "/bills/user/{user_id}",
                about("List the bills of a person").lists::<BillView>().query(BILL_QUERY),
                list::of_user,
            )
            .post(
                "/bills/preview",
                by_staff("Show what a draft would say").takes::<NewBill>().gives::<BillPreview>(),
                draft::preview,
            )
            .get("/bills/{id}", shown("Show a bill"), bill::show)
            .patch(
                "/bills/{id}",
                shown("Change a draft").staff().takes::<BillChange>(),
                draft::change,
            )
            .delete("/bills/{id}", by_staff("Delete a draft").status(204), draft::delete)
            .post("/bills/{id}/issue", shown("Issue a draft").staff().keyed(), bill::issue)
            .post(
                "/bills/{id}/void",
                shown("Void a bill that nothing was paid of").staff(),
                bill::void,
            )
            .get(
                "/bills/{id}/events",
                about("What happened to a bill").lists::<EntryView>().query(PAGE),
                list::history,
            )
            .get(
                "/bills/{id}/pdf",
                about("Go to the invoice; 202 while it is made").status(302).gives::<Rendering>(),
                pdf::show,
            )
            .get(
                "/billing/unapplied-payments",
                by_staff("Payments that are on no bill").lists::<Unapplied>().query(PAGE),
                list::unapplied,
            )
            .post(
                "/internal/reservations",
                about("Hold a part of a bill")
                    .internal()
                    .takes::<ReservationOrder>()
                    .creates::<ReservationView>(),
                reservation::create,
            )
            .get(
                "/internal/reservations/{payment_id}",
                about("What a payment holds").internal().gives::<ReservationView>(),
                reservation::show,
            )
            .get(
                "/internal/bills/{id}",
                about("A bill with its lines, in any state").internal().gives::<BillView>(),
                bill::whole,
            )
            .get(
                "/internal/balances",
                about("What is owed").internal().gives::<balance::Balances>(),
                balance::show,
            )
    }

    fn jobs(self: &Arc<Self>) -> Handlers {
        let looking = self.clone();
        pins::handlers(self).on_with(overdue::KIND, Patience::endless(), move |job| {
            let billing = looking.clone();
            async move { overdue::look(&billing, &job).await }
        })
    }

    async fn on_event(&self, tx: &mut Transaction<'_>, event: &Event) -> Result<(), Problem> {
        let origin = Origin::answering(event, ServiceName::Billing, self.clock.now());
        let outcome = match event.name() {
            "payment.succeeded" => payment::succeeded(tx, &origin, event).await?,
            "payment.failed" | "payment.cancelled" => {
                payment::ended_without_money(tx, &origin, event).await?
            }
            _ => return Ok(()),
        };
        self.meters.heard(outcome);
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
