//! Refuses paths that a service could read as another place than this gateway does. Pure.
//!
//! The table looks at a path as it is written. So a path that means something else after decoding
//! (dot segments, encoded slashes, empty segments) is no path here at all.

use busbar_http::Problem;
use percent_encoding::percent_decode_str;

use super::problem::PATH_INVALID;

/// # Errors
/// 400 `path_invalid`.
pub(super) fn check(path: &str) -> Result<(), Problem> {
    let is_good = || !path.contains("//") && segments(path).all(is_straight);
    if is_plain(path) || is_good() { Ok(()) } else { Err(PATH_INVALID.problem()) }
}

/// For upstreams of others, whose paths mean what they want: refused is only what would lead out of the
/// prefix, and control characters, which end a path or a line for somebody behind.
///
/// # Errors
/// 400 `path_invalid`.
pub(super) fn check_straight(path: &str) -> Result<(), Problem> {
    let climbs = |part: &str| matches!(part, "." | "..");
    match may_be_read_as(path) {
        Some([whole, _])
            if whole.split('/').any(climbs) || whole.contains(|c: char| c.is_ascii_control()) =>
        {
            Err(PATH_INVALID.problem())
        }
        _ => Ok(()),
    }
}

/// What somebody behind may take a path for that decodes it once more than they should, takes one slash
/// for another, or leaves out the parameters of segments; and what is left of it for who looks for its
/// query only then. `None`: there is nothing to misread in it.
pub(super) fn may_be_read_as(path: &str) -> Option<[String; 2]> {
    if is_plain(path) && !path.contains(';') {
        return None;
    }
    let once = percent_decode_str(path).decode_utf8_lossy();
    let twice = percent_decode_str(&once).decode_utf8_lossy().replace('\\', "/");
    let read = |path: &str| {
        let parts = path.split('/').map(name_of).filter(|part| !part.is_empty());
        format!("/{}", parts.collect::<Vec<_>>().join("/"))
    };
    let before_query = twice.split(['?', '#', '\0']).next().unwrap_or_default();
    Some([read(&twice), read(before_query)])
}

/// Parameters of a segment do not hide what it is: `..;a=b`.
fn name_of(segment: &str) -> &str {
    segment.split(';').next().unwrap_or_default()
}

/// Most paths have nothing in them that needs a second look.
fn is_plain(path: &str) -> bool {
    let mut before = b' ';
    path.bytes().all(|byte| {
        let is_odd = matches!((before, byte), (_, b'%' | b'\\') | (b'/', b'/' | b'.'));
        before = byte;
        !is_odd
    })
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').skip(1)
}

fn is_straight(segment: &str) -> bool {
    if !is_well_encoded(segment) {
        return false;
    }
    let Ok(once) = percent_decode_str(segment).decode_utf8() else { return false };
    // Somebody behind may decode once more than they should.
    let twice = percent_decode_str(&once).decode_utf8_lossy();
    names_itself(&once) && names_itself(&twice)
}

fn names_itself(decoded: &str) -> bool {
    !matches!(name_of(decoded), "." | "..")
        && !decoded.contains(['/', '\\'])
        && !decoded.chars().any(char::is_control)
}

/// Each `%` begins an escape.
fn is_well_encoded(segment: &str) -> bool {
    segment.split('%').skip(1).all(|rest| {
        let bytes = rest.as_bytes();
        bytes.len() >= 2 && bytes[..2].iter().all(u8::is_ascii_hexdigit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_pass() {
        for path in [
            "/",
            "/api/users",
            "/api/users/",
            "/api/a.b/..c/.d",
            "/api/a%20b",
            "/api/caf%C3%A9",
            "/.well-known/jwks.json",
            "/api/users/...",
            "/api/100%25",
            "/api/a%25b",
        ] {
            assert!(check(path).is_ok(), "{path}");
        }
    }

    #[test]
    fn others_paths_may_be_odd_but_neither_climb_nor_end_early() {
        for path in
            ["/a//b", "/a/%ff", "/a/%E4%BD%A0", "/a;b=c", "/a/%", "/a/b%2Fc", "/a/...", "/%20"]
        {
            assert!(check_straight(path).is_ok(), "{path}");
        }
        for path in ["/a/../b", "/a/%2e%2E", "/a/%252e./b", "/a/..;x", "/a%00.html", "/a%0d%0ab: c"]
        {
            assert!(check_straight(path).is_err(), "{path}");
        }
    }

    #[test]
    fn whatever_could_mean_another_place_is_refused() {
        for path in [
            "/api/payments/../internal/events",
            "/api/payments/./x",
            "/api/payments/..",
            "/api/payments/%2e%2e/internal/events",
            "/api/payments/%2E./internal/events",
            "/api/payments/.%2e/internal/events",
            "/api/payments/%252e%252e/internal/events",
            "/api/payments/..%2finternal%2fevents",
            "/api/payments%2f..%2finternal",
            "/api/payments/..%5cinternal",
            "/api/payments/..\\internal",
            "/api/payments/..;/internal",
            "/api//internal/events",
            "//internal/events",
            "/api/payments//x",
            "/api/payments/%00",
            "/api/payments/%0d%0ax",
            "/api/payments/%zz",
            "/api/payments/%",
            "/api/payments/%ff",
        ] {
            assert!(check(path).is_err(), "{path}");
        }
    }
}
