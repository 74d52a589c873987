//! Where instances are: at one address, or at every address that a name has.
use std::fmt;
use std::str::FromStr;

use crate::config::reader::{Parsed, word};
use crate::types::HttpUrl;

/// What is put before the address of a name that stands for all of its addresses.
const EACH: &str = "dns+";

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    url: HttpUrl,
    is_each: bool,
}

impl Place {
    /// Scheme, host, port and what is put before every path.
    pub fn url(&self) -> &HttpUrl {
        &self.url
    }

    /// The name each of whose addresses is an instance; `None`: there is one instance.
    pub fn name(&self) -> Option<&str> {
        self.url.as_url().domain().filter(|_| self.is_each)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Parsed<Place> {
        let address = text.strip_prefix(EACH);
        let place = Place { url: word(address.unwrap_or(text))?, is_each: address.is_some() };
        let url = place.url.as_url();
        let is_plain = url.scheme() == "http" && url.query().is_none();
        let is_named = !place.is_each || url.domain().is_some();
        if is_plain && is_named { Ok(place) } else { Err("http, and no query".to_owned()) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.is_each { EACH } else { "" }, self.url)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_one_instance_or_for_one_at_each_of_its_addresses() {
        for (text, name) in [
            ("http://payments:3002", None),
            ("http://10.0.0.7:3002", None),
            ("dns+http://payments:3002", Some("payments")),
            ("dns+http://Legacy.internal:8000/base", Some("legacy.internal")),
            ("dns+http://payments", Some("payments")),
        ] {
            let place: Place = text.parse().unwrap();
            assert_eq!(place.name(), name, "{text}");
            assert_eq!(place.to_string().parse(), Ok(place), "{text}");
        }
        for bad in [
            "dns+http://10.0.0.7:3002",
            "dns+http://[::1]:3002",
            "dns+https://payments:3002",
            "dns+http://u:p@payments:3002",
            "dns+http://payments:3002?a",
            "dns+payments:3002",
            "dns+dns+http://payments:3002",
            "dns://payments:3002",
        ] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
    }
}
