//! Billing (3003): bills from the draft to the last payment.
//!
//! Staff draft, issue and void; numbers have no gaps. A payment first holds its part of a bill
//! (`/internal/reservations`), so that no two payments pay the same; its end is heard as an event
//! and settles or releases the part. Reading order: `model/bill` (states), `totals`, `numbering`,
//! `holding` (the rules), `handlers`, `events`, `store`.
//!
//! Not here yet: rating of readings, overdue bills with late fees and dunning, credit notes, runs,
//! coupons, policies of providers.

mod events;
mod handlers;
mod holding;
mod meters;
mod model;
mod numbering;
mod problem;
mod store;
mod totals;

use busbar_http::{Kind, Metrics, Problem, Routes, about};

use crate::events::{Event, Origin};
use crate::faults::Failpoints;
use crate::services::{OpenError, Service, Setup};
use crate::storage::{Database, Script, Statement, Transaction};
use crate::types::{Clock, Date, NumberPattern, ServiceName, Timestamp};

use self::events::payment;
use self::handlers::{balance, bill, draft, list, reservation};
use self::meters::Meters;
use self::model::draft::{BillChange, NewBill};
use self::model::history::EntryView;
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
    /// The civil date of an instant. In UTC: the zones of bills are kept but not worked with yet.
    fn today(&self, at: Timestamp) -> Date {
        Date::of(at)
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
    ];
    type Settings = Settings;

    async fn open(setup: Setup<Settings>) -> Result<Billing, OpenError> {
        let Setup { database, clock, settings, failpoints, .. } = setup;
        let (Settings { due_days, number_pattern, .. }, meters) = (settings, Meters::new()?);
        Ok(Billing { database, clock, failpoints, number_pattern, due_days, meters })
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
