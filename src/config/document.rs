//! A settings file as flat `section.key` entries with their lines.
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One setting of a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    /// The value as an environment variable would say it: lists are separated by commas.
    /// `None`: a list or table where a plain value belongs.
    pub(super) text: Option<String>,
    pub(super) line: usize,
}

/// A place at which the file is no TOML.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SyntaxFault {
    pub(super) line: usize,
    pub(super) message: String,
}

/// All entries in the order of their lines, or all faults.
pub(super) fn entries(text: &str) -> Result<Vec<Entry>, Vec<SyntaxFault>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let fault = |error: &toml::de::Error| SyntaxFault {
            line: line_of(text, error.span().unwrap_or_default()),
            message: error.message().to_owned(),
        };
        let mut faults: Vec<SyntaxFault> = errors.iter().map(fault).collect();
        // What the parser stumbles over next in the same line mostly follows from the first.
        faults.dedup_by_key(|fault| fault.line);
        return Err(faults);
    }
    let mut found = Vec::new();
    flatten(text, "", table.get_ref(), &mut found);
    found.sort_by_key(|entry| entry.line);
    Ok(found)
}

fn flatten(text: &str, prefix: &str, table: &DeTable<'_>, found: &mut Vec<Entry>) {
    for (name, value) in table.iter() {
        let key = format!("{prefix}{}", name.get_ref());
        match value.get_ref() {
            DeValue::Table(inner) => flatten(text, &format!("{key}."), inner, found),
            DeValue::Array(items) if !items.is_empty() && items.iter().all(is_table) => {
                for (index, item) in items.iter().enumerate() {
                    if let DeValue::Table(inner) = item.get_ref() {
                        flatten(text, &format!("{key}[{index}]."), inner, found);
                    }
                }
            }
            _ => found.push(Entry { key, text: plain(value), line: line_of(text, name.span()) }),
        }
    }
}

fn is_table(value: &Spanned<DeValue<'_>>) -> bool {
    value.get_ref().is_table()
}

fn plain(value: &Spanned<DeValue<'_>>) -> Option<String> {
    Some(match value.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => {
            // Kept as written when it is beyond every setting's range.
            let parsed = i128::from_str_radix(number.as_str(), number.radix());
            parsed.map_or_else(|_| number.to_string(), |number| number.to_string())
        }
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(at) => at.to_string(),
        DeValue::Array(items) => items.iter().map(item).collect::<Option<Vec<_>>>()?.join(","),
        DeValue::Table(_) => return None,
    })
}

/// An element of a list; lists within lists are no settings.
fn item(value: &Spanned<DeValue<'_>>) -> Option<String> {
    if value.get_ref().is_array() { None } else { plain(value) }
}

fn line_of(text: &str, span: Range<usize>) -> usize {
    let before = text.get(..span.start).unwrap_or(text);
    before.matches('\n').count() + 1
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn entries_are_flat_and_know_their_lines() {
        let text =
            "# first\n[a]\nnumber = 1_000\nlist = [\"x\", 2]\n\n[a.b]\nflag = true\nc.d = \"e\"\n";
        let found = entries(text).unwrap();
        let shown: Vec<_> =
            found.iter().map(|e| (e.key.as_str(), e.text.as_deref().unwrap(), e.line)).collect();
        let expected = [
            ("a.number", "1000", 3),
            ("a.list", "x,2", 4),
            ("a.b.flag", "true", 7),
            ("a.b.c.d", "e", 8),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn tables_in_a_list_have_their_place_in_the_key() {
        assert_eq!(entries("a = [[1], [2]]").unwrap()[0].text, None);
        assert_eq!(entries("a = [{ b = 1 }, 2]").unwrap()[0].text, None);
        let found = entries("[[a.b]]\nc = 1\n[[a.b]]\nc = 2\n").unwrap();
        let shown: Vec<_> = found.iter().map(|e| (e.key.as_str(), e.line)).collect();
        assert_eq!(shown, [("a.b[0].c", 2), ("a.b[1].c", 4)]);
    }

    #[test]
    fn every_syntax_fault_is_found_with_its_line() {
        let faults = entries("a = 1\nb = = 2\nc = 3\nd = 'x\n").unwrap_err();
        assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn a_key_given_twice_is_a_fault() {
        assert_eq!(entries("a = 1\na = 2\n").unwrap_err()[0].line, 2);
    }
}
