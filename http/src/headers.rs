//! What a proxy does to header fields on their way through (RFC 9110, section 7.6). Pure.

mod cidr;

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use actix_http::Version;
use actix_http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE, VIA, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO,
};

pub use self::cidr::{Cidr, CidrError};
use crate::deadline;
use crate::trace::{REQUEST_ID_NAME, RequestId, TRACEPARENT_NAME};

/// This hop in the list of those a message came through (RFC 9110, section 7.6.3), by the version in
/// which it came here.
const OWN_VIA: HeaderValue = HeaderValue::from_static("1.1 busbar");
const OWN_VIA_10: HeaderValue = HeaderValue::from_static("1.0 busbar");

/// Who a caller is comes from its token; fields of these names from outside are lies.
const INTERNAL_PREFIXES: [&str; 2] = ["x-user-", "x-busbar-"];

/// How many fields a request gets on its way, here and from whoever sends it: room made at once
/// spares the map growing.
const ADDED_MAX: usize = 8;

/// The longest text of an address (RFC 4291, section 2.2).
const ADDRESS_LENGTH_MAX: usize = 45;

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
        let is_taken_away = |name: &HeaderName| {
            is_hop_by_hop(name)
                || is_internal(name)
                || (is_forwarding(name) && !is_trusted)
                || matches!(*name, HOST | CONTENT_LENGTH | EXPECT)
        };
        let stays = !is_taken_away(name)
            && !named.contains(name)
            && !read_as(name).is_some_and(|name| is_taken_away(&name));
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
    let mut leaving = named_in_connection(&received);
    leaving.extend(received.keys().filter(|name| is_hop_by_hop(name)).cloned());
    for name in leaving {
        received.remove(name);
    }
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
    trace(&mut fields, request);
    fields
}

/// Sets them.
pub fn trace(fields: &mut HeaderMap, request: &RequestId) {
    fields.insert(REQUEST_ID_NAME, request.id_value().clone());
    fields.insert(TRACEPARENT_NAME, request.traceparent_value().clone());
}

/// Whether a field of a request may reach the upstream with another value than its client gave it, or
/// not at all.
pub fn may_change(name: &HeaderName, received: &HeaderMap) -> bool {
    is_hop_by_hop(name)
        || is_internal(name)
        || is_forwarding(name)
        || matches!(*name, VIA | EXPECT | CONTENT_LENGTH)
        || [REQUEST_ID_NAME, TRACEPARENT_NAME, deadline::HEADER].contains(name)
        || named_in_connection(received).contains(name)
}

/// Who the client is: the last address in `X-Forwarded-For` that is no trusted proxy, if the peer
/// is one.
pub fn client_address(received: &HeaderMap, arrival: Arrival<'_>) -> IpAddr {
    let mut client = arrival.peer.to_canonical();
    let lines: Vec<&HeaderValue> = received.get_all(X_FORWARDED_FOR).collect();
    // What is no text is no address; it hides nothing that others wrote beside it.
    let hops = lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    let hops = hops.map(|hop| std::str::from_utf8(hop).unwrap_or("?").trim());
    let mut hops = hops.filter(|hop| !hop.is_empty());
    while is_trusted(client, arrival.trusted) {
        let Some(hop) = hops.next().and_then(address) else { break };
        client = hop.to_canonical();
    }
    client
}

/// An address, as some proxies write it with its port.
fn address(hop: &str) -> Option<IpAddr> {
    let with_port = || hop.parse().ok().map(|socket: SocketAddr| socket.ip());
    let in_brackets = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    hop.parse().ok().or_else(with_port).or_else(in_brackets)
}

/// How the client asked, as a proxy says that is trusted: scheme, host, port, prefix, whatever there is
/// besides; nothing of who asks.
pub fn believed(arrival: Arrival<'_>, received: &HeaderMap) -> Option<String> {
    if !is_trusted(arrival.peer, arrival.trusted) || !tells_how(received) {
        return None;
    }
    let is_meant = |part: &&[u8]| {
        let name = part.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
        name.eq_ignore_ascii_case(b"proto") || name.eq_ignore_ascii_case(b"host")
    };
    let mut said: Vec<(&str, String)> = Vec::new();
    for (name, line) in received.iter().filter(|(name, _)| is_how(name)) {
        let parts = line.as_bytes().split(|byte| matches!(byte, b',' | b';'));
        let parts = parts.filter(|part| *name != FORWARDED || is_meant(part));
        let texts = parts.map(|part| part.trim_ascii().escape_ascii().to_string());
        said.push((name.as_str(), texts.collect::<Vec<_>>().join(",")));
    }
    // The order of lines of one name stays.
    said.sort_by_key(|(name, _)| *name);
    Some(said.into_iter().map(|(name, text)| format!("{name}={text} ")).collect())
}

/// Whether a request says how its client asked, for whoever believes its peer.
pub fn tells_how(received: &HeaderMap) -> bool {
    received.keys().any(is_how)
}

fn is_how(name: &HeaderName) -> bool {
    is_forwarding(name) && *name != X_FORWARDED_FOR
}

/// Meant for one connection only (RFC 9110, section 7.6.1). `Content-Length` is not among them.
pub fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(*name, CONNECTION | TE | TRAILER | TRANSFER_ENCODING | UPGRADE)
        // `Proxy-Status` is for whoever reads the answer in the end (RFC 9209, section 2).
        || (name.as_str().starts_with("proxy-") && name != "proxy-status")
        || name == "keep-alive"
        || name == "http2-settings"
}

/// What many an upstream takes a name with underscores for (RFC 3875, section 4.1.18).
fn read_as(name: &HeaderName) -> Option<HeaderName> {
    let name = name.as_str();
    let is_odd = name.contains('_');
    is_odd.then(|| HeaderName::from_bytes(name.replace('_', "-").as_bytes()).ok()).flatten()
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

/// Of the fields that are there, each once: a head has room for thousands of names.
fn named_in_connection(received: &HeaderMap) -> Vec<HeaderName> {
    let lines = received.get_all(CONNECTION);
    let names = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let mut named = Vec::new();
    for name in names.map(<[u8]>::trim_ascii) {
        // What nearly all say; it is hop-by-hop by itself.
        if name.eq_ignore_ascii_case(b"keep-alive") {
            continue;
        }
        let Ok(name) = HeaderName::from_bytes(name) else { continue };
        if received.contains_key(&name) && !named.contains(&name) {
            named.push(name);
        }
    }
    named
}

/// As `Display` has it, which is a third of what is done for the fields of a request where it has to
/// format four numbers.
fn push_address(text: &mut String, address: IpAddr) {
    let IpAddr::V4(address) = address else {
        // Nothing is written to but memory.
        let _ = write!(text, "{address}");
        return;
    };
    for (place, part) in address.octets().into_iter().enumerate() {
        if place > 0 {
            text.push('.');
        }
        for (unit, is_shown) in [(100, part >= 100), (10, part >= 10), (1, true)] {
            if is_shown {
                text.push(char::from(b'0' + part / unit % 10));
            }
        }
    }
}

/// Adds this hop to what trusted proxies said, or starts anew.
fn add_forwarding(fields: &mut HeaderMap, received: &HeaderMap, arrival: Arrival<'_>) {
    let mut own = String::with_capacity(ADDRESS_LENGTH_MAX);
    push_address(&mut own, arrival.peer.to_canonical());
    let mut chain = Vec::new();
    for earlier in fields.get_all(X_FORWARDED_FOR) {
        chain.extend_from_slice(earlier.as_bytes());
        chain.extend_from_slice(b", ");
    }
    let chain = match chain.is_empty() {
        true => HeaderValue::try_from(own),
        false => HeaderValue::try_from([chain, own.into_bytes()].concat()),
    };
    if let Ok(chain) = chain {
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
