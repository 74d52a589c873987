//! Which bills are numbered in one row, and how their number begins. Pure; the sequence itself is
//! a row that is locked while a bill is issued (`store/number.rs`), so a series has no gaps.
use crate::types::{NumberPattern, ProviderId};

/// Longer providers are cut to their end, where random ids differ most.
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
    /// The `sequence`th number.
    pub(crate) fn number(&self, pattern: &NumberPattern, sequence: i64) -> String {
        pattern.number(&prefix(&self.provider_id), self.year, sequence)
    }
}

/// The letters and digits of the provider's id in upper case.
fn prefix(provider: &ProviderId) -> String {
    let id = provider.to_string();
    let plain: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
    let kept = &plain[plain.len().saturating_sub(PREFIX_LENGTH_MAX)..];
    if kept.is_empty() { PREFIX_FALLBACK.to_owned() } else { kept.to_ascii_uppercase() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn number(provider: &str, sequence: i64) -> String {
        let series =
            Series { provider_id: provider.parse().unwrap(), paper: Paper::Bill, year: 2026 };
        series.number(&"{prefix}-{year}-{sequence}".parse().unwrap(), sequence)
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
