//! Several instances of one service: those that are well share the work.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use serde_json::json;

use super::{PATIENT, gateway};
use crate::support::wire::{Scripted, Then, read_message, reply, say};

/// A service that answers every question, and says of its health what it is told to.
struct Instance {
    url: String,
    is_well: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl Instance {
    fn start() -> Instance {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (is_well, asked) = (Arc::new(AtomicBool::new(true)), Arc::<AtomicUsize>::default());
        let (says, counts) = (is_well.clone(), asked.clone());
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (says, counts) = (says.clone(), counts.clone());
                std::thread::spawn(move || {
                    while let Some(message) = read_message(&mut stream, true) {
                        if !message.target().starts_with("/health") {
                            counts.fetch_add(1, SeqCst);
                            reply(&mut stream, "ok");
                        } else if says.load(SeqCst) {
                            reply(&mut stream, r#"{"status":"UP"}"#);
                        } else {
                            say(&mut stream, "HTTP/1.1 503 Ill\r\ncontent-length: 0\r\n\r\n");
                        }
                    }
                });
            }
        });
        Instance { url, is_well, asked }
    }
}

/// What the watch says is down is passed over, but never the last one.
#[actix_web::test]
async fn an_instance_that_is_down_is_passed_over() {
    let (one, two) = (Instance::start(), Instance::start());
    let urls = format!("{},{}", one.url, two.url);
    let settings =
        [PATIENT, ("BUSBAR_HEALTH_INTERVAL_MS", "50"), ("PAYMENT_SERVICE_URL", urls.as_str())];
    let system = gateway(&[], &settings).await;
    let asked = async || {
        let before = (one.asked.load(SeqCst), two.asked.load(SeqCst));
        for _ in 0..20 {
            system.anonymous().get("/api/payments").await;
        }
        (one.asked.load(SeqCst) - before.0, two.asked.load(SeqCst) - before.1)
    };
    system
        .eventually("both have their share", async || {
            let (one, two) = asked().await;
            one > 0 && two > 0
        })
        .await;

    one.is_well.store(false, SeqCst);
    system.eventually("the one is left out", async || asked().await == (0, 20)).await;
    two.is_well.store(false, SeqCst);
    system
        .eventually("there is no better one any more", async || {
            let (one, two) = asked().await;
            one > 0 && two > 0
        })
        .await;
    one.is_well.store(true, SeqCst);
    system.eventually("the one that is back has it all", async || asked().await == (20, 0)).await;
}

/// One that fails is left alone while the other works: its callers do not notice.
#[actix_web::test]
async fn an_instance_that_fails_is_left_out() {
    let well = Scripted::saying("well");
    let sick = Scripted::start(|_, stream| {
        say(stream, "HTTP/1.1 502 Sick\r\ncontent-length: 0\r\n\r\n");
        Then::Keep
    });
    let urls = format!("{},{}", sick.url(), well.url());
    let long = ("GATEWAY_BREAKER_OPEN_MS", "60000");
    let system = gateway(&[], &[("PAYMENT_SERVICE_URL", urls.as_str()), long]).await;
    let mut failed = 0;
    for _ in 0..60 {
        let answer = system.anonymous().post("/api/payments", json!({})).await;
        failed += usize::from(answer.status == 502);
    }
    assert_eq!((failed, sick.heard().len()), (5, 5));
}
