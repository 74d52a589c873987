//! Texts about people that have a rule.

use std::borrow::Cow;

use crate::stored_as_text;
use crate::types::{Refused, Text, text_form};

/// A telephone number in its international form: `+` and 7 to 15 digits (E.164).
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct Phone(String);

/// A language and where it is spoken, `en-GB` (the shape of BCP 47).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Locale(String);

/// The name of a time zone, `America/Chicago` (the shape of the IANA names).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct TimeZone(String);

const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
const LOCALE_LENGTH_MAX: usize = 35;
const TIME_ZONE_LENGTH_MAX: usize = 64;

/// Numbers stay out of logs: they identify people.
impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Phone(***)")
    }
}

impl Text for Phone {
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

impl Default for Locale {
    fn default() -> Self {
        Locale("en".to_owned())
    }
}

impl Text for Locale {
    fn text(&self) -> Cow<'_, str> {
        self.0.as_str().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let mut parts = text.split('-');
        let language = parts.next().unwrap_or_default();
        let is_language =
            (2..=8).contains(&language.len()) && language.bytes().all(|b| b.is_ascii_alphabetic());
        let is_part = |part: &str| {
            (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        if text.len() > LOCALE_LENGTH_MAX || !is_language || !parts.all(is_part) {
            return Err(Refused::new("locale_invalid", "a language tag like en or en-GB"));
        }
        Ok(Locale(text.to_owned()))
    }
}

impl Default for TimeZone {
    fn default() -> Self {
        TimeZone("UTC".to_owned())
    }
}

impl Text for TimeZone {
    fn text(&self) -> Cow<'_, str> {
        self.0.as_str().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_+-".contains(&b);
        let is_part = |part: &str| !part.is_empty() && part.bytes().all(plain);
        let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
        if text.len() > TIME_ZONE_LENGTH_MAX || !begins || !text.split('/').all(is_part) {
            let detail = "the name of a time zone, like America/Chicago";
            return Err(Refused::new("timezone_invalid", detail));
        }
        Ok(TimeZone(text.to_owned()))
    }
}

text_form!(Phone, Locale, TimeZone);
stored_as_text!(Phone, Locale, TimeZone);

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

    #[test]
    fn languages_and_zones_have_a_shape() {
        for good in ["en", "en-GB", "zh-Hant-TW", "sr-Latn"] {
            assert!(good.parse::<Locale>().is_ok(), "{good}");
        }
        for bad in ["", "e", "en_GB", "en-", "12", "en-abcdefghi"] {
            assert!(bad.parse::<Locale>().is_err(), "{bad}");
        }
        for good in ["UTC", "America/Chicago", "America/Argentina/Ushuaia", "Etc/GMT+5"] {
            assert!(good.parse::<TimeZone>().is_ok(), "{good}");
        }
        for bad in ["", "/UTC", "UTC/", "America//Chicago", "+05:00", "a b"] {
            assert!(bad.parse::<TimeZone>().is_err(), "{bad}");
        }
    }
}
