//! Texts about people that have a rule.

use std::borrow::Cow;

use crate::stored_as_text;
use crate::types::{Name, Refused, Text, text_form};

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

/// What somebody calls themselves, as they tell it. Mails and pages show it amid text of ours, so
/// nothing in it turns what stands after it. What was stored before this rule is read as a `Name`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct OwnName(Name);

/// Embeddings, overrides and isolates of direction (Unicode Standard Annex 9).
const TURNING: [std::ops::RangeInclusive<char>; 2] =
    ['\u{202a}'..='\u{202e}', '\u{2066}'..='\u{2069}'];

impl Text for OwnName {
    fn example() -> Option<&'static str> {
        Name::example()
    }

    fn text(&self) -> Cow<'_, str> {
        self.0.as_str().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let name = Name::parse(text)?;
        if name.as_str().chars().any(|c| TURNING.iter().any(|range| range.contains(&c))) {
            return Err(Refused::new(
                "name_invalid",
                "no signs that turn the direction of writing",
            ));
        }
        Ok(OwnName(name))
    }
}

text_form!(Phone, OwnName);
stored_as_text!(Phone, OwnName);

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
    fn a_name_of_any_script_turns_no_text_around_it() {
        for good in ["Ada Lovelace", "עדה לאבלייס", "آدا لوفلايس"] {
            assert_eq!(good.parse::<OwnName>().map(|name| name.to_string()), Ok(good.to_owned()));
        }
        for turning in ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}') {
            let refused = format!("Ada{turning}ada").parse::<OwnName>().map_err(|it| it.code());
            assert_eq!(refused, Err("name_invalid"), "{turning:?}");
        }
        assert!("".parse::<OwnName>().is_err());
    }
}
