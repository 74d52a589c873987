//! What a content is, by its first bytes; what the sender says is believed only if it fits. Pure.

/// So many bytes are looked at.
pub(crate) const HEAD_BYTES: usize = 8 * 1024;

const UNKNOWN: &str = "application/octet-stream";
const MEDIA_TYPE_LENGTH_MAX: usize = 127;

/// The content is something else than it is said to be.
#[derive(Debug, PartialEq)]
pub(crate) struct Mismatch {
    pub(crate) declared: String,
    /// Where it is known.
    pub(crate) found: Option<&'static str>,
}

/// The media type of a content. Without parameters, in lower case.
pub(crate) fn media_type(declared: Option<&str>, head: &[u8]) -> Result<String, Mismatch> {
    let found = infer::get(head).map(|kind| kind.mime_type());
    let declared = declared.map(essence).filter(|declared| *declared != UNKNOWN);
    let Some(declared) = declared else {
        return Ok(found.unwrap_or(if is_text(head) { "text/plain" } else { UNKNOWN }).to_owned());
    };
    let fits = is_media_type(&declared)
        && match found {
            Some(found) => is_one(&declared, found),
            // A type that is known by its first bytes must have them.
            None if infer::is_mime_supported(&declared) => is_text(head) && is_markup(&declared),
            None if declared.starts_with("text/") => is_text(head),
            None => true,
        };
    if fits { Ok(declared) } else { Err(Mismatch { declared, found }) }
}

fn essence(field: &str) -> String {
    field.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_media_type(text: &str) -> bool {
    let is_token = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte);
        !part.is_empty() && part.bytes().all(plain)
    };
    let parts = text.split_once('/');
    text.len() <= MEDIA_TYPE_LENGTH_MAX && parts.is_some_and(|(a, b)| is_token(a) && is_token(b))
}

/// Whether the declared type is the found one, by another name or as a special case of it.
fn is_one(declared: &str, found: &str) -> bool {
    let is_zipped = declared.starts_with("application/vnd.") || declared == "application/epub+zip";
    let is_image = declared == "image/jpg" && found == "image/jpeg";
    declared == found
        || is_image
        || match found {
            "application/zip" => is_zipped || declared == "application/x-zip-compressed",
            "application/gzip" => declared == "application/x-gzip",
            "text/xml" => declared == "application/xml" || declared.ends_with("+xml"),
            "text/html" | "text/x-shellscript" => declared == "text/plain",
            _ => false,
        }
}

/// Pages and scripts may begin with anything that can be read.
fn is_markup(declared: &str) -> bool {
    declared.starts_with("text/")
}

/// No byte that texts do not have, and UTF-8 up to where it was cut off.
fn is_text(head: &[u8]) -> bool {
    let is_cut = |error: std::str::Utf8Error| error.error_len().is_none();
    let is_utf8 = std::str::from_utf8(head).map_or_else(is_cut, |_| true);
    is_utf8 && !head.contains(&0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const PDF: &[u8] = b"%PDF-1.7\n";
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0";

    #[test]
    fn the_first_bytes_say_what_it_is() {
        for (declared, head, expected) in [
            (None, PDF, "application/pdf"),
            (Some("application/octet-stream"), PNG, "image/png"),
            (None, b"just words".as_slice(), "text/plain"),
            (None, b"\x00\x01\x02", "application/octet-stream"),
            (Some("Application/PDF"), PDF, "application/pdf"),
            (Some("text/csv; charset=utf-8"), b"a,b\n1,2\n", "text/csv"),
            (Some("application/json"), b"{}", "application/json"),
            (Some("application/xml"), b"<?xml version=\"1.0\"?>", "application/xml"),
            (Some("image/svg+xml"), b"<?xml version=\"1.0\"?>", "image/svg+xml"),
            (
                Some("application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
                ZIP,
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ),
        ] {
            assert_eq!(media_type(declared, head).unwrap(), expected, "{declared:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (declared, head) in [
            ("application/pdf", PNG),
            ("application/pdf", b"no pdf".as_slice()),
            ("image/png", b"\x00\x01"),
            ("text/plain", PNG),
            ("text/csv", b"a\0b"),
            ("nonsense", b"abc"),
            ("text/pl ain", b"abc"),
        ] {
            let refused = media_type(Some(declared), head).unwrap_err();
            assert_eq!(refused.declared, declared);
        }
    }
}
