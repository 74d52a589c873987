//! Texts about people that have a rule.

use std::borrow::Cow;

use crate::stored_as_text;
use crate::types::{Refused, Text, text_form};

/// A telephone number in its international form: `+` and 7 to 15 digits (E.164).
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct Phone(String);

const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Numbers stay out of logs: they identify people.
impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Phone(***)")
    }
}

impl Text for Phone {
    fn example() -> Option<&'static str> {
        Some("+12025550123")
    }

    fn text(&self) -> Cow<'_, str> {
        self.0.as_str().into()
    }

    /// Blanks, hyphens, dots and brackets between digits are for the eye.
    fn parse(text: &str) -> Result<Self, Refused> {
        let refused = || Refused::new("phone_invalid", "a number like +12025550123");
        let rest = text.trim().strip_prefix('+').ok_or_else(refused)?;
        let digits: String = rest.chars().filter(|c| !" -.()".contains(*c)).collect();
        let fits = PHONE_DIGITS.contains(&digits.len()) && !digits.starts_with('0');
        if !fits || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refused());
        }
        Ok(Phone(format!("+{digits}")))
    }
}

text_form!(Phone);
stored_as_text!(Phone);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_kept_without_its_decoration() {
        let phone = "+1 (202) 555-0123".parse::<Phone>().map(|phone| phone.to_string());
        assert_eq!(phone.as_deref(), Ok("+12025550123"));
        for bad in ["2025550123", "+0123456789", "+123456", "+1234567890123456", "+12x345678", ""] {
            assert!(bad.parse::<Phone>().is_err(), "{bad}");
        }
    }
}
