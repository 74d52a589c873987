//! What stands there, what goes, and what is none any more.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use actix_web::http::StatusCode;
use bytes::Bytes;

use super::shard::MARKS_MAX;
use super::*;
use crate::gateway::cache::ask::{key, path_mark};
use crate::gateway::cache::freshness::Lifetime;
use crate::gateway::cache::storable::Facts;
use crate::gateway::cache::vary::Selecting;
use crate::types::Timestamp;

fn ask(path: &str) -> Ask {
    Ask {
        key: key("", "", path),
        is_head: false,
        has_authorization: false,
        has_cookie: false,
        has_range: false,
        directives: Default::default(),
        generation: 0,
    }
}

fn entry(bytes: usize, stamp: u64) -> Arc<Entry> {
    let facts = Facts {
        arrived: Timestamp::from_seconds(0),
        age: Duration::ZERO,
        lifetime: Lifetime::Explicit(Duration::from_secs(60)),
        stale_while_revalidate: Duration::ZERO,
        stale_if_error: Duration::ZERO,
        never_stale: false,
        no_cache: false,
        is_for_all: false,
        is_guessed: false,
    };
    let body = Bytes::from(vec![0; bytes]);
    let use_of_it = (facts, Selecting::default());
    Arc::new(Entry::new(StatusCode::OK, Vec::new(), body, use_of_it, stamp))
}

fn bounds(entries_max: usize, bytes_max: usize, entry_bytes_max: usize) -> Bounds {
    Bounds { entries_max, bytes_max, entry_bytes_max }
}

fn shelf(entries_max: usize, bytes_max: usize, entry_bytes_max: usize) -> Shelf {
    Shelf::new(bounds(entries_max, bytes_max, entry_bytes_max))
}

fn has(shelf: &Shelf, key: &str) -> bool {
    matches!(shelf.find(&ask(key), &HeaderMap::new()), Found::Entry(_))
}

fn put(shelf: &Shelf, key: &str, bytes: usize) {
    shelf.put(&ask(key), &HeaderMap::new(), entry(bytes, shelf.stamp()));
}

#[test]
fn the_least_used_goes_first_and_what_is_held_is_counted() {
    let shelf = shelf(3, 1_000_000, 1_000_000);
    ["a", "b", "c"].iter().for_each(|key| put(&shelf, key, 1));
    assert!(has(&shelf, "a"));
    put(&shelf, "d", 1);
    assert!(has(&shelf, "a") && !has(&shelf, "b") && has(&shelf, "c") && has(&shelf, "d"));
    assert_eq!((shelf.entries(), shelf.evicted()), (3, 1));
    put(&shelf, "a", 500);
    let keys = 3 * key("", "", "a").len();
    let size = entry(1, 0).size * 2 + entry(500, 0).size + keys;
    assert_eq!((shelf.entries(), shelf.bytes()), (3, size));
    shelf.remove(&ask("a"));
    assert_eq!(shelf.entries(), 2);
    shelf.clear();
    assert_eq!((shelf.entries(), shelf.bytes()), (0, 0));
}

#[test]
fn bytes_are_bounded_too() {
    let shelf = shelf(100, 10_000, 5_000);
    put(&shelf, "large", 6_000);
    assert!(!has(&shelf, "large"));
    (0..20).for_each(|number| put(&shelf, &number.to_string(), 2_000));
    assert!(has(&shelf, "19") && !has(&shelf, "0") && shelf.bytes() <= 10_000);
}

#[test]
fn what_was_asked_for_before_an_invalidation_is_none() {
    let shelf = shelf(10, 1_000_000, 1_000_000);
    put(&shelf, "a", 1);
    let under_way = shelf.stamp();
    shelf.invalidate(&[path_mark("", "b")]);
    assert!(has(&shelf, "a"), "another path");
    shelf.invalidate(&[path_mark("", "a")]);
    assert!(!has(&shelf, "a"));
    shelf.put(&ask("a"), &HeaderMap::new(), entry(1, under_way));
    assert!(!has(&shelf, "a"));
    put(&shelf, "a", 1);
    assert!(has(&shelf, "a"));
    // So many marks that they are not remembered one by one any more.
    let marks: Vec<u64> = (1..=MARKS_MAX as u64).collect();
    shelf.invalidate(&marks);
    assert!(!has(&shelf, "a"));
}

#[test]
fn its_bounds_change_while_it_is_used() {
    let shelf = shelf(3, 1_000_000, 1_000_000);
    ["a", "b", "c"].iter().for_each(|key| put(&shelf, key, 1));
    assert!(has(&shelf, "a"));
    shelf.resize(bounds(1, 1_000_000, 1_000_000));
    assert!(has(&shelf, "a") && shelf.entries() == 1, "the one that was used last stays");
    assert_eq!(shelf.evicted(), 2);

    shelf.resize(bounds(5, 1_000_000, 1_000_000));
    ["b", "c", "d", "e"].iter().for_each(|key| put(&shelf, key, 1));
    assert!(has(&shelf, "a") && shelf.entries() == 5);
    shelf.resize(bounds(5, 10, 10));
    assert_eq!((shelf.entries(), shelf.bytes()), (0, 0), "none of them is so small");

    shelf.resize(bounds(5, 1_000_000, 1_000_000));
    let under_way = shelf.stamp();
    put(&shelf, "a", 1);
    shelf.resize(bounds(0, 1_000_000, 1_000_000));
    put(&shelf, "b", 1);
    assert!(!shelf.is_on() && shelf.entries() == 0);
    shelf.resize(bounds(5, 1_000_000, 1_000_000));
    shelf.put(&ask("c"), &HeaderMap::new(), entry(1, under_way));
    assert!(!has(&shelf, "a") && !has(&shelf, "c"), "nothing from before it was off");
    put(&shelf, "d", 1);
    assert!(has(&shelf, "d"));
}

#[test]
fn a_place_is_good_until_its_entry_goes() {
    let shelf = shelf(3, 1_000_000, 1_000_000);
    let placed = || {
        put(&shelf, "a", 1);
        shelf.place(&ask("a"), &HeaderMap::new()).unwrap().0
    };
    let same = |place: &Place| shelf.same(&ask("a").key, place).is_some();
    let first = placed();
    (0..40).for_each(|_| assert!(same(&first)));
    ["b", "c", "d", "e"].iter().for_each(|key| {
        put(&shelf, key, 1);
        assert!(same(&first), "what is used stays: {key}");
    });
    shelf.invalidate(&[path_mark("", "b")]);
    assert!(same(&first), "another path");

    // Somebody has each of them still.
    let mut held = Vec::new();
    let mut hold = |shelf: &Shelf| {
        let ask = ask("a");
        held.extend(shelf.shard(&ask.key).find(&ask, &HeaderMap::new()));
    };
    hold(&shelf);
    let second = placed();
    hold(&shelf);
    assert!(!same(&first) && same(&second), "replaced");
    shelf.invalidate(&[path_mark("", "a")]);
    assert!(!same(&second), "invalid");
    let third = placed();
    hold(&shelf);
    assert!(same(&third));
    ["b", "c", "d", "e"].iter().for_each(|key| put(&shelf, key, 1));
    assert!(!same(&third), "made room");
    let endings: [fn(&Shelf); 3] =
        [|shelf| shelf.remove(&ask("a")), Shelf::clear, |shelf| shelf.remove_where(|_| true)];
    for ending in endings {
        let place = placed();
        hold(&shelf);
        assert!(same(&place));
        ending(&shelf);
        assert!(!same(&place));
    }
}
