//! Links: for how long, to what, and for whom.

use std::time::Duration;

use busbar::types::ServiceName;
use serde_json::json;

use super::desk::{PATH, Sending, head, id_of};
use crate::support::both_engines;

both_engines! {
    with &[ServiceName::Users, ServiceName::Documents];

    /// A link is good for one document until it expires, and for nothing else.
    async fn a_link_is_good_for_a_time(system: TestSystem) {
        let (alice, stranger) = (system.person("alice").await, system.anonymous());
        let made = Sending::plain("a.txt", "one").by(&alice).await.expect(201);
        let other = Sending::plain("b.txt", "two").by(&alice).await.expect(201);
        let links = format!("{PATH}/{}/links", id_of(&made));
        for seconds in [json!(0), json!(604_801)] {
            let refused = alice.post(&links, json!({"expires_in": seconds})).await;
            refused.expect_problem(422, "expires_in_invalid");
        }
        let odd = alice.post(&links, json!({"expires_in": 5, "uses": 1})).await;
        odd.expect_problem(422, "unknown_field");
        let usual = alice.post(&links, json!({})).await.expect(201);
        let week = alice.post(&links, json!({"expires_in": 604_800})).await.expect(201);
        let (url, long) = (usual["url"].as_str().unwrap(), week["url"].as_str().unwrap());
        assert!(url.starts_with(&format!("/api/documents/{}/content?expires=", id_of(&made))));

        assert_eq!(stranger.get(url).await.body, b"one");
        assert_eq!(head(&stranger, url).await.status, 200);
        assert_eq!(stranger.header("range", "bytes=1-1").get(url).await.body, b"n");
        for altered in [
            url.replace(&id_of(&made), &id_of(&other)),
            url.replace("expires=", "expires=9"),
            url.split_once("&signature").unwrap().0.to_owned(),
            format!("{url}A"),
        ] {
            stranger.get(&altered).await.expect_problem(403, "link_invalid");
        }

        system.advance(Duration::from_secs(901)).await;
        stranger.get(url).await.expect_problem(410, "link_expired");
        assert_eq!(stranger.get(long).await.body, b"one");
        alice.delete(&format!("{PATH}/{}", id_of(&made))).await.expect_problem(401, "token_expired");
        let admin = system.admin().await;
        admin.delete(&format!("{PATH}/{}", id_of(&made))).await.expect(204);
        stranger.get(long).await.expect_problem(404, "document_not_found");
    }

    /// Services ask for links by what a document is about, and only those that hand them on.
    async fn services_ask_for_links_by_subject(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let path = "/internal/documents/links";
        let question = || json!({"subject": "bill/7", "kind": "invoice"});
        let billing = system.internal_as("billing", ServiceName::Documents);
        let absent = billing.post(path, question()).await;
        absent.expect_problem(404, "document_not_found");
        let query = format!("owner_id={}&subject=bill/7&kind=invoice", alice.id);
        let made = Sending::plain("a.txt", "bill 7").query(&query).by(&admin).await.expect(201);
        let link = billing.post(path, question()).await.expect(200);
        assert_eq!(link["document_id"], made["id"]);
        let fetched = system.anonymous().get(link["url"].as_str().unwrap()).await;
        assert_eq!(fetched.body, b"bill 7");
        let payments = system.internal(ServiceName::Documents);
        payments.post(path, question()).await.expect_problem(403, "insufficient_scope");
        let refused = alice.at(&system.service_url(ServiceName::Documents));
        refused.post(path, question()).await.expect_problem(401, "token_invalid");
        let one = format!("{PATH}/{}", id_of(&made));
        alice.delete(&one).await.expect_problem(403, "document_not_deletable");
        admin.delete(&one).await.expect(204);
    }
}
