//! Load on a service while its incarnations change, and the count of what was lost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use actix_rt::time::sleep;

use crate::support::{Connection, get, on_a_system};

/// Between the requests of a client that is not busy.
const PAUSE: Duration = Duration::from_millis(60);

/// Clients on threads of their own, until they are asked for what they have seen.
pub(crate) struct Load {
    over: Arc<AtomicBool>,
    clients: Vec<thread::JoinHandle<Seen>>,
}

/// What the clients have seen together.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) answers: usize,
    pub(crate) lost: Vec<String>,
}

impl Load {
    /// Two clients that connect anew each time, and two that keep their connection as long as the
    /// server lets them: one is busy, one pauses between its requests.
    pub(crate) fn on(to: SocketAddr) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let clients = (0..4_u32).map(|i| {
            let over = over.clone();
            thread::spawn(move || {
                let mut seen = Seen::default();
                on_a_system(async {
                    while !over.load(Ordering::Relaxed) {
                        match i % 2 {
                            0 => seen.count("new", get(to, "/slow/3").await.map(drop)),
                            _ => keep(to, PAUSE * (i / 2), &over, &mut seen).await,
                        }
                    }
                });
                seen
            })
        });
        Load { clients: clients.collect(), over }
    }

    pub(crate) fn end(self) -> Seen {
        self.over.store(true, Ordering::Relaxed);
        let mut all = Seen::default();
        for client in self.clients {
            let seen = client.join().unwrap();
            all.answers += seen.answers;
            all.lost.extend(seen.lost);
        }
        all
    }
}

impl Seen {
    fn count(&mut self, class: &str, outcome: std::io::Result<()>) {
        match outcome {
            Ok(()) => self.answers += 1,
            Err(error) => self.lost.push(format!("{class}: {error}")),
        }
    }
}

/// Uses one connection until the server asks to close it, or breaks it.
async fn keep(to: SocketAddr, pause: Duration, over: &AtomicBool, seen: &mut Seen) {
    let mut connection = match Connection::open(to).await {
        Ok(connection) => connection,
        Err(error) => return seen.count("connect", Err(error)),
    };
    while !over.load(Ordering::Relaxed) {
        let answer = connection.get("/slow/2").await;
        let leave = answer.as_ref().map_or(true, |answer| answer.close);
        seen.count("kept", answer.map(drop));
        if leave {
            return;
        }
        sleep(pause).await;
    }
}
