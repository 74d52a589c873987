//! Texts with a rule: parsed once at the door, valid afterwards.
use std::borrow::Cow;
use std::fmt;

use url::Url;

use super::{Refused, Text, text_form};

/// An address for mail. The domain is in lower case and in its ASCII form.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Email(String);

const EMAIL_LENGTH_MAX: usize = 254;
const EMAIL_LOCAL_LENGTH_MAX: usize = 64;

impl Email {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What makes two addresses the same person's: nobody is served by `Ada@x` beside `ada@x`.
    pub fn lookup_key(&self) -> String {
        self.0.to_lowercase()
    }

    fn read(text: &str) -> Option<Self> {
        let (local, domain) = text.trim().rsplit_once('@')?;
        let known = |c: char| c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c);
        let dots_apart = !local.split('.').any(str::is_empty);
        if local.len() > EMAIL_LOCAL_LENGTH_MAX || !dots_apart || !local.chars().all(known) {
            return None;
        }
        let address = format!("{local}@{}", domain_name(domain)?);
        (address.len() <= EMAIL_LENGTH_MAX).then_some(Email(address))
    }
}

/// The ASCII form of a host name of two labels or more (or `localhost`); no address literals.
fn domain_name(text: &str) -> Option<String> {
    let plain = |c: char| c.is_alphanumeric() || c == '.' || c == '-';
    let url::Host::Domain(domain) = url::Host::parse(text).ok()? else { return None };
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    let named = domain.contains('.') || domain == "localhost";
    (text.chars().all(plain) && named && domain.split('.').all(label)).then_some(domain)
}

/// Addresses stay out of logs: they identify people.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(***)")
    }
}

impl Text for Email {
    const FORMAT: Option<&'static str> = Some("email");

    fn text(&self) -> Cow<'_, str> {
        self.as_str().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        Email::read(text).ok_or(Refused::new("email_invalid", "an address like ada@example.org"))
    }
}
text_form!(Email);

/// What a person or a thing is called: one line, not blank.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Name(String);

const NAME_CHARS_MAX: usize = 200;

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Text for Name {
    fn example() -> Option<&'static str> {
        Some("Ada Byron")
    }

    fn text(&self) -> Cow<'_, str> {
        self.as_str().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let name = text.trim();
        let fits = !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX;
        if fits && !name.chars().any(char::is_control) {
            return Ok(Name(name.to_owned()));
        }
        Err(Refused::new("name_invalid", "1 to 200 characters in one line"))
    }
}
text_form!(Name);

/// An absolute `http` or `https` address without credentials and fragment.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct HttpUrl(Url);

const URL_LENGTH_MAX: usize = 2_048;

impl HttpUrl {
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    fn read(text: &str) -> Option<Self> {
        // The parser would quietly drop blanks and turn backslashes around.
        let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
        if text.len() > URL_LENGTH_MAX || text.chars().any(odd) {
            return None;
        }
        let url = Url::parse(text).ok()?;
        let web = matches!(url.scheme(), "http" | "https") && url.has_host();
        let bare =
            url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        (web && bare).then_some(HttpUrl(url))
    }
}

impl Text for HttpUrl {
    const FORMAT: Option<&'static str> = Some("uri");

    fn text(&self) -> Cow<'_, str> {
        self.as_str().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let expected = "an absolute http or https URL without credentials and fragment";
        HttpUrl::read(text).ok_or(Refused::new("url_invalid", expected))
    }
}
text_form!(HttpUrl);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_local_part_and_lowers_its_domain() {
        for (text, shown) in [
            ("Ada@Example.ORG", "Ada@example.org"),
            (" a.b+c@x-y.example ", "a.b+c@x-y.example"),
            ("ada@bücher.example", "ada@xn--bcher-kva.example"),
            ("admin@localhost", "admin@localhost"),
        ] {
            assert_eq!(text.parse::<Email>().unwrap().to_string(), shown);
        }
        assert_eq!("Ada@X.org".parse::<Email>().unwrap().lookup_key(), "ada@x.org");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.org", "x".repeat(65));
        for bad in [
            "",
            "ada",
            "@x.org",
            "ada@",
            "a b@x.org",
            "a..b@x.org",
            ".a@x.org",
            "a@b@x.org",
            "ada@x",
            "ada@-x.org",
            "ada@x..org",
            "ada@[127.0.0.1]",
            "ada@127.0.0.1",
            "ada@x.org\r\nBcc: b@y.org",
            "ada@x%2e.org",
            &long,
        ] {
            assert_eq!(bad.parse::<Email>().map_err(|e| e.code()), Err("email_invalid"), "{bad}");
        }
    }

    #[test]
    fn an_address_does_not_show_in_debug_output() {
        assert_eq!(format!("{:?}", "ada@x.org".parse::<Email>().unwrap()), "Email(***)");
    }

    #[test]
    fn a_name_is_one_line() {
        assert_eq!(" Ada Lovelace ".parse::<Name>().unwrap().as_str(), "Ada Lovelace");
        for bad in ["", "  ", "a\nb", "a\0b", &"é".repeat(201)] {
            assert_eq!(bad.parse::<Name>().unwrap_err().code(), "name_invalid", "{bad}");
        }
        assert!("é".repeat(200).parse::<Name>().is_ok());
    }

    #[test]
    fn an_http_address_is_absolute_and_bare() {
        assert_eq!("https://x.org/a?b".parse::<HttpUrl>().unwrap().as_str(), "https://x.org/a?b");
        for bad in
            ["/a", "ftp://x", "http://", "http://u:p@x", "http://x/#f", "http:\\\\x", " http://x"]
        {
            assert_eq!(bad.parse::<HttpUrl>().unwrap_err().code(), "url_invalid", "{bad}");
        }
    }
}
