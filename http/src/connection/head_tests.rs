//! What a head may look like, and what is refused, section by section.

use super::*;

fn read(text: &str) -> Seen {
    HeadReader::default().read(&mut text.as_bytes().to_vec())
}

/// A head with these lines after its request line and its host.
fn with(lines: &str) -> Seen {
    read(&format!("POST / HTTP/1.1\r\nhost: a\r\n{lines}\r\n"))
}

/// A request line with a host.
fn line(line: &str) -> Seen {
    read(&format!("{line}\r\nhost: a\r\n\r\n"))
}

fn follows(seen: Seen) -> Option<Follows> {
    match seen {
        Seen::End(_, follows) => Some(follows),
        _ => None,
    }
}

#[test]
fn a_head_ends_at_its_empty_line_however_it_comes() {
    let head = "\r\nPOST /a?b=c HTTP/1.1\r\nHost: a:80\r\ncontent-length: 5\r\nx: \tv\r\n\r\n";
    let all = format!("{head}helloGET / HTTP/1.1\r\n");
    for size in 1..all.len() {
        let mut reader = HeadReader::default();
        let mut before = 0;
        let mut seen = Seen::Part;
        for piece in all.clone().into_bytes().chunks_mut(size) {
            seen = reader.read(piece);
            if seen != Seen::Part {
                break;
            }
            before += piece.len();
        }
        assert_eq!(seen, Seen::End(head.len() - before, Follows::Length(5)), "by {size}");
    }
}

/// RFC 9110, section 2.5: whoever speaks a later minor version understands the last one known here.
#[test]
fn a_later_minor_version_is_taken_for_the_last_known() {
    let head = "\r\nGET /HTTP/1.2 HTTP/1.3\r\nx: HTTP/1.4\r\nhost: a\r\n\r\n";
    let known = head.replace("1.3", "1.1");
    for size in 1..head.len() {
        let mut reader = HeadReader::default();
        let mut bytes = head.as_bytes().to_vec();
        let seen: Vec<Seen> = bytes.chunks_mut(size).map(|piece| reader.read(piece)).collect();
        assert!(matches!(seen.last(), Some(Seen::End(_, Follows::Nothing))), "by {size}: {seen:?}");
        assert_eq!(String::from_utf8_lossy(&bytes), known, "by {size}");
    }
    for at in 1..head.len() {
        let mut reader = HeadReader::default();
        let mut bytes = head.as_bytes().to_vec();
        let (first, rest) = bytes.split_at_mut(at);
        assert_eq!(reader.read(first), Seen::Part, "at {at}");
        assert!(matches!(reader.read(rest), Seen::End(_, Follows::Nothing)), "at {at}");
        assert_eq!(String::from_utf8_lossy(&bytes), known, "at {at}");
    }
}

/// RFC 9112, section 3.2.4.
#[test]
fn the_whole_server_is_asked_for_without_a_path() {
    let asks = |line: &str| {
        let mut reader = HeadReader::default();
        reader.read(&mut format!("{line}\r\nhost: a\r\n\r\n").into_bytes());
        reader.request().is_some_and(|line| line.asks_server)
    };
    assert!(asks("OPTIONS http://a.b:80 HTTP/1.1"));
    for line in [
        "OPTIONS http://a/ HTTP/1.1",
        "OPTIONS http://a/a HTTP/1.1",
        "OPTIONS http://a?b=a HTTP/1.1",
        "GET http://a HTTP/1.1",
    ] {
        assert!(!asks(line), "{line}");
    }
}

/// RFC 9112, section 6: what follows.
#[test]
fn a_body_is_framed_in_one_way() {
    assert_eq!(follows(with("")), Some(Follows::Nothing));
    assert_eq!(follows(with("content-length: 0\r\n")), Some(Follows::Nothing));
    assert_eq!(follows(with("Content-Length:7 \r\n")), Some(Follows::Length(7)));
    assert_eq!(follows(with("Transfer-Encoding: Chunked\r\n")), Some(Follows::Chunks));
}

/// RFC 9112, sections 6.1 and 6.3: whatever could be framed in two ways.
#[test]
fn a_doubtful_length_is_refused() {
    for (lines, refusal) in [
        ("content-length: 3\r\ntransfer-encoding: chunked\r\n", Refusal::TwoLengths),
        ("transfer-encoding: chunked\r\ncontent-length: 0\r\n", Refusal::TwoLengths),
        ("content-length: 3\r\ncontent-length: 4\r\n", Refusal::LengthInvalid),
        ("content-length: 3\r\ncontent-length: 3\r\n", Refusal::LengthInvalid),
        ("content-length: +5\r\n", Refusal::LengthInvalid),
        ("content-length: -5\r\n", Refusal::LengthInvalid),
        ("content-length: 5, 5\r\n", Refusal::LengthInvalid),
        ("content-length: 0x5\r\n", Refusal::LengthInvalid),
        ("content-length: 5 5\r\n", Refusal::LengthInvalid),
        ("content-length:\r\n", Refusal::LengthInvalid),
        ("content-length: 18446744073709551616\r\n", Refusal::LengthInvalid),
        ("transfer-encoding: chunked, identity\r\n", Refusal::CodingInvalid),
        ("transfer-encoding: identity\r\n", Refusal::CodingInvalid),
        ("transfer-encoding: xchunked\r\n", Refusal::CodingInvalid),
        ("transfer-encoding: chunked, chunked\r\n", Refusal::CodingInvalid),
        ("transfer-encoding: chunked;q=1\r\n", Refusal::CodingInvalid),
        ("transfer-encoding: \"chunked\"\r\n", Refusal::CodingInvalid),
        ("transfer-encoding:\r\n", Refusal::CodingInvalid),
        ("transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n", Refusal::CodingInvalid),
        ("transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n", Refusal::CodingInvalid),
        ("transfer-encoding: , chunked\r\n", Refusal::CodingInvalid),
        ("transfer-encoding: chunked,\r\n", Refusal::CodingInvalid),
        ("transfer-encoding: gzip, chunked\r\n", Refusal::CodingUnknown),
        ("transfer-encoding: gzip, chunked\r\ncontent-length: 5\r\n", Refusal::TwoLengths),
    ] {
        assert_eq!(with(lines), Seen::Refused(refusal), "{lines:?}");
    }
    let old = "POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n";
    assert_eq!(read(old), Seen::Refused(Refusal::CodingInvalid));
}

/// RFC 9112, sections 2.2 and 5.2.
#[test]
fn lines_end_in_crlf_and_are_not_folded() {
    for (text, refusal) in [
        ("GET / HTTP/1.1\nhost: a\n\n", Refusal::BareLf),
        ("GET / HTTP/1.1\r\nhost: a\nx: y\r\n\r\n", Refusal::BareLf),
        ("GET / HTTP/1.1\r\nhost: a\r\n\n", Refusal::BareLf),
        ("GET / HTTP/1.1\r\nhost: a\rx: y\r\n\r\n", Refusal::BareCr),
        ("GET / HTTP/1.1\r\nhost: a\r\n\rGET", Refusal::BareCr),
        ("GET / HTTP/1.1\r\nhost: a\r\nx: y\r\n z\r\n\r\n", Refusal::FoldedLine),
        ("GET / HTTP/1.1\r\nhost: a\r\nx: y\r\n\tz\r\n\r\n", Refusal::FoldedLine),
        ("GET / HTTP/1.1\r\n host: a\r\n\r\n", Refusal::FoldedLine),
        ("\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", Refusal::Malformed),
    ] {
        assert_eq!(read(text), Seen::Refused(refusal), "{text:?}");
    }
    let mut reader = HeadReader::default();
    assert_eq!(reader.read(&mut b"GET / HTTP/1.1\r".to_owned()), Seen::Part);
    assert_eq!(reader.read(&mut b"x".to_owned()), Seen::Refused(Refusal::BareCr));
}

/// RFC 9112, section 3.2, and RFC 9110, section 7.2.
#[test]
fn there_is_one_host_and_it_is_one() {
    for host in ["a", "a.b:80", "127.0.0.1:1", "[::1]:80", "[::1]", "a_b", "a%20b"] {
        let seen = read(&format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n"));
        assert_eq!(follows(seen), Some(Follows::Nothing), "{host}");
    }
    for host in [
        "a b", "a/b", "u@a", "a:b", "a:80:80", "[::1", "[x]", "a,b?", "a:999999", ":80", "", "a%2",
        "%zz",
    ] {
        let seen = read(&format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n"));
        assert_eq!(seen, Seen::Refused(Refusal::HostInvalid), "{host}");
    }
    let seen = read("GET http://a/ HTTP/1.1\r\nhost:\r\n\r\n");
    assert_eq!(follows(seen), Some(Follows::Nothing), "it does not count");
    assert_eq!(with("host: a\r\n"), Seen::Refused(Refusal::HostInvalid));
    assert_eq!(read("GET / HTTP/1.1\r\n\r\n"), Seen::Refused(Refusal::HostInvalid));
    assert_eq!(follows(read("GET / HTTP/1.0\r\n\r\n")), Some(Follows::Nothing));
}

/// RFC 9112, sections 3 and 3.2: the forms of a request line.
#[test]
fn a_request_line_has_three_parts_and_a_target_of_its_form() {
    for text in [
        "GET / HTTP/1.1",
        "GET /a%20b?c=/d HTTP/1.0",
        "OPTIONS * HTTP/1.1",
        "GET http://a.b:80/c HTTP/1.1",
        "GET HTTP://a HTTP/1.1",
        "M-SEARCH /x HTTP/1.1",
    ] {
        assert!(follows(line(text)).is_some(), "{text}");
    }
    for (text, refusal) in [
        ("GET /", Refusal::Malformed),
        ("GET  / HTTP/1.1", Refusal::Malformed),
        ("GET / HTTP/1.1 ", Refusal::Malformed),
        ("GET\t/ HTTP/1.1", Refusal::Malformed),
        ("G@T / HTTP/1.1", Refusal::Malformed),
        (" / HTTP/1.1", Refusal::Malformed),
        ("GET / http/1.1", Refusal::Malformed),
        ("GET / HTTP/11", Refusal::Malformed),
        ("GET / HTTP/0.9", Refusal::VersionUnknown),
        ("GET / HTTP/2.0", Refusal::VersionUnknown),
        ("GET / HTTP/1.10", Refusal::Malformed),
        ("GET / HTTP/1.21", Refusal::Malformed),
        ("PRI * HTTP/2.0", Refusal::VersionUnknown),
        ("GET * HTTP/1.1", Refusal::TargetInvalid),
        ("GET a HTTP/1.1", Refusal::TargetInvalid),
        ("GET a.b:80 HTTP/1.1", Refusal::TargetInvalid),
        ("GET /a#b HTTP/1.1", Refusal::TargetInvalid),
        ("GET /a\x01 HTTP/1.1", Refusal::TargetInvalid),
        ("GET /a\0 HTTP/1.1", Refusal::TargetInvalid),
        ("GET /a\\b?c HTTP/1.1", Refusal::TargetInvalid),
        ("GET /\u{e9} HTTP/1.1", Refusal::TargetInvalid),
        ("GET ftp://a/ HTTP/1.1", Refusal::TargetInvalid),
        ("GET http:///a HTTP/1.1", Refusal::TargetInvalid),
        ("GET http://u@a/ HTTP/1.1", Refusal::TargetInvalid),
        ("CONNECT a.b:80 HTTP/1.1", Refusal::Tunnel),
    ] {
        assert_eq!(line(text), Seen::Refused(refusal), "{text:?}");
    }
}

/// RFC 9110, section 15.5.15, and RFC 6585, section 5.
#[test]
fn heads_have_an_end() {
    let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(LINE_BYTES_MAX));
    assert_eq!(read(&long), Seen::Refused(Refusal::LineTooLong));
    let endless = "a".repeat(LINE_BYTES_MAX + 1);
    assert_eq!(read(&endless), Seen::Refused(Refusal::Malformed), "a method is no target");
    let large = format!("x: {}\r\n", "a".repeat(HEAD_BYTES_MAX));
    assert_eq!(with(&large), Seen::Refused(Refusal::HeadTooLarge));
    assert_eq!(with(&"x: y\r\n".repeat(FIELDS_MAX)), Seen::Refused(Refusal::HeadTooLarge));
    assert!(follows(with(&"x: y\r\n".repeat(FIELDS_MAX - 1))).is_some());
}
