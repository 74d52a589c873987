//! Calls to billing that arrive when nobody waits for them any more.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use busbar::types::ServiceName;
use serde_json::json;

use crate::support::orders::order;
use crate::support::wire::{Message, Scripted, Then, read_message, say, wait_for_close};
use crate::support::{Engine, TestSystem};

use super::bill_is;

const REFUSED: &str = r#"{"type":"/problems/bill_amount_reserved","status":409,"title":"held","code":"bill_amount_reserved"}"#;

/// Hands a request on, and its answer back.
fn hand_on(request: &Message, port: u16) -> Message {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(&written(request)).unwrap();
    read_message(&mut stream, request.method() != "HEAD").expect("an answer")
}

/// A message with its body in one piece, and the connection at its end.
fn written(message: &Message) -> Vec<u8> {
    let framing = ["content-length", "transfer-encoding", "connection"];
    let kept = message.fields.iter().filter(|(name, _)| !framing.contains(&name.as_str()));
    let fields: String = kept.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = message.body.len();
    let head = format!(
        "{}\r\n{fields}content-length: {length}\r\nconnection: close\r\n\r\n",
        message.line
    );
    [head.as_bytes(), &message.body].concat()
}

/// A way to billing on which the first order to hold an amount is late, and the second is refused.
struct Way {
    service: Scripted,
    late: Arc<Mutex<Option<Message>>>,
}

impl Way {
    fn to(port: u16) -> Way {
        let late = Arc::new(Mutex::new(None));
        let (kept, orders) = (late.clone(), AtomicUsize::new(0));
        let service = Scripted::start(move |heard, stream| {
            let message = &heard.message;
            let is_order = message.line.starts_with("POST /internal/reservations ");
            match is_order.then(|| orders.fetch_add(1, SeqCst)) {
                Some(0) => {
                    *kept.lock().unwrap() = Some(message.clone());
                    wait_for_close(stream);
                }
                Some(1) => say(
                    stream,
                    format!(
                        "HTTP/1.1 409 Conflict\r\ncontent-type: application/problem+json\r\n\
                         content-length: {}\r\n\r\n{REFUSED}",
                        REFUSED.len()
                    ),
                ),
                _ => say(stream, written(&hand_on(message, port))),
            }
            Then::Close
        });
        Way { service, late }
    }
}

/// An order that was refused after one that nobody answered ends its payment for billing to hear:
/// whatever arrives afterwards holds nothing, and the bill can be paid.
async fn a_late_order_holds_nothing(engine: Engine) {
    let system = TestSystem::prepare(engine);
    let billing = system.port(ServiceName::Billing);
    let way = Way::to(billing);
    system.launch_with(&[("BILLING_SERVICE_URL", &way.service.url())]).await;
    let alice = system.person("alice").await;
    let bill = system.issued_bill(&alice, 4496).await;

    let payer = alice.keyed("late");
    let mut ended = json!(null);
    system
        .eventually("the key is answered", async || {
            let answer = payer.post("/api/payments", order(&bill, 4496, "tok_ok")).await;
            ended = answer.json.clone();
            answer.status == 201
        })
        .await;
    assert_eq!(
        (&ended["status"], &ended["failure"]["code"]),
        (&"cancelled".into(), &"not_reserved".into())
    );
    let held = format!("/internal/reservations/{}", ended["id"].as_str().unwrap());
    let inside = system.internal(ServiceName::Billing);
    system
        .eventually("billing has heard of it", async || inside.get(&held).await.status == 200)
        .await;

    let late = way.late.lock().unwrap().take().expect("an order that is late");
    let answer = hand_on(&late, billing);
    assert_eq!(answer.status(), 409, "{answer:?}");
    assert!(answer.text().contains("reservation_released"), "{answer:?}");
    let paid = alice.keyed("anew").post("/api/payments", order(&bill, 4496, "tok_ok")).await;
    assert_eq!(paid.expect(201)["status"], "succeeded");
    bill_is(&system, &alice, &bill, "paid").await;
    system.finish().await;
}

#[actix_web::test]
async fn a_late_order_holds_nothing_sqlite() {
    a_late_order_holds_nothing(Engine::Sqlite).await;
}

#[actix_web::test]
async fn a_late_order_holds_nothing_postgres() {
    a_late_order_holds_nothing(Engine::Postgres).await;
}
