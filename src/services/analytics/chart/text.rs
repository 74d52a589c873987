//! Text in a drawing: cut to its room, and nothing but text. Pure.

use std::fmt::Write;

/// Names that are longer are cut.
const NAME_CHARS_MAX: usize = 26;

pub(super) fn text(
    out: &mut String,
    (x, y): (f64, f64),
    class: &str,
    attributes: &str,
    words: &str,
) {
    let words = escaped(words);
    let _ = writeln!(
        out,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{words}</text>"
    );
}

/// `1234567.89` as `1,234,567.89`.
pub(super) fn grouped(number: &str) -> String {
    let whole = number.split('.').next().unwrap_or_default();
    let digits = whole.trim_start_matches('-').len();
    let mut out = number[..whole.len() - digits].to_owned();
    for (place, digit) in whole.chars().skip(whole.len() - digits).enumerate() {
        if place > 0 && (digits - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + &number[whole.len()..]
}

pub(super) fn cut(name: &str) -> String {
    if name.chars().count() <= NAME_CHARS_MAX {
        return name.to_owned();
    }
    let kept: String = name.chars().take(NAME_CHARS_MAX - 1).collect();
    format!("{kept}…")
}

pub(super) fn width_of(text: &str) -> f64 {
    f64::from(u32::try_from(text.chars().count()).unwrap_or(u32::MAX))
}

/// Text that is nothing but text; characters that XML does not have are left out.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c if c.is_control() => out.push(' '),
            '\u{FFFE}' | '\u{FFFF}' => {}
            c => out.push(c),
        }
    }
    out
}
