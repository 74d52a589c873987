//! Documents (3005): keeps invoices, receipts and what people upload.
//!
//! What is known of a document is in the database, its bytes are on the disk under their SHA-256:
//! the same bytes are kept once, however many documents have them. Invoices are made when a bill is
//! issued, receipts when a payment has succeeded. Reading order: `model`, `content` (the disk),
//! `keeping` (disk and database together), `upload`, `handlers`, `making` and `render` (PDFs),
//! `upkeep`.

mod content;
mod events;
mod handlers;
mod keeping;
mod links;
mod making;
mod media;
mod meters;
mod model;
mod problem;
mod render;
mod store;
mod upkeep;
mod upload;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use busbar_http::{Check, Kind, Metrics, Problem, Routes, about};
use tokio::sync::Semaphore;

use crate::agreed::OwnKey;
use crate::config;
use crate::events::Event;
use crate::faults::Failpoints;
use crate::jobs::{Handlers, Patience};
use crate::services::{OpenError, Peers, Service, Setup};
use crate::storage::{Database, Script, Statement, Transaction};
use crate::types::{Clock, ServiceName};

use self::content::Vault;
use self::events::{MAKE_INVOICE, MAKE_RECEIPT};
use self::handlers::{content as bytes, document, link, upload as sent};
use self::links::Signer;
use self::meters::Meters;
use self::model::document::{DocumentView, UploadForm};
use self::model::link::{Link, LinkOrder, LinkQuestion};

/// PDFs made at the same time: each needs a thread and some memory.
const RENDERS_MAX: usize = 2;

const STATED: &[(&str, &str)] = &[
    ("owner_id", "Whose it is; for staff"),
    ("kind", "`upload`, `invoice` or `receipt`; for staff"),
    ("subject", "What it is about, `bill/…`; for staff"),
];
const LIST: &[(&str, &str)] = &[
    ("owner_id", "Whose documents"),
    ("kind", "`upload`, `invoice` or `receipt`"),
    ("subject", "What they are about, `bill/…`"),
    ("limit", "1 to 100, 20 if not said"),
    ("cursor", "The next_cursor of the page before"),
];
const LINK: &[(&str, &str)] =
    &[("expires", "Of a link, instead of a token"), ("signature", "Of a link, instead of a token")];

/// The documents service.
pub struct Documents {
    database: Database,
    clock: Clock,
    peers: Peers,
    failpoints: Failpoints,
    vault: Vault,
    signer: Signer,
    upload_bytes_max: u64,
    upload_wait: Duration,
    link_seconds: u64,
    /// Bounds the PDFs that are made at the same time.
    renders: Arc<Semaphore>,
    meters: Meters,
}

/// What the service needs to know.
#[derive(Clone)]
pub struct Settings {
    pub section: config::Documents,
    /// Where content is kept.
    pub folder: PathBuf,
    /// Links are signed with it. Several instances share it.
    pub secret: OwnKey,
}

impl Service for Documents {
    const NAME: ServiceName = ServiceName::Documents;
    /// A row that is lost leaves bytes that nobody finds.
    const IS_DURABLE: bool = true;
    const MIGRATIONS: &'static [Script] = &[Script {
        version: 100,
        name: "documents/0100_documents",
        text: include_str!("../../../migrations/documents/0100_documents.sql"),
    }];
    type Settings = Settings;

    async fn open(setup: Setup<Settings>) -> Result<Documents, OpenError> {
        let Setup { database, clock, settings, peers, failpoints } = setup;
        let Settings { section, folder, secret } = settings;
        let vault = Vault::open(&folder).map_err(|error| {
            format!("documents cannot be kept in {}: {error}", folder.display())
        })?;
        upkeep::ensure(&database, &clock).await?;
        Ok(Documents {
            vault,
            signer: Signer::new(&secret.agreed(&database, &clock).await?),
            upload_bytes_max: section.upload_bytes_max,
            upload_wait: Duration::from_secs(section.transfer_seconds),
            link_seconds: section.link_seconds,
            renders: Arc::new(Semaphore::new(RENDERS_MAX)),
            meters: Meters::new()?,
            database,
            clock,
            peers,
            failpoints,
        })
    }

    #[rustfmt::skip]
    fn routes() -> Routes {
        Routes::new()
            .post("/documents", about("Upload a document: as a form, or as the body with its name in X-Filename").query(STATED).sends::<UploadForm>().creates::<DocumentView>(), sent::create)
            .get("/documents", about("List documents").lists::<DocumentView>().query(LIST), document::list)
            .get("/documents/{id}", about("Show what is known of a document").gives::<DocumentView>(), document::show)
            .delete("/documents/{id}", about("Delete a document").status(204), document::delete)
            .get("/documents/{id}/content", about("Download a document, whole or in part").query(LINK).gives_bytes(), bytes::show)
            .post("/documents/{id}/links", about("Make a link that needs no token").takes::<LinkOrder>().creates::<Link>(), link::create)
            .post("/internal/documents/links", about("A link to the document about something").internal().takes::<LinkQuestion>().gives::<Link>(), link::find)
    }

    fn checks(&self) -> Vec<Check> {
        let vault = self.vault.clone();
        let ask = Arc::new(move || {
            let vault = vault.clone();
            Box::pin(async move { content::ping(vault).await })
                as futures_util::future::LocalBoxFuture<'static, _>
        });
        vec![Check { name: "storage", ask }]
    }

    fn jobs(self: &Arc<Self>) -> Handlers {
        let (invoices, receipts, sweeping) = (self.clone(), self.clone(), self.clone());
        Handlers::new()
            .on_with(MAKE_INVOICE, Patience::endless(), move |job| {
                let documents = invoices.clone();
                async move { making::invoice(&documents, &job).await }
            })
            .on_with(MAKE_RECEIPT, Patience::endless(), move |job| {
                let documents = receipts.clone();
                async move { making::receipt(&documents, &job).await }
            })
            .on_with(upkeep::SWEEP, Patience::endless(), move |job| {
                let documents = sweeping.clone();
                async move { upkeep::sweep(&documents, &job).await }
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
