//! The receiving side, by hand: one answer for each event.

use std::time::Duration;

use actix_web::http::Method;
use awc::http::header::HeaderMap;
use busbar::events::Event;
use busbar::events::inbox::{Outcome, Received};
use busbar::types::EventId;
use busbar_http::Deadline;
use serde_json::{Value, json};

use super::house::{FAILED, Listener, PANICKED, REFUSED};
use super::outbox::{paid, said, say};
use super::stage::{Stage, on_both};

/// Posts a batch by hand, in the name of a service.
pub(crate) async fn post(listener: &Listener, from: &'static str, batch: &Value) -> (u16, Value) {
    let peer = listener.peer_at(listener.port, from);
    let deadline = Deadline::after(Duration::from_secs(20));
    let body = batch.to_string().into();
    let headers = HeaderMap::new();
    let reply = peer.raw(Method::POST, "/internal/events", &headers, Some(body), deadline);
    let reply = reply.await.unwrap();
    (reply.status.as_u16(), serde_json::from_slice(&reply.body).unwrap())
}

on_both! {
    /// The inbox hears services only, each for itself, and answers for each event.
    async fn the_inbox_answers_for_each_event(stage: Stage) {
        let listener = Listener::new(&stage).await;
        let server = listener.start();
        for (bill, step) in [("1", 1), ("2", REFUSED), ("2", 2), ("3", FAILED), ("4", PANICKED)] {
            say(&stage, &paid(bill, step)).await;
        }
        let batch: Vec<Event> =
            [said(&stage, "1").await, said(&stage, "2").await, said(&stage, "3").await,
             said(&stage, "4").await].concat();
        let first = batch[0].clone();
        let batch = json!(batch);
        let outcomes = |answer: &Value| {
            let received: Received = serde_json::from_value(answer.clone()).unwrap();
            received.results.into_iter().map(|i| (i.result, i.code)).collect::<Vec<_>>()
        };
        let code = |code: &str| Some(code.to_owned());

        let (status, answer) = post(&listener, "billing", &batch).await;
        assert_eq!(status, 200);
        assert_eq!(
            outcomes(&answer),
            [
                (Outcome::Accepted, None),
                (Outcome::Refused, code("step_unknown")),
                (Outcome::Failed, code("internal")),
                (Outcome::Failed, code("effect_panicked")),
            ],
            "what follows a refused event of its subject is not tried"
        );
        let (_, again) = post(&listener, "billing", &json!([first])).await;
        assert_eq!(outcomes(&again), [(Outcome::Duplicate, None)]);
        assert_eq!(listener.effects().await, 1);

        let (_, foreign) = post(&listener, "payments", &json!([first])).await;
        assert_eq!(outcomes(&foreign), [(Outcome::Refused, code("source_foreign"))]);
        // In its own name, of what is for another one to tell.
        let source = "/busbar/payments".to_owned();
        let other = Event { id: EventId::new(), source, ..first.clone() };
        let (_, foreign) = post(&listener, "payments", &json!([other])).await;
        assert_eq!(outcomes(&foreign), [(Outcome::Refused, code("source_foreign"))]);
        let many: Vec<_> = (0..101).map(|_| Event { id: EventId::new(), ..first.clone() }).collect();
        let (status, answer) = post(&listener, "billing", &json!(many)).await;
        assert_eq!((status, &answer["code"]), (413, &json!("batch_too_large")));
        let (status, answer) = post(&listener, "billing", &json!([{"specversion": "1.0"}])).await;
        assert_eq!((status, &answer["errors"][0]["pointer"]), (422, &json!("/0")));

        let url = format!("http://127.0.0.1:{}/internal/events", listener.port);
        let nobody = awc::Client::default().post(url).send_json(&batch).await.unwrap();
        assert_eq!(nobody.status().as_u16(), 401);
        server.stop(false).await;
    }
}
