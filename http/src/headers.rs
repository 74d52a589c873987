//! What a proxy does to header fields on their way through (RFC 9110, section 7.6). Pure.

mod cidr;

use std::net::IpAddr;

use actix_http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE, VIA, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO,
};

pub use self::cidr::{Cidr, CidrError};
use crate::trace::{REQUEST_ID, RequestId, TRACEPARENT};

/// This hop in the list of those a request came through (RFC 9110, section 7.6.3).
const OWN_VIA: HeaderValue = HeaderValue::from_static("1.1 busbar");

/// Who a caller is comes from its token; fields of these names from outside are lies.
const INTERNAL_PREFIXES: [&str; 2] = ["x-user-", "x-busbar-"];

/// How many fields a request gets on its way, here and from whoever sends it: room made at once
/// spares the map growing.
const ADDED_MAX: usize = 8;

/// How a request reached this server.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The other end of the connection.
    pub peer: IpAddr,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Other proxies, whose word about the client is taken.
    pub trusted: &'a [Cidr],
}

/// The fields to send upstream. Without `Host` and `Content-Length`: both belong to the new
/// connection, and whoever sends sets them.
pub fn for_upstream(received: &HeaderMap, arrival: Arrival<'_>) -> HeaderMap {
    let is_trusted = is_trusted(arrival.peer, arrival.trusted);
    let named = named_in_connection(received);
    let mut fields = HeaderMap::with_capacity(received.len() + ADDED_MAX);
    for (name, value) in received {
        let stays = !is_hop_by_hop(name)
            && !named.contains(name)
            && !is_internal(name)
            && !matches!(*name, HOST | CONTENT_LENGTH | EXPECT)
            && (is_trusted || !is_forwarding(name));
        if stays {
            fields.append(name.clone(), value.clone());
        }
    }
    add_forwarding(&mut fields, received, arrival);
    fields.append(VIA, OWN_VIA);
    fields
}

/// The fields of an upstream's answer to pass on; `Content-Length` among them.
pub fn for_client(received: &HeaderMap) -> HeaderMap {
    into_for_client(received.clone())
}

/// The same, in the map that they came in.
pub fn into_for_client(mut received: HeaderMap) -> HeaderMap {
    let named = named_in_connection(&received);
    received.retain(|name, _| !is_hop_by_hop(name) && !named.contains(name));
    received
}

/// The fields that tie a call made on behalf of a request to that request.
pub fn traced(request: &RequestId) -> HeaderMap {
    let mut fields = HeaderMap::new();
    let pairs = [(REQUEST_ID, &request.id), (TRACEPARENT, &request.traceparent)];
    for (name, value) in pairs {
        if let Ok(value) = HeaderValue::from_str(value) {
            fields.insert(HeaderName::from_static(name), value);
        }
    }
    fields
}

/// Who the client is: the last address in `X-Forwarded-For` that is no trusted proxy, if the peer
/// is one.
pub fn client_address(received: &HeaderMap, arrival: Arrival<'_>) -> IpAddr {
    let mut client = arrival.peer.to_canonical();
    let lines: Vec<&HeaderValue> = received.get_all(X_FORWARDED_FOR).collect();
    let mut hops =
        lines.iter().rev().flat_map(|line| line.to_str().unwrap_or("?").rsplit(',')).map(str::trim);
    while is_trusted(client, arrival.trusted) {
        let Some(Ok(hop)) = hops.next().map(str::parse::<IpAddr>) else { break };
        client = hop.to_canonical();
    }
    client
}

/// Meant for one connection only (RFC 9110, section 7.6.1). `Content-Length` is not among them.
pub fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(*name, CONNECTION | TE | TRAILER | TRANSFER_ENCODING | UPGRADE)
        || name.as_str().starts_with("proxy-")
        || name == "keep-alive"
        || name == "http2-settings"
}

fn is_internal(name: &HeaderName) -> bool {
    INTERNAL_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix))
}

fn is_forwarding(name: &HeaderName) -> bool {
    *name == FORWARDED || name.as_str().starts_with("x-forwarded-")
}

fn is_trusted(peer: IpAddr, trusted: &[Cidr]) -> bool {
    trusted.iter().any(|range| range.contains(peer))
}

fn named_in_connection(received: &HeaderMap) -> Vec<HeaderName> {
    received
        .get_all(CONNECTION)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(str::trim))
        // What nearly all say; it is hop-by-hop by itself.
        .filter(|name| !name.eq_ignore_ascii_case("keep-alive"))
        .filter_map(|name| HeaderName::try_from(name).ok())
        .collect()
}

/// Adds this hop to what trusted proxies said, or starts anew.
fn add_forwarding(fields: &mut HeaderMap, received: &HeaderMap, arrival: Arrival<'_>) {
    let peer = arrival.peer.to_canonical().to_string();
    let earlier = fields.get_all(X_FORWARDED_FOR).filter_map(|value| value.to_str().ok());
    let chain: Vec<&str> = earlier.chain([peer.as_str()]).collect();
    if let Ok(chain) = HeaderValue::try_from(chain.join(", ")) {
        fields.insert(X_FORWARDED_FOR, chain);
    }
    if !fields.contains_key(X_FORWARDED_PROTO) {
        fields.insert(X_FORWARDED_PROTO, HeaderValue::from_static(arrival.scheme));
    }
    if let (false, Some(host)) = (fields.contains_key(X_FORWARDED_HOST), received.get(HOST)) {
        fields.insert(X_FORWARDED_HOST, host.clone());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in pairs {
            let name = HeaderName::from_static(name);
            fields.append(name, HeaderValue::from_static(value));
        }
        fields
    }

    fn from<'a>(peer: &str, trusted: &'a [Cidr]) -> Arrival<'a> {
        Arrival { peer: peer.parse().unwrap(), scheme: "http", trusted }
    }

    fn names(fields: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = fields.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    const ADDED: [&str; 3] = ["via", "x-forwarded-for", "x-forwarded-proto"];

    #[test]
    fn hop_by_hop_fields_and_those_named_in_connection_stay_here() {
        let received = fields(&[
            ("connection", "close, X-Secret"),
            ("connection", "x-other"),
            ("x-secret", "1"),
            ("x-other", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-authorization", "x"),
            ("proxy-connection", "keep-alive"),
            ("te", "trailers"),
            ("trailer", "x"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("http2-settings", "x"),
            ("expect", "100-continue"),
            ("content-length", "3"),
        ]);

        assert_eq!(names(&for_upstream(&received, from("203.0.113.9", &[]))), ADDED);
        assert_eq!(names(&for_client(&received)), ["content-length", "expect"]);
    }

    #[test]
    fn end_to_end_fields_pass_with_all_their_values() {
        let received = fields(&[
            ("cookie", "a=b"),
            ("authorization", "Bearer x"),
            ("idempotency-key", "k"),
            ("accept", "text/html"),
            ("accept", "*/*"),
        ]);

        let sent = for_upstream(&received, from("203.0.113.9", &[]));

        assert_eq!(sent.get_all("accept").count(), 2);
        for name in ["cookie", "authorization", "idempotency-key"] {
            assert_eq!(sent.get(name), received.get(name));
        }
        let answer = fields(&[("set-cookie", "a"), ("set-cookie", "b")]);
        assert_eq!(for_client(&answer).get_all("set-cookie").count(), 2);
    }

    #[test]
    fn a_stranger_cannot_say_who_it_is() {
        let received = fields(&[
            ("host", "bills.example"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "for=10.0.0.1"),
            ("x-user-id", "root"),
            ("x-busbar-role", "administrator"),
        ]);

        let sent = for_upstream(&received, from("203.0.113.9", &[]));

        assert_eq!(sent.get("x-forwarded-for").unwrap(), "203.0.113.9");
        assert_eq!(sent.get("x-forwarded-host").unwrap(), "bills.example");
        assert_eq!(sent.get("x-forwarded-proto").unwrap(), "http");
        assert_eq!(sent.len(), 4, "{:?}", names(&sent));
        assert_eq!(sent.get("via").unwrap(), "1.1 busbar");
    }

    #[test]
    fn a_trusted_proxy_is_believed_and_added_to_the_chain() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let received = fields(&[
            ("host", "inner"),
            ("x-forwarded-for", "203.0.113.9, 10.0.0.7"),
            ("x-forwarded-for", "10.0.0.8"),
            ("x-forwarded-host", "bills.example"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "for=203.0.113.9"),
            ("via", "1.0 edge"),
        ]);
        let arrival = from("::ffff:10.0.0.9", &trusted);

        let sent = for_upstream(&received, arrival);

        let chain = "203.0.113.9, 10.0.0.7, 10.0.0.8, 10.0.0.9";
        assert_eq!(sent.get("x-forwarded-for").unwrap(), chain);
        assert_eq!(sent.get("x-forwarded-host").unwrap(), "bills.example");
        assert_eq!(sent.get("x-forwarded-proto").unwrap(), "https");
        assert_eq!(sent.get("forwarded").unwrap(), "for=203.0.113.9");
        assert_eq!(sent.get_all("via").collect::<Vec<_>>(), ["1.0 edge", "1.1 busbar"]);
        assert_eq!(client_address(&received, arrival).to_string(), "203.0.113.9");
    }

    #[test]
    fn the_client_is_the_last_hop_that_nobody_vouches_for() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let address = |chain: &'static str, peer: &str| {
            let received = fields(&[("x-forwarded-for", chain)]);
            client_address(&received, from(peer, &trusted)).to_string()
        };

        assert_eq!(address("1.2.3.4", "203.0.113.9"), "203.0.113.9");
        assert_eq!(address("1.2.3.4, 203.0.113.9", "10.0.0.1"), "203.0.113.9");
        assert_eq!(address("1.2.3.4, nonsense", "10.0.0.1"), "10.0.0.1");
        assert_eq!(address("10.0.0.3, 10.0.0.2", "10.0.0.1"), "10.0.0.3");
    }

    #[test]
    fn a_call_carries_the_request_it_is_made_for() {
        let request = RequestId { id: "r".into(), traceparent: "t".into() };

        assert_eq!(names(&traced(&request)), ["traceparent", "x-request-id"]);
    }
}
