//! What a proxy does to header fields on their way through (RFC 9110, section 7.6). Pure.

mod cidr;

use std::net::IpAddr;

use actix_http::Version;
use actix_http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE, VIA, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO,
};

pub use self::cidr::{Cidr, CidrError};
use crate::trace::{REQUEST_ID, RequestId, TRACEPARENT};

/// This hop in the list of those a message came through (RFC 9110, section 7.6.3), by the version in
/// which it came here.
const OWN_VIA: HeaderValue = HeaderValue::from_static("1.1 busbar");
const OWN_VIA_10: HeaderValue = HeaderValue::from_static("1.0 busbar");

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
    pub version: Version,
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
    fields.append(VIA, own_via(arrival.version));
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

/// The same of a final answer, which came in this version: with this hop.
pub fn through_here(received: HeaderMap, version: Version) -> HeaderMap {
    let mut fields = into_for_client(received);
    fields.append(VIA, own_via(version));
    fields
}

fn own_via(version: Version) -> HeaderValue {
    if version == Version::HTTP_10 { OWN_VIA_10 } else { OWN_VIA }
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
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii))
        // What nearly all say; it is hop-by-hop by itself.
        .filter(|name| !name.eq_ignore_ascii_case(b"keep-alive"))
        .filter_map(|name| HeaderName::from_bytes(name).ok())
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
mod tests;
