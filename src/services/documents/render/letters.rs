//! The two fonts: how wide a text is in them, where it wraps, and what they can write at all.
use ttf_parser::Face;
use unicode_normalization::UnicodeNormalization;

use super::RenderError;

const REGULAR: &[u8] = include_bytes!("../fonts/NotoSans-Regular.ttf");
const BOLD: &[u8] = include_bytes!("../fonts/NotoSans-Bold.ttf");

/// Stands for a letter that the fonts do not have.
const UNKNOWN: char = '?';
const ELLIPSIS: &str = "\u{2026}";

/// How heavy a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// Both fonts, ready to measure with.
pub(super) struct Letters {
    regular: Face<'static>,
    bold: Face<'static>,
}

impl Weight {
    pub(super) fn bytes(self) -> &'static [u8] {
        match self {
            Weight::Regular => REGULAR,
            Weight::Bold => BOLD,
        }
    }
}

impl Letters {
    pub(super) fn load() -> Result<Letters, RenderError> {
        let face = |weight: Weight| {
            Face::parse(weight.bytes(), 0).map_err(|error| RenderError::new(error.to_string()))
        };
        Ok(Letters { regular: face(Weight::Regular)?, bold: face(Weight::Bold)? })
    }

    fn face(&self, weight: Weight) -> &Face<'static> {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    /// The text with composed letters only, and a mark for each that cannot be written.
    pub(super) fn writable(&self, text: &str) -> String {
        // The first glyph of a font stands for what it does not have.
        let known = |letter: char| self.regular.glyph_index(letter).is_some_and(|it| it.0 != 0);
        text.nfc()
            .map(|letter| if letter.is_whitespace() { ' ' } else { letter })
            .map(|letter| if known(letter) { letter } else { UNKNOWN })
            .collect()
    }

    /// In points.
    pub(super) fn width(&self, text: &str, weight: Weight, size: f32) -> f32 {
        let face = self.face(weight);
        let advance = |letter: char| {
            let glyph = face.glyph_index(letter)?;
            face.glyph_hor_advance(glyph).map(f32::from)
        };
        let units: f32 = text.chars().filter_map(advance).sum();
        units * size / f32::from(face.units_per_em())
    }

    /// The text, cut and ended with an ellipsis where it is too wide.
    pub(super) fn cut(&self, text: &str, weight: Weight, size: f32, width: f32) -> String {
        if self.width(text, weight, size) <= width {
            return text.to_owned();
        }
        let mut kept = text.to_owned();
        while kept.pop().is_some() {
            let shown = format!("{}{ELLIPSIS}", kept.trim_end());
            if self.width(&shown, weight, size) <= width {
                return shown;
            }
        }
        ELLIPSIS.to_owned()
    }

    /// The text in lines of at most this width; the last of `lines_max` is cut when there is more.
    pub(super) fn wrap(
        &self,
        text: &str,
        weight: Weight,
        size: f32,
        width: f32,
        lines_max: usize,
    ) -> Vec<String> {
        let fits = |line: &str| self.width(line, weight, size) <= width;
        let mut lines = vec![String::new()];
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let last = lines.last().map(String::as_str).unwrap_or_default();
            let longer = if last.is_empty() { word.to_owned() } else { format!("{last} {word}") };
            if fits(&longer) {
                lines.pop();
                lines.push(longer);
                continue;
            }
            if last.is_empty() {
                lines.pop();
            }
            let mut rest = word.to_owned();
            while !fits(&rest) {
                let (head, tail) = self.broken(&rest, weight, size, width);
                lines.push(head);
                rest = tail;
            }
            lines.push(rest);
        }
        if lines.len() > lines_max {
            let rest = lines.split_off(lines_max.saturating_sub(1)).join(" ");
            lines.push(self.cut(&rest, weight, size, width));
        }
        lines
    }

    /// As much of a word as fits, at least one letter, and the rest: never the whole word again.
    fn broken(&self, word: &str, weight: Weight, size: f32, width: f32) -> (String, String) {
        let mut at = 0;
        for (start, letter) in word.char_indices() {
            let end = start + letter.len_utf8();
            if at > 0 && self.width(&word[..end], weight, size) > width {
                break;
            }
            at = end;
        }
        (word[..at].to_owned(), word[at..].to_owned())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const SIZE: f32 = 9.0;

    fn letters() -> Letters {
        Letters::load().unwrap()
    }

    #[test]
    fn latin_greek_and_cyrillic_can_be_written_and_other_letters_are_marked() {
        let letters = letters();
        for text in ["Zażółć gęślą jaźń ß Ő", "Δημήτρης Παπαδόπουλος €", "Їжак і Щука №5 ₴"]
        {
            assert_eq!(letters.writable(text), text);
        }
        assert_eq!(letters.writable("e\u{301}\u{a0}\t水"), "\u{e9}  ?");
        assert_eq!(letters.writable("A\u{ffff}B"), "A?B", "a font may name it, and has none");
    }

    #[test]
    fn a_long_text_wraps_and_a_longer_one_is_cut() {
        let letters = letters();
        let width = 80.0;
        let fits = |line: &String| letters.width(line, Weight::Regular, SIZE) <= width;
        let text = "Standing charge for the whole of the month of March, off-peak and on-peak";
        let wrapped = letters.wrap(text, Weight::Regular, SIZE, width, 10);
        assert_eq!(wrapped.join(" "), text);
        assert!(wrapped.iter().all(fits), "{wrapped:?}");
        let cut = letters.wrap(text, Weight::Regular, SIZE, width, 2);
        assert!(cut.len() == 2 && cut[1].ends_with('…') && cut.iter().all(fits), "{cut:?}");
    }

    #[test]
    fn a_word_without_end_is_broken() {
        let letters = letters();
        let word = "W".repeat(60);
        for text in [word.clone(), format!("a {word} b")] {
            let lines = letters.wrap(&text, Weight::Bold, SIZE, 80.0, 20);
            assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
            assert!(lines.iter().all(|line| letters.width(line, Weight::Bold, SIZE) <= 80.0));
        }
        let cut = letters.wrap(&word, Weight::Bold, SIZE, 80.0, 3);
        assert!(cut.len() == 3 && cut[2].ends_with('…'), "{cut:?}");
        assert_eq!(letters.wrap("", Weight::Bold, SIZE, 80.0, 3), [""]);
    }
}
