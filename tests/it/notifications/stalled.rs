//! A mail server that takes its time: nobody waits for it who needs no mail of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use busbar::storage::{Database, Settings, Target, params, sql};
use busbar::types::ServiceName;
use serde_json::{Value, json};

use super::failures::{NEXT_TRY, start};
use super::server::{MailServer, Say, Step};
use super::{each_engine, message, messages};
use crate::support::{Engine, TestSystem};

sql! {
    // As a release queued them that knew no lanes.
    BEFORE_LANES = "UPDATE jobs SET kind = 'deliver_notification', lane = 0
                    WHERE kind = 'send_mail' AND state = 'waiting'";
}

/// More than all jobs that are worked on at a time.
const MANY: usize = 12;

/// A server that says to mails what `say` says while the switch is on, and how often it did.
fn switched(step: Step, say: Say) -> (MailServer, Arc<AtomicBool>, Arc<AtomicUsize>) {
    let (is_on, count) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let (on, counted) = (is_on.clone(), count.clone());
    let server = MailServer::start(move |now| {
        if now == step && on.load(SeqCst) {
            counted.fetch_add(1, SeqCst);
            return say.clone();
        }
        Say::Yes
    });
    (server, is_on, count)
}

async fn database(system: &TestSystem) -> Database {
    let target = match system.engine() {
        Engine::Sqlite => Target::file(&system.folder().join("data"), "notifications"),
        Engine::Postgres => {
            Target::parse(&system.database_url(ServiceName::Notifications), None).unwrap()
        }
    };
    Database::open("notifications", &target, &Settings::default()).await.unwrap()
}

each_engine! {
    a_server_that_stalls_holds_up_no_notice;
    mails_of_the_release_before_are_sent;
}

mod check {
    use super::*;

    /// Mails that the server leaves unanswered hold their own places: notices are there, and so is
    /// the mail that somebody needs to come in.
    pub(super) async fn a_server_that_stalls_holds_up_no_notice(engine: Engine) {
        let (server, is_stalling, stalled) = switched(Step::Mail, Say::Nothing);
        let patient = [("BUSBAR_NOTIFICATIONS_SMTP_TIMEOUT_MS", "600000")];
        let system = start(engine, &server, &patient).await;
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let by_mail = (alice.id.as_str(), "email");
        message(&system, &admin, by_mail, "email_verification", "sent").await;
        is_stalling.store(true, SeqCst);
        for minor in 1..=MANY {
            system.issued_bill(&alice, i64::try_from(minor).unwrap()).await;
        }
        let all = json!({"unread": MANY + 1});
        let told = async || alice.get("/api/notifications/unread-count").await.expect(200) == all;
        system.eventually("all notices are there", told).await;
        system.eventually("mails hold places", async || stalled.load(SeqCst) == 4).await;

        is_stalling.store(false, SeqCst);
        let forgot = json!({"email": "alice@example.org"});
        system.anonymous().post("/api/auth/password/forgot", forgot).await.expect(202);
        message(&system, &admin, by_mail, "password_reset", "sent").await;
        let mails = messages(&admin, &alice.id, "email").await;
        let queued = mails.iter().filter(|mail| mail["status"] == "queued").count();
        assert_eq!((queued, stalled.load(SeqCst)), (MANY, 4));
        system.finish().await;
    }

    /// What the release before has queued is sent.
    pub(super) async fn mails_of_the_release_before_are_sent(engine: Engine) {
        let (server, is_busy, _) = switched(Step::Recipient, Say::No("450 mailbox busy"));
        is_busy.store(true, SeqCst);
        let system = start(engine, &server, &[]).await;
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let by_mail = (alice.id.as_str(), "email");
        let tried = async || {
            let told = message(&system, &admin, by_mail, "email_verification", "queued").await;
            told["attempts"] == 1
        };
        system.eventually("it was tried", tried).await;
        system.kill();
        let before = database(&system).await;
        let moved = before.transaction(async |tx| tx.execute(BEFORE_LANES, params![]).await).await;
        assert_eq!(moved.unwrap(), 1);
        before.close().await;
        if engine == Engine::Sqlite {
            // A process keeps a file that it has opened, this one, too.
            std::fs::remove_file(system.folder().join("data/notifications.sqlite3.lock")).unwrap();
        }

        is_busy.store(false, SeqCst);
        let settings = server.settings();
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        system.launch_with(&settings).await;
        system.advance(NEXT_TRY).await;
        let admin = system.admin().await;
        let sent = message(&system, &admin, by_mail, "email_verification", "sent").await;
        assert_eq!((&sent["attempts"], &sent["error_code"]), (&json!(2), &Value::Null));
        system.finish().await;
    }
}
