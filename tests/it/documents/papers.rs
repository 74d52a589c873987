//! Invoices and receipts: made by themselves, once, whatever falls in between.

use busbar::types::ServiceName;
use serde_json::{Value, json};

use super::desk::{PATH, blobs, content, digest, id_of};
use crate::support::orders::order;
use crate::support::{Engine, Person, TestSystem, both_engines};

/// The documents of a kind about something, once there is one.
async fn papers(system: &TestSystem, person: &Person, kind: &str, subject: &str) -> Vec<Value> {
    let path = format!("{PATH}?kind={kind}&subject={subject}");
    let mut found = Vec::new();
    system
        .eventually(&format!("there is a paper about {subject}"), async || {
            let listed = person.get(&path).await.expect(200);
            found = listed["data"].as_array().unwrap().clone();
            !found.is_empty()
        })
        .await;
    found
}

both_engines! {
    /// A bill that is issued gets an invoice, a payment that succeeds a receipt; both belong to the
    /// customer, who cannot delete them.
    async fn bills_and_payments_get_their_papers(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bob = system.person("bob").await;
        let bill = system.issued_bill(&alice, 4496).await;
        let invoices = papers(&system, &alice, "invoice", &format!("bill/{bill}")).await;
        assert_eq!(invoices.len(), 1);
        let invoice = &invoices[0];
        let number = alice.get(&format!("/api/bills/{bill}")).await.expect(200)["number"].clone();
        let filename = format!("invoice-{}.pdf", number.as_str().unwrap());
        assert_eq!((&invoice["filename"], &invoice["media_type"], &invoice["owner_id"]),
            (&json!(filename), &json!("application/pdf"), &json!(alice.id)));
        let pdf = alice.get(&content(&id_of(invoice))).await;
        assert!(pdf.body.starts_with(b"%PDF-1.7"));
        assert_eq!(pdf.header("repr-digest"), digest(&pdf.body));

        let paid = alice.keyed("p").post("/api/payments", order(&bill, 4496, "tok_ok")).await;
        let payment = id_of(&paid.expect(201));
        let receipts = papers(&system, &alice, "receipt", &format!("payment/{payment}")).await;
        assert_eq!(receipts.len(), 1);
        let path = format!("{PATH}/{}", id_of(&receipts[0]));
        assert!(alice.get(&content(&id_of(&receipts[0]))).await.body.starts_with(b"%PDF-1.7"));
        bob.get(&path).await.expect_problem(404, "document_not_found");
        alice.delete(&path).await.expect_problem(403, "document_not_deletable");

        let billing = system.internal_as("billing", ServiceName::Documents);
        let question = json!({"subject": format!("bill/{bill}"), "kind": "invoice"});
        let link = billing.post("/internal/documents/links", question).await.expect(200);
        assert!(system.anonymous().get(link["url"].as_str().unwrap()).await.body == pdf.body);
        let renders = system.figure(ServiceName::Documents, "busbar_documents_renders_total").await;
        assert_eq!(renders, 2.0);
        admin.delete(&path).await.expect(204);
    }
}

/// An event that makes no sense is refused as unreadable.
#[actix_web::test]
async fn an_event_that_makes_no_sense_is_refused() {
    let system = TestSystem::start(Engine::Sqlite).await;
    let subject = "bill/01900000-0000-7000-8000-000000000000";
    let event = json!({
        "specversion": "1.0", "id": "01900000-0000-7000-8000-000000000001",
        "source": "/busbar/billing", "type": "busbar.bill.issued.v1", "subject": subject,
        "time": "2026-11-01T00:00:00.000Z", "datacontenttype": "application/json",
        "dataschema": "/schemas/bill.issued/v1", "sequence": "00000000000000000001",
        "partitionkey": subject, "correlationid": "r-1", "actor": "system",
        "data": {"total_minor": 4496}
    });
    let billing = system.internal_as("billing", ServiceName::Documents);
    let heard = billing.post("/internal/events", json!([event])).await.expect(200);
    assert_eq!(heard["results"][0]["code"], "event_unreadable", "{heard}");
    system.finish().await;
}

/// Killed with a rendered invoice in its hands, or with one that is in place and not written down:
/// there is one invoice in the end, and nothing beside it.
async fn killed_at(engine: Engine, point: &str) {
    // Long enough for a busy machine to renew it; the next process waits for its end.
    let settings = [("BUSBAR_FAILPOINT", point), ("BUSBAR_JOBS_LEASE_MS", "8000")];
    let system = TestSystem::start_with(engine, &settings).await;
    let alice = system.person("alice").await;
    let bill = system.issued_bill(&alice, 4496).await;
    system.wait_for_log(&format!("failpoint reached: {point}")).await;
    system.kill();
    system.start_again().await;
    let invoices = papers(&system, &alice, "invoice", &format!("bill/{bill}")).await;
    assert_eq!(invoices.len(), 1);
    let pdf = alice.get(&content(&id_of(&invoices[0]))).await;
    assert!(pdf.body.starts_with(b"%PDF-1.7"));
    assert_eq!(blobs(&system).len(), 1, "the same facts give the same bytes");
    system.finish().await;
}

#[actix_web::test]
async fn an_invoice_that_was_rendered_is_made_once_on_sqlite() {
    killed_at(Engine::Sqlite, "documents.rendered").await;
}

#[actix_web::test]
async fn an_invoice_that_was_rendered_is_made_once_on_postgres() {
    killed_at(Engine::Postgres, "documents.rendered").await;
}

#[actix_web::test]
async fn an_invoice_that_was_placed_is_made_once_on_sqlite() {
    killed_at(Engine::Sqlite, "documents.after_place").await;
}

#[actix_web::test]
async fn an_invoice_that_was_placed_is_made_once_on_postgres() {
    killed_at(Engine::Postgres, "documents.after_place").await;
}
