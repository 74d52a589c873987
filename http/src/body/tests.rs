//! What is taken as a body or a query, and what a refusal says.

use super::*;
use serde::{Deserialize, Deserializer};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    #[allow(dead_code)]
    lines: Vec<Line>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[allow(dead_code)]
    #[serde(deserialize_with = "whole")]
    amount_minor: i64,
}

fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    value.as_i64().ok_or_else(|| serde::de::Error::custom("money_not_integer: whole numbers"))
}

fn refused(text: &str) -> serde_json::Value {
    parse::<Order>(text.as_bytes()).unwrap_err().body(None)
}

#[test]
fn a_refusal_points_at_the_field() {
    let body = refused(r#"{"lines":[{"amount_minor":1},{"amount_minor":44.96}]}"#);
    assert_eq!(body["code"], "money_not_integer");
    assert_eq!(body["errors"][0]["pointer"], "/lines/1/amount_minor");

    let body = refused(r#"{"lines":[],"role":"admin"}"#);
    assert_eq!(body["code"], "unknown_field");
    assert_eq!(body["errors"][0]["pointer"], "/role");

    let body = refused(r#"{}"#);
    assert_eq!(body["code"], "field_required");
}

#[test]
fn a_refusal_points_at_the_parameter() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Asked {
        limit: Option<u32>,
        from: String,
    }
    for (text, code, pointer) in [
        ("from=a&limit=many", "invalid_query", "/limit"),
        ("from=a&size=1", "unknown_field", "/size"),
        // The detail names it.
        ("from=a&from=b", "field_repeated", ""),
        ("limit=1", "field_required", ""),
        ("from=%00", "nul_not_allowed", ""),
    ] {
        let body = query::<Asked>(text).unwrap_err().body(None);
        assert_eq!(body["code"], code, "{text}: {body}");
        assert_eq!(body["errors"][0]["pointer"].as_str().unwrap_or_default(), pointer, "{body}");
    }
    assert_eq!(query::<Asked>("from=a%20b&limit=3").unwrap().from, "a b");
}

#[test]
fn a_nul_is_refused_and_a_text_about_one_is_not() {
    let refused = |text: &str| parse::<serde_json::Value>(text.as_bytes()).is_err();
    assert!(refused(r#"{"note":"x\u0000"}"#));
    assert!(refused(r#"{"note":"\\\u0000"}"#));
    assert!(!refused(r#"{"note":"\\u0000"}"#));
}

/// serde would take the members by their places, and name our types where there are too few.
#[test]
fn a_list_is_no_object_and_no_type_of_ours_is_named() {
    for text in [r#"[[{"amount_minor":1}]]"#, "[]", "7", "\"x\"", "null"] {
        let body = refused(text);
        let told = (body["status"].as_u64(), body["code"].as_str());
        assert_eq!(told, (Some(422), Some("type_mismatch")), "{text}");
        assert!(!body.to_string().contains("Order"), "{body}");
        assert!(body.to_string().contains("expected an object"), "{body}");
    }
    for inner in [r#"{"lines":[7]}"#, r#"{"lines":[[]]}"#] {
        let body = refused(inner);
        assert_eq!(body["errors"][0]["pointer"], "/lines/0");
        assert!(!body.to_string().contains("Line"), "{body}");
    }
    assert_eq!(parse::<Vec<u8>>(b"[1,2]").unwrap(), [1, 2]);
    assert_eq!(parse::<Option<u8>>(b"null").unwrap(), None);
    assert_eq!(parse::<Option<u8>>(b"7").unwrap(), Some(7));
}

#[test]
fn broken_json_is_a_400() {
    for text in ["{", "", "{\"lines\":[]} x", "nul"] {
        let body = refused(text);
        assert_eq!(
            (body["status"].as_u64(), body["code"].as_str()),
            (Some(400), Some("invalid_json")),
            "{text}"
        );
    }
}
