//! Links that are signed: who holds one may read one document until it expires. Pure.
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac::{self, HMAC_SHA256, Key};

use crate::types::{DocumentId, Timestamp};

/// The key of links is derived, so that one for something else can be made of the same secret.
const PURPOSE: &[u8] = b"busbar documents link v1";

/// Signs and checks links.
#[derive(Clone)]
pub(crate) struct Signer {
    key: Key,
}

/// Why a link does not lead anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsound {
    /// Not one of ours, or not as it was made.
    Invalid,
    Expired,
}

impl Signer {
    pub(crate) fn new(secret: &[u8; 32]) -> Signer {
        let derived = hmac::sign(&Key::new(HMAC_SHA256, secret), PURPOSE);
        Signer { key: Key::new(HMAC_SHA256, derived.as_ref()) }
    }

    /// The address of a document's content, good until then; whole seconds count.
    pub(crate) fn url(&self, id: DocumentId, until: Timestamp) -> String {
        let expires = until.seconds().to_string();
        let signature = hmac::sign(&self.key, &message(id, &expires));
        let signature = URL_SAFE_NO_PAD.encode(signature.as_ref());
        format!("/api/documents/{id}/content?expires={expires}&signature={signature}")
    }

    /// The texts as they stand in the address: whoever changes one of them has no signature for it.
    pub(crate) fn check(
        &self,
        id: DocumentId,
        expires: &str,
        signature: &str,
        now: Timestamp,
    ) -> Result<(), Unsound> {
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Unsound::Invalid)?;
        hmac::verify(&self.key, &message(id, expires), &signature).map_err(|_| Unsound::Invalid)?;
        let until = expires.parse().map_err(|_| Unsound::Invalid)?;
        if now < Timestamp::from_seconds(until) { Ok(()) } else { Err(Unsound::Expired) }
    }
}

fn message(id: DocumentId, expires: &str) -> Vec<u8> {
    format!("{id}\n{expires}").into_bytes()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn parts(url: &str) -> (String, String) {
        let (expires, signature) =
            url.split_once("?expires=").unwrap().1.split_once("&signature=").unwrap();
        (expires.to_owned(), signature.to_owned())
    }

    #[test]
    fn a_link_is_good_for_its_document_until_it_expires() {
        let (signer, id) = (Signer::new(&[7; 32]), DocumentId::new());
        let (expires, signature) = parts(&signer.url(id, Timestamp::from_seconds(1_000)));
        let at = |seconds| signer.check(id, &expires, &signature, Timestamp::from_seconds(seconds));
        assert_eq!(at(999), Ok(()));
        assert_eq!(at(1_000), Err(Unsound::Expired));
        let other =
            signer.check(DocumentId::new(), &expires, &signature, Timestamp::from_seconds(0));
        assert_eq!(other, Err(Unsound::Invalid));
        let stranger = Signer::new(&[8; 32]);
        let forged = stranger.check(id, &expires, &signature, Timestamp::from_seconds(0));
        assert_eq!(forged, Err(Unsound::Invalid));
    }

    #[test]
    fn no_character_of_a_link_can_be_changed() {
        let (signer, id) = (Signer::new(&[7; 32]), DocumentId::new());
        let (expires, signature) = parts(&signer.url(id, Timestamp::from_seconds(1_000)));
        let check = |expires: &str, signature: &str| {
            signer.check(id, expires, signature, Timestamp::from_seconds(0))
        };
        for at in 0..signature.len() {
            for other in ["A", "Q", "-", "="] {
                let mut changed = signature.clone();
                changed.replace_range(at..=at, other);
                if changed != signature {
                    assert_eq!(check(&expires, &changed), Err(Unsound::Invalid), "{changed}");
                }
            }
        }
        for changed in ["1001", "+1000", "01000", "1000 ", "", "x"] {
            assert_eq!(check(changed, &signature), Err(Unsound::Invalid), "{changed}");
        }
    }
}
