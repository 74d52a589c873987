//! The life of a document, from its upload to the last trace of it.

use busbar::types::ServiceName;
use serde_json::json;

use super::desk::{PATH, Sending, blobs, content, digest, id_of, noise, stored};
use crate::support::both_engines;

const SIZE: usize = 5 * 1024 * 1024;

both_engines! {
    with &[ServiceName::Users, ServiceName::Documents];

    /// Five megabytes with a wrong and a right digest, parts of them, the eyes of others, links, the
    /// same bytes of two people.
    async fn a_document_from_beginning_to_end(system: TestSystem) {
        let (alice, bob) = (system.person("alice").await, system.person("bob").await);
        let bytes = noise(SIZE, 1);
        let sending = || Sending::plain("meter photo.bin", bytes.clone());

        let wrong = sending().field("content-digest", &digest(b"else")).by(&alice).await;
        wrong.expect_problem(422, "digest_mismatch");
        assert!(blobs(&system).is_empty());
        let right = sending().field("repr-digest", &digest(&bytes)).by(&alice).await.expect(201);
        assert_eq!((&right["size"], &right["kind"]), (&json!(SIZE), &json!("upload")));
        assert_eq!(right["media_type"], "application/octet-stream");
        assert_eq!(right["owner_id"], json!(alice.id));
        assert_eq!(right["filename"], "meter photo.bin");
        let path = content(&id_of(&right));

        let part = alice.header("range", "bytes=0-99").get(&path).await;
        assert_eq!((part.status, part.body.as_slice()), (206, &bytes[..100]), "{}", part.status);
        let behind = alice.header("range", "bytes=99999999-").get(&path).await;
        behind.expect_problem(416, "range_not_satisfiable");
        let whole = alice.get(&path).await;
        assert!(whole.status == 200 && whole.body == bytes);

        bob.get(&path).await.expect_problem(404, "document_not_found");
        system.anonymous().get(&path).await.expect_problem(401, "unauthenticated");

        let order = json!({"expires_in": 60});
        let link = alice.post(&format!("{PATH}/{}/links", id_of(&right)), order).await.expect(201);
        let url = link["url"].as_str().unwrap();
        let through = system.anonymous().get(url).await;
        assert!(through.status == 200 && through.body == bytes);
        let altered = format!("{}{}", &url[..url.len() - 2], if url.ends_with("AA") { "QQ" } else { "AA" });
        system.anonymous().get(&altered).await.expect_problem(403, "link_invalid");
        system.advance(std::time::Duration::from_secs(61)).await;
        system.anonymous().get(url).await.expect_problem(410, "link_expired");

        let twin = sending().by(&bob).await.expect(201);
        assert_ne!(twin["id"], right["id"]);
        assert_eq!((twin["sha256"].clone(), blobs(&system).len()), (right["sha256"].clone(), 1));
        alice.delete(&format!("{PATH}/{}", id_of(&right))).await.expect(204);
        alice.get(&path).await.expect_problem(404, "document_not_found");
        assert!(bob.get(&content(&id_of(&twin))).await.body == bytes);
        bob.delete(&format!("{PATH}/{}", id_of(&twin))).await.expect(204);
        assert!(blobs(&system).is_empty(), "the last one takes the bytes along");
        assert_eq!(stored(&system).await, 2.0);
    }
}
