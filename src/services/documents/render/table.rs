//! Tables that go on over pages, each with the head again.
use super::RenderError;
use super::letters::Weight;
use super::sheet::{DARK, INNER, MARGIN, MUTED, RULE, Sheet, Side, Style, TINT, leading};

const HEAD: Style = Style::new(Weight::Bold, 7.5, MUTED);
pub(super) const CELL: Style = Style::new(Weight::Regular, 9.0, DARK);
const NOTE: Style = Style::new(Weight::Regular, 7.5, MUTED);

const HEAD_HEIGHT: f32 = 22.0;
/// Above and below the text of a row.
const PADDING: f32 = 6.0;
/// Left and right of a table's text.
const INDENT: f32 = 8.0;
/// Between columns.
const GAP: f32 = 8.0;
/// A description that is longer is cut.
const LINES_MAX: usize = 4;

/// A column: the first one takes what the others leave.
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) width: f32,
}

/// A row: what it is in the first column, cells to the right of it.
pub(super) struct Row {
    pub(super) description: String,
    /// In small letters below.
    pub(super) note: Option<String>,
    pub(super) cells: Vec<String>,
}

impl Sheet {
    /// A head and its rows.
    pub(super) fn table(
        &mut self,
        first: &str,
        columns: &[Column],
        rows: &[Row],
    ) -> Result<(), RenderError> {
        self.make_room(HEAD_HEIGHT * 3.0)?;
        self.table_head(first, columns);
        for row in rows {
            let lines = self.description(row, columns);
            let note = if row.note.is_some() { leading(NOTE) } else { 0.0 };
            let height = lines.len() as f32 * leading(CELL) + note + 2.0 * PADDING;
            if self.make_room(height)? {
                self.table_head(first, columns);
            }
            self.table_row(row, &lines, columns);
            self.y += height;
            self.area(MARGIN, self.y - 0.5, INNER, 0.5, RULE);
        }
        Ok(())
    }

    fn description(&self, row: &Row, columns: &[Column]) -> Vec<String> {
        let taken: f32 = columns.iter().map(|column| column.width).sum();
        let width = INNER - taken - 2.0 * INDENT;
        let text = self.letters.writable(&row.description);
        self.letters.wrap(&text, CELL.weight, CELL.size, width, LINES_MAX)
    }

    fn table_head(&mut self, first: &str, columns: &[Column]) {
        self.area(MARGIN, self.y, INNER, HEAD_HEIGHT, TINT);
        let y = self.y + HEAD_HEIGHT / 2.0 + 2.8;
        self.text(MARGIN + INDENT, y, Side::Left, HEAD, first);
        let mut right = MARGIN + INNER - INDENT;
        for column in columns.iter().rev() {
            self.text(right, y, Side::Right, HEAD, column.title);
            right -= column.width;
        }
        self.y += HEAD_HEIGHT;
    }

    fn table_row(&mut self, row: &Row, lines: &[String], columns: &[Column]) {
        let mut y = self.y + PADDING + CELL.size;
        let mut right = MARGIN + INNER - INDENT;
        for (column, cell) in columns.iter().zip(&row.cells).rev() {
            self.squeezed(right, y, CELL, cell, column.width - GAP);
            right -= column.width;
        }
        for line in lines {
            self.text(MARGIN + INDENT, y, Side::Left, CELL, line);
            y += leading(CELL);
        }
        if let Some(note) = &row.note {
            let note = self.letters.writable(note);
            let note = self.letters.cut(&note, NOTE.weight, NOTE.size, right - MARGIN - INDENT);
            self.text(MARGIN + INDENT, y - 1.0, Side::Left, NOTE, &note);
        }
    }
}
