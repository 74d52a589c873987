//! Notifications (3004): tells people what happened to their bills, payments and accounts.
//!
//! What is heard of others becomes a message for each channel, e-mail and the inbox, in the
//! transaction that hears it: once for an event, a template and a channel. A durable job brings
//! each to its end (`deliver`): it asks who the person is and what the bill says, looks whether the
//! message is wanted (`model/preference`), writes it (`template`), and sends it (`channel`). What
//! did not go is tried again by what kept it (`retry`); while no mail goes at all, one asks for all
//! (`channel/outage`), and health tells. Reading order: `events`, `deliver`, `template`, `channel`,
//! `handlers`, `store`.
//!
//! What a mail says is not kept, as it may hold a code; a notice is, and never holds one. Addresses
//! are asked for each time and kept nowhere.

mod announce;
mod channel;
mod deliver;
mod events;
mod handlers;
mod meters;
mod model;
mod problem;
mod retry;
mod store;
mod template;
mod upkeep;

use std::path::PathBuf;
use std::sync::Arc;

use busbar_http::{Check, Kind, Metrics, Problem, Routes, about};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::config;
use crate::events::Event;
use crate::faults::Failpoints;
use crate::jobs::{Handlers, Job, Patience};
use crate::services::{OpenError, Peers, Service, Setup};
use crate::storage::{Database, Script, Statement, Transaction};
use crate::types::{Clock, ServiceName};

use self::channel::Post;
use self::handlers::{announcement, message, preference, preview, suppression};
use self::meters::Meters;
use self::model::announcement::{Announcement, NewAnnouncement};
use self::model::message::{MarkedRead, NotificationView, UnreadCount};
use self::model::preference::{PreferenceView, Preferences};
use self::model::preview::{Preview, PreviewOrder};
use self::template::Writer;

const LIST_QUERY: &[(&str, &str)] = &[
    ("user_id", "Whose; staff only"),
    ("channel", "`inbox` if not said, or `email`: the records of mails, without what they said"),
    ("status", "In which state; in the inbox `sent` if not said"),
    ("unread", "`true`: only what was not read"),
    ("limit", "1 to 100, 20 if not said"),
    ("cursor", "The next_cursor of the page before"),
];

/// The notifications service.
pub struct Notifications {
    database: Database,
    clock: Clock,
    peers: Peers,
    failpoints: Failpoints,
    writer: Writer,
    post: Post,
    meters: Meters,
}

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
    const MIGRATIONS: &'static [Script] = &[Script {
        version: 100,
        name: "notifications/0100_messages",
        text: include_str!("../../../migrations/notifications/0100_messages.sql"),
    }];
    type Settings = Settings;

    async fn open(setup: Setup<Settings>) -> Result<Notifications, OpenError> {
        let Setup { database, clock, settings, peers, failpoints } = setup;
        let notifications = Notifications {
            writer: Writer::new(&settings.public_url)?,
            post: Post::open(&settings, clock.clone())?,
            meters: Meters::new()?,
            database,
            clock,
            peers,
            failpoints,
        };
        upkeep::begin(&notifications).await?;
        Ok(notifications)
    }

    fn routes() -> Routes {
        inbox().and(office())
    }

    fn remarks(&self) -> Vec<Check> {
        vec![self.post.check()]
    }

    fn jobs(self: &Arc<Self>) -> Handlers {
        let deliver: Doing =
            |it, job| async move { deliver::deliver(&it, &job).await }.boxed_local();
        let work: [(&'static str, Doing); 5] = [
            (deliver::NOTICE, deliver),
            (deliver::MAIL, deliver),
            (announce::KIND, |it, job| {
                async move { announce::announce(&it, &job).await }.boxed_local()
            }),
            (upkeep::LOOK, |it, job| async move { upkeep::look(&it, &job).await }.boxed_local()),
            (upkeep::FORGET, |it, job| {
                async move { upkeep::forget(&it, &job).await }.boxed_local()
            }),
        ];
        // What another service keeps from being written waits for it, however long that takes.
        let patience = Patience::endless();
        work.into_iter().fold(deliver::open(Handlers::new()), |handlers, (kind, work)| {
            let notifications = self.clone();
            handlers.on_with(kind, patience, move |job| work(notifications.clone(), job))
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

/// What is done for a kind of job.
type Doing = fn(Arc<Notifications>, Job) -> Work;
/// The work on one job.
type Work = LocalBoxFuture<'static, Result<(), Problem>>;

/// What everybody does with their own.
fn inbox() -> Routes {
    Routes::new()
        .get(
            "/notifications",
            about("List notices, or the records of mails")
                .lists::<NotificationView>()
                .query(LIST_QUERY),
            message::list,
        )
        .get(
            "/notifications/unread-count",
            about("How many notices of one's inbox are unread").gives::<UnreadCount>(),
            message::unread_count,
        )
        .post(
            "/notifications/read-all",
            about("Mark all of one's notices as read").gives::<MarkedRead>(),
            message::read_all,
        )
        .get(
            "/notifications/preferences",
            about("What one is told by which way; `sms` and `push` are kept, nothing is sent so")
                .gives::<PreferenceView>(),
            preference::show,
        )
        .put(
            "/notifications/preferences",
            about(
                "Say what one is told by which way; security and receipts cannot be muted, and \
                   `sms` and `push` are kept while nothing is sent so",
            )
            .takes::<Preferences>()
            .gives::<PreferenceView>(),
            preference::replace,
        )
}

/// What staff do, and what is done with one notification.
fn office() -> Routes {
    Routes::new()
        .post(
            "/notifications",
            about("Say something to some people; an Idempotency-Key may be sent")
                .staff()
                .takes::<NewAnnouncement>()
                .gives::<Announcement>()
                .status(202),
            announcement::create,
        )
        .get(
            "/notifications/announcements/{id}",
            about("Show an announcement and how far it is").staff().gives::<Announcement>(),
            announcement::show,
        )
        .post(
            "/notifications/preview",
            about("See what a template makes of variables")
                .staff()
                .takes::<PreviewOrder>()
                .gives::<Preview>(),
            preview::preview,
        )
        .delete(
            "/notifications/suppressions/{user_id}",
            about("Let mail go again to the address of a user that a mail server had refused")
                .staff()
                .status(204),
            suppression::remove,
        )
        .get(
            "/notifications/{id}",
            about("Show a notification and what became of it").gives::<NotificationView>(),
            message::show,
        )
        .post(
            "/notifications/{id}/read",
            about("Mark a notice as read").gives::<NotificationView>(),
            message::read,
        )
        .post(
            "/notifications/{id}/retry",
            about("Send again what has failed, or was kept back because of its address")
                .staff()
                .gives::<NotificationView>()
                .status(202),
            message::retry,
        )
}
