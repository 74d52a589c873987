//! Asking whether an answer is still so, on both sides (RFC 9111, section 4.3; RFC 9110, section 13).

use super::Kept;

const TAGGED: &str = "x-say: cache-control: max-age=60|etag: \"v1\"|x-own: 1";

/// RFC 9110, section 13.1.2: without asking the service while the answer is fresh.
#[actix_web::test]
async fn a_client_that_has_it_is_told_so() {
    let kept = Kept::start().await;
    kept.get("/kept/a", &[TAGGED]);
    for tags in ["\"v1\"", "W/\"v1\"", "*", "\"v0\", \"v1\"", "\"a,b\", \"v1\""] {
        let known = kept.get("/kept/a", &[&format!("if-none-match: {tags}")]);
        assert_eq!((known.status(), known.text().as_str()), (304, ""), "{tags}");
        assert_eq!((known.field("etag").as_str(), known.field("x-own").as_str()), ("\"v1\"", "1"));
        assert!(known.has("date") && known.has("cache-control") && !known.has("content-length"));
    }
    let other = kept.get(
        "/kept/a",
        &["if-none-match: \"v2\"", "if-modified-since: Fri, 01 Jan 2100 00:00:00 GMT"],
    );
    assert_eq!((other.status(), other.text().as_str()), (200, "answer 1"), "tags go before dates");
    assert_eq!(kept.seen(), 1);
}

/// Section 4.3.3 and 4.3.4: the body that is kept, with what the 304 says.
#[actix_web::test]
async fn a_stale_answer_that_is_still_so_is_given_with_its_new_fields() {
    let kept = Kept::start().await;
    kept.get("/kept/a", &[TAGGED]);
    kept.pass(100).await;
    let again = ["x-status: 304", "x-say: cache-control: max-age=90|x-own: 2|content-length: 0"];
    let fresh = kept.get("/kept/a", &again[..]);
    assert_eq!((fresh.status(), fresh.text().as_str()), (200, "answer 1"));
    assert_eq!((fresh.field("x-own").as_str(), fresh.field("etag").as_str()), ("2", "\"v1\""));
    let status = fresh.field("cache-status");
    assert!(status.starts_with("busbar; fwd=stale; fwd-status=304; stored"), "{status}");
    assert!(fresh.field("age").parse::<u64>().unwrap() < 60, "{fresh:?}");
    assert_eq!(kept.service.last().field("if-none-match"), "\"v1\"");
    kept.pass(80).await;
    assert_eq!(kept.get("/kept/a", &[]).field("x-own"), "2", "its time begins anew");
    assert_eq!(kept.seen(), 2);
}

/// The client's own question is answered from what the service said to ours.
#[actix_web::test]
async fn a_client_asks_about_a_stale_answer() {
    let kept = Kept::start().await;
    let dated = "x-say: cache-control: max-age=60|last-modified: Mon, 01 Jan 2024 00:00:00 GMT";
    kept.get("/kept/a", &[dated]);
    kept.pass(100).await;
    let since = "if-modified-since: Mon, 01 Jan 2024 00:00:00 GMT";
    let known = kept.get("/kept/a", &[since, "x-status: 304", dated]);
    assert_eq!(known.status(), 304);
    let asked = kept.service.last().field("if-modified-since");
    assert_eq!(asked, "Mon, 01 Jan 2024 00:00:00 GMT");
}

/// Without an entry the client's question goes through, and its answer is nobody else's.
#[actix_web::test]
async fn a_question_about_what_is_not_kept_passes_through() {
    let kept = Kept::start().await;
    let asked =
        ["if-none-match: \"v7\"", "x-status: 304", "x-say: cache-control: max-age=60|etag: \"v7\""];
    assert_eq!(kept.get("/kept/a", &asked).status(), 304);
    assert_eq!(kept.service.last().field("if-none-match"), "\"v7\"");
    assert_eq!(kept.get("/kept/a", &[]).status(), 200);
}

/// RFC 9110, section 14: parts of what is kept whole.
#[actix_web::test]
async fn parts_are_cut_from_the_whole() {
    let kept = Kept::start().await;
    kept.get("/kept/a", &[TAGGED]);
    let part = |range: &str, more: &str| {
        let answer = kept.get("/kept/a", &[&format!("range: {range}"), more]);
        (answer.status(), answer.text(), answer.field("content-range"))
    };
    let no = "x-none: 1";
    assert_eq!(part("bytes=0-2", no), (206, "ans".into(), "bytes 0-2/8".into()));
    assert_eq!(part("bytes=-1", no), (206, "1".into(), "bytes 7-7/8".into()));
    assert_eq!(part("bytes=7-", no), (206, "1".into(), "bytes 7-7/8".into()));
    assert_eq!(part("bytes=8-", no), (416, String::new(), "bytes */8".into()));
    assert_eq!(part("bytes=0-0,2-2", no).0, 200);
    // RFC 9110, section 13.1.5.
    assert_eq!(part("bytes=0-0", "if-range: \"v1\"").0, 206);
    assert_eq!(part("bytes=0-0", "if-range: W/\"v1\"").0, 200);
    assert_eq!(part("bytes=0-0", "if-range: \"v2\"").0, 200);
    assert_eq!(kept.seen(), 1);
}

/// Section 3.3: a part that comes is nobody's whole.
#[actix_web::test]
async fn a_part_is_not_taken_for_the_whole() {
    let kept = Kept::start().await;
    let part = [
        "range: bytes=0-1",
        "x-status: 206",
        "x-say: cache-control: max-age=60|content-range: bytes 0-1/9",
    ];
    assert_eq!(kept.get("/kept/a", &part).status(), 206);
    let whole = kept.get("/kept/a", &["x-say: cache-control: max-age=60"]);
    assert_eq!((whole.status(), whole.text().as_str()), (200, "answer 2"));
}

/// Section 4.3.5: what HEAD is told of a whole answer holds for the one that is kept.
#[actix_web::test]
async fn head_tells_whether_it_is_still_so() {
    let kept = Kept::start().await;
    let say = |seconds: u32, tag: &str| {
        format!("x-say: cache-control: max-age={seconds}|etag: \"{tag}\"|x-own: {seconds}")
    };
    let untold = "x-say: cache-control: max-age=60|x-own: 60".to_owned();
    for (path, told, is_kept) in [
        ("/kept/a", say(60, "v1"), true),
        ("/kept/b", say(60, "v2"), false),
        // The question was whether it is other than `v1`.
        ("/kept/c", untold, false),
    ] {
        let first = kept.get(path, &[&say(1, "v1")]);
        kept.pass(5).await;
        assert_eq!(kept.ask("HEAD", path, &[&told]).status(), 200);
        let again = kept.get(path, &[&say(60, "v3")]);
        assert_eq!(again.text() == first.text(), is_kept, "{path}: {again:?}");
        assert_eq!(again.field("x-own"), "60");
    }
}

/// Section 5.2.2.4.
#[actix_web::test]
async fn no_cache_is_kept_and_asked_about_each_time() {
    let kept = Kept::start().await;
    let say = "x-say: cache-control: no-cache|etag: \"v1\"";
    kept.get("/kept/a", &[say]);
    for _ in 0..2 {
        let again = kept.get("/kept/a", &["x-status: 304", say]);
        assert_eq!((again.status(), again.text().as_str()), (200, "answer 1"));
    }
    assert_eq!(kept.seen(), 3);
}

/// Section 5.2.1.7: whatever else is asked for.
#[actix_web::test]
async fn only_what_is_kept_is_asked_for() {
    let kept = Kept::start().await;
    for asked in ["only-if-cached", "only-if-cached, no-store", "no-store, only-if-cached"] {
        let answer = kept.get("/kept/a", &[&format!("cache-control: {asked}")]);
        assert_eq!(answer.status(), 504, "{asked}");
    }
    assert_eq!(kept.seen(), 0);
}
