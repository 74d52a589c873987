//! Bills worked out by hand, and what holds for all of them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
use serde_json::{Value, json};

use super::*;
use crate::services::billing::model::line::LineKind;
use crate::services::billing::totals::Totals;
use crate::types::{MeterId, Quantity, ReadingId, RegisterId, ServiceAccountId, UserId};

/// A version of the household's tariff, from a day on.
fn version(from: &str, components: Value) -> Value {
    json!({"tariff_id": TariffId::new(), "version": 1, "effective_from": from, "content": {
        "currency": "USD", "timezone": "America/Chicago", "clock": "wall", "effective_from": from,
        "components": components,
        "taxes": [{"code": "std", "rate_bps": 750}, {"code": "city", "rate_bps": 123}]}})
}

fn fixed(per: &str, rate: &str) -> Value {
    json!({"id": "fix", "kind": "fixed", "per": per, "rate": rate, "tax": "std"})
}

fn energy(tiers: &[(Option<&str>, &str)]) -> Value {
    let tiers = tiers.iter().map(|(upto, rate)| json!({"upto": upto, "rate": rate}));
    json!({"id": "en", "kind": "energy", "unit": "kWh", "tax": "std",
        "tiers": tiers.collect::<Vec<_>>()})
}

const TIERS: [(Option<&str>, &str); 3] =
    [(Some("100"), "0.067"), (Some("300"), "0.1043"), (None, "0.123")];

fn household() -> Value {
    json!([fixed("day", "0.25"), energy(&TIERS)])
}

fn register(unit: &str, quantity: &str) -> Value {
    json!({"register_id": RegisterId::new(), "meter_id": MeterId::new(), "serial": "A-1",
        "unit": unit, "direction": "import", "quantity": quantity, "multiplier": "1",
        "rolled_over": false, "readings": [
            {"id": ReadingId::new(), "at": "2026-03-01T06:00:00Z", "value": "1000",
             "quality": "actual", "role": "start"},
            {"id": ReadingId::new(), "at": "2026-03-31T05:00:00Z", "value": "1355",
             "quality": "actual", "role": "end"}]})
}

fn usage(versions: &[Value], registers: &[Value]) -> Usage {
    serde_json::from_value(json!({
        "service_account": {"id": ServiceAccountId::new(), "user_id": UserId::new(),
            "provider_id": "P", "status": "active"},
        "provider": {"id": "P", "name": "Power", "currency": "USD",
            "timezone": "America/Chicago", "exactness": "exact_down"},
        "tariffs": versions, "registers": registers, "gaps": []}))
    .unwrap()
}

fn period(start: &str, end: &str) -> Period {
    Period::new(start.parse().unwrap(), end.parse().unwrap()).unwrap()
}

fn march() -> Period {
    period("2026-03-01", "2026-03-31")
}

fn rated(versions: &[Value], used: &str) -> Vec<Line> {
    rate(&usage(versions, &[register("kWh", used)]), march()).unwrap()
}

fn amounts(lines: &[Line]) -> Vec<i64> {
    lines.iter().map(|line| line.amount_minor.minor()).collect()
}

fn taxes(lines: &[Line]) -> Vec<i64> {
    lines.iter().map(|line| line.tax_minor.minor()).collect()
}

fn quantities(lines: &[Line]) -> Vec<String> {
    lines.iter().map(|line| line.quantity.unwrap().to_string()).collect()
}

fn total(lines: &[Line]) -> i64 {
    Totals::of(lines, "USD".parse().unwrap()).unwrap().total.minor()
}

#[test]
fn a_household_s_march_comes_to_4496() {
    let lines = rated(&[version("2026-01-01", household())], "355");
    assert_eq!(amounts(&lines), [750, 670, 2086, 676]);
    assert_eq!(quantities(&lines), ["30", "100", "200", "55"]);
    assert_eq!(taxes(&lines), [56, 50, 157, 51]);
    let totals = Totals::of(&lines, "USD".parse().unwrap()).unwrap();
    let sums = [totals.subtotal, totals.tax, totals.total].map(|amount| amount.minor());
    assert_eq!(sums, [4182, 314, 4496]);
    let names: Vec<&str> = lines.iter().map(|line| line.description.as_str()).collect();
    let expected = [
        "Fixed charge (fix)",
        "Energy (en), up to 100 kWh",
        "Energy (en), over 100 up to 300 kWh",
        "Energy (en), over 300 kWh",
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_line_tells_how_it_came_about() {
    let price = version("2026-01-01", household());
    let lines = rated(std::slice::from_ref(&price), "355");
    let trace = &lines[3].trace.as_ref().unwrap().0;
    assert_eq!((&trace["tariff_id"], &trace["tariff_version"]), (&price["tariff_id"], &json!(1)));
    assert_eq!((&trace["from"], &trace["to"]), (&json!("2026-03-01"), &json!("2026-03-31")));
    assert_eq!(trace["tier"], json!({"number": 3, "above": "300", "upto": null}));
    assert_eq!(trace["rounding"], json!({"rule": "half_even", "exact": "6.765"}));
    let readings = trace["registers"][0]["readings"].as_array().unwrap();
    assert_eq!((&readings[0]["value"], &readings[1]["value"]), (&json!("1000"), &json!("1355")));
    let tax = json!({"code": "std", "rate_bps": 750, "taxable_minor": 4182, "tax_minor": 314});
    assert_eq!(trace["tax"], tax);
    assert!(lines[0].trace.as_ref().unwrap().0.get("registers").is_none());
}

#[test]
fn nothing_used_is_a_line_with_its_readings() {
    let lines = rated(&[version("2026-01-01", household())], "0");
    assert_eq!(
        (amounts(&lines), quantities(&lines)),
        (vec![750, 0], vec!["30".into(), "0".into()])
    );
    assert_eq!(lines[1].kind, LineKind::Energy);
    assert!(lines[1].trace.as_ref().unwrap().0["registers"][0]["readings"][1]["id"].is_string());
}

/// A bound is part of the tier below it.
#[test]
fn tiers_fill_up_to_their_bounds() {
    let price = [version("2026-01-01", json!([energy(&TIERS)]))];
    for (used, expected) in [
        ("99.999999", vec!["99.999999"]),
        ("100", vec!["100"]),
        ("100.000001", vec!["100", "0.000001"]),
        ("300", vec!["100", "200"]),
        ("300.5", vec!["100", "200", "0.5"]),
    ] {
        assert_eq!(quantities(&rated(&price, used)), expected, "{used}");
    }
}

/// Registers of one unit are one quantity; what the customer feeds in is not charged for.
#[test]
fn registers_of_a_unit_are_rated_together() {
    let mut export = register("kWh", "40");
    export["direction"] = json!("export");
    let registers = [register("kWh", "60"), register("kWh", "60"), export];
    let usage = usage(&[version("2026-01-01", json!([energy(&TIERS)]))], &registers);
    let lines = rate(&usage, march()).unwrap();
    assert_eq!(quantities(&lines), ["100", "20"]);
    assert_eq!(lines[0].trace.as_ref().unwrap().0["registers"].as_array().unwrap().len(), 2);
}

#[test]
fn a_change_of_prices_splits_the_period_at_its_day() {
    let cheap = version("2026-01-01", json!([fixed("day", "0.25"), energy(&[(None, "0.10")])]));
    let dear = version("2026-03-11", json!([fixed("day", "0.50"), energy(&[(None, "0.20")])]));
    // The order in which they come does not matter.
    let lines = rated(&[dear, cheap], "355");
    assert_eq!(quantities(&lines), ["10", "118.333333", "20", "236.666667"]);
    assert_eq!(amounts(&lines), [250, 1183, 1000, 4733]);
    assert_eq!(lines[1].description.as_str(), "Energy (en), 2026-03-01 to 2026-03-10");
    assert_eq!(taxes(&lines).iter().sum::<i64>(), 537); // 7.5 % of 7166 is 537.45.
}

/// A change that changes nothing: tiers and the charge of the period are as if it were not there.
#[test]
fn the_same_prices_over_a_change_come_to_the_same() {
    let parts = json!([fixed("period", "10.01"), energy(&TIERS)]);
    let whole = rated(&[version("2026-01-01", parts.clone())], "355");
    let halves =
        rated(&[version("2026-01-01", parts.clone()), version("2026-03-16", parts)], "355");
    assert_eq!(amounts(&whole), [1001, 670, 2086, 676]);
    assert_eq!(quantities(&halves), ["0.5", "50", "100", "27.5", "0.5", "50", "100", "27.5"]);
    assert_eq!(amounts(&halves), [501, 335, 1043, 338, 500, 335, 1043, 338]);
    assert_eq!(amounts(&halves).iter().sum::<i64>(), amounts(&whole).iter().sum::<i64>());
    let trace = &halves[0].trace.as_ref().unwrap().0;
    let rounding = json!({"rule": "largest_remainder", "exact": "10.01", "whole_minor": 1001});
    assert_eq!(
        (&trace["rounding"], &trace["days"], &trace["of_days"]),
        (&rounding, &json!(15), &json!(30))
    );
}

#[test]
fn a_tax_is_worked_out_once_for_its_code() {
    let third = |id: &str, tax: &str| json!({"id": id, "kind": "fixed", "per": "period", "rate": "12.33", "tax": tax});
    let mut price = version(
        "2026-01-01",
        json!([third("a", "std"), third("b", "std"),
        third("c", "std"), third("d", "city"),
        {"id": "e", "kind": "fixed", "per": "period", "rate": "1"}]),
    );
    price["content"]["taxes"][0]["rate_bps"] = json!(2_000);
    let usage = usage(&[price], &[]);
    let lines = rate(&usage, march()).unwrap();
    // 20 % of 3699 is 739.8: 740, not three times 247. 1.23 % of 1233 is 15.17.
    assert_eq!(taxes(&lines), [247, 247, 246, 15, 0]);
    assert_eq!(lines[4].tax_code, None);
}

/// A tax that changes with the tariff is two taxes.
#[test]
fn a_tax_that_changes_is_worked_out_for_each_rate() {
    let price = |from| version(from, json!([fixed("day", "1")]));
    let mut later = price("2026-03-16");
    later["content"]["taxes"][0]["rate_bps"] = json!(1_000);
    let usage = usage(&[price("2026-01-01"), later], &[]);
    assert_eq!(taxes(&rate(&usage, march()).unwrap()), [112, 150]); // 112.5 is even at 112.
}

#[test]
fn what_cannot_be_rated_is_said() {
    let refused = |versions: &[Value], registers: &[Value]| {
        rate(&usage(versions, registers), march()).unwrap_err()
    };
    let price = version("2026-01-01", household());
    let late = version("2026-03-02", household());
    let first = Refusal::NoTariff { on: "2026-03-01".parse().unwrap() };
    assert_eq!(refused(&[], &[]), first);
    assert_eq!(refused(&[late], &[register("kWh", "1")]), first);
    let unit = |text: &str| text.parse().unwrap();
    let nothing = Refusal::NothingCounted { unit: unit("kWh") };
    assert_eq!(refused(std::slice::from_ref(&price), &[]), nothing);
    assert_eq!(refused(std::slice::from_ref(&price), &[register("m3", "1")]), nothing);
    let both = [register("kWh", "1"), register("m3", "1")];
    assert_eq!(refused(std::slice::from_ref(&price), &both), Refusal::NoPrice { unit: unit("m3") });
    let mut foreign = price.clone();
    foreign["content"]["currency"] = json!("EUR");
    let currency = "EUR".parse().unwrap();
    assert_eq!(refused(&[foreign], &both), Refusal::CurrencyMismatch { currency });
    let mut newer = price.clone();
    newer["content"]["clock"] = json!("standard");
    let Refusal::TariffUnsupported { faults, .. } = refused(&[newer], &both) else { panic!() };
    assert_eq!(faults[0].code, "clock_unsupported");
    for used in ["-1", "999999999999999"] {
        let Refusal::Beyond(_) = refused(std::slice::from_ref(&price), &[register("kWh", used)])
        else {
            panic!("{used}")
        };
    }
}

/// Any prices, any use, any day of change: nothing is lost or made up by sharing out, each line is
/// its quantity times its rate rounded once, and what the lines say of tax is the tax.
#[test]
fn sums_hold_for_all_bills() {
    let mut state = 11_u64;
    let mut next = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % below
    };
    for _ in 0..400 {
        let mut version_from = |from: &str| {
            let (a, b) = (1 + next(500), next(500) + 501);
            let rate = |number: u64| format!("0.{number:09}");
            let rates = [next(1 << 30) % 1_000_000_000, next(999_999_999), next(999_999_999)];
            let [low, middle, high] = rates.map(rate);
            let (a, b) = (a.to_string(), b.to_string());
            let tiers = [(Some(&*a), &*low), (Some(&*b), &*middle), (None, &*high)];
            version(from, json!([fixed("period", &rate(next(999_999_999))), energy(&tiers)]))
        };
        let versions =
            [version_from("2026-01-01"), version_from("2026-03-05"), version_from("2026-03-20")];
        let used = format!("{}.{:06}", next(3_000), next(1_000_000));
        let lines = rated(&versions, &used);
        let kind = |kind: LineKind| lines.iter().filter(move |line| line.kind == kind);
        let sum = |kind_of: LineKind| {
            let mut all = kind(kind_of).map(|line| line.quantity.unwrap());
            all.try_fold(Quantity::ZERO, Quantity::plus).unwrap()
        };
        assert_eq!(sum(LineKind::Energy), used.parse().unwrap());
        assert_eq!(sum(LineKind::Fixed), Quantity::whole(1));
        for line in kind(LineKind::Energy) {
            let price = line.rate.unwrap().price(line.quantity.unwrap(), "USD".parse().unwrap());
            assert_eq!(price.unwrap().amount(), line.amount_minor);
        }
        let taxed: i64 = amounts(&lines).iter().sum();
        let tax: i64 = taxes(&lines).iter().sum();
        assert!((tax * 10_000 - taxed * 750).abs() <= 5_000, "{tax} of {taxed}");
        assert_eq!(total(&lines), taxed + tax);
        assert!(lines.iter().all(|line| line.tax_minor <= line.amount_minor));
    }
}
