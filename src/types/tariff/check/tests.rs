//! What a tariff may say, and how it is told what it may not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
use serde_json::{Value, json};

use super::*;
use crate::types::tariff::Per;

/// The tariff of a household.
fn household() -> Value {
    json!({
        "currency": "USD", "timezone": "America/Chicago", "clock": "wall",
        "effective_from": "2026-01-01",
        "seasons": [{"id": "all", "from": "01-01", "to": "12-31"}],
        "tou": [{"id": "off", "default": true}],
        "components": [
            {"id": "fix", "kind": "fixed", "per": "day", "rate": "0.25", "tax": "std"},
            {"id": "en", "kind": "energy", "unit": "kWh", "tax": "std",
             "by": {"season": "*", "tou": "*"}, "tier_scope": "bill_period",
             "tiers": [{"upto": "100", "rate": "0.067"}, {"upto": "300", "rate": "0.1043"},
                       {"upto": null, "rate": "0.123"}]}],
        "taxes": [{"code": "std", "rate_bps": 750}]
    })
}

fn with(pointer: &str, value: Value) -> Value {
    let mut tariff = household();
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    match tariff.pointer_mut(parent).unwrap() {
        Value::Array(items) => items.push(value),
        parent => parent[member] = value,
    }
    tariff
}

fn checked(tariff: &Value) -> Result<Tariff, Vec<TariffFault>> {
    serde_json::from_value::<TariffContent>(tariff.clone()).unwrap().check()
}

/// Pointers and codes of what is wrong.
fn refused(tariff: &Value) -> Vec<(String, &'static str)> {
    let faults = checked(tariff).unwrap_err();
    faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

fn is_refused(tariff: &Value, pointer: &str, code: &'static str) {
    assert_eq!(refused(tariff), [(pointer.to_owned(), code)], "{tariff}");
}

#[test]
fn the_tariff_of_a_household_can_be_rated() {
    let tariff = checked(&household()).unwrap();
    assert_eq!(tariff.components.len(), 2);
    let Charge::Fixed { per: Per::Day, rate } = tariff.components[0].charge else {
        panic!("{tariff:?}")
    };
    assert_eq!(rate.to_string(), "0.25");
    let Charge::Energy { tiers, .. } = &tariff.components[1].charge else { panic!("{tariff:?}") };
    assert_eq!(tiers.iter().filter(|tier| tier.upto.is_none()).count(), 1);
    assert_eq!(tariff.taxes[0].rate().get(), 750);
}

#[test]
fn a_tariff_is_kept_as_it_was_written() {
    let content: TariffContent = serde_json::from_value(household()).unwrap();
    assert_eq!(serde_json::to_value(&content).unwrap(), household());
    let mut short = household();
    for member in ["seasons", "tou"] {
        short.as_object_mut().unwrap().remove(member);
    }
    let content: TariffContent = serde_json::from_value(short.clone()).unwrap();
    assert!(content.check().is_ok());
    assert_eq!(serde_json::to_value(&content).unwrap(), short);
}

#[test]
fn the_last_tier_takes_whatever_is_left() {
    let pointer = "/components/1/tiers/2/upto";
    is_refused(&with(pointer, json!("500")), pointer, "tier_unbounded_missing");
    let pointer = "/components/1/tiers/0/upto";
    is_refused(&with(pointer, Value::Null), pointer, "tier_bound_missing");
    let none = with("/components/1/tiers", json!([]));
    is_refused(&none, "/components/1/tiers", "count_invalid");
}

#[test]
fn bounds_of_tiers_ascend() {
    for (bound, wrong) in [("300", 1), ("400", 1), ("0", 0), ("-1", 0)] {
        let pointer = format!("/components/1/tiers/{wrong}/upto");
        let tariff = with("/components/1/tiers/0/upto", json!(bound));
        is_refused(&tariff, &pointer, "tier_bounds_not_ascending");
    }
}

#[test]
fn names_stand_once_and_taxes_exist() {
    is_refused(&with("/components/1/id", json!("fix")), "/components/1/id", "name_repeated");
    let twice = with("/taxes/-", json!({"code": "std", "rate_bps": 1}));
    is_refused(&twice, "/taxes/1/code", "name_repeated");
    is_refused(&with("/components/0/tax", json!("vat")), "/components/0/tax", "tax_code_unknown");
    let most = with("/taxes/0/rate_bps", json!(10_001));
    is_refused(&most, "/taxes/0/rate_bps", "tax_rate_invalid");
}

#[test]
fn rates_are_texts_within_bounds() {
    for number in [json!(0.1), json!(1)] {
        let tariff = with("/components/0/rate", number);
        let fault = serde_json::from_value::<TariffContent>(tariff).unwrap_err().to_string();
        assert!(fault.starts_with("invalid type"), "{fault}");
    }
    for rate in ["-0.01", "1000000.01"] {
        let tariff = with("/components/0/rate", json!(rate));
        is_refused(&tariff, "/components/0/rate", "rate_out_of_range");
    }
    let tier = with("/components/1/tiers/1/rate", json!("-1"));
    is_refused(&tier, "/components/1/tiers/1/rate", "rate_out_of_range");
}

#[test]
fn a_component_has_the_fields_of_its_kind() {
    is_refused(&with("/components/0/unit", json!("kWh")), "/components/0/unit", "unknown_field");
    is_refused(&with("/components/1/rate", json!("1")), "/components/1/rate", "unknown_field");
    is_refused(&with("/components/1/unit", Value::Null), "/components/1/unit", "field_required");
    is_refused(&with("/components/0/per", Value::Null), "/components/0/per", "field_required");
    is_refused(&with("/components", json!([])), "/components", "count_invalid");
    let unknown = with("/components/0/rebate", json!(1));
    assert!(serde_json::from_value::<TariffContent>(unknown).is_err());
}

#[test]
fn times_of_use_cover_every_minute_once() {
    let weekdays = json!(["mon", "tue", "wed", "thu", "fri"]);
    let day = json!({"id": "day", "from": "06:00", "to": "22:00"});
    let night = json!({"id": "night", "from": "22:00", "to": "06:00"});
    let gap = |tou: Value| is_refused(&with("/tou", tou), "/tou", "tou_gap");
    gap(json!([day.clone()]));
    gap(json!([{"id": "a", "from": "00:00", "to": "24:00", "days": weekdays.clone()}]));
    gap(json!([day.clone(), {"id": "night", "from": "22:00", "to": "05:59"}]));
    gap(json!([{"id": "a", "holidays": "exclude"}]));
    let twice = json!([day.clone(), night.clone(), {"id": "noon", "from": "12:00", "to": "13:00"}]);
    is_refused(&with("/tou", twice), "/tou", "tou_overlap");
    let half = json!([{"id": "off", "default": true}, {"id": "a", "from": "06:00"}]);
    is_refused(&with("/tou", half), "/tou/1", "tou_window_invalid");
    let bounded = json!([{"id": "off", "default": true, "from": "06:00", "to": "07:00"}]);
    is_refused(&with("/tou", bounded), "/tou/0", "tou_default_window");
    let two = json!([{"id": "a", "default": true}, {"id": "b", "default": true}]);
    is_refused(&with("/tou", two), "/tou/1/default", "tou_default_repeated");
    // Complete, and not to be rated yet.
    let complete = refused(&with("/tou", json!([day.clone(), night])));
    assert_eq!(complete[0], ("/tou/0".to_owned(), "tou_unsupported"));
    let peak = json!([{"id": "off", "default": true}, {"id": "peak", "days": weekdays,
        "from": "06:00", "to": "22:00", "holidays": "exclude"}]);
    is_refused(&with("/tou", peak), "/tou/1", "tou_unsupported");
}

#[test]
fn seasons_cover_every_day_once() {
    let season = |id: &str, from: &str, to: &str| json!({"id": id, "from": from, "to": to});
    let summer = season("summer", "06-01", "09-30");
    let seasons = |list: Value| with("/seasons", list);
    is_refused(&seasons(json!([summer.clone()])), "/seasons", "season_gap");
    let overlap = json!([season("all", "01-01", "12-31"), summer.clone()]);
    is_refused(&seasons(overlap), "/seasons", "season_overlap");
    let complete = json!([summer, season("winter", "10-01", "05-31")]);
    is_refused(&seasons(complete), "/seasons/1", "seasons_unsupported");
}

/// Nothing that a provider asks for is ignored.
#[test]
fn what_cannot_be_rated_yet_is_refused() {
    is_refused(&with("/clock", json!("standard")), "/clock", "clock_unsupported");
    let minimum = json!({"id": "min", "kind": "minimum", "amount_minor": 500});
    is_refused(&with("/components/-", minimum), "/components/2/kind", "component_unsupported");
    let demand = json!({"id": "kw", "kind": "demand", "unit": "kW", "rate": "9"});
    is_refused(&with("/components/-", demand), "/components/2/kind", "component_unsupported");
    let mut tariff = household();
    tariff["components"][1]["tiers"][0] = json!({"upto_per_day": "5", "rate": "0.1"});
    is_refused(&tariff, "/components/1/tiers/0/upto_per_day", "upto_per_day_unsupported");
    let by = with("/components/1/by", json!({"season": "summer"}));
    is_refused(&by, "/components/1/by/season", "season_unknown");
    let by = with("/components/1/by", json!({"tou": "peak"}));
    is_refused(&by, "/components/1/by/tou", "tou_unknown");
    assert!(checked(&with("/components/1/by", json!({"season": "all", "tou": "off"}))).is_ok());
}

/// What is wrong stands before what is not known yet: it is what the sender can mend.
#[test]
fn what_is_wrong_is_told_first_and_all_of_it() {
    let mut tariff = with("/clock", json!("standard"));
    tariff["components"][1]["tiers"][2]["upto"] = json!("500");
    tariff["components"][0]["tax"] = json!("vat");
    let codes: Vec<&str> = refused(&tariff).into_iter().map(|(_, code)| code).collect();
    assert_eq!(codes, ["tax_code_unknown", "tier_unbounded_missing"]);
}
