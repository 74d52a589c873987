//! What a report says of a period is what its events come to, added up by hand.

use busbar::types::ServiceName;
use serde_json::Value;

use crate::support::both_engines;

use super::{Paying, Tale, fresh, of_currency, report, tell_many};

const DAY_MINUTES: i64 = 24 * 60;
/// The first ten days of January of 2025.
const DAYS: i64 = 10;
/// How far clocks are ahead of UTC then, in minutes.
const ZONES: [(&str, i64); 5] = [
    ("UTC", 0),
    ("Asia/Kolkata", 330),
    ("Asia/Kathmandu", 345),
    ("America/St_Johns", -210),
    ("Pacific/Chatham", 825),
];
/// From one day to another that does not belong to it; the 1st is day 0.
const PERIODS: [(i64, i64); 4] = [(3, 4), (3, 5), (1, 8), (0, 11)];

/// A bill that was issued, or a payment that succeeded, so many minutes after the year began.
struct Happened {
    minute: i64,
    minor: i64,
    is_bill: bool,
}

impl Happened {
    fn all() -> Vec<Happened> {
        let one = |n: i64| Happened {
            minute: n * 397 % (DAYS * DAY_MINUTES),
            minor: n * n + 1,
            is_bill: n % 3 > 0,
        };
        (0..180).map(one).collect()
    }

    fn tale(&self) -> Tale {
        let (day, minute) = (1 + self.minute / DAY_MINUTES, self.minute % DAY_MINUTES);
        let at = format!("2025-01-{day:02}T{:02}:{:02}:00Z", minute / 60, minute % 60);
        let (id, minor) = (fresh(), self.minor);
        match self.is_bill {
            true => Tale::issued(&id, "river", minor, "2025-02-01", &at),
            false => {
                let paying = Paying { id: &id, minor, ..Paying::default() };
                Tale::of_payment("succeeded", &paying, &at)
            }
        }
    }
}

/// How many, and how much, of those that happened from one minute until another.
fn sum(all: &[Happened], is_bill: bool, (start, end): (i64, i64)) -> (i64, i64) {
    let within = |one: &&Happened| one.is_bill == is_bill && (start..end).contains(&one.minute);
    all.iter().filter(within).fold((0, 0), |(count, sum), one| (count + 1, sum + one.minor))
}

fn told(row: &Value, count: &str, minor: &str) -> (i64, i64) {
    (row[count].as_i64().unwrap(), row[minor].as_i64().unwrap())
}

both_engines! {
    with &[ServiceName::Users, ServiceName::Analytics];

    /// Whatever the zone and the period: whole days of UTC and what is left of them at the edges.
    async fn a_period_is_the_sum_of_its_events(system: TestSystem) {
        let (admin, all) = (system.admin().await, Happened::all());
        let of_source = |is_bill: bool| -> Vec<Tale> {
            all.iter().filter(|one| one.is_bill == is_bill).map(Happened::tale).collect()
        };
        tell_many(&system, &of_source(true)).await;
        tell_many(&system, &of_source(false)).await;

        for ((tz, ahead), (from, to)) in
            ZONES.into_iter().flat_map(|zone| PERIODS.map(|period| (zone, period)))
        {
            let (start, end) = (from * DAY_MINUTES - ahead, to * DAY_MINUTES - ahead);
            let (billed, paid) = (sum(&all, true, (start, end)), sum(&all, false, (start, end)));
            let owed = sum(&all, true, (0, end)).1 - sum(&all, false, (0, end)).1;
            let query = format!("from=2025-01-{:02}&to=2025-01-{:02}&tz={tz}", from + 1, to + 1);

            let collections = report(&admin, &format!("collections?{query}")).await;
            let row = of_currency(&collections["data"], "USD");
            assert_eq!(told(row, "bills", "billed_minor"), billed, "{query}");
            assert_eq!(told(row, "payments", "collected_minor"), paid, "{query}");
            assert_eq!(row["receivable_minor"], owed, "{query}");
            let success =
                report(&admin, &format!("payments/success?group_by=provider&{query}")).await;
            let row = of_currency(&success["totals"], "USD");
            assert_eq!(told(row, "succeeded", "succeeded_minor"), paid, "{query}");
            let revenue = report(&admin, &format!("revenue?granularity=month&{query}")).await;
            assert_eq!(of_currency(&revenue["totals"], "USD")["amount_minor"], paid.1, "{query}");
        }
        let ever = (0, DAYS * DAY_MINUTES);
        let (billed, paid) = (sum(&all, true, ever), sum(&all, false, ever));
        let dashboard = report(&admin, "dashboard?tz=Asia/Kathmandu").await;
        let row = of_currency(&dashboard["currencies"], "USD");
        assert_eq!(told(row, "billed_minor", "collected_minor"), (billed.1, paid.1));
        assert_eq!(row["receivable_minor"], billed.1 - paid.1);
        assert_eq!(dashboard["total_bills"], billed.0);
    }
}
