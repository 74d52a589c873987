//! Tables as CSV (RFC 4180, UTF-8), safe to open in a spreadsheet. Pure.

use csv::{Terminator, WriterBuilder};

/// A table: a name for each column, and rows of as many cells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    pub(crate) columns: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// From outside, or a word of ours.
    Text(String),
    /// A number, written by us.
    Number(String),
    Nothing,
}

impl Cell {
    pub(crate) fn text(text: impl ToString) -> Cell {
        Cell::Text(text.to_string())
    }

    pub(crate) fn optional(text: Option<&String>) -> Cell {
        text.map_or(Cell::Nothing, Cell::text)
    }

    /// A decimal, if there is one.
    pub(crate) fn decimal(text: Option<&String>) -> Cell {
        text.map_or(Cell::Nothing, |text| Cell::Number(text.clone()))
    }

    fn written(&self) -> String {
        match self {
            Cell::Text(text) => harmless(text),
            Cell::Number(number) => number.clone(),
            Cell::Nothing => String::new(),
        }
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Cell {
        Cell::Number(number.to_string())
    }
}

/// A text that begins like a formula would be run by a spreadsheet: it gets an apostrophe in front.
fn harmless(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

/// The table with its head, lines ended by CRLF.
pub(crate) fn csv(table: &Table) -> Result<String, csv::Error> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(&table.columns)?;
    for row in &table.rows {
        writer.write_record(row.iter().map(Cell::written))?;
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn of(cells: Vec<Cell>) -> String {
        let table = Table { columns: vec!["a", "b"], rows: vec![cells] };
        csv(&table).unwrap()
    }

    #[test]
    fn a_text_is_no_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"] {
            let written = of(vec![Cell::text(text), Cell::from(-5)]);
            let line = written.strip_prefix("a,b\r\n").unwrap();
            let line = line.strip_prefix('"').unwrap_or(line);
            assert!(line.starts_with(&format!("'{text}")), "{written:?}");
            assert!(written.ends_with(",-5\r\n"), "a number is one: {written:?}");
        }
    }

    #[test]
    fn what_would_end_a_cell_is_quoted() {
        let written = of(vec![Cell::text("a,\"b\"\r\nc é"), Cell::Nothing]);
        assert_eq!(written, "a,b\r\n\"a,\"\"b\"\"\r\nc é\",\r\n");
    }
}
