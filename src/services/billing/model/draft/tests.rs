//! What a draft may say, and how a change of one is taken.
#![allow(clippy::unwrap_used, clippy::unreachable, reason = "tests")]
use super::super::order::{NewBill, Order};
use super::*;
use serde_json::{Value, json};

fn story() -> Value {
    json!({"user_id": BillId::new(), "provider_id": "acme", "currency": "USD",
        "due_on": "2026-12-31", "period": {"start": "2026-11-01", "end": "2026-12-01"},
        "lines": [{"kind": "fixed", "description": "Electricity", "amount_minor": 4496}]})
}

fn with(member: &str, value: Value) -> Value {
    let mut body = story();
    body[member] = value;
    body
}

fn noon() -> Timestamp {
    "2026-11-15T12:00:00Z".parse().unwrap()
}

fn drafted(body: Value) -> Result<Draft, Faults> {
    let order: NewBill = serde_json::from_value(body).unwrap();
    let Order::Stated(bill) = order.read()? else { unreachable!("lines are stated") };
    Draft::stated(*bill, noon())
}

fn refused(body: Value) -> Vec<(String, &'static str)> {
    let Faults(faults) = drafted(body).unwrap_err();
    faults.into_iter().map(|(pointer, refused)| (pointer, refused.code())).collect()
}

#[test]
fn the_bill_of_the_story_is_a_draft() {
    let draft = drafted(story()).unwrap();
    assert_eq!((draft.totals.total.minor(), draft.lines.len()), (4496, 1));
    assert_eq!(
        (draft.timezone.to_string().as_str(), draft.exactness.as_str()),
        ("UTC", "exact_down")
    );
}

#[test]
fn all_faults_are_told_at_once_and_where_they_are() {
    let mut body = with("due_on", json!("2026-11-14"));
    body["lines"] = json!([
        {"kind": "energy", "description": "x", "amount_minor": 1},
        {"kind": "energy", "description": "x", "amount_minor": -1},
        {"kind": "late_fee", "description": "x", "amount_minor": 1}]);
    let faults = refused(body);
    let expected = [
        ("/due_on", "due_before_issue"),
        ("/lines/1/amount_minor", "line_sign_invalid"),
        ("/lines/2/kind", "line_kind_reserved"),
    ];
    assert_eq!(faults, expected.map(|(pointer, code)| (pointer.to_owned(), code)));
}

#[test]
fn a_draft_has_lines_and_no_negative_total() {
    let line =
        |kind: &str, amount: i64| json!({"kind": kind, "description": "x", "amount_minor": amount});
    let lines = "/lines".to_owned();
    let none = refused(with("lines", json!([])));
    assert_eq!(none, [(lines.clone(), "line_count_invalid")]);
    let many = refused(with("lines", json!(vec![line("fixed", 1); LINES_MAX + 1])));
    assert_eq!(many, [(lines.clone(), "line_count_invalid")]);
    let below = refused(with("lines", json!([line("discount", -1)])));
    assert_eq!(below, [(lines, "total_negative")]);
}

#[test]
fn a_bill_may_be_due_on_the_day_of_its_issue() {
    assert!(drafted(with("due_on", json!("2026-11-15"))).is_ok());
    assert!(drafted(with("due_on", Value::Null)).is_ok());
}

/// A day begins where the bill is: at noon in London it is the 16th on Kiritimati.
#[test]
fn the_day_of_issue_is_the_bill_s_own() {
    let mut body = with("due_on", json!("2026-11-15"));
    body["timezone"] = json!("Pacific/Kiritimati");
    assert_eq!(refused(body.clone()), [("/due_on".to_owned(), "due_before_issue")]);
    body["timezone"] = json!("Pacific/Honolulu");
    assert!(drafted(body).is_ok());
}

#[test]
fn a_rated_draft_is_not_changed_in_what_it_was_rated_by() {
    let draft = Draft { basis: Basis::Actual, ..drafted(story()).unwrap() };
    let change =
        |change: Value| draft.clone().changed(serde_json::from_value(change).unwrap(), noon());
    assert!(change(json!({"due_on": "2026-12-01", "exactness": "exact"})).is_ok());
    for (field, value) in [
        ("lines", story()["lines"].clone()),
        ("period", story()["period"].clone()),
        ("timezone", json!("UTC")),
    ] {
        let Faults(faults) = change(json!({field: value})).unwrap_err();
        assert_eq!(
            (&*faults[0].0, faults[0].1.code()),
            (&*format!("/{field}"), "field_not_allowed")
        );
    }
}

#[test]
fn a_change_keeps_what_it_does_not_name() {
    let draft = drafted(story()).unwrap();
    let change = json!({"lines": [{"kind": "fixed", "description": "Gas", "amount_minor": 7}]});
    let change = serde_json::from_value(change).unwrap();
    let changed = draft.clone().changed(change, noon()).unwrap();
    assert_eq!(
        (changed.id, changed.due_on, changed.period),
        (draft.id, draft.due_on, draft.period)
    );
    assert_eq!(changed.totals.total.minor(), 7);
}
