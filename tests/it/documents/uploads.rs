//! Uploads of both shapes, by people and by staff, repeated, and large.

use std::time::Duration;

use busbar::types::ServiceName;
use serde_json::json;

use super::desk::{BOUNDARY, Sending, beside, blobs, content, digest, id_of, noise, part, stored};
use crate::support::wire::{Wire, pause};
use crate::support::{Engine, TestSystem, both_engines};

const PDF: &[u8] = b"%PDF-1.7\nnothing more";
/// Than the gateway has for other requests.
const LONGER: Duration = Duration::from_millis(1_500);
/// Much more than the program may take for an upload of it.
const LARGE: usize = 96 << 20;

/// The most memory that a process has had so far, in bytes.
fn memory_peak(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

both_engines! {
    with &[ServiceName::Users, ServiceName::Documents];

    /// A form brings a file with its name, and what staff say of it.
    async fn a_form_brings_a_file(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let file = part("name=\"file\"; filename=\"plain.pdf\"", PDF);
        let own = Sending::form(std::slice::from_ref(&file)).by(&alice).await.expect(201);
        assert_eq!((&own["media_type"], &own["filename"]),
            (&json!("application/pdf"), &json!("plain.pdf")));
        assert_eq!(alice.get(&content(&id_of(&own))).await.body, PDF);

        let named = part("name=\"file\"; filename*=UTF-8''M%C3%A4rz.pdf", PDF);
        let text = |name: &str, value: &str| part(&format!("name=\"{name}\""), value.as_bytes());
        let parts = [text("subject", "contract/7"), named, text("owner_id", &alice.id)];
        let given = Sending::form(&parts).by(&admin).await.expect(201);
        assert_eq!((&given["filename"], &given["owner_id"], &given["subject"]),
            (&json!("März.pdf"), &json!(alice.id), &json!("contract/7")));
        let fetched = alice.get(&content(&id_of(&given))).await;
        assert!(fetched.header("content-disposition").contains("filename*=UTF-8''M%C3%A4rz.pdf"));

        let digest_of_part = format!(
            "name=\"file\"; filename=\"a.pdf\"\r\nContent-Digest: {}", digest(b"else"));
        let wrong = Sending::form(&[part(&digest_of_part, PDF)]).by(&alice).await;
        wrong.expect_problem(422, "digest_mismatch");
    }

    /// A request that comes again is the same document, even when that is gone; another one with
    /// its key is refused.
    async fn a_repeated_upload_is_one_document(system: TestSystem) {
        let alice = system.person("alice").await;
        let sending = |body: &[u8]| {
            Sending::plain("a.pdf", body).field("idempotency-key", "k-1")
        };
        let first = sending(PDF).by(&alice).await.expect(201);
        let again = sending(PDF).by(&alice).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.expect(201), first);
        sending(b"%PDF-1.7\nelse").by(&alice).await.expect_problem(422, "idempotency_key_reused");
        assert_eq!((blobs(&system).len(), stored(&system).await), (1, 1.0));

        alice.delete(&format!("/api/documents/{}", id_of(&first))).await.expect(204);
        assert_eq!(sending(PDF).by(&alice).await.expect(201), first);
        assert!(blobs(&system).is_empty(), "an answer that is repeated keeps nothing");
    }
}

/// An upload is never held in memory: it goes through the gateway and to the disk as it comes.
#[actix_web::test]
async fn a_large_upload_takes_little_memory() {
    let limit = (LARGE * 2).to_string();
    let settings = [("BUSBAR_DOCUMENTS_UPLOAD_BYTES_MAX", limit.as_str())];
    let system = TestSystem::start_with(Engine::Sqlite, &settings).await;
    let alice = system.person("alice").await;
    Sending::plain("warm.bin", noise(1 << 20, 1)).by(&alice).await.expect(201);
    let process = system.take_process();
    let before = memory_peak(process.id());
    let bytes = noise(LARGE, 2);
    let made = Sending::plain("large.bin", bytes.clone()).by(&alice).await.expect(201);
    let grown = memory_peak(process.id()) - before;
    assert!(grown < LARGE / 3, "{} MiB more for {} MiB", grown >> 20, LARGE >> 20);
    assert_eq!(made["size"], LARGE);

    let path = content(&id_of(&made));
    let part = alice.header("range", &format!("bytes={}-", LARGE - 5)).get(&path).await;
    assert_eq!(part.body, bytes[LARGE - 5..]);
    assert!(memory_peak(process.id()) - before < LARGE / 3);
}

/// An upload, and what is told of it, may take longer than other requests have in all.
#[actix_web::test]
async fn an_upload_takes_its_time_through_the_gateway() {
    let system = TestSystem::start(Engine::Sqlite).await;
    let token = system.person("alice").await.token.unwrap();
    system.kill();
    system.launch_with(&[("GATEWAY_REQUEST_TIMEOUT_MS", "1000")]).await;
    let port = system.port(ServiceName::Gateway);
    let uploaded = actix_web::web::block(move || {
        let mut wire = Wire::to(port);
        wire.send(format!(
            "POST /api/documents HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
             x-filename: a.bin\r\ncontent-length: 5000000\r\n\r\n"
        ));
        wire.send(noise(2_500_000, 1));
        pause(LONGER);
        wire.send(noise(2_500_000, 2));
        wire.answer()
    });
    let answer = uploaded.await.unwrap();
    assert_eq!(answer.status(), 201, "{}", answer.text());
}

/// A body that never ends is given up, and leaves nothing.
#[actix_web::test]
async fn a_body_without_end_is_given_up() {
    let settings = [("BUSBAR_DOCUMENTS_TRANSFER_SECONDS", "1")];
    let system = TestSystem::start_with(Engine::Sqlite, &settings).await;
    let alice = system.person("alice").await;
    let token = alice.token.clone().unwrap();
    let plain = "x-filename: a.bin";
    let form = format!("content-type: multipart/form-data; boundary={BOUNDARY}");
    for field in [plain, &form] {
        let mut wire = Wire::to(system.port(ServiceName::Documents));
        wire.send(format!(
            "POST /documents HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n{field}\r\n\
             content-length: 100\r\n\r\n"
        ));
        let answer = actix_web::web::block(move || wire.answer()).await.unwrap();
        assert_eq!(answer.status(), 408, "{}", answer.text());
        assert!(answer.text().contains("body_too_slow"));
    }
    system.eventually("nothing is left", async || beside(&system).is_empty()).await;
    system.finish().await;
}
