//! Several answers of one address (RFC 9111, section 4.1).

use super::Kept;

const VARY: &str = "x-say: cache-control: max-age=60|vary: accept-language";

#[actix_web::test]
async fn each_variant_is_kept_for_those_it_fits() {
    let kept = Kept::start().await;
    let of = |language: &str| kept.get("/kept/a", &[VARY, &format!("accept-language: {language}")]);
    let (english, vietnamese) = (of("en"), of("vi"));
    assert_eq!(english.field("cache-status"), "busbar; fwd=uri-miss; stored");
    assert_eq!(vietnamese.field("cache-status"), "busbar; fwd=vary-miss; stored");
    assert_eq!((of("en").text(), of("vi").text()), ("answer 1".into(), "answer 2".into()));
    assert_eq!(of("EN").text(), "answer 1", "their case means nothing");
    assert_eq!(kept.get("/kept/a", &[VARY]).text(), "answer 3", "none is not any");
    assert_eq!(kept.seen(), 3);
}

#[actix_web::test]
async fn what_varies_by_everything_is_never_given_again() {
    let kept = Kept::start().await;
    for vary in ["*", "accept, *", ", *"] {
        let say = format!("x-say: cache-control: max-age=60|vary: {vary}");
        let first = kept.get("/kept/star", &[&say]).text();
        assert_ne!(kept.get("/kept/star", &[&say]).text(), first, "{vary}");
    }
}

/// A path or a query that looks like another's key is an address of its own.
#[actix_web::test]
async fn addresses_do_not_run_into_each_other() {
    let kept = Kept::start().await;
    let say = "x-say: cache-control: max-age=60";
    let paths =
        ["/kept/a", "/kept/a?", "/kept/a?b", "/kept/a?b=", "/kept/a%3Fb", "/kept/A", "/kept/a/"];
    for (number, path) in paths.into_iter().enumerate() {
        assert_eq!(kept.get(path, &[say]).text(), format!("answer {}", number + 1), "{path}");
    }
    let other_host = "GET /kept/a HTTP/1.1\r\nhost: elsewhere\r\nx-say: x: 1\r\n\r\n";
    let answer = crate::support::wire::exchange(super::port(&kept.system), other_host);
    assert_eq!(answer.text(), format!("answer {}", paths.len() + 1));
}
