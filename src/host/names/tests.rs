//! What becomes of addresses, and of those who ask for them.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn addresses(last: &[u8]) -> Vec<IpAddr> {
    last.iter().map(|last| IpAddr::from([10, 0, 0, *last])).collect()
}

fn directory() -> Directory {
    Directory::new(Names::default()).unwrap()
}

fn places(texts: &[&str]) -> Vec<Place> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn bases(directory: &Directory, texts: &[&str]) -> Vec<(usize, String)> {
    let bases = directory.bases(&places(texts)).into_iter();
    bases.map(|(number, base)| (number, base.to_string())).collect()
}

#[test]
fn an_address_keeps_its_number_and_a_new_one_takes_the_first_that_is_free() {
    let (directory, here) = (directory(), ["http://10.0.0.1:1", "dns+http://pay:2"]);
    assert_eq!(bases(&directory, &here), [(0, "http://10.0.0.1:1".to_owned())]);
    let mut seen = Vec::new();
    for found in [&[7, 8, 9][..], &[9, 7], &[6, 9, 7], &[6, 5, 7]] {
        assert!(directory.answered("pay", Ok(addresses(found))));
        let mut shown = bases(&directory, &here[1..]);
        shown.sort_unstable();
        let last = |base: &str| base.replace("http://10.0.0.", "").replace(":2", "");
        seen.push(
            shown.iter().map(|(at, base)| format!("{at}:{}", last(base))).collect::<Vec<_>>(),
        );
    }
    assert_eq!(
        seen,
        [
            vec!["0:7", "1:8", "2:9"],
            vec!["0:7", "2:9"],
            vec!["0:7", "1:6", "2:9"],
            vec!["0:7", "1:6", "2:5"],
        ]
    );
    let all = bases(&directory, &["dns+http://pay:2", "http://10.0.0.1:1"]);
    assert_eq!(all.last().unwrap().0, ADDRESSES_MAX, "a place behind it keeps its number, too");
    assert!(!directory.answered("pay", Ok(addresses(&[7, 6, 5]))), "in another order");
}

#[test]
fn a_failure_changes_nothing_and_is_counted() {
    let directory = directory();
    let fails = || Err(io::Error::other("on purpose"));
    assert!(!directory.answered("pay", fails()));
    assert_eq!(directory.bases(&places(&["dns+http://pay:2"])), []);
    assert!(directory.answered("pay", Ok(addresses(&[7]))));
    assert!(!directory.answered("pay", fails()));
    assert_eq!(bases(&directory, &["dns+http://pay:2"]), [(0, "http://10.0.0.7:2".to_owned())]);
    let count = |result| directory.meters.look_ups.with_label_values(&["pay", result]).get();
    assert_eq!((count("found"), count("failed")), (1, 2));
    assert_eq!(directory.meters.addresses.with_label_values(&["pay"]).get(), 1);
    directory.keep(&BTreeSet::new());
    assert_eq!(directory.bases(&places(&["dns+http://pay:2"])), []);
}

#[test]
fn addresses_are_bounded_and_of_one_family() {
    let six: IpAddr = "fd00::7".parse().unwrap();
    let mixed = [vec![six], addresses(&[9, 8])].concat();
    assert_eq!(usable(mixed), addresses(&[8, 9]));
    assert_eq!(usable(vec![six]), [six]);
    let many: Vec<u8> = (0..100).rev().collect();
    let least: Vec<u8> = (0..32).collect();
    assert_eq!(usable(addresses(&many)), addresses(&least));
}

/// Who has looked at one version sees by the next that there is something new.
#[test]
fn a_change_moves_the_version_and_nothing_else_does() {
    let directory = directory();
    let version = directory.version();
    directory.answered("pay", Ok(addresses(&[7])));
    assert_eq!(version.load(SeqCst), 1);
    directory.answered("pay", Ok(addresses(&[7])));
    directory.answered("pay", Err(io::Error::other("on purpose")));
    assert_eq!(version.load(SeqCst), 1);
    directory.answered("pay", Ok(addresses(&[8])));
    assert_eq!(version.load(SeqCst), 2);
}
