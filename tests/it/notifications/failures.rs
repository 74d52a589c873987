//! A mail server that does not take every mail: what is tried again, what is given up, what waits.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use serde_json::{Value, json};

use super::letters::distinct;
use super::server::{MailServer, Say, Step};
use super::{each_engine, event, message, tell};
use crate::support::orders::order;
use crate::support::person::PASSWORD;
use crate::support::{Engine, Person, TestSystem};

/// Longer than the longest wait between two tries.
pub(super) const NEXT_TRY: Duration = Duration::from_secs(2 * 3_600);

/// Answers the mails one after the other; those that follow are taken.
pub(super) fn one_by_one(answers: &[(Step, Say)]) -> MailServer {
    let mut answers: VecDeque<(Step, Say)> = answers.iter().cloned().collect();
    MailServer::start(move |step| match answers.front() {
        Some((next, _)) if *next == step => answers.pop_front().unwrap().1,
        _ => Say::Yes,
    })
}

pub(super) async fn start(
    engine: Engine,
    server: &MailServer,
    more: &[(&str, &str)],
) -> TestSystem {
    let system = TestSystem::prepare(engine);
    let settings = server.settings();
    let mut settings: Vec<(&str, &str)> =
        settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    settings.extend(more);
    system.launch_with(&settings).await;
    system
}

/// Somebody whose only mail is the one that proves their address.
pub(super) struct Reader {
    pub(super) system: TestSystem,
    pub(super) admin: Person,
    pub(super) alice: Person,
}

impl Reader {
    async fn new(engine: Engine, server: &MailServer) -> Reader {
        Reader::with(engine, server, &[]).await
    }

    pub(super) async fn with(engine: Engine, server: &MailServer, more: &[(&str, &str)]) -> Reader {
        let system = start(engine, server, more).await;
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        Reader { system, admin, alice }
    }

    /// At the next try. Nobody's token is good for so long.
    async fn later(&mut self) {
        self.after(NEXT_TRY).await;
    }

    pub(super) async fn after(&mut self, wait: Duration) {
        self.system.advance(wait).await;
        self.admin = self.system.admin().await;
        let alice = Person::logged_in(&self.system.url(), "alice@example.org", PASSWORD).await;
        self.alice.token = alice.token;
    }

    pub(super) async fn proof(&self, status: &str) -> Value {
        self.mail("email_verification", status).await
    }

    /// The mail that is still queued, after so many tries.
    async fn tried(&self, tries: u64) -> Value {
        let mut last = Value::Null;
        let tried = async || {
            last = self.proof("queued").await;
            last["attempts"] == tries
        };
        self.system.eventually(&format!("{tries} tries"), tried).await;
        last
    }

    pub(super) async fn bill(&self, status: &str) -> Value {
        self.mail("bill_issued", status).await
    }

    async fn mail(&self, template: &str, status: &str) -> Value {
        let to = (self.alice.id.as_str(), "email");
        message(&self.system, &self.admin, to, template, status).await
    }

    /// The mail of a template that is still queued, after one try.
    async fn put_off(&self, template: &str) {
        let tried = async || self.mail(template, "queued").await["attempts"] == 1;
        self.system.eventually(&format!("{template} was put off"), tried).await;
    }
}

each_engine! {
    what_passes_is_tried_again;
    an_unknown_outcome_comes_again_as_the_same_mail;
    five_failures_are_the_end_until_staff_try_again;
    a_refused_mail_has_failed_at_once;
    an_address_that_bounces_gets_no_more_mail;
    what_is_no_longer_so_is_not_said;
    without_starttls_nothing_is_sent_in_clear;
}

mod check {
    use super::*;

    /// 4xx is for now: the mail goes at the next try.
    pub(super) async fn what_passes_is_tried_again(engine: Engine) {
        let server = one_by_one(&[
            (Step::Mail, Say::No("421 too busy")),
            (Step::Recipient, Say::No("450 mailbox busy")),
            (Step::Mail, Say::HangUp),
        ]);
        let mut reader = Reader::new(engine, &server).await;
        for (tries, code) in [(1, "smtp_421"), (2, "smtp_450"), (3, "smtp_unreachable")] {
            assert_eq!(reader.tried(tries).await["error_code"], code);
            assert!(server.heard().is_empty());
            reader.later().await;
        }
        let sent = reader.proof("sent").await;
        assert_eq!((&sent["attempts"], &sent["error_code"]), (&json!(4), &Value::Null));
        assert_eq!(distinct(server.heard()).len(), 1);
        reader.system.finish().await;
    }

    /// The server has the mail and hangs up: it comes again, and can be told to be the same.
    pub(super) async fn an_unknown_outcome_comes_again_as_the_same_mail(engine: Engine) {
        let server = one_by_one(&[(Step::Content, Say::HangUp)]);
        let mut reader = Reader::new(engine, &server).await;
        assert_eq!(reader.tried(1).await["error_code"], "smtp_outcome_unknown");
        reader.later().await;
        reader.proof("sent").await;
        let [one, other] = server.heard().try_into().unwrap();
        for name in ["message-id", "date", "subject", "to"] {
            assert_eq!(one.header(name), other.header(name), "{name}");
        }
        reader.system.finish().await;
    }

    /// The fifth failure is the last; staff may have it tried again, and only what has failed.
    pub(super) async fn five_failures_are_the_end_until_staff_try_again(engine: Engine) {
        let server = one_by_one(&vec![(Step::Recipient, Say::No("450 mailbox busy")); 5]);
        let mut reader = Reader::new(engine, &server).await;
        for tries in 1..=4 {
            reader.tried(tries).await;
            reader.later().await;
        }
        let failed = reader.proof("failed").await;
        assert_eq!((&failed["attempts"], &failed["error_code"]), (&json!(5), &json!("smtp_450")));
        assert!(failed["failed_at"].is_string() && failed["sent_at"].is_null(), "{failed}");
        assert!(server.heard().is_empty());

        let path = format!("/api/notifications/{}/retry", failed["id"].as_str().unwrap());
        reader.alice.post(&path, json!({})).await.expect_problem(403, "insufficient_scope");
        let again = reader.admin.post(&path, json!({})).await.expect(202);
        assert_eq!((&again["status"], &again["failed_at"]), (&json!("queued"), &Value::Null));
        assert_eq!(reader.proof("sent").await["attempts"], 1);
        assert_eq!(distinct(server.heard()).len(), 1);
        let twice = reader.admin.post(&path, json!({})).await;
        twice.expect_problem(409, "notification_not_failed");
        let nothing = format!("/api/notifications/{}/retry", uuid::Uuid::now_v7());
        let nothing = reader.admin.post(&nothing, json!({})).await;
        nothing.expect_problem(404, "notification_not_found");
        reader.system.finish().await;
    }

    /// 5xx is for good; it says nothing against the address unless it is about the address.
    pub(super) async fn a_refused_mail_has_failed_at_once(engine: Engine) {
        let server = one_by_one(&[
            (Step::Content, Say::No("554 5.6.0 we do not like it")),
            (Step::Recipient, Say::No("550 5.7.1 relaying denied")),
        ]);
        let reader = Reader::new(engine, &server).await;
        let failed = reader.proof("failed").await;
        assert_eq!((&failed["attempts"], &failed["error_code"]), (&json!(1), &json!("smtp_554")));
        reader.system.issued_bill(&reader.alice, 100).await;
        assert_eq!(reader.bill("failed").await["error_code"], "smtp_550");
        let path = format!("/api/notifications/suppressions/{}", reader.alice.id);
        let none = reader.admin.delete(&path).await;
        none.expect_problem(404, "suppression_not_found");

        let path = format!("/api/notifications/{}/retry", failed["id"].as_str().unwrap());
        reader.admin.post(&path, json!({})).await.expect(202);
        assert_eq!(reader.proof("sent").await["attempts"], 1);
        reader.system.finish().await;
    }

    /// Mail to an address that does not exist is not tried again and again; staff let it go again.
    pub(super) async fn an_address_that_bounces_gets_no_more_mail(engine: Engine) {
        let server = one_by_one(&[(Step::Recipient, Say::No("550 5.1.1 no such user"))]);
        let reader = Reader::new(engine, &server).await;
        assert_eq!(reader.proof("failed").await["error_code"], "smtp_550");
        reader.system.issued_bill(&reader.alice, 100).await;
        let told = reader.bill("suppressed").await;
        assert_eq!(
            (&told["error_code"], &told["attempts"]),
            (&json!("address_suppressed"), &json!(0))
        );
        assert!(server.heard().is_empty());

        let path = format!("/api/notifications/suppressions/{}", reader.alice.id);
        reader.alice.delete(&path).await.expect_problem(403, "insufficient_scope");
        reader.admin.delete(&path).await.expect(204);
        let nobody = format!("/api/notifications/suppressions/{}", uuid::Uuid::now_v7());
        reader.admin.delete(&nobody).await.expect_problem(404, "user_not_found");
        let order =
            json!({"user_id": reader.alice.id, "category": "billing", "subject": "s", "text": "t"});
        reader.admin.post("/api/notifications", order).await.expect(202);
        let to = (reader.alice.id.as_str(), "email");
        message(&reader.system, &reader.admin, to, "announcement", "sent").await;

        // What was kept back because of the address goes, too, when it is asked for.
        let path = format!("/api/notifications/{}/retry", told["id"].as_str().unwrap());
        let again = reader.admin.post(&path, json!({})).await.expect(202);
        assert_eq!((&again["status"], &again["suppressed_at"]), (&json!("queued"), &Value::Null));
        assert_eq!(reader.bill("sent").await["attempts"], 1);
        assert_eq!(distinct(server.heard()).len(), 2);
        reader.system.finish().await;
    }

    /// What has been paid or voided while its mail was put off is not called owed.
    pub(super) async fn what_is_no_longer_so_is_not_said(engine: Engine) {
        let is_busy = Arc::<AtomicBool>::default();
        let busy = is_busy.clone();
        let server = MailServer::start(move |step| match step {
            Step::Recipient if busy.load(SeqCst) => Say::No("450 mailbox busy"),
            _ => Say::Yes,
        });
        let mut reader = Reader::new(engine, &server).await;
        let owed = reader.system.issued_bill(&reader.alice, 100).await;
        reader.bill("sent").await;
        is_busy.store(true, SeqCst);
        let late = json!({"bill_id": owed, "user_id": reader.alice.id, "days": 3});
        let late = event("billing", "bill.became_overdue", &format!("bill/{owed}"), &late);
        tell(&reader.system, "billing", &[&late]).await.expect(200);
        let wrong = reader.system.issued_bill(&reader.alice, 200).await;
        reader.put_off("bill_overdue").await;
        reader.put_off("bill_issued").await;

        let paid = reader.alice.keyed("p").post("/api/payments", order(&owed, 100, "tok_ok")).await;
        assert_eq!(paid.expect(201)["status"], "succeeded");
        let void = format!("/api/bills/{wrong}/void");
        reader.admin.keyed("v").post(&void, json!({})).await.expect(200);
        reader.put_off("bill_paid").await;
        is_busy.store(false, SeqCst);
        reader.later().await;
        for template in ["bill_overdue", "bill_issued"] {
            let told = reader.mail(template, "suppressed").await;
            assert_eq!(told["error_code"], "no_longer_needed", "{told}");
        }
        reader.mail("bill_paid", "sent").await;
        let heard = server.heard();
        assert!(
            !heard.iter().any(|mail| mail.header("subject").starts_with("Overdue")),
            "{heard:?}"
        );
        reader.system.finish().await;
    }

    /// A server without STARTTLS, where it is asked for, sees no mail; none is lost.
    pub(super) async fn without_starttls_nothing_is_sent_in_clear(engine: Engine) {
        let server = one_by_one(&[]);
        let secure = [("BUSBAR_NOTIFICATIONS_SMTP_SECURITY", "starttls")];
        let system = start(engine, &server, &secure).await;
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        system.wait_for_log("the mail server does not offer STARTTLS").await;
        let to = (alice.id.as_str(), "email");
        let mut waits = Value::Null;
        let refused = async || {
            waits = message(&system, &admin, to, "email_verification", "queued").await;
            waits["error_code"] == "smtp_starttls_missing"
        };
        system.eventually("it waits", refused).await;
        assert_eq!(waits["attempts"], 0, "the mail is not to blame");
        assert!(server.heard().is_empty());
        system.finish().await;
    }
}
