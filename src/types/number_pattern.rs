//! How papers are numbered, as settings say it and billing does it.
use std::borrow::Cow;

use super::{Refused, Text, text_form};

/// A text around `{prefix}`, `{year}` and `{sequence}`.
///
/// Year and sequence stand in it once: sequences begin anew each year, so without the year they
/// would repeat.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NumberPattern(String);

const LENGTH_MAX: usize = 40;
const SEQUENCE_DIGITS: usize = 6;

impl NumberPattern {
    /// The number of the `sequence`th paper of a year.
    pub fn number(&self, prefix: &str, year: i32, sequence: i64) -> String {
        let (year, sequence) = (format!("{year:04}"), format!("{sequence:0SEQUENCE_DIGITS$}"));
        let number = self.0.replace("{year}", &year).replace("{sequence}", &sequence);
        number.replace("{prefix}", prefix)
    }
}

impl Text for NumberPattern {
    fn text(&self) -> Cow<'_, str> {
        self.0.as_str().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let rest = ["{prefix}", "{year}", "{sequence}"]
            .iter()
            .fold(text.to_owned(), |rest, part| rest.replacen(part, "", 1));
        let has_both = text.contains("{year}") && text.contains("{sequence}");
        let plain = |c: char| c.is_ascii_alphanumeric() || "-/.".contains(c);
        if has_both && text.len() <= LENGTH_MAX && rest.chars().all(plain) {
            return Ok(NumberPattern(text.to_owned()));
        }
        let expected = "letters, digits, `-`, `/`, `.` around {year} and {sequence}, each once, \
                        and {prefix}";
        Err(Refused::new("number_pattern_invalid", expected))
    }
}
text_form!(NumberPattern);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn papers_are_numbered_within_their_year() {
        let number = |pattern: &str, sequence| {
            pattern.parse::<NumberPattern>().unwrap().number("ACME", 2026, sequence)
        };
        assert_eq!(number("{prefix}-{year}-{sequence}", 1), "ACME-2026-000001");
        assert_eq!(number("B-{year}-{sequence}", 1_234_567), "B-2026-1234567");
        assert_eq!(number("{sequence}/{year}", 7), "000007/2026");
    }

    #[test]
    fn a_pattern_by_which_two_papers_could_have_one_number_is_refused() {
        for bad in [
            "",
            "{year}",
            "{prefix}-{sequence}",
            "{year}{sequence}{sequence}",
            "{prefix}{prefix}{year}{sequence}",
            "{year} {sequence}",
            "{year}-{sequence}-{provider}",
            "{year}-{sequence}}",
            &format!("{}{{year}}{{sequence}}", "x".repeat(40)),
        ] {
            assert_eq!(bad.parse::<NumberPattern>().unwrap_err().code(), "number_pattern_invalid");
        }
    }
}
