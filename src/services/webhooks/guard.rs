//! Which addresses may be called: public ones over https, and what the settings allow besides. Pure.
//!
//! The rules hold for an address however it is written, and for each address that a name has: they
//! are asked when an endpoint is made, and again of the very address that is dialled.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use busbar_http::headers::Cidr;
use url::Url;

use crate::config::Network;
use crate::types::words;

const URL_LENGTH_MAX: usize = 2_048;

words! {
    /// Why a URL is no endpoint.
    pub(super) enum Rule: "webhook_rule_unknown" {
        Malformed = "malformed",
        Scheme = "scheme",
        Credentials = "credentials",
        HttpsRequired = "https_required",
        NameUnknown = "name_unknown",
        ThisNetwork = "this_network",
        Loopback = "loopback",
        Private = "private",
        LinkLocal = "link_local",
        CarrierGradeNat = "carrier_grade_nat",
        Documentation = "documentation",
        Benchmark = "benchmark",
        Multicast = "multicast",
        UniqueLocal = "unique_local",
        Translated = "translated",
        Reserved = "reserved",
    }
}

/// What may be called.
#[derive(Clone)]
pub(super) struct Guard {
    /// Not public, and allowed all the same; without encryption, too.
    allowed: Vec<Cidr>,
}

impl Guard {
    pub(super) fn new(allowed: &[Network]) -> Guard {
        Guard { allowed: allowed.iter().filter_map(|it| it.to_string().parse().ok()).collect() }
    }

    /// All that can be said of a URL before its name is looked up.
    pub(super) fn url(text: &str) -> Result<Url, Rule> {
        // The parser would quietly drop blanks and turn backslashes around.
        let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
        if text.len() > URL_LENGTH_MAX || text.chars().any(odd) {
            return Err(Rule::Malformed);
        }
        let url = Url::parse(text).map_err(|_| Rule::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Rule::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Rule::Credentials);
        }
        let is_whole = url.has_host() && url.fragment().is_none() && url.port() != Some(0);
        if is_whole { Ok(url) } else { Err(Rule::Malformed) }
    }

    /// Whether this address may be called for the URL.
    pub(super) fn address(&self, url: &Url, address: IpAddr) -> Result<(), Rule> {
        if self.allowed.iter().any(|network| network.contains(address)) {
            return Ok(());
        }
        match special(address) {
            Some(rule) => Err(rule),
            None if url.scheme() == "https" => Ok(()),
            None => Err(Rule::HttpsRequired),
        }
    }
}

/// Why an address is not a public one, after the registries of RFC 6890.
fn special(address: IpAddr) -> Option<Rule> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => special_v4(mapped),
            None => special_v6(address),
        },
    }
}

fn special_v4(address: Ipv4Addr) -> Option<Rule> {
    Some(match address.octets() {
        [0, ..] => Rule::ThisNetwork,
        [127, ..] => Rule::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Rule::Private,
        [100, 64..=127, ..] => Rule::CarrierGradeNat,
        [169, 254, ..] => Rule::LinkLocal,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Rule::Documentation,
        [198, 18..=19, ..] => Rule::Benchmark,
        [192, 0, 0, _] | [192, 88, 99, _] => Rule::Reserved,
        [224..=239, ..] => Rule::Multicast,
        [240..=255, ..] => Rule::Reserved,
        _ => return None,
    })
}

/// Public are 2000::/3 alone, and of these not all.
fn special_v6(address: Ipv6Addr) -> Option<Rule> {
    Some(match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Rule::ThisNetwork,
        [0, 0, 0, 0, 0, 0, 0, 1] => Rule::Loopback,
        [0x64, 0xff9b, ..] | [0x2002, ..] | [0x2001, 0, ..] => Rule::Translated,
        [0xfe80..=0xfebf, ..] => Rule::LinkLocal,
        [0xfc00..=0xfdff, ..] => Rule::UniqueLocal,
        [0xff00..=0xffff, ..] => Rule::Multicast,
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Rule::Documentation,
        [0x2001, 2, 0, ..] => Rule::Benchmark,
        [0x2001, 0..=0x1ff, ..] => Rule::Reserved,
        [0x2000..=0x3fff, ..] => return None,
        _ => Rule::Reserved,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use url::Host;

    use super::*;

    fn judged(guard: &Guard, text: &str) -> Result<(), &'static str> {
        let url = Guard::url(text).map_err(Rule::as_str)?;
        let address = match url.host().unwrap() {
            Host::Ipv4(address) => IpAddr::V4(address),
            Host::Ipv6(address) => IpAddr::V6(address),
            Host::Domain(_) => return Err("a name"),
        };
        guard.address(&url, address).map_err(Rule::as_str)
    }

    #[test]
    fn an_address_is_judged_however_it_is_written() {
        let guard = Guard::new(&[]);
        for (text, rule) in [
            ("http://127.0.0.1/", "loopback"),
            ("http://0x7f000001/", "loopback"),
            ("http://2130706433/", "loopback"),
            ("http://0177.0.0.1/", "loopback"),
            ("http://127.1/", "loopback"),
            ("http://[::1]/", "loopback"),
            ("http://[::ffff:127.0.0.1]/", "loopback"),
            ("http://[::ffff:10.0.0.1]/", "private"),
            ("https://10.0.0.5", "private"),
            ("https://172.31.0.1", "private"),
            ("https://192.168.1.1", "private"),
            ("http://169.254.169.254/", "link_local"),
            ("https://[fe80::1]/", "link_local"),
            ("http://100.64.0.1", "carrier_grade_nat"),
            ("http://192.0.2.1", "documentation"),
            ("https://198.51.100.1", "documentation"),
            ("https://203.0.113.1", "documentation"),
            ("https://[2001:db8::1]/", "documentation"),
            ("https://[3fff::1]/", "documentation"),
            ("https://198.18.0.1", "benchmark"),
            ("https://224.0.0.1", "multicast"),
            ("https://[ff02::1]/", "multicast"),
            ("https://0.0.0.0", "this_network"),
            ("https://[::]/", "this_network"),
            ("https://255.255.255.255", "reserved"),
            ("https://[::7f00:1]/", "reserved"),
            ("https://[fd00::1]/", "unique_local"),
            ("https://[64:ff9b::7f00:1]/", "translated"),
            ("https://[64:ff9b:1::7f00:1]/", "translated"),
            ("https://[2002:7f00:1::]/", "translated"),
            ("https://[2001::1]/", "translated"),
            ("http://93.184.216.34/", "https_required"),
            ("ftp://93.184.216.34", "scheme"),
            ("file:///etc/passwd", "scheme"),
            ("https://user:pw@93.184.216.34/", "credentials"),
            ("https://user@93.184.216.34/", "credentials"),
            ("https://93.184.216.34/#part", "malformed"),
            ("https://93.184.216.34:0/", "malformed"),
            ("https:\\\\93.184.216.34", "malformed"),
            ("93.184.216.34", "malformed"),
            ("", "malformed"),
        ] {
            assert_eq!(judged(&guard, text), Err(rule), "{text}");
        }
        for text in ["https://93.184.216.34/a?b=c", "https://[2606:4700::1]:8443/"] {
            assert_eq!(judged(&guard, text), Ok(()), "{text}");
        }
    }

    #[test]
    fn allowed_networks_are_allowed_without_encryption_too() {
        let guard = Guard::new(&["127.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        for text in ["http://127.0.0.1:8080/", "http://[::ffff:127.0.0.1]/", "https://[fd00::1]/"] {
            assert_eq!(judged(&guard, text), Ok(()), "{text}");
        }
        assert_eq!(judged(&guard, "http://10.0.0.1/"), Err("private"));
        assert_eq!(judged(&guard, "ftp://127.0.0.1/"), Err("scheme"));
    }
}
