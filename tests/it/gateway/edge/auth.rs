//! Tokens at the edge: what is there must be good, and there must be one where a route says so.

use busbar::types::ServiceName;
use busbar_http::token::PrivateKey;
use jsonwebtoken::{EncodingKey, Header};

use super::{Keeper, before, claims, gateway, now, port, routed};
use crate::support::wire::{Scripted, exchange};
use crate::support::{Answer, Person, TestSystem};

const REQUIRED: &str = "auth = \"required\"";

async fn asked(system: &TestSystem, token: &str, path: &str) -> Answer {
    Person::with_token(&system.url(), token).get(path).await
}

/// Tokens that nobody may believe, with the code of their refusal.
fn bad_tokens(keeper: &Keeper) -> Vec<(&'static str, String, &'static str)> {
    let sign = |change: &dyn Fn(&mut busbar_http::caller::UserClaims)| {
        let mut claims = claims();
        change(&mut claims);
        keeper.key.sign(&claims).unwrap()
    };
    let good = keeper.token();
    let parts: Vec<&str> = good.split('.').collect();
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    let mut symmetric = Header::new(jsonwebtoken::Algorithm::HS256);
    symmetric.kid = Some(keeper.key.id().to_owned());
    let secret = EncodingKey::from_secret(keeper.key.public().x.as_bytes());
    let symmetric = jsonwebtoken::encode(&symmetric, &claims(), &secret).unwrap();
    let stranger = PrivateKey::from_seed(&[8; 32]).unwrap();
    vec![
        ("expired", sign(&|it| it.exp = now() - 1), "token_expired"),
        ("of another audience", sign(&|it| it.aud = "busbar-internal".into()), "token_invalid"),
        ("of another issuer", sign(&|it| it.iss = "elsewhere".into()), "token_invalid"),
        ("from the future", sign(&|it| it.iat = now() + 3_600), "token_invalid"),
        ("alg=none", format!("{none}.{}.", parts[1]), "token_invalid"),
        ("signed with the public key", symmetric, "token_invalid"),
        ("of another key", stranger.sign(&claims()).unwrap(), "token_invalid"),
        ("with another body", format!("{}.e30.{}", parts[0], parts[2]), "token_invalid"),
        ("no token", "abc".to_owned(), "token_invalid"),
    ]
}

/// RFC 6750, section 3: the refusal names the scheme, and an error when there was a token. Nothing
/// is sent on.
#[actix_web::test]
async fn a_protected_route_lets_only_good_tokens_pass() {
    let (keeper, legacy) = (Keeper::start(), Scripted::saying("legacy"));
    let users = keeper.url();
    let system = routed(&[("/legacy", &legacy, REQUIRED)], &[("USER_SERVICE_URL", &users)]).await;

    let missing = system.anonymous().get("/legacy").await;
    assert_eq!(missing.header("www-authenticate"), "Bearer", "{missing}");
    missing.expect_problem(401, "unauthenticated");
    let basic = system.anonymous().header("authorization", "Basic dTpw").get("/legacy").await;
    basic.expect_problem(401, "unauthenticated");
    for (what, token, code) in bad_tokens(&keeper) {
        let refused = asked(&system, &token, "/legacy").await;
        let challenge = refused.header("www-authenticate");
        assert_eq!(challenge, "Bearer error=\"invalid_token\"", "{what}: {refused}");
        refused.expect_problem(401, code);
    }
    let good = keeper.token();
    let twice = format!(
        "GET /legacy HTTP/1.1\r\nhost: busbar\r\nauthorization: Bearer {good}\r\n\
         authorization: Bearer x\r\n\r\n"
    );
    assert_eq!(exchange(port(&system), twice).status(), 401);
    assert!(legacy.heard().is_empty(), "{:?}", legacy.heard());
    assert_eq!(system.figure(ServiceName::Gateway, "busbar_gateway_refused_total").await, 12.0);

    asked(&system, &good, "/legacy").await.expect(200);
}

/// Who somebody is comes from the token; what a client says about it never arrives.
#[actix_web::test]
async fn an_upstream_is_told_who_asks() {
    let (keeper, legacy) = (Keeper::start(), Scripted::saying("legacy"));
    let users = keeper.url();
    let optional = "auth = \"optional\"";
    let routes =
        [("/legacy", &legacy, REQUIRED), ("/maybe", &legacy, optional), ("/any", &legacy, "")];
    let system = routed(&routes, &[("USER_SERVICE_URL", &users)]).await;
    let claims = claims();
    let token = keeper.key.sign(&claims).unwrap();
    let liar = |token: Option<&str>| {
        let person = match token {
            Some(token) => Person::with_token(&system.url(), token),
            None => system.anonymous(),
        };
        person.header("x-user-id", "root").header("X-User-Role", "admin").header("x-user-x", "1")
    };

    for path in ["/legacy/a", "/maybe/a", "/legacy/a"] {
        liar(Some(&token)).get(path).await.expect(200);
        let sent = legacy.last();
        assert_eq!(sent.field("x-user-id"), claims.sub.to_string());
        assert_eq!(sent.field("x-user-session"), claims.sid.to_string());
        assert_eq!((sent.field("x-user-role").as_str(), sent.has("x-user-x")), ("operator", false));
    }
    for (token, path) in [(None, "/maybe/a"), (None, "/any/a"), (Some("abc"), "/any/a")] {
        liar(token).get(path).await.expect(200);
        let sent = legacy.last();
        assert!(!sent.fields.iter().any(|(name, _)| name.starts_with("x-user-")), "{sent:?}");
    }
    let before = legacy.heard().len();
    asked(&system, "abc", "/maybe/a").await.expect_problem(401, "token_invalid");
    assert_eq!(legacy.heard().len(), before);
}

/// Before our services a token may be missing, and other schemes are theirs to refuse; what is there
/// must be good, but where one logs in or asks for a new one.
#[actix_web::test]
async fn a_token_for_our_services_must_be_good() {
    let (keeper, payments) = (Keeper::start(), Scripted::saying("payments"));
    let services = [(ServiceName::Users, &keeper.service), (ServiceName::Payments, &payments)];
    let system = gateway(&services, &[]).await;
    system.anonymous().get("/api/payments").await.expect(200);
    let basic = system.anonymous().header("authorization", "Basic dTpw");
    basic.get("/api/payments").await.expect(200);
    assert_eq!(payments.last().field("authorization"), "Basic dTpw");
    let good = keeper.token();
    asked(&system, &good, "/api/payments").await.expect(200);
    let sent = payments.last();
    assert_eq!(sent.field("authorization"), format!("Bearer {good}"));
    assert!(!sent.has("x-user-id"), "our services read the token: {sent:?}");

    let passed = payments.heard().len();
    for (_, token, code) in bad_tokens(&keeper) {
        asked(&system, &token, "/api/payments").await.expect_problem(401, code);
    }
    assert_eq!(payments.heard().len(), passed);
    let (_, expired, _) = bad_tokens(&keeper).swap_remove(0);
    let login = Person::with_token(&system.url(), &expired);
    assert_eq!(login.get("/api/auth/refresh").await.text(), "users");
    assert_eq!(login.get("/.well-known/jwks.json").await.status, 200);
}

/// Without keys nothing can be verified: our services do so again, others cannot.
#[actix_web::test]
async fn without_keys_only_our_services_are_asked() {
    let (keeper, legacy) = (Keeper::start(), Scripted::saying("ok"));
    let optional = "auth = \"optional\"";
    let routes = [("/legacy", &legacy, REQUIRED), ("/maybe", &legacy, optional)];
    let payments = legacy.url();
    let system = routed(&routes, &[("PAYMENT_SERVICE_URL", &payments)]).await;
    let token = keeper.token();
    for path in ["/legacy", "/maybe"] {
        let refused = asked(&system, &token, path).await;
        assert_eq!(refused.header("retry-after"), "1", "{refused}");
        refused.expect_problem(503, "keys_unavailable");
    }
    assert!(legacy.heard().is_empty());
    asked(&system, &token, "/api/payments").await.expect(200);
    system.anonymous().get("/maybe").await.expect(200);
}

/// Keys that are known go on working when the users service is gone.
#[actix_web::test]
async fn known_keys_outlive_the_users_service() {
    let (keeper, payments) = (Keeper::start(), Scripted::saying("payments"));
    let services = [(ServiceName::Users, &keeper.service), (ServiceName::Payments, &payments)];
    let system = gateway(&services, &[("GATEWAY_KEEP_ALIVE_MS", "100")]).await;
    asked(&system, &keeper.token(), "/api/payments").await.expect(200);
    let (first, second) = (keeper.token(), bad_tokens(&keeper).swap_remove(0).1);
    let Keeper { service, .. } = keeper;
    drop(service);
    system.wait_for_log("which sessions end is not heard for the moment").await;
    asked(&system, &first, "/api/payments").await.expect(200);
    asked(&system, &second, "/api/payments").await.expect_problem(401, "token_expired");
}

/// A token that was found good is not good for longer than it says.
#[actix_web::test]
async fn a_known_token_ends_at_its_time() {
    let (keeper, payments) = (Keeper::start(), Scripted::saying("payments"));
    let services = [(ServiceName::Users, &keeper.service), (ServiceName::Payments, &payments)];
    let system = gateway(&services, &[]).await;
    let mut claims = claims();
    claims.exp = now() + 3;
    let token = keeper.key.sign(&claims).unwrap();
    let until_expired =
        async || asked(&system, &token, "/api/payments").await.code() == "token_expired";
    system.eventually("it has expired", until_expired).await;
}

/// A gateway that knows nobody: what it cannot read it does not pass on either.
#[actix_web::test]
async fn what_is_no_token_needs_no_keys_to_be_refused() {
    let payments = Scripted::saying("payments");
    let system = before(&payments, &[]).await;
    asked(&system, "abc", "/api/payments").await.expect_problem(401, "token_invalid");
    assert!(payments.heard().is_empty());
}

/// Where each person has answers of their own, the token says whose they are; and who may not enter
/// gets none of them.
#[actix_web::test]
async fn kept_answers_are_for_those_who_may_have_them() {
    let head = "200 OK\r\ncache-control: private, max-age=600\r\n";
    let (keeper, legacy) = (Keeper::start(), super::answering(head, "mine"));
    let users = keeper.url();
    let lines = "auth = \"required\"\ncache = \"principal\"";
    let system = routed(&[("/legacy", &legacy, lines)], &[("USER_SERVICE_URL", &users)]).await;
    let (one, other) = (keeper.token(), keeper.token());
    for (token, kept, asked_for) in
        [(&one, "MISS", 1), (&one, "HIT", 1), (&other, "MISS", 2), (&other, "HIT", 2)]
    {
        let answer = asked(&system, token, "/legacy").await;
        assert_eq!((answer.header("x-cache"), legacy.heard().len()), (kept, asked_for), "{answer}");
    }
    system.anonymous().get("/legacy").await.expect_problem(401, "unauthenticated");
}
