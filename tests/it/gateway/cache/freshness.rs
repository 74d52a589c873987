//! For how long an answer is given again (RFC 9111, sections 4.2 and 5.2.1).

use super::{Kept, told};

/// Section 4.2.1, and `Age` of section 5.1.
#[actix_web::test]
async fn an_answer_is_given_again_for_as_long_as_it_says() {
    let kept = Kept::start().await;
    let say = ["x-say: cache-control: max-age=60"];
    let first = kept.get("/kept/a", &say);
    assert_eq!(told(&first).1, "MISS");
    assert_eq!(first.field("cache-status"), "busbar; fwd=uri-miss; stored");
    assert!(!first.has("age"), "{first:?}");
    kept.pass(50).await;
    let second = kept.get("/kept/a", &say);
    assert_eq!((second.text().as_str(), second.field("x-cache").as_str()), ("answer 1", "HIT"));
    let age: u64 = second.field("age").parse().unwrap();
    assert!((50..60).contains(&age), "{age}");
    assert!(second.field("cache-status").starts_with("busbar; hit; ttl="), "{second:?}");
    kept.pass(20).await;
    assert_eq!(kept.get("/kept/a", &say).text(), "answer 2");
    assert_eq!(kept.seen(), 2);
}

/// Sections 5.2.2.10, 5.2.2.1, 5.3 and 4.2.2, in this order; the last is RFC 9213.
#[actix_web::test]
async fn the_word_that_is_meant_for_this_cache_counts() {
    let kept = Kept::start().await;
    let past = "expires: Thu, 01 Jan 1970 00:00:00 GMT";
    let old = "last-modified: Thu, 01 Jan 1970 00:00:00 GMT";
    for (path, say, is_kept) in [
        ("/kept/s-maxage", "cache-control: max-age=0, s-maxage=60".to_owned(), true),
        ("/kept/no-s-maxage", "cache-control: max-age=60, s-maxage=0".to_owned(), false),
        ("/kept/max-age", format!("cache-control: max-age=60|{past}"), true),
        ("/kept/expires", "expires: Fri, 01 Jan 2100 00:00:00 GMT".to_owned(), true),
        ("/kept/expired", format!("{past}|{old}"), false),
        ("/kept/nonsense", format!("expires: 0|{old}"), false),
        ("/kept/guessed", old.to_owned(), true),
        ("/kept/nothing", String::new(), false),
        ("/kept/no-store", "cache-control: no-store, max-age=60".to_owned(), false),
        ("/kept/private", "cache-control: private, max-age=60".to_owned(), false),
        ("/kept/cdn", "cache-control: no-store|cdn-cache-control: max-age=60".to_owned(), true),
        ("/kept/no-cdn", "cache-control: max-age=60|cdn-cache-control: no-store".to_owned(), false),
    ] {
        let say = format!("x-say: {say}");
        let first = kept.get(path, &[&say]).text();
        assert_eq!(kept.get(path, &[&say]).text() == first, is_kept, "{path}");
    }
}

/// Only what says nothing at all, and only where the route has a default.
#[actix_web::test]
async fn the_default_is_for_answers_without_a_word_and_requests_without_credentials() {
    let kept = Kept::with("default_ttl_ms = 2000", &[]).await;
    let again = |path: &str, fields: &[&str]| {
        let first = kept.get(path, fields).text();
        kept.get(path, fields).text() == first
    };
    assert!(again("/kept/plain", &[]));
    assert!(!again("/kept/word", &["x-say: cache-control: foo"]));
    assert!(!again("/kept/error", &["x-status: 404"]));
    assert!(!again("/kept/cookie", &["cookie: a=b"]));
    assert!(!again("/kept/login", &["authorization: Basic eA=="]));
    // What is kept for others by default is not for one who shows who it is.
    assert_ne!(
        kept.get("/kept/plain", &["cookie: a=b"]).text(),
        kept.get("/kept/plain", &[]).text()
    );
    kept.pass(3).await;
    assert!(!kept.get("/kept/plain", &[]).has("age"));
}

/// Section 5.2.1.
#[actix_web::test]
async fn a_request_says_how_fresh_it_wants_it() {
    let kept = Kept::start().await;
    kept.get("/kept/a", &["x-say: cache-control: max-age=60"]);
    kept.pass(30).await;
    let wants = |directive: &str| {
        let field = format!("cache-control: {directive}");
        kept.get("/kept/a", &[&field, "x-say: cache-control: no-store"]).text() == "answer 1"
    };
    assert!(wants("max-age=40") && !wants("max-age=20") && !wants("max-age=0"));
    assert!(wants("min-fresh=20") && !wants("min-fresh=40"));
    assert!(!wants("no-cache") && !wants("no-store"));
    assert!(!kept.get("/kept/a", &["pragma: no-cache"]).has("age"));
    kept.get("/kept/a", &["x-say: cache-control: max-age=60"]);
}

/// Section 5.2.1.7.
#[actix_web::test]
async fn only_if_cached_never_asks_the_service() {
    let kept = Kept::start().await;
    let nothing = kept.get("/kept/a", &["cache-control: only-if-cached"]);
    assert_eq!((nothing.status(), kept.seen()), (504, 0));
    assert!(nothing.text().contains("not_cached"), "{nothing:?}");
    kept.get("/kept/a", &["x-say: cache-control: max-age=60"]);
    assert_eq!(kept.get("/kept/a", &["cache-control: only-if-cached"]).text(), "answer 1");
}

/// Section 5.2.1.2: stale answers are for those who take them, unless the answer forbids it.
#[actix_web::test]
async fn max_stale_takes_what_is_past_its_time() {
    let kept = Kept::start().await;
    kept.get("/kept/a", &["x-say: cache-control: max-age=1"]);
    kept.get("/kept/strict", &["x-say: cache-control: max-age=1, must-revalidate"]);
    kept.pass(100).await;
    let stale = kept.get("/kept/a", &["cache-control: max-stale=200"]);
    assert_eq!((stale.text().as_str(), stale.field("x-cache").as_str()), ("answer 1", "STALE"));
    assert_eq!(kept.get("/kept/strict", &["cache-control: max-stale"]).text(), "answer 3");
}

/// RFC 9110, section 9.3.2: HEAD is answered by what GET has brought.
#[actix_web::test]
async fn head_is_answered_from_get() {
    let kept = Kept::start().await;
    kept.get("/kept/a", &["x-say: cache-control: max-age=60|x-own: 1"]);
    let head = kept.ask("HEAD", "/kept/a", &[]);
    assert_eq!((head.status(), head.field("x-own").as_str()), (200, "1"));
    assert_eq!((head.field("content-length").as_str(), kept.seen()), ("8", 1));
    // And brings nothing itself.
    kept.ask("HEAD", "/kept/b", &["x-say: cache-control: max-age=60"]);
    assert!(!kept.get("/kept/b", &[]).has("age"));
}
