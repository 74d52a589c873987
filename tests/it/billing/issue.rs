//! Numbers without gaps, under load and failures; void bills.

use std::time::Duration;

use busbar::types::PaymentId;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::office::{Office, draft, on_both};
use crate::support::Person;

const SERIES: [&str; 2] = ["north", "south"];
/// How long a request may stand still with a number in its hand before its client goes away.
const PATIENCE: Duration = Duration::from_millis(150);

fn draft_of(series: usize, owner: &Person, minor: i64) -> Value {
    let mut body = draft(&owner.id, minor);
    body["provider_id"] = json!(SERIES[series]);
    body
}

async fn drafts(office: &Office, count: usize) -> Vec<String> {
    let (staff, alice) = (office.staff(), office.customer());
    let made = (0..count).map(|number| {
        let body = draft_of(number % SERIES.len(), &alice, 100);
        office.drafted(&staff, body)
    });
    join_all(made).await
}

on_both! {
    /// 200 bills of two providers are issued at once, while others take a number and fail: the
    /// numbers of each provider are 1 to n, each once.
    async fn numbers_have_no_gaps(office: Office) {
        let stuck = office.that_stops_at("billing.after_number").await;
        let bills = drafts(&office, 200).await;
        let (failing, going) = bills.split_at(20);
        let staff = office.staff();

        let abandon = async {
            for five in failing.chunks(5) {
                let abandoned = five.iter().map(|id| {
                    let staff = staff.at(&stuck.url).keyed(id);
                    let path = format!("/bills/{id}/issue");
                    let order = async move { staff.post(&path, json!({})).await };
                    tokio::time::timeout(PATIENCE, order)
                });
                let ended = join_all(abandoned).await;
                assert!(ended.iter().all(Result::is_err), "they stand still until they are cut");
            }
        };
        let issue = |id: &String| {
            let (staff, path) = (staff.keyed(id), format!("/bills/{id}/issue"));
            async move { staff.post(&path, json!({})).await.expect(200) }
        };
        let (_, issued) = tokio::join!(abandon, join_all(going.iter().map(issue)));
        let rest = join_all(failing.iter().map(issue)).await;

        let mut numbers: [Vec<String>; 2] = Default::default();
        for bill in issued.iter().chain(&rest) {
            let series = SERIES.iter().position(|name| bill["provider_id"] == *name).unwrap();
            numbers[series].push(bill["number"].as_str().unwrap().to_owned());
        }
        for (name, mut numbers) in SERIES.iter().zip(numbers) {
            numbers.sort();
            let year = &office.clock.now().to_string()[..4];
            let expected: Vec<String> =
                (1..=100).map(|n| format!("{}-{year}-{n:06}", name.to_uppercase())).collect();
            assert_eq!(numbers, expected);
        }
        stuck.stop().await;
    }

    /// However often a draft is issued at once, it is issued once.
    async fn a_draft_is_issued_once(office: Office) {
        let bills = drafts(&office, 1).await;
        let (staff, path) = (office.staff(), format!("/bills/{}/issue", bills[0]));
        let tries = (0..20).map(|number| {
            let (staff, path) = (staff.keyed(&format!("k-{}", number % 10)), path.clone());
            async move { staff.post(&path, json!({})).await }
        });
        let answers = join_all(tries).await;
        let is_good = |status: u16| answers.iter().filter(move |answer| answer.status == status);
        assert!((1..=2).contains(&is_good(200).count()), "one and its repetition");
        assert!(is_good(409).all(|answer| answer.code() == "invalid_state"));
        assert_eq!(is_good(200).count() + is_good(409).count(), 20);
        assert_eq!(office.said(&bills[0]).await, ["bill.drafted", "bill.issued"]);
    }

    /// A draft that is changed while it is issued is issued as it was checked, or not at all.
    async fn an_issued_bill_is_what_was_checked(office: Office) {
        let bills = drafts(&office, 60).await;
        let staff = office.staff();
        let nothing = json!({"lines": [{"kind": "fixed", "description": "a", "amount_minor": 0}]});
        let pairs = bills.iter().map(|id| {
            let (staff, path, nothing) = (staff.keyed(id), format!("/bills/{id}"), nothing.clone());
            async move {
                let issue = format!("{path}/issue");
                let issued = staff.post(&issue, json!({}));
                let (issued, changed) = tokio::join!(issued, staff.patch(&path, nothing));
                let what = format!("{issued}\n{changed}");
                match issued.status {
                    200 => assert_eq!(issued.json["total_minor"], 100, "{what}"),
                    409 => assert_eq!(issued.code(), "bill_total_zero", "{what}"),
                    _ => assert_eq!(issued.code(), "version_mismatch", "{what}"),
                }
                assert_eq!(issued.status == 200, changed.code() == "bill_immutable", "{what}");
            }
        });
        join_all(pairs).await;
    }

    /// What is issued, or made void, is what was seen.
    async fn a_bill_is_moved_as_it_was_seen(office: Office) {
        let (staff, alice) = (office.staff(), office.customer());
        let id = office.drafted(&staff, draft(&alice.id, 5)).await;
        let path = format!("/bills/{id}");
        staff.patch(&path, json!({"timezone": "UTC"})).await.expect(200);
        let stale = staff.header("if-match", "\"v1\"");
        let issued = stale.keyed("a").post(&format!("{path}/issue"), json!({})).await;
        issued.expect_problem(412, "version_mismatch");
        let seen = staff.header("if-match", "\"v2\"");
        seen.keyed("b").post(&format!("{path}/issue"), json!({})).await.expect(200);
        let refused = seen.post(&format!("{path}/void"), json!({})).await;
        refused.expect_problem(412, "version_mismatch");
        staff.post(&format!("{path}/void"), json!({})).await.expect(200);
    }

    /// A void bill keeps its number, owes nothing and cannot be paid; money on it stands in the way.
    async fn a_bill_without_payments_can_be_voided(office: Office) {
        let (staff, alice) = (office.staff(), office.customer());
        let (id, payment) = (office.issued(&alice, 1_000).await, PaymentId::new());
        let void = format!("/bills/{id}/void");
        office.reserve(payment, &id, &alice, 400).await.expect(201);
        staff.post(&void, json!({})).await.expect_problem(409, "payment_in_progress");
        office.hear("failed", payment, &id, &alice, 400).await;
        let voided = staff.post(&void, json!({})).await.expect(200);
        assert_eq!((&voided["status"], &voided["balance_minor"]), (&json!("void"), &json!(0)));
        assert!(voided["number"].is_string());
        let again = staff.post(&void, json!({})).await;
        assert_eq!(again.expect_problem(409, "invalid_state")["allowed"], json!([]));
        let paid = office.reserve(PaymentId::new(), &id, &alice, 400).await;
        paid.expect_problem(409, "bill_not_payable");
        assert_eq!(office.balance(&alice).await, (0, 0, 0));

        let (id, payment) = (office.issued(&alice, 1_000).await, PaymentId::new());
        office.reserve(payment, &id, &alice, 1_000).await.expect(201);
        office.hear("succeeded", payment, &id, &alice, 1_000).await;
        let refused = staff.post(&format!("/bills/{id}/void"), json!({})).await;
        refused.expect_problem(409, "bill_has_payments");
        let id = office.drafted(&staff, draft(&alice.id, 5)).await;
        let refused = staff.post(&format!("/bills/{id}/void"), json!({})).await;
        refused.expect_problem(409, "invalid_state");
    }
}
