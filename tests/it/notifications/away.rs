//! A mail server that is away, or takes no mail at all: what waits for it is not to blame.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use busbar::types::ServiceName;
use serde_json::{Value, json};

use super::failures::{Reader, one_by_one, start};
use super::letters::distinct;
use super::server::{MailServer, Say, Step};
use super::{each_engine, message};
use crate::support::{Engine, Person};

/// Longer than mails wait between two looks for the server.
const NEXT_LOOK: Duration = Duration::from_secs(600);
/// As long as they wait for it at all.
const WAITED_MAX: Duration = Duration::from_secs(3 * 86_400);

/// A server that is too busy while the switch is on.
fn switched() -> (MailServer, Arc<AtomicBool>) {
    let is_away = Arc::new(AtomicBool::new(true));
    let away = is_away.clone();
    let server = MailServer::start(move |step| match step {
        Step::Greeting if away.load(SeqCst) => Say::No("421 too busy"),
        _ => Say::Yes,
    });
    (server, is_away)
}

impl Reader {
    /// Whether the service can work, and what should be seen to.
    async fn health(&self) -> (Value, Value) {
        let asker = Person::anonymous(&self.system.service_url(ServiceName::Notifications));
        asker.get("/health/ready").await.expect(200);
        let told = asker.get("/health").await.expect(200);
        (told["status"].clone(), told["checks"]["mail"].clone())
    }

    /// The mail that proves the address waits for this.
    async fn waits_for(&self, code: &str) {
        let mut last = Value::Null;
        let refused = async || {
            last = self.proof("queued").await;
            last["error_code"] == code
        };
        self.system.eventually(&format!("it waits: {code}"), refused).await;
        assert_eq!(last["attempts"], 0, "the mail is not to blame");
    }
}

each_engine! {
    a_server_that_is_not_there_keeps_nothing_else;
    what_was_never_spoken_of_costs_no_try;
    an_outage_loses_no_mail;
    a_mail_waits_three_days;
}

mod check {
    use super::*;

    /// Without a mail server notices go on, and the service is ready; what is amiss is told.
    pub(super) async fn a_server_that_is_not_there_keeps_nothing_else(engine: Engine) {
        let gone = one_by_one(&[]);
        gone.leave();
        let system = start(engine, &gone, &[]).await;
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let reader = Reader { system, admin, alice };
        reader.waits_for("smtp_unreachable").await;
        let to = (reader.alice.id.as_str(), "inbox");
        message(&reader.system, &reader.admin, to, "email_verification", "sent").await;
        let told = async || reader.health().await.0 == "DEGRADED";
        reader.system.eventually("it is told", told).await;
        let reason = reader.health().await.1["reason"].to_string();
        assert!(reason.contains("smtp_unreachable"), "{reason}");
        reader.system.finish().await;
    }

    /// Whatever goes wrong before the mail is spoken of, and however often.
    pub(super) async fn what_was_never_spoken_of_costs_no_try(engine: Engine) {
        let rounds = [
            (Say::No("421 too busy"), "smtp_421"),
            (Say::No("554 no mail for you"), "smtp_554"),
            (Say::Nothing, "smtp_timeout"),
            (Say::HangUp, "smtp_unreachable"),
            (Say::No("421 too busy"), "smtp_421"),
            (Say::No("554 no mail for you"), "smtp_554"),
        ];
        let answers = rounds.clone().map(|(say, _)| (Step::Greeting, say));
        let server = one_by_one(&answers);
        let brief = [("BUSBAR_NOTIFICATIONS_SMTP_TIMEOUT_MS", "3000")];
        let mut reader = Reader::with(engine, &server, &brief).await;
        for (_, code) in rounds {
            reader.waits_for(code).await;
            assert!(server.heard().is_empty());
            reader.after(NEXT_LOOK).await;
        }
        let sent = reader.proof("sent").await;
        assert_eq!((&sent["attempts"], &sent["error_code"]), (&json!(1), &Value::Null));
        assert_eq!(distinct(server.heard()).len(), 1);
        reader.system.finish().await;
    }

    /// All mails of an outage go when it is over; until then it is known that there is one.
    pub(super) async fn an_outage_loses_no_mail(engine: Engine) {
        let (server, is_away) = switched();
        let mut reader = Reader::with(engine, &server, &[]).await;
        reader.system.issued_bill(&reader.alice, 100).await;
        let to = (reader.alice.id.as_str(), "inbox");
        message(&reader.system, &reader.admin, to, "bill_issued", "sent").await;
        reader.waits_for("smtp_421").await;
        let told = async || reader.health().await.0 == "DEGRADED";
        reader.system.eventually("it is told", told).await;

        is_away.store(false, SeqCst);
        reader.after(NEXT_LOOK).await;
        let came = async || !server.heard().is_empty();
        reader.system.eventually("one has asked", came).await;
        // The other one may have waited for that.
        reader.after(NEXT_LOOK).await;
        for sent in [reader.proof("sent").await, reader.bill("sent").await] {
            assert_eq!((&sent["attempts"], &sent["error_code"]), (&json!(1), &Value::Null));
        }
        assert_eq!(distinct(server.heard()).len(), 2);
        let well = async || reader.health().await.1["status"] == "UP";
        reader.system.eventually("all is well", well).await;
        reader.system.finish().await;
    }

    /// After three days a mail has failed, and can be sent again; a code ends by itself before.
    pub(super) async fn a_mail_waits_three_days(engine: Engine) {
        let (server, is_away) = switched();
        let mut reader = Reader::with(engine, &server, &[]).await;
        reader.system.issued_bill(&reader.alice, 100).await;
        reader.waits_for("smtp_421").await;
        let refused = async || reader.bill("queued").await["error_code"] == "smtp_421";
        reader.system.eventually("the bill waits", refused).await;
        reader.after(WAITED_MAX).await;
        let failed = reader.bill("failed").await;
        let told = (&failed["error_code"], &failed["attempts"]);
        assert_eq!(told, (&json!("waited_too_long"), &json!(0)));
        assert_eq!(reader.proof("suppressed").await["error_code"], "no_longer_needed");

        // It has another three days.
        let path = format!("/api/notifications/{}/retry", failed["id"].as_str().unwrap());
        reader.admin.post(&path, json!({})).await.expect(202);
        let refused = async || reader.bill("queued").await["error_code"] == "smtp_421";
        reader.system.eventually("it waits again", refused).await;
        is_away.store(false, SeqCst);
        reader.after(NEXT_LOOK).await;
        assert_eq!(reader.bill("sent").await["attempts"], 1);
        reader.system.finish().await;
    }
}
