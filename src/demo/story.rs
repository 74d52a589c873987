//! The year of the demo, told by those who live through it: an administrator and a customer.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::types::{Date, Period, Timestamp, Zone};

use super::visitor::Visitor;
use super::year::{self, Fate};
use super::{DemoFault, Plan};

/// Long enough for a busy machine.
const WAIT_TRIES_MAX: u32 = 600;
const WAIT_STEP: Duration = Duration::from_millis(50);
/// On the first of a month, once everybody is up.
const OFFICE_OPENS: Duration = Duration::from_secs(15 * 3_600);
/// From now until a bill is due that is still open when the demo has ended.
const DUE_DAYS_LATER: i64 = 14;

const EMAIL: &str = "ada@example.org";
const PASSWORD: &str = "ada reads the meter on Sundays";

/// Where to look, once it is done.
pub struct Shown {
    url: String,
    overdue: String,
    first: Date,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shown { url, overdue, first } = self;
        write!(
            f,
            "The demo: River Power supplies {EMAIL} (password: {PASSWORD}), twelve bills in all states.\n\n  \
             T=$(curl -s {url}/api/auth/login -H 'content-type: application/json' -d '{{\"email\":\"{EMAIL}\",\"password\":\"{PASSWORD}\"}}' | grep -o '\"access_token\":\"[^\"]*' | cut -d'\"' -f4)\n  \
             curl -s {url}/api/bills -H \"Authorization: Bearer $T\"                 # her bills\n  \
             curl -s {url}/api/payments -H \"Authorization: Bearer $T\"              # her payments\n  \
             curl -s {url}/api/notifications -H \"Authorization: Bearer $T\"         # her notices; the mails are in mailbox\n  \
             curl -sL {url}/api/bills/{overdue}/pdf -H \"Authorization: Bearer $T\" -o bill.pdf\n  \
             curl -s '{url}/api/analytics/revenue?granularity=month&from={first}&format=svg' -H \"Authorization: Bearer $ADMIN\" -o revenue.svg  # as the administrator\n"
        )
    }
}

/// Who and what there is, once it is set up.
struct House<'a> {
    plan: &'a Plan,
    zone: Zone,
    admin: Visitor,
    ada: Visitor,
    account: String,
    meter: String,
    register: String,
}

pub(super) async fn tell(
    plan: &Plan,
    url: &str,
    email: &str,
    password: &str,
) -> Result<Shown, DemoFault> {
    let months = year::months(Date::of(plan.now));
    let admin = Visitor::new(url, email, password)?;
    let ada = Visitor::new(url, EMAIL, PASSWORD)?;
    let zone: Zone = "America/Chicago".parse().unwrap_or_default();
    let first = months.first().copied().ok_or(DemoFault::Calendar)?;
    plan.clock.set(zone.start_of(first).plus(OFFICE_OPENS));
    let house = settle_in(plan, zone, admin, ada, first).await?;
    let (mut counter, mut overdue) = (year::COUNTER_AT_START, String::new());
    house.read(&[(house.zone.start_of(first), counter)]).await?;
    for (index, (month, next)) in months.iter().zip(months.iter().skip(1)).enumerate() {
        let period = Period::new(*month, *next).map_err(|_| DemoFault::Calendar)?;
        counter = house.live_through(period, counter).await?;
        let bill = house.bill(period, year::fate(index)).await?;
        log::info!("demo: month {} of {} is over", index + 1, year::MONTHS);
        if year::fate(index) == Fate::Overdue {
            overdue = bill;
        }
    }
    plan.clock.set(plan.now);
    house.log_in().await?;
    house.until("an overdue bill", &format!("/api/bills/{overdue}"), "status", "overdue").await?;
    Ok(Shown { url: url.to_owned(), overdue, first })
}

/// The provider with its prices, and the customer with a meter.
async fn settle_in(
    plan: &Plan,
    zone: Zone,
    admin: Visitor,
    ada: Visitor,
    first: Date,
) -> Result<House<'_>, DemoFault> {
    admin.log_in().await?;
    let person = json!({"email": EMAIL, "password": PASSWORD, "name": "Ada Byron",
        "timezone": zone.to_string()});
    let user_id = text(&ada.post("/api/users", &person, None).await?, "id");
    let provider = json!({"name": "River Power", "kind": "electricity", "currency": "USD",
        "timezone": zone.to_string(), "exactness": "exact_down", "status": "active"});
    let provider_id = text(&admin.post("/api/providers", &provider, None).await?, "id");
    let tariff = tariff(&provider_id, &zone, first);
    let tariff_id = text(&admin.post("/api/tariffs", &tariff, None).await?, "id");
    let account = json!({"provider_id": provider_id, "user_id": user_id, "tariff_id": tariff_id,
        "reference": "RP-1815", "address": "12 Mill Lane, Riverside"});
    let account = text(&admin.post("/api/service-accounts", &account, None).await?, "id");
    let meter = json!({"service_account_id": account, "serial": "E-1843", "registers": [
        {"unit": "kWh", "digits": 6, "multiplier": "1", "direction": "import"}]});
    let meter = admin.post("/api/meters", &meter, None).await?;
    let register = text(&meter["registers"][0], "id");
    let meter = text(&meter, "id");
    Ok(House { plan, zone, admin, ada, account, meter, register })
}

/// A price for each day, and energy that costs more beyond what everybody needs.
fn tariff(provider_id: &str, zone: &Zone, from: Date) -> Value {
    json!({"provider_id": provider_id, "name": "Home", "currency": "USD",
        "timezone": zone.to_string(), "clock": "wall", "effective_from": from,
        "components": [
            {"id": "fix", "kind": "fixed", "per": "day", "rate": "0.25", "tax": "std"},
            {"id": "en", "kind": "energy", "unit": "kWh", "tax": "std", "tier_scope": "bill_period",
                "tiers": [{"upto": "100", "rate": "0.067"}, {"upto": "300", "rate": "0.1043"},
                    {"upto": null, "rate": "0.123"}]}],
        "taxes": [{"code": "std", "rate_bps": 750}]})
}

impl House<'_> {
    async fn log_in(&self) -> Result<(), DemoFault> {
        self.admin.log_in().await?;
        self.ada.log_in().await
    }

    /// Until the office opens on the day after the period; the counter is read every week.
    async fn live_through(&self, period: Period, counter: u64) -> Result<u64, DemoFault> {
        let end = self.zone.start_of(period.end());
        self.plan.clock.set(end.plus(OFFICE_OPENS));
        self.log_in().await?;
        let weekly = year::readings(period.start(), period.days()).into_iter();
        let mut read: Vec<_> =
            weekly.map(|(day, used)| (self.zone.start_of(day), counter + used)).collect();
        let counter = counter + year::used_kwh(period.start());
        read.push((end, counter));
        self.read(&read).await?;
        Ok(counter)
    }

    async fn read(&self, readings: &[(Timestamp, u64)]) -> Result<(), DemoFault> {
        let readings: Vec<Value> = readings
            .iter()
            .map(|(at, shown)| {
                json!({"register_id": self.register, "at": at, "value": shown.to_string(),
                    "quality": "actual"})
            })
            .collect();
        let path = format!("/api/meters/{}/readings", self.meter);
        self.admin.post(&path, &json!({"readings": readings}), None).await.map(drop)
    }

    /// The bill of a period, and what becomes of it.
    async fn bill(&self, period: Period, fate: Fate) -> Result<String, DemoFault> {
        let mut order = json!({"service_account_id": self.account, "period": period});
        if matches!(fate, Fate::PartlyPaid | Fate::Open) {
            order["due_on"] = json!(Date::of(self.plan.now).plus_days(DUE_DAYS_LATER));
        }
        let id = text(&self.admin.post("/api/bills", &order, None).await?, "id");
        if fate == Fate::Draft {
            return Ok(id);
        }
        let issue = format!("/api/bills/{id}/issue");
        let bill = self.admin.post(&issue, &Value::Null, Some(&format!("issue-{id}"))).await?;
        let total = bill["total_minor"].as_i64().unwrap_or_default();
        match fate {
            Fate::Paid => self.pay(&id, &["tok_ok"], total).await?,
            Fate::PaidAtSecondTry => self.pay(&id, &["tok_decline", "tok_ok"], total).await?,
            Fate::PaidInParts => {
                self.pay(&id, &["tok_ok"], total / 2).await?;
                self.pay(&id, &["tok_ok"], total - total / 2).await?;
            }
            Fate::Overdue | Fate::PartlyPaid => self.pay(&id, &["tok_ok"], total / 3).await?,
            Fate::Voided => {
                let void = format!("/api/bills/{id}/void");
                self.admin.post(&void, &Value::Null, None).await?;
            }
            Fate::Open | Fate::Draft => {}
        }
        Ok(id)
    }

    /// Pays a part of a bill with one card after the other, and waits until the bill knows.
    async fn pay(&self, bill: &str, tokens: &[&str], minor: i64) -> Result<(), DemoFault> {
        let path = format!("/api/bills/{bill}");
        let balance = self.ada.get(&path).await?["balance_minor"].as_i64().unwrap_or_default();
        for token in tokens {
            // What a card that failed had held is let go a moment later.
            self.until("a bill that nobody pays", &path, "reserved_minor", "0").await?;
            let order = json!({"bill_id": bill, "amount_minor": minor, "currency": "USD",
                "method": {"type": "sim", "token": token}});
            let key = format!("{bill}-{balance}-{token}");
            self.ada.post("/api/payments", &order, Some(&key)).await?;
        }
        self.until("a paid part", &path, "balance_minor", &(balance - minor).to_string()).await
    }

    async fn until(
        &self,
        what: &'static str,
        path: &str,
        field: &str,
        wanted: &str,
    ) -> Result<(), DemoFault> {
        for _ in 0..WAIT_TRIES_MAX {
            let shown = self.admin.get(path).await?[field].clone();
            if shown.as_str().map_or_else(|| shown.to_string(), str::to_owned) == wanted {
                return Ok(());
            }
            actix_rt::time::sleep(WAIT_STEP).await;
        }
        Err(DemoFault::Waited(what))
    }
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}
