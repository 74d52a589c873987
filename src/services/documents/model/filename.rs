//! What a document is called where it is saved.
use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::types::{Refused, Text, text_form};

const BYTES_MAX: usize = 255;

/// A name without a folder: 1 to 255 bytes, no slashes, no control characters, no turns of direction.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Filename(String);

impl Filename {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// From a header field, where letters beyond ASCII are percent-encoded UTF-8.
    pub(crate) fn of_field(field: &str) -> Result<Filename, Refused> {
        let decoded = percent_decode_str(field).decode_utf8().map_err(|_| invalid())?;
        Filename::parse(&decoded)
    }
}

/// Turns the direction of the letters around: `fdp.exe` would look like `exe.pdf`.
fn is_deceptive(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn invalid() -> Refused {
    Refused::new("filename_invalid", "a file name of 1 to 255 bytes, without folders")
}

impl Text for Filename {
    fn text(&self) -> Cow<'_, str> {
        self.as_str().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let name = text.trim();
        let is_odd = |c: char| c.is_control() || "/\\".contains(c) || is_deceptive(c);
        let fits = (1..=BYTES_MAX).contains(&name.len()) && !matches!(name, "." | "..");
        if fits && !name.chars().any(is_odd) {
            return Ok(Filename(name.to_owned()));
        }
        Err(invalid())
    }
}
text_form!(Filename);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_has_no_folder_and_hides_nothing() {
        for good in ["a.pdf", "Rechnung März.pdf", " spaced.txt ", "..a", "100%.txt"] {
            assert_eq!(good.parse::<Filename>().unwrap().as_str(), good.trim());
        }
        let long = "x".repeat(256);
        for bad in ["", " ", ".", "..", "a/b", "a\\b", "a\nb", "a\0b", "a\u{202e}b", &long] {
            assert_eq!(bad.parse::<Filename>().unwrap_err().code(), "filename_invalid", "{bad}");
        }
    }

    #[test]
    fn a_field_brings_it_percent_encoded() {
        let of = |field: &str| Filename::of_field(field).map(|name| name.to_string());
        assert_eq!(of("M%C3%A4rz%20a.pdf").unwrap(), "März a.pdf");
        assert!(of("%2Fetc").is_err() && of("%ff").is_err());
    }
}
