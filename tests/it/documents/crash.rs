//! The process is killed in the middle of an upload: nothing half is ever seen, nothing is left.

use std::time::Duration;

use busbar::types::ServiceName;
use serde_json::json;

use super::desk::{PATH, Sending, beside, blobs, content, id_of};
use crate::support::wire::Wire;
use crate::support::{Engine, TestSystem};

/// Past the life of a claim, and the next round of the upkeep.
const PAST_CLAIMS: Duration = Duration::from_secs(3_600 + 601);

/// The bytes are half there: the file beside goes at the next start.
async fn killed_while_bytes_come(engine: Engine) {
    let system = TestSystem::start(engine).await;
    let alice = system.person("alice").await;
    let mut wire = Wire::to(system.port(ServiceName::Gateway));
    let token = alice.token.clone().unwrap();
    wire.send(format!(
        "POST {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nx-filename: a.bin\r\n\
         content-length: 4000000\r\n\r\n"
    ));
    wire.send(vec![b'x'; 2_000_000]);
    let is_written = |path: &std::path::PathBuf| path.metadata().is_ok_and(|file| file.len() > 0);
    system
        .eventually("the upload is half written", async || beside(&system).iter().any(is_written))
        .await;
    system.kill();
    assert!(!beside(&system).is_empty());
    system.start_again().await;
    system.eventually("it is swept away", async || beside(&system).is_empty()).await;
    assert_eq!(alice.get(PATH).await.expect(200)["data"], json!([]));
    assert!(blobs(&system).is_empty());
    system.finish().await;
}

/// The content is in place and no document is written down: the same upload succeeds afterwards;
/// without one the content goes in the end.
async fn killed_before_the_row(engine: Engine) {
    let point = "documents.after_place";
    let system = TestSystem::start_with(engine, &[("BUSBAR_FAILPOINT", point)]).await;
    let alice = system.person("alice").await;
    for text in ["to be sent again", "given up"] {
        let upload = Sending::plain("a.txt", text).by(&alice);
        let mut upload = Box::pin(upload);
        let is_placed = async || {
            blobs(&system)
                .iter()
                .any(|path| std::fs::read(path).is_ok_and(|bytes| bytes == text.as_bytes()))
        };
        tokio::select! {
            answer = &mut upload => panic!("it stands still: {answer}"),
            () = system.eventually("the content is in place", is_placed) => {}
        }
    }
    system.kill();
    system.start_again().await;
    assert_eq!(alice.get(PATH).await.expect(200)["data"], json!([]));
    let made = Sending::plain("a.txt", "to be sent again").by(&alice).await.expect(201);
    assert_eq!(blobs(&system).len(), 2, "a claim keeps the content of the other one");

    system.advance(PAST_CLAIMS).await;
    system.eventually("the claim is abandoned", async || blobs(&system).len() == 1).await;
    let admin = system.admin().await;
    assert_eq!(admin.get(&content(&id_of(&made))).await.body, b"to be sent again");
    system.finish().await;
}

#[actix_web::test]
async fn half_an_upload_leaves_nothing_on_sqlite() {
    killed_while_bytes_come(Engine::Sqlite).await;
}

#[actix_web::test]
async fn half_an_upload_leaves_nothing_on_postgres() {
    killed_while_bytes_come(Engine::Postgres).await;
}

#[actix_web::test]
async fn a_content_without_a_document_goes_on_sqlite() {
    killed_before_the_row(Engine::Sqlite).await;
}

#[actix_web::test]
async fn a_content_without_a_document_goes_on_postgres() {
    killed_before_the_row(Engine::Postgres).await;
}
