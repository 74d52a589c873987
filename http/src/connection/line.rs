//! A request line, and what a host may be. Pure.

use super::refusal::Refusal;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http10,
    Http11,
}

/// What of a request line is asked of later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) version: Version,
    /// The target itself names the host.
    pub(super) names_host: bool,
    /// The answer has no body.
    pub(super) is_head: bool,
    /// It is the whole server that is asked for, in absolute form (RFC 9112, section 3.2.4).
    pub(super) asks_server: bool,
}

/// RFC 9112, section 3: method, target, version, one space between them.
pub(super) fn request_line(line: &[u8]) -> Result<Line, Refusal> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Refusal::Malformed);
    };
    let version = version_of(version)?;
    if !is_token(method) {
        return Err(Refusal::Malformed);
    }
    is_target(method, target)?;
    let absolute = absolute(target);
    let is_bare = absolute.is_some_and(|(_, path)| path.is_empty());
    Ok(Line {
        version,
        names_host: absolute.is_some(),
        is_head: method == b"HEAD",
        asks_server: method == b"OPTIONS" && is_bare,
    })
}

/// Takes a later minor version for the last one that is known here (RFC 9110, section 2.5), in the end
/// of a request line, or of what has come of one; `before` has come earlier.
pub(super) fn take_for_known(before: &[u8], line: &mut [u8]) {
    const VERSION: &[u8] = b" HTTP/1.";
    let Some((minor, rest)) = line.split_last_mut() else { return };
    if !matches!(minor, b'2'..=b'9') {
        return;
    }
    let is_version = match VERSION.len().checked_sub(rest.len()) {
        None | Some(0) => rest.ends_with(VERSION),
        Some(missing) => before.ends_with(&VERSION[..missing]) && *rest == VERSION[missing..],
    };
    if is_version {
        *minor = b'1';
    }
}

/// RFC 9112, section 2.3.
fn version_of(version: &[u8]) -> Result<Version, Refusal> {
    match version {
        b"HTTP/1.1" => Ok(Version::Http11),
        b"HTTP/1.0" => Ok(Version::Http10),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Err(Refusal::VersionUnknown)
        }
        _ => Err(Refusal::Malformed),
    }
}

/// RFC 9112, section 3.2: the four forms, and each where it belongs.
fn is_target(method: &[u8], target: &[u8]) -> Result<(), Refusal> {
    if !target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#') {
        return Err(Refusal::TargetInvalid);
    }
    // RFC 3986, section 3.3: no part of a path; to some it is a slash.
    if target.split(|byte| *byte == b'?').next().is_some_and(|path| path.contains(&b'\\')) {
        return Err(Refusal::TargetInvalid);
    }
    match (method, target) {
        (b"CONNECT", _) => Err(Refusal::Tunnel),
        (b"OPTIONS", b"*") => Ok(()),
        (_, [b'/', ..]) => Ok(()),
        (_, target) if absolute(target).is_some_and(|(host, _)| is_host(host)) => Ok(()),
        _ => Err(Refusal::TargetInvalid),
    }
}

/// The authority of a target in absolute form, of which there must be one, and what follows it.
fn absolute(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let scheme_ends = target.iter().position(|byte| *byte == b':')?;
    let (scheme, rest) = target.split_at(scheme_ends);
    let is_web = scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https");
    let rest = rest.strip_prefix(b"://").filter(|_| is_web)?;
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    Some(rest.split_at(end)).filter(|(authority, _)| !authority.is_empty())
}

/// RFC 9110, section 7.2: a host with or without a port; nobody's name before it.
pub(super) fn is_host(value: &[u8]) -> bool {
    let (host, port) = match value {
        [b'[', ..] => match value.iter().position(|byte| *byte == b']') {
            Some(end) => value.split_at(end + 1),
            None => return false,
        },
        _ => value.split_at(value.iter().position(|byte| *byte == b':').unwrap_or(value.len())),
    };
    let is_named = match host {
        [b'[', inner @ .., b']'] => {
            inner.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
        }
        _ => !host.is_empty() && is_name(host),
    };
    let is_port = match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    is_named && is_port
}

/// RFC 3986, section 3.2.2: `reg-name`.
fn is_name(host: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(byte);
    let mut parts = host.split(|byte| *byte == b'%');
    let is_first_plain = parts.next().is_some_and(|first| first.iter().all(is_plain));
    is_first_plain
        && parts.all(|part| match part {
            [a, b, rest @ ..] => {
                a.is_ascii_hexdigit() && b.is_ascii_hexdigit() && rest.iter().all(is_plain)
            }
            _ => false,
        })
}

/// RFC 9110, section 5.6.2.
fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| is_in_token(*byte))
}

pub(super) fn is_in_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
