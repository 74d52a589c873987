//! Facts from events told by hand: days of zones, ages, orders that nobody planned.

use busbar::types::ServiceName;
use serde_json::{Value, json};

use crate::support::{TestSystem, both_engines};

use super::{BILL, Paying, Tale, figures, fresh, of_currency, report, tell};

/// A payment that has succeeded.
fn succeeded(minor: i64, at: &str) -> Tale {
    let id = fresh();
    Tale::of_payment("succeeded", &Paying { id: &id, minor, ..Paying::default() }, at)
}

/// The amounts of a revenue report, by their periods.
async fn amounts(system: &TestSystem, query: &str) -> Vec<(String, i64)> {
    let admin = system.admin().await;
    let report = report(&admin, &format!("revenue?{query}")).await;
    let row = |row: &Value| {
        (row["period"].as_str().unwrap().to_owned(), row["amount_minor"].as_i64().unwrap())
    };
    report["data"].as_array().unwrap().iter().map(row).collect()
}

fn day(text: &str, minor: i64) -> (String, i64) {
    (text.to_owned(), minor)
}

both_engines! {
    with &[ServiceName::Users, ServiceName::Analytics];

    /// Days are those of the zone, whatever its distance from UTC and whatever its clocks do.
    async fn days_are_those_of_the_zone(system: TestSystem) {
        let heard = tell(&system, &[
            succeeded(1, "2025-03-09T05:59:59Z"),   // The 8th in Chicago, the last second of it.
            succeeded(20, "2025-03-09T06:00:00Z"),  // The 9th, which has 23 hours there.
            succeeded(300, "2025-03-10T04:59:59Z"),
            succeeded(4_000, "2025-03-10T05:00:00Z"),
            succeeded(50_000, "2025-03-31T18:30:00Z"), // April in Kolkata, and in Kathmandu.
            succeeded(600_000, "2025-03-31T18:15:00Z"), // April in Kathmandu alone.
        ]).await;
        assert_eq!(heard, ["accepted"; 6]);

        let march = "from=2025-03-01&to=2025-04-02";
        assert_eq!(amounts(&system, march).await, [
            day("2025-03-09", 21), day("2025-03-10", 4_300), day("2025-03-31", 650_000),
        ]);
        assert_eq!(amounts(&system, &format!("{march}&tz=America/Chicago")).await, [
            day("2025-03-08", 1), day("2025-03-09", 320), day("2025-03-10", 4_000),
            day("2025-03-31", 650_000),
        ]);
        let by_month = format!("{march}&granularity=month&tz=");
        assert_eq!(amounts(&system, &format!("{by_month}Asia/Kolkata")).await,
            [day("2025-03", 604_321), day("2025-04", 50_000)]);
        assert_eq!(amounts(&system, &format!("{by_month}Asia/Kathmandu")).await,
            [day("2025-03", 4_321), day("2025-04", 650_000)]);
        // The first day that does not belong to a period does not.
        assert_eq!(amounts(&system, "from=2025-03-09&to=2025-03-10").await, [day("2025-03-09", 21)]);

        let admin = system.admin().await;
        let source = async |tz: &str| {
            report(&admin, &format!("revenue?{march}&tz={tz}")).await["source"].clone()
        };
        assert_eq!(source("UTC").await, "rollup/day");
        assert_eq!(source("Asia/Kolkata").await, "rollup/quarter_hour");
        let success = |tz: &str| format!("payments/success?from=2025-03-01&to=2025-04-01&tz={tz}");
        for (tz, count) in [("UTC", 6), ("Asia/Kolkata", 5), ("Asia/Kathmandu", 4)] {
            let told = report(&admin, &success(tz)).await;
            assert_eq!(told["totals"][0]["succeeded"], count, "{tz} {told}");
        }
    }

    /// Currencies have sums of their own; providers and methods are kept apart when asked.
    async fn nothing_is_mixed(system: TestSystem) {
        let (admin, at) = (system.admin().await, "2025-03-09T12:00:00Z");
        let mut tales = Vec::new();
        for (minor, provider, method, currency) in [
            (1, "river", "sim", "USD"), (20, "river", "wallet", "USD"), (300, "hill", "sim", "USD"),
            (4_000, "hill", "sim", "JPY"),
        ] {
            let (id, bill) = (fresh(), fresh());
            let paying = Paying { id: &id, bill: &bill, minor, provider, method, currency };
            tales.push(Tale::of_payment("created", &paying, at));
            tales.push(Tale::of_payment("succeeded", &paying, at));
        }
        tell(&system, &tales).await;
        let march = "from=2025-03-01&to=2025-04-01";
        let rows = async |query: &str| {
            let told = report(&admin, &format!("revenue?{march}{query}")).await;
            let row = |row: &Value| (
                row["currency"].as_str().unwrap().to_owned(),
                row["group"].as_str().unwrap_or("-").to_owned(),
                row["amount_minor"].as_i64().unwrap(),
            );
            told["data"].as_array().unwrap().iter().map(row).collect::<Vec<_>>()
        };
        let usd = |group: &str, minor| ("USD".to_owned(), group.to_owned(), minor);
        let jpy = |group: &str| ("JPY".to_owned(), group.to_owned(), 4_000);
        assert_eq!(rows("").await, [jpy("-"), usd("-", 321)]);
        assert_eq!(rows("&group_by=provider").await, [jpy("hill"), usd("hill", 300), usd("river", 21)]);
        assert_eq!(rows("&group_by=method").await, [jpy("sim"), usd("sim", 301), usd("wallet", 20)]);
        assert_eq!(rows("&currency=JPY").await, [jpy("-")]);
        let collections = report(&admin, &format!("collections?{march}")).await;
        // Payments of bills that nobody has heard of: more was paid than was asked for.
        let usd = of_currency(&collections["data"], "USD");
        assert_eq!((&usd["collected_minor"], &usd["receivable_minor"]), (&json!(321), &json!(-321)));
        assert_eq!((&usd["collection_rate"], &usd["dso_days"]), (&Value::Null, &Value::Null));
        let aging = report(&admin, "aging").await;
        assert_eq!(of_currency(&aging["totals"], "USD")["credit_minor"], 321, "{aging}");
    }

    /// What is owed is told by how long it has been due, on any day of the past.
    async fn what_is_owed_ages(system: TestSystem) {
        let admin = system.admin().await;
        let bills: Vec<String> = (0..6).map(|_| fresh()).collect();
        let issued = "2025-01-01T10:00:00Z";
        let dues = ["2025-04-30", "2025-04-29", "2025-03-31", "2025-03-30", "2025-01-30", "2025-01-29"];
        let mut tales: Vec<Tale> = bills.iter().zip(dues).enumerate()
            .map(|(n, (bill, due))| Tale::issued(bill, "river", 10_i64.pow(u32::try_from(n).unwrap()), due, issued))
            .collect();
        let pay = Paying { bill: &bills[0], minor: 1, ..Paying::default() };
        tales.push(Tale::of_payment("succeeded", &pay, "2025-05-01T13:00:00Z"));
        tales.push(Tale::of_bill("paid", &bills[0], 2, 0, "2025-05-01T13:00:01Z"));
        // Four days of grace.
        tales.push(Tale::of_bill("became_overdue", &bills[1], 2, 10, "2025-05-04T00:00:00Z"));
        tell(&system, &tales).await;

        let ages = async |query: &str| {
            let told = report(&admin, &format!("aging?{query}")).await;
            let total = of_currency(&told["totals"], "USD").clone();
            ["current_minor", "days_1_30_minor", "days_31_60_minor", "days_61_90_minor",
                "days_over_90_minor", "owed_minor"].map(|name| total[name].as_i64().unwrap_or(-1))
        };
        // Thirty days after the 31st of March is the 30th of April.
        assert_eq!(ages("as_of=2025-04-30").await, [1, 110, 1_000, 10_000, 100_000, 111_111]);
        assert_eq!(ages("as_of=2025-05-01").await, [0, 10, 1_100, 0, 110_000, 111_110]);
        assert_eq!(ages("as_of=2025-01-01").await, [111_111, 0, 0, 0, 0, 111_111]);
        assert_eq!(ages("as_of=2024-12-31").await, [-1; 6]);
        // In Auckland it was the 2nd of May when it was paid.
        assert_eq!(ages("as_of=2025-05-01&tz=Pacific/Auckland").await[0..2], [0, 11]);
        assert_eq!(ages("").await, [0, 0, 0, 0, 111_110, 111_110]);
        // Past its day is not overdue: that is what billing calls so.
        for (day, overdue) in [("2025-05-03", 0), ("2025-05-04", 10)] {
            let told = report(&admin, &format!("aging?as_of={day}")).await;
            assert_eq!(of_currency(&told["totals"], "USD")["overdue_minor"], overdue, "{told}");
        }
        let told = report(&admin, "dashboard").await;
        assert_eq!(of_currency(&told["currencies"], "USD")["overdue_minor"], 10, "{told}");
        let told = report(&admin, "collections?from=2025-05-01&to=2025-06-01").await;
        let row = of_currency(&told["data"], "USD");
        assert_eq!((&row["paid_bills"], &row["average_days_to_pay"]), (&json!(1), &json!("120.13")));
        let told = report(&admin, "collections?from=2025-01-01&to=2025-01-31").await;
        let row = of_currency(&told["data"], "USD");
        assert_eq!((&row["dso_days"], &row["collection_rate"]), (&json!("30.00"), &json!("0.0000")));
    }

    /// Events of different subjects come in any order, and twice: the figures are the same.
    async fn no_order_changes_the_figures(system: TestSystem) {
        let admin = system.admin().await;
        let voided = fresh();
        let paying = Paying { minor: 60, ..Paying::default() };
        let tales = [
            Tale::of_bill("paid", BILL, 3, 0, "2025-03-05T00:00:00Z"),
            Tale::of_payment("succeeded", &paying, "2025-03-04T00:00:00Z"),
            Tale::of_payment("outcome_unknown", &paying, "2025-03-03T12:00:00Z"),
            Tale::of_payment("created", &paying, "2025-03-03T00:00:00Z"),
            Tale::of_payment("failed", &paying, "2025-03-06T00:00:00Z"), // It has ended well.
            Tale::of_bill("reopened", BILL, 2, 60, "2025-03-02T00:00:00Z"), // Older than `paid`.
            Tale::of_bill("became_overdue", BILL, 4, 60, "2025-03-02T00:00:00Z"),
            Tale::issued(BILL, "river", 100, "2025-03-31", "2025-03-01T00:00:00Z"),
            Tale::of_bill("voided", &voided, 2, 70, "2025-03-02T00:00:00Z"),
            Tale::issued(&voided, "river", 70, "2025-03-31", "2025-03-01T00:00:00Z"),
        ];
        assert_eq!(tell(&system, &tales).await, ["accepted"; 10]);
        let query = "collections?from=2025-03-01&to=2025-04-01";
        let (before, all) = (figures(&admin, query).await, figures(&admin, "dashboard").await);
        let row = of_currency(&before["data"], "USD");
        let names = ["billed_minor", "voided_minor", "collected_minor", "receivable_minor", "paid_bills"];
        assert_eq!(names.map(|name| row[name].as_i64().unwrap()), [170, 70, 60, 40, 1], "{row}");
        assert_eq!(row["average_days_to_pay"], "4.00");
        assert_eq!(all["payments"]["failed"], 0, "{all}");
        assert_eq!(all["payments"]["in_process"], 0, "{all}");

        assert_eq!(tell(&system, &tales).await, ["duplicate"; 10]);
        assert_eq!(figures(&admin, query).await, before);
    }

    /// An answer tells how late its figures are, and what is no event is refused.
    async fn an_answer_tells_how_new_it_is(system: TestSystem) {
        let admin = system.admin().await;
        let user = fresh();
        let count = async |name: &str| report(&admin, "dashboard").await["users"][name].clone();
        system.eventually("the administrator is counted", async || count("registered").await == 1).await;
        for (what, sequence) in [("registered", 1), ("verified", 2), ("suspended", 3), ("verified", 4)] {
            assert_eq!(tell(&system, &[Tale::of_user(what, &user, sequence)]).await, ["accepted"]);
        }
        assert_eq!(
            [count("registered").await, count("suspended").await],
            [json!(2), json!(1)]
        );
        let told = report(&admin, "aging?tz=Asia/Kolkata").await;
        // The event was of the first of January of 2025.
        assert!(told["lag_s"].as_f64().unwrap() > 86_400.0, "{told}");
        assert_eq!((&told["tz"], &told["source"]), (&json!("Asia/Kolkata"), &json!("facts")));
        assert!(told["heard_at"].as_str().unwrap() <= told["as_of"].as_str().unwrap(), "{told}");
        let lag = system.figure(ServiceName::Analytics, "busbar_analytics_lag_seconds").await;
        assert!(lag > 86_400.0, "{lag}");

        let mut broken = Tale::issued(BILL, "river", 1, "2025-01-01", "2025-01-01T00:00:00Z");
        broken.event["data"]["total_minor"] = json!("1");
        let billing = system.internal_as("billing", ServiceName::Analytics);
        let heard = billing.post("/internal/events", json!([broken.event])).await.expect(200);
        assert_eq!(heard["results"][0]["code"], "event_unreadable", "{heard}");
    }
}
