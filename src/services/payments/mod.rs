//! Payments (3002): takes money for bills, once, and keeps the books.
//!
//! A payment is written down before anything happens, its bill's amount is held before anything is
//! sent, and what became of it is found out before anything is sent again. `flow` is that road;
//! `ledger` is the double entry that follows it; `connector` is the way to whoever moves the money.

mod connector;
mod events;
mod flow;
mod handlers;
mod ledger;
mod meters;
mod model;
mod problem;
mod reservation;
mod store;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use busbar_http::client::Peer;
use busbar_http::{Check, Kind, Metrics, Problem, Routes, about};
use tokio::sync::Semaphore;

use crate::events::Event;
use crate::faults::Failpoints;
use crate::jobs::{Handlers, Job, Patience};
use crate::services::{OpenError, Peers, Service, Setup};
use crate::storage::{Database, Script, Statement, Transaction};
use crate::types::{Clock, PaymentId, ServiceName, Text};

use self::connector::Connector;
use self::connector::simulated::Simulated;
use self::handlers::{books, invariant, payment};
use self::meters::Meters;
use self::model::books::{AccountBalances, AccountView, TransferView, TrialBalance};
use self::model::charge::SimChargeView;
use self::model::order::{NewPayment, PaymentMethodKind};
use self::model::report::InvariantReport;
use self::model::view::{PaymentTimeline, PaymentView, ResolveOrder};
use self::upkeep::Named;

/// Payments driven at the same time by requests; the next one is answered 503.
const DRIVEN_MAX: usize = 256;

/// How the payments service is set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a client waits for the outcome.
    pub wait: Duration,
    /// When to ask for an outcome that was left open, after each try.
    pub unknown_polls: Vec<Duration>,
    /// How long whoever drives a payment has it to himself without renewing that.
    pub lease: Duration,
}

/// The payments service.
pub struct Payments {
    database: Database,
    clock: Clock,
    settings: Settings,
    peers: Peers,
    failpoints: Failpoints,
    simulated: Simulated,
    /// Bounds the payments that requests drive at the same time.
    permits: Arc<Semaphore>,
    meters: Meters,
    named: Named,
}

impl Payments {
    fn billing(&self) -> Result<&Peer, Problem> {
        let billing = self.peers.to(ServiceName::Billing);
        billing.ok_or_else(|| Problem::internal("no way to billing"))
    }

    /// The connector that a payment was given to.
    fn connector(&self, name: &str) -> Result<&dyn Connector, Problem> {
        match PaymentMethodKind::parse(name) {
            Ok(PaymentMethodKind::Simulated) => Ok(&self.simulated),
            Err(_) => Err(Problem::internal(format!("no connector {name}"))),
        }
    }
}

impl Service for Payments {
    const NAME: ServiceName = ServiceName::Payments;
    const IS_DURABLE: bool = true;
    const MIGRATIONS: &'static [Script] = &[
        Script {
            version: 100,
            name: "payments/0100_payments",
            text: include_str!("../../../migrations/payments/0100_payments.sql"),
        },
        Script {
            version: 101,
            name: "payments/0101_ledger",
            text: include_str!("../../../migrations/payments/0101_ledger.sql"),
        },
        Script {
            version: 102,
            name: "payments/0102_sim",
            text: include_str!("../../../migrations/payments/0102_sim.sql"),
        },
    ];
    type Settings = Settings;

    async fn open(setup: Setup<Settings>) -> Result<Payments, OpenError> {
        let Setup { database, clock, settings, peers, failpoints } = setup;
        upkeep::ensure(&database, &clock).await?;
        Ok(Payments {
            simulated: Simulated::new(database.clone(), clock.clone()),
            permits: Arc::new(Semaphore::new(DRIVEN_MAX)),
            meters: Meters::new()?,
            named: Named::default(),
            database,
            clock,
            settings,
            peers,
            failpoints,
        })
    }

    fn routes() -> Routes {
        payment_routes().and(book_routes())
    }

    fn checks(&self) -> Vec<Check> {
        let meters = self.meters.clone();
        let balanced = move || match meters.is_ledger_balanced() {
            true => Ok(()),
            false => Err("does not sum to zero".to_owned()),
        };
        let ask = Arc::new(move || {
            let answer = balanced();
            Box::pin(async move { answer }) as futures_util::future::LocalBoxFuture<'static, _>
        });
        vec![Check { name: "ledger", ask }]
    }

    fn jobs(self: &Arc<Self>) -> Handlers {
        let (driving, looking) = (self.clone(), self.clone());
        Handlers::new()
            .on_with(flow::DRIVE, Patience::endless(), move |job| {
                let payments = driving.clone();
                async move { payments.drive(&job).await }
            })
            .on_with(upkeep::UPKEEP, Patience::endless(), move |job| {
                let payments = looking.clone();
                async move { upkeep::look(&payments, &job).await }
            })
    }

    async fn on_event(&self, tx: &mut Transaction<'_>, event: &Event) -> Result<(), Problem> {
        events::hear(tx, event, self.clock.now()).await
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

impl Payments {
    /// What a worker does with the job of a payment.
    async fn drive(&self, job: &Job) -> Result<(), Problem> {
        let id = PaymentId::parse(&job.key).map_err(Problem::internal)?;
        // Refused, or ended: either way the job has its end.
        flow::drive(self, job, id).await.map(|_| ())
    }
}

const PAGE: [(&str, &str); 2] =
    [("limit", "1 to 100, 20 if not said"), ("cursor", "`next_cursor` of the page before")];
const PAYMENT_QUERY: &[(&str, &str)] = &[
    ("user_id", "Whose bills were paid"),
    ("bill_id", "Which bill was paid"),
    ("status", "`processing`, `succeeded`, `failed` or `cancelled`"),
    ("created_from", "Asked for then or later"),
    PAGE[0],
    PAGE[1],
];
const TRANSFER_QUERY: &[(&str, &str)] = &[
    ("account", "The code of an account that it touches"),
    ("reference", "What moved the money: `bill/…`, `payment/…`"),
    PAGE[0],
    PAGE[1],
];
const ACCOUNT_QUERY: &[(&str, &str)] = &[("currency", "Only of this currency"), PAGE[0], PAGE[1]];
const TRIAL_QUERY: &[(&str, &str)] = &[("currency", "The currency to sum")];
const SIM_QUERY: &[(&str, &str)] = &[("reference", "The payment's id")];

#[rustfmt::skip]
fn payment_routes() -> Routes {
    Routes::new()
        .post("/payments", about("Pay a bill").keyed().takes::<NewPayment>().creates::<PaymentView>(), payment::create)
        .get("/payments", about("List payments").lists::<PaymentView>().query(PAYMENT_QUERY), payment::list)
        .get("/payments/user/{user_id}", about("List a user's payments").lists::<PaymentView>().query(&PAGE), payment::of_user)
        .get("/payments/{id}", about("Show a payment").gives::<PaymentView>(), payment::show)
        .get("/payments/{id}/timeline", about("Show the road of a payment").gives::<PaymentTimeline>(), payment::timeline)
        .post("/payments/{id}/resolve", about("Say what became of a payment whose outcome neither we nor its connector know").staff().takes::<ResolveOrder>().gives::<PaymentView>(), payment::resolve)
}

#[rustfmt::skip]
fn book_routes() -> Routes {
    Routes::new()
        .get("/ledger/accounts", about("List accounts with their balances").staff().lists::<AccountView>().query(ACCOUNT_QUERY), books::accounts)
        .get("/ledger/accounts/{code}", about("Show an account").staff().gives::<AccountBalances>(), books::account)
        .get("/ledger/transactions", about("List transfers").staff().lists::<TransferView>().query(TRANSFER_QUERY), books::transactions)
        .get("/ledger/transactions/{id}", about("Show a transfer with its entries").staff().gives::<TransferView>(), books::transaction)
        .get("/ledger/trial-balance", about("Sum all accounts").staff().gives::<TrialBalance>().query(TRIAL_QUERY), books::trial_balance)
        .get("/sim/charges", about("Show what the simulated bank has seen").staff().lists::<SimChargeView>().query(SIM_QUERY), books::sim_charges)
        .get("/admin/invariants", about("Prove the invariants").admin().gives::<InvariantReport>(), invariant::report)
}
