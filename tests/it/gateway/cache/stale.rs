//! Answers past their time: while a fresh one is fetched, and while the service fails (RFC 5861).

use super::{Kept, told};

/// RFC 5861, section 3.
#[actix_web::test]
async fn a_stale_answer_goes_out_while_a_fresh_one_is_fetched() {
    let kept = Kept::start().await;
    let say = "x-say: cache-control: max-age=10, stale-while-revalidate=100";
    kept.get("/kept/a", &[say]);
    kept.pass(50).await;
    let stale = kept.get("/kept/a", &[say]);
    assert_eq!((stale.text().as_str(), stale.field("x-cache").as_str()), ("answer 1", "STALE"));
    kept.system
        .eventually("the fresh one is kept", async || {
            kept.get("/kept/a", &["cache-control: only-if-cached"]).text() == "answer 2"
        })
        .await;
    kept.pass(500).await;
    assert_eq!(kept.get("/kept/a", &[say]).text(), "answer 3", "not for ever");
}

/// RFC 5861, section 4, by the answer's own word and by default.
#[actix_web::test]
async fn an_older_answer_stands_in_for_a_failure() {
    let kept = Kept::start().await;
    kept.get("/kept/own", &["x-say: cache-control: max-age=10, stale-if-error=1000"]);
    kept.get("/kept/default", &["x-say: cache-control: max-age=10"]);
    kept.pass(20).await;
    for path in ["/kept/own", "/kept/default"] {
        let failed = kept.get(path, &["x-status: 503"]);
        assert_eq!((failed.status(), told(&failed).1.as_str()), (200, "STALE"), "{path}");
        let status = failed.field("cache-status");
        assert_eq!(status, "busbar; fwd=stale; fwd-status=503; detail=stale-if-error");
        let cut = kept.get(path, &["x-say: cut"]);
        assert_eq!((cut.status(), told(&cut).1.as_str()), (200, "STALE"), "{path}");
    }
    kept.pass(60).await;
    assert_eq!(kept.get("/kept/own", &["x-status: 500"]).status(), 200);
    assert_eq!(kept.get("/kept/default", &["x-status: 500"]).status(), 500);
    // What the client did wrong is no failure of the service.
    assert_eq!(kept.get("/kept/own", &["x-status: 404"]).status(), 404);
}

/// RFC 9111, sections 5.2.2.2, 5.2.2.8 and 5.2.2.10.
#[actix_web::test]
async fn what_must_be_asked_about_never_stands_in() {
    let kept = Kept::start().await;
    for word in ["must-revalidate", "proxy-revalidate", "s-maxage=10", "no-cache"] {
        let path = format!("/kept/{word}");
        kept.get(&path, &[&format!("x-say: cache-control: max-age=10, {word}|etag: \"v\"")]);
        kept.pass(20).await;
        let cut = kept.get(&path, &["x-say: cut"]);
        assert_eq!(cut.status(), 504, "{word}");
        assert!(cut.text().contains("validation_failed"), "{word}: {cut:?}");
        assert_eq!(kept.get(&path, &["x-status: 503"]).status(), 503, "{word}");
    }
}
