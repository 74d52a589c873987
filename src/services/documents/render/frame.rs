//! What invoices and receipts have in common: the band on top, the facts, the box with the amount,
//! sums at the right, notes.
use super::letters::Weight;
use super::sheet::{
    DARK, INNER, Ink, MARGIN, MUTED, PAGE_WIDTH, RIGHT, Sheet, Side, Style, TINT, WHITE, leading,
};
use super::{Party, RenderError};

const BAND_HEIGHT: f32 = 112.0;
const FACTS_TOP: f32 = 146.0;
const BOX_HEIGHT: f32 = 66.0;
/// The facts at the right begin here.
const FACTS_LEFT: f32 = MARGIN + INNER * 0.52;
/// A small table at the left: how wide it is, and from row to row.
const BESIDE_WIDTH: f32 = INNER * 0.46;
const BESIDE_STEP: f32 = 14.5;
/// On the dark band.
const PALE: Ink = Ink(0xd5, 0xe3, 0xee);

const LABEL: Style = Style::new(Weight::Bold, 7.5, MUTED);
const STRONG: Style = Style::new(Weight::Bold, 11.0, DARK);
const PLAIN: Style = Style::new(Weight::Regular, 9.0, DARK);
const QUIET: Style = Style::new(Weight::Regular, 9.0, MUTED);

/// A sum below a table.
pub(super) struct Sum {
    pub(super) label: String,
    pub(super) value: String,
    /// The last one, which counts.
    pub(super) is_total: bool,
}

/// The box with what matters most.
pub(super) struct Highlight<'a> {
    pub(super) label: &'a str,
    pub(super) value: &'a str,
    pub(super) aside_label: &'a str,
    pub(super) aside: &'a str,
}

impl Sheet {
    pub(super) fn band(&mut self, provider: &str, title: &str, number: &str) {
        self.area(0.0, 0.0, PAGE_WIDTH, BAND_HEIGHT, self.colour);
        let name = Style::new(Weight::Bold, 19.0, WHITE);
        let width = INNER * 0.58;
        let shown = self.letters.writable(provider);
        let is_long = self.letters.width(&shown, name.weight, name.size) > width;
        let (name, y) = if is_long { (Style { size: 14.0, ..name }, 54.0) } else { (name, 64.0) };
        self.lines((MARGIN, y), name, provider, width, 2);
        let heading = Style::new(Weight::Bold, 22.0, WHITE);
        self.text(RIGHT, 58.0, Side::Right, heading, title);
        let small = Style::new(Weight::Regular, 10.0, PALE);
        let number = self.letters.writable(number);
        let number = self.letters.cut(&number, small.weight, small.size, INNER * 0.38);
        self.text(RIGHT, 76.0, Side::Right, small, &number);
    }

    /// Who it is for at the left, what there is to know at the right.
    pub(super) fn parties(&mut self, label: &str, party: &Party, facts: &[(&str, String)]) {
        let left_width = FACTS_LEFT - MARGIN - 24.0;
        let mut y = FACTS_TOP;
        self.text(MARGIN, y, Side::Left, LABEL, label);
        y += 17.0;
        let Party { name, email } = party;
        if let Some(name) = name.as_ref().or(email.as_ref()) {
            y = self.lines((MARGIN, y), STRONG, name, left_width, 3);
        }
        if let (Some(_), Some(email)) = (name, email) {
            y = self.lines((MARGIN, y), QUIET, email, left_width, 2);
        }
        let mut right = FACTS_TOP;
        for (label, value) in facts {
            let label_width = self.letters.width(label, QUIET.weight, QUIET.size) + 10.0;
            let room = RIGHT - FACTS_LEFT - label_width;
            self.text(FACTS_LEFT, right, Side::Left, QUIET, label);
            self.squeezed(RIGHT, right, PLAIN, value, room);
            right += 16.5;
        }
        self.y = y.max(right).max(FACTS_TOP + 66.0) + 8.0;
    }

    pub(super) fn highlight(&mut self, highlight: &Highlight<'_>) {
        let top = self.y;
        self.area(MARGIN, top, INNER, BOX_HEIGHT, TINT);
        self.area(MARGIN, top, 4.0, BOX_HEIGHT, self.colour);
        let (label, value) = (top + 22.0, top + 49.0);
        self.text(MARGIN + 20.0, label, Side::Left, LABEL, highlight.label);
        let mut big = Style::new(Weight::Bold, 24.0, self.colour);
        while self.letters.width(highlight.value, big.weight, big.size) > INNER * 0.6 {
            big.size -= 1.0;
        }
        self.text(MARGIN + 20.0, value, Side::Left, big, highlight.value);
        let aside = Style::new(Weight::Bold, 13.0, DARK);
        self.text(RIGHT - 18.0, label, Side::Right, LABEL, highlight.aside_label);
        self.text(RIGHT - 18.0, value - 2.0, Side::Right, aside, highlight.aside);
        self.y = top + BOX_HEIGHT + 26.0;
    }

    pub(super) fn title(&mut self, text: &str) {
        let style = Style::new(Weight::Bold, 10.5, DARK);
        self.text(MARGIN, self.y + 10.0, Side::Left, style, text);
        self.y += 20.0;
    }

    /// A small table at the left of what comes next. It takes no room of its own: where it ends.
    pub(super) fn beside(&mut self, titles: [&str; 3], rows: &[[String; 3]]) -> f32 {
        let columns = [MARGIN + BESIDE_WIDTH * 0.64, MARGIN + BESIDE_WIDTH];
        let mut y = self.y + 22.0;
        self.text(MARGIN, y, Side::Left, LABEL, titles[0]);
        self.text(columns[0], y, Side::Right, LABEL, titles[1]);
        self.text(columns[1], y, Side::Right, LABEL, titles[2]);
        y += 16.0;
        for [name, first, second] in rows {
            let name = self.letters.writable(name);
            let room = BESIDE_WIDTH * 0.3;
            let name = self.letters.cut(&name, QUIET.weight, QUIET.size, room);
            self.text(MARGIN, y, Side::Left, QUIET, &name);
            self.squeezed(columns[0], y, QUIET, first, room);
            self.squeezed(columns[1], y, QUIET, second, room);
            y += BESIDE_STEP;
        }
        y
    }

    /// Sums at the right; the total stands out. They are not torn apart.
    pub(super) fn sums(&mut self, sums: &[Sum]) {
        let left = MARGIN + INNER * 0.55;
        self.y += 10.0;
        for Sum { label, value, is_total } in sums {
            let label = self.letters.writable(label);
            if *is_total {
                let style = Style::new(Weight::Bold, 11.0, WHITE);
                self.area(left, self.y, RIGHT - left, 27.0, self.colour);
                self.text(left + 10.0, self.y + 17.5, Side::Left, style, &label);
                let room = (RIGHT - left) * 0.72;
                self.squeezed(RIGHT - 8.0, self.y + 17.5, style, value, room);
                self.y += 27.0;
            } else {
                self.text(left + 10.0, self.y + 12.0, Side::Left, QUIET, &label);
                self.text(RIGHT - 8.0, self.y + 12.0, Side::Right, PLAIN, value);
                self.y += 18.0;
            }
        }
        self.y += 26.0;
    }

    /// A few sentences under a title, together on one page.
    pub(super) fn note(&mut self, title: &str, text: &str) -> Result<(), RenderError> {
        let shown = self.letters.writable(text);
        let lines = self.letters.wrap(&shown, QUIET.weight, QUIET.size, INNER, 8);
        self.make_room(24.0 + lines.len() as f32 * leading(QUIET))?;
        self.title(title);
        for line in lines {
            self.text(MARGIN, self.y + 8.0, Side::Left, QUIET, &line);
            self.y += leading(QUIET);
        }
        self.y += 20.0;
        Ok(())
    }
}
