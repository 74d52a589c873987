//! Keys: what one instance gives, the other takes.

use busbar::types::ServiceName::{self, Documents, Users, Webhooks};
use serde_json::{Value, json};

use super::house::Twins;
use crate::documents::desk::{PATH, Sending, id_of};
use crate::support::person::PASSWORD;
use crate::support::{Engine, Person, TestSystem};
use crate::webhooks::house::{LOOPBACK, Receiver};
use crate::webhooks::secrets::verified;

fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
}

/// A session that is made at one instance goes on at the other; a token that is shown twice ends it at
/// both; each knows the other's signature.
#[actix_web::test]
async fn a_session_is_one_at_both_instances() {
    let twins = Twins::start().await;
    let system = &twins.system;
    let visitor = system.anonymous();
    let (one, two) = (twins.at(&visitor, Users, 0), twins.at(&visitor, Users, 1));
    let order = json!({"email": "ada@example.org", "password": PASSWORD});
    one.post("/users", order.clone()).await.expect(201);
    let given = two.post("/auth/login", order.clone()).await.expect(200);
    let first = one.post("/auth/refresh", json!({"refresh_token": given["refresh_token"]})).await;
    let first = first.expect(200);
    let next = two.post("/auth/refresh", json!({"refresh_token": first["refresh_token"]})).await;
    let next = next.expect(200);
    for tokens in [&given, &first, &next] {
        for instance in 0..2 {
            let ada = Person::with_token(&visitor.base, &text(tokens, "access_token"));
            twins.at(&ada, Users, instance).get("/users/me").await.expect(200);
        }
    }
    let [keys, others] =
        [&one, &two].map(|at| async move { at.get("/.well-known/jwks.json").await });
    assert_eq!(keys.await.expect(200), others.await.expect(200));

    let reused = two.post("/auth/refresh", json!({"refresh_token": given["refresh_token"]})).await;
    reused.expect_problem(401, "refresh_reuse_detected");
    for instance in [&one, &two] {
        let refused =
            instance.post("/auth/refresh", json!({"refresh_token": next["refresh_token"]})).await;
        refused.expect_problem(401, "token_revoked");
        let dead = Person::with_token(&instance.base, &text(&next, "access_token"));
        dead.get("/users/me").await.expect_problem(401, "token_revoked");
    }
    twins.finish().await;
}

/// A link to a document that one instance has signed is good at the other.
#[actix_web::test]
async fn a_link_is_good_at_both_instances() {
    let twins = Twins::start().await;
    let alice = twins.system.person("alice").await;
    let made = Sending::plain("a.txt", "one").by(&alice).await.expect(201);
    let links = format!("{}/{}/links", PATH.trim_start_matches("/api"), id_of(&made));
    for instance in 0..2 {
        let signer = twins.at(&alice, Documents, instance);
        let url = text(&signer.post(&links, json!({})).await.expect(201), "url");
        let stranger = twins.at(&twins.system.anonymous(), Documents, instance + 1);
        let path = url.trim_start_matches("/api");
        assert_eq!(stranger.get(path).await.body, b"one");
        stranger.get(&format!("{path}A")).await.expect_problem(403, "link_invalid");
    }
    twins.finish().await;
}

/// A secret that one instance has kept is read by the other: whoever sends, what is sent is signed.
#[actix_web::test]
async fn whoever_sends_signs_alike() {
    let twins = Twins::start_with(&[LOOPBACK], &[]).await;
    let staff = twins.system.admin().await;
    let receiver = Receiver::answering(&["200 OK"]);
    let order = json!({"url": receiver.url(), "events": ["*"]});
    let mut secrets = Vec::new();
    for instance in 0..2 {
        let made = twins.at(&staff, Webhooks, instance).post("/webhooks", order.clone()).await;
        let made = made.expect(201);
        for sender in 0..4 {
            let sender = twins.at(&staff, Webhooks, sender);
            let path = format!("/webhooks/{}/test", text(&made, "id"));
            sender.post(&path, json!({})).await.expect(202);
        }
        secrets.push(made["secret"].clone());
    }
    let heard = receiver.hears(&twins.system, 8).await;
    let signed_by = |secret: &Value| {
        heard.iter().filter(|message| verified(secret, message, &message.text()).is_some()).count()
    };
    assert_eq!([signed_by(&secrets[0]), signed_by(&secrets[1])], [4, 4]);
    twins.finish().await;
}

/// A key is in the database and in the data directory: one of them may be lost, and the service key
/// may become another while the file is there.
#[actix_web::test]
async fn a_key_outlives_its_file_and_the_service_key() {
    let system = TestSystem::start(Engine::Sqlite).await;
    let alice = system.person("alice").await;
    let is_known = async || alice.get("/api/users/me").await.expect(200);
    let [own, shared] =
        ["users", "service"].map(|name| system.folder().join(format!("data/keys/{name}.key")));
    let (own_text, shared_text) =
        (std::fs::read_to_string(&own).unwrap(), std::fs::read_to_string(&shared).unwrap());

    system.kill();
    std::fs::remove_file(&own).unwrap();
    system.start_again().await;
    is_known().await;
    assert!(!own.exists(), "another one would be of no use");

    system.kill();
    std::fs::remove_file(&shared).unwrap();
    system.spawn(&ServiceName::ALL, &[]);
    system
        .wait_for_log("the key of users in the database was sealed under another service key")
        .await;

    system.kill();
    std::fs::write(&own, own_text).unwrap();
    system.start_again().await;
    is_known().await;
    system.kill();
    std::fs::remove_file(&own).unwrap();
    system.start_again().await;
    is_known().await;
    assert_ne!(std::fs::read_to_string(&shared).unwrap(), shared_text);
    system.finish().await;
}
