//! The process is killed while mails are queued, and started again: none is lost, none comes twice.

use serde_json::json;

use super::{each_engine, mails, message};

each_engine! {
    before_a_mail_is_written;
    after_a_mail_was_written;
}

mod check {
    use super::super::letters::mailbox;
    use super::*;
    use crate::support::{Engine, TestSystem};

    pub(super) async fn before_a_mail_is_written(engine: Engine) {
        killed_at(engine, "notifications.before_send", 0).await;
    }

    pub(super) async fn after_a_mail_was_written(engine: Engine) {
        killed_at(engine, "notifications.after_send", 1).await;
    }

    /// Every mail stands still at the point when the process is killed.
    async fn killed_at(engine: Engine, point: &str, written_min: usize) {
        let system = TestSystem::start_with(engine, &[("BUSBAR_FAILPOINT", point)]).await;
        let admin = system.admin().await;
        let mut people = Vec::new();
        for name in ["ada", "bob", "cyd"] {
            people.push(system.person(name).await);
        }
        for person in &people {
            for minor in 1..=3 {
                system.issued_bill(person, minor).await;
            }
        }
        system.wait_for_log(&format!("failpoint reached: {point}")).await;
        let queued = async || {
            let path = "/api/notifications?channel=email&status=queued&limit=100";
            admin.get(path).await.expect(200)["data"].as_array().unwrap().len() == 12
        };
        system.eventually("all mails are queued", queued).await;
        assert!(mailbox(&system).len() >= written_min);
        system.kill();

        system.start_again().await;
        for (name, person) in ["ada", "bob", "cyd"].into_iter().zip(&people) {
            let letters = mails(&system, &format!("{name}@example.org"), 4).await;
            let mut ids: Vec<String> =
                letters.iter().map(|letter| letter.header("message-id")).collect();
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), 4, "{name}");
            let verified = (person.id.as_str(), "email");
            message(&system, &admin, verified, "email_verification", "sent").await;
        }
        let sent = async || {
            let path = "/api/notifications?channel=email&status=sent&limit=100";
            admin.get(path).await.expect(200)["data"].as_array().unwrap().len() == 12
        };
        system.eventually("all mails are sent", sent).await;
        assert_eq!(mailbox(&system).len(), 12, "one file for each");
        let unread = people[0].get("/api/notifications/unread-count").await.expect(200);
        assert_eq!(unread, json!({"unread": 4}));
        system.finish().await;
    }
}
