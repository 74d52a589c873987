//! SHA-256 of a content: its address on the disk, its entity tag, and what a sender may announce
//! (RFC 9530).
use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::types::{Refused, Text, text_form};

const LENGTH: usize = 32;

/// Written in lower-case hexadecimal.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Sha256([u8; LENGTH]);

impl Sha256 {
    pub(crate) fn new(bytes: [u8; LENGTH]) -> Sha256 {
        Sha256(bytes)
    }

    pub(crate) fn base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// The `sha-256` of a `Content-Digest` or `Repr-Digest` field; other algorithms beside it are
    /// let pass.
    pub(crate) fn announced(field: &str) -> Result<Sha256, Refused> {
        let invalid =
            || Refused::new("digest_invalid", "a digest is written like sha-256=:<base64>:");
        let mut members = field.split(',').filter_map(|member| member.trim().split_once('='));
        let (_, value) = members.find(|(name, _)| *name == "sha-256").ok_or_else(invalid)?;
        let inner = value.strip_prefix(':').and_then(|value| value.strip_suffix(':'));
        let bytes = inner.and_then(|inner| STANDARD.decode(inner).ok()).ok_or_else(invalid)?;
        bytes.try_into().map(Sha256).map_err(|_| invalid())
    }
}

impl Text for Sha256 {
    fn text(&self) -> Cow<'_, str> {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let invalid = || Refused::new("digest_invalid", "64 hexadecimal digits in lower case");
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 2 * LENGTH || !text.bytes().all(is_digit) {
            return Err(invalid());
        }
        let mut bytes = [0; LENGTH];
        for (at, byte) in bytes.iter_mut().enumerate() {
            let pair = &text[2 * at..2 * at + 2];
            *byte = u8::from_str_radix(pair, 16).map_err(|_| invalid())?;
        }
        Ok(Sha256(bytes))
    }
}
text_form!(Sha256);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const FIELD: &str = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";

    #[test]
    fn a_digest_is_announced_in_base64_and_kept_in_hexadecimal() {
        let digest = Sha256::announced(FIELD).unwrap();
        assert_eq!(digest.to_string(), EMPTY);
        assert_eq!(EMPTY.parse::<Sha256>().unwrap(), digest);
        assert_eq!(format!("sha-256=:{}:", digest.base64()), FIELD);
        assert_eq!(Sha256::announced(&format!("sha-512=:AA==:, {FIELD}")).unwrap(), digest);
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for bad in ["", "sha-512=:AA==:", "sha-256=AA==", "sha-256=:AA==:", "sha-256=:!:"] {
            assert_eq!(Sha256::announced(bad).unwrap_err().code(), "digest_invalid", "{bad}");
        }
        for bad in ["", &EMPTY.to_uppercase(), &EMPTY[1..]] {
            assert!(bad.parse::<Sha256>().is_err(), "{bad}");
        }
    }
}
