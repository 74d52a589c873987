//! From facts to words: templates by language, strict about what they need, HTML escaped. Pure.
//!
//! A template is five texts: `subject`, `txt` and `html` of the mail, `inbox` of the notice. What
//! is not in the asked language is taken from a wider one, and at last from English. A variable
//! that is missing is an error with its name, never a blank.

mod files;
mod wording;

use std::collections::BTreeSet;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior};
use serde_json::{Map, Value, json};

use crate::types::{Currency, Date, Locale, Money, Timestamp, Zone};

use self::files::{LANGUAGES, SHARED};
use self::wording::Manner;
use super::model::Template;

/// The language that has everything.
const LAST_RESORT: &str = "en";
/// Filled in for every template.
const OF_THE_HOUSE: [&str; 3] = ["locale", "timezone", "public_url"];

/// What a template fills in, by name.
pub(super) type Variables = Map<String, Value>;

/// Why a template did not become words.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fault {
    /// These are missing.
    Missing(Vec<String>),
    /// Something is there and not what it should be; the text names no value.
    Invalid(String),
}

/// For whom something is written.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    pub(super) locale: Locale,
    pub(super) timezone: Zone,
}

/// A mail in words.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Letter {
    pub(super) locale: Locale,
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// A notice in words.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Notice {
    pub(super) locale: Locale,
    pub(super) subject: String,
    pub(super) text: String,
}

/// All templates, compiled.
pub(super) struct Writer {
    environment: Environment<'static>,
    public_url: String,
}

impl Writer {
    pub(super) fn new(public_url: &str) -> Result<Writer, Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| match name.ends_with(".html") {
            true => AutoEscape::Html,
            false => AutoEscape::None,
        });
        // Lines that hold nothing but a tag leave nothing behind.
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
        environment.set_syntax(syntax);
        environment.add_filter("money", money);
        environment.add_filter("date", date);
        environment.add_filter("instant", instant);
        for (name, text) in SHARED.iter().chain(LANGUAGES.iter().flat_map(|(_, files)| *files)) {
            environment.add_template(name, text)?;
        }
        let public_url = public_url.trim_end_matches('/').to_owned();
        Ok(Writer { environment, public_url })
    }

    pub(super) fn letter(
        &self,
        template: Template,
        reader: &Reader,
        variables: &Variables,
    ) -> Result<Letter, Fault> {
        let page = Page::new(self, template, reader, variables);
        page.check(&["subject", "txt", "html"])?;
        Ok(Letter {
            locale: page.locale(),
            subject: page.line()?,
            text: page.render("txt")?,
            html: page.render("html")?,
        })
    }

    pub(super) fn notice(
        &self,
        template: Template,
        reader: &Reader,
        variables: &Variables,
    ) -> Result<Notice, Fault> {
        let page = Page::new(self, template, reader, variables);
        page.check(&["subject", "inbox"])?;
        Ok(Notice { locale: page.locale(), subject: page.line()?, text: page.render("inbox")? })
    }
}

/// One template in one language, with what it fills in.
struct Page<'a> {
    writer: &'a Writer,
    template: Template,
    /// The language of the files.
    language: &'static str,
    /// The tag by whose habits amounts and days are written.
    tag: String,
    values: Variables,
}

impl<'a> Page<'a> {
    fn new(
        writer: &'a Writer,
        template: Template,
        reader: &Reader,
        variables: &Variables,
    ) -> Page<'a> {
        let (language, tag) = language(&reader.locale);
        let mut values = variables.clone();
        values.insert("locale".to_owned(), json!(tag));
        values.insert("timezone".to_owned(), json!(reader.timezone));
        values.insert("public_url".to_owned(), json!(writer.public_url));
        Page { writer, template, language, tag, values }
    }

    fn locale(&self) -> Locale {
        self.tag.parse().unwrap_or_default()
    }

    fn name(&self, part: &str) -> String {
        format!("{}/{}.{part}", self.language, self.template)
    }

    /// Everything that these parts may look at has to be there, used in this case or not.
    fn check(&self, parts: &[&str]) -> Result<(), Fault> {
        let mut missing = BTreeSet::new();
        for part in parts {
            for name in needs(&self.writer.environment, &self.name(part))? {
                if !self.values.contains_key(&name) {
                    missing.insert(name);
                }
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(Fault::Missing(missing.into_iter().collect())) }
    }

    fn render(&self, part: &str) -> Result<String, Fault> {
        let template = self.writer.environment.get_template(&self.name(part)).map_err(fault)?;
        template.render(Serde(&self.values)).map_err(fault)
    }

    /// The subject: one line, whatever a name in it holds.
    fn line(&self) -> Result<String, Fault> {
        let subject = self.render("subject")?;
        let blanked: String =
            subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Ok(blanked.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// The language of the files for a locale, and the tag by whose habits is written: the asked one,
/// if it is of that language.
fn language(locale: &Locale) -> (&'static str, String) {
    for tag in locale.fallbacks() {
        let known = LANGUAGES.iter().find(|(language, _)| language.eq_ignore_ascii_case(tag));
        if let Some((language, _)) = known {
            return (language, locale.to_string());
        }
    }
    (LAST_RESORT, LAST_RESORT.to_owned())
}

/// What a template looks at, with the layouts that it stands in.
fn needs(environment: &Environment<'_>, name: &str) -> Result<BTreeSet<String>, Fault> {
    let mut names: BTreeSet<String> = environment
        .get_template(name)
        .map_err(fault)?
        .undeclared_variables(false)
        .into_iter()
        .collect();
    if let (Some((language, _)), true) = (name.split_once('/'), name.ends_with(".html")) {
        for layout in [format!("{language}/page.html"), "layout.html".to_owned()] {
            let layout = environment.get_template(&layout).map_err(fault)?;
            names.extend(layout.undeclared_variables(false));
        }
    }
    for global in ["super", "self", "loop", "caller"].into_iter().chain(OF_THE_HOUSE) {
        names.remove(global);
    }
    Ok(names)
}

/// The error without the values that led to it.
fn fault(error: Error) -> Fault {
    match error.kind() {
        ErrorKind::UndefinedError => Fault::Missing(Vec::new()),
        kind => {
            let place = error.name().unwrap_or("a template").to_owned();
            let line = error.line().unwrap_or_default();
            Fault::Invalid(format!("{place}:{line}: {kind}"))
        }
    }
}

fn refused(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, what)
}

/// A text that the house fills in.
fn of_house(state: &State<'_, '_>, name: &str) -> String {
    let value = state.lookup(name);
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn manner(state: &State<'_, '_>) -> Manner {
    Manner::of(&of_house(state, "locale"))
}

/// `{{ total_minor | money(currency) }}`
fn money(state: &State<'_, '_>, minor: i64, currency: &str) -> Result<String, Error> {
    let currency: Currency = currency.parse().map_err(|_| refused("no currency"))?;
    let money = Money::new(minor, currency).map_err(|_| refused("no amount"))?;
    Ok(manner(state).money(money))
}

/// `{{ due_on | date }}`
fn date(state: &State<'_, '_>, date: &str) -> Result<String, Error> {
    let date: Date = date.parse().map_err(|_| refused("no date"))?;
    Ok(manner(state).date(date))
}

/// `{{ expires_at | instant }}`
fn instant(state: &State<'_, '_>, at: &str) -> Result<String, Error> {
    let at: Timestamp = at.parse().map_err(|_| refused("no instant"))?;
    let zone: Zone = of_house(state, "timezone").parse().unwrap_or_default();
    Ok(manner(state).instant(at, &zone))
}

#[cfg(test)]
mod tests;
