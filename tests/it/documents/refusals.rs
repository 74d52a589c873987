//! What is refused, with which word.

use serde_json::json;

use busbar::types::ServiceName;

use super::desk::{PATH, Sending, beside, blobs, content, digest, folder, id_of, part};
use crate::support::both_engines;
use crate::support::wire::Wire;
use crate::support::{Engine, TestSystem};

both_engines! {
    with &[ServiceName::Users, ServiceName::Documents];

    /// Uploads that are wrong are told why, and leave nothing on the disk.
    async fn a_wrong_upload_is_refused_and_leaves_nothing(system: TestSystem) {
        let alice = system.person("alice").await;
        let plain = |name: &str| Sending::plain(name, "abc");
        let file = part("name=\"file\"; filename=\"a.txt\"", b"abc");
        let form = |more: Vec<u8>| Sending::form(&[file.clone(), more]);
        let bare = Sending::form(&[]);
        for (sending, status, code) in [
            (plain("a/b"), 422, "filename_invalid"),
            (plain("%ff"), 422, "filename_invalid"),
            (Sending::plain("a.txt", ""), 422, "file_empty"),
            (plain("a.txt").field("content-digest", "sha-256=abc"), 422, "digest_invalid"),
            (plain("a.txt").field("content-type", "application/pdf"), 422, "media_type_mismatch"),
            (plain("a.txt").query("color=red"), 422, "unknown_field"),
            (plain("a.txt").query("kind=nonsense"), 422, "document_kind_unknown"),
            (plain("a.txt").query("subject=bill/1"), 403, "insufficient_scope"),
            (plain("a.txt").query("kind=invoice"), 403, "insufficient_scope"),
            (plain("a.txt").field("idempotency-key", " "), 400, "idempotency_key_invalid"),
            (bare.clone(), 422, "field_required"),
            (bare.field("content-digest", &digest(b"abc")), 422, "digest_misplaced"),
            (form(file.clone()), 422, "field_repeated"),
            (form(part("name=\"color\"", b"red")), 422, "unknown_field"),
            (form(part("name=\"owner_id\"", b"nobody")), 422, "id_invalid"),
            (form(part("name=\"subject\"", &[b'x'; 2_000])), 422, "field_too_long"),
            (form(part("name=\"subject\"", b"bill/1")), 403, "insufficient_scope"),
            (Sending::form(&[part("name=\"file\"", b"abc")]), 422, "filename_required"),
            (Sending::torn_form(file.clone()), 400, "body_incomplete"),
            (plain("a").field("content-type", "multipart/form-data"), 400, "multipart_invalid"),
        ] {
            sending.by(&alice).await.expect_problem(status, code);
        }
        let unnamed = alice.post(PATH, json!({})).await;
        unnamed.expect_problem(422, "filename_required");
        system.anonymous().post(PATH, json!({})).await.expect_problem(401, "unauthenticated");
        assert!(blobs(&system).is_empty());
        system.eventually("nothing is left", async || beside(&system).is_empty()).await;
    }

    /// Other people's documents are not there, whatever is asked of them.
    async fn documents_of_others_are_not_there(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bob = system.person("bob").await;
        let made = Sending::plain("a.txt", "alice's").by(&alice).await.expect(201);
        let (one, path) = (format!("{PATH}/{}", id_of(&made)), content(&id_of(&made)));
        let links = format!("{one}/links");
        bob.get(&one).await.expect_problem(404, "document_not_found");
        bob.get(&path).await.expect_problem(404, "document_not_found");
        bob.delete(&one).await.expect_problem(404, "document_not_found");
        bob.post(&links, json!({})).await.expect_problem(404, "document_not_found");
        alice.get(&format!("{PATH}/nonsense")).await.expect_problem(404, "not_found");
        let own = format!("{PATH}?owner_id={}", alice.id);
        assert_eq!(bob.get(&own).await.expect(200)["data"], json!([]));
        assert_eq!(bob.get(PATH).await.expect(200)["data"], json!([]));
        assert_eq!(alice.get(&own).await.expect(200)["data"][0]["id"], made["id"]);
        assert_eq!(admin.get(&own).await.expect(200)["data"][0]["id"], made["id"]);
        assert_eq!(admin.get(&path).await.body, b"alice's");
        alice.get(&format!("{PATH}?kind=x")).await.expect_problem(422, "document_kind_unknown");
        alice.get(&format!("{PATH}?subject=x")).await.expect_problem(422, "subject_invalid");
        let forged = Sending::plain("a.txt", "abc").query(&format!("owner_id={}", alice.id));
        forged.by(&bob).await.expect_problem(403, "insufficient_scope");
        admin.delete(&one).await.expect(204);
        alice.get(&one).await.expect_problem(404, "document_not_found");
    }

    /// A disk that cannot be written is told as such, and documents can still be read; a content
    /// that is damaged is never sent.
    async fn a_broken_disk_is_told(system: TestSystem) {
        system.expect_faults();
        let alice = system.person("alice").await;
        let made = Sending::plain("a.txt", "before").by(&alice).await.expect(201);
        let tmp = folder(&system).join("tmp");
        std::fs::rename(&tmp, folder(&system).join("away")).unwrap();
        std::fs::write(&tmp, b"in the way").unwrap();
        let refused = Sending::plain("b.txt", "after").by(&alice).await;
        assert!(refused.header("retry-after") == "5");
        refused.expect_problem(503, "storage_unavailable");
        let path = content(&id_of(&made));
        assert_eq!(alice.get(&path).await.body, b"before");
        std::fs::remove_file(&tmp).unwrap();
        std::fs::rename(folder(&system).join("away"), &tmp).unwrap();
        Sending::plain("b.txt", "after").by(&alice).await.expect(201);

        let blob = blobs(&system).into_iter().find(|path| std::fs::read(path).unwrap() == b"before");
        std::fs::write(blob.unwrap(), b"bef").unwrap();
        alice.get(&path).await.expect_problem(503, "storage_unavailable");
    }
}

/// A document that is too large is refused as soon as that is known: by its announced length, at
/// the gateway and behind it, or when it has grown too long.
#[actix_web::test]
async fn a_document_that_is_too_large_is_refused() {
    let settings = [("BUSBAR_DOCUMENTS_UPLOAD_BYTES_MAX", "1000")];
    let system = TestSystem::start_with(Engine::Sqlite, &settings).await;
    let alice = system.person("alice").await;
    Sending::plain("a.txt", "x".repeat(1_000)).by(&alice).await.expect(201);
    let large = Sending::plain("a.txt", "x".repeat(1_001)).by(&alice).await;
    assert_eq!(large.expect_problem(413, "body_too_large")["bytes_max"], 1_000);
    let file = part("name=\"file\"; filename=\"a.txt\"", "x".repeat(1_001).as_bytes());
    Sending::form(&[file]).by(&alice).await.expect_problem(413, "body_too_large");

    let token = alice.token.clone().unwrap();
    let mut wire = Wire::to(system.port(ServiceName::Gateway));
    wire.send(format!(
        "POST {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nx-filename: a.bin\r\n\
         content-length: 99000000\r\n\r\n"
    ));
    assert_eq!(wire.answer().status(), 413);
    system.eventually("nothing is left", async || beside(&system).is_empty()).await;
    system.finish().await;
}
