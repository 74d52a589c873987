//! Card numbers, which are kept nowhere: how a text that holds one is told. Pure.

use std::ops::RangeInclusive;

use crate::types::Refused;

/// The lengths of card numbers (ISO/IEC 7812-1), and of those that are told by more than their length.
const DIGITS: RangeInclusive<usize> = 12..=19;
const TOLD_DIGITS: RangeInclusive<usize> = 13..=19;
/// What numbers of cards that one pays with begin with (ISO/IEC 7812-1, major industries).
const BEGINNINGS: RangeInclusive<char> = '2'..='6';
/// What people put between the groups of a number, one at a time.
const SEPARATORS: [char; 4] = [' ', '-', '.', '/'];

/// Why a text with a card number is not taken.
pub(crate) fn refused() -> Refused {
    let never = "card numbers are not taken: send the token that stands for the card";
    Refused::new("card_number_refused", never)
}

/// Whether a text is nothing but so many digits.
pub(crate) fn is_number(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || b" -".contains(&byte));
    is_number && DIGITS.contains(&digits)
}

/// Whether a text holds a run of digits, in groups or in one piece, that may be a card number: by
/// its length, its beginning and its check digit, so that hardly any number of another kind is. What stands beside it (when the card expires, say) is no
/// part of it where a separator parts the two.
pub(crate) fn holds_card_number(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_digit() || SEPARATORS.contains(&c);
    text.split(|c| !is_part(c)).any(|part| {
        let groups: Vec<&str> = part.split(SEPARATORS).collect();
        // Two separators side by side part what is before from what is behind.
        groups.split(|group| group.is_empty()).any(is_in)
    })
}

/// Whether some groups, one behind the other, are a number.
fn is_in(groups: &[&str]) -> bool {
    (0..groups.len()).any(|first| begins(groups.iter().skip(first)))
}

fn begins<'a>(groups: impl Iterator<Item = &'a &'a str>) -> bool {
    let mut digits = String::new();
    for group in groups {
        digits.push_str(group);
        let may_be = digits.starts_with(|first| BEGINNINGS.contains(&first));
        if !may_be || digits.len() > *DIGITS.end() {
            return false;
        }
        if TOLD_DIGITS.contains(&digits.len()) && is_checked(&digits) {
            return true;
        }
    }
    false
}

/// Whether the last digit checks the others: the Luhn formula (ISO/IEC 7812-1, annex B).
fn is_checked(digits: &str) -> bool {
    let counted = digits.bytes().rev().enumerate().map(|(place, byte)| {
        let digit = u32::from(byte - b'0');
        let doubled = 2 * digit;
        if place % 2 == 0 { digit } else { doubled / 10 + doubled % 10 }
    });
    counted.sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_number_is_found_however_it_is_written() {
        for text in [
            "4242424242424242",
            "4242 4242 4242 4242",
            "4242-4242-4242-4242",
            "4242.4242.4242.4242",
            "4242/4242/4242/4242",
            "378282246310005",
            "5019717010103742",
            "6304000000000000",
            "the card was 4242 4242 4242 4242, said she",
            "pan=4242424242424242;",
            "4242424242424242 12/29 123",
            "17 4242 4242 4242 4242",
        ] {
            assert!(holds_card_number(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_card_number_passes() {
        for text in [
            "",
            "tok_ok",
            "123",
            // Its check digit is wrong.
            "4242424242424241",
            // A moment in milliseconds, though its check digit is right.
            "1767225600009",
            // Too short, too long.
            "42424242426",
            "42424242424242424242424242424242",
            // More than a separator between the groups.
            "4242 4242  4242 4242",
            "4242424a42424242",
            "statement 17, line 3, of 2026-11-01",
            "0190b6a4-7d1e-7cc3-98c4-dc0c0c07398f",
        ] {
            assert!(!holds_card_number(text), "{text}");
        }
    }
}
