//! From a meter reading to a receipt, a notice, a webhook and a report: all nine services, through
//! port 3000, in one process and in nine, on both engines.

use busbar::types::ServiceName;
use serde_json::{Value, json};

use crate::notifications::letters::mailbox;
use crate::support::orders::order;
use crate::support::{Engine, Person, TestSystem};
use crate::webhooks::house::{LOOPBACK, Receiver, webhook};
use crate::webhooks::secrets::verified;

const ZONE: &str = "America/Chicago";
/// What 355 kWh in March come to.
const TOTAL: i64 = 4496;

#[actix_web::test]
async fn one_process_on_sqlite() {
    let system = TestSystem::start_with(Engine::Sqlite, &[LOOPBACK]).await;
    from_a_reading_to_a_report(&system).await;
    system.finish().await;
}

#[actix_web::test]
async fn one_process_on_postgres() {
    let system = TestSystem::start_with(Engine::Postgres, &[LOOPBACK]).await;
    from_a_reading_to_a_report(&system).await;
    system.finish().await;
}

#[actix_web::test]
async fn nine_processes_on_sqlite() {
    in_nine_processes(Engine::Sqlite).await;
}

#[actix_web::test]
async fn nine_processes_on_postgres() {
    in_nine_processes(Engine::Postgres).await;
}

async fn in_nine_processes(engine: Engine) {
    let system = TestSystem::prepare_apart(engine);
    for name in ServiceName::ALL {
        system.spawn(&[name], &[LOOPBACK]);
    }
    system.ready(&ServiceName::ALL).await;
    from_a_reading_to_a_report(&system).await;
    system.finish().await;
}

async fn from_a_reading_to_a_report(system: &TestSystem) {
    let (admin, alice) = (system.admin().await, system.person("alice").await);
    let receiver = Receiver::answering(&["200 OK"]);
    let events = ["bill.issued", "bill.paid", "payment.succeeded"];
    let hook = webhook(&admin, &receiver.url(), &events).await;

    let account = supplied(&admin, &alice).await;
    let bill = billed(&admin, &account).await;
    papered(system, &alice, &format!("bill/{bill}"), "invoice").await;
    let mails = || mailbox(system).into_iter().filter(|it| it.is_to("alice@example.org")).count();
    noticed(system, &alice, "bill_issued").await;
    system.eventually("the mail about the bill", async || mails() >= 1).await;

    let paid = alice.keyed("pay").post("/api/payments", order(&bill, TOTAL, "tok_ok")).await;
    let payment = text(&paid.expect(201), "id");
    system
        .eventually("the bill is paid", async || {
            let bill = alice.get(&format!("/api/bills/{bill}")).await.expect(200);
            bill["status"] == "paid" && bill["balance_minor"] == 0
        })
        .await;
    papered(system, &alice, &format!("payment/{payment}"), "receipt").await;
    noticed(system, &alice, "payment_succeeded").await;

    let heard = receiver.hears(system, events.len()).await;
    let mut types: Vec<String> = heard
        .iter()
        .map(|message| verified(&hook["secret"], message, &message.text()).expect("a signature"))
        .collect();
    types.sort();
    assert_eq!(types, events);

    reported(system, &admin).await;
    let invariants = admin.get("/api/admin/invariants").await.expect(200);
    assert_eq!(invariants["ok"], true, "{invariants}");
}

/// A provider with its tariff, and Alice's account with a meter that was read twice.
async fn supplied(admin: &Person, alice: &Person) -> String {
    let provider = json!({"name": "P", "kind": "electricity", "currency": "USD",
        "timezone": ZONE, "exactness": "exact_down", "status": "active"});
    let provider = text(&admin.post("/api/providers", provider).await.expect(201), "id");
    let tariff = json!({"provider_id": provider, "name": "Home", "currency": "USD",
        "timezone": ZONE, "clock": "wall", "effective_from": "2026-01-01",
        "components": [
            {"id": "fix", "kind": "fixed", "per": "day", "rate": "0.25", "tax": "std"},
            {"id": "en", "kind": "energy", "unit": "kWh", "tax": "std", "tier_scope": "bill_period",
                "tiers": [{"upto": "100", "rate": "0.067"}, {"upto": "300", "rate": "0.1043"},
                    {"upto": null, "rate": "0.123"}]}],
        "taxes": [{"code": "std", "rate_bps": 750}]});
    let tariff = text(&admin.post("/api/tariffs", tariff).await.expect(201), "id");
    let account = json!({"provider_id": provider, "user_id": alice.id, "tariff_id": tariff});
    let account = text(&admin.post("/api/service-accounts", account).await.expect(201), "id");
    let meter = json!({"service_account_id": account, "serial": "M-1", "registers": [
        {"unit": "kWh", "digits": 5, "multiplier": "1", "direction": "import"}]});
    let meter = admin.post("/api/meters", meter).await.expect(201);
    let register = text(&meter["registers"][0], "id");
    // The local midnights of March 1 and March 31: a change of the clocks lies between them.
    let readings = [("2026-03-01T06:00:00Z", "1000"), ("2026-03-31T05:00:00Z", "1355")].map(
        |(at, value)| json!({"register_id": register, "at": at, "value": value, "quality": "actual"}),
    );
    let path = format!("/api/meters/{}/readings", text(&meter, "id"));
    let taken = admin.post(&path, json!({"readings": readings})).await.expect(200);
    assert_eq!(taken["accepted"], 2, "{taken}");
    account
}

/// The bill of March, worked out from the readings and issued.
async fn billed(admin: &Person, account: &str) -> String {
    let order = json!({"service_account_id": account,
        "period": {"start": "2026-03-01", "end": "2026-03-31"}});
    let preview = admin.post("/api/bills/preview", order.clone()).await.expect(200);
    let draft = admin.post("/api/bills", order).await.expect(201);
    for shown in [&preview, &draft] {
        let lines = shown["lines"].as_array().unwrap().iter();
        let amounts: Vec<&Value> = lines.map(|line| &line["amount_minor"]).collect();
        assert_eq!(amounts, [750, 670, 2086, 676], "{shown}");
        assert_eq!((&shown["tax_minor"], &shown["total_minor"]), (&json!(314), &json!(TOTAL)));
    }
    let id = text(&draft, "id");
    let issue = format!("/api/bills/{id}/issue");
    let issued = admin.keyed(&id).post(&issue, json!({})).await.expect(200);
    assert_eq!((&issued["status"], &issued["balance_minor"]), (&json!("issued"), &json!(TOTAL)));
    let number = issued["number"].as_str().unwrap();
    assert!(number.starts_with("P-") && number.ends_with("-000001"), "{number}");
    id
}

/// One document of the kind, for Alice alone, and what it is.
async fn papered(system: &TestSystem, alice: &Person, subject: &str, kind: &str) {
    let path = format!("/api/documents?subject={subject}&kind={kind}");
    let mut listed = Value::Null;
    system
        .eventually(&format!("the {kind} of {subject}"), async || {
            listed = alice.get(&path).await.expect(200);
            listed["data"].as_array().is_some_and(|documents| documents.len() == 1)
        })
        .await;
    let document = &listed["data"][0];
    let path = format!("/api/documents/{}/content", text(document, "id"));
    let content = alice.get(&path).await;
    assert!(content.body.starts_with(b"%PDF"), "{document}");
    let etag = content.header("etag").to_owned();
    assert_eq!(etag.trim_matches('"'), document["sha256"], "{content}");
    let stranger = system.person(&format!("stranger-{kind}")).await;
    assert_eq!(stranger.get(&path).await.status, 404);
}

/// One notice of the template in Alice's inbox.
async fn noticed(system: &TestSystem, alice: &Person, template: &str) {
    system
        .eventually(&format!("the notice {template}"), async || {
            let listed = alice.get("/api/notifications").await.expect(200);
            let notices = listed["data"].as_array().unwrap().iter();
            notices.filter(|notice| notice["template"] == template).count() == 1
        })
        .await;
}

/// The revenue of today is what was paid.
async fn reported(system: &TestSystem, admin: &Person) {
    system
        .eventually("the report", async || {
            let report = admin.get("/api/analytics/revenue?granularity=day").await.expect(200);
            let totals = report["totals"].as_array().unwrap().iter();
            totals.map(|total| total["amount_minor"].as_i64().unwrap_or_default()).sum::<i64>()
                == TOTAL
        })
        .await;
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}")).to_owned()
}
