//! Reads settings into the types of the sections and remembers every fault on the way.
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use crate::types::{Refused, Text};

use super::fault::Faults;
use super::secret::Secret;
use super::settings::Settings;

/// What a kind of setting makes of a text, or what would have been allowed.
pub(super) type Parsed<T> = Result<T, String>;

pub(super) struct Reader<'a> {
    settings: &'a Settings,
    defaults: &'a Settings,
    faults: Faults,
    keys: Vec<String>,
    /// The section that holds where the one that is read says nothing.
    usual: Option<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(settings: &'a Settings, defaults: &'a Settings) -> Self {
        Reader { settings, defaults, faults: Faults::default(), keys: Vec::new(), usual: None }
    }

    /// The setting, or its default after a fault: then nothing is started anyway.
    pub(super) fn read<T>(
        &mut self,
        section: &str,
        field: &str,
        kind: impl Fn(&str) -> Parsed<T>,
    ) -> T {
        let own = format!("{section}.{field}");
        let usual = self.usual.as_ref().filter(|_| self.settings.get(&own).is_none());
        // A fault in what is usual was told where that was read.
        let is_usual = usual.is_some();
        let key = usual.map_or(own, |usual| format!("{usual}.{field}"));
        let given = kind(self.settings.get(&key).map_or("", |setting| setting.text.trim()));
        let value = given.unwrap_or_else(|allowed| {
            if !is_usual {
                self.faults.push(self.settings.fault(&key, allowed));
            }
            let usual = self.usual.as_ref().map(|usual| format!("{usual}.{field}"));
            let key = usual.unwrap_or_else(|| key.clone());
            default(kind(self.defaults.get(&key).map_or("", |setting| setting.text.trim())))
        });
        if self.usual.is_none() {
            self.keys.push(key);
        }
        value
    }

    /// Reads what may stand in a section of its own instead of the usual one.
    pub(super) fn instead_of<T>(&mut self, usual: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        self.usual = Some(usual.to_owned());
        let read = read(self);
        self.usual = None;
        read
    }

    /// A setting of a table in a list, which has no place in the default file: `otherwise` is what
    /// holds when it is not given, `None` that it must be.
    pub(super) fn read_of_list<T>(
        &mut self,
        table: &str,
        field: &str,
        otherwise: Option<&str>,
        kind: impl Fn(&str) -> Parsed<T>,
    ) -> Option<T> {
        let key = format!("{table}.{field}");
        let given = self.settings.get(&key).map(|setting| setting.text.trim());
        let value = match given.or(otherwise) {
            Some(text) => kind(text),
            None => Err("a value: there is none by default".to_owned()),
        };
        value
            .map_err(|allowed| {
                let mut fault = self.settings.fault(&key, allowed);
                if let (None, Some(near)) = (given, self.settings.first_of(table)) {
                    fault = fault.at(&near.origin);
                }
                self.faults.push(fault);
            })
            .ok()
    }

    /// How many tables a list has.
    pub(super) fn tables(&self, list: &str) -> usize {
        (0..)
            .take_while(|index| self.settings.first_of(&format!("{list}[{index}]")).is_some())
            .count()
    }

    /// The faults, and the keys that were read.
    pub(super) fn finish(self) -> (Faults, Vec<String>) {
        (self.faults, self.keys)
    }
}

#[expect(clippy::expect_used, reason = "a test reads every default")]
fn default<T>(parsed: Parsed<T>) -> T {
    parsed.expect("every setting has a valid default")
}

/// A whole number within a range.
pub(super) fn number<T>(range: RangeInclusive<T>) -> impl Fn(&str) -> Parsed<T>
where
    T: Copy + Display + PartialOrd + std::str::FromStr,
{
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("a whole number from {} to {}", range.start(), range.end()))
    }
}

/// A part of the whole.
pub(super) fn fraction(text: &str) -> Parsed<f64> {
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "a number from 0 to 1, such as 0.2".to_owned())
}

/// Yes or no.
pub(super) fn flag(text: &str) -> Parsed<bool> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("true or false (or 1 or 0)".to_owned()),
    }
}

/// What has a written form.
pub(super) fn word<T: Text>(text: &str) -> Parsed<T> {
    T::parse(text).map_err(|refused: Refused| refused.detail().to_owned())
}

/// Nothing when empty.
pub(super) fn optional<T>(kind: impl Fn(&str) -> Parsed<T>) -> impl Fn(&str) -> Parsed<Option<T>> {
    move |text| if text.is_empty() { Ok(None) } else { kind(text).map(Some) }
}

/// Several, separated by commas.
pub(super) fn list<T>(kind: impl Fn(&str) -> Parsed<T>) -> impl Fn(&str) -> Parsed<Vec<T>> {
    move |text| {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        let parsed: Parsed<Vec<T>> = items.map(&kind).collect();
        parsed.map_err(|allowed| format!("separated by commas, each {allowed}"))
    }
}

/// At least one of them.
pub(super) fn some<T>(kind: impl Fn(&str) -> Parsed<Vec<T>>) -> impl Fn(&str) -> Parsed<Vec<T>> {
    move |text| match kind(text)? {
        none if none.is_empty() => Err("at least one".to_owned()),
        several => Ok(several),
    }
}

pub(super) fn text(text: &str) -> Parsed<String> {
    Ok(text.to_owned())
}

pub(super) fn secret(text: &str) -> Parsed<Secret> {
    Ok(Secret::new(text))
}

pub(super) fn path(text: &str) -> Parsed<PathBuf> {
    if text.is_empty() { Err("a path".to_owned()) } else { Ok(PathBuf::from(text)) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::types::ServiceName;

    #[test]
    fn numbers_stay_within_their_range() {
        let kind = number(1..=600_000_u64);
        assert_eq!(kind("600000"), Ok(600_000));
        for bad in ["0", "600001", "ten", "", "-1", "1.5", "99999999999999999999999"] {
            assert_eq!(kind(bad).unwrap_err(), "a whole number from 1 to 600000", "{bad}");
        }
    }

    #[test]
    fn fractions_are_parts_of_the_whole() {
        assert_eq!((fraction("0"), fraction("0.2"), fraction("1")), (Ok(0.0), Ok(0.2), Ok(1.0)));
        assert!(["", "1.1", "-0.1", "NaN", "inf", "20%"].iter().all(|bad| fraction(bad).is_err()));
    }

    #[test]
    fn flags_are_words_or_digits() {
        assert_eq!((flag("true"), flag("0")), (Ok(true), Ok(false)));
        assert!(flag("maybe").is_err() && flag("").is_err() && flag("TRUE").is_err());
    }

    #[test]
    fn lists_name_what_each_item_may_be() {
        let kind = list(word::<ServiceName>);
        assert_eq!(kind(" users , billing,"), Ok(vec![ServiceName::Users, ServiceName::Billing]));
        assert!(kind("users,paymnets").unwrap_err().contains("did you mean `payments`?"));
        assert!(some(list(word::<ServiceName>))("").is_err());
        assert_eq!(optional(number(1..=2_u8))(""), Ok(None));
    }
}
