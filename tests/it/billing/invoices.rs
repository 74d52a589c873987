//! The way to a bill's invoice.

use serde_json::{Value, json};

use super::neighbours::problem;
use super::office::{Office, draft, on_both};

on_both! {
    /// Owner and staff are sent to the invoice once it is there, and told to come again before.
    async fn an_invoice_is_found_when_it_is_made(office: Office) {
        let (staff, alice, victor) = (office.staff(), office.customer(), office.customer());
        let drafted = office.drafted(&staff, draft(&alice.id, 5)).await;
        let path = format!("/bills/{drafted}/pdf");
        alice.get(&path).await.expect_problem(404, "bill_not_found");
        staff.get(&path).await.expect_problem(409, "bill_not_issued");

        let id = office.issued(&alice, 5).await;
        let path = format!("/bills/{id}/pdf");
        for person in [&staff, &alice] {
            office.neighbours.link_is(404, problem("document_not_found"));
            let answer = person.get(&path).await;
            assert_eq!(answer.header("retry-after"), "2");
            assert_eq!(answer.expect(202), json!({"bill_id": id, "status": "rendering"}));

            let url = "/api/documents/0190/content?expires=1&signature=x";
            office.neighbours.link_is(200, json!({"document_id": "0190", "url": url,
                "expires_at": "2099-01-01T00:00:00.000Z"}));
            let answer = person.get(&path).await;
            assert_eq!((answer.status, answer.header("location")), (302, url), "{answer}");
            assert_eq!(answer.header("cache-control"), "private, no-store");

            for (status, said) in [(500, problem("internal")), (404, problem("not_found")), (0, Value::Null)] {
                office.neighbours.link_is(status, said);
                let answer = person.get(&path).await;
                assert_eq!(answer.header("retry-after"), "5");
                answer.expect_problem(503, "documents_unavailable");
            }
        }
        let asked = office.neighbours.asked("POST /internal/documents/links");
        victor.get(&path).await.expect_problem(404, "bill_not_found");
        assert_eq!(office.neighbours.asked("POST /internal/documents/links"), asked);
    }
}
