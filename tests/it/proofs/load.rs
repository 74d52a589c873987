//! Clients of the gateway at an even rate: reads of every service, and payments under a key each.
//!
//! Half of them keep their connection, half open a new one for each request. A client does what any
//! should: it looks whether a kept connection has been closed before it uses it, what broke off without
//! an answer it sends again, with the same key, and when the first is still being worked on it asks again
//! after the time that it is told. Whatever else was answered is taken as it is.

use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use busbar::types::ServiceName;

use super::menu::{BILLED, Menu, Request};
use crate::support::TestSystem;
use crate::support::launch::{PATIENCE, eventually};
use crate::support::wire::{Message, Wire};

/// So many of them that a few slow answers do not slow the rate.
const CLIENTS: usize = 100;
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
    /// How often it broke off without an answer.
    pub(super) cuts: Vec<Span>,
    /// Between the last use of a kept connection, and when it was found closed before the next.
    pub(super) closed: Vec<Span>,
    /// Set when it was not answered with success.
    pub(super) bad: Option<String>,
}

impl Sent {
    pub(super) fn span(&self) -> Span {
        Span { from: self.at, to: self.at + self.took }
    }
}

/// From when to when something happened, at the most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) from: Instant,
    pub(super) to: Instant,
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
    /// And when it was last used.
    kept: Option<(Wire, Instant)>,
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
        let (mut cuts, mut closed) = (Vec::new(), Vec::new());
        let answer = loop {
            let begun = Instant::now();
            closed.extend(self.let_go_of_closed());
            match self.exchange(request) {
                Some(answer) if !answer.text().contains("idempotency_in_flight") => {
                    break Ok(answer);
                }
                _ if at.elapsed() > PATIENCE => break Err("no answer, again and again".to_owned()),
                // The first is still being worked on.
                Some(answer) if !cuts.is_empty() => {
                    let seconds = answer.field("retry-after").parse().expect("when to come again");
                    std::thread::sleep(Duration::from_secs(seconds));
                }
                Some(answer) => break Ok(answer),
                None => cuts.push(Span { from: begun, to: Instant::now() }),
            }
        };
        let bad = match answer {
            Ok(answer) if answer.status() < 300 => None,
            Ok(answer) => Some(format!("{} {:?} {}", answer.line, answer.fields, answer.text())),
            Err(why) => Some(why),
        };
        let bad = bad.map(|why| format!("{}: {why}", request.text.lines().next().unwrap()));
        Sent { service: request.service, at, took: at.elapsed(), cuts, closed, bad }
    }

    /// Looks whether the kept connection has been closed; then it was between these instants.
    fn let_go_of_closed(&mut self) -> Option<Span> {
        let (_, from) = self.kept.take_if(|(wire, _)| wire.has_been_closed())?;
        Some(Span { from, to: Instant::now() })
    }

    /// An answer; `None` when the connection broke before.
    fn exchange(&mut self, request: &Request) -> Option<Message> {
        let kept = self.kept.take().map(|(wire, _)| wire);
        let mut wire = kept.or_else(|| self.connect())?;
        let answer = wire.send(&request.text).try_answer().filter(|answer| answer.is_whole)?;
        if self.number.is_multiple_of(2) && answer.field("connection") != "close" {
            self.kept = Some((wire, Instant::now()));
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
