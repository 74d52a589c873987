//! Languages, as people ask for them.
use std::borrow::Cow;

use super::{Refused, Text, text_form};

/// A language and where it is spoken, `en-GB` (the shape of BCP 47).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Locale(String);

const LENGTH_MAX: usize = 35;

impl Locale {
    /// This tag, then shorter ones: `zh-Hant-TW`, `zh-Hant`, `zh` (RFC 4647 section 3.4).
    pub fn fallbacks(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.0.as_str()), |tag| {
            tag.rsplit_once('-').map(|(rest, _)| rest)
        })
    }
}

impl Default for Locale {
    fn default() -> Self {
        Locale("en".to_owned())
    }
}

impl Text for Locale {
    fn example() -> Option<&'static str> {
        Some("en-GB")
    }

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
        if text.len() > LENGTH_MAX || !is_language || !parts.all(is_part) {
            return Err(Refused::new("locale_invalid", "a language tag like en or en-GB"));
        }
        Ok(Locale(text.to_owned()))
    }
}
text_form!(Locale);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn languages_have_a_shape() {
        for good in ["en", "en-GB", "zh-Hant-TW", "sr-Latn"] {
            assert!(good.parse::<Locale>().is_ok(), "{good}");
        }
        for bad in ["", "e", "en_GB", "en-", "12", "en-abcdefghi"] {
            assert!(bad.parse::<Locale>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_language_falls_back_to_the_wider_one() {
        let locale: Locale = "zh-Hant-TW".parse().unwrap();
        assert_eq!(locale.fallbacks().collect::<Vec<_>>(), ["zh-Hant-TW", "zh-Hant", "zh"]);
    }
}
