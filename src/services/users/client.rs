//! What a request tells about where it comes from. Pure.

use std::net::IpAddr;

use actix_web::http::Version;
use actix_web::http::header::{COOKIE, HeaderMap};
use busbar_http::headers::{Arrival, Cidr, client_address};

/// Whoever has one address of IPv6 has its whole network.
const IPV6_NETWORK_BITS: u32 = 64;

/// Where a request comes from.
///
/// A peer on this machine or in a private network is taken for our gateway (or another proxy of
/// ours), and its word about the client is believed. So whoever can reach this port directly from
/// there can claim any address: that frees from the limit of a network, not from that of an
/// account.
pub(super) fn address(headers: &HeaderMap, peer: IpAddr, trusted: &[Cidr]) -> IpAddr {
    let peer = peer.to_canonical();
    let mut trusted = trusted.to_vec();
    if is_near(peer) {
        trusted.extend(peer.to_string().parse::<Cidr>());
    }
    client_address(
        headers,
        Arrival { peer, scheme: "http", version: Version::HTTP_11, trusted: &trusted },
    )
}

fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.is_loopback() || address.is_private() || address.is_link_local()
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

/// What is counted as one sender.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let mask = u128::MAX << (u128::BITS - IPV6_NETWORK_BITS);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
}

/// The value of a cookie (RFC 6265 section 4.2).
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(known, _)| known.trim() == name).map(|(_, value)| value.trim())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue, X_FORWARDED_FOR};

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    fn seen(peer: &str, forwarded: &str, trusted: &[Cidr]) -> String {
        address(&headers(X_FORWARDED_FOR, forwarded), peer.parse().unwrap(), trusted).to_string()
    }

    #[test]
    fn the_gateway_is_believed_a_stranger_is_not() {
        assert_eq!(seen("127.0.0.1", "203.0.113.9", &[]), "203.0.113.9");
        assert_eq!(seen("10.1.2.3", "203.0.113.9", &[]), "203.0.113.9");
        assert_eq!(seen("::1", "2001:db8::1", &[]), "2001:db8::1");
        assert_eq!(seen("198.51.100.7", "203.0.113.9", &[]), "198.51.100.7");
        assert_eq!(seen("127.0.0.1", "nonsense", &[]), "127.0.0.1");
    }

    #[test]
    fn a_proxy_before_the_gateway_is_passed_over_when_it_is_named() {
        let proxy = ["192.0.2.1".parse().unwrap()];
        assert_eq!(seen("127.0.0.1", "203.0.113.9, 192.0.2.1", &proxy), "203.0.113.9");
        assert_eq!(seen("127.0.0.1", "203.0.113.9, 192.0.2.1", &[]), "192.0.2.1");
    }

    #[test]
    fn an_address_of_ipv6_stands_for_its_network() {
        let near: IpAddr = "2001:db8:1:2:3:4:5:6".parse().unwrap();
        assert_eq!(network(near).to_string(), "2001:db8:1:2::");
        assert_eq!(network("192.0.2.1".parse().unwrap()).to_string(), "192.0.2.1");
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let sent = headers(COOKIE, "a=1; busbar_device=x.y-z; busbar_devices=2");
        assert_eq!(cookie(&sent, "busbar_device"), Some("x.y-z"));
        assert_eq!(cookie(&sent, "device"), None);
        assert_eq!(cookie(&HeaderMap::new(), "a"), None);
    }
}
