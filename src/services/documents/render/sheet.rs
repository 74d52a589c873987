//! Pages while they are laid out: marks at their places, and where the next thing goes.
use super::RenderError;
use super::letters::{Letters, Weight};

/// A4, in points.
pub(super) const PAGE_WIDTH: f32 = 595.28;
pub(super) const PAGE_HEIGHT: f32 = 841.89;
/// Left and right.
pub(super) const MARGIN: f32 = 48.0;
pub(super) const RIGHT: f32 = PAGE_WIDTH - MARGIN;
pub(super) const INNER: f32 = PAGE_WIDTH - 2.0 * MARGIN;
/// Nothing but the footer stands below.
const BOTTOM: f32 = PAGE_HEIGHT - 76.0;
/// Where a further page begins, below its heading.
const FURTHER_TOP: f32 = 84.0;
/// Letters that can still be read, in points.
const SMALLEST: f32 = 6.0;
/// Papers are not books.
const PAGES_MAX: usize = 200;

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ink(pub(super) u8, pub(super) u8, pub(super) u8);

pub(super) const DARK: Ink = Ink(0x1b, 0x26, 0x33);
pub(super) const MUTED: Ink = Ink(0x5d, 0x6b, 0x7a);
pub(super) const RULE: Ink = Ink(0xd9, 0xe0, 0xe7);
pub(super) const TINT: Ink = Ink(0xf2, 0xf5, 0xf8);
pub(super) const WHITE: Ink = Ink(0xff, 0xff, 0xff);

/// How a text looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Style {
    pub(super) weight: Weight,
    pub(super) size: f32,
    pub(super) ink: Ink,
}

/// To which side of its place a text stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Side {
    Left,
    Right,
}

/// Something on a page; `y` counts from the top.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mark {
    /// `y` is the baseline.
    Text {
        x: f32,
        y: f32,
        style: Style,
        text: String,
    },
    Area {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        ink: Ink,
    },
}

/// The pages of one paper.
pub(super) struct Sheet {
    pub(super) letters: Letters,
    pub(super) pages: Vec<Vec<Mark>>,
    /// Where the next thing begins on the last page.
    pub(super) y: f32,
    /// What a further page begins with, left and right.
    heading: (String, String),
    /// The colour of the paper.
    pub(super) colour: Ink,
}

impl Style {
    pub(super) const fn new(weight: Weight, size: f32, ink: Ink) -> Style {
        Style { weight, size, ink }
    }
}

impl Sheet {
    pub(super) fn new(colour: Ink, heading: (String, String)) -> Result<Sheet, RenderError> {
        let letters = Letters::load()?;
        let heading = (letters.writable(&heading.0), letters.writable(&heading.1));
        Ok(Sheet { letters, pages: vec![Vec::new()], y: 0.0, heading, colour })
    }

    pub(super) fn mark(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.push(mark);
        }
    }

    pub(super) fn area(&mut self, x: f32, y: f32, width: f32, height: f32, ink: Ink) {
        self.mark(Mark::Area { x, y, width, height, ink });
    }

    /// A thin line over the whole width.
    pub(super) fn rule(&mut self, y: f32) {
        self.area(MARGIN, y, INNER, 0.6, RULE);
    }

    /// One line of writable text, whose place is its left or right end.
    pub(super) fn text(&mut self, x: f32, y: f32, side: Side, style: Style, text: &str) {
        let x = match side {
            Side::Left => x,
            Side::Right => x - self.letters.width(text, style.weight, style.size),
        };
        if !text.is_empty() {
            self.mark(Mark::Text { x, y, style, text: text.to_owned() });
        }
    }

    /// One line that stands before `right`: in smaller letters where it is too wide, and cut only
    /// when they would be too small to read.
    pub(super) fn squeezed(&mut self, right: f32, y: f32, style: Style, text: &str, room: f32) {
        let text = self.letters.writable(text);
        let mut style = style;
        while self.letters.width(&text, style.weight, style.size) > room && style.size > SMALLEST {
            style.size -= 0.5;
        }
        let text = self.letters.cut(&text, style.weight, style.size, room);
        self.text(right, y, Side::Right, style, &text);
    }

    /// Text from outside in up to `lines_max` lines below each other. Where the next line would be.
    pub(super) fn lines(
        &mut self,
        (x, y): (f32, f32),
        style: Style,
        text: &str,
        width: f32,
        lines_max: usize,
    ) -> f32 {
        let text = self.letters.writable(text);
        let lines = self.letters.wrap(&text, style.weight, style.size, width, lines_max);
        let mut y = y;
        for line in &lines {
            self.text(x, y, Side::Left, style, line);
            y += leading(style);
        }
        y
    }

    /// Begins a further page unless so much still fits on this one. True: it did.
    pub(super) fn make_room(&mut self, height: f32) -> Result<bool, RenderError> {
        if self.y + height <= BOTTOM {
            return Ok(false);
        }
        if self.pages.len() >= PAGES_MAX {
            return Err(RenderError::new(format!("more than {PAGES_MAX} pages")));
        }
        self.pages.push(Vec::new());
        self.area(0.0, 0.0, PAGE_WIDTH, 8.0, self.colour);
        let (left, right) = self.heading.clone();
        let (bold, plain) =
            (Style::new(Weight::Bold, 9.0, DARK), Style::new(Weight::Regular, 9.0, MUTED));
        let left = self.letters.cut(&left, bold.weight, bold.size, INNER * 0.6);
        self.text(MARGIN, 48.0, Side::Left, bold, &left);
        self.text(RIGHT, 48.0, Side::Right, plain, &right);
        self.rule(58.0);
        self.y = FURTHER_TOP;
        Ok(true)
    }

    /// Says on each page which one of how many it is, and what of.
    pub(super) fn number_pages(&mut self, what: &str) {
        let style = Style::new(Weight::Regular, 7.5, MUTED);
        let what = self.letters.writable(what);
        let what = self.letters.cut(&what, style.weight, style.size, INNER * 0.75);
        let count = self.pages.len();
        for number in 1..=count {
            let y = PAGE_HEIGHT - 36.0;
            let page = format!("Page {number} of {count}");
            let x = RIGHT - self.letters.width(&page, style.weight, style.size);
            let line = Mark::Area { x: MARGIN, y: y - 16.0, width: INNER, height: 0.6, ink: RULE };
            let left = Mark::Text { x: MARGIN, y, style, text: what.clone() };
            self.pages[number - 1].extend([line, left, Mark::Text { x, y, style, text: page }]);
        }
    }
}

/// From one baseline to the next.
pub(super) fn leading(style: Style) -> f32 {
    style.size * 1.35
}
