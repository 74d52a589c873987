//! Downloads: conditions, parts and fields; lists.

use busbar::types::ServiceName;
use serde_json::{Value, json};

use super::desk::{PATH, Sending, content, digest, head, id_of};
use crate::support::both_engines;

both_engines! {
    with &[ServiceName::Users, ServiceName::Documents];

    /// What a download says of itself, and when it need not be sent.
    async fn a_download_keeps_the_rules_of_http(system: TestSystem) {
        let alice = system.person("alice").await;
        let made = Sending::plain("Z%C3%A4hler.txt", "0123456789").by(&alice).await.expect(201);
        let path = content(&id_of(&made));
        let tag = format!("\"{}\"", made["sha256"].as_str().unwrap());

        let whole = alice.get(&path).await;
        for (name, value) in [
            ("etag", tag.as_str()),
            ("content-length", "10"),
            ("content-type", "text/plain"),
            ("repr-digest", &digest(b"0123456789")),
            ("accept-ranges", "bytes"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; sandbox"),
            ("cache-control", "private, no-cache"),
            ("content-disposition",
                "attachment; filename=\"Z_hler.txt\"; filename*=UTF-8''Z%C3%A4hler.txt"),
        ] {
            assert_eq!(whole.header(name), value, "{name}");
        }
        let since = whole.header("last-modified").to_owned();

        let asked = head(&alice, &path).await;
        assert_eq!((asked.status, asked.header("content-length"), asked.body.len()), (200, "10", 0));
        let with = |name: &str, value: &str| alice.header(name, value);
        for (asker, status, body) in [
            (with("if-none-match", &tag), 304, ""),
            (with("if-none-match", "\"other\""), 200, "0123456789"),
            (with("if-modified-since", &since), 304, ""),
            (with("if-match", &tag), 200, "0123456789"),
            (with("range", "bytes=2-4"), 206, "234"),
            (with("range", "bytes=-3"), 206, "789"),
            (with("range", "bytes=8-99"), 206, "89"),
            (with("range", "bytes=0-1,5-6"), 200, "0123456789"),
            (with("range", "bytes=2-4").header("if-range", &tag), 206, "234"),
            (with("range", "bytes=2-4").header("if-range", "\"other\""), 200, "0123456789"),
        ] {
            let answer = asker.get(&path).await;
            assert_eq!((answer.status, answer.text().as_str()), (status, body), "{answer}");
        }
        let changed = with("if-match", "\"other\"").get(&path).await;
        changed.expect_problem(412, "precondition_failed");
        let behind = with("range", "bytes=10-").get(&path).await;
        assert_eq!(behind.header("content-range"), "bytes */10");
        behind.expect_problem(416, "range_not_satisfiable");
        let part = with("range", "bytes=2-4").get(&path).await;
        assert_eq!(part.header("content-range"), "bytes 2-4/10");
    }

    /// Lists are pages of one's own, by kind and subject.
    async fn documents_are_listed_in_pages(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        for number in 0..5 {
            let sending = Sending::plain(&format!("{number}.txt"), format!("text {number}"));
            let query = format!("owner_id={}&subject=meter/{}", alice.id, number % 2);
            sending.query(&query).by(&admin).await.expect(201);
        }
        let names = |page: &Value| -> Vec<String> {
            let data = page["data"].as_array().unwrap().iter();
            data.map(|document| document["filename"].as_str().unwrap().to_owned()).collect()
        };
        let first = alice.get(&format!("{PATH}?limit=2")).await.expect(200);
        assert_eq!((names(&first), &first["has_more"]), (vec!["4.txt".into(), "3.txt".into()], &json!(true)));
        let cursor = first["next_cursor"].as_str().unwrap();
        let rest = alice.get(&format!("{PATH}?cursor={cursor}")).await.expect(200);
        assert_eq!((names(&rest).len(), &rest["has_more"]), (3, &json!(false)));
        let odd = alice.get(&format!("{PATH}?subject=meter/1")).await.expect(200);
        assert_eq!(names(&odd), ["3.txt", "1.txt"]);
        let none = alice.get(&format!("{PATH}?kind=invoice")).await.expect(200);
        assert_eq!(none["data"], json!([]));
        assert_eq!(names(&admin.get(PATH).await.expect(200)).len(), 5);
    }
}
