//! Named statements: the name is in each error, the number of placeholders is known.

/// One statement of the common dialect, written once for both engines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statement {
    pub name: &'static str,
    pub text: &'static str,
    placeholders: usize,
}

impl Statement {
    /// Usually written by [`sql!`](crate::storage::sql).
    pub const fn new(name: &'static str, text: &'static str) -> Self {
        Statement { name, text, placeholders: highest_placeholder(text.as_bytes()) }
    }

    /// The highest `n` of the `$n` in the text.
    pub const fn placeholders(&self) -> usize {
        self.placeholders
    }
}

/// Reads `$n` outside of quoted text.
const fn highest_placeholder(text: &[u8]) -> usize {
    let (mut at, mut highest, mut quoted) = (0, 0, false);
    while at < text.len() {
        let mark = text[at];
        at += 1;
        if mark == b'\'' {
            quoted = !quoted;
        }
        if mark != b'$' || quoted {
            continue;
        }
        let mut number = 0;
        while at < text.len() && text[at].is_ascii_digit() {
            number = number * 10 + (text[at] - b'0') as usize;
            at += 1;
        }
        if number > highest {
            highest = number;
        }
    }
    highest
}

/// `sql! { BY_ID = "SELECT …"; }` is a constant `BY_ID: Statement` with the module's path before
/// its name, and `STATEMENTS`, the list of all, for the test that prepares each on both engines.
/// One block a file.
///
/// ```text
/// const BY_ID: Statement = Statement::new("busbar::services::billing::store::BY_ID", "SELECT …");
/// pub(crate) const STATEMENTS: &[Statement] = &[BY_ID];
/// ```
#[macro_export]
macro_rules! sql {
    ($($(#[$note:meta])* $name:ident = $text:expr;)+) => {
        $($(#[$note])* const $name: $crate::storage::Statement = $crate::storage::Statement::new(
            concat!(module_path!(), "::", stringify!($name)),
            $text,
        );)+
        pub(crate) const STATEMENTS: &[$crate::storage::Statement] = &[$($name),+];
    };
}

#[cfg(test)]
mod tests {
    use super::Statement;

    #[test]
    fn placeholders_are_counted_outside_of_quotes() {
        let count = |text| Statement::new("s", text).placeholders();
        assert_eq!(count("SELECT 1"), 0);
        assert_eq!(count("UPDATE a SET b = $2 WHERE c = $1 AND d = $2"), 2);
        assert_eq!(count("SELECT '$7', $12 FROM a WHERE b = 'it''s $9'"), 12);
    }
}
