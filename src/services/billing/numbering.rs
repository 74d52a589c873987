//! Which bills are numbered in one row, and how their number begins. Pure; the sequence itself is
//! a row that is locked while a bill is issued (`store/number.rs`), so a series has no gaps.
use crate::types::{Name, NumberPattern, ProviderId};

/// Longer names are cut, longer ids to their end, where random ones differ most.
const PREFIX_LENGTH_MAX: usize = 12;
const PREFIX_FALLBACK: &str = "B";

/// Which numbers follow each other: of one provider, one kind of paper, one year.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    pub(crate) provider_id: ProviderId,
    pub(crate) paper: Paper,
    pub(crate) year: i32,
}

/// What is numbered. Credit notes will have a series of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Paper {
    Bill,
}

impl Paper {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Paper::Bill => "bill",
        }
    }
}

impl Series {
    /// The `sequence`th number. It begins with the provider's name, if it is known and has letters
    /// that everybody can type, and with the id otherwise.
    pub(crate) fn number(
        &self,
        pattern: &NumberPattern,
        name: Option<&Name>,
        sequence: i64,
    ) -> String {
        let named = name.map(|name| plain(&name.to_string()));
        let prefix = named.filter(|name| !name.is_empty()).map_or_else(
            || prefix(&self.provider_id),
            |name| name.chars().take(PREFIX_LENGTH_MAX).collect(),
        );
        pattern.number(&prefix, self.year, sequence)
    }
}

fn prefix(provider: &ProviderId) -> String {
    let id = plain(&provider.to_string());
    let kept = &id[id.len().saturating_sub(PREFIX_LENGTH_MAX)..];
    if kept.is_empty() { PREFIX_FALLBACK.to_owned() } else { kept.to_owned() }
}

/// Letters and digits in upper case.
fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn number(provider: &str, sequence: i64) -> String {
        let series =
            Series { provider_id: provider.parse().unwrap(), paper: Paper::Bill, year: 2026 };
        series.number(&"{prefix}-{year}-{sequence}".parse().unwrap(), None, sequence)
    }

    #[test]
    fn a_number_begins_with_the_name_where_it_is_known() {
        let pattern = "{prefix}-{year}-{sequence}".parse().unwrap();
        let provider_id = "0190a3e2-7c1d-7b3a-9f10-6c2f4d8e5a01".parse().unwrap();
        let series = Series { provider_id, paper: Paper::Bill, year: 2026 };
        let number = |name: &str| series.number(&pattern, Some(&name.parse().unwrap()), 1);
        assert_eq!(number("River Power & Light Company"), "RIVERPOWERLI-2026-000001");
        assert_eq!(number("Ηλεκτρισμός"), "6C2F4D8E5A01-2026-000001");
    }

    #[test]
    fn a_number_begins_with_the_provider() {
        assert_eq!(number("P", 1), "P-2026-000001");
        assert_eq!(number("acme.power:eu-1", 42), "ACMEPOWEREU1-2026-000042");
        assert_eq!(number("...", 1), "B-2026-000001");
    }

    #[test]
    fn a_long_provider_is_cut_to_its_end() {
        let id = "01999999-aaaa-7bbb-8ccc-ddddeeeeffff";
        assert_eq!(number(id, 1), "DDDDEEEEFFFF-2026-000001");
    }
}
