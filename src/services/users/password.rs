//! Which passwords are taken: long ones, whatever they are made of, unless they are easily guessed.
//! Pure. After NIST SP 800-63B-4: length and a blocklist, no rules of composition, no expiry.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Deserializer, de};
use unicode_normalization::UnicodeNormalization;

use crate::types::{Email, Refused};

/// Longer ones are refused before they cost anything.
pub(super) const PASSWORD_CHARS_MAX: usize = 256;
/// So many different characters must remain when the words that everybody tries are taken out.
const CHARACTERS_LEFT_MIN: usize = 6;
/// Shorter parts of an address are no word.
const CONTEXT_WORD_CHARS_MIN: usize = 4;

/// Longer words before those that they contain.
const LISTED: [&str; 22] = [
    "abcdefghijklmnopqrstuvwxyz",
    "administrator",
    "qwertyuiop",
    "1234567890",
    "0123456789",
    "0987654321",
    "asdfghjkl",
    "password",
    "passw0rd",
    "passwort",
    "iloveyou",
    "changeme",
    "abcdefgh",
    "letmein",
    "welcome",
    "zxcvbnm",
    "busbar",
    "qwerty",
    "qwertz",
    "asdfgh",
    "123456",
    "654321",
];

/// What somebody typed as a password, in Unicode's composed form (NFC). Shows itself nowhere.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct Password(String);

impl Password {
    /// The same letters are the same password, however a keyboard composed them.
    pub(super) fn read(text: &str) -> Result<Password, Refused> {
        // One more than allowed is enough to see that there are too many.
        let normal: String = text.nfc().take(PASSWORD_CHARS_MAX + 1).collect();
        if normal.chars().count() > PASSWORD_CHARS_MAX {
            let detail = format!("use at most {PASSWORD_CHARS_MAX} characters");
            return Err(Refused::new("password_too_long", detail));
        }
        Ok(Password(normal))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Password::read(&String::deserialize(from)?).map_err(de::Error::custom)
    }
}

/// Whether a new password of this person is taken.
pub(super) fn check(password: &Password, length_min: usize, email: &Email) -> Result<(), Refused> {
    if password.0.chars().count() < length_min {
        let detail = format!(
            "use {length_min} characters or more: a few words in a row are easy to remember and \
             hard to guess"
        );
        return Err(Refused::new("password_too_short", detail));
    }
    if characters_left(&password.0, &context_words(email)) < CHARACTERS_LEFT_MIN {
        let detail = "this is among the first that somebody would try: use words that have \
                      nothing to do with you or with this service";
        return Err(Refused::new("password_blocklisted", detail));
    }
    Ok(())
}

/// Whether a new password is another one than the person has.
pub(super) fn differs(new: &Password, current: &Password) -> Result<(), Refused> {
    if new == current {
        return Err(Refused::new("password_unchanged", "this is the password that you have"));
    }
    Ok(())
}

/// The different characters that remain of a password without the words that everybody tries.
fn characters_left(password: &str, context: &[String]) -> usize {
    let lower = password.to_lowercase();
    let symbols = lower.chars().filter(|c| !c.is_alphanumeric() && !c.is_whitespace());
    let mut parts = vec![plain(password)];
    for word in context.iter().map(String::as_str).chain(LISTED) {
        parts = parts.iter().flat_map(|part| part.split(word)).map(str::to_owned).collect();
    }
    let letters = parts.iter().flat_map(|part| part.chars());
    letters.chain(symbols).collect::<BTreeSet<char>>().len()
}

/// What the address of a person is made of, the whole of it first.
fn context_words(email: &Email) -> Vec<String> {
    let address = email.as_str();
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    let parts = address.split(|c: char| !c.is_alphanumeric());
    let words = [address, local].into_iter().chain(parts).map(plain);
    words.filter(|word| word.chars().count() >= CONTEXT_WORD_CHARS_MIN).collect()
}

/// Lower case, letters and digits only.
fn plain(text: &str) -> String {
    text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn verdict(password: &str) -> &'static str {
        let email = "ada.lovelace@example.org".parse().unwrap();
        let checked = check(&Password::read(password).unwrap(), 15, &email);
        checked.err().map_or("taken", |refused| refused.code())
    }

    #[test]
    fn length_counts_in_characters_of_any_script() {
        assert_eq!(verdict("fourteen chars"), "password_too_short");
        assert_eq!(verdict("fifteen chars !"), "taken");
        assert_eq!(verdict("съешь же ещё этих"), "taken");
        assert_eq!(verdict("🌊🌋🌍🌎🌏🌐🌑🌒🌓🌔🌕🌖🌗🌘🌙"), "taken");
        assert_eq!(verdict("12345"), "password_too_short");
        assert!(Password::read(&"ж".repeat(256)).is_ok());
        assert_eq!(Password::read(&"ж".repeat(257)).unwrap_err().code(), "password_too_long");
    }

    #[test]
    fn composed_and_decomposed_letters_are_the_same_password() {
        let composed = Password::read("caf\u{e9} in the morning").unwrap();
        let decomposed = Password::read("cafe\u{301} in the morning").unwrap();
        assert_eq!(composed, decomposed);
    }

    #[test]
    fn what_everybody_tries_first_is_refused() {
        for guess in [
            "passwordpassword",
            "Password1234567",
            "123456789012345678",
            "aaaaaaaaaaaaaaaaaaaa",
            "abababababababab",
            "qwertyuiopasdfgh",
            "busbar-busbar-busbar",
            "Welcome to Busbar 1",
            "ada.lovelace@example.org",
            "LovelaceLovelace2",
        ] {
            assert_eq!(verdict(guess), "password_blocklisted", "{guess}");
        }
        for good in [
            "a long sentence nobody guesses",
            "my password is a poem about rain",
            "]}>~|;:?!$%&/()=",
            "TestPassword123!",
        ] {
            assert_eq!(verdict(good), "taken", "{good}");
        }
    }

    #[test]
    fn a_password_shows_itself_nowhere() {
        let password: Password = serde_json::from_str("\"a secret of mine\"").unwrap();
        assert_eq!(format!("{password:?}"), "Password(***)");
        let long = format!("\"{}\"", "x".repeat(300));
        let refused = serde_json::from_str::<Password>(&long).unwrap_err().to_string();
        assert!(refused.starts_with("password_too_long: ") && !refused.contains("xxx"));
    }
}
