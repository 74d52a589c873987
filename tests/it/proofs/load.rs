//! Clients of the gateway at an even rate: reads of every service, and payments under a key each.
//!
//! Half of them keep their connection, half open a new one for each request. A client does what any
//! should: what broke off without an answer it sends once more, with the same key, and when the first
//! is still being worked on it asks again after the time that it is told. Whatever else was answered is
//! taken as it is.

use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use busbar::types::ServiceName;

use crate::support::TestSystem;
use crate::support::launch::{PATIENCE, eventually};
use crate::support::orders::order;
use crate::support::wire::{Message, Wire};

/// So many of them that a few slow answers do not slow the rate.
const CLIENTS: usize = 100;
/// One request of so many is a payment.
const PAYMENT_EVERY: usize = 10;
/// People who pay, each a bill of their own.
const PAYERS: usize = 4;
/// Of each bill; payments are of one cent.
const BILLED: i64 = 1_000_000;
/// What was cut off in a payment is tried again later and later.
const SETTLED_WITHIN: Duration = Duration::from_secs(120);
/// Between two looks whether a port takes connections.
const KNOCK_EVERY: Duration = Duration::from_millis(20);

/// What one request came to.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) service: ServiceName,
    pub(super) at: Instant,
    pub(super) took: Duration,
    /// The first time it broke off without an answer.
    pub(super) was_cut: bool,
    /// Set when it was not answered with success.
    pub(super) bad: Option<String>,
}

/// What can be asked for.
struct Menu {
    port: u16,
    reads: Vec<(ServiceName, String)>,
    payers: Vec<Payer>,
}

struct Payer {
    token: String,
    bill: String,
    keys: AtomicUsize,
}

struct Request {
    service: ServiceName,
    text: String,
}

/// The clients at work.
pub(super) struct Load {
    over: Arc<AtomicBool>,
    menu: Arc<Menu>,
    pub(super) refused: Arc<AtomicUsize>,
    answered: Arc<AtomicUsize>,
    sent: Arc<Mutex<Vec<Sent>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    pub(super) async fn start(system: &TestSystem, per_second: usize) -> Load {
        let menu = Arc::new(Menu::of(system).await);
        let mut load = Load {
            over: Arc::default(),
            menu,
            refused: Arc::default(),
            answered: Arc::default(),
            sent: Arc::default(),
            threads: Vec::new(),
        };
        let begin = Instant::now();
        for client in 0..CLIENTS {
            let every = Duration::from_secs_f64(CLIENTS as f64 / per_second as f64);
            let first = begin + every.mul_f64(client as f64 / CLIENTS as f64);
            let client = Client {
                number: client,
                next: first,
                every,
                menu: load.menu.clone(),
                over: load.over.clone(),
                refused: load.refused.clone(),
                answered: load.answered.clone(),
                sent: load.sent.clone(),
                kept: None,
            };
            load.threads.push(std::thread::spawn(move || client.work()));
        }
        let ports = ServiceName::ALL.map(|name| system.port(name));
        let (over, refused) = (load.over.clone(), load.refused.clone());
        load.threads.push(std::thread::spawn(move || knock(&ports, &over, &refused)));
        load
    }

    /// Waits for so many answers more.
    pub(super) async fn runs_for(&self, answers: usize) {
        let wanted = self.answered.load(SeqCst) + answers;
        eventually("the load is answered", async || self.answered.load(SeqCst) >= wanted).await;
    }

    /// All that was sent, in the order of the answers.
    pub(super) fn end(&mut self) -> Vec<Sent> {
        self.over.store(true, SeqCst);
        self.threads.drain(..).for_each(|thread| thread.join().unwrap());
        std::mem::take(&mut *self.sent.lock().unwrap())
    }

    /// Payments that were asked for, each under a key of its own.
    pub(super) fn keys(&self) -> usize {
        self.menu.payers.iter().map(|payer| payer.keys.load(SeqCst)).sum()
    }

    /// Every key that was used has paid its cent, once.
    pub(super) async fn is_paid_once(&self, system: &TestSystem) {
        let (start, admin) = (Instant::now(), system.admin().await);
        for payer in &self.menu.payers {
            let keys = payer.keys.load(SeqCst);
            let left = BILLED - i64::try_from(keys).unwrap();
            let path = format!("/api/bills/{}", payer.bill);
            loop {
                let bill = admin.get(&path).await.expect(200);
                let balance = bill["balance_minor"].as_i64().unwrap();
                let seen = format!("{keys} keys, and {balance} is left of {BILLED}");
                assert!(balance >= left, "{seen}");
                if balance == left {
                    break;
                }
                assert!(start.elapsed() < SETTLED_WITHIN, "{seen}");
                actix_rt::time::sleep(KNOCK_EVERY).await;
            }
        }
    }
}

impl Menu {
    async fn of(system: &TestSystem) -> Menu {
        let mut payers = Vec::new();
        for number in 0..PAYERS {
            let person = system.person(&format!("payer-{number}")).await;
            let bill = system.issued_bill(&person, BILLED).await;
            let token = person.token.clone().unwrap();
            payers.push(Payer { token, bill, keys: AtomicUsize::default() });
        }
        let admin = system.admin().await.token.unwrap();
        let own = |path: &str| get(path, &payers[0].token);
        let reads = vec![
            (ServiceName::Users, own("/api/users/me")),
            (ServiceName::Payments, own("/api/payments?limit=5")),
            (ServiceName::Billing, own(&format!("/api/bills/{}", payers[0].bill))),
            (ServiceName::Notifications, own("/api/notifications/unread-count")),
            (ServiceName::Documents, own("/api/documents?limit=5")),
            (ServiceName::Utilities, own("/api/service-accounts?limit=5")),
            (ServiceName::Analytics, get("/api/analytics/dashboard", &admin)),
            (ServiceName::Webhooks, get("/api/webhooks?limit=5", &admin)),
        ];
        Menu { port: system.port(ServiceName::Gateway), reads, payers }
    }

    /// The request of a number.
    fn request(&self, number: usize) -> Request {
        if !number.is_multiple_of(PAYMENT_EVERY) {
            let (service, text) = &self.reads[number % self.reads.len()];
            return Request { service: *service, text: text.clone() };
        }
        let payer = &self.payers[number / PAYMENT_EVERY % self.payers.len()];
        let (key, body) = (payer.keys.fetch_add(1, SeqCst), order(&payer.bill, 1, "tok_ok"));
        let body = body.to_string();
        let text = format!(
            "{}idempotency-key: pay-{key}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            head("POST /api/payments", &payer.token),
            body.len()
        );
        Request { service: ServiceName::Payments, text }
    }
}

fn head(line: &str, token: &str) -> String {
    format!("{line} HTTP/1.1\r\nhost: busbar\r\nauthorization: Bearer {token}\r\n")
}

fn get(path: &str, token: &str) -> String {
    format!("{}\r\n", head(&format!("GET {path}"), token))
}

/// One client, on a thread of its own.
struct Client {
    number: usize,
    next: Instant,
    every: Duration,
    menu: Arc<Menu>,
    over: Arc<AtomicBool>,
    refused: Arc<AtomicUsize>,
    answered: Arc<AtomicUsize>,
    sent: Arc<Mutex<Vec<Sent>>>,
    kept: Option<Wire>,
}

impl Client {
    fn work(mut self) {
        let mut number = self.number;
        while !self.over.load(SeqCst) {
            std::thread::sleep(self.next.saturating_duration_since(Instant::now()));
            self.next += self.every;
            let request = self.menu.request(number);
            let sent = self.send(&request);
            if sent.bad.is_none() {
                self.answered.fetch_add(1, SeqCst);
            }
            self.sent.lock().unwrap().push(sent);
            number += CLIENTS;
        }
    }

    fn send(&mut self, request: &Request) -> Sent {
        let at = Instant::now();
        let first = self.exchange(request);
        let was_cut = first.is_none();
        let answer = first.or_else(|| self.again(request));
        let bad = match answer {
            Some(answer) if answer.status() < 300 => None,
            Some(answer) => Some(format!("{} {:?} {}", answer.line, answer.fields, answer.text())),
            None => Some("cut twice".to_owned()),
        };
        let bad = bad.map(|why| format!("{}: {why}", request.text.lines().next().unwrap()));
        Sent { service: request.service, at, took: at.elapsed(), was_cut, bad }
    }

    /// Sends what broke off once more.
    fn again(&mut self, request: &Request) -> Option<Message> {
        let start = Instant::now();
        loop {
            let answer = self.exchange(request)?;
            let is_at_work = answer.text().contains("idempotency_in_flight");
            if !is_at_work || start.elapsed() > PATIENCE {
                return Some(answer);
            }
            let seconds = answer.field("retry-after").parse().expect("when to come again");
            std::thread::sleep(Duration::from_secs(seconds));
        }
    }

    /// An answer; `None` when the connection broke before.
    fn exchange(&mut self, request: &Request) -> Option<Message> {
        let mut wire = self.kept.take().or_else(|| self.connect())?;
        let answer = wire.send(&request.text).try_answer().filter(|answer| answer.is_whole)?;
        if self.number.is_multiple_of(2) && answer.field("connection") != "close" {
            self.kept = Some(wire);
        }
        Some(answer)
    }

    fn connect(&self) -> Option<Wire> {
        let stream = TcpStream::connect(("127.0.0.1", self.menu.port));
        match stream {
            Ok(stream) => Some(Wire::over(stream, PATIENCE)),
            Err(_) => {
                self.refused.fetch_add(1, SeqCst);
                None
            }
        }
    }
}

/// Opens a connection to each port in turn, and leaves.
fn knock(ports: &[u16], over: &AtomicBool, refused: &AtomicUsize) {
    for port in ports.iter().cycle().take_while(|_| !over.load(SeqCst)) {
        if TcpStream::connect(("127.0.0.1", *port)).is_err() {
            refused.fetch_add(1, SeqCst);
        }
        std::thread::sleep(KNOCK_EVERY);
    }
}
