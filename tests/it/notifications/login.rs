//! Mail through a server that is not ours: STARTTLS with a certificate that is checked, and a login.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use serde_json::Value;

use super::letters::{Letter, distinct};
use super::{each_engine, message};
use crate::support::postgres::free_port;
use crate::support::python::python;
use crate::support::system::fresh_folder;
use crate::support::{Engine, TestSystem};

const NAME: &str = "busbar";
const PASSWORD: &str = "the mail server's own secret";

/// The server of one of the scripts, for as long as this lives.
struct Server {
    process: Child,
    port: u16,
    folder: PathBuf,
}

impl Server {
    fn start() -> Server {
        Server::of(include_str!("server.py"))
    }

    fn of(script: &str) -> Server {
        let (port, folder) = (free_port(), fresh_folder());
        let mut process = python()
            .args(["-c", script, &port.to_string()])
            .arg(&folder)
            .args([NAME, PASSWORD])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let mut said = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "ready\n", "the mail server starts");
        Server { process, port, folder }
    }

    async fn system(&self, engine: Engine, trusted: &str, password: &str) -> TestSystem {
        let system = TestSystem::prepare(engine);
        let (port, trusted) = (self.port.to_string(), self.folder.join(trusted));
        let settings = [
            ("BUSBAR_NOTIFICATIONS_SMTP_HOST", "127.0.0.1"),
            ("BUSBAR_NOTIFICATIONS_SMTP_PORT", &port),
            ("BUSBAR_NOTIFICATIONS_SMTP_USERNAME", NAME),
            ("BUSBAR_SMTP_PASSWORD", password),
            ("BUSBAR_NOTIFICATIONS_SMTP_CA_FILE", trusted.to_str().unwrap()),
            ("BUSBAR_NOTIFICATIONS_FROM", "River Power <bills@river.example>"),
        ];
        system.launch_with(&settings).await;
        system
    }

    fn mails(&self) -> Vec<Letter> {
        let entries = std::fs::read_dir(&self.folder).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let mails = paths.filter(|path| path.extension().is_some_and(|end| end == "mail"));
        let read = |path| Letter::read(&std::fs::read_to_string(path).unwrap());
        distinct(mails.map(read).collect())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// The mail waits, with this reason, and no try is counted.
async fn waits(system: &TestSystem, code: &str) {
    let (admin, alice) = (system.admin().await, system.person("alice").await);
    let mut last = Value::Null;
    let refused = async || {
        let to = (alice.id.as_str(), "email");
        last = message(system, &admin, to, "email_verification", "queued").await;
        last["error_code"] == code
    };
    system.eventually(&format!("it waits: {code}"), refused).await;
    assert_eq!(last["attempts"], 0, "{last}");
}

each_engine! {
    mail_goes_by_starttls_and_login;
    a_refused_login_is_told_and_waited_for;
    a_server_with_a_strange_certificate_gets_nothing;
    what_was_said_in_clear_does_not_count_after_starttls;
}

mod check {
    use super::*;

    pub(super) async fn mail_goes_by_starttls_and_login(engine: Engine) {
        let server = Server::start();
        let system = server.system(engine, "ca.pem", PASSWORD).await;
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        system.issued_bill(&alice, 4496).await;
        for template in ["email_verification", "bill_issued"] {
            message(&system, &admin, (&alice.id, "email"), template, "sent").await;
        }
        let mails = server.mails();
        assert_eq!(mails.len(), 2, "{mails:#?}");
        let bill = super::super::of_subject(&mails, "Your bill from river-power");
        assert!(bill.is_to("alice@example.org") && bill.text.contains("$44.96"), "{bill:?}");
        assert_eq!(bill.header("from"), "\"River Power\" <bills@river.example>");
        assert_eq!(bill.header("list-id"), "<billing.river.example>");
        assert!(!system.folder().join("data/mailbox").exists());
        system.finish().await;
    }

    pub(super) async fn a_refused_login_is_told_and_waited_for(engine: Engine) {
        let server = Server::start();
        let system = server.system(engine, "ca.pem", "not the password").await;
        waits(&system, "smtp_login_refused").await;
        system.wait_for_log("the mail server refuses our login").await;
        assert!(server.mails().is_empty());
        assert!(!system.log().join("\n").contains("not the password"));
        system.finish().await;
    }

    pub(super) async fn a_server_with_a_strange_certificate_gets_nothing(engine: Engine) {
        let server = Server::start();
        let system = server.system(engine, "stranger.pem", PASSWORD).await;
        waits(&system, "smtp_tls_failed").await;
        assert!(server.mails().is_empty());
        system.finish().await;
    }

    /// Somebody on the way adds answers in clear behind the server's consent to STARTTLS.
    pub(super) async fn what_was_said_in_clear_does_not_count_after_starttls(engine: Engine) {
        let server = Server::of(include_str!("injecting.py"));
        let system = server.system(engine, "ca.pem", PASSWORD).await;
        waits(&system, "smtp_tls_failed").await;
        assert!(!server.folder.join("fooled").exists());
        system.finish().await;
    }
}
