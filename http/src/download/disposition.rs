//! The name that a file is saved under (RFC 6266, RFC 8187). Pure.

use std::fmt::Write;

/// What RFC 8187 lets stand as it is.
const PLAIN: &[u8] = b"!#$&+-.^_`|~";

/// `attachment`, with a plain name for old clients and the true one where that says more.
pub(super) fn attachment(name: &str) -> String {
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let mut field = format!("attachment; filename=\"{plain}\"");
    if plain != name {
        field.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || PLAIN.contains(&byte) {
                field.push(char::from(byte));
            } else {
                // A String takes all that is written to it.
                let _ = write!(field, "%{byte:02X}");
            }
        }
    }
    field
}

/// Needs no escape in a quoted string, in any client. `%` is unescaped by some of them.
fn is_plain(character: char) -> bool {
    (character.is_ascii_graphic() || character == ' ') && !"\"\\%".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_stands_alone_and_another_is_written_twice() {
        for (name, expected) in [
            ("a b.pdf", "attachment; filename=\"a b.pdf\""),
            (
                "Rechnung März.pdf",
                "attachment; filename=\"Rechnung M_rz.pdf\"; \
                 filename*=UTF-8''Rechnung%20M%C3%A4rz.pdf",
            ),
            (
                "a\"\r\nX: y",
                "attachment; filename=\"a___X: y\"; filename*=UTF-8''a%22%0D%0AX%3A%20y",
            ),
        ] {
            assert_eq!(attachment(name), expected);
        }
    }
}
