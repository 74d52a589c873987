//! What passes, what stays here, and what is added.

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
    let (peer, version) = (peer.parse().unwrap(), Version::HTTP_11);
    Arrival { peer, scheme: "http", version, trusted }
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

/// RFC 9110, section 7.6.1: a byte that belongs in no name spares the others nothing.
#[test]
fn a_line_of_connection_is_read_to_its_end() {
    let mut received = fields(&[("x-secret", "1")]);
    let line = HeaderValue::from_bytes(b"x-\xff, x-secret").unwrap();
    received.append(CONNECTION, line);

    assert!(for_client(&received).is_empty());
}

/// A head has room for thousands of names: of what is not there nothing is remembered.
#[test]
fn names_in_connection_count_once_and_only_where_they_are() {
    let said = (0..5_000).map(|number| format!("x-{number}, x-secret"));
    let line = HeaderValue::try_from(said.collect::<Vec<_>>().join(",")).unwrap();
    let mut received = fields(&[("x-secret", "1"), ("x-open", "1")]);
    received.append(CONNECTION, line);

    assert_eq!(named_in_connection(&received), ["x-secret"]);
    assert_eq!(names(&for_client(&received)), ["x-open"]);
}

/// RFC 9110, section 7.6.3.
#[test]
fn a_message_tells_which_way_it_came() {
    let received = fields(&[("via", "1.0 inner")]);
    let old = Arrival { version: Version::HTTP_10, ..from("203.0.113.9", &[]) };
    let via = |fields: &HeaderMap| {
        let all: Vec<_> = fields.get_all(VIA).map(|value| value.to_str().unwrap()).collect();
        all.join(", ")
    };

    assert_eq!(via(&for_upstream(&received, old)), "1.0 inner, 1.0 busbar");
    let answer = through_here(received.clone(), Version::HTTP_11);
    assert_eq!(via(&answer), "1.0 inner, 1.1 busbar");
    assert_eq!(via(&through_here(HeaderMap::new(), Version::HTTP_10)), "1.0 busbar");
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

/// What a client writes that is no text hides nothing of what a proxy adds.
#[test]
fn bytes_that_are_no_text_hide_no_address() {
    let trusted = ["127.0.0.0/8".parse().unwrap()];
    let mut received = HeaderMap::new();
    let chain = HeaderValue::from_bytes(b"\xe9, 203.0.113.9").unwrap();
    received.insert(X_FORWARDED_FOR, chain);
    let arrival = from("127.0.0.1", &trusted);
    assert_eq!(client_address(&received, arrival).to_string(), "203.0.113.9");
    let told = for_upstream(&received, arrival);
    assert_eq!(told.get(&X_FORWARDED_FOR).unwrap().as_bytes(), b"\xe9, 203.0.113.9, 127.0.0.1");
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
    let request = RequestId::of_headers(&HeaderMap::new());

    assert_eq!(names(&traced(&request)), ["traceparent", "x-request-id"]);
}

#[test]
fn an_address_is_written_as_everywhere() {
    for text in ["0.0.0.0", "127.0.0.1", "10.20.99.100", "255.255.255.255", "::1", "2001:db8::a:b"]
    {
        let address: IpAddr = text.parse().unwrap();
        let mut written = String::new();
        push_address(&mut written, address);
        assert_eq!(written, text);
    }
}

#[test]
fn what_is_believed_is_how_and_not_who() {
    let trusted: Vec<Cidr> = vec!["10.0.0.0/8".parse().unwrap()];
    let of = |peer: &str, pairs: &[(&'static str, &'static str)]| {
        believed(from(peer, &trusted), &fields(pairs))
    };
    let forwarded = |value: &'static str| of("10.0.0.1", &[("forwarded", value)]);
    assert_eq!(of("10.0.0.1", &[]), None);
    assert_eq!(of("192.0.2.1", &[("x-forwarded-proto", "https")]), None, "anybody can say so");
    let one = forwarded("for=192.0.2.1;proto=https;host=a");
    assert_eq!(one, forwarded("for=192.0.2.2;proto=https;host=a"));
    assert_ne!(one, forwarded("for=192.0.2.1;proto=http;host=a"));
    assert_ne!(
        of("10.0.0.1", &[("x-forwarded-proto", "https")]),
        of("10.0.0.1", &[("x-forwarded-host", "https")])
    );
}

/// RFC 3875, section 4.1.18: many an upstream takes one name for the other.
#[test]
fn what_may_be_read_as_the_length_stays_here() {
    let received =
        fields(&[("content_length", "99"), ("transfer_encoding", "chunked"), ("x_other", "1")]);
    let sent = for_upstream(&received, from("203.0.113.9", &[]));
    assert!(sent.contains_key("x_other"));
    assert!(!sent.contains_key("content_length") && !sent.contains_key("transfer_encoding"));
}
